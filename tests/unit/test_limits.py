"""The checks of a site: exceeded limits, groups that differ from Plugchoice, warnings, and their texts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from pulumi_plugchoice.electrical.figures import Group, Installation, Point, Triple, compute_figures
from pulumi_plugchoice.electrical.groups import GroupMismatch, compare_groups
from pulumi_plugchoice.electrical.limits import (
    PRESETS,
    ExceededLimit,
    Limits,
    describe_other_limit,
    find_exceeded_limits,
)
from pulumi_plugchoice.electrical.site_warnings import (
    ChargerFacts,
    OverloadedFuse,
    compute_eighty_percent,
    find_overloaded_fuses,
    find_warnings,
    sum_base,
)

ROTATED = ("RST", "STR", "TRS")


def site(
    *rotations: str, amps: int = 16, fuse: int = 200, neutral: bool = True, base: Triple = (0, 0, 0)
) -> Installation:
    points = tuple(Point(f"HRB-{n}", 1, rotation, amps, "main") for n, rotation in enumerate(rotations, 1))
    return Installation("TN", neutral, 5, (Group("main", None, fuse),), points, {"main": base})


def facts(**given: Any) -> ChargerFacts:
    values: dict[str, Any] = {
        "charger": "HRB-1",
        "breaker_amps": None,
        "max_current": None,
        "ac_input_amps": None,
        "power_types": {1: "AC_3_PHASE"},
        "sockets": {1: ("RST", 16)},
    }
    return ChargerFacts(**{**values, **given})


def about(*, neutral: bool = True, **given: object) -> list[str]:
    """Warnings about one charger of a site that has no other warnings."""
    installation = site(*ROTATED, neutral=neutral)
    return find_warnings(installation, compute_figures(installation), Limits(), [facts(**given)])


def test_load_that_moves_to_another_line_is_not_worse() -> None:
    """144/0/0 moved to 0/144/0 is as bad as before; without live values an exceeded limit counts as worse."""
    limits = Limits(single_phase_amps=118)
    live = compute_figures(site(*["RST"] * 9))
    (found,) = find_exceeded_limits(limits, compute_figures(site(*["STR"] * 9)), live)
    assert (found.line, found.value, found.live, found.is_worse) == ("L2", 144, 0, False)
    assert find_exceeded_limits(limits, live, None)[0].is_worse
    assert find_exceeded_limits(limits, compute_figures(site(*ROTATED * 3)), live) == []
    (worse,) = find_exceeded_limits(limits, compute_figures(site(*["STR"] * 10)), live)
    assert worse.is_worse


def test_a_second_line_above_the_limit_is_worse() -> None:
    """L1 stays at 144 A, L2 goes from 112 to 128 A: refused for L2 only."""
    live = compute_figures(site(*["RST"] * 9, *["STR"] * 7))
    first, second = find_exceeded_limits(
        Limits(single_phase_amps=118), compute_figures(site(*["RST"] * 9, *["STR"] * 8)), live
    )
    assert (first.line, first.is_worse) == ("L1", False)
    assert (second.line, second.value, second.live, second.is_worse) == ("L2", 128, 112, True)


def test_every_limit_is_compared_with_its_figure() -> None:
    """On each line where it has one."""
    limits = Limits(single_phase_amps=1, three_phase_amps=1, full_imbalance_amps=1, worst_imbalance_amps=1)
    found = find_exceeded_limits(limits, compute_figures(site("RST")), None)
    assert [(item.limit, item.line, item.value) for item in found] == [
        ("single_phase_amps", "L1", 16),
        ("three_phase_amps", "L1", 16),
        ("three_phase_amps", "L2", 16),
        ("three_phase_amps", "L3", 16),
        ("full_imbalance_amps", None, 16),
        ("worst_imbalance_amps", None, 16),
    ]
    assert [item.allowed for item in found] == [1] * 6
    assert find_exceeded_limits(Limits(), compute_figures(site("RST")), None) == []
    reached = Limits(single_phase_amps=16, three_phase_amps=16, full_imbalance_amps=16, worst_imbalance_amps=16)
    assert find_exceeded_limits(reached, compute_figures(site("RST")), None) == [], "a limit may be reached"


def test_each_figure_is_compared_with_the_same_figure_of_the_live_site() -> None:
    """Also where it stays as it is, or gets lower: then the change does not make the site worse."""
    limits = Limits(single_phase_amps=10, three_phase_amps=20, full_imbalance_amps=10, worst_imbalance_amps=10)
    live = compute_figures(site("RST", "RST", "RST", "STR"))
    found = find_exceeded_limits(limits, compute_figures(site("RST", "RST")), live)
    assert [(item.limit, item.line, item.value, item.live, item.is_worse) for item in found] == [
        ("single_phase_amps", "L1", 32, 48, False),
        ("three_phase_amps", "L1", 32, 64, False),
        ("three_phase_amps", "L2", 32, 64, False),
        ("three_phase_amps", "L3", 32, 64, False),
        ("full_imbalance_amps", None, 32, 48, False),
        ("worst_imbalance_amps", None, 32, 48, False),
    ]


def test_a_higher_excess_on_all_lines_together_is_worse() -> None:
    """144/112/0 becomes 144/0/128: the worst line stays, L3 is to blame. Load below the limit does not count."""
    limits = Limits(single_phase_amps=118)
    live = compute_figures(site(*["RST"] * 9, *["STR"] * 7))
    found = find_exceeded_limits(limits, compute_figures(site(*["RST"] * 9, *["TRS"] * 8)), live)
    assert [(item.line, item.value, item.live, item.is_worse) for item in found] == [
        ("L1", 144, 144, False),
        ("L3", 128, 0, True),
    ]
    # L2 falls from 160 to 128 A, L3 rises from 0 to 128 A: 10 A less above the limit, although the sum is higher.
    live = compute_figures(site(*["STR"] * 10))
    found = find_exceeded_limits(limits, compute_figures(site(*["STR"] * 8, *["TRS"] * 8)), live)
    assert [(item.line, item.is_worse) for item in found] == [("L2", False), ("L3", False)]


def test_half_an_ampere_more_above_the_limit_is_worse() -> None:
    """On L2, which was at the limit; and a difference between lines that stays is not worse."""
    live, declared = site(*["RST"] * 9, base=(0, 118, 0)), site(*["RST"] * 9, base=(0, 118.5, 0))
    found = find_exceeded_limits(Limits(single_phase_amps=118), compute_figures(declared), compute_figures(live))
    assert [(item.line, item.value, item.is_worse) for item in found] == [("L1", 144, False), ("L2", 118.5, True)]
    (same,) = find_exceeded_limits(Limits(full_imbalance_amps=20), compute_figures(live), compute_figures(live))
    assert not same.is_worse


def test_a_limit_that_is_not_exceeded_is_described() -> None:
    """One figure needs a neutral."""
    with_neutral, without = compute_figures(site("RST")), compute_figures(site("RST", neutral=False))
    assert describe_other_limit("worst_imbalance_amps", without) == ("not computed, because the supply has no neutral")
    assert describe_other_limit("worst_imbalance_amps", with_neutral) == "not exceeded"
    assert describe_other_limit("single_phase_amps", without) == "not exceeded"


def test_an_exceeded_limit_is_one_line() -> None:
    """With the limit, the declared and the live value, and what follows."""
    refused = ExceededLimit("full_imbalance_amps", 20, 48, None, 0, is_worse=True)
    assert refused.text == (
        "limit full_imbalance_amps (20 A) exceeded: 48 A between two lines when every connector charges a one-phase "
        "car, 0 A live; this makes the site worse: change the connectors or the limit"
    )
    tolerated = ExceededLimit("single_phase_amps", 118, 144, "L1", 144, is_worse=False)
    assert tolerated.text == (
        "limit single_phase_amps (118 A) exceeded: 144 A on L1 when every connector charges a one-phase car, 144 A "
        "live; allowed, because the change does not make it worse"
    )


@dataclass(frozen=True)
class Live:
    """A group as Plugchoice has it."""

    id: int
    group_id: int | None = None
    total_amps: int | None = None
    net_type: str | None = None


def compare_all(*live: Live, root: int | None = 801, garage: int | None = 812) -> list[GroupMismatch]:
    """What differs for a site with a 125 A main fuse and a 40 A group."""
    groups = (Group("main", None, 125, root), Group("garage", "main", 40, garage))
    installation = Installation("TN", neutral=True, margin_percent=0, groups=groups, points=(), base={})
    return compare_groups(installation, live)


def compare(*live: Live, root: int | None = 801, garage: int | None = 812) -> list[tuple[str, str, bool]]:
    """Key, text and outcome of each difference."""
    return [(item.key, item.text, item.is_refused) for item in compare_all(*live, root=root, garage=garage)]


def test_a_live_fuse_above_the_declared_one_is_refused() -> None:
    """Load balancing goes by the live value. A lower one is reported."""
    above, below = Live(801, None, 160), Live(812, 801, 32)
    assert compare(above, below) == [
        (
            "main_fuse_amps",
            "group main (801): 160 A in Plugchoice, the declared fuse is 125 A; load balancing would let chargers draw "
            "more than the fuse carries: correct the wrong value",
            True,
        ),
        ("fuse_amps", "group garage (812): 32 A in Plugchoice, the declared fuse is 40 A", False),
    ]
    assert compare(Live(801, None, 125, "TN"), Live(812, 801, None)) == []


def test_a_group_that_does_not_exist_is_refused() -> None:
    """With the groups that do. Without a number, the root is the live group without a parent; others are skipped."""
    assert compare(Live(801, None, 125)) == [
        ("group_id", "group garage: the site has no group 812 in Plugchoice; its groups: 801", True)
    ]
    assert compare(Live(900, None, 100), Live(901, 900, 63), root=None, garage=None) == [
        ("main_fuse_amps", "group main (900): 100 A in Plugchoice, the declared fuse is 125 A", False)
    ]
    assert compare(root=None, garage=None) == []


def test_a_mismatch_carries_both_values() -> None:
    """For annotations and tables. Every group is compared, also after one that does not exist or has no number."""
    found = compare_all(Live(813, 801, 50), Live(801, None, 160, "IT"), Live(812, 801, 32))
    assert [(item.key, item.declared, item.live) for item in found] == [
        ("main_fuse_amps", 125, 160),
        ("net_type", "TN", "IT"),
        ("fuse_amps", 40, 32),
    ]
    first, second = compare_all(Live(813, 801, 50), Live(812, 801, 50))
    assert first == GroupMismatch(
        "group_id",
        "group main: the site has no group 801 in Plugchoice; its groups: 812, 813",
        is_refused=True,
        declared=801,
        live=None,
    )
    assert (second.key, second.declared, second.live, second.is_refused) == ("fuse_amps", 40, 50, True)
    assert compare()[0][1].endswith("; its groups: none")


def test_a_live_fuse_of_0_a_is_compared() -> None:
    """It is a value, not a missing one."""
    (mismatch,) = compare_all(Live(801, None, 0), Live(812, 801, 40))
    assert (mismatch.live, mismatch.is_refused) == (0, False)


def test_another_net_type_is_reported() -> None:
    """Of the root only."""
    assert compare(Live(801, None, 125, "IT"), Live(812, 801, 40, "IT")) == [
        ("net_type", "group main (801): net type is IT in Plugchoice, TN is declared", False)
    ]


@pytest.mark.parametrize(("breaker", "advised"), [(20, 16), (32, 25), (40, 32)])
def test_eighty_percent_of_the_breaker(breaker: int, advised: int) -> None:
    """Plugchoice's recommendation: a warning only."""
    assert compute_eighty_percent(breaker) == advised
    assert about(breaker_amps=breaker, sockets={1: ("RST", advised)}) == []
    (line,) = about(breaker_amps=breaker, sockets={1: ("RST", advised + 1)})
    assert line == (
        f"HRB-1: one socket, {advised + 1} A; Plugchoice recommends at most 80 % of the breaker, {advised} A of "
        f"{breaker} A"
    )


