"""Takes live values into site files: the values of `drift` findings, and nothing else of the text."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pulumi_plugchoice._text import printable, show_path
from pulumi_plugchoice.electrical.rotations import MAX_AMPERAGE, MIN_AMPERAGE, PHASE_ROTATIONS
from pulumi_plugchoice.electrical.settings import show
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.sitefile.load import parse_site
from pulumi_plugchoice.sitefile.yaml_edit import edit_values

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pulumi_plugchoice._files import Identity
    from pulumi_plugchoice.sitefile.yaml_text import KeyPath

    from .drift import Finding, SiteReport


@dataclass
class Absorbed:
    """The new texts of site files.

    Attributes:
        contents: by file, to be written together.
        seen: which of them nobody may have changed meanwhile; see `write_files`.
        diff: lines that are safe to print.
        left: why a live value is not taken, one line each.
    """

    contents: dict[Path, bytes] = field(default_factory=dict)
    seen: dict[Path, Identity | None] = field(default_factory=dict)
    diff: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def absorb_drift(reports: Iterable[SiteReport]) -> Absorbed:
    """Make the texts of the site files in which the live values of `drift` findings are declared."""
    absorbed = Absorbed()
    for report in reports:
        findings = [finding for finding in report.findings if finding.kind == "drift"]
        name = show_path(report.declaration.file)
        for finding in findings:
            if not _is_valid(finding):
                shown = show(finding.setting or "", finding.live)
                absorbed.left.append(
                    f"{name}: {finding.connector}: {finding.setting} is {shown} live, which a site file cannot have; "
                    "`pulumi up` writes the declared value"
                )
        changes = _list_changes(report, [finding for finding in findings if _is_valid(finding)])
        if not changes:
            continue
        try:
            text = _edit(report, changes)
        except PlugchoiceError as error:
            absorbed.left.append(printable(error, 600))
            continue
        absorbed.contents[report.declaration.file] = text.encode()
        absorbed.seen[report.declaration.file] = report.declaration.identity
        absorbed.diff += _compare(report.declaration.text, text, name)
    return absorbed


def _is_valid(finding: Finding) -> bool:
    if finding.setting == "phase_rotation":
        return finding.live in PHASE_ROTATIONS
    return isinstance(finding.live, int) and MIN_AMPERAGE <= finding.live <= MAX_AMPERAGE


def _list_changes(report: SiteReport, findings: Iterable[Finding]) -> dict[KeyPath, str | None]:
    """List the edits. A rotation that was planned and is live now is no plan any more."""
    changes: dict[KeyPath, str | None] = {finding.path: str(finding.live) for finding in findings}
    site = report.declaration.site
    for path in list(changes):
        if site is not None and path[-1] == "phase_rotation":
            connector = site.chargers[int(path[1])].connectors[int(path[3])]
            if connector.planned_rotation == changes[path]:
                plan = (*path[:-1], "planned_rotation")
                changes[plan] = None
    return changes


def _edit(report: SiteReport, changes: dict[KeyPath, str | None]) -> str:
    name = show_path(report.declaration.file)
    text = edit_values(report.declaration.text, changes, name)
    try:
        parse_site(text, name)
    except PlugchoiceError as error:
        raise PlugchoiceError(f"{error}; the live values are not taken: edit the file by hand") from None
    return text


def _compare(before: str, after: str, name: str) -> list[str]:
    """A diff; what stands in the file cannot be read as a command of a log."""
    lines = [f"--- {name}", f"+++ {name}"]
    diff = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    for line in list(diff)[2:]:
        body = line[1:]
        # Blanks stay as they are, which `printable` alone does not do.
        text = "".join(part if part.isspace() else printable(part, 1000) for part in re.split("( +)", body))
        indent = " " * (len(text) - len(text.lstrip()))
        is_command = text.startswith("::", len(indent))
        lines.append(f"{line[:1]}{indent}\\{text.lstrip()}" if is_command else line[:1] + text)
    return lines
