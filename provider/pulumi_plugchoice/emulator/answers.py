"""A whole answer, and how faults and switches change it."""

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
    """Status, headers and body, not sent yet."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The parsed body; None when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def json_answer(status: int, body: Any, **headers: str) -> Answer:
    return Answer(status, {"content-type": "application/json", **headers}, json.dumps(body).encode())


def html_answer(status: int, title: str) -> Answer:
    """A page of HTML, as a proxy in front of the API sends it."""
    return Answer(status, {"content-type": "text/html; charset=UTF-8"}, _PAGE.format(title=title).encode())


def login_redirect(origin: str) -> Answer:
    """The answer of a stock Laravel app to a client that does not accept JSON."""
    page = html_answer(302, f"Redirecting to {origin}/login")
    return replace(page, headers={"location": f"{origin}/login"})


def answer_instead(fault: Fault, origin: str) -> Answer | None:
    """The answer of a fault that replaces the request; None for a fault that lets it happen."""
    if fault.kind == "status":
        return _status_answer(fault)
    if fault.kind == "html":
        return html_answer(200, "Welcome to the guest network")
    if fault.kind == "redirect":
        location = fault.location or f"{origin}/login"
        return Answer(fault.status or 302, {"location": location, "content-type": "text/html"}, b"")
    return None


def _status_answer(fault: Fault) -> Answer:
    """The body of the fault, or the stock one of its status."""
    status = fault.status or 500
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if fault.html:
        page = html_answer(status, f"{status} {text_for(status)}")
        return replace(page, headers=page.headers | headers)
    return json_answer(status, {"message": text_for(status)} if fault.body is None else fault.body, **headers)


def apply_fault(answer: Answer, fault: Fault) -> Answer:
    """The answer to a request that was carried out, changed by a fault."""
    if fault.kind == "status_after_write":
        return _status_answer(fault)
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


def apply_switches(answer: Answer, switches: Switches) -> Answer:
    """A successful answer with unknown keys or unknown status values, when the switches ask for them."""
    if not (switches.extra_keys or switches.odd_status) or answer.status >= 300:
        return answer
    return replace(answer, body=json.dumps(_add_oddities(answer.json, switches)).encode())


def _add_oddities(value: Any, switches: Switches) -> Any:
    if isinstance(value, list):
        return [_add_oddities(one, switches) for one in value]
    if not isinstance(value, dict):
        return value
    result = {key: _add_oddities(one, switches) for key, one in value.items()}
    if switches.odd_status:
        for key in ("status", "connection_status"):
            if key in result:
                result[key] = "Hibernating"
    if switches.extra_keys:
        result["added_in_a_later_version"] = {"since": 2031}
    return result