def test_twin_sockets_share_the_breaker() -> None:
    """Their sum is compared."""
    (line,) = about(
        breaker_amps=40,
        sockets={1: ("RST", 32), 2: ("STR", 32)},
        power_types={1: "AC_3_PHASE", 2: "AC_3_PHASE"},
    )
    assert line == "HRB-1: two sockets, 64 A in total, but the breaker is 40 A"


@pytest.mark.parametrize(
    ("kind", "rotation", "warned"),
    [
        ("AC_3_PHASE", "RST", False),
        ("AC_3_PHASE", "R", True),
        ("AC_1_PHASE", "R", False),
        ("AC_1_PHASE", "RST", True),
        ("AC_2_PHASE", "RS", False),
        ("DC", "RST", True),
        (None, "R", False),
        ("SOMETHING_NEW", "R", False),
    ],
)
def test_letters_against_the_power_type(kind: str | None, rotation: str, warned: bool) -> None:
    """A null or unknown power type is not compared."""
    assert bool(about(power_types={1: kind}, sockets={1: (rotation, 16)})) is warned


def test_amps_against_the_rating_of_the_charger() -> None:
    """`max_current` of the site file."""
    assert about(max_current=32) == []
    assert about(max_current=10) == ["HRB-1/1: 16 A, but the charger is rated for 10 A"]


