"""When a connector counts as gone: only with proof. A token without access must never empty a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.emulator import TOKEN, charger_uuid, connector, seed
from support.stack import Stack, declaration

if TYPE_CHECKING:
    from support.emulator import Emulator

REFRESH_ALWAYS = "options:\n  refresh: always\n"


def _three(stack: Stack, **more: Any) -> None:
    stack.declare(*[declaration(f"bay-{i}", i, phase_rotation="RST", max_amperage=16, **more) for i in (1, 2, 3)])
    stack.must_up()


def _stored(stack: Stack) -> dict[str, list[Any]]:
    """What a refresh could lose; the engine also notes when it last looked."""
    return {name: [item[key] for key in ("id", "inputs", "outputs")] for name, item in stack.resources().items()}


def test_vanished_charger_is_dropped_when_its_site_was_read(stack: Stack, emulator: Emulator) -> None:
    """404 for the charger, and the same run has read its site: gone."""
    _three(stack)
    emulator.remove(charger_uuid(2))

    result = stack.refresh()

    assert result.code == 0
    assert set(stack.resources()) == {"bay-1", "bay-3"}
    assert (
        "HRB-002/1: gone from Plugchoice (404 for its charger, while the same token can read others); removed"
        in result.output
    )


def test_vanished_charger_without_a_site_is_dropped_when_another_answers(stack: Stack, emulator: Emulator) -> None:
    """Without a site, another charger's answer is the proof, in whatever order the engine asks."""
    stack.environment.pop("PLUGCHOICE_SITE")
    _three(stack)
    emulator.remove(charger_uuid(1))

    result = stack.refresh()

    assert result.code == 0, result.output
    assert set(stack.resources()) == {"bay-2", "bay-3"}


def test_vanished_charger_without_any_proof_is_kept(stack: Stack, emulator: Emulator) -> None:
    """The only charger of a stack answers 404: nothing shows that the token sees anything, so it stays."""
    stack.environment.pop("PLUGCHOICE_SITE")
    stack.declare(declaration("bay", 1, phase_rotation="RST", max_amperage=16))
    stack.must_up()
    emulator.remove(charger_uuid(1))

    result = stack.refresh()

    assert result.code != 0
    assert set(stack.resources()) == {"bay"}
    (line,) = result.lines("kept in the state")
    assert "pulumi state delete" in line
    assert "--refresh=false" in line


def test_connector_number_that_the_charger_no_longer_has_is_dropped(stack: Stack, emulator: Emulator) -> None:
    """The charger itself answers without that number: proof enough."""
    emulator.reset(seed(1, {1: [connector(1), connector(2)]}))
    stack.declare(declaration("left", 1, max_amperage=16), declaration("right", 1, connector_id=2, max_amperage=16))
    stack.must_up()
    emulator.remove_connector(charger_uuid(1), 2)

    result = stack.refresh()

    assert result.code == 0
    assert set(stack.resources()) == {"left"}
    assert (
        "HRB-001/2: gone from Plugchoice (charger HRB-001 has no connector 2; it has 1); removed from the state"
        in result.output
    )


def test_one_charger_that_cannot_be_read_is_kept_while_others_answer(stack: Stack, emulator: Emulator) -> None:
    """The token sees the others, so a 404 would be proof; anything else is not."""
    stack.environment.pop("PLUGCHOICE_SITE")
    _three(stack)
    for status in (403, 500):
        emulator.clear_faults()
        emulator.fault("status", method="GET", path=charger_uuid(2), status=status, times=None)

        result = stack.refresh(PLUGCHOICE_DEADLINE_SECONDS="2")

        assert result.code != 0
        assert set(stack.resources()) == {"bay-1", "bay-2", "bay-3"}
        assert f"answered {status}" in result.output


@pytest.mark.parametrize("site", [True, False], ids=["site", "no-site"])
def test_charger_that_lists_no_connector_is_no_proof(stack: Stack, emulator: Emulator, *, site: bool) -> None:
    """An empty list means "not reported": a clear error, and the resource stays."""
    if not site:
        stack.environment.pop("PLUGCHOICE_SITE")
    _three(stack)
    emulator.remove_connector(charger_uuid(2), 1)

    result = stack.refresh()

    assert result.code != 0
    assert set(stack.resources()) == {"bay-1", "bay-2", "bay-3"}
    assert "charger HRB-002 has no connector 1; it has not reported any connector yet" in result.output


def test_answer_without_the_list_of_connectors_is_no_proof(stack: Stack, emulator: Emulator) -> None:
    """Something between us and Plugchoice may have lost it."""
    stack.environment.pop("PLUGCHOICE_SITE")
    _three(stack)
    bare = {"data": {"uuid": charger_uuid(2), "identity": "HRB-002"}}
    emulator.fault("status", method="GET", path=charger_uuid(2), status=200, body=bare, times=None)

    result = stack.refresh()

    assert result.code != 0
    assert set(stack.resources()) == {"bay-1", "bay-2", "bay-3"}


