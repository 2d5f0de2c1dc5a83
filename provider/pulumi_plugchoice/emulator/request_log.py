"""The requests that came in. Never holds a token or a secret."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass
from typing import Any

_SECRET = {"client_secret", "refresh_token", "access_token", "token", "password", "pincode"}


def remove_secrets(body: Any) -> Any:
    """The body without its secret values."""
    if not isinstance(body, dict):
        return body
    return {key: value for key, value in body.items() if key not in _SECRET}


@dataclass
class Entry:
    """A request and its outcome. `status` is null while it runs and when the connection was dropped."""

    n: int
    time: float
    method: str
    path: str
    query: str
    json: Any
    status: int | None = None
    user: str | None = None
    fault: str | None = None
    remaining: int | None = None


class RequestLog:
    """The requests since the start, the last reset or the last clearing."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    def begin(self, method: str, path: str, query: str, body: Any) -> Entry:
        """Add a request that has just arrived."""
        with self._lock:
            entry = Entry(len(self._entries) + 1, time.time(), method, path, query, remove_secrets(body))
            self._entries.append(entry)
        return entry

    def clear(self) -> None:
        """Remove all requests."""
        with self._lock:
            self._entries.clear()

    def report(self) -> dict[str, Any]:
        """The number of requests, and every request."""
        with self._lock:
            entries = [asdict(entry) for entry in self._entries]
        return {"total": len(entries), "requests": entries}
