"""The requests that came in. Never holds a token or a secret."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

#: Requests that are kept; then the oldest ones go.
MAX_ENTRIES = 10_000
#: Bytes of a body that is kept.
MAX_LOGGED_BODY = 2000

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
    """The requests since the start, the last reset or the last clearing; of very many, the newest."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=MAX_ENTRIES)
        self._count = 0
        self._lock = threading.Lock()

    def begin(self, method: str, path: str, query: str, body: Any) -> Entry:
        """Add a request that has just arrived."""
        with self._lock:
            self._count += 1
            entry = Entry(self._count, time.time(), method, path, query, remove_secrets(body))
            self._entries.append(entry)
        return entry

    def clear(self) -> None:
        """Remove all requests."""
        with self._lock:
            self._entries.clear()
            self._count = 0

    def report(self) -> dict[str, Any]:
        """The number of requests, and every request that is kept."""
        with self._lock:
            return {"total": self._count, "requests": [asdict(entry) for entry in self._entries]}
