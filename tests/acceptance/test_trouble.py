"""The documented ways out of stuck states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.emulator import charger_uuid
from support.stack import Stack, declaration

if TYPE_CHECKING:
    from support.emulator import Emulator


def test_refresh_false_destroys_a_stack_that_cannot_reach_plugchoice(stack: Stack) -> None:
    """`refresh: always` fails even a destroy that would write nothing; --refresh=false is the way out."""
    project = stack.folder / "Pulumi.yaml"
    project.write_text(project.read_text() + "options:\n  refresh: always\n")
    stack.declare(*[declaration(f"bay-{i}", i, phase_rotation="RST", max_amperage=16) for i in (1, 2)])
    stack.must_up()
    unreachable = {"PLUGCHOICE_BASE_URL": "http://127.0.0.1:9/api", "PLUGCHOICE_DEADLINE_SECONDS": "1"}

    stuck = stack.destroy(**unreachable)
    out = stack.destroy("--refresh=false", **unreachable)

    assert stuck.code != 0
    assert out.code == 0, out.output
    assert stack.resources() == {}


def test_a_charger_that_is_gone_without_proof_stays_until_it_is_deleted_by_hand(
    stack: Stack, emulator: Emulator
) -> None:
    """The only charger of a stack answers 404: nothing shows that the token sees anything, so it stays.

    The line names `pulumi state delete`, and that works.
    """
    stack.environment.pop("PLUGCHOICE_SITE")
    stack.declare(declaration("bay", 1, phase_rotation="RST", max_amperage=16))
    stack.must_up()
    emulator.remove(charger_uuid(1))

    refreshed = stack.refresh()

    assert refreshed.code != 0
    assert set(stack.resources()) == {"bay"}
    (line,) = refreshed.lines("kept in the state")
    assert "pulumi state delete" in line
    assert "--refresh=false" in line

    deleted = stack.run("state", "delete", stack.resources()["bay"]["urn"], "--yes")

    assert deleted.code == 0
    assert stack.resources() == {}
