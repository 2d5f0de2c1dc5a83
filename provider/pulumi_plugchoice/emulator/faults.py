"""Faults on demand: which requests they hit and how often."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Kind = Literal[
    "status",  # answers `status`; nothing else happens
    "status_after_write",  # the request is carried out, then `status` is answered
    "slow",  # waits `delay_seconds`, then carries the request out, unless the client has gone by then
    "slow_after_write",  # carries the request out, waits, answers
    "drip",  # the body comes byte by byte, `delay_seconds` apart
    "reset_before",  # drops the connection, nothing happens
    "reset_after",  # carries the request out, then drops the connection
    "truncate",  # promises the whole body in Content-Length, sends half of it and closes
    "html",  # 200 with a page of HTML, as a captive portal would; nothing else happens
    "no_data",  # the answer without its `data` envelope
    "bad_json",  # the answer cut off in the middle, with a matching Content-Length
    "other_values",  # a PUT of a connector answers 200 with `values`, and stores them only with `store`
    "nulls",  # a PUT of a connector is carried out and answers null for both settings
    "revoke_token",  # from this request on the token is revoked
    "lose_permission",  # from this request on the token's permission is basic
    "redirect",  # 302 to `location`
]


class Fault(BaseModel):
    """A fault. Of several that match a request, the one that was asked for first happens."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    method: str | None = None
    path: str | None = None
    times: int | None = Field(1, ge=1)
    skip: int = Field(0, ge=0)
    status: int | None = Field(None, ge=200, le=599)
    body: Any = None
    html: bool = False
    retry_after: int | str | None = None
    delay_seconds: float = Field(0.05, ge=0)
    values: dict[str, Any] = Field(default_factory=dict)
    store: bool = False
    location: str | None = None
    close: Literal["rst", "fin"] = "rst"
    """How `reset_*` drops the connection: with a reset, or closed without an answer."""

    @model_validator(mode="after")
    def _complete(self) -> Fault:
        if self.kind in {"status", "status_after_write"} and self.status is None:
            raise ValueError(f"kind {self.kind!r} needs `status`, such as 503")
        if self.kind in {"other_values", "nulls"} and self.method is None:
            self.method = "PUT"
        if self.path is not None:
            try:
                re.compile(self.path)
            except re.error as error:
                raise ValueError(f"`path` is no regular expression: {error}") from None
        return self

    def matches(self, method: str, path: str) -> bool:
        """Whether the fault is meant for this request. `path` is the whole path; `^/v3` matches as `^/api/v3` does."""
        if self.method is not None and self.method.upper() != method:
            return False
        return self.path is None or any(re.search(self.path, one) for one in (path, path.removeprefix("/api")))


@dataclass
class _Waiting:
    fault: Fault
    used: int = 0
    passed: int = 0


class Faults:
    """The faults that wait for their requests."""

    def __init__(self) -> None:
        self._faults: list[_Waiting] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Let it happen from now on."""
        with self._lock:
            self._faults.append(_Waiting(fault))

    def clear(self) -> None:
        """Behave well again."""
        with self._lock:
            self._faults.clear()

    def report(self) -> list[dict[str, Any]]:
        """Every fault since the last clearing, with how often it was used."""
        with self._lock:
            return [{**one.fault.model_dump(mode="json"), "used": one.used} for one in self._faults]

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that hits this request, counted as used."""
        with self._lock:
            for one in self._faults:
                spent = one.fault.times is not None and one.used >= one.fault.times
                if spent or not one.fault.matches(method, path):
                    continue
                if one.passed < one.fault.skip:
                    one.passed += 1
                    continue
                one.used += 1
                return one.fault
        return None
