"""rotations.py: the 15 rotations, and the suggestion for a mistyped one."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_plugchoice import PHASE_ROTATIONS
from pulumi_plugchoice.electrical.rotations import (
    MAX_AMPERAGE,
    MIN_AMPERAGE,
    PAIRS,
    find_pair,
    shift_rotation,
    suggest_rotation,
)


def test_there_are_fifteen_rotations() -> None:
    """Every order of one, two or three of the letters R, S, T: the values that the PUT accepts."""
    every_order = ["".join(letters) for count in (3, 2, 1) for letters in permutations("RST", count)]
    assert sorted(PHASE_ROTATIONS) == sorted(every_order)
    assert len(set(PHASE_ROTATIONS)) == 15


def test_the_amperage_range_is_that_of_the_api() -> None:
    """1 to 1000 A, from the API page of the PUT."""
    assert (MIN_AMPERAGE, MAX_AMPERAGE) == (1, 1000)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("rst", "RST"),
        (" Str ", "STR"),
        ("R-S-T", "RST"),
        ("T, R, S", "TRS"),
        ("L1L2L3", "RST"),
        ("l2/l3/l1", "STR"),
        ("L2", "S"),
        ("RSTT", "RST"),
        ("RXT", "RST"),
        ("RTX", "RTS"),
    ],
)
def test_a_mistyped_rotation_gets_a_suggestion(text: str, meant: str) -> None:
    """Other case, blanks, separators, L1 L2 L3, or one wrong letter."""
    assert suggest_rotation(text) == meant


@pytest.mark.parametrize(
    "text", ["", " ", "-", "XYZ", "ABC", "NotApplicable", "Unknown", "RSTXXXX", "123", "0", "\x00"]
)
def test_other_texts_get_no_suggestion(text: str) -> None:
    """A wrong suggestion about wiring is worse than none."""
    assert suggest_rotation(text) is None


@pytest.mark.parametrize("rotation", PHASE_ROTATIONS)
def test_a_rotation_is_closest_to_itself(rotation: str) -> None:
    """Also in lower case, and spelt L1 L2 L3."""
    lines = rotation.replace("R", "L1").replace("S", "L2").replace("T", "L3")
    assert {suggest_rotation(text) for text in (rotation, rotation.lower(), lines)} == {rotation}


@given(st.text() | st.text("RSTrstL123 -/", max_size=12))
def test_any_text_gives_a_rotation_or_nothing(text: str) -> None:
    """It never raises."""
    assert suggest_rotation(text) in {None, *PHASE_ROTATIONS}


def test_a_shift_is_one_line_on() -> None:
    """L1 to L2, L2 to L3, L3 to L1; the field direction stays."""
    assert [shift_rotation(rotation) for rotation in ("RST", "STR", "TRS", "RTS", "RT", "T")] == [
        "STR", "TRS", "RST", "SRT", "SR", "R",
    ]  # fmt: skip
    assert [shift_rotation("RTS", steps) for steps in range(4)] == ["RTS", "SRT", "TSR", "RTS"]


def test_a_car_without_neutral_is_between_the_first_two_lines() -> None:
    """Both orders of two lines are the same pair; one letter names no pair."""
    pairs = {
        "RST": "RS", "SRT": "RS", "RS": "RS", "SR": "RS",
        "STR": "ST", "TSR": "ST", "ST": "ST", "TS": "ST",
        "TRS": "TR", "RTS": "TR", "TR": "TR", "RT": "TR",
        "R": None, "S": None, "T": None,
    }  # fmt: skip
    found = {rotation: find_pair(rotation) for rotation in PHASE_ROTATIONS}
    assert {rotation: None if place is None else PAIRS[place] for rotation, place in found.items()} == pairs
