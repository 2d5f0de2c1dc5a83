"""`plugchoice drift`: sites compared with Plugchoice, without the engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pulumi_plugchoice._files import write_files

from .common import Command, connect, echo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_plugchoice.api.budget import Budget
    from pulumi_plugchoice.fleet.drift import SiteReport

#: Exit statuses of `drift`.
_FINDINGS, _UNREADABLE = 2, 1


@click.command(
    "drift",
    cls=Command,
    statuses={
        0: "All sites are clean.",
        _UNREADABLE: "Something could not be compared, with findings or without; or an error, such as a wrong option.",
        _FINDINGS: "There are findings, and everything was compared. --absorb does not change that.",
    },
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "github", "gitlab"]),
    default="text",
    show_default=True,
    help="text; JSON; annotations for GitHub Actions, then text; or a Code Quality report for GitLab.",
)
@click.option(
    "--absorb", is_flag=True, help="Write the live values of `drift` findings to the files, and print the difference."
)
@click.pass_context
def drift(ctx: click.Context, files: tuple[Path, ...], style: str, *, absorb: bool) -> None:
    """Compare sites with Plugchoice, without the engine.

    FILES are site files or folders of them; default: sites/*.yaml. Nothing is written to Plugchoice. Credentials and
    base URL come from the environment: PLUGCHOICE_TOKEN and so on.
    """
    from pulumi_plugchoice.fleet.drift import find_drift
    from pulumi_plugchoice.fleet.files import find_site_files, load_declarations

    from .progress import show_progress

    declarations = load_declarations(find_site_files(files))
    count = sum(item.site is not None for item in declarations)
    with connect("drift") as (client, budget, notices), show_progress("sites", count) as tell:
        reports = find_drift(
            declarations, client, say=lambda line: notices.say(line, kind="chargers not listed"), tell=tell
        )
    _print_reports(reports, style, budget)
    if absorb:
        _absorb(reports, is_report=style in ("json", "gitlab"))
    statuses = {report.status for report in reports}
    ctx.exit(_UNREADABLE if "unreadable" in statuses else _FINDINGS if "findings" in statuses else 0)


def _print_reports(reports: Sequence[SiteReport], style: str, budget: Budget) -> None:
    from pulumi_plugchoice.fleet import report
    from pulumi_plugchoice.review.annotations import format_gitlab

    from .annotations import print_github

    if style == "json":
        echo(report.format_json(reports, budget.calls), end="")
    elif style == "gitlab":
        echo(format_gitlab(report.list_notes(reports)), end="")
    else:
        if style == "github":
            print_github(report.list_notes(reports), "drift")
        for line in report.format_text(reports):
            echo(line)
        calls = budget.summarize()
        echo("; ".join([report.summarize(reports), *([calls] if calls else [])]))


def _absorb(reports: Sequence[SiteReport], *, is_report: bool) -> None:
    """Write the live values, and print what changes; beside a report that programs read on standard error."""
    from pulumi_plugchoice.fleet.absorb import absorb_drift

    absorbed = absorb_drift(reports)
    write_files(absorbed.contents, absorbed.seen)
    for line in absorbed.diff:
        echo(line, is_error=is_report)
    for line in absorbed.left:
        echo(line, is_error=True)
