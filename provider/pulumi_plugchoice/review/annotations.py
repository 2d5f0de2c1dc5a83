"""Findings for the tools of a forge: workflow commands of GitHub, Code Quality of GitLab, and SARIF 2.1.0.

Texts may hold words of a server or of somebody's file. They are escaped, and none of them begins a line.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote

from pulumi_plugchoice._text import plural, printable, show_path
from pulumi_plugchoice._version import __version__

from .markdown import code

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

#: GitHub shows no more of each level in one step.
MOST_ANNOTATIONS: Final = 10
_SARIF_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_SEVERITIES: Final = {"error": "major", "warning": "minor"}


@dataclass(frozen=True)
class Note:
    """A finding with its place.

    Attributes:
        file: the file.
        line: from 1.
        level: how bad it is.
        title: kind of finding, one word.
        text: one line.
        key: what stays the same when the text changes, such as the connector and the setting.
        column: from 1.
    """

    file: Path
    line: int
    level: Literal["error", "warning"]
    title: str
    text: str
    key: str
    column: int = 1


def format_github(notes: Iterable[Note]) -> tuple[list[str], list[Note]]:
    """Workflow commands, `MOST_ANNOTATIONS` of each level; and the notes that have none."""
    counts: Counter[str] = Counter()
    lines, others = [], []
    for note in notes:
        counts[note.level] += 1
        if counts[note.level] > MOST_ANNOTATIONS:
            others.append(note)
        else:
            place = f"file={_escape_property(note.file.as_posix())},line={note.line},col={note.column}"
            title = _escape_property(note.title)
            lines.append(f"::{note.level} {place},title={title}::{_escape(printable(note.text, 1000))}")
    return lines, others


def format_summary(notes: Sequence[Note], command: str) -> str:
    """Notes without an annotation as Markdown for the job summary; each is a part of its own.

    Args:
        notes: the findings.
        command: the one that found them.
    """
    lines = [f"### plugchoice {command}: {plural(len(notes), 'finding')} without an annotation"]
    for note in notes:
        place = f"{show_path(note.file)}:{note.line}:{note.column}"
        lines.append(f"- {note.level}: {code(f'{place}: {note.text}', 1500)}")
    return "\n\n".join([*lines, ""])


def format_gitlab(notes: Iterable[Note]) -> str:
    """A Code Quality report (JSON), each entry with a fingerprint that no other has."""
    entries = [
        {
            "description": printable(note.text, 1000),
            "check_name": f"plugchoice-{note.title}",
            "fingerprint": fingerprint,
            "severity": _SEVERITIES[note.level],
            "location": {"path": note.file.as_posix(), "lines": {"begin": note.line}},
        }
        for note, fingerprint in _fingerprint(notes)
    ]
    return json.dumps(entries, indent=2) + "\n"


def format_sarif(notes: Iterable[Note], rules: Mapping[str, str]) -> str:
    """A log of SARIF 2.1.0 (JSON), which GitHub's code scanning and many editors read.

    Args:
        notes: the findings.
        rules: what each title means.
    """
    results = [
        {
            "ruleId": note.title,
            "level": note.level,
            "message": {"text": printable(note.text, 1000)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": quote(note.file.as_posix())},
                        "region": {"startLine": note.line, "startColumn": note.column},
                    }
                }
            ],
            "partialFingerprints": {"plugchoice/v1": fingerprint},
        }
        for note, fingerprint in _fingerprint(notes)
    ]
    driver = {
        "name": "plugchoice",
        "version": __version__,
        "rules": [{"id": name, "shortDescription": {"text": text}} for name, text in rules.items()],
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    log = {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def _fingerprint(notes: Iterable[Note]) -> Iterator[tuple[Note, str]]:
    """Each note with a text that no other has, and that stays when lines move."""
    seen: Counter[str] = Counter()
    for note in notes:
        key = f"{note.file.as_posix()}\n{note.title}\n{note.key}"
        seen[key] += 1
        yield note, hashlib.sha256(f"{key}\n{seen[key]}".encode(errors="replace")).hexdigest()


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
