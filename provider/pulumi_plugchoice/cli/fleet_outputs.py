"""The files that a run of many stacks writes: the report as JSON, and the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from pulumi_plugchoice._files import write_files

from .common import OutputFile, Refusal, is_same, refuse_source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pulumi_plugchoice.fleet.files import Declaration
    from pulumi_plugchoice.fleet.fleet_report import FleetReport


def output_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options `report` and `page`."""
    for option in (
        click.option(
            "--page",
            type=OutputFile(),
            metavar="FILE",
            help="Write the page of `plugchoice report` about these sites, with what the run did, to this file (HTML).",
        ),
        click.option("--report", type=OutputFile(), metavar="FILE", help="Write a report as JSON to this file."),
    ):
        function = option(function)
    return function


@dataclass(frozen=True)
class Outputs:
    """The files; None for one that is not wanted.

    Attributes:
        report: JSON.
        page: HTML.
    """

    report: Path | None
    page: Path | None

    def check(self, *sources: Path | None) -> None:
        """Refuse to replace a file that is read, or one by the other.

        Raises:
            Failure: a file is one of `sources`.
            Refusal: both are one file.
        """
        for file in (self.report, self.page):
            if file is not None:
                refuse_source(file, *sources)
        if self.report is not None and self.page is not None and is_same(self.report, self.page):
            raise Refusal("--report and --page: are one file; name two")

    def begin(self, report: FleetReport) -> None:
        """Write both before the run: one that cannot be written is found before anything runs.

        Raises:
            WriteFailed: one cannot be written.
        """
        from pulumi_plugchoice.review.run import render_unfinished

        self._write(report, render_unfinished(f"fleet {report.action}") if self.page else "")

    def end(self, report: FleetReport, declarations: Sequence[Declaration]) -> None:
        """Write both after the run.

        Raises:
            WriteFailed: one cannot be written.
        """
        self._write(report, _render(report, declarations) if self.page else "")

    def _write(self, report: FleetReport, page: str) -> None:
        contents = {self.report: report.format_json().encode(), self.page: page.encode()}
        write_files({file: content for file, content in contents.items() if file is not None})


def _render(report: FleetReport, declarations: Sequence[Declaration]) -> str:
    import datetime as dt

    from pulumi_plugchoice.fleet.views import view_file, view_run
    from pulumi_plugchoice.review.page import render_page

    numbers = {item.file.stem: number for number, item in enumerate(declarations, 1)}
    when = f"{dt.datetime.now(dt.timezone.utc):%Y-%m-%d %H:%M} UTC"
    return render_page([*map(view_file, declarations)], run=view_run(report, numbers, when))
