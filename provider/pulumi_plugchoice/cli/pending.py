"""What an update would send and what has drifted, for `plugchoice review --live`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pulumi_plugchoice._files import write_files
from pulumi_plugchoice._text import plural, show_path

from .common import connect, echo, refuse_source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pulumi_plugchoice.review.pending import Pending
    from pulumi_plugchoice.review.sides import FileChange


def read_pending(files: Iterable[FileChange], *, has_base: bool) -> Pending:
    """Read Plugchoice, and find what an update of site files would send.

    Args:
        files: site files.
        has_base: whether their versions before are compared.
    """
    from pulumi_plugchoice.fleet.pending import UNKNOWN_BASE, FileSides, find_pending
    from pulumi_plugchoice.review.pending import Pending

    from .progress import show_progress

    sides: list[FileSides] = []
    problems: list[str] = []
    notes: list[str] = []
    for file in files:
        problems += file.problems
        change = file.change
        if file.old_problems:
            notes.append(f"{show_path(file.path)}: cannot be read before the change; {UNKNOWN_BASE}")
        if change is not None:
            before = change.before if has_base else None
            # Of a file that could not be read before, it is not known what becomes managed.
            sides.append(FileSides(Path(file.path), before, change.after, has_base and not file.old_problems))
    pending = Pending()
    if sides:
        with connect("review --live") as (client, _, notices), show_progress("sites", len(sides)) as tell:
            pending = find_pending(
                sides, client, say=lambda line: notices.say(line, kind="chargers not listed"), tell=tell
            )
    pending.has_base = has_base
    pending.problems[:0] = problems
    pending.notes[:0] = notes
    return pending


def write_reviewed(pending: Pending, file: Path, sources: Iterable[Path | None]) -> None:
    """Write the file that binds an update to these writes, unless not all of them are known.

    Raises:
        Failure: the file is one of `sources`, which were read.
        WriteFailed: the file cannot be written.
    """
    from pulumi_plugchoice.reviewed import format_reviewed

    refuse_source(file, *sources)
    if not pending.problems:
        write_files({file: format_reviewed(item.write for item in pending.writes).encode()})
        echo(f"{show_path(file)}: {plural(len(pending.writes), 'write')}", is_error=True)
