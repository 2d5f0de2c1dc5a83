"""Amps per building line that the declared connectors add up to. Pure: no I/O.

Letter n of a rotation is the building line (R, S, T are L1, L2, L3) that feeds the connector's terminal Ln.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .rotations import LINES, pair_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: A on the building lines L1, L2, L3 (R, S, T).
Triple = tuple[float, float, float]

VOLTS: Final = 230
#: The least that a car charges with (A, IEC 61851-1 as told by secondary sources).
LEAST_AMPS: Final = 6


@dataclass(frozen=True)
class Point:
    """A connector that can draw AC.

    Attributes:
        charger: OCPP identity or UUID, as declared.
        connector_id: OCPP connector number.
        rotation: one of `PHASE_ROTATIONS`.
        amps: A per phase.
        group: name of its group.
    """

    charger: str
    connector_id: int
    rotation: str
    amps: int
    group: str

    @property
    def name(self) -> str:
        """`HRB-001/1`."""
        return f"{self.charger}/{self.connector_id}"


@dataclass(frozen=True)
class Group:
    """A load-balancing group.

    Attributes:
        name: unique in its site.
        parent: name of the group above it; None: the root, which is the main fuse.
        fuse_amps: A per line; None: no fuse of its own.
    """

    name: str
    parent: str | None
    fuse_amps: int | None


@dataclass(frozen=True)
class Installation:
    """A site as the figures see it.

    Attributes:
        net_type: `TN`, `TT` or `IT`.
        neutral: False: one-phase loads hang between two lines (IT, and TT as in Norway).
        margin_percent: kept free of each fuse.
        groups: the root first.
        points: the connectors.
        base: A that are there besides AC charging, by group: the building in the root, DC chargers in theirs.
    """

    net_type: str
    neutral: bool
    margin_percent: int
    groups: tuple[Group, ...]
    points: tuple[Point, ...]
    base: Mapping[str, Triple]


@dataclass(frozen=True)
class GroupFigures:
    """Figures of a group with all that hangs below it; base included.

    Attributes:
        name: of the group.
        parent: name of the group above it, or None.
        usable: A per line that its fuse leaves after the margin; None without a fuse.
        single_phase: A per line when every point charges a one-phase car.
        three_phase: A per line when every point charges a three-phase car; not capped by any fuse.
        limited: A per line of `three_phase` that the fuses of this group and those below it let through; with neutral
            only.
        share: A for each point when all charge and share alike; for information, as the real sharing is not documented.
    """

    name: str
    parent: str | None
    usable: int | None
    single_phase: Triple
    three_phase: Triple
    limited: Triple | None
    share: int | None


@dataclass(frozen=True)
class Figures:
    """What the points of a site add up to; A unless said, base included.

    Attributes:
        usable: per line, what the main fuse leaves after the margin.
        single_phase: per line, every point in use by a one-phase car.
        three_phase: per line, every point in use by a three-phase car: bounds every mix of cars.
        full_imbalance: between the most and the least loaded line of `single_phase`.
        worst_imbalance: between two lines, some points in use and some empty, at worst. None without neutral.
        cars_at_6_amps: one-phase cars that can charge at once with 6 A each.
        groups: the root first.
    """

    usable: int
    single_phase: Triple
    three_phase: Triple
    full_imbalance: float
    worst_imbalance: float | None
    cars_at_6_amps: int
    groups: tuple[GroupFigures, ...]

    @property
    def headroom_single_phase(self) -> Triple:
        """Usable less `single_phase`, per line."""
        return _triple(self.usable - amps for amps in self.single_phase)

    @property
    def headroom_three_phase(self) -> Triple:
        """Usable less `three_phase`, per line; negative: the site relies on load balancing."""
        return _triple(self.usable - amps for amps in self.three_phase)


def usable(fuse_amps: int, margin_percent: int) -> int:
    """A per line that a fuse leaves after the margin, rounded down (DEFA CLU manual: about 5 %)."""
    return fuse_amps * (100 - margin_percent) // 100


def volt_amperes(amps: float) -> float:
    """VA on one line at 230 V."""
    return VOLTS * amps


def single_phase(points: Iterable[Point], base: Triple = (0, 0, 0)) -> Triple:
    """A per line with neutral, every point in use by a one-phase car: it loads the line of the first letter."""
    lines = list(base)
    for point in points:
        lines[LINES.index(point.rotation[0])] += point.amps
    return _triple(lines)


def three_phase(points: Iterable[Point], base: Triple = (0, 0, 0)) -> Triple:
    """A per line, every point loading each of its lines in full: bounds every mix of cars, on every kind of net.

    Without neutral it is a bound as well: plain sums are at most 15.5 % higher than what adds up by angle.
    """
    lines = list(base)
    for point in points:
        for letter in point.rotation:
            lines[LINES.index(letter)] += point.amps
    return _triple(lines)


def line_currents(pairs: Triple, three: float = 0) -> Triple:
    """A per line without neutral, of loads between the lines R-S, S-T, T-R and an even three-phase one.

    Equal power factor. At line R the loads R-S and T-R meet at plus and minus 30 degrees of the line's own voltage:
    sqrt((sqrt(3)/2 * (x + y) + three)^2 + ((x - y) / 2)^2) (elbilforum.no, topic 32163, for two loads).

    Args:
        pairs: A of all loads between R and S, S and T, T and R.
        three: A per line.
    """
    met = ((pairs[0], pairs[2]), (pairs[1], pairs[0]), (pairs[2], pairs[1]))
    return _triple(math.hypot(math.sqrt(3) / 2 * (x + y) + three, (x - y) / 2) for x, y in met)


def single_phase_without_neutral(points: Iterable[Point], base: Triple = (0, 0, 0)) -> Triple:
    """A per line without neutral, every point in use by a one-phase car. Building amps add up as plain numbers.

    A point with one letter has no second line to hang on; its amps are added to that line.
    """
    pairs = [0.0, 0.0, 0.0]
    lines = list(base)
    for point in points:
        place = pair_of(point.rotation)
        if place is None:
            lines[LINES.index(point.rotation)] += point.amps
        else:
            pairs[place] += point.amps
    drawn = line_currents((pairs[0], pairs[1], pairs[2]))
    return _triple(there + more for there, more in zip(lines, drawn, strict=True))


def imbalance(lines: Triple) -> float:
    """A between the most and the least loaded line."""
    return _whole(max(lines) - min(lines))


def worst_imbalance(points: Iterable[Point], base: Triple = (0, 0, 0)) -> float:
    """A between two lines when the points of one are in use and those of the other are empty, at worst."""
    drawn = single_phase(points)
    return _whole(max(base[p] + drawn[p] - base[q] for p in range(3) for q in range(3) if p != q))


def cars_at_6_amps(installation: Installation) -> int:
    """One-phase cars that can charge at once with 6 A each, within the usable amps of the main fuse.

    Without neutral those that fit when the pairs of lines are filled evenly.
    """
    root = installation.groups[0]
    amps = usable(root.fuse_amps or 0, installation.margin_percent)
    base = _below(installation, root.name)[1]
    if installation.neutral:
        return sum(
            min(
                sum(point.rotation[0] == letter for point in installation.points),
                int(max(0, amps - base[place]) // LEAST_AMPS),
            )
            for place, letter in enumerate(LINES)
        )
    return _cars_on_pairs(installation, [max(0.0, amps - there) for there in base])


def _cars_on_pairs(installation: Installation, free: list[float]) -> int:
    """One more on each pair that has a point left, as long as the whole round fits."""
    left = [sum(pair_of(point.rotation) == place for point in installation.points) for place in range(3)]
    cars = [0, 0, 0]
    while any(left):
        more = [there + (rest > 0) for there, rest in zip(cars, left, strict=True)]
        drawn = line_currents((more[0] * LEAST_AMPS, more[1] * LEAST_AMPS, more[2] * LEAST_AMPS))
        if any(amps > there for amps, there in zip(drawn, free, strict=True)):
            break
        cars, left = more, [max(0, rest - 1) for rest in left]
    return sum(cars)


def figures(installation: Installation) -> Figures:
    """All figures of a site."""
    points, base = installation.points, _below(installation, installation.groups[0].name)[1]
    groups = tuple(_group_figures(installation, group) for group in installation.groups)
    main = installation.groups[0].fuse_amps or 0
    return Figures(
        usable=usable(main, installation.margin_percent),
        single_phase=groups[0].single_phase,
        three_phase=groups[0].three_phase,
        full_imbalance=imbalance(groups[0].single_phase),
        worst_imbalance=worst_imbalance(points, base) if installation.neutral else None,
        cars_at_6_amps=cars_at_6_amps(installation),
        groups=groups,
    )


def _group_figures(installation: Installation, group: Group) -> GroupFigures:
    points, base = _below(installation, group.name)
    one_phase = single_phase if installation.neutral else single_phase_without_neutral
    amps = None if group.fuse_amps is None else usable(group.fuse_amps, installation.margin_percent)
    return GroupFigures(
        name=group.name,
        parent=group.parent,
        usable=amps,
        single_phase=one_phase(points, base),
        three_phase=three_phase(points, base),
        limited=_limited(installation, group) if installation.neutral else None,
        share=None if amps is None or not points else amps // len(points),
    )


def _below(installation: Installation, name: str) -> tuple[list[Point], Triple]:
    """The points of a group and of all groups below it, and their base."""
    names = {name}
    # Parents may stand after their children: as often as there are groups is enough.
    for _ in installation.groups:
        names |= {group.name for group in installation.groups if group.parent in names}
    bases = [installation.base[group] for group in sorted(names) if group in installation.base]
    base = _triple(sum(lines) for lines in zip(*bases, strict=True)) if bases else (0, 0, 0)
    return [point for point in installation.points if point.group in names], base


def _limited(installation: Installation, group: Group) -> Triple:
    """C_g = min(usable_g, own + sum of the children's C), per line."""
    own = three_phase(
        [point for point in installation.points if point.group == group.name],
        installation.base.get(group.name, (0, 0, 0)),
    )
    children = [_limited(installation, child) for child in installation.groups if child.parent == group.name]
    connected = [sum(lines) for lines in zip(own, *children, strict=True)]
    if group.fuse_amps is None:
        return _triple(connected)
    amps = usable(group.fuse_amps, installation.margin_percent)
    return _triple(min(amps, line) for line in connected)


def _triple(lines: Iterable[float]) -> Triple:
    first, second, third = (_whole(line) for line in lines)
    return first, second, third


def _whole(amps: float) -> float:
    """To two decimals, and as an int when nothing is lost: figures are stored and compared."""
    rounded = round(amps, 2)
    return int(rounded) if rounded == int(rounded) else rounded
