"""`PLUGCHOICE_REVIEWED` through the real engine: `pulumi up` applies what was reviewed, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_plugchoice.reviewed import RESTORE, ReviewedWrite, format_reviewed
from support.emulator import charger_uuid
from support.stack import Stack, declaration

if TYPE_CHECKING:
    from pathlib import Path

    from support.emulator import Emulator


def test_an_update_is_bound_to_what_was_reviewed(stack: Stack, emulator: Emulator, tmp_path: Path) -> None:
    """A portal edit refuses one connector alone, another stack's set all, also a restore; a restore can be reviewed."""
    bays = [
        declaration(f"bay-{i}", i, phase_rotation="STR", max_amperage=20, on_destroy="restore" if i == 3 else "retain")
        for i in (1, 2, 3)
    ]
    stack.declare(*bays)
    mine, other = tmp_path / "mine.json", tmp_path / "other.json"
    mine.write_text(format_reviewed(ReviewedWrite(charger_uuid(i), 1, ("RST", 16), ("STR", 20)) for i in (1, 2, 3)))
    other.write_text(format_reviewed([ReviewedWrite(charger_uuid(9), 1, ("RST", 16), ("STR", 20))]))
    emulator.edit(charger_uuid(2), max_amperage=31)

    bound = stack.up("--skip-preview", "--continue-on-error", PLUGCHOICE_REVIEWED=str(mine))

    assert bound.code != 0
    (line,) = bound.lines("not written")
    assert line.endswith(
        f"HRB-002/1: not written, because {mine} has another change: RST, 16 A -> STR, 20 A was reviewed; "
        "STR, 20 A would replace RST, 31 A; review it again"
    )
    assert emulator.live(1) == emulator.live(3) == ("STR", 20)
    assert emulator.live(2) == ("RST", 31)

    stack.declare(*bays[:2])
    foreign = stack.up("--skip-preview", "--continue-on-error", PLUGCHOICE_REVIEWED=str(other))
    assert foreign.code != 0
    assert foreign.puts == []
    assert len(foreign.lines(f"{other} does not have this change")) == 2
    assert foreign.lines("the restore of RST, 16 A would replace STR, 20 A; review it again")

    again = [
        ReviewedWrite(charger_uuid(2), 1, ("RST", 31), ("STR", 20)),
        ReviewedWrite(charger_uuid(3), 1, ("STR", 20), RESTORE),
    ]
    mine.write_text(format_reviewed(again))
    assert len(stack.must_up(PLUGCHOICE_REVIEWED=str(mine)).puts) == 2
    assert (emulator.live(2), emulator.live(3)) == (("STR", 20), ("RST", 16))