def test_fuses_that_rely_on_load_balancing() -> None:
    """One line for each fuse: for one-phase cars if they exceed it, else for three-phase cars."""
    installation = site(*["RST"] * 9, fuse=125)
    assert find_warnings(installation, compute_figures(installation), Limits(), [])[0] == (
        "main fuse: 144 A on L1 when every connector charges a one-phase car, 118 A usable; the site relies on load "
        "balancing"
    )
    installation = site(*ROTATED * 3, fuse=125)
    assert find_warnings(installation, compute_figures(installation), Limits(), []) == [
        "main fuse: 144 A on each line when every connector charges a three-phase car, 118 A usable; the site relies "
        "on load balancing"
    ]


def test_a_point_of_32_a_exceeds_a_limit_of_20_a_in_any_rotation() -> None:
    """A warning says so, before somebody tries."""
    installation = site(*ROTATED, amps=32)
    lines = find_warnings(installation, compute_figures(installation), Limits(full_imbalance_amps=20), [])
    assert (
        "HRB-1/1, HRB-2/1, HRB-3/1: a single one-phase car exceeds the limit of 20 A between lines in any rotation"
    ) in lines
    beside = site(*ROTATED, amps=32, base=(24, 24, 0))
    lines = find_warnings(beside, compute_figures(beside), Limits(full_imbalance_amps=20), [])
    assert not [line for line in lines if "in any rotation" in line], "on the free line it leaves 8 A"


