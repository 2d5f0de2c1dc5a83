"""Site files, and what drift has found about them, as the report page shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import printable, show_path
from pulumi_plugchoice.electrical.settings import show
from pulumi_plugchoice.review.page import Difference, LiveView, SiteView
from pulumi_plugchoice.review.run import RunRow, RunView
from pulumi_plugchoice.sitefile.assess import assess_site

from .fleet_report import show_changes, show_count, show_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .drift import Finding, SiteReport
    from .files import Declaration
    from .fleet_report import FleetReport
    from .results import StackResult

_ORDER: Final = {"failed": 0, "stopped": 1, "applied": 2, "changed": 2}


def view_file(declaration: Declaration) -> SiteView:
    """Show a site file alone."""
    site = declaration.site
    assessment = None if site is None else assess_site(site)
    return SiteView(show_path(declaration.file), site, assessment, printable(declaration.problem, 1500))


def view_report(report: SiteReport) -> SiteView:
    """Show a site file beside what Plugchoice has."""
    declaration = report.declaration
    if declaration.site is None:
        return view_file(declaration)
    live = LiveView(
        report.live_figures,
        [_view_drift(finding) for finding in report.findings if finding.kind == "drift"],
        [
            f"{finding.kind}: {printable(finding.message, 1000)}"
            for finding in report.findings
            if finding.kind not in ("drift", "unreadable")
        ],
        [printable(finding.message, 1500) for finding in report.findings if finding.kind == "unreadable"],
    )
    return SiteView(show_path(declaration.file), declaration.site, report.assessment, live=live)


def view_run(report: FleetReport, numbers: Mapping[str, int], when: str) -> RunView:
    """Show what a run of many stacks did; what failed comes first, then what was changed.

    Args:
        report: of the run.
        numbers: of the sections of the sites, by name.
        when: it ended.
    """
    results = sorted(report.results.values(), key=lambda result: _ORDER.get(result.state, len(_ORDER)))
    rows = [
        RunRow(
            result.name,
            (
                result.wave.partition(":")[0],
                _show_state(result, report),
                show_changes(result),
                show_count(result.writes),
                show_count(result.calls),
                show_seconds(result.seconds) if result.seconds else "",
            ),
            result.errors,
            numbers[result.name],
        )
        for result in results
    ]
    commit = f" of commit {report.revision[:12]}" if report.revision else ""
    return RunView(
        f"fleet {report.action}{commit}, ended on {when}",
        report.summarize(),
        rows,
        [printable(line, 1000) for line in report.problems],
    )


def _show_state(result: StackResult, report: FleetReport) -> str:
    if result.state == "waiting":
        return "not started"
    return f"{result.state} by an earlier run" if result.name in report.earlier else result.state


def _view_drift(finding: Finding) -> Difference:
    setting = finding.setting or ""
    return Difference(
        printable(finding.connector or "", 60), setting, show(setting, finding.live), show(setting, finding.declared)
    )
