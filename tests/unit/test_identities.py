"""identities.py: two identities that look alike never look alike in a message."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_plugchoice._text import printable
from pulumi_plugchoice.identities import describe_closest, list_identities, show_identity

UUID = "5f0c3c1e-0000-4000-8000-000000000003"
# Characters that installers' keyboards, tables and scanners put into identities.
ALIKE = st.text(
    "Hh\u041dRr-\u2010\u2011 \u00a0\u2003\u3000\t\n\\x20u0123\u0660\uff13\u00e9e\u0301\u200b\ufeff\x1b", max_size=12
)


@pytest.mark.parametrize(
    ("identity", "shown"),
    [
        ("HRB-003", "HRB-003"),
        ("HRB-003 ", r"HRB-003\x20"),
        (" HRB-003", r"\x20HRB-003"),
        ("HRB  003", r"HRB\x20 003"),
        ("HRB 003", "HRB 003"),
        ("   ", r"\x20\x20\x20"),
        ("HRB\u00a0003", r"HRB\xa0003"),
        ("HRB-003\t", r"HRB-003\t"),
        ("HRB-003\r\n", r"HRB-003\r\n"),
        ("Caf\u00e9", "Caf\u00e9"),
        ("Cafe\u0301", r"Cafe\u0301"),
        ("\u00d8-1", "\u00d8-1"),
        ("\u041dRB-003", r"\u041dRB-003"),
        ("HRB\u2011003", r"HRB\u2011003"),
        ("\uff28RB", r"\uff28RB"),
        ("\u212bS", r"\u212bS"),
        ("HRB-003\u200b", r"HRB-003\u200b"),
        ("a\x1b[2J", r"a\x1b[2J"),
        ("\ud800", r"\ud800"),
        (r"HRB\x20", r"HRB\\x20"),
        ("x" * 70, "x" * 59 + "\u2026"),
    ],
)
def test_odd_characters_are_visible(identity: str, shown: str) -> None:
    assert show_identity(identity) == shown


@given(ALIKE, ALIKE)
def test_different_identities_are_shown_differently(one: str, other: str) -> None:
    """And both as they are printed, in one line."""
    assert (show_identity(one) == show_identity(other)) == (one == other)
    assert printable(show_identity(one)) == show_identity(one)


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("HRB-003", "HRB-003 "),
        ("HRB-003", " HRB-003"),
        ("HRB-003", "HRB -003"),
        ("HRB 3 x", "HRB  3 x"),
        ("HRB-003", "hrb-003"),
        ("HRB-003", "HRB-003\u200b"),
        ("HRB-003", "HRB\u2011003"),
        ("HRB-003", "\u041dRB-003"),
        ("HRB-003", "HRB_003"),
        ("HRB-003", "HBR-003"),
        ("HRB-03", "HRB-003"),
        ("Caf\u00e9-1", unicodedata.normalize("NFD", "Caf\u00e9-1")),
        ("stra\u00dfe", "STRASSE"),
        ("HRB\uff0d003", "HRB-003"),
        ("HRB-003", "HRB-OO3"),
        ("HRB-101", "HRB-lOI"),
        ("HRB-003", "HRB-\u0660\u0660\u0663"),
        ("HRB-003", "\u041d\u0420\u0412\u2013\u041e03"),
        ("EKO", "\u0395\u039a\u039f"),
    ],
)
def test_the_closest_comes_first_with_its_uuid(asked: str, listed: str) -> None:
    others = [(f"HRB-{index:03}", f"uuid-{index}") for index in range(4, 40)]
    text = describe_closest(asked, [*others, (listed, UUID), (None, "uuid")])
    assert text == f"closest: '{show_identity(listed)}' ({UUID}); "
    assert show_identity(listed) != show_identity(asked)


def test_what_is_equal_but_for_its_form_comes_before_what_is_similar() -> None:
    chargers = [("HRB_003", "one"), ("hrb-003", "two"), ("HRB-003 ", "three")]
    assert describe_closest("HRB-003", chargers) == r"closest: 'hrb-003' (two) or 'HRB-003\x20' (three); "


@pytest.mark.parametrize("asked", ["HRB-404", "nobody", "", "HRB-0030", "\x1b" * 300])
def test_another_number_is_another_charger(asked: str) -> None:
    """To offer it as the closest would make somebody write to it."""
    assert describe_closest(asked, [("HRB-003", UUID), ("HRB-040", UUID)]) == ""


def test_a_charger_without_uuid_is_named_alone() -> None:
    """In a site file."""
    assert describe_closest("hrb-003", [("HRB-003", None)]) == "closest: 'HRB-003'; "


def test_what_a_server_sends_as_a_uuid_is_printable() -> None:
    assert describe_closest("a", [("A", "\x1b[2J\n")]) == r"closest: 'A' (\x1b[2J); "


def test_a_list_is_in_order_and_bounded() -> None:
    assert list_identities(["B ", None, "A"]) == r"A, B\x20"
    assert list_identities([]) == ""
    assert list_identities([f"C{index}" for index in range(100, 133)]).endswith("C129 and 3 more")
