"""Wrong input: one clear line each, and nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.emulator import TOKEN, charger_uuid, seed
from support.stack import Stack, declaration

if TYPE_CHECKING:
    from support.emulator import Emulator

ROTATIONS = "RST RTS SRT STR TRS TSR RS RT SR ST TR TS R S T"
GOOD: dict[str, Any] = {"phase_rotation": "STR", "max_amperage": 20}


def test_all_bad_inputs_of_forty_connectors_are_listed_and_nothing_is_written(stack: Stack, emulator: Emulator) -> None:
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
        "__main__.py:4: bay-1: phase_rotation: 'rst' is not a phase rotation; did you mean 'RST'?",
        "__main__.py:23: bay-20: max_amperage: 1001 is out of range; allowed: 1 to 1000 A",
        "__main__.py:43: bay-40: connector_id: 0 is out of range; allowed: an OCPP connector number, 1 and up",
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
    assert "late: max_amperage: 0 is out of range" in result.output


BAD: list[tuple[dict[str, Any], str]] = [
    ({"phase_rotation": "XYZ"}, f"'XYZ' is not a phase rotation; allowed: {ROTATIONS}"),
    ({"max_amperage": 0}, "0 is out of range; allowed: 1 to 1000 A"),
    ({"max_amperage": 16.5}, "16.5 is not a whole number; allowed: 1 to 1000 A"),
    ({"max_amperage": "16"}, "'16' is text, not a number; allowed: 1 to 1000 A"),
    ({"max_amperage": True}, "True is not a number; allowed: 1 to 1000 A"),
    ({"on_destroy": "delete"}, "'delete' is not allowed; allowed: 'retain' or 'restore'"),
]
NO_SETTING = "neither phase_rotation nor max_amperage is set; set at least one, or remove the resource"


def test_each_mistake_in_a_program_is_one_line_before_any_call(stack: Stack) -> None:
    """One line each, before any call: place, resource, input, value, what is wrong, what to do."""
    stack.environment.pop("PLUGCHOICE_SITE")
    inputs = [{**GOOD, **bad} for bad, _ in BAD] + [{"phase_rotation": None}]
    stack.declare(
        *[declaration(f"bay-{n}", n, **values) for n, values in enumerate(inputs, 1)],
        f"{declaration('ignoring', 8, **GOOD)[:-1]}, opts=pulumi.ResourceOptions(ignore_changes=['max_amperage']))",
        "ChargerConnector('identity', charger='HRB-009', connector_id=1, max_amperage=20)",
        declaration("first", 10, max_amperage=16),
        declaration("second", 10, max_amperage=20),
    )
    lines = [
        *[f"bay-{n}: {name}: {text}" for n, (bad, text) in enumerate(BAD, 1) for name in bad],
        f"bay-7: {NO_SETTING}",
        "ignoring: max_amperage: ignore_changes would write the old value back over an edit made in the portal; "
        "declare max_amperage=None, which leaves the setting as it is",
        "identity: charger: 'HRB-009' is not a UUID; to use an OCPP identity, set site, plugchoice:site or "
        "PLUGCHOICE_SITE",
    ]

    result = stack.preview()

    assert result.code != 0
    assert len(result.calls) == 0
    for number, line in enumerate(lines, 4):
        assert f"__main__.py:{number}: {line}\n" in result.output
    assert (
        f"__main__.py:14: second: connector 1 of charger {charger_uuid(10)} is already declared by first "
        "(__main__.py:13); keep one, because two resources would overwrite each other's values" in result.output
    )


def test_bad_values_in_outputs_are_refused_on_their_property(stack: Stack) -> None:
    """What the program cannot see is refused by the provider, on the property (tests/contract/test_refusals.py)."""
    bad = {name: value for values, _ in (BAD[0], BAD[1], BAD[5]) for name, value in values.items()}
    hidden = ", ".join(f"{name}=pulumi.Output.from_input({value!r})" for name, value in bad.items())
    stack.program(f'ChargerConnector("bay", charger="{charger_uuid(1)}", connector_id=1, {hidden})')

    result = stack.preview()

    assert result.code != 0
    for values, text in (BAD[0], BAD[1], BAD[5]):
        (line,) = result.lines(f"property {next(iter(values))} value ")
        assert "resource 'bay': " in line
        assert line.endswith(f"has a problem: {text}"), line


def test_a_connector_declared_twice_behind_outputs_is_refused(stack: Stack, emulator: Emulator) -> None:
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


def test_a_connector_declared_by_identity_and_by_uuid_is_refused(stack: Stack, emulator: Emulator) -> None:
    """The program cannot compare the two names; the provider can, already in the preview."""
    stack.program(
        f"""
        ChargerConnector("first", charger="HRB-001", connector_id=1, max_amperage=20)
        ChargerConnector("second", charger="{charger_uuid(1)}", connector_id=1, max_amperage=32)
        """
    )

    result = stack.preview()

    assert result.code != 0
    (line,) = result.lines("declared twice")
    assert "HRB-001/1 (20 A)" in line
    assert f"{charger_uuid(1)}/1 (32 A)" in line


def test_a_missing_token_is_one_line_for_the_whole_program(stack: Stack) -> None:
    """Before any call."""
    stack.declare(declaration("bay-1", 1, **GOOD), declaration("bay-2", 2, **GOOD))

    result = stack.up("--skip-preview", PLUGCHOICE_TOKEN=None)

    assert result.code != 0
    assert len(result.calls) == 0
    assert result.lines("error: plugchoice:") == [
        "error: plugchoice: credentials: not set; set PLUGCHOICE_TOKEN to a personal access token (Plugchoice: "
        "Settings > Personal Access Tokens), or PLUGCHOICE_CLIENT_ID and PLUGCHOICE_CLIENT_SECRET; for a preview "
        "without network set PLUGCHOICE_OFFLINE=1"
    ]


def test_a_wrong_token_is_one_line_without_the_token(stack: Stack) -> None:
    """And nothing is written."""
    stack.declare(declaration("bay-1", 1, **GOOD), declaration("bay-2", 2, **GOOD))

    result = stack.up(PLUGCHOICE_TOKEN="wrong-token-1234")

    assert result.code != 0
    assert result.puts == []
    (line,) = result.lines("error: plugchoice:")
    assert "answered 401" in line
    assert "set PLUGCHOICE_TOKEN" in line
    assert "wrong-token-1234" not in result.output
    assert TOKEN not in result.output


def test_an_html_page_instead_of_the_api_is_one_line(stack: Stack, emulator: Emulator) -> None:
    """HTML from a proxy; tests/contract has the other answers."""
    emulator.fault("html", method="GET", times=None)
    stack.declare(declaration("bay-1", 1, **GOOD), declaration("bay-2", 2, **GOOD))

    result = stack.up()

    assert result.code != 0
    assert result.puts == []
    (line,) = result.lines("error: plugchoice:")
    assert "instead of JSON; check the base URL" in line


def test_a_server_that_nobody_reaches_is_one_line(stack: Stack) -> None:
    """Nobody listens on the port: one line that says so, after the deadline."""
    stack.declare(declaration("bay-1", 1, **GOOD), declaration("bay-2", 2, **GOOD))

    result = stack.preview(PLUGCHOICE_BASE_URL="http://127.0.0.1:9/api", PLUGCHOICE_DEADLINE_SECONDS="1")

    assert result.code != 0
    (line,) = result.lines("error: plugchoice:")
    assert "cannot connect to http://127.0.0.1:9 (Connection refused)" in line
