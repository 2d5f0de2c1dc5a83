"""limits.py: what refuses, what warns, and the words."""

from __future__ import annotations

import pytest
from pulumi_plugchoice.electrical.figures import Group, Installation, Point, Triple, figures
from pulumi_plugchoice.electrical.limits import PRESETS, Broken, ChargerFacts, Limits, broken, eighty_percent, warnings

ROTATED = ("RST", "STR", "TRS")


def site(
    *rotations: str, amps: int = 16, fuse: int = 200, neutral: bool = True, base: Triple = (0, 0, 0)
) -> Installation:
    points = tuple(Point(f"HRB-{n}", 1, rotation, amps, "main") for n, rotation in enumerate(rotations, 1))
    return Installation("TN", neutral, 5, (Group("main", None, fuse),), points, {"main": base})


def facts(**given: object) -> ChargerFacts:
    values: dict[str, object] = {
        "charger": "HRB-1",
        "breaker_amps": None,
        "max_current": None,
        "ac_input_amps": None,
        "power_types": {1: "AC_3_PHASE"},
        "sockets": {1: ("RST", 16)},
    }
    return ChargerFacts(**{**values, **given})  # type: ignore[arg-type]


def about(**given: object) -> list[str]:
    """Warnings of a site whose figures warn of nothing."""
    installation = site(*ROTATED)
    return warnings(installation, figures(installation), Limits(), [facts(**given)])


def test_a_limit_is_only_worse_when_the_worst_line_is() -> None:
    """144/0/0 turned to 0/144/0 is as bad as before; unknown is worse."""
    limits = Limits(single_phase_amps=118)
    live = figures(site(*["RST"] * 9))
    (found,) = broken(limits, figures(site(*["STR"] * 9)), live)
    assert (found.line, found.value, found.live, found.is_worse) == ("L2", 144, 0, False)
    assert broken(limits, live, None)[0].is_worse
    assert broken(limits, figures(site(*ROTATED * 3)), live) == []
    (worse,) = broken(limits, figures(site(*["STR"] * 10)), live)
    assert worse.is_worse


def test_another_line_above_the_limit_is_worse_although_the_worst_line_is_not() -> None:
    """L1 stays at 144 A, L2 goes from 112 to 128 A: refused, and for L2 only."""
    live = figures(site(*["RST"] * 9, *["STR"] * 7))
    first, second = broken(Limits(single_phase_amps=118), figures(site(*["RST"] * 9, *["STR"] * 8)), live)
    assert (first.line, first.is_worse) == ("L1", False)
    assert (second.line, second.value, second.live, second.is_worse) == ("L2", 128, 112, True)


def test_every_limit_is_looked_at() -> None:
    """With its own figure."""
    limits = Limits(single_phase_amps=1, three_phase_amps=1, full_imbalance_amps=1, worst_imbalance_amps=1)
    found = broken(limits, figures(site("RST")), None)
    assert [(item.limit, item.line, item.value) for item in found] == [
        ("single_phase_amps", "L1", 16),
        ("three_phase_amps", "L1", 16),
        ("three_phase_amps", "L2", 16),
        ("three_phase_amps", "L3", 16),
        ("full_imbalance_amps", None, 16),
        ("worst_imbalance_amps", None, 16),
    ]
    assert broken(Limits(), figures(site("RST")), None) == []


def test_the_line_says_limit_value_and_what_follows() -> None:
    """Refused and not refused."""
    refused = Broken("full_imbalance_amps", 20, 48, None, 0, is_worse=True)
    assert refused.text == (
        "limit full_imbalance_amps 20 A: 48 A between two lines, when every point charges one-phase (0 A now); refused "
        "because it would be worse than it is: change the connectors, or the limit"
    )
    said = Broken("single_phase_amps", 118, 144, "L1", 144, is_worse=False)
    assert said.text == (
        "limit single_phase_amps 118 A: 144 A on L1 when every point charges a one-phase car (144 A now); broken, and "
        "the site is no worse than it is"
    )


