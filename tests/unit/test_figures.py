"""phases.py: amps per line. Every worked example of the electrical notes, and what holds for all sites."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_plugchoice.electrical.figures import (
    Group,
    Installation,
    Point,
    Triple,
    cars_at_6_amps,
    figures,
    line_currents,
    single_phase,
    three_phase,
    usable,
    volt_amperes,
    worst_imbalance,
)
from pulumi_plugchoice.electrical.rotations import PHASE_ROTATIONS, turned

ROTATED = ("RST", "STR", "TRS")


def points(*rotations: str, amps: int = 16) -> tuple[Point, ...]:
    """A point for each rotation."""
    return tuple(Point(f"c{place}", 1, rotation, amps, "main") for place, rotation in enumerate(rotations))


def lines(first: float, second: float, third: float) -> Triple:
    """A on L1, L2, L3."""
    return first, second, third


def site(
    *rotations: str, fuse: int = 200, margin: int = 5, neutral: bool = True, base: Triple | None = None
) -> Installation:
    """A site with one group."""
    return Installation(
        "TN" if neutral else "IT",
        neutral,
        margin,
        (Group("main", None, fuse),),
        points(*rotations),
        {"main": base} if base else {},
    )


def test_nine_points_all_rst() -> None:
    """S 144/0/0, T 144/144/144, full_imbalance 144."""
    found = figures(site(*["RST"] * 9))
    assert found.single_phase == lines(144, 0, 0)
    assert found.three_phase == lines(144, 144, 144)
    assert (found.full_imbalance, found.worst_imbalance) == (144, 144)


def test_nine_points_rotated() -> None:
    """S 48/48/48, T as before, full_imbalance 0, worst_imbalance 48: empty bays bring imbalance back."""
    found = figures(site(*ROTATED * 3))
    assert found.single_phase == lines(48, 48, 48)
    assert found.three_phase == lines(144, 144, 144)
    assert (found.full_imbalance, found.worst_imbalance) == (0, 48)
    assert isinstance(found.full_imbalance, int)


def test_str_16_a_and_s_16_a() -> None:
    """Both one-phase cars load L2."""
    assert single_phase(points("STR", "S")) == (0, 32, 0)


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
    """16 on RS; RS and ST; all three pairs; RS 32 with three-phase 16; two adjacent pairs of 9.25 A."""
    assert line_currents(pairs, three) == expected


def test_nine_points_over_the_pairs_carry_more_than_first_letters_say() -> None:
    """83.1 A a line, not 48."""
    found = figures(site(*ROTATED * 3, neutral=False))
    assert found.single_phase == (83.14, 83.14, 83.14)
    assert found.worst_imbalance is None


@pytest.mark.parametrize(
    ("rotations", "fuse", "neutral", "cars"),
    [
        (["RST"] * 9, 32, True, 5),
        ([*ROTATED * 3], 32, True, 9),
        ([*ROTATED * 20], 63, True, 27),
        ([*ROTATED * 20], 63, False, 15),
        (["RST"] * 20, 63, False, 9),
    ],
)
def test_cars_at_6_a(rotations: list[str], fuse: int, neutral: bool, cars: int) -> None:  # noqa: FBT001
    """32 A, 5 %: 5 all RST, 9 rotated. 63 A, 5 % (59 usable): 9 a phase; IT 15 spread evenly."""
    assert cars_at_6_amps(site(*rotations, fuse=fuse, neutral=neutral)) == cars
    assert usable(63, 5) == 59


def test_usable_one_phase_power_rises_when_rotated() -> None:
    """63 A: from 14.5 to 33.1 kW: one line's amps, or what nine points draw on three."""
    together = single_phase(points(*ROTATED * 3))
    assert volt_amperes(63) / 1000 == pytest.approx(14.5, abs=0.05)
    assert sum(volt_amperes(min(63, line)) for line in together) / 1000 == pytest.approx(33.1, abs=0.05)


def test_a_tree_of_groups() -> None:
    """Connected sums are uncapped; limited ones are what the fuses let through, from the leaves up."""
    tree = Installation(
        "TN",
        True,  # noqa: FBT003
        0,
        (Group("main", None, 100), Group("garage", "main", 40), Group("deck", "garage", None)),
        (
            Point("a", 1, "RST", 32, "main"),
            Point("b", 1, "RST", 32, "garage"),
            Point("c", 1, "R", 32, "deck"),
        ),
        {"main": (10, 0, 0)},
    )
    main, garage, deck = figures(tree).groups
    assert (deck.single_phase, deck.limited, deck.usable) == ((32, 0, 0), (32, 0, 0), None)
    assert (garage.single_phase, garage.three_phase, garage.limited) == ((64, 0, 0), (64, 32, 32), (40, 32, 32))
    assert (main.single_phase, main.limited, main.share) == ((106, 0, 0), (82, 64, 64), 33)