def test_vanished_charger_declared_by_identity_does_not_stop_the_others(stack: Stack, emulator: Emulator) -> None:
    """It is known by its UUID from before; the others are updated."""
    stack.program('ChargerConnector("a", charger="HRB-001", connector_id=1, max_amperage=16)')
    stack.must_up()
    emulator.remove(charger_uuid(1))
    stack.program(
        f"""
        ChargerConnector("a", charger="HRB-001", connector_id=1, max_amperage=16)
        ChargerConnector("b", charger="{charger_uuid(2)}", connector_id=1, max_amperage=20)
        """
    )

    result = stack.must_up()

    assert emulator.live(2) == ("RST", 20)
    assert result.lines("using the charger recorded in the state")


TROUBLE: list[tuple[dict[str, Any], str]] = [
    ({"kind": "status", "status": 401}, "answered 401"),
    ({"kind": "status", "status": 403}, "answered 403"),
    ({"kind": "status", "status": 404}, "answered 404"),
    ({"kind": "status", "status": 500}, "answered 500"),
    ({"kind": "slow", "delay_seconds": 8}, "no answer within"),
    ({"kind": "status", "status": 429, "retry_after": 600}, "answered 429"),  # last: it holds back what follows
]


@pytest.mark.parametrize("site", [True, False], ids=["site", "no-site"])
def test_trouble_with_reading_keeps_every_resource(stack: Stack, emulator: Emulator, *, site: bool) -> None:
    """Whatever is wrong with all reads, a refresh fails and the state stays as it was."""
    if not site:
        stack.environment.pop("PLUGCHOICE_SITE")
    _three(stack)
    before = _stored(stack)
    for fault, said in TROUBLE:
        emulator.clear_faults()
        emulator.fault(**fault, method="GET", times=None)

        result = stack.refresh(PLUGCHOICE_TIMEOUT_SECONDS="1", PLUGCHOICE_DEADLINE_SECONDS="2")

        assert result.code != 0
        assert said in result.output
        assert _stored(stack) == before


@pytest.mark.parametrize("site", [True, False], ids=["site", "no-site"])
def test_up_with_a_token_without_access_keeps_a_refreshing_stack(
    stack: Stack, emulator: Emulator, *, site: bool
) -> None:
    """`refresh: always` and a token of somebody else: `up` fails, all resources stay, nothing is written."""
    project = stack.folder / "Pulumi.yaml"
    project.write_text(project.read_text() + REFRESH_ALWAYS)
    if not site:
        stack.environment.pop("PLUGCHOICE_SITE")
    _three(stack)
    before = set(stack.resources())
    emulator.set_token("token-of-somebody-else", user="stranger", access={charger_uuid(99): "full"})
    for status in (403, 404):
        emulator.switch(foreign_charger_status=status)

        result = stack.up(PLUGCHOICE_TOKEN="token-of-somebody-else")

        assert result.code != 0
        assert set(stack.resources()) == before
        assert result.puts == []
        assert TOKEN not in result.output


def test_vanished_charger_in_a_plain_preview_does_not_stop_the_others(stack: Stack, emulator: Emulator) -> None:
    """Diff compares with the stored values and says so; the update of the other one goes out."""
    _three(stack)
    emulator.remove(charger_uuid(2))
    stack.declare(
        declaration("bay-1", 1, phase_rotation="RST", max_amperage=20),
        declaration("bay-2", 2, phase_rotation="RST", max_amperage=16),
        declaration("bay-3", 3, phase_rotation="RST", max_amperage=16),
    )

    result = stack.up()

    assert result.code == 0, result.output

    assert len(result.puts) == 1
    assert emulator.live(1) == ("RST", 20)
    assert any("compared with the stored values only" in line for line in result.lines("answered 404"))


def test_update_of_a_vanished_charger_reports_it(stack: Stack, emulator: Emulator) -> None:
    """The update itself is where the error shows; with --continue-on-error the others are written."""
    _three(stack)
    emulator.remove(charger_uuid(2))
    stack.declare(*[declaration(f"bay-{i}", i, phase_rotation="RST", max_amperage=20) for i in (1, 2, 3)])

    result = stack.up("--continue-on-error")

    assert result.code != 0
    assert emulator.live(1) == ("RST", 20)
    assert emulator.live(3) == ("RST", 20)
    assert any("answered 404" in line for line in result.lines("error: plugchoice:"))
    assert stack.resources()["bay-2"]["outputs"]["max_amperage"] == 16
