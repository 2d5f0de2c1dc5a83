"""When a connector counts as gone: only with proof. A token without access must never empty a stack.

test_trouble.py has the way out for a charger that is gone without proof; tests/contract/test_stateful.py plays every
fault of a refresh, with a site and without one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.emulator import TOKEN, charger_uuid, connector, seed
from support.stack import Stack, declaration

if TYPE_CHECKING:
    from support.emulator import Emulator

STRANGER = "token-of-somebody-else"
SHORT = {"PLUGCHOICE_TIMEOUT_SECONDS": "1", "PLUGCHOICE_DEADLINE_SECONDS": "2"}


def _bay(index: int, amps: int = 16) -> str:
    return declaration(f"bay-{index}", index, phase_rotation="RST", max_amperage=amps)


def _stored(stack: Stack) -> dict[str, list[Any]]:
    """What a refresh could lose; the engine also notes when it last looked."""
    return {name: [item[key] for key in ("id", "inputs", "outputs")] for name, item in stack.resources().items()}


def _expect_refresh_to_fail(stack: Stack, emulator: Emulator, said: str, **fault: Any) -> None:
    """A refresh with this fault of all reads it names: an error, and the state is as before."""
    before = _stored(stack)
    emulator.clear_faults()
    emulator.fault(**fault, method="GET", times=None)

    result = stack.refresh(**SHORT)

    emulator.clear_faults()
    assert result.code != 0, fault
    assert said in result.output
    assert _stored(stack) == before


def _expect_a_stranger_to_change_nothing(stack: Stack, emulator: Emulator) -> None:
    """`refresh: always` and a token of somebody else: `up` fails, all resources stay, nothing is written."""
    project = stack.folder / "Pulumi.yaml"
    before, text = set(stack.resources()), project.read_text()
    project.write_text(text + "options:\n  refresh: always\n")
    emulator.set_token(STRANGER, user="stranger", access={charger_uuid(99): "full"})
    for status in (403, 404):
        emulator.switch(foreign_charger_status=status)

        result = stack.up(PLUGCHOICE_TOKEN=STRANGER)

        assert result.code != 0
        assert set(stack.resources()) == before
        assert result.puts == []
        assert TOKEN not in result.output
    project.write_text(text)


@pytest.mark.long
def test_trouble_with_reading_a_site_keeps_every_resource(stack: Stack, emulator: Emulator) -> None:
    """Whatever is wrong with all reads, a refresh fails and the state stays as it was."""
    stack.declare(_bay(1), _bay(2), _bay(3))
    stack.must_up()

    _expect_a_stranger_to_change_nothing(stack, emulator)
    for status in (401, 403, 404, 500):
        _expect_refresh_to_fail(stack, emulator, f"answered {status}", kind="status", status=status)
    _expect_refresh_to_fail(stack, emulator, "no answer within", kind="slow", delay_seconds=8)
    # The last one: it holds back what follows.
    _expect_refresh_to_fail(stack, emulator, "answered 429", kind="status", status=429, retry_after=600)


@pytest.mark.long
def test_trouble_with_reading_single_chargers_keeps_every_resource(stack: Stack, emulator: Emulator) -> None:
    """Without a site each charger is read by itself, and only the answer of another one is proof that one is gone."""
    stack.environment.pop("PLUGCHOICE_SITE")
    stack.declare(_bay(1), _bay(2), _bay(3))
    stack.must_up()

    _expect_a_stranger_to_change_nothing(stack, emulator)
    for status in (401, 404):
        _expect_refresh_to_fail(stack, emulator, f"answered {status}", kind="status", status=status)
    # One that cannot be read while others answer: a 404 would be proof, and nothing else is.
    second = {"kind": "status", "path": charger_uuid(2)}
    _expect_refresh_to_fail(stack, emulator, "answered 403", status=403, **second)
    # Something between us and Plugchoice may have lost the list of connectors.
    bare = {"data": {"uuid": charger_uuid(2), "identity": "HRB-002"}}
    _expect_refresh_to_fail(stack, emulator, charger_uuid(2), status=200, body=bare, **second)

    emulator.remove(charger_uuid(1))
    assert stack.refresh().code == 0, "in whatever order the engine asks"
    assert set(stack.resources()) == {"bay-2", "bay-3"}

    emulator.remove_connector(charger_uuid(2), 1)
    empty = stack.refresh()
    assert empty.code != 0
    assert set(stack.resources()) == {"bay-2", "bay-3"}
    assert "charger HRB-002 has no connector 1; it has not reported any connector yet" in empty.output


def test_a_vanished_charger_does_not_stop_the_others_and_is_dropped_by_a_refresh(
    stack: Stack, emulator: Emulator
) -> None:
    """It counts as changed and its update fails, and a refresh that has read the site drops it.

    An empty list of connectors means "not reported": an error, and the resource stays.
    """
    emulator.reset(seed(5, {4: [connector(1), connector(2)]}))
    sockets = [declaration(f"socket-{number}", 4, connector_id=number, max_amperage=16) for number in (1, 2)]
    others = [*sockets, 'ChargerConnector("by-identity", charger="HRB-005", connector_id=1, max_amperage=16)']
    stack.declare(_bay(1), _bay(2), _bay(3), *others)
    stack.must_up()
    emulator.remove(charger_uuid(2))
    emulator.remove(charger_uuid(5))

    stack.declare(_bay(1, 20), _bay(2), _bay(3), *others)
    assert stack.preview("--expect-no-changes").code != 0
    result = stack.up("--continue-on-error", "--skip-preview")
    assert result.code != 0
    assert len(result.puts) == 1
    assert emulator.live(1) == ("RST", 20)
    assert result.lines("using the charger recorded in the state"), "known by its UUID from before"
    for name in ("HRB-002/1", "HRB-005/1"):
        assert result.lines(f"{name}: counts as changed, because it cannot be compared: ")
        assert any("answered 404" in line for line in result.lines(f"error: plugchoice: {name}: not updated, because"))
    assert stack.resources()["bay-2"]["outputs"]["max_amperage"] == 16

    emulator.remove_connector(charger_uuid(4), 2)
    refreshed = stack.refresh()
    assert refreshed.code == 0, refreshed.output
    assert set(stack.resources()) == {"bay-1", "bay-3", "socket-1"}
    for line in (
        "HRB-002/1: gone from Plugchoice (404 for its charger, while the same token can read others); removed",
        "HRB-004/2: gone from Plugchoice (charger HRB-004 has no connector 2; it has 1); removed from the state",
    ):
        assert line in refreshed.output

    emulator.remove_connector(charger_uuid(3), 1)
    empty = stack.refresh()
    assert empty.code != 0
    assert set(stack.resources()) == {"bay-1", "bay-3", "socket-1"}
    assert "charger HRB-003 has no connector 1; it has not reported any connector yet" in empty.output
