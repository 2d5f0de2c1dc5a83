"""The end of a run of many stacks: one line, and a report as JSON (`fleet_report.schema.json`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._text import list_some, plural, show_path

from .selection import shorten

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from .results import Action, StackResult, State

#: JSON Schema of `format_json`. Version 1: keys may be added, none changes its meaning.
SCHEMA_FILE: Final = Path(__file__).with_name("fleet_report.schema.json")
_NOT_COUNTED: Final = "calls not known"
_DONE: Final = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "replace": "replaced",
    "import": "imported",
    "discard": "discarded",
}


def show_seconds(seconds: float) -> str:
    """`34 s`, `3 min`, `2.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def show_changes(result: StackResult) -> str:
    """`2 updated`, or in a preview `2 to update`, as the CLI itself says it. Empty without changes."""
    if result.state == "changed":
        return ", ".join(f"{count} to {operation}" for operation, count in result.changes.items())
    return ", ".join(f"{count} {_DONE.get(operation, operation)}" for operation, count in result.changes.items())


def show_result(result: StackResult) -> str:
    """A line for a stack: `harbour: applied: 2 updated; 2 writes, 5 calls, 4 s`."""
    if result.state in ("failed", "stopped"):
        see = f"; see {show_path(shorten(Path(result.log)))}" if result.log else ""
        return f"{result.name}: {result.state}{f': {result.errors[0]}' if result.errors else ''}{see}"
    parts = [show_changes(result)] if result.changes else []
    counts = [plural(result.writes, "write")] if result.writes else []
    counts += [_NOT_COUNTED if result.calls is None else plural(result.calls, "call"), show_seconds(result.seconds)]
    return f"{result.name}: {': '.join([result.state, *parts])}; {', '.join(counts)}"


def show_count(count: int | None) -> str:
    """A number of calls or writes, as in a table."""
    return "not known" if count is None else str(count)


@dataclass(frozen=True)
class FleetReport:
    """The end of a run.

    Attributes:
        action: what was run.
        revision: commit of the files; None when git does not tell.
        results: by name, in the order of the waves; those of an earlier run are among them.
        earlier: the sites that an earlier run has done, which `--resume` leaves out.
        problems: what has stopped the run beside the stacks.
        more_calls: API calls beside those of the stacks.
        seconds: wall time.
    """

    action: Action
    revision: str | None
    results: Mapping[str, StackResult]
    problems: Sequence[str]
    more_calls: int
    seconds: float
    earlier: Collection[str] = ()

    @property
    def own(self) -> list[StackResult]:
        """The results of this run."""
        return [result for result in self.results.values() if result.name not in self.earlier]

    @property
    def calls(self) -> int:
        """API calls of this run as far as they are known, those of the gate included."""
        return sum(result.calls or 0 for result in self.own) + self.more_calls

    @property
    def not_counted(self) -> list[str]:
        """The sites of this run whose calls and writes are not known: the line that tells them is lost."""
        return [result.name for result in self.own if result.calls is None]

    def summarize(self) -> str:
        """`48 unchanged, 2 applied (66 writes), 0 failed; 216 calls, 3 min`: what this run did."""
        done: State = "changed" if self.action == "preview" else "applied"
        words: dict[State, str] = {"unchanged": "unchanged", done: done, "failed": "failed"}
        rare: dict[State, str] = {"stopped": "stopped", "waiting": "not started"}
        parts = []
        for state, word in (words | rare).items():
            found = [result for result in self.own if result.state == state]
            writes = sum(result.writes or 0 for result in found)
            if found or state in words:
                parts.append(f"{len(found)} {word}" + (f" ({plural(writes, 'write')})" if writes else ""))
        if self.earlier:
            parts.append(f"{len(self.earlier)} done by an earlier run")
        line = f"{', '.join(parts)}; {plural(self.calls, 'call')}, {show_seconds(self.seconds)}"
        if not self.not_counted:
            return line
        what = "writes and calls" if self.action == "up" else "calls"
        return f"{line}; the {what} of {list_some(self.not_counted, 3)} are not known"

    def show_left(self) -> str | None:
        """How to go on, after a run that was interrupted or has failed; None when `--resume` would refuse."""
        if self.revision is None:
            return None
        left = sum(not result.is_good for result in self.results.values())
        what = f"{left} of {plural(len(self.results), 'site')}" if left else "a gate"
        return f"fleet {self.action}: {what} left; on this commit, the same command with --resume runs the rest"

    def format_json(self) -> str:
        """The report as JSON; sites that an earlier run has done are in it, and not in its sums."""
        report: dict[str, Any] = {
            "version": 1,
            "action": self.action,
            "revision": self.revision,
            "seconds": round(self.seconds, 1),
            "calls": self.calls,
            "writes": sum(result.writes or 0 for result in self.own),
            "not_counted": self.not_counted,
            "problems": list(self.problems),
            "sites": [{**result.to_json(), "earlier": result.name in self.earlier} for result in self.results.values()],
        }
        return json.dumps(report, indent=2) + "\n"
