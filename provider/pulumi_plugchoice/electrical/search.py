"""The search for a wiring plan: chargers, their three shifts, and the currents that these add up to.

It keeps its time by counting steps, so that it gives the same plan on every machine. It adds up whole microamperes: the
last digits of a sum of decimals depend on the order of adding, and would choose between two equal plans.
"""

from __future__ import annotations

import itertools
import math
import random
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .figures import compute_usable_amps, round_amps
from .rotations import LINES, find_pair, shift_rotation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .figures import Installation, Point, Triple

# The loads of the three lines and, without a neutral, of the pairs of lines R-S, S-T, T-R.
_PARTS: Final = 6
_MICRO: Final = 1_000_000
#: How many pairs of chargers one search shifts at most, with and without a neutral. A count bounds its time to half a
#: second and still gives the same plan on every machine.
_MOST_SWAPS: Final = (6000, 800)
#: More pairs than that are not listed: those of 5,000 chargers would fill a gigabyte.
_MOST_PAIRS: Final = 200_000
#: Bounds the time on a large site in the same way: how many sums of groups one part of the search may change.
_MOST_UPDATES: Final = 300_000

#: µA.
Score = tuple[float, int, int, int]
#: With the number of chargers to rewire, which decides between equal scores.
FullScore = tuple[float, int, int, int, int]


@dataclass(frozen=True)
class Visit:
    """One charger to rewire.

    Attributes:
        charger: OCPP identity or UUID.
        before: rotation by connector number, as declared.
        after: rotation by connector number, as planned.
        single_phase: A per line of the site after this visit when every connector charges a one-phase car.
    """

    charger: str
    before: Mapping[int, str]
    after: Mapping[int, str]
    single_phase: Triple

    @property
    def worst_single_phase(self) -> float:
        """The highest of `single_phase` (A)."""
        return max(self.single_phase)


@dataclass(frozen=True)
class _Unit:
    """A charger and the loads that it adds to its group and the groups above it.

    Attributes:
        loads: for each of the three shifts, (groups, part, µA).
        lines: for each of the three shifts, the lines that it loads.
        groups: the groups that it loads.
        load: µA of all its sockets together.
    """

    charger: str
    points: tuple[Point, ...]
    loads: tuple[tuple[tuple[tuple[int, ...], int, int], ...], ...]
    lines: tuple[frozenset[int], ...]
    groups: tuple[int, ...]
    load: int


