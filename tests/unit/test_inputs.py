"""inputs.py: what is wrong with a declaration, in words that say what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_plugchoice._text import is_uuid
from pulumi_plugchoice.inputs import DEFAULTS, INPUT_NAMES, Mistake, find_mistakes, judge

CHARGER = "5f0c3c1e-0000-4000-8000-000000000001"
SITE = "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7"
GOOD: dict[str, Any] = {"charger": CHARGER, "connector_id": 1, "phase_rotation": "RST", "max_amperage": 16}
ROTATIONS = "RST RTS SRT STR TRS TSR RS RT SR ST TR TS R S T"


def known(_: object) -> bool:
    """All values are there."""
    return True


def mistakes_in(**inputs: Any) -> list[Mistake]:
    """What is wrong with a good declaration changed by `inputs`."""
    return find_mistakes({**GOOD, **inputs}, known)


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"phase_rotation": None},
        {"max_amperage": None},
        {"max_amperage": 1},
        {"max_amperage": 1000},
        {"max_amperage": 16.0},
        {"connector_id": 1.0},
        {"connector_id": 12},
        {"phase_rotation": "T"},
        {"charger": CHARGER.upper()},
        {"charger": "HRB-001", "site": SITE},
        {"charger": "Zoë 1", "site": SITE},
        {"site": SITE.upper()},
        {"on_adopt": "match", "on_destroy": "restore"},
        {"on_adopt": "overwrite", "on_destroy": "retain"},
    ],
)
def test_good_declarations_have_no_mistakes(inputs: dict[str, Any]) -> None:
    """The engine makes floats of whole numbers, so 16.0 is one."""
    assert mistakes_in(**inputs) == []


REQUIRED = "give the charger's UUID or its OCPP identity"
MARKER = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
NUMBER = "allowed: an OCPP connector number, 1 and up"
AMPS = "allowed: 1 to 1000 A"


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("phase_rotation", "rst", "phase_rotation: 'rst' is not a phase rotation; did you mean 'RST'?"),
        ("phase_rotation", "XYZ", f"phase_rotation: 'XYZ' is not a phase rotation; allowed: {ROTATIONS}"),
        ("phase_rotation", "", f"phase_rotation: '' is not a phase rotation; allowed: {ROTATIONS}"),
        ("phase_rotation", 1, f"phase_rotation: 1 is not a phase rotation; allowed: {ROTATIONS}"),
        ("phase_rotation", ["RST"], f"phase_rotation: ['RST'] is not a phase rotation; allowed: {ROTATIONS}"),
        ("max_amperage", 0, f"max_amperage: 0 is out of range; {AMPS}"),
        ("max_amperage", 1001, f"max_amperage: 1001 is out of range; {AMPS}"),
        ("max_amperage", 16.5, f"max_amperage: 16.5 is not a whole number; {AMPS}"),
        ("max_amperage", True, f"max_amperage: True is not a number; {AMPS}"),
        ("max_amperage", "16", f"max_amperage: '16' is text, not a number; {AMPS}"),
        ("max_amperage", float("inf"), f"max_amperage: inf is not a whole number; {AMPS}"),
        ("connector_id", 0, f"connector_id: 0 is out of range; {NUMBER}"),
        ("connector_id", True, f"connector_id: True is not a number; {NUMBER}"),
        ("connector_id", "1", f"connector_id: '1' is text, not a number; {NUMBER}"),
        ("connector_id", 2**31, f"connector_id: 2147483648 is out of range; {NUMBER}"),
        ("max_amperage", 1e308, f"max_amperage: a number of more than 60 digits is out of range; {AMPS}"),
        *[
            (
                name,
                MARKER,
                f"{name}: '{MARKER}' is a UUID that Pulumi reserves for itself; give the UUID that Plugchoice shows",
            )
            for name in ("charger", "site")
        ],
        ("connector_id", 1.5, f"connector_id: 1.5 is not a whole number; {NUMBER}"),
        ("charger", "", f"charger: '' is empty; {REQUIRED}"),
        ("charger", 7, f"charger: 7 is not text; {REQUIRED}"),
        (
            "charger",
            " HRB-001",
            "charger: ' HRB-001' has extra blanks or invisible characters; did you mean 'HRB-001'?",
        ),
        (
            "charger",
            "HRB\n001",
            r"charger: 'HRB\n001' has extra blanks or invisible characters; did you mean 'HRB 001'?",
        ),
        (
            "charger",
            "x" * 46,
            f"charger: '{'x' * 46}' is not a UUID and, with 46 characters, not an OCPP identity; "
            "an identity has at most 45",
        ),
        (
            "charger",
            "HRB-001",
            "charger: 'HRB-001' is not a UUID; to use an OCPP identity, set site, plugchoice:site or PLUGCHOICE_SITE",
        ),
        (
            "site",
            "Harbour",
            "site: 'Harbour' is not a UUID; give the UUID of the site (location) that Plugchoice shows",
        ),
        ("on_adopt", "keep", "on_adopt: 'keep' is not allowed; allowed: 'overwrite' or 'match'"),
        ("on_destroy", "delete", "on_destroy: 'delete' is not allowed; allowed: 'retain' or 'restore'"),
        ("on_destroy", True, "on_destroy: True is not allowed; allowed: 'retain' or 'restore'"),
        ("charger", None, f"charger: not set; {REQUIRED}"),
        ("connector_id", None, "connector_id: not set; give the OCPP connector number, 1 for the first"),
    ],
)
def test_a_bad_input_is_one_mistake_that_says_what_is_allowed(name: str, value: Any, line: str) -> None:
    """The whole line: input, value, what is wrong, what to do."""
    (mistake,) = mistakes_in(**{name: value})
    assert str(mistake) == line
    assert mistake.place == name


def test_one_setting_at_least_has_to_be_given() -> None:
    """A resource that manages nothing is a mistake."""
    assert mistakes_in(phase_rotation=None, max_amperage=None) == [
        Mistake("", None, "neither phase_rotation nor max_amperage is set", "set at least one, or remove the resource")
    ]


def test_all_mistakes_of_a_declaration_are_found_at_once() -> None:
    """Nobody has to run the program once for each."""
    found = mistakes_in(charger=None, connector_id=0, phase_rotation="XYZ", max_amperage=0, site="x", on_adopt="y")
    assert sorted(mistake.place for mistake in found) == [
        "charger",
        "connector_id",
        "max_amperage",
        "on_adopt",
        "phase_rotation",
        "site",
    ]


def test_an_identity_is_fine_when_the_configuration_names_a_site() -> None:
    """`plugchoice:site` or PLUGCHOICE_SITE."""
    assert find_mistakes({**GOOD, "charger": "HRB-001"}, known, has_default_site=True) == []


def test_an_unknown_value_is_not_checked_and_counts_as_set() -> None:
    """It is another resource's output, judged by `check` once it is there."""
    to_come = object()
    inputs = {"charger": "HRB-001", "connector_id": to_come, "phase_rotation": to_come, "site": to_come}
    assert find_mistakes(inputs, lambda value: value is not to_come) == []


