"""The current per building line (A) that the connectors of a site add up to.

Letter n of a rotation is the building line (R, S, T are L1, L2, L3) that feeds the connector's terminal Ln.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .rotations import LINES, find_pair

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: A on the building lines L1, L2, L3 (R, S, T).
Triple = tuple[float, float, float]

VOLTS: Final = 230
#: The lowest current that a car charges with (A, IEC 61851-1 according to secondary sources).
LEAST_AMPS: Final = 6


@dataclass(frozen=True)
class Point:
    """A connector that can charge with AC.

    Attributes:
        charger: OCPP identity or UUID, as declared.
        connector_id: OCPP connector number.
        rotation: one of `PHASE_ROTATIONS`.
        amps: maximum current, A per phase.
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
        parent: name of the parent group; None for the root, whose fuse is the main fuse.
        fuse_amps: A per line; None without a fuse.
        group_id: number of the group in Plugchoice; None when it is not declared.
    """

    name: str
    parent: str | None
    fuse_amps: int | None
    group_id: int | None = None


@dataclass(frozen=True)
class Installation:
    """The electrical side of a site.

    Attributes:
        net_type: `TN`, `TT` or `IT`.
        neutral: False when one-phase loads are connected between two lines (IT, and TT as in Norway).
        margin_percent: part of each fuse to keep free, %.
        groups: the root first.
        points: the connectors that can charge with AC.
        base: A per line of all other loads, by group: the building in the root, DC chargers in their group.
    """

    net_type: str
    neutral: bool
    margin_percent: int
    groups: tuple[Group, ...]
    points: tuple[Point, ...]
    base: Mapping[str, Triple]


@dataclass(frozen=True)
class GroupFigures:
    """The figures of a group with its subgroups, base included.

    Attributes:
        name: name of the group.
        parent: name of the parent group, or None.
        usable_amps: A per line of its fuse after the safety margin; None without a fuse.
        single_phase: A per line when every connector charges a one-phase car.
        three_phase: A per line when every connector charges a three-phase car. No fuse caps it.
    """

    name: str
    parent: str | None
    usable_amps: int | None
    single_phase: Triple
    three_phase: Triple


@dataclass(frozen=True)
class Figures:
    """The figures of a site, base included.

    Attributes:
        usable_amps: A per line of the main fuse after the safety margin.
        single_phase: A per line when every connector charges a one-phase car.
        three_phase: A per line when every connector charges a three-phase car. No mix of cars draws more.
        full_imbalance: A between the most and the least loaded line of `single_phase`.
        worst_imbalance: highest difference between two lines (A) when some connectors charge a one-phase car and
            others are empty. None without a neutral.
        cars_at_6_amps: number of one-phase cars that can charge at the same time with 6 A each.
        groups: the root first.
    """

    usable_amps: int
    single_phase: Triple
    three_phase: Triple
    full_imbalance: float
    worst_imbalance: float | None
    cars_at_6_amps: int
    groups: tuple[GroupFigures, ...]


def compute_figures(installation: Installation) -> Figures:
    """Compute all figures of a site.

    Args:
        installation: groups, connectors and other loads, as declared.

    Returns:
        Currents in A on L1, L2, L3, for the whole site and for each group.
    """
    loads = _add_up(installation)
    groups = tuple(_compute_group(installation, group, loads[group.name]) for group in installation.groups)
    root = groups[0]
    base = loads[root.name].base
    usable_amps = root.usable_amps or 0
    return Figures(
        usable_amps=usable_amps,
        single_phase=root.single_phase,
        three_phase=root.three_phase,
        full_imbalance=compute_imbalance(root.single_phase),
        worst_imbalance=compute_worst_imbalance(installation.points, base) if installation.neutral else None,
        cars_at_6_amps=_count_cars(installation, [usable_amps - amps for amps in base]),
        groups=groups,
    )


@dataclass(frozen=True)
class _Loads:
    """All loads of a group and its subgroups, each added up (A).

    Attributes:
        base: of all other loads, per line.
        single_phase: of one-phase cars between a line and the neutral, per line.
        pairs: of one-phase cars between two lines, per pair R-S, S-T, T-R.
        three_phase: of three-phase cars, per line.
    """

    base: Triple = (0, 0, 0)
    single_phase: Triple = (0, 0, 0)
    pairs: Triple = (0, 0, 0)
    three_phase: Triple = (0, 0, 0)

    def __add__(self, other: _Loads) -> _Loads:
        return _Loads(
            _add(self.base, other.base),
            _add(self.single_phase, other.single_phase),
            _add(self.pairs, other.pairs),
            _add(self.three_phase, other.three_phase),
        )


def _add_up(installation: Installation) -> dict[str, _Loads]:
    """Add up the loads of each group with its subgroups; each load is added once for each level above it at most."""
    points: dict[str, list[Point]] = {}
    for point in installation.points:
        points.setdefault(point.group, []).append(point)
    loads = {
        group.name: _load(points.get(group.name, []), installation.base.get(group.name, (0, 0, 0)), installation)
        for group in installation.groups
    }
    for group in reversed(_order_from_root(installation.groups)):
        if group.parent is not None:
            loads[group.parent] += loads[group.name]
    return loads


def _load(points: list[Point], base: Triple, installation: Installation) -> _Loads:
    lines, pairs = _split_by_neutral(points, has_neutral=installation.neutral)
    return _Loads(base, lines, pairs, sum_three_phase(points))


def _order_from_root(groups: Iterable[Group]) -> list[Group]:
    """Order the groups so that a parent stands before its subgroups."""
    children: dict[str | None, list[Group]] = {}
    for group in groups:
        children.setdefault(group.parent, []).append(group)
    ordered = list(children[None])
    for group in ordered:  # grows while it is read
        ordered += children.get(group.name, ())
    return ordered


def _compute_group(installation: Installation, group: Group, loads: _Loads) -> GroupFigures:
    cars = loads.single_phase
    if not installation.neutral:
        cars = _add(cars, compute_line_currents(loads.pairs))
    return GroupFigures(
        name=group.name,
        parent=group.parent,
        usable_amps=(
            None if group.fuse_amps is None else compute_usable_amps(group.fuse_amps, installation.margin_percent)
        ),
        single_phase=_make_triple(_add(loads.base, cars)),
        three_phase=_make_triple(_add(loads.base, loads.three_phase)),
    )


def compute_usable_amps(fuse_amps: int, margin_percent: int) -> int:
    """Compute the usable current of a fuse (A per line) after the safety margin, rounded down.

    The DEFA CLU manual recommends a margin of about 5 %.

    Args:
        fuse_amps: rating of the fuse, A per line.
        margin_percent: safety margin, % of the rating.

    Returns:
        A per line.
    """
    return fuse_amps * (100 - margin_percent) // 100


def sum_single_phase(points: Iterable[Point], base: Triple = (0, 0, 0)) -> Triple:
    """Add up the A per line with a neutral when every point charges a one-phase car.

    A one-phase car loads the line of the rotation's first letter.

    Args:
        points: connectors with their rotation and A per phase.
        base: A on L1, L2, L3 before the first car: the building, and DC chargers.

    Returns:
        A on L1, L2, L3.
    """
    return _make_triple(_add(base, _split_by_neutral(points, has_neutral=True)[0]))


def sum_single_phase_without_neutral(points: Iterable[Point], base: Triple = (0, 0, 0)) -> Triple:
    """Add up the A per line without a neutral when every point charges a one-phase car.

    The cars load pairs of lines and add up by angle; the base is added as plain numbers. A point with one letter has no
    second line: its amps are added to the one line.

    Args:
        points: connectors with their rotation and A per phase.
        base: A on L1, L2, L3 before the first car: the building, and DC chargers.

    Returns:
        A on L1, L2, L3.
    """
    lines, pairs = _split_by_neutral(points, has_neutral=False)
    return _make_triple(_add(_add(base, lines), compute_line_currents(pairs)))


def _split_by_neutral(points: Iterable[Point], *, has_neutral: bool) -> tuple[Triple, Triple]:
    """Return the A of one-phase cars on each line, and between each pair of lines."""
    lines = [0.0, 0.0, 0.0]
    pairs = [0.0, 0.0, 0.0]
    for point in points:
        place = None if has_neutral else find_pair(point.rotation)
        if place is None:
            lines[LINES.index(point.rotation[0])] += point.amps
        else:
            pairs[place] += point.amps
    return (lines[0], lines[1], lines[2]), (pairs[0], pairs[1], pairs[2])


def sum_three_phase(points: Iterable[Point], base: Triple = (0, 0, 0)) -> Triple:
    """Add up the A per line when every point loads each of its lines in full. No mix of cars draws more.

    Also an upper bound without a neutral: plain sums are at most 15.5 % higher than sums by angle.

    Args:
        points: connectors with their rotation and A per phase.
        base: A on L1, L2, L3 before the first car: the building, and DC chargers.

    Returns:
        A on L1, L2, L3.
    """
    lines = list(base)
    for point in points:
        for letter in point.rotation:
            lines[LINES.index(letter)] += point.amps
    return _make_triple(lines)


def compute_line_currents(pairs: Triple, three_phase: float = 0) -> Triple:
    """Compute the A per line without a neutral, at equal power factor.

    At line R the loads R-S and T-R meet at plus and minus 30 degrees of the line's own voltage:
    sqrt((sqrt(3)/2 * (x + y) + three_phase)^2 + ((x - y) / 2)^2) (elbilforum.no, topic 32163, for two loads).

    Args:
        pairs: A of all one-phase loads between R and S, S and T, T and R.
        three_phase: A per line of the symmetric three-phase load.

    Returns:
        A on L1, L2, L3.
    """
    adjacent = ((pairs[0], pairs[2]), (pairs[1], pairs[0]), (pairs[2], pairs[1]))
    return _make_triple(math.hypot(math.sqrt(3) / 2 * (x + y) + three_phase, (x - y) / 2) for x, y in adjacent)


def compute_imbalance(lines: Triple) -> float:
    """Compute the A between the most and the least loaded line.

    Args:
        lines: A on L1, L2, L3.
    """
    return round_amps(max(lines) - min(lines))


def compute_worst_imbalance(points: Iterable[Point], base: Triple = (0, 0, 0)) -> float:
    """Compute the highest A between two lines when the points of one charge one-phase cars and others are empty.

    Args:
        points: connectors with their rotation and A per phase; the supply has a neutral.
        base: A on L1, L2, L3 before the first car: the building, and DC chargers.
    """
    cars = sum_single_phase(points)
    return round_amps(max(base[p] + cars[p] - base[q] for p in range(3) for q in range(3) if p != q))


def count_cars_at_6_amps(installation: Installation) -> int:
    """Count the one-phase cars that can charge at the same time with 6 A each on the usable amps of the main fuse.

    Without a neutral, the cars are spread evenly over the pairs of lines.

    Args:
        installation: with a main fuse in its first group.

    Returns:
        Number of cars, not more than there are connectors.
    """
    return compute_figures(installation).cars_at_6_amps


def _count_cars(installation: Installation, free: list[float]) -> int:
    """Count the one-phase cars that can charge at the same time with 6 A each on `free` (A per line)."""
    points = installation.points
    if not installation.neutral:
        return _count_cars_on_pairs([find_pair(point.rotation) for point in points], free)
    firsts = [point.rotation[0] for point in points]
    on_lines = [min(firsts.count(letter), max(0, amps // LEAST_AMPS)) for letter, amps in zip(LINES, free, strict=True)]
    return int(sum(on_lines))


def _count_cars_on_pairs(pairs: list[int | None], free: list[float]) -> int:
    """Add one car to each pair that has a point left, as long as the whole round fits into `free` (A per line)."""
    points = [pairs.count(place) for place in range(3)]
    cars = 0
    for done in range(max(points)):
        rs, st, tr = (min(count, done + 1) for count in points)
        currents = compute_line_currents((rs * LEAST_AMPS, st * LEAST_AMPS, tr * LEAST_AMPS))
        # A line without a car may be overloaded by the building.
        if any(amps and amps > limit for amps, limit in zip(currents, free, strict=True)):
            break
        cars = rs + st + tr
    return cars


def _add(one: Triple, other: Triple) -> Triple:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _make_triple(lines: Iterable[float]) -> Triple:
    first, second, third = (round_amps(line) for line in lines)
    return first, second, third


def round_amps(amps: float) -> float:
    """Round to two decimals, and to an int when nothing is lost: figures are stored and compared."""
    rounded = round(amps, 2)
    return int(rounded) if rounded == int(rounded) else rounded
