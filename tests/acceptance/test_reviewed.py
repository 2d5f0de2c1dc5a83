"""`PLUGCHOICE_REVIEWED` through the real engine: `pulumi up` applies what was reviewed, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_plugchoice.reviewed import ReviewedWrite, format_reviewed
from support.emulator import charger_uuid
from support.stack import Stack, declaration

if TYPE_CHECKING:
    from pathlib import Path

    from support.emulator import Emulator


def test_an_update_is_bound_to_what_was_reviewed(stack: Stack, emulator: Emulator, tmp_path: Path) -> None:
    """A portal edit refuses one connector alone, another stack's set all; without the variable all is as before."""
    stack.declare(*[declaration(f"bay-{i}", i, phase_rotation="STR", max_amperage=20) for i in (1, 2, 3)])
    mine, other = tmp_path / "mine.json", tmp_path / "other.json"
    mine.write_text(format_reviewed(ReviewedWrite(charger_uuid(i), 1, ("RST", 16), ("STR", 20)) for i in (1, 2, 3)))
    other.write_text(format_reviewed([ReviewedWrite(charger_uuid(9), 1, ("RST", 16), ("STR", 20))]))
    emulator.edit(charger_uuid(2), max_amperage=31)

    bound = stack.up("--skip-preview", "--continue-on-error", PLUGCHOICE_REVIEWED=str(mine))

    assert bound.code != 0
    (line,) = bound.lines("not written")
    assert line.endswith(
        f"HRB-002/1: not written, because {mine} has another change: RST, 16 A -> STR, 20 A was reviewed; "
        "RST, 31 A now, STR, 20 A would be sent; review it again"
    )
    assert emulator.live(1) == emulator.live(3) == ("STR", 20)
    assert emulator.live(2) == ("RST", 31)

    foreign = stack.up("--skip-preview", PLUGCHOICE_REVIEWED=str(other))
    assert foreign.code != 0
    assert foreign.puts == []
    assert foreign.lines(f"{other} does not have this change")

    assert len(stack.must_up().puts) == 1
    assert emulator.live(2) == ("STR", 20)