def test_names_and_defaults_are_those_of_the_constructor() -> None:
    """An input at its default is not sent."""
    assert INPUT_NAMES == (
        "charger",
        "connector_id",
        "phase_rotation",
        "max_amperage",
        "site",
        "on_adopt",
        "on_destroy",
    )
    assert DEFAULTS == {"on_adopt": "overwrite", "on_destroy": "retain"}


@pytest.mark.parametrize("text", [CHARGER, CHARGER.upper()])
def test_a_uuid_has_five_groups(text: str) -> None:
    """In either case."""
    assert is_uuid(text)


@pytest.mark.parametrize(
    "text", ["", "HRB-001", CHARGER.replace("-", ""), f"{{{CHARGER}}}", CHARGER + "\n", CHARGER[:-1]]
)
def test_anything_else_is_an_identity(text: str) -> None:
    """Other spellings of a UUID included: Plugchoice shows none of them."""
    assert not is_uuid(text)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["RST", CHARGER, SITE, 16]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(INPUT_NAMES), ANY_JSON), st.booleans())
def test_no_value_makes_the_rules_fail(inputs: dict[str, Any], has_site: bool) -> None:
    """Whatever a program passes: the answer is a list of single printable lines."""
    for mistake in find_mistakes(inputs, known, has_default_site=has_site):
        assert mistake.place in (*INPUT_NAMES, "")
        assert str(mistake).splitlines() == [str(mistake)]
        assert len(str(mistake)) < 300
        assert str(mistake).encode()


@given(ANY_JSON, ANY_JSON)
def test_accepted_inputs_can_be_written(rotation: Any, amperage: Any) -> None:
    """The rules let nothing through that the PUT would refuse."""
    if not mistakes_in(phase_rotation=rotation, max_amperage=amperage):
        assert rotation is None or rotation in ROTATIONS.split()
        assert amperage is None or (int(amperage) == amperage and 1 <= amperage <= 1000)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", ["connector_id", "max_amperage", "charger", "site", "on_adopt"])
def test_a_number_that_python_does_not_write_out_is_refused(name: str, sign: int) -> None:
    """It has 5,001 digits."""
    mistake = judge(name, sign * 10**5000)
    assert mistake is not None
    assert str(mistake).startswith(f"{name}: a number of more than 60 digits is ")
