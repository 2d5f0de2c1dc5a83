"""A whole answer, and what faults and switches make of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .problems import text_for

if TYPE_CHECKING:
    from .faults import Fault
    from .switches import Switches

_PAGE = """<html>
<head><title>{title}</title></head>
<body>
<center><h1>{title}</h1></center>
<hr><center>nginx</center>
</body>
</html>
"""


@dataclass(frozen=True)
class Answer:
    """Status, headers and body, held back until the faults had their say."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body parsed; None when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def of_json(status: int, body: Any, **headers: str) -> Answer:
    """An answer in JSON."""
    return Answer(status, {"content-type": "application/json", **headers}, json.dumps(body).encode())


def of_html(status: int, title: str) -> Answer:
    """An answer as a proxy in front of the API writes it."""
    return Answer(status, {"content-type": "text/html; charset=UTF-8"}, _PAGE.format(title=title).encode())


def to_login(origin: str) -> Answer:
    """What a stock Laravel app answers to a client that does not say it wants JSON."""
    return replace(of_html(302, f"Redirecting to {origin}/login"), headers={"location": f"{origin}/login"})


def in_place(fault: Fault, origin: str) -> Answer | None:
    """The answer of a fault that is given instead of carrying the request out."""
    if fault.kind == "status":
        return of_status(fault)
    if fault.kind == "html":
        return of_html(200, "Welcome to the guest network")
    if fault.kind == "redirect":
        location = fault.location or f"{origin}/login"
        return Answer(fault.status or 302, {"location": location, "content-type": "text/html"}, b"")
    return None


def of_status(fault: Fault) -> Answer:
    """The answer of the `status` kinds: the given body, or the stock one."""
    status = fault.status or 500
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if fault.html:
        page = of_html(status, f"{status} {text_for(status)}")
        return replace(page, headers=page.headers | headers)
    return of_json(status, {"message": text_for(status)} if fault.body is None else fault.body, **headers)


def spoilt(answer: Answer, fault: Fault) -> Answer:
    """What a fault makes of the answer to a request that was carried out."""
    if fault.kind == "status_after_write":
        return of_status(fault)
    if fault.kind == "bad_json":
        return replace(answer, body=answer.body[: len(answer.body) // 2] or b"{")
    body = answer.json
    if isinstance(body, dict) and isinstance(body.get("data"), (dict, list)):
        if fault.kind == "no_data":
            return replace(answer, body=json.dumps(body["data"]).encode())
        if fault.kind == "nulls" and isinstance(body["data"], dict):
            nulls = {"max_amperage": None, "phase_rotation": None}
            return replace(answer, body=json.dumps({**body, "data": {**body["data"], **nulls}}).encode())
    return answer


def odd(answer: Answer, switches: Switches) -> Answer:
    """Successful answers with unknown keys or unknown status values, by switch."""
    if not (switches.extra_keys or switches.odd_status) or answer.status >= 300:
        return answer
    return replace(answer, body=json.dumps(_odd(answer.json, switches)).encode())


def _odd(value: Any, switches: Switches) -> Any:
    if isinstance(value, list):
        return [_odd(one, switches) for one in value]
    if not isinstance(value, dict):
        return value
    changed = {key: _odd(one, switches) for key, one in value.items()}
    if switches.odd_status:
        for key in ("status", "connection_status"):
            if key in changed:
                changed[key] = "Hibernating"
    if switches.extra_keys:
        changed["added_in_a_later_version"] = {"since": 2031}
    return changed
