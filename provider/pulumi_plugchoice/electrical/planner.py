"""A plan of rotations: which chargers to rewire so that one-phase cars spread over the lines. Pure.

A plan is for the installer. It never changes what is declared: applied before the rewiring it would let the load
balancer believe in amps that are not there.

What is better is decided in this order: less over any fuse; less on the most loaded line of the site; less between two
lines; less on the most loaded lines of all groups; fewer chargers rewired. A charger is turned as a whole: its sockets
share one cable. Up to 8 movable chargers all plans are tried (6,561); beyond, a search that never ends worse than it
began.
"""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from .figures import figures, usable
from .rotations import LINES, pair_of, turned

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from .figures import Figures, Installation, Point

MOST_ENUMERATED: Final = 8
# A load is counted on the lines, and without neutral on the pairs of lines R-S, S-T, T-R as well.
_PARTS: Final = 6
# Sums of square roots differ in their last digits by the order of adding.
_DIGITS: Final = 6
#: Pairs of chargers that one search tries to turn at once, with and without neutral: a bound on its time (half a
#: second) that gives every machine the same plan.
_MOST_SWAPS: Final = (6000, 800)

Score = tuple[float, float, float, float, int]


@dataclass(frozen=True)
class Visit:
    """One charger to rewire.

    Attributes:
        charger: OCPP identity or UUID.
        before: rotation by connector number, as declared.
        after: rotation by connector number, as planned.
        worst_single_phase: A on the most loaded line of the site after this visit, every point in use by a one-phase
            car.
    """

    charger: str
    before: Mapping[int, str]
    after: Mapping[int, str]
    worst_single_phase: float


@dataclass(frozen=True)
class Plan:
    """Which chargers to rewire, in the order in which it helps most.

    Attributes:
        rotations: of all chargers, by connector number, once all visits are made.
        visits: the chargers to rewire.
        before: the figures as declared.
        after: the figures once all visits are made.
        is_optimal: whether no better plan exists (all were tried); else none was found.
    """

    rotations: Mapping[str, Mapping[int, str]]
    visits: tuple[Visit, ...]
    before: Figures
    after: Figures
    is_optimal: bool


def plan_rotation(installation: Installation, fixed: Collection[str] = ()) -> Plan:
    """The best plan that is found, never worse than what is declared.

    Args:
        installation: as declared.
        fixed: chargers that are not to be rewired.
    """
    search = _Search(installation, frozenset(fixed))
    is_optimal = len(search.units) <= MOST_ENUMERATED
    steps = search.all_plans() if is_optimal else search.improve()
    visits = tuple(search.ladder(steps))
    rotations: dict[str, dict[int, str]] = {}
    turns = {unit.charger: step for unit, step in zip(search.units, steps, strict=True)}
    points = []
    for point in installation.points:
        rotation = turned(point.rotation, turns.get(point.charger, 0))
        rotations.setdefault(point.charger, {})[point.connector_id] = rotation
        points.append(replace(point, rotation=rotation))
    after = figures(replace(installation, points=tuple(points)))
    return Plan(rotations, visits, figures(installation), after, is_optimal)


@dataclass(frozen=True)
class _Unit:
    """A charger that can be turned: what it adds to each group that it is under, by number of steps.

    Attributes:
        loads: for each of the three steps, what is added to (group, part).
        lines: for each of the three steps, the lines that are loaded.
        groups: the groups that this changes.
    """

    charger: str
    points: tuple[Point, ...]
    loads: tuple[tuple[tuple[int, int, float], ...], ...]
    lines: tuple[frozenset[int], ...]
    groups: tuple[int, ...]
    amps: float


