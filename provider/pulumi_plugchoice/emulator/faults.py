"""Faults on demand: which requests they hit and how often."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .patterns import Pattern, PatternError

Kind = Literal[
    "status",  # answers `status`; the request is not carried out
    "status_after_write",  # carries the request out, then answers `status`
    "slow",  # waits `delay_seconds`, then carries the request out, unless the client has gone by then
    "slow_after_write",  # carries the request out, waits, answers
    "drip",  # sends the body byte by byte, `delay_seconds` apart
    "reset_before",  # drops the connection; the request is not carried out
    "reset_after",  # carries the request out, then drops the connection
    "truncate",  # announces the whole body in Content-Length, sends half of it and closes
    "html",  # answers 200 with a page of HTML, as a captive portal does; the request is not carried out
    "no_data",  # answers without the `data` envelope
    "bad_json",  # cuts the answer off in the middle, with a matching Content-Length
    "other_values",  # answers a PUT of a connector 200 with `values`, and stores nothing
    "nulls",  # carries a PUT of a connector out and answers null for both settings
    "revoke_token",  # revokes the token, from this request on
    "lose_permission",  # reduces the token's access to basic, from this request on
    "redirect",  # answers 302 to `location`
    "page",  # cuts a page out of a list with other rows (`lost`, `doubled`, `moved`), or changes its next link (`link`)
]
Link = Literal[
    "other_scheme",  # https instead of http, or the reverse
    "other_host",  # as of a server behind a gateway that does not know its public name
    "other_prefix",  # another path in front of /v3
    "relative",  # /api/v3/…?page=2
    "query_only",  # ?page=2
    "no_query",  # the address of the list, without the page
    "null",  # as on the last page
    "missing",  # the answer has no `links`
    "loop",  # to page 1
    "endless",  # to the next number, also on and after the last page
    "given",  # the text in `location`
]
MAX_FAULTS = 200
_LIST = re.compile(r"/v3/(sites|chargers|sites/[^/]+/(chargers|connectors))")
Place = Annotated[int, Field(ge=0)]


class Fault(BaseModel):
    """A fault. When several match a request, the one that was added first happens."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    method: str | None = None
    path: str | None = None
    """A regular expression, searched in the path (see `patterns.py`)."""
    times: int | None = Field(1, ge=1)
    """How often it happens; null: until it is removed."""
    skip: int = Field(0, ge=0)
    """How many matching requests pass before it happens."""
    status: int | None = Field(None, ge=200, le=599)
    body: Any = None
    html: bool = False
    retry_after: int | str | None = None
    delay_seconds: float = Field(0.05, ge=0, le=3600)
    values: dict[str, Any] = Field(default_factory=dict)
    location: str | None = None
    close: Literal["rst", "fin"] = "rst"
    """How `reset_before` and `reset_after` drop the connection: by a reset, or by closing it without an answer."""

    page: int | None = Field(None, ge=1)
    """For kind `page`: the number of the page; null: every page."""
    lost: list[Place] = Field(default_factory=list)
    """Places in the whole list, from 0: the page is cut as if these rows were not there, and later ones move up."""
    doubled: list[Place] = Field(default_factory=list)
    """The page is cut as if the list had these rows twice, the second one directly after the first."""
    moved: list[Place] = Field(default_factory=list)
    """The page is cut as if these rows were at the end of the list, in this order. All places: any order."""
    link: Link | None = None
    """The shape of `links.next`."""

    _pattern: Pattern | None = None

    @model_validator(mode="after")
    def _complete(self) -> Fault:
        if self.kind == "page" and not (self.lost or self.doubled or self.moved or self.link):
            raise ValueError("kind 'page' needs `lost`, `doubled` or `moved` (places in the list), or `link`")
        for name in ("location", "retry_after"):
            value = str(getattr(self, name))
            if not value.isprintable() or len(value) > 2000 or any(letter > "\xff" for letter in value):
                raise ValueError(
                    f"`{name}` cannot be sent in a header; use printable Latin-1 text, up to 2,000 characters"
                )
        if self.link == "given" and self.location is None:
            raise ValueError("link 'given' needs `location`, the text of the link")
        if self.kind in {"status", "status_after_write"} and self.status is None:
            raise ValueError(f"kind {self.kind!r} needs `status`, such as 503")
        if self.kind in {"other_values", "nulls"} and self.method is None:
            self.method = "PUT"
        if self.path is not None:
            try:
                self._pattern = Pattern(self.path)
            except PatternError as error:
                raise ValueError(f"`path` is not a regular expression that is supported: {error}") from None
        return self

    def matches(self, method: str, path: str, page: int = 1) -> bool:
        """Whether the fault is meant for this request. `^/v3` matches as `^/api/v3` does."""
        if self.kind == "page":
            is_list = method == "GET" and _LIST.fullmatch(path.removeprefix("/api"))
            if not is_list or self.page not in (None, page):
                return False
        if self.method is not None and self.method.upper() != method:
            return False
        return self._pattern is None or any(self._pattern.search(one) for one in {path, path.removeprefix("/api")})


@dataclass
class _Counter:
    fault: Fault
    used: int = 0
    skipped: int = 0

    @property
    def is_over(self) -> bool:
        return self.fault.times is not None and self.used >= self.fault.times


class TooManyFaultsError(Exception):
    """No further fault is taken."""


class Faults:
    """The faults that wait for requests."""

    def __init__(self) -> None:
        self._counters: list[_Counter] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Let a fault happen from now on. Raises `TooManyFaultsError`."""
        with self._lock:
            if len(self._counters) >= MAX_FAULTS:
                self._counters = [one for one in self._counters if not one.is_over]
            if len(self._counters) >= MAX_FAULTS:
                raise TooManyFaultsError(f"{MAX_FAULTS} faults wait for requests already; clear them first")
            self._counters.append(_Counter(fault))

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._counters.clear()

    def report(self) -> list[dict[str, Any]]:
        """Every fault since the last clearing, and how often it happened; of very many, not those that are over."""
        with self._lock:
            return [{**one.fault.model_dump(mode="json"), "used": one.used} for one in self._counters]

    def take(self, method: str, path: str, page: int = 1) -> Fault | None:
        """The fault that hits this request, counted as used."""
        with self._lock:
            for one in self._counters:
                if one.is_over or not one.fault.matches(method, path, page):
                    continue
                if one.skipped < one.fault.skip:
                    one.skipped += 1
                    continue
                one.used += 1
                return one.fault
        return None