def test_headroom_may_be_negative() -> None:
    """The site then relies on load balancing."""
    found = figures(site(*["RST"] * 9, fuse=125))
    assert found.headroom_single_phase == lines(118 - 144, 118, 118)
    assert found.headroom_three_phase == lines(-26, -26, -26)


def test_the_base_counts_in_every_figure() -> None:
    """Building and DC: 18/11/9 A beside three rotated points."""
    found = figures(site(*ROTATED, base=(18, 11, 9)))
    assert found.single_phase == lines(34, 27, 25)
    assert found.worst_imbalance == 18 + 16 - 9


rotations = st.lists(st.tuples(st.sampled_from(PHASE_ROTATIONS), st.integers(1, 80)), max_size=12)


def _points(drawn: list[tuple[str, int]], steps: int = 0) -> tuple[Point, ...]:
    return tuple(Point(f"c{n}", 1, turned(rotation, steps), amps, "main") for n, (rotation, amps) in enumerate(drawn))


@given(rotations, st.booleans())
def test_turning_all_rotations_by_a_step_permutes_the_loads(drawn: list[tuple[str, int]], neutral: bool) -> None:  # noqa: FBT001
    """On every kind of net."""
    here, there = (
        figures(Installation("TN", neutral, 0, (Group("main", None, 100),), _points(drawn, steps), {}))
        for steps in (0, 1)
    )
    for one, other in ((here.single_phase, there.single_phase), (here.three_phase, there.three_phase)):
        assert other == pytest.approx((one[2], one[0], one[1]), abs=0.011)
    assert there.full_imbalance == pytest.approx(here.full_imbalance, abs=0.021)


@given(rotations, st.tuples(*[st.integers(0, 50)] * 3), st.booleans())
def test_three_phase_is_never_below_single_phase(
    drawn: list[tuple[str, int]],
    base: tuple[int, int, int],
    neutral: bool,  # noqa: FBT001
) -> None:
    """It bounds every mix of cars."""
    found = figures(Installation("TN", neutral, 0, (Group("main", None, 100),), _points(drawn), {"main": base}))
    assert all(t >= s - 0.01 for s, t in zip(found.single_phase, found.three_phase, strict=True))


@given(rotations, st.tuples(*[st.integers(0, 50)] * 3))
def test_worst_imbalance_is_what_the_worst_choice_of_bays_makes(
    drawn: list[tuple[str, int]], base: tuple[int, int, int]
) -> None:
    """By trying: the points of one line in use, the others empty."""
    chosen = []
    for line in range(3):
        used = [point for point in _points(drawn) if "RST".index(point.rotation[0]) == line]
        lines = single_phase(used, base)
        chosen.append(max(lines[line] - other for place, other in enumerate(lines) if place != line))
    assert worst_imbalance(_points(drawn), base) == max(chosen)


@given(st.tuples(*[st.floats(0, 100)] * 3), st.floats(0, 100))
def test_lines_without_neutral_are_what_phasors_add_up_to(pairs: tuple[float, float, float], three: float) -> None:
    """Computed here with complex numbers; and plain sums are at most 15.5 % higher."""
    volts = [complex(math.cos(angle), math.sin(angle)) for angle in (0, -2 * math.pi / 3, 2 * math.pi / 3)]
    currents = [three * volt for volt in volts]
    for pair, (one, other) in zip(pairs, ((0, 1), (1, 2), (2, 0)), strict=True):
        across = (volts[one] - volts[other]) / abs(volts[one] - volts[other])
        currents[one] += pair * across
        currents[other] -= pair * across
    found = line_currents(pairs, three)
    assert found == pytest.approx([abs(current) for current in currents], abs=0.006)
    plain = (pairs[0] + pairs[2], pairs[1] + pairs[0], pairs[2] + pairs[1])
    assert all(line - 0.01 <= sum_ + three <= 1.155 * line + 0.02 for line, sum_ in zip(found, plain, strict=True))


@given(rotations, st.tuples(*[st.integers(0, 50)] * 3), st.integers(1, 200))
def test_what_is_limited_fits_the_fuse(drawn: list[tuple[str, int]], base: tuple[int, int, int], fuse: int) -> None:
    """And is never more than what is connected."""
    group = figures(Installation("TN", True, 7, (Group("main", None, fuse),), _points(drawn), {"main": base})).groups[0]  # noqa: FBT003
    assert group.limited is not None
    assert all(line <= usable(fuse, 7) for line in group.limited)
    assert all(line <= there for line, there in zip(group.limited, group.three_phase, strict=True))
    assert three_phase(_points(drawn), base) == group.three_phase
