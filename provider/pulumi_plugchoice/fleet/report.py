"""The comparison of many sites as text, as JSON (`drift.schema.json`), and as notes on the lines of the files."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._text import plural, printable, show_path
from pulumi_plugchoice.review.annotations import Note
from pulumi_plugchoice.sitefile.yaml_text import BYTE_ORDER_MARK, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .amps import Amps
    from .drift import SiteReport, Status

#: JSON Schema of `format_json`. Version 1: keys may be added, none changes its meaning.
SCHEMA_FILE: Final = Path(__file__).with_name("drift.schema.json")

_CARS: Final = {"single_phase": "one-phase cars", "three_phase": "three-phase cars"}


def format_text(reports: Sequence[SiteReport]) -> list[str]:
    """A block of lines for each site. A line begins with the file, or with two blanks and the kind of a finding."""
    lines: list[str] = []
    for report in reports:
        name = show_path(report.declaration.file)
        site = report.declaration.site
        if site is None:
            # Begins with the file and the place of the mistake.
            lines += [printable(finding.message, 1000) for finding in report.findings]
            continue
        if report.live is None:
            lines += [printable(finding.message, 1500) for finding in report.findings]
            continue
        connectors = plural(sum(len(charger.connectors) for charger in site.chargers), "connector")
        label = f" ({printable(site.label, 60)})" if site.label else ""
        count = plural(len(report.findings), "finding") if report.findings else "clean"
        lines.append(f"{name}: {count}, {connectors}{label}")
        lines += [f"  {finding.kind}: {printable(finding.message, 1000)}" for finding in report.findings]
        if report.findings:
            lines += [f"  amps: {text}" for text in _compare_amps(report.declared or {}, report.live)]
    return lines


def _compare_amps(declared: Amps, live: Amps) -> Iterator[str]:
    for name, cars in _CARS.items():
        old, new = ("/".join(f"{value:g}" for value in amps.get(name, {}).values()) for amps in (declared, live))
        yield f"L1/L2/L3 {old} A declared, {new} A live, {cars}"


def summarize(reports: Sequence[SiteReport]) -> str:
    """`3 sites: 1 clean, 1 with findings, 1 not read completely`."""
    counts = Counter(report.status for report in reports)
    names: tuple[tuple[Status, str], ...] = (
        ("clean", "clean"),
        ("findings", "with findings"),
        ("unreadable", "not read completely"),
    )
    parts = [f"{counts[status]} {text}" for status, text in names if counts[status]]
    return f"{plural(len(reports), 'site')}: {', '.join(parts)}"


def format_json(reports: Sequence[SiteReport], calls: int) -> str:
    """The report as JSON.

    Args:
        reports: one for each file.
        calls: number of API calls that were made.
    """
    return (
        json.dumps({"version": 1, "calls": calls, "sites": [_to_json(report) for report in reports]}, indent=2) + "\n"
    )


def _to_json(report: SiteReport) -> dict[str, Any]:
    site = report.declaration.site
    return {
        "file": report.declaration.file.as_posix(),
        "site": site and site.site.lower(),
        "label": site and site.label,
        "status": report.status,
        "findings": [
            {
                "kind": finding.kind,
                "connector": finding.connector,
                "setting": finding.setting,
                "declared": finding.declared,
                "live": finding.live,
                "message": finding.message,
            }
            for finding in report.findings
        ],
        "amps": {"declared": report.declared, "live": report.live},
    }


def list_notes(reports: Sequence[SiteReport]) -> list[Note]:
    """The findings with their lines in the files."""
    notes = []
    for report in reports:
        if not report.findings:
            continue
        document = parse(report.declaration.text.removeprefix(BYTE_ORDER_MARK)) if report.declaration.site else None
        for finding in report.findings:
            position = document.locate(finding.path) if document else None
            line, column = (position.line, position.column) if position else (1, 1)
            key = f"{finding.connector}\n{finding.setting}"
            level: Any = "warning" if finding.kind == "unknown" else "error"
            notes.append(Note(report.declaration.file, line, level, finding.kind, finding.message, key, column))
    return notes
