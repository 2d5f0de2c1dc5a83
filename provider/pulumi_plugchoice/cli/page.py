"""The command `plugchoice report`: all sites on one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import Command, Failure, OutputFile, connect, write_output
from .progress import show_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_plugchoice.fleet.files import Declaration
    from pulumi_plugchoice.review.page import SiteView


@click.command(
    "report",
    cls=Command,
    statuses={
        0: "The page shows all sites.",
        1: "Something could not be read, which the page names; or another error.",
    },
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--live", is_flag=True, help="Also read Plugchoice, and show what differs. Takes the calls of `drift`.")
@click.option(
    "-o",
    "--output",
    type=OutputFile(is_all=True),
    default="report.html",
    show_default=True,
    help="The file to write; `-` is standard output.",
)
def report(files: tuple[Path, ...], *, live: bool, output: Path | None) -> None:
    """Write a page about all sites, for a browser (HTML).

    FILES are site files or folders of them; default: sites/*.yaml. The page is one file that loads nothing. It has a
    table of the sites; for each site the amps per line before and after, the chargers by the line on terminal L1, and
    what changes; and the installer sheet, each on a page of its own when it is printed.

    Before and after are the wiring and the plan (`planned_rotation`); with --live, Plugchoice and the site file. What
    differs does not change the exit status: `plugchoice drift` is for that.
    """
    from pulumi_plugchoice.fleet.files import find_site_files, load_declarations
    from pulumi_plugchoice.fleet.views import view_file
    from pulumi_plugchoice.review.page import render_page

    declarations = load_declarations(find_site_files(files))
    read_at = None
    if live:
        views, read_at = _read_live(declarations)
    else:
        views = [view_file(item) for item in declarations]
    write_output(render_page(views, read_at), output, *(item.file for item in declarations))
    problems = [
        line for view in views for line in ([view.problem] if view.problem else view.live.gaps if view.live else [])
    ]
    if problems:
        raise Failure("\n".join(problems))


def _read_live(declarations: Sequence[Declaration]) -> tuple[list[SiteView], str]:
    """Compare the site files with Plugchoice; and when that was."""
    import datetime as dt

    from pulumi_plugchoice.fleet.drift import find_drift
    from pulumi_plugchoice.fleet.views import view_report

    read_at = f"{dt.datetime.now(dt.timezone.utc):%Y-%m-%d %H:%M} UTC"
    count = sum(item.site is not None for item in declarations)
    with connect("report --live") as (client, _, notices), show_progress("sites", count) as tell:
        reports = find_drift(
            declarations, client, say=lambda line: notices.say(line, kind="chargers not listed"), tell=tell
        )
    return [view_report(item) for item in reports], read_at
