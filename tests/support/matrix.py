"""The table of faults: each fault, on each endpoint, once and always, with its expected outcome.

Read by tests/contract/test_faults.py (the client), tests/acceptance/test_write_faults.py (the engine) and tools/docs.py
(the table in docs/explanation/reliability.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# One request may take TIMEOUT s and one operation DEADLINE s in these tests; a fault that hangs takes longer than that.
TIMEOUT = 0.4
DEADLINE = 1.6
HANG = 0.7


@dataclass(frozen=True)
class Outcome:
    """The expected outcome.

    Attributes:
        error: name of the error class; None for success.
        written: whether the connector holds the wanted values in the end (PUT only).
        puts: number of PUTs; None where it depends on timing.
    """

    error: str | None = None
    written: bool = True
    puts: int | None = 1


@dataclass(frozen=True)
class Fault:
    """One row of the matrix: how to inject it, and the outcomes."""

    name: str
    inject: dict[str, Any]
    get_once: str | None
    get_always: str | None
    put_once: Outcome
    put_always: Outcome
    note: str = ""
    methods: tuple[str, ...] = field(default=("GET", "PUT"))

    @property
    def slug(self) -> str:
        """For test ids."""
        return self.name.replace(" ", "-").replace(",", "")


def _status(status: int, **more: Any) -> dict[str, Any]:
    return {"kind": "status", "status": status, **more}


_WRITTEN = Outcome()
_TWICE = Outcome(puts=2)
_UNSETTLED = Outcome("WriteNotSettled", written=False, puts=None)
# A message on its own is what the caller gets: the request had no effect and the API says why.


def _refused(error: str) -> Outcome:
    return Outcome(error, written=False)


FAULTS = (
    Fault(
        "429 with Retry-After",
        _status(429, retry_after=1),
        None,
        "RateLimited",
        _TWICE,
        Outcome("RateLimited", written=False, puts=None),
        "waits as long as Retry-After says, within the deadline",
    ),
    Fault(
        "429 without Retry-After",
        _status(429),
        "RateLimited",
        "RateLimited",
        _refused("RateLimited"),
        _refused("RateLimited"),
        "with the default deadline it waits a minute and succeeds; the tests have a shorter deadline",
    ),
    Fault(
        "500", _status(500), None, "ServerError", _TWICE, _UNSETTLED, "after a failed PUT the connector is read first"
    ),
    Fault("502 with HTML", _status(502, html=True), None, "ServerError", _TWICE, _UNSETTLED),
    Fault("503", _status(503), None, "ServerError", _TWICE, _UNSETTLED),
    Fault("504 before the write", _status(504), None, "ServerError", _TWICE, _UNSETTLED),
    Fault(
        "504 after the write",
        {"kind": "status_after_write", "status": 504},
        None,
        "ServerError",
        _WRITTEN,
        _WRITTEN,
        "the read after it confirms the write",
    ),
    Fault("reset before the write", {"kind": "reset_before"}, None, "TransportError", _TWICE, _UNSETTLED),
    Fault("reset after the write", {"kind": "reset_after"}, None, "TransportError", _WRITTEN, _WRITTEN),
    Fault("hang before the write", {"kind": "slow", "delay_seconds": HANG}, None, "RequestTimeout", _TWICE, _UNSETTLED),
    Fault(
        "hang after the write",
        {"kind": "slow_after_write", "delay_seconds": HANG},
        None,
        "RequestTimeout",
        _WRITTEN,
        _WRITTEN,
    ),
    Fault("answer byte by byte", {"kind": "drip", "delay_seconds": 0.05}, None, "RequestTimeout", _WRITTEN, _WRITTEN),
    Fault("truncated body", {"kind": "truncate"}, None, "TransportError", _WRITTEN, _WRITTEN),
    Fault(
        "broken JSON",
        {"kind": "bad_json"},
        "InvalidResponse",
        "InvalidResponse",
        _WRITTEN,
        _WRITTEN,
        "a GET is not repeated: the answer is complete, but wrong",
    ),
    Fault("HTML where JSON was expected", {"kind": "html"}, "InvalidResponse", "InvalidResponse", _TWICE, _UNSETTLED),
    Fault("no data in the answer", {"kind": "no_data"}, "InvalidResponse", "InvalidResponse", _WRITTEN, _WRITTEN),
    Fault(
        "answer with other values",
        {"kind": "other_values", "values": {"phase_rotation": "TSR", "max_amperage": 6}},
        None,
        None,
        _TWICE,
        _UNSETTLED,
        "nothing was stored; the live value decides, not the answer",
        methods=("PUT",),
    ),
    Fault("answer with nulls", {"kind": "nulls"}, None, None, _WRITTEN, _WRITTEN, methods=("PUT",)),
    Fault(
        "401",
        _status(401),
        "AuthenticationFailed",
        "AuthenticationFailed",
        _refused("AuthenticationFailed"),
        _refused("AuthenticationFailed"),
        "with client credentials, one new token is fetched and tried",
    ),
    Fault(
        "403",
        _status(403),
        "PermissionDenied",
        "PermissionDenied",
        _refused("PermissionDenied"),
        _refused("PermissionDenied"),
    ),
    Fault("404", _status(404), "NotFound", "NotFound", _refused("NotFound"), _refused("NotFound")),
    Fault(
        "422",
        _status(422, body={"message": "The given data was invalid.", "errors": {"max_amperage": ["Too much."]}}),
        "ValidationFailed",
        "ValidationFailed",
        _refused("ValidationFailed"),
        _refused("ValidationFailed"),
    ),
)


def table() -> str:
    """Return the table as Markdown."""

    def read(error: str | None) -> str:
        return "succeeds" if error is None else f"`{error}`"

    def write(outcome: Outcome) -> str:
        if outcome.error is None:
            return "written" if outcome.puts == 1 else "written, by a second PUT"
        return f"`{outcome.error}`, not written"

    rows = [
        "| Fault | GET, once | GET, always | PUT, once | PUT, always | |",
        "|---|---|---|---|---|---|",
    ]
    for fault in FAULTS:
        reads = (read(fault.get_once), read(fault.get_always)) if "GET" in fault.methods else ("", "")
        cells = (fault.name, *reads, write(fault.put_once), write(fault.put_always), fault.note)
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)
