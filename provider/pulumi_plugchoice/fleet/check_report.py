"""Checked site files as text, as JSON (`check.schema.json`), and as notes on their lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._text import plural, printable, show_path
from pulumi_plugchoice.review.annotations import Note

from .amps import show_amps
from .check import FAILURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .check import CheckedFile, Finding

#: JSON Schema of `format_json`. Version 1: keys may be added, none changes its meaning.
SCHEMA_FILE: Final = Path(__file__).with_name("check.schema.json")
# Words before the text; a mistake begins with its place in the file.
_WORDS: Final = {"mistake": "", "limit": "limit: ", "fuse": "warning: ", "warning": "warning: ", "not-counted": ""}


def format_finding(checked: CheckedFile, finding: Finding) -> str:
    """A line that begins with `file:line:column:`; without a position, with the file."""
    position = "" if finding.line is None else f":{finding.line}:{finding.column}"
    place = f"{show_path(checked.file)}{position}"
    text = finding.text.removeprefix("limit ") if finding.kind == "limit" else finding.text
    return printable(f"{place}: {_WORDS[finding.kind]}{text}", 1500)


def format_summary(checked: CheckedFile) -> str | None:
    """The figures of a file without mistakes, in one line."""
    if checked.site is None or checked.assessment is None:
        return None
    figures = checked.assessment.figures
    amps = "/".join(f"{amps:g}" for amps in figures.single_phase)
    return (
        f"{show_path(checked.file)}: {plural(len(checked.site.chargers), 'charger')}; L1/L2/L3 {amps} A when every "
        f"connector charges a one-phase car, {figures.usable_amps} A usable"
    )


def format_json(files: Sequence[CheckedFile], fail_on: str) -> str:
    """The result as JSON.

    Args:
        files: in order.
        fail_on: a key of `check.FAILURES`.
    """
    return json.dumps({"version": 1, "files": [_to_json(item, fail_on) for item in files]}, indent=2) + "\n"


def _to_json(checked: CheckedFile, fail_on: str) -> dict[str, Any]:
    site, assessment = checked.site, checked.assessment
    return {
        "file": checked.file.as_posix(),
        "site": site and site.site.lower(),
        "label": site and site.label,
        "status": "failed" if checked.fails(fail_on) else "ok",
        "findings": [
            {
                "kind": finding.kind,
                "line": finding.line,
                "column": finding.column,
                "message": printable(finding.text, 1500),
            }
            for finding in checked.findings
        ],
        "amps": show_amps(assessment.figures) if assessment else None,
        "usable_amps": assessment.figures.usable_amps if assessment else None,
    }


def list_notes(files: Iterable[CheckedFile], fail_on: str) -> Iterator[Note]:
    """The findings as notes: errors are those that fail the check. What is not counted is no note."""
    for checked in files:
        for finding in checked.findings:
            if finding.kind != "not-counted":
                level: Any = "error" if finding.kind in FAILURES[fail_on] else "warning"
                text = finding.text
                line, column = finding.line or 1, finding.column or 1
                yield Note(checked.file, line, level, finding.kind, text, finding.key, column)
