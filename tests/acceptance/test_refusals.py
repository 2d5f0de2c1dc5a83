"""Wrong input: one clear line each, and nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.emulator import TOKEN, charger_uuid, seed
from support.stack import Stack, declaration

if TYPE_CHECKING:
    from support.emulator import Emulator

ROTATIONS = "RST RTS SRT STR TRS TSR RS RT SR ST TR TS R S T"
GOOD: dict[str, Any] = {"phase_rotation": "STR", "max_amperage": 20}


def test_bad_inputs_at_the_first_middle_and_last_of_forty(stack: Stack, emulator: Emulator) -> None:
    """All are listed with their program lines, in one message, and no PUT leaves, also without a preview."""
    emulator.reset(seed(40))
    bays = [declaration(f"bay-{i}", i, **GOOD) for i in range(1, 41)]
    bays[0] = declaration("bay-1", 1, phase_rotation="rst")
    bays[19] = declaration("bay-20", 20, max_amperage=1001)
    bays[39] = declaration("bay-40", 40, connector_id=0, max_amperage=16)
    stack.declare(*bays)

    result = stack.up("--skip-preview")

    assert result.code != 0
    assert result.puts == []
    _, _, diagnostics = result.output.rpartition("Diagnostics:")
    assert [line.strip() for line in diagnostics.splitlines() if "__main__.py" in line] == [
        f"__main__.py:4: bay-1: phase_rotation 'rst' is not a phase rotation; did you mean 'RST'? Allowed: {ROTATIONS}",
        "__main__.py:23: bay-20: max_amperage 1001 is not allowed: a whole number of amps from 1 to 1000",
        "__main__.py:43: bay-40: connector_id 0 is not an OCPP connector number: a whole number from 1",
    ]
    assert "error: plugchoice: 3 problems in this program; no connector was written:" in diagnostics
    assert "Traceback" not in result.output


def test_bad_input_after_a_write_does_not_claim_that_nothing_was_written(stack: Stack, emulator: Emulator) -> None:
    """What is declared inside of an `apply` comes too late for that."""
    stack.program(
        f"""
        first = ChargerConnector("first", charger="{charger_uuid(1)}", connector_id=1, max_amperage=20)
        first.id.apply(lambda _: ChargerConnector("late", charger="{charger_uuid(2)}", connector_id=1, max_amperage=0))
        """
    )

    result = stack.up("--skip-preview")

    assert result.code != 0
    assert emulator.live(1) == ("RST", 20)
    assert "1 problem in this program; connectors declared before may have been written:" in result.output
    assert "late: max_amperage 0 is not allowed" in result.output


BAD: list[tuple[dict[str, Any], str]] = [
    ({"phase_rotation": "XYZ"}, f"phase_rotation 'XYZ' is not a phase rotation. Allowed: {ROTATIONS}"),
    ({"max_amperage": 0}, "max_amperage 0 is not allowed: a whole number of amps from 1 to 1000"),
    ({"max_amperage": 16.5}, "max_amperage 16.5 is not allowed: a whole number of amps from 1 to 1000"),
    (
        {"max_amperage": "16"},
        "max_amperage '16' is not allowed: a whole number of amps from 1 to 1000 (a number, not text)",
    ),
    ({"max_amperage": True}, "max_amperage True is not allowed: a whole number of amps from 1 to 1000"),
    (
        {"max_amperage": None, "phase_rotation": None},
        "neither phase_rotation nor max_amperage is given: declare at least one, or remove the resource",
    ),
    ({"on_destroy": "delete"}, "on_destroy 'delete' is not allowed: 'retain' or 'restore'"),
]


def test_each_bad_value_known_in_the_program(stack: Stack) -> None:
    """One line each, as a whole sentence."""
    stack.declare(*[declaration(f"bay-{n}", n, **{**GOOD, **bad}) for n, (bad, _) in enumerate(BAD, 1)])

    result = stack.preview()

    assert result.code != 0
    for number, (_, said) in enumerate(BAD, 1):
        assert f"__main__.py:{number + 3}: bay-{number}: {said}\n" in result.output


def test_each_bad_value_hidden_in_an_output_is_a_check_failure(stack: Stack) -> None:
    """What the program cannot see is refused by the provider, on the property."""
    cases = [(bad, said) for bad, said in BAD if None not in bad.values()]
    for bad, said in cases:
        (name, value) = next(iter(bad.items()))
        stack.program(
            f"""
            settings = {GOOD!r} | {{{name!r}: pulumi.Output.from_input({value!r})}}
            ChargerConnector("bay", charger="{charger_uuid(1)}", connector_id=1, **settings)
            """
        )

        result = stack.preview()

        assert result.code != 0
        (line,) = result.lines("has a problem")
        assert f"resource 'bay': property {name} value " in line
        # The engine turns 0 into 0.0 on the way.
        assert line.endswith(said.replace(" 0 is", " 0.0 is")), line


def test_ignore_changes_on_a_setting_is_refused(stack: Stack) -> None:
    """It would overwrite a portal edit with the old value; the advice is to declare None."""
    stack.program(
        f"""
        ChargerConnector("bay", charger="{charger_uuid(1)}", connector_id=1, max_amperage=20,
            opts=pulumi.ResourceOptions(ignore_changes=["max_amperage"]))
        """
    )

    result = stack.up()

    assert result.code != 0
    assert len(result.calls) == 0
    assert (
        "bay: ignore_changes on max_amperage is refused: it would write the old value back over an edit made in the "
        "portal; declare max_amperage=None instead, which leaves the setting as it is" in result.output
    )


def test_identity_without_a_site(stack: Stack) -> None:
    """An OCPP identity needs a site to be looked up in."""
    stack.environment.pop("PLUGCHOICE_SITE")
    stack.program('ChargerConnector("bay", charger="HRB-001", connector_id=1, max_amperage=20)')

    result = stack.preview()

    assert result.code != 0
    assert (
        "bay: charger 'HRB-001' is no UUID, and an OCPP identity needs a site to be looked up in: give site=, or set "
        "plugchoice:site or PLUGCHOICE_SITE" in result.output
    )


def test_connector_that_the_charger_does_not_have(stack: Stack) -> None:
    """The failure names those that exist."""
    stack.declare(declaration("bay", 1, connector_id=7, max_amperage=16))

    result = stack.preview()

    assert result.code != 0
    (line,) = result.lines("has a problem")
    assert line.endswith("property connector_id value {7} has a problem: charger HRB-001 has no connector 7: it has 1")


def test_duplicate_connector_in_the_program(stack: Stack) -> None:
    """Both are named."""
    stack.declare(declaration("first", 1, max_amperage=16), declaration("second", 1, max_amperage=20))

    result = stack.up("--skip-preview")

    assert result.code != 0
    assert len(result.calls) == 0
    assert (
        f"__main__.py:5: second: connector 1 of charger {charger_uuid(1)} is already declared by first "
        "(__main__.py:4): two resources would overwrite each other's values; keep one" in result.output
    )


def test_duplicate_connector_behind_outputs(stack: Stack, emulator: Emulator) -> None:
    """Found when the output is known, before the second one writes."""
    stack.program(
        f"""
        first = ChargerConnector("first", charger="{charger_uuid(1)}", connector_id=1, max_amperage=16)
        ChargerConnector("second", charger=first.charger, connector_id=1, max_amperage=32)
        """
    )

    result = stack.up("--skip-preview")

    assert result.code != 0
    assert emulator.live(1) == ("RST", 16)
    assert set(stack.resources()) == {"first"}
    assert (
        f"second: connector 1 of charger {charger_uuid(1)} is already declared by first (__main__.py:5)"
        in result.output
    )


def test_duplicate_connector_by_identity_and_by_uuid(stack: Stack, emulator: Emulator) -> None:
    """The program cannot compare the two names; the provider can, already in the preview."""
    stack.program(
        f"""
        ChargerConnector("first", charger="HRB-001", connector_id=1, max_amperage=20)
        ChargerConnector("second", charger="{charger_uuid(1)}", connector_id=1, max_amperage=32)
        """
    )

    result = stack.preview()

    assert result.code != 0
    (line,) = result.lines("is declared twice")
    assert "HRB-001/1 (20 A)" in line
    assert f"{charger_uuid(1)}/1 (32 A)" in line


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (
            {"PLUGCHOICE_BASE_URL": "http://plugchoice.example/api"},
            "error: plugchoice: the base URL 'http://plugchoice.example/api' would send the token in plain text: set "
            "PLUGCHOICE_BASE_URL or plugchoice:baseUrl to an https URL (plain http is for loopback only)",
        ),
        (
            {"PLUGCHOICE_TOKEN": None},
            "error: plugchoice: no credentials: set PLUGCHOICE_TOKEN to a personal access token (Plugchoice: Settings "
            "> Personal Access Tokens), or PLUGCHOICE_CLIENT_ID and PLUGCHOICE_CLIENT_SECRET; for a preview without "
            "network set PLUGCHOICE_OFFLINE=1",
        ),
    ],
    ids=["http", "no token"],
)
def test_settings_that_cannot_be_right(stack: Stack, environment: dict[str, str | None], said: str) -> None:
    """One line for the whole program, before any call."""
    stack.declare(declaration("bay-1", 1, **GOOD), declaration("bay-2", 2, **GOOD))

    result = stack.up("--skip-preview", **environment)

    assert result.code != 0
    assert len(result.calls) == 0
    assert result.lines("error: plugchoice:") == [said]


def test_wrong_token(stack: Stack) -> None:
    """One line, without the token."""
    stack.declare(declaration("bay-1", 1, **GOOD), declaration("bay-2", 2, **GOOD))

    result = stack.up(PLUGCHOICE_TOKEN="wrong-token-1234")

    assert result.code != 0
    assert result.puts == []
    (line,) = result.lines("error: plugchoice:")
    assert "answered 401" in line
    assert "set PLUGCHOICE_TOKEN" in line
    assert "wrong-token-1234" not in result.output
    assert TOKEN not in result.output


@pytest.mark.parametrize(
    ("kind", "said"),
    [("html", "where JSON was expected; is the base URL right?"), ("no_data", "answered with JSON that has no `data`")],
)
def test_answers_that_are_not_the_api(stack: Stack, emulator: Emulator, kind: str, said: str) -> None:
    """HTML from a proxy, or JSON of something else: one line."""
    emulator.fault(kind, method="GET", times=None)
    stack.declare(declaration("bay-1", 1, **GOOD), declaration("bay-2", 2, **GOOD))

    result = stack.up()

    assert result.code != 0
    assert result.puts == []
    (line,) = result.lines("error: plugchoice:")
    assert said in line


def test_unreachable_server(stack: Stack) -> None:
    """Nobody listens on the port: one line that says so, after the deadline."""
    stack.declare(declaration("bay-1", 1, **GOOD), declaration("bay-2", 2, **GOOD))

    result = stack.preview(PLUGCHOICE_BASE_URL="http://127.0.0.1:9/api", PLUGCHOICE_DEADLINE_SECONDS="1")

    assert result.code != 0
    (line,) = result.lines("error: plugchoice:")
    assert "cannot connect to http://127.0.0.1:9 (Connection refused)" in line