def test_presets_only_warn_and_are_unverified() -> None:
    """Nine rotated one-phase 16 A points are 11.04 kVA per line and exceed the second part of the German preset."""
    installation = site(*ROTATED * 3)
    for name in PRESETS:
        assert find_exceeded_limits(Limits(presets=(name,)), compute_figures(site(*["RST"] * 9)), None) == []
        lines = find_warnings(site(*["RST"] * 9), compute_figures(site(*["RST"] * 9)), Limits(presets=(name,)), [])
        assert any(f"preset {name} (unverified): 144 A between two lines" in line for line in lines)
    assert find_warnings(installation, compute_figures(installation), Limits(presets=("DE-4.6kVA",)), []) == [
        "preset DE-4.6kVA (unverified): 0 A between two lines when every connector charges a one-phase car, up to 48 A "
        "when some are empty, 20 A allowed; source: 4.6 kVA between lines for the whole connection, building included "
        "(e-handbuch.de)",
        "preset DE-4.6kVA (unverified): one-phase ratings add up to 48 A on a line; a secondary source allows 20 A per "
        "line, or more with a balancing device",
    ]
    with_building = site("RST", base=(30, 0, 0))
    lines = find_warnings(with_building, compute_figures(with_building), Limits(presets=("DE-4.6kVA",)), [])
    assert not [line for line in lines if "ratings" in line], "the building has no rating"


