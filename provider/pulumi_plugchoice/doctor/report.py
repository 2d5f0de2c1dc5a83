"""What `plugchoice doctor` reports: one line for each check, as text and as JSON (`doctor.schema.json`)."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pulumi_plugchoice._text import plural, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pulumi_plugchoice.errors import PlugchoiceError

#: JSON Schema of `format_json`. Version 1: keys and names may be added, none changes its meaning.
SCHEMA_FILE: Final = Path(__file__).with_name("doctor.schema.json")

Status = Literal["ok", "warning", "failure"]

# Of a line, in characters. What comes from elsewhere is cut shorter where it is received.
_LONGEST: Final = 600
_INDENT: Final = " " * 9
_NARROWEST: Final = 40


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        name: such as `backend`.
        status: `failure` if `pulumi up` cannot work like this.
        message: one line, safe to print.
        remedy: what to do; None when it is ok.
    """

    name: str
    status: Status
    message: str
    remedy: str | None = None

    @classmethod
    def ok(cls, name: str, message: str) -> Check:
        """All is well."""
        return cls(name, "ok", printable(message, _LONGEST))

    @classmethod
    def warning(cls, name: str, message: str, remedy: str) -> Check:
        """Something to know; `pulumi up` may work."""
        return cls(name, "warning", printable(message, _LONGEST), printable(remedy, _LONGEST))

    @classmethod
    def failure(cls, name: str, message: str, remedy: str) -> Check:
        """`pulumi up` cannot work."""
        return cls(name, "failure", printable(message, _LONGEST), printable(remedy, _LONGEST))

    @classmethod
    def of(cls, name: str, error: PlugchoiceError, status: Status = "failure", start: str = "") -> Check:
        """What an error tells; its part behind the last fact is the remedy."""
        advice: str = getattr(error, "advice", "")
        text = str(error)
        if advice and text.endswith(advice):
            cause, _, remedy = advice.rpartition("; ")
            text = f"{text.removesuffix(advice)}{cause}" if cause else text.removesuffix(advice).removesuffix(": ")
        else:
            text, _, remedy = text.partition("; ")
        return cls(name, status, printable(start + text, _LONGEST), printable(remedy or "try again later", _LONGEST))


def format_text(checks: Sequence[Check], columns: int | None) -> Iterator[str]:
    """Format the checks for people.

    Args:
        checks: in the order to show them.
        columns: of the terminal; None for a log: one line for each check.
    """
    for check in checks:
        line = f"{check.status:<7}  {check.name}: {check.message}"
        if columns is None:
            yield f"{line}; {check.remedy}" if check.remedy else line
            continue
        yield from _wrap(line, columns, "")
        if check.remedy:
            yield from _wrap(f"→ {check.remedy}", columns, _INDENT)
    counts = Counter(check.status for check in checks)
    yield f"{counts['ok']} ok, {plural(counts['warning'], 'warning')}, {plural(counts['failure'], 'failure')}"


def _wrap(text: str, columns: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        max(columns, _NARROWEST),
        initial_indent=indent,
        subsequent_indent=_INDENT + "  " * bool(indent),
        break_long_words=False,
        break_on_hyphens=False,
    )


def format_json(checks: Sequence[Check]) -> str:
    """Format the checks for programs."""
    return json.dumps({"version": 1, "checks": [asdict(check) for check in checks]}, indent=2) + "\n"