class _Search:
    """The state of a search: the step of each unit, and the sums that they make."""

    def __init__(self, installation: Installation, fixed: frozenset[str]) -> None:
        self._has_neutral = installation.neutral
        names = [group.name for group in installation.groups]
        parents = {group.name: group.parent for group in installation.groups}
        self._above = {name: [names.index(above) for above in _chain(name, parents)] for name in names}
        self._usable = [
            math.inf if group.fuse_amps is None else usable(group.fuse_amps, installation.margin_percent)
            for group in installation.groups
        ]
        self._sums = [[0.0] * _PARTS for _ in names]
        # Kept with the sums, as a score needs them of all groups and a step changes few.
        self._worsts = [0.0] * len(names)
        self._excesses = [0.0] * len(names)
        self._trials = 0
        for name, base in installation.base.items():
            for group, (line, amps) in itertools.product(self._above[name], enumerate(base)):
                self._sums[group][line] += amps
        for group in range(len(names)):
            self._weigh(group)
        by_charger: dict[str, list[Point]] = {}
        # Sorted: the order of a file must not decide which of two equal plans is taken.
        for point in sorted(installation.points, key=lambda item: (item.charger, item.connector_id)):
            by_charger.setdefault(point.charger, []).append(point)
        self.units: list[_Unit] = []
        for charger, points in by_charger.items():
            loads = tuple(tuple(self._loads(points, step)) for step in range(3))
            groups = tuple(sorted({group for group, _, _ in loads[0]}))
            lines = tuple(frozenset(part for _, part, _ in load) for load in loads)
            unit = _Unit(charger, tuple(points), loads, lines, groups, sum(point.amps for point in points))
            if charger in fixed:
                self._add(unit, 0, 1)
            else:
                self.units.append(unit)
        self._pairs = list(itertools.combinations(range(len(self.units)), 2))
        # Mixed, so that the few that time allows are of all groups; the same on every machine.
        random.Random(0).shuffle(self._pairs)  # noqa: S311 - guards nothing
        # Nothing can be better than an even spread of what is there.
        movable = sum(unit.amps for unit in self.units)
        even = math.ceil((sum(self._sums[0][:3]) + movable) / 3 - 1e-9) if self._has_neutral else 0
        self._bound = max(even, *self._sums[0][:3])

    def _loads(self, points: Sequence[Point], step: int) -> Iterator[tuple[int, int, float]]:
        for point in points:
            rotation = turned(point.rotation, step)
            pair = None if self._has_neutral else pair_of(rotation)
            part = LINES.index(rotation[0]) if pair is None else len(LINES) + pair
            for group in self._above[point.group]:
                yield group, part, point.amps

    def _add(self, unit: _Unit, step: int, sign: int) -> None:
        for group, part, amps in unit.loads[step]:
            self._sums[group][part] += sign * amps
        for group in unit.groups:
            self._weigh(group)

    def _weigh(self, group: int) -> None:
        lines = self._lines(group)
        allowed = self._usable[group]
        worst = self._worsts[group] = max(lines)
        self._excesses[group] = sum(line - allowed for line in lines if line > allowed) if worst > allowed else 0.0

    def _lines(self, group: int) -> list[float]:
        r, s, t, rs, st, tr = self._sums[group]
        if self._has_neutral:
            return [r, s, t]
        half = math.sqrt(3) / 2
        return [
            round(there + math.hypot(half * (x + y), (x - y) / 2), _DIGITS)
            for there, x, y in ((r, rs, tr), (s, st, rs), (t, tr, st))
        ]

    def _score(self, rewired: int) -> Score:
        root = self._lines(0)
        worst = self._worsts[0]
        return (
            round(sum(self._excesses), _DIGITS),
            worst,
            worst - min(root),
            round(sum(self._worsts), _DIGITS),
            rewired,
        )

    def _put(self, steps: Sequence[int], sign: int) -> None:
        for unit, step in zip(self.units, steps, strict=True):
            self._add(unit, step, sign)

    def all_plans(self) -> list[int]:
        """The best of all plans."""
        best: tuple[Score, list[int]] | None = None
        steps = [0] * len(self.units)

        def descend(place: int, rewired: int) -> None:
            nonlocal best
            if place == len(self.units):
                score = self._score(rewired)
                if best is None or score < best[0]:
                    best = (score, list(steps))
                return
            for step in range(3):
                steps[place] = step
                self._add(self.units[place], step, 1)
                descend(place + 1, rewired + (step > 0))
                self._add(self.units[place], step, -1)

        descend(0, 0)
        assert best is not None  # noqa: S101 - there is always the plan of no steps
        return best[1]

    def improve(self) -> list[int]:
        """The better one of two searches: from what is declared, and from the largest chargers first."""
        as_declared = [0] * len(self.units)
        found = [self._climb(start) for start in (as_declared, self._largest_first())]
        return min(found)[1]

    def _largest_first(self) -> list[int]:
        steps = [0] * len(self.units)
        order = sorted(range(len(self.units)), key=lambda place: -self.units[place].amps)
        for place in order:
            scores = []
            for step in range(3):
                self._add(self.units[place], step, 1)
                scores.append((self._score(int(step > 0)), step))
                self._add(self.units[place], step, -1)
            steps[place] = min(scores)[1]
            self._add(self.units[place], steps[place], 1)
        self._put(steps, -1)
        return steps

    def _climb(self, start: Sequence[int]) -> tuple[Score, list[int]]:
        """Move one charger, or let two change, as long as that makes it better."""
        steps = list(start)
        self._trials = 0
        self._put(steps, 1)
        score = self._score(_rewired(steps))
        while True:
            better = self._move(steps, score)
            if better is None and not self._is_at_bound(score):
                better = self._swap(steps, score)
            if better is None:
                break
            score = better
        self._put(steps, -1)
        return score, steps

    def _is_at_bound(self, score: Score) -> bool:
        return self._has_neutral and score[0] == 0 and score[1] <= self._bound

    def _move(self, steps: list[int], score: Score) -> Score | None:
        """Turn each charger once as it is best; the new score, or None when nothing got better."""
        rewired = _rewired(steps)
        best = score
        for place, unit in enumerate(self.units):
            old = steps[place]
            kept = old
            self._add(unit, old, -1)
            for step in range(3):
                if step == old:
                    continue
                self._add(unit, step, 1)
                now = self._score(rewired - (old > 0) + (step > 0))
                self._add(unit, step, -1)
                if now < best:
                    best, kept = now, step
            self._add(unit, kept, 1)
            steps[place] = kept
            rewired += (kept > 0) - (old > 0)
        return best if best < score else None

    def _swap(self, steps: list[int], score: Score) -> Score | None:
        """Turn two chargers at once; the first pair that makes it better is taken."""
        rewired = _rewired(steps)
        lines = self._lines(0)
        worst = lines.index(max(lines))
        for one, other in self._pairs:
            old = steps[one], steps[other]
            first, second = self.units[one], self.units[other]
            if self._has_neutral and not (worst in first.lines[old[0]] or worst in second.lines[old[1]]):
                continue
            if first.amps == second.amps and old[0] == old[1] and first.points[0].group == second.points[0].group:
                continue  # alike: a move has tried the same
            self._trials += 1
            if self._trials > _MOST_SWAPS[not self._has_neutral]:
                return None
            self._add(first, old[0], -1)
            self._add(second, old[1], -1)
            for new in itertools.product(range(3), repeat=2):
                if new[0] == old[0] or new[1] == old[1]:
                    continue
                self._add(first, new[0], 1)
                self._add(second, new[1], 1)
                count = rewired + (new[0] > 0) + (new[1] > 0) - (old[0] > 0) - (old[1] > 0)
                now = self._score(count)
                # What is less important is left to single moves: there are too many pairs to spend on it.
                if now[:3] < score[:3]:
                    steps[one], steps[other] = new
                    return now
                self._add(first, new[0], -1)
                self._add(second, new[1], -1)
            self._add(first, old[0], 1)
            self._add(second, old[1], 1)
        return None

    def ladder(self, steps: Sequence[int]) -> Iterator[Visit]:
        """The chargers to rewire, each time the one that helps most next."""
        now = [0] * len(self.units)
        self._put(now, 1)
        left = [place for place, step in enumerate(steps) if step]
        while left:
            scores = []
            for place in left:
                self._add(self.units[place], 0, -1)
                self._add(self.units[place], steps[place], 1)
                scores.append((self._score(0), place))
                self._add(self.units[place], steps[place], -1)
                self._add(self.units[place], 0, 1)
            score, place = min(scores)
            left.remove(place)
            unit = self.units[place]
            self._add(unit, 0, -1)
            self._add(unit, steps[place], 1)
            before = {point.connector_id: point.rotation for point in unit.points}
            after = {number: turned(rotation, steps[place]) for number, rotation in before.items()}
            worst = round(score[1], 2)
            yield Visit(unit.charger, before, after, int(worst) if worst == int(worst) else worst)


def _rewired(steps: Sequence[int]) -> int:
    return sum(step > 0 for step in steps)


def _chain(name: str | None, parents: Mapping[str, str | None]) -> Iterator[str]:
    """A group and all that it hangs below."""
    while name is not None:
        yield name
        name = parents[name]