def test_letters_that_do_not_fit_the_net() -> None:
    """Two letters with a neutral, one letter without; and connectors below 6 A."""
    installation = site("RS")
    assert any(
        "because the supply has a neutral" in line
        for line in find_warnings(installation, compute_figures(installation), Limits(), [])
    )
    installation = site("R", neutral=False)
    assert any(
        "between two lines" in line for line in find_warnings(installation, compute_figures(installation), Limits(), [])
    )
    installation = site("RST", amps=5)
    assert any("below 6 A" in line for line in find_warnings(installation, compute_figures(installation), Limits(), []))


@pytest.mark.parametrize(("amps", "exceeded"), [(20, False), (21, True)])
def test_a_preset_may_be_reached(amps: int, exceeded: bool) -> None:
    """20 A between lines are allowed, 21 A are not; the same for the ratings on a line."""
    installation = site("RST", amps=amps)
    lines = find_warnings(installation, compute_figures(installation), Limits(presets=("DE-4.6kVA",)), [])
    assert bool([line for line in lines if "A between two lines" in line]) is exceeded
    assert bool([line for line in lines if "ratings" in line]) is exceeded


def test_a_preset_without_a_neutral_does_not_count_empty_bays() -> None:
    """That figure is not computed there."""
    installation = site(*["RST"] * 3, neutral=False)
    lines = find_warnings(installation, compute_figures(installation), Limits(presets=("AT-16A",)), [])
    assert lines == [
        "preset AT-16A (unverified): 48 A between two lines when every connector charges a one-phase car, 16 A "
        "allowed; source: 3.7 kW between lines, mostly given as a threshold for devices (documents.kostal.com)"
    ]
    exact = Installation(
        "IT",
        neutral=False,
        margin_percent=0,
        groups=(Group("main", None, None),),
        points=(Point("HRB-1", 1, "RST", 16, "main"),),
        base={},
    )
    assert find_warnings(exact, compute_figures(exact), Limits(presets=("AT-16A",)), []) == []


def test_the_building_and_all_dc_chargers_are_the_base() -> None:
    """Of every group; without any it is nothing."""
    installation = site("RST")
    assert sum_base(replace(installation, base={"main": (18, 11, 9), "garage": (5, 0, 2)})) == (23, 11, 11)
    assert sum_base(replace(installation, base={})) == (0, 0, 0)
    assert sum_base(replace(installation, base={"main": (1, 2, 3)})) == (1, 2, 3)


def test_many_names_are_counted() -> None:
    """At most five are listed, in order."""
    six = site(*["RS"] * 6)
    assert find_warnings(six, compute_figures(six), Limits(), []) == [
        "HRB-1/1, HRB-2/1, HRB-3/1, HRB-4/1, HRB-5/1 and 1 more: two letters load both lines in full, because the "
        "supply has a neutral"
    ]
    nine = site(*["RS"] * 9)
    assert find_warnings(nine, compute_figures(nine), Limits(), [])[-1].startswith(
        "HRB-1/1, HRB-2/1, HRB-3/1, HRB-4/1, HRB-5/1 and 4 more: "
    )
    five = site(*["RS"] * 5)
    assert find_warnings(five, compute_figures(five), Limits(), [])[-1].startswith(
        "HRB-1/1, HRB-2/1, HRB-3/1, HRB-4/1, HRB-5/1: "
    )
    # 27 A of a breaker of 34 A are 80 %, rounded down.
    assert compute_eighty_percent(34) == 27
    assert compute_eighty_percent(100) == 80


