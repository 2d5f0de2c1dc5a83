"""Which requests came in. Never holds a token or a secret."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

_IDS = re.compile(r"/(sites|chargers|teams|groups|connectors|user)/[^/]+")
_NAMES = {
    "sites": "{site}",
    "chargers": "{charger}",
    "teams": "{team}",
    "groups": "{group}",
    "connectors": "{connector_id}",
    "user": "{id}",
}
_SECRET = {"client_secret", "refresh_token", "access_token", "token", "password", "pincode"}


def template(path: str) -> str:
    """`/v3/sites/0b6c.../connectors` as `/v3/sites/{site}/connectors`."""
    return _IDS.sub(lambda found: f"/{found[1]}/{_NAMES[found[1]]}", path)


def without_secrets(body: Any) -> Any:
    """The body without the values nobody may see."""
    if not isinstance(body, dict):
        return body
    return {key: value for key, value in body.items() if key not in _SECRET}


@dataclass
class Entry:
    """A request and what became of it. `status` is null while it runs and when the connection was dropped."""

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
    """The requests since the start, a reset, or the last clearing."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    def begin(self, method: str, path: str, query: str, body: Any) -> Entry:
        """Note a request on its arrival."""
        with self._lock:
            entry = Entry(len(self._entries) + 1, time.time(), method, path, query, without_secrets(body))
            self._entries.append(entry)
        return entry

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._entries.clear()

    def report(self) -> dict[str, Any]:
        """Counts for each method and kind of path, and every request."""
        with self._lock:
            entries = [asdict(entry) for entry in self._entries]
        counts = Counter(f"{entry['method']} {template(entry['path'])}" for entry in entries)
        return {"counts": dict(counts), "total": len(entries), "requests": entries}
