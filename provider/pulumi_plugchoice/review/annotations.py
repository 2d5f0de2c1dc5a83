"""Findings as the marks of a merge request: workflow commands of GitHub, Code Quality of GitLab.

Texts may hold words of a server or of somebody's file. They are escaped, and none of them begins a line.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pulumi_plugchoice._text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: GitHub shows no more of each level in one step.
MOST_ANNOTATIONS: Final = 10
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
    """

    file: Path
    line: int
    level: Literal["error", "warning"]
    title: str
    text: str
    key: str


def format_github(notes: Iterable[Note]) -> list[str]:
    """Workflow commands, `MOST_ANNOTATIONS` of each level, and a line that counts the others."""
    counts: Counter[str] = Counter()
    lines = []
    for note in notes:
        counts[note.level] += 1
        if counts[note.level] <= MOST_ANNOTATIONS:
            place = f"file={_escape_property(note.file.as_posix())},line={note.line}"
            title = _escape_property(note.title)
            lines.append(f"::{note.level} {place},title={title}::{_escape(printable(note.text, 1000))}")
    more = sum(max(0, count - MOST_ANNOTATIONS) for count in counts.values())
    return [*lines, f"plugchoice: {more} more without an annotation; they are listed below"] if more else lines


def format_gitlab(notes: Iterable[Note]) -> str:
    """A Code Quality report (JSON), each entry with a fingerprint that no other has."""
    seen: Counter[str] = Counter()
    entries = []
    for note in notes:
        path = note.file.as_posix()
        key = f"{path}\n{note.title}\n{note.key}"
        seen[key] += 1
        entries.append(
            {
                "description": printable(note.text, 1000),
                "check_name": f"plugchoice-{note.title}",
                "fingerprint": hashlib.sha256(f"{key}\n{seen[key]}".encode(errors="replace")).hexdigest(),
                "severity": _SEVERITIES[note.level],
                "location": {"path": path, "lines": {"begin": note.line}},
            }
        )
    return json.dumps(entries, indent=2) + "\n"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