def test_fuses_of_groups_are_named() -> None:
    """After a group without a fuse, too; each fuse once; currents with their lines."""
    groups = (Group("main", None, None), Group("garage", "main", 40), Group("roof", "main", 20))
    points = [Point(f"g{n}", 1, rotation, 16, "garage") for n, rotation in enumerate(("RST", "RST", "RST", "STR"))]
    points += [Point(f"r{n}", 1, rotation, 11, "roof") for n, rotation in enumerate(("RST", "RST", "STR", "STR"))]
    installation = Installation("TN", neutral=True, margin_percent=0, groups=groups, points=tuple(points), base={})

    garage, roof = find_overloaded_fuses(compute_figures(installation))

    assert garage == OverloadedFuse(
        "garage",
        is_main=False,
        text="fuse of group garage: 48 A on L1 when every connector charges a one-phase car, 40 A usable; the site "
        "relies on load balancing",
    )
    assert (roof.group, roof.is_main) == ("roof", False)
    assert roof.text.startswith(
        "fuse of group roof: 22 A on L1, 22 A on L2 when every connector charges a one-phase car"
    )
    reached = replace(installation, groups=(Group("main", None, 92), Group("garage", "main", 64), groups[2]))
    assert [fuse.group for fuse in find_overloaded_fuses(compute_figures(reached))] == ["main", "roof"]
    assert next(find_overloaded_fuses(compute_figures(reached))).is_main
    reached = replace(
        installation, groups=(Group("main", None, 108), Group("garage", "main", 64), Group("roof", "main", 44))
    )
    assert list(find_overloaded_fuses(compute_figures(reached))) == [], "a fuse may be used in full"


def test_empty_bays_can_exceed_the_limit_between_lines() -> None:
    """More than when every connector charges."""
    installation = site(*ROTATED * 3)
    figures = compute_figures(installation)
    assert find_warnings(installation, figures, Limits(full_imbalance_amps=47), [])[0] == (
        "empty bays: up to 48 A between two lines when some connectors charge a one-phase car and others are empty, "
        "0 A when every connector does"
    )
    assert find_warnings(installation, figures, Limits(full_imbalance_amps=48), []) == []
    without = site(*ROTATED * 3, neutral=False)
    assert find_warnings(without, compute_figures(without), Limits(full_imbalance_amps=1), []) == []


@pytest.mark.parametrize(
    "limits", [Limits(full_imbalance_amps=31), Limits(worst_imbalance_amps=31), Limits(presets=("DE-4.6kVA",))]
)
def test_a_single_car_is_compared_with_the_lowest_limit_between_lines(limits: Limits) -> None:
    """Declared or a preset; it may be reached."""
    installation = site("RST", amps=32)
    lines = find_warnings(installation, compute_figures(installation), limits, [])
    assert any("HRB-1/1: a single one-phase car exceeds the limit of " in line for line in lines)
    reached = site("RST", amps=20, base=(1, 0, 1))  # 20 A on L2 leave 19 A between L2 and L1
    lines = find_warnings(reached, compute_figures(reached), replace(limits, full_imbalance_amps=19), [])
    assert not any("single one-phase car" in line for line in lines)


def test_letters_are_named_where_the_net_does_not_have_them() -> None:
    """And only those connectors."""
    installation = site("RST", "RS", "R", "ST")
    assert find_warnings(installation, compute_figures(installation), Limits(), []) == [
        "HRB-2/1, HRB-4/1: two letters load both lines in full, because the supply has a neutral"
    ]
    installation = site("RST", "RS", "R", "S", neutral=False)
    assert find_warnings(installation, compute_figures(installation), Limits(), []) == [
        "HRB-3/1, HRB-4/1: one letter, but without a neutral a one-phase load is connected between two lines; name both"
    ]
    installation = replace(
        site("RST", amps=6), points=(Point("a", 1, "RST", 5, "main"), Point("b", 1, "RST", 6, "main"))
    )
    assert find_warnings(installation, compute_figures(installation), Limits(), []) == [
        "a/1: maximum current below 6 A; a car needs 6 A to charge"
    ]


