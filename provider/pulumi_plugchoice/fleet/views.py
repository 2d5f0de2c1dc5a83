"""Site files, and what drift has found about them, as the report page shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_plugchoice._text import printable, show_path
from pulumi_plugchoice.electrical.settings import show
from pulumi_plugchoice.review.page import Difference, LiveView, SiteView
from pulumi_plugchoice.sitefile.assess import assess_site

if TYPE_CHECKING:
    from .drift import Finding, SiteReport
    from .files import Declaration


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


def _view_drift(finding: Finding) -> Difference:
    setting = finding.setting or ""
    return Difference(
        printable(finding.connector or "", 60), setting, show(setting, finding.live), show(setting, finding.declared)
    )