@pytest.mark.parametrize(("breaker", "advised"), [(20, 16), (32, 25), (40, 32)])
def test_eighty_percent_of_the_breaker(breaker: int, advised: int) -> None:
    """The vendor's advice: warned of, and no more."""
    assert eighty_percent(breaker) == advised
    assert about(breaker_amps=breaker, sockets={1: ("RST", advised)}) == []
    (line,) = about(breaker_amps=breaker, sockets={1: ("RST", advised + 1)})
    assert line == (
        f"HRB-1: 1 socket of {advised + 1} A together; the vendor advises 80 % of the breaker, "
        f"{advised} A of {breaker} A"
    )


def test_twin_sockets_share_the_breaker() -> None:
    """The sum of both."""
    (line,) = about(
        breaker_amps=40,
        sockets={1: ("RST", 32), 2: ("STR", 32)},
        power_types={1: "AC_3_PHASE", 2: "AC_3_PHASE"},
    )
    assert line == "HRB-1: 2 sockets of 64 A together, and the breaker has 40 A"


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
def test_letters_against_the_power_type(kind: str | None, rotation: str, warned: bool) -> None:  # noqa: FBT001
    """Null, and what is not known: skipped."""
    assert bool(about(power_types={1: kind}, sockets={1: (rotation, 16)})) is warned


def test_amps_against_what_the_charger_is_made_for() -> None:
    """max_current."""
    assert about(max_current=32) == []
    assert about(max_current=10) == ["HRB-1/1: 16 A, and the charger is made for 10 A"]


def test_fuses_that_rely_on_load_balancing() -> None:
    """One-phase first, as it is the worse news; three-phase otherwise."""
    installation = site(*["RST"] * 9, fuse=125)
    assert warnings(installation, figures(installation), Limits(), [])[0] == (
        "the main fuse has 118 A usable per line, and one-phase cars at every point draw 144 A on L1: it relies on "
        "load balancing"
    )
    installation = site(*ROTATED * 3, fuse=125)
    assert warnings(installation, figures(installation), Limits(), []) == [
        "the main fuse has 118 A usable per line, and three-phase cars at every point draw 144 A on each line: it "
        "relies on load balancing"
    ]


def test_a_point_of_32_a_breaks_a_limit_of_20_a_in_any_rotation() -> None:
    """Say so, instead of letting people try."""
    installation = site(*ROTATED, amps=32)
    lines = warnings(installation, figures(installation), Limits(full_imbalance_amps=20), [])
    assert (
        "HRB-1/1, HRB-2/1, HRB-3/1: one point of this size with a one-phase car breaks a limit of 20 A between "
        "lines in any rotation"
    ) in lines
    beside = site(*ROTATED, amps=32, base=(24, 24, 0))
    lines = warnings(beside, figures(beside), Limits(full_imbalance_amps=20), [])
    assert not [line for line in lines if "in any rotation" in line], "on the free line it leaves 8 A"


def test_presets_only_warn_and_are_unverified() -> None:
    """Nine one-phase 16 A points rotated are 11.04 kVA per line and would still break the German one's second half."""
    installation = site(*ROTATED * 3)
    for name in PRESETS:
        assert broken(Limits(presets=(name,)), figures(site(*["RST"] * 9)), None) == []
        lines = warnings(site(*["RST"] * 9), figures(site(*["RST"] * 9)), Limits(presets=(name,)), [])
        assert any(f"preset {name} (unverified): 144 A between two lines" in line for line in lines)
    between, ratings = warnings(installation, figures(installation), Limits(presets=("DE-4.6kVA",)), [])
    assert "0 A between two lines when every point charges one-phase, up to 48 A when some are empty" in between
    assert "48 A one-phase on a line" in ratings
    with_building = site("RST", base=(30, 0, 0))
    lines = warnings(with_building, figures(with_building), Limits(presets=("DE-4.6kVA",)), [])
    assert not [line for line in lines if "ratings" in line], "the building has no rating"


def test_letters_that_do_not_fit_the_net() -> None:
    """Two with neutral are no pair, one without has no second line."""
    installation = site("RS")
    assert any("they are no pair" in line for line in warnings(installation, figures(installation), Limits(), []))
    installation = site("R", neutral=False)
    assert any("between two lines" in line for line in warnings(installation, figures(installation), Limits(), []))
    installation = site("RST", amps=5)
    assert any("less than 6 A" in line for line in warnings(installation, figures(installation), Limits(), []))