@pytest.mark.parametrize(
    ("kind", "rotation", "neutral", "letters"),
    [
        ("AC_1_PHASE", "RS", True, "2 letters"),
        ("AC_1_PHASE", "RS", False, None),
        ("AC_1_PHASE", "R", False, None),
        ("AC_1_PHASE", "RST", False, "3 letters"),
        ("AC_2_PHASE", "R", True, "1 letter"),
        ("AC_2_PHASE", "R", False, "1 letter"),
        ("AC_3_PHASE", "RS", False, "2 letters"),
        ("XXXX", "RS", True, None),
    ],
)
def test_the_letters_of_a_connector_fit_its_kind(kind: str, rotation: str, neutral: bool, letters: str | None) -> None:
    """Without a neutral, a one-phase connector is fed by two lines."""
    expected = [] if letters is None else [f"HRB-1/1: {rotation} has {letters}, but the connector is {kind}"]
    assert about(neutral=neutral, power_types={1: kind}, sockets={1: (rotation, 16)}) == expected


def test_a_dc_connector_is_judged_by_its_input() -> None:
    """Its `max_amperage` is the current to the car."""
    dc: dict[str, Any] = {"power_types": {1: "DC"}, "sockets": {1: (None, 200)}}
    assert about(max_current=32, **dc) == []
    assert about(max_current=16) == [], "the rating may be used in full"
    assert about(breaker_amps=50, ac_input_amps=38, **dc) == []
    assert about(breaker_amps=50, ac_input_amps=41, **dc) == [
        "HRB-1: AC input, 41 A; Plugchoice recommends at most 80 % of the breaker, 40 A of 50 A"
    ]
    assert about(breaker_amps=50, ac_input_amps=51, **dc) == ["HRB-1: AC input, 51 A, but the breaker is 50 A"]
    assert about(power_types={1: "DC"}, sockets={1: ("RST", 16)}) == [
        "HRB-1/1: phase_rotation RST on a DC connector, which has no phase rotation of its own"
    ]
    lettered = about(breaker_amps=50, ac_input_amps=38, power_types={1: "DC"}, sockets={1: ("RST", 200)})
    assert [line for line in lettered if "breaker" in line] == [], "its output does not load the breaker"
    beside: dict[str, Any] = {"power_types": {1: "DC", 2: "AC_3_PHASE"}, "sockets": {1: (None, 200), 2: ("RST", 32)}}
    assert about(breaker_amps=63, ac_input_amps=38, **beside) == [
        "HRB-1: one socket and AC input, 70 A in total, but the breaker is 63 A"
    ]
    # Not known to be DC: with an input declared, a socket without a rotation is its output.
    unknown: dict[str, Any] = {"power_types": {1: None}, "sockets": {1: (None, 200)}}
    assert about(breaker_amps=50, ac_input_amps=51, **unknown) == ["HRB-1: AC input, 51 A, but the breaker is 50 A"]
    assert about(breaker_amps=50, **unknown) == ["HRB-1: one socket, 200 A, but the breaker is 50 A"]


def test_sockets_are_counted_in_words_up_to_three() -> None:
    """A socket whose current is not known counts as nothing."""
    for count, words in ((1, "one socket"), (2, "two sockets"), (3, "three sockets"), (4, "4 sockets")):
        sockets = dict.fromkeys(range(1, count + 1), ("RST", 30))
        total = f"{30 * count} A{' in total' if count > 1 else ''}"
        assert about(breaker_amps=20, sockets=sockets) == [f"HRB-1: {words}, {total}, but the breaker is 20 A"]
    assert about(breaker_amps=20, sockets={1: ("RST", 16), 2: ("RST", None)}) == []
    assert about(breaker_amps=20, sockets={1: ("RST", 20)}) == [
        "HRB-1: one socket, 20 A; Plugchoice recommends at most 80 % of the breaker, 16 A of 20 A"
    ]
