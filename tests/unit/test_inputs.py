"""inputs.py: what is wrong with a declaration, in words that say what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_plugchoice._text import is_uuid
from pulumi_plugchoice.inputs import INPUT_NAMES, Problem, default_of, problems

CHARGER = "5f0c3c1e-0000-4000-8000-000000000001"
SITE = "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7"
GOOD: dict[str, Any] = {"charger": CHARGER, "connector_id": 1, "phase_rotation": "RST", "max_amperage": 16}
ROTATIONS = "RST RTS SRT STR TRS TSR RS RT SR ST TR TS R S T"


def known(_: object) -> bool:
    """All values are there."""
    return True


def judged(**inputs: Any) -> list[Problem]:
    """What is wrong with a good declaration changed by `inputs`."""
    return problems({**GOOD, **inputs}, known)


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
def test_good_declarations_have_no_problems(inputs: dict[str, Any]) -> None:
    """The engine makes floats of whole numbers, so 16.0 is one."""
    assert judged(**inputs) == []


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        (
            "phase_rotation",
            "rst",
            f"phase_rotation 'rst' is not a phase rotation; did you mean 'RST'? Allowed: {ROTATIONS}",
        ),
        ("phase_rotation", "XYZ", f"phase_rotation 'XYZ' is not a phase rotation. Allowed: {ROTATIONS}"),
        ("phase_rotation", "", f"phase_rotation '' is not a phase rotation. Allowed: {ROTATIONS}"),
        ("phase_rotation", 1, f"phase_rotation 1 is not a phase rotation. Allowed: {ROTATIONS}"),
        ("phase_rotation", ["RST"], f"phase_rotation ['RST'] is not a phase rotation. Allowed: {ROTATIONS}"),
        ("max_amperage", 0, "max_amperage 0 is not allowed: a whole number of amps from 1 to 1000"),
        ("max_amperage", 1001, "max_amperage 1001 is not allowed: a whole number of amps from 1 to 1000"),
        ("max_amperage", 16.5, "max_amperage 16.5 is not allowed: a whole number of amps from 1 to 1000"),
        ("max_amperage", True, "max_amperage True is not allowed: a whole number of amps from 1 to 1000"),
        (
            "max_amperage",
            "16",
            "max_amperage '16' is not allowed: a whole number of amps from 1 to 1000 (a number, not text)",
        ),
        (
            "max_amperage",
            float("inf"),
            "max_amperage inf is not allowed: a whole number of amps from 1 to 1000",
        ),
        ("connector_id", 0, "connector_id 0 is not an OCPP connector number: a whole number from 1"),
        ("connector_id", True, "connector_id True is not an OCPP connector number: a whole number from 1"),
        (
            "connector_id",
            "1",
            "connector_id '1' is not an OCPP connector number: a whole number from 1 (a number, not text)",
        ),
        ("connector_id", 1.5, "connector_id 1.5 is not an OCPP connector number: a whole number from 1"),
        ("charger", "", "charger '' names no charger: give the charger's UUID, or its OCPP identity"),
        ("charger", 7, "charger 7 names no charger: give the charger's UUID, or its OCPP identity"),
        (
            "charger",
            " HRB-001",
            "charger ' HRB-001' has blanks or control characters around or in it: give it without",
        ),
        (
            "charger",
            "HRB\n001",
            r"charger 'HRB\n001' has blanks or control characters around or in it: give it without",
        ),
        (
            "charger",
            "x" * 46,
            f"charger '{'x' * 46}' is neither a UUID nor an OCPP identity (those have at most 45 characters)",
        ),
        (
            "charger",
            "HRB-001",
            "charger 'HRB-001' is no UUID, and an OCPP identity needs a site to be looked up in: give site=, or set "
            "plugchoice:site or PLUGCHOICE_SITE",
        ),
        (
            "site",
            "Harbour",
            "site 'Harbour' is not a UUID: give the UUID of the site (location) as Plugchoice shows it",
        ),
        ("on_adopt", "keep", "on_adopt 'keep' is not allowed: 'overwrite' or 'match'"),
        ("on_destroy", "delete", "on_destroy 'delete' is not allowed: 'retain' or 'restore'"),
        ("on_destroy", True, "on_destroy True is not allowed: 'retain' or 'restore'"),
        ("charger", None, "charger is missing: give the charger's UUID, or its OCPP identity"),
        ("connector_id", None, "connector_id is missing: give the OCPP connector number, 1 for the first"),
    ],
)
def test_a_bad_input_is_one_problem_with_what_is_allowed(name: str, value: Any, text: str) -> None:
    """The whole line: the value, why it is wrong, what would be right."""
    assert judged(**{name: value}) == [Problem(name, text)]


def test_one_setting_at_least_has_to_be_given() -> None:
    """A resource that manages nothing is a mistake."""
    assert judged(phase_rotation=None, max_amperage=None) == [
        Problem(
            "phase_rotation",
            "neither phase_rotation nor max_amperage is given: declare at least one, or remove the resource",
        )
    ]


def test_all_problems_of_a_declaration_are_found_at_once() -> None:
    """Nobody has to run the program once for each."""
    found = judged(charger=None, connector_id=0, phase_rotation="XYZ", max_amperage=0, site="x", on_adopt="y")
    assert sorted(problem.name for problem in found) == [
        "charger",
        "connector_id",
        "max_amperage",
        "on_adopt",
        "phase_rotation",
        "site",
    ]


def test_an_identity_is_fine_when_the_settings_name_a_site() -> None:
    """`plugchoice:site` or PLUGCHOICE_SITE."""
    assert problems({**GOOD, "charger": "HRB-001"}, known, has_default_site=True) == []


def test_an_unknown_value_is_not_judged_and_counts_as_given() -> None:
    """It is another resource's output, judged by `check` once it is there."""
    to_come = object()
    inputs = {"charger": "HRB-001", "connector_id": to_come, "phase_rotation": to_come, "site": to_come}
    assert problems(inputs, lambda value: value is not to_come) == []


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
    assert {name: default_of(name) for name in INPUT_NAMES} == {
        "charger": None,
        "connector_id": None,
        "phase_rotation": None,
        "max_amperage": None,
        "site": None,
        "on_adopt": "overwrite",
        "on_destroy": "retain",
    }


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
def test_no_value_makes_the_rules_fail(inputs: dict[str, Any], has_site: bool) -> None:  # noqa: FBT001 - hypothesis
    """Whatever a program passes: the answer is a list of single printable lines."""
    for problem in problems(inputs, known, has_default_site=has_site):
        assert problem.name in INPUT_NAMES
        assert problem.text.splitlines() == [problem.text]
        assert len(problem.text) < 300
        assert problem.text.encode()


@given(ANY_JSON, ANY_JSON)
def test_what_passes_can_be_written(rotation: Any, amperage: Any) -> None:
    """The rules let nothing through that the PUT would refuse."""
    if not judged(phase_rotation=rotation, max_amperage=amperage):
        assert rotation is None or rotation in ROTATIONS.split()
        assert amperage is None or (int(amperage) == amperage and 1 <= amperage <= 1000)