class Search:
    """A search: the chargers that can be shifted, and the sums that their current shifts add up to.

    Args:
        installation: the site as wired.
        fixed: chargers that are not shifted.
        planned: rotations by `Point.name` that somebody has planned. Then step 1 takes them instead of a shift.
    """

    def __init__(
        self, installation: Installation, fixed: frozenset[str], planned: Mapping[str, str] | None = None
    ) -> None:
        self._planned = planned
        self._has_neutral = installation.neutral
        names = [group.name for group in installation.groups]
        parents = {group.name: group.parent for group in installation.groups}
        places = {name: place for place, name in enumerate(names)}
        self._above = {name: tuple(places[above] for above in _list_ancestors(name, parents)) for name in names}
        self._usable = [
            math.inf
            if group.fuse_amps is None
            else compute_usable_amps(group.fuse_amps, installation.margin_percent) * _MICRO
            for group in installation.groups
        ]
        self._sums = [[0] * _PARTS for _ in names]
        # Kept up to date with the sums: a score needs all groups, and a shift changes few of them.
        self._worsts = [0] * len(names)
        self._excesses: list[float] = [0] * len(names)
        self._updates = 0
        # Without a neutral the currents of the pairs of lines have to be added as vectors.
        self._cost = 1 if self._has_neutral else 3
        for name, base in installation.base.items():
            for group, (line, amps) in itertools.product(self._above[name], enumerate(base)):
                self._sums[group][line] += round(amps * _MICRO)
        for group in range(len(names)):
            self._update_group(group)
        by_charger: dict[str, list[Point]] = {}
        # Sorted, so that the order of a file does not decide between two equal plans.
        for point in sorted(installation.points, key=lambda item: (item.charger, item.connector_id)):
            by_charger.setdefault(point.charger, []).append(point)
        self.units: list[_Unit] = []
        unmoved: list[_Unit] = []
        for charger, points in by_charger.items():
            loads = tuple(tuple(self._compute_loads(points, step)) for step in range(3))
            groups = tuple({group for point in points for group in self._above[point.group]})
            lines = tuple(frozenset(part for _, part, _ in load) for load in loads)
            unit = _Unit(charger, tuple(points), loads, lines, groups, sum(amount for _, _, amount in loads[0]))
            (unmoved if charger in fixed else self.units).append(unit)
        self._add_all(((unit, 0) for unit in unmoved), 1)
        self._pairs = self._draw_pairs()
        # No plan is better than an even spread; of whole amperes, when all loads are.
        unmoved_lines = self._compute_lines(0)
        movable = sum(unit.load for unit in self.units)
        grain = 1 if any(line % _MICRO for line in unmoved_lines) else _MICRO
        self._bound = max(math.ceil((sum(unmoved_lines) + movable) / (3 * grain)) * grain, *unmoved_lines)

    def _draw_pairs(self) -> list[tuple[int, int]]:
        """List the pairs of chargers. Shuffled, so that those within the bound come from all groups."""
        count = len(self.units)
        draw = random.Random(0)  # noqa: S311 - not used for security; the same on every machine
        if math.comb(count, 2) > _MOST_PAIRS:
            drawn = ((draw.randrange(count), draw.randrange(count)) for _ in range(_MOST_PAIRS // 10))
            return [(min(pair), max(pair)) for pair in drawn if pair[0] != pair[1]]
        pairs = list(itertools.combinations(range(count), 2))
        draw.shuffle(pairs)
        return pairs

    def _compute_loads(self, points: Sequence[Point], step: int) -> Iterator[tuple[tuple[int, ...], int, int]]:
        for point in points:
            rotation = self.turn(point, step)
            pair = None if self._has_neutral else find_pair(rotation)
            part = LINES.index(rotation[0]) if pair is None else len(LINES) + pair
            yield self._above[point.group], part, point.amps * _MICRO

    def turn(self, point: Point, step: int) -> str:
        """Return the rotation of a point after a step of its charger."""
        if self._planned is None:
            return shift_rotation(point.rotation, step)
        return self._planned.get(point.name, point.rotation) if step else point.rotation

    def _add(self, unit: _Unit, step: int, sign: int) -> None:
        for groups, part, amount in unit.loads[step]:
            for group in groups:
                self._sums[group][part] += sign * amount
        for group in unit.groups:
            self._update_group(group)
        self._updates += len(unit.groups) * self._cost

    def _update_group(self, group: int) -> None:
        lines = self._compute_lines(group)
        allowed = self._usable[group]
        worst = self._worsts[group] = max(lines)
        self._excesses[group] = sum(line - allowed for line in lines if line > allowed) if worst > allowed else 0

    def _compute_lines(self, group: int) -> list[int]:
        """The µA on the three lines."""
        r, s, t, rs, st, tr = self._sums[group]
        if self._has_neutral:
            return [r, s, t]
        half = math.sqrt(3) / 2
        return [
            round(there + math.hypot(half * (x + y), (x - y) / 2))
            for there, x, y in ((r, rs, tr), (s, st, rs), (t, tr, st))
        ]

    def _score(self) -> Score:
        root = self._compute_lines(0)
        worst = self._worsts[0]
        return sum(self._excesses), worst, worst - min(root), sum(self._worsts)

    def _put(self, steps: Sequence[int], sign: int) -> None:
        self._add_all(zip(self.units, steps, strict=True), sign)

    def _add_all(self, shifts: Iterable[tuple[_Unit, int]], sign: int) -> None:
        """Add many at once: each to its own group, and then each group to those above it."""
        added = [[0] * _PARTS for _ in self._sums]
        for unit, step in shifts:
            for groups, part, amount in unit.loads[step]:
                added[groups[0]][part] += sign * amount
        for group, above in zip(added, self._above.values(), strict=True):
            if any(group):
                for place in above:
                    self._sums[place] = [old + new for old, new in zip(self._sums[place], group, strict=True)]
        for place in range(len(added)):
            self._update_group(place)

    def compare_all(self) -> list[int]:
        """Compare all plans and return the shifts of the best one."""
        best: tuple[FullScore, list[int]] | None = None
        steps = [0] * len(self.units)

        def descend(place: int, rewired: int) -> None:
            nonlocal best
            if place == len(self.units):
                score = (*self._score(), rewired)
                if best is None or score < best[0]:
                    best = (score, list(steps))
                return
            for step in range(3):
                steps[place] = step
                self._add(self.units[place], step, 1)
                descend(place + 1, rewired + (step > 0))
                self._add(self.units[place], step, -1)

        descend(0, 0)
        assert best is not None  # noqa: S101 - the plan without a shift always exists
        return best[1]

    def improve(self) -> list[int]:
        """Return the better result of two searches: from the declared rotations, and from the largest charger down."""
        as_declared = self._climb([0] * len(self.units))
        work = 7 * self._cost * sum(len(unit.groups) for unit in self.units)
        if work > _MOST_UPDATES:
            return as_declared[1]
        return min(as_declared, self._climb(self._place_largest_first()))[1]

    def _place_largest_first(self) -> list[int]:
        steps = [0] * len(self.units)
        order = sorted(range(len(self.units)), key=lambda place: -self.units[place].load)
        for place in order:
            scores = []
            for step in range(3):
                self._add(self.units[place], step, 1)
                scores.append((self._score(), step))
                self._add(self.units[place], step, -1)
            steps[place] = min(scores)[1]
            self._add(self.units[place], steps[place], 1)
        self._put(steps, -1)
        return steps

    def _climb(self, start: Sequence[int]) -> tuple[FullScore, list[int]]:
        """Shift one charger, or two at once, as long as the score improves."""
        steps = list(start)
        self._trials = 0
        self._put(steps, 1)
        self._updates = 0
        better: FullScore | None = (*self._score(), _count_rewired(steps))
        while better is not None:
            score = better
            better = self._move(steps, score)
            if better is None and not self._is_at_bound(score):
                better = self._swap(steps, score)
        self._put(steps, -1)
        return score, steps

    def _is_at_bound(self, score: FullScore) -> bool:
        return self._has_neutral and score[0] == 0 and score[1] <= self._bound

    def _move(self, steps: list[int], score: FullScore) -> FullScore | None:
        """Give each charger its best shift in turn. Return the new score, or None when nothing improved."""
        rewired = _count_rewired(steps)
        best = score
        for place, unit in enumerate(self.units):
            if self._updates >= _MOST_UPDATES:
                break
            old = steps[place]
            kept = old
            self._add(unit, old, -1)
            for step in range(3):
                if step == old:
                    continue
                self._add(unit, step, 1)
                now = (*self._score(), rewired - (old > 0) + (step > 0))
                self._add(unit, step, -1)
                if now < best:
                    best, kept = now, step
            self._add(unit, kept, 1)
            steps[place] = kept
            rewired += (kept > 0) - (old > 0)
        return best if best < score else None

    def _swap(self, steps: list[int], score: FullScore) -> FullScore | None:
        """Shift two chargers at once and keep the first pair that improves the score."""
        lines = self._compute_lines(0)
        worst = lines.index(max(lines))
        for one, other in self._pairs:
            old = steps[one], steps[other]
            first, second = self.units[one], self.units[other]
            if self._has_neutral and not (worst in first.lines[old[0]] or worst in second.lines[old[1]]):
                continue
            if first.load == second.load and old[0] == old[1] and first.points[0].group == second.points[0].group:
                continue  # equal chargers: a single move has covered this
            self._trials += 1
            if self._trials > _MOST_SWAPS[not self._has_neutral] or self._updates >= _MOST_UPDATES:
                return None
            self._add(first, old[0], -1)
            self._add(second, old[1], -1)
            for new in itertools.product(range(3), repeat=2):
                if new[0] == old[0] or new[1] == old[1]:
                    continue
                self._add(first, new[0], 1)
                self._add(second, new[1], 1)
                now = self._score()
                # The less important parts of the score are left to single moves: there are too many pairs.
                if now[:3] < score[:3]:
                    steps[one], steps[other] = new
                    return (*now, _count_rewired(steps))
                self._add(first, new[0], -1)
                self._add(second, new[1], -1)
            self._add(first, old[0], 1)
            self._add(second, old[1], 1)
        return None

    def order_visits(self, steps: Sequence[int]) -> Iterator[Visit]:
        """Order the chargers to rewire: each time the one that helps most next, within the bound of the search."""
        now = [0] * len(self.units)
        self._put(now, 1)
        self._updates = 0
        # Of chargers that change the same sums in the same way, one stands for all: the first that is left.
        alike: dict[object, deque[int]] = {}
        for place, step in enumerate(steps):
            if step:
                unit = self.units[place]
                alike.setdefault((unit.loads[0], unit.loads[step]), deque()).append(place)

        def rank(change: object) -> tuple[Score, int]:
            place = alike[change][0]
            return self._try_shift(place, steps[place]), place

        while alike:
            change = next(iter(alike))
            if self._updates < _MOST_UPDATES:
                change = min(alike, key=rank)
            place = alike[change].popleft()
            if not alike[change]:
                del alike[change]
            unit = self.units[place]
            self._add(unit, 0, -1)
            self._add(unit, steps[place], 1)
            before = {point.connector_id: point.rotation for point in unit.points}
            after = {point.connector_id: self.turn(point, steps[place]) for point in unit.points}
            l1, l2, l3 = (round_amps(line / _MICRO) for line in self._compute_lines(0))
            yield Visit(unit.charger, before, after, (l1, l2, l3))

    def _try_shift(self, place: int, step: int) -> Score:
        """Return the score after one charger is shifted."""
        unit = self.units[place]
        self._add(unit, 0, -1)
        self._add(unit, step, 1)
        score = self._score()
        self._add(unit, step, -1)
        self._add(unit, 0, 1)
        return score


def _count_rewired(steps: Sequence[int]) -> int:
    return sum(step > 0 for step in steps)


def _list_ancestors(name: str | None, parents: Mapping[str, str | None]) -> Iterator[str]:
    """Yield a group and all groups above it."""
    while name is not None:
        yield name
        name = parents[name]
