"""Reads the events that the CLI prints with `--json`: one JSON object a line."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.api.budget import SAY_CALLS
from pulumi_plugchoice.quota.pacer import DATABASE_LOST, NOT_SHARED

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Makes `pulumi preview --json` print events, as `up` and `refresh` do, and the provider tell that it made no call.
ENVIRONMENT: Final = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true", SAY_CALLS: "always"}
# The provider's own line (api/budget.py).
_CALLS: Final = re.compile(r"^plugchoice: API calls: (\d+) \(\d+ reads?, (\d+) writes?")
_PREFIX: Final = "plugchoice: "
# Events of resources, and what their type contains when this provider serves them.
_RESOURCE_EVENTS: Final = ("resourcePreEvent", "resOutputsEvent", "resOpFailedEvent")
_OUR_TYPE: Final = ":dynamic/plugchoice:"
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
        calls: API calls of the provider; None: it may have made some, and its line is lost.
        writes: those of them that write; None likewise.
        messages: what the run said, one line each.
        errors: those of them that are errors.
        notices: those of them that concern the other stacks, too: the request limit is not shared.
    """

    result: str = ""
    changes: dict[str, int] = field(default_factory=dict)
    calls: int | None = 0
    writes: int | None = 0
    messages: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def read_events(lines: Iterable[str], *, may_write: bool) -> Outcome:
    """Read events. What is not one, such as the half line of a run that was killed, is left out.

    Args:
        lines: that the CLI has printed.
        may_write: whether the run was one that writes.
    """
    outcome = Outcome()
    has_begun, has_ended, is_served, is_counted = False, False, False, False
    for line in lines:
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if not isinstance(event, dict):
            continue
        is_counted |= _read_diagnostic(event.get("diagnosticEvent"), outcome)
        has_begun |= "preludeEvent" in event
        is_served |= any(_is_ours(event.get(kind)) for kind in _RESOURCE_EVENTS)
        summary = event.get("summaryEvent")
        if isinstance(summary, dict):
            has_ended = True
            outcome.result = str(summary.get("result"))
            changes = summary.get("resourceChanges")
            if isinstance(changes, dict):
                outcome.changes = {
                    str(name): count
                    for name, count in sorted(changes.items())
                    if name not in _NO_CHANGE and isinstance(count, int) and count > 0
                }
    if not is_counted and (is_served or (has_begun and not has_ended)):
        outcome.calls = None
        outcome.writes = None if may_write else 0
    return outcome


def _is_ours(event: Any) -> bool:
    metadata = event.get("metadata") if isinstance(event, dict) else None
    return isinstance(metadata, dict) and _OUR_TYPE in str(metadata.get("type"))


def _read_diagnostic(event: Any, outcome: Outcome) -> bool:
    """Read one; return whether it is the line with the calls."""
    if not isinstance(event, dict) or event.get("severity") == "debug":
        return False
    message = str(event.get("message", "")).strip()
    calls = _CALLS.match(message)
    if calls:
        outcome.calls = (outcome.calls or 0) + int(calls[1])
        outcome.writes = (outcome.writes or 0) + int(calls[2])
    for line in filter(None, map(str.strip, message.splitlines())):
        outcome.messages.append(printable(line, _LONGEST))
        if event.get("severity") == "error" and not _ECHOES.fullmatch(line):
            outcome.errors.append(printable(line, _LONGEST))
        if line.startswith((f"{_PREFIX}{DATABASE_LOST}", f"{_PREFIX}{NOT_SHARED}")):
            outcome.notices.append(printable(line.removeprefix(_PREFIX), _LONGEST))
    return calls is not None
