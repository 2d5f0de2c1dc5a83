"""What an update would send, for `plugchoice review --live`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pulumi_plugchoice._files import write_files
from pulumi_plugchoice._text import plural, show_path

from .common import Failure, connect, echo, refuse_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pulumi_plugchoice.review.sides import FileChange
    from pulumi_plugchoice.sitefile.model import SiteFile


def list_sites(files: Iterable[FileChange]) -> list[tuple[Path, SiteFile]]:
    """List the sites of a comparison as they are after the change; a removed file has none."""
    changes = [(item.path, item.change) for item in files]
    return [(Path(path), change.after) for path, change in changes if change is not None and change.after is not None]


def add_writes(
    text: str, sites: Sequence[tuple[Path, SiteFile]], reviewed_file: Path | None, *, digest_only: bool
) -> str:
    """Add the writes of site files to their review, and write the file that binds an update to them.

    Args:
        text: the review.
        sites: the site files.
        reviewed_file: where to write them.
        digest_only: return the digest instead of the review.

    Raises:
        Failure: a connector cannot be read or written, so that nobody knows all of the writes.
    """
    from pulumi_plugchoice.fleet.files import Declaration
    from pulumi_plugchoice.fleet.pending import find_pending
    from pulumi_plugchoice.review.writes import writes_markdown
    from pulumi_plugchoice.reviewed import compute_digest, format_reviewed

    from .progress import show_progress

    with connect("review --live") as (client, _, notices), show_progress("sites", len(sites)) as tell:
        pending = find_pending(
            [Declaration(file, site) for file, site in sites],
            client,
            say=lambda line: notices.say(line, kind="chargers not listed"),
            tell=tell,
        )
    if pending.problems:
        raise Failure("\n".join(pending.problems))
    writes = [write for _, _, write in pending.writes]
    if reviewed_file is not None:
        refuse_source(reviewed_file, *(file for file, _ in sites))
        write_files({reviewed_file: format_reviewed(writes).encode()})
        echo(f"{show_path(reviewed_file)}: {plural(len(writes), 'write')}", is_error=True)
    if digest_only:
        return compute_digest(writes) + "\n"
    return text + writes_markdown([(file.as_posix(), name, write) for file, name, write in pending.writes])
