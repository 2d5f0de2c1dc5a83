"""figures.py: the current per line. Worked examples, and properties of every site."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_plugchoice.electrical.figures import (
    VOLTS,
    Group,
    Installation,
    Point,
    Triple,
    compute_figures,
    compute_line_currents,
    compute_worst_imbalance,
    count_cars_at_6_amps,
    sum_single_phase,
    sum_single_phase_without_neutral,
    sum_three_phase,
)
from pulumi_plugchoice.electrical.rotations import PHASE_ROTATIONS, shift_rotation

if TYPE_CHECKING:
    from random import Random

ROTATED = ("RST", "STR", "TRS")


def points(*rotations: str, amps: int = 16) -> tuple[Point, ...]:
    return tuple(Point(f"c{place}", 1, rotation, amps, "main") for place, rotation in enumerate(rotations))


def lines(first: float, second: float, third: float) -> Triple:
    """A on L1, L2, L3."""
    return first, second, third


def site(
    *rotations: str, fuse: int = 200, margin: int = 5, neutral: bool = True, base: Triple | None = None
) -> Installation:
    return Installation(
        "TN" if neutral else "IT",
        neutral,
        margin,
        (Group("main", None, fuse),),
        points(*rotations),
        {"main": base} if base else {},
    )


def test_nine_points_all_rst() -> None:
    """One-phase 144/0/0, three-phase 144/144/144, full_imbalance 144."""
    found = compute_figures(site(*["RST"] * 9))
    assert found.single_phase == lines(144, 0, 0)
    assert found.three_phase == lines(144, 144, 144)
    assert (found.full_imbalance, found.worst_imbalance) == (144, 144)


def test_nine_points_rotated() -> None:
    """One-phase 48/48/48, three-phase as before, full_imbalance 0; empty bays bring back 48 A of imbalance."""
    found = compute_figures(site(*ROTATED * 3))
    assert found.single_phase == lines(48, 48, 48)
    assert found.three_phase == lines(144, 144, 144)
    assert (found.full_imbalance, found.worst_imbalance) == (0, 48)
    assert isinstance(found.full_imbalance, int)


def test_str_and_s_both_load_l2() -> None:
    """Both one-phase cars load L2."""
    assert sum_single_phase(points("STR", "S")) == (0, 32, 0)


@pytest.mark.parametrize(
    ("pairs", "three", "expected"),
    [
        ((16, 0, 0), 0, (16, 16, 0)),
        ((16, 16, 0), 0, (16, 27.71, 16)),
        ((16, 16, 16), 0, (27.71, 27.71, 27.71)),
        ((32, 0, 0), 16, (46.55, 46.55, 16)),
        ((9.25, 9.25, 0), 0, (9.25, 16.02, 9.25)),
    ],
)
def test_lines_without_neutral(pairs: Triple, three: float, expected: Triple) -> None:
    """16 A on RS; on RS and ST; on all pairs; 32 A on RS with 16 A three-phase; two adjacent pairs of 9.25 A."""
    assert compute_line_currents(pairs, three) == expected


def test_without_neutral_nine_points_load_a_line_with_83_a() -> None:
    """83.1 A per line; counting first letters would give 48."""
    found = compute_figures(site(*ROTATED * 3, neutral=False))
    assert found.single_phase == (83.14, 83.14, 83.14)
    assert found.worst_imbalance is None


@pytest.mark.parametrize(
    ("rotations", "fuse", "neutral", "base", "cars"),
    [
        (["RST"] * 9, 32, True, None, 5),
        ([*ROTATED * 3], 32, True, None, 9),
        ([*ROTATED * 20], 63, True, None, 27),
        ([*ROTATED * 20], 63, False, None, 15),
        (["RST"] * 20, 63, False, None, 9),
        # 30 A usable: 12, 11.5 and -1 A are left.
        ([*ROTATED * 4], 32, True, (18, 18.5, 31), 2 + 1 + 0),
        # Without a neutral, 6 A on the line R-S are 6 A on L1 and on L2; the building alone overloads L3.
        (["RST"] * 4, 32, False, (18, 18, 31), 2),
        (["RST"] * 4, 32, False, (18, 18.5, 31), 1),
        # One car on each pair is 10.39 A on each line; a second one on one of them is 15.87 A on two lines.
        (["RS", "ST", "TR", "RT"], 32, False, (19, 19, 19), 3),
        (["RS", "ST", "TR", "RT"], 32, False, (14, 19, 14), 4),
        (["RS", "ST", "TR", "SR"], 32, False, (14, 14, 19), 4),
        (["RS", "ST", "TR", "TS"], 32, False, (19, 14, 14), 4),
        (["RS", "ST", "TR", "TS"], 32, False, (19, 14.2, 14), 3),
        # The round fits as a whole or not at all; a single letter names no pair.
        (["RS", "ST", "TR"], 32, False, (24, 24, 24), 0),
        (["RS", "R", "S", "T"], 32, False, (24, 24, 24), 1),
        ([], 32, True, None, 0),
        ([], 32, False, None, 0),
    ],
)
def test_cars_at_6_a(rotations: list[str], fuse: int, neutral: bool, base: Triple | None, cars: int) -> None:
    """32 A, 5 %: 5 all RST, 9 rotated. 63 A, 5 % (59 A usable): 9 per line; without a neutral 15 evenly spread."""
    installation = site(*rotations, fuse=fuse, neutral=neutral, base=base)
    found = compute_figures(installation)
    assert found.cars_at_6_amps == count_cars_at_6_amps(installation) == cars
    assert isinstance(found.cars_at_6_amps, int), "it is stored and compared"
    assert found.usable_amps == {32: 30, 63: 59}[fuse]


def test_one_phase_power_rises_when_rotated() -> None:
    """Nine 16 A points on a 63 A fuse: 14.5 kW when all are RST, 33.1 kW when they are rotated."""
    alike, rotated = (
        sum(VOLTS * min(63, line) for line in compute_figures(site(*rotations, fuse=63)).single_phase) / 1000
        for rotations in (["RST"] * 9, ROTATED * 3)
    )
    assert alike == pytest.approx(14.5, abs=0.05)
    assert rotated == pytest.approx(33.1, abs=0.05)


def test_a_group_includes_its_subgroups() -> None:
    """Sums are not capped by any fuse; a group without a fuse has no usable current."""
    tree = Installation(
        net_type="TN",
        neutral=True,
        margin_percent=0,
        groups=(Group("main", None, 100), Group("garage", "main", 40), Group("deck", "garage", None)),
        points=(
            Point("a", 1, "RST", 32, "main"),
            Point("b", 1, "RST", 32, "garage"),
            Point("c", 1, "R", 32, "deck"),
        ),
        base={"main": (10, 0, 0)},
    )
    main, garage, deck = compute_figures(tree).groups
    assert [group.parent for group in (main, garage, deck)] == [None, "main", "garage"]
    assert (deck.single_phase, deck.three_phase, deck.usable_amps) == ((32, 0, 0), (32, 0, 0), None)
    assert (garage.single_phase, garage.three_phase, garage.usable_amps) == ((64, 0, 0), (64, 32, 32), 40)
    assert (main.single_phase, main.three_phase, main.usable_amps) == ((106, 0, 0), (106, 64, 64), 100)


def test_the_base_counts_in_every_figure() -> None:
    """Building and DC chargers: 18/11/9 A beside three rotated points."""
    found = compute_figures(site(*ROTATED, base=(18, 11, 9)))
    assert found.single_phase == lines(34, 27, 25)
    assert found.worst_imbalance == 18 + 16 - 9


rotations = st.lists(st.tuples(st.sampled_from(PHASE_ROTATIONS), st.integers(1, 80)), max_size=12)


def _points(drawn: list[tuple[str, int]], steps: int = 0) -> tuple[Point, ...]:
    return tuple(
        Point(f"c{n}", 1, shift_rotation(rotation, steps), amps, "main") for n, (rotation, amps) in enumerate(drawn)
    )


@given(rotations, st.booleans())
def test_shifting_all_rotations_permutes_the_lines(drawn: list[tuple[str, int]], neutral: bool) -> None:
    """With and without a neutral."""
    here, there = (
        compute_figures(Installation("TN", neutral, 0, (Group("main", None, 100),), _points(drawn, steps), {}))
        for steps in (0, 1)
    )
    for one, other in ((here.single_phase, there.single_phase), (here.three_phase, there.three_phase)):
        assert other == pytest.approx((one[2], one[0], one[1]), abs=0.011)
    assert there.full_imbalance == pytest.approx(here.full_imbalance, abs=0.021)


@given(rotations, st.tuples(*[st.integers(0, 50)] * 3), st.booleans())
def test_three_phase_is_never_below_single_phase(
    drawn: list[tuple[str, int]],
    base: tuple[int, int, int],
    neutral: bool,
) -> None:
    """No mix of cars draws more than three-phase cars on every connector."""
    found = compute_figures(Installation("TN", neutral, 0, (Group("main", None, 100),), _points(drawn), {"main": base}))
    assert all(t >= s - 0.01 for s, t in zip(found.single_phase, found.three_phase, strict=True))


@given(rotations, st.tuples(*[st.integers(0, 50)] * 3))
def test_worst_imbalance_is_that_of_the_worst_choice_of_bays(
    drawn: list[tuple[str, int]], base: tuple[int, int, int]
) -> None:
    """Tried out: the connectors of one line in use, the others empty."""
    chosen = []
    for line in range(3):
        used = [point for point in _points(drawn) if "RST".index(point.rotation[0]) == line]
        lines = sum_single_phase(used, base)
        chosen.append(max(lines[line] - other for place, other in enumerate(lines) if place != line))
    assert compute_worst_imbalance(_points(drawn), base) == max(chosen)


@given(st.tuples(*[st.floats(0, 100)] * 3), st.floats(0, 100))
def test_line_currents_without_neutral_are_sums_of_phasors(pairs: tuple[float, float, float], three: float) -> None:
    """Computed here with complex numbers; plain sums are at most 15.5 % higher."""
    volts = [complex(math.cos(angle), math.sin(angle)) for angle in (0, -2 * math.pi / 3, 2 * math.pi / 3)]
    currents = [three * volt for volt in volts]
    for pair, (one, other) in zip(pairs, ((0, 1), (1, 2), (2, 0)), strict=True):
        across = (volts[one] - volts[other]) / abs(volts[one] - volts[other])
        currents[one] += pair * across
        currents[other] -= pair * across
    found = compute_line_currents(pairs, three)
    assert found == pytest.approx([abs(current) for current in currents], abs=0.006)
    plain = (pairs[0] + pairs[2], pairs[1] + pairs[0], pairs[2] + pairs[1])
    assert all(line - 0.01 <= sum_ + three <= 1.155 * line + 0.02 for line, sum_ in zip(found, plain, strict=True))


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.sampled_from(PHASE_ROTATIONS), st.integers(1, 80), st.integers(0, 6)), max_size=12),
    st.lists(st.integers(0, 100), min_size=7, max_size=7),
    st.lists(st.integers(0, 10), min_size=6, max_size=6),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_a_group_adds_up_its_own_and_all_subgroups(
    drawn: list[tuple[str, int, int]],
    base: list[int],
    above: list[int],
    neutral: bool,
    random: Random,
) -> None:
    """Whatever the tree is, and in whatever order the file lists it. Here each group is added up by itself."""
    parents = {number: above[number - 1] % number for number in range(1, 7)}
    others = [Group(f"g{number}", f"g{parent}", None) for number, parent in parents.items()]
    random.shuffle(others)
    found = compute_figures(
        Installation(
            "TN",
            neutral,
            0,
            (Group("g0", None, 100), *others),
            tuple(
                Point(f"c{place}", 1, rotation, amps, f"g{group}")
                for place, (rotation, amps, group) in enumerate(drawn)
            ),
            {f"g{number}": (amps, 2 * amps, 0) for number, amps in enumerate(base)},
        )
    )
    for group in found.groups:
        below = {int(group.name[1:])}
        for number in range(1, 7):
            if parents[number] in below:
                below.add(number)
        points = [Point("c", 1, rotation, amps, "") for rotation, amps, own in drawn if own in below]
        loads = sum(base[number] for number in below)
        add_up = sum_single_phase if neutral else sum_single_phase_without_neutral
        assert group.single_phase == pytest.approx(add_up(points, (loads, 2 * loads, 0)), abs=0.011)
        assert group.three_phase == sum_three_phase(points, (loads, 2 * loads, 0))
