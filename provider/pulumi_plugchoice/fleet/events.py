"""Reads the events that the CLI prints with `--json`: one JSON object a line."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.quota.pacer import DATABASE_LOST, NOT_SHARED

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Makes `pulumi preview --json` print events, as `up` and `refresh` do.
ENVIRONMENT: Final = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
# The provider's own line (api/budget.py).
_CALLS: Final = re.compile(r"^plugchoice: API calls: (\d+) \(\d+ reads?, (\d+) writes?")
_PREFIX: Final = "plugchoice: "
_NO_CHANGE: Final = ("same", "read")
# What the engine says after the error itself.
_ECHOES: Final = re.compile(r"(update|preview|refresh) failed")
_LONGEST: Final = 600


@dataclass
class Outcome:
    """What the events of one run tell.

    Attributes:
        result: `succeeded` or `failed`; empty when the run did not come to its end.
        changes: number of resources by operation, without those that are the same.
        calls: API calls of the provider.
        writes: those of them that write.
        messages: what the run said, one line each.
        errors: those of them that are errors.
        notices: those of them that concern the other stacks, too: the request limit is not shared.
    """

    result: str = ""
    changes: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    writes: int = 0
    messages: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def read_events(lines: Iterable[str]) -> Outcome:
    """Read events. What is not one, such as the half line of a run that was killed, is left out."""
    outcome = Outcome()
    for line in lines:
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if not isinstance(event, dict):
            continue
        _read_diagnostic(event.get("diagnosticEvent"), outcome)
        summary = event.get("summaryEvent")
        if isinstance(summary, dict):
            outcome.result = str(summary.get("result"))
            changes = summary.get("resourceChanges")
            if isinstance(changes, dict):
                outcome.changes = {
                    str(name): count
                    for name, count in sorted(changes.items())
                    if name not in _NO_CHANGE and isinstance(count, int) and count > 0
                }
    return outcome


def _read_diagnostic(event: Any, outcome: Outcome) -> None:
    if not isinstance(event, dict) or event.get("severity") == "debug":
        return
    message = str(event.get("message", "")).strip()
    calls = _CALLS.match(message)
    if calls:
        outcome.calls += int(calls[1])
        outcome.writes += int(calls[2])
    for line in filter(None, map(str.strip, message.splitlines())):
        outcome.messages.append(printable(line, _LONGEST))
        if event.get("severity") == "error" and not _ECHOES.fullmatch(line):
            outcome.errors.append(printable(line, _LONGEST))
        if line.startswith((f"{_PREFIX}{DATABASE_LOST}", f"{_PREFIX}{NOT_SHARED}")):
            outcome.notices.append(printable(line.removeprefix(_PREFIX), _LONGEST))
