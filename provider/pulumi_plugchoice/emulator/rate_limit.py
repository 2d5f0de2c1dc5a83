"""The rate limit: a fixed window for each user, as Laravel counts it."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Allowance:
    """The requests that a user has left after this one. `retry_after` (s) is set when this one exceeds the limit."""

    limit: int
    remaining: int
    retry_after: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {"X-RateLimit-Limit": str(self.limit), "X-RateLimit-Remaining": str(self.remaining)}

    @property
    def refusal(self) -> dict[str, str]:
        """The further headers of a 429."""
        wait = self.retry_after or 1
        return {"Retry-After": str(wait), "X-RateLimit-Reset": str(int(time.time()) + wait)}


class RateLimiter:
    """Counts requests; the window of a user starts with the first request in it."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def hit(self, key: str, limit: int, window: float) -> Allowance:
        """Count a request of `key`. A refused request does not count."""
        moment = time.monotonic()
        with self._lock:
            count, start = self._windows.get(key, (0, moment))
            if moment - start >= window:
                count, start = 0, moment
            if count >= limit:
                return Allowance(limit, 0, max(1, math.ceil(start + window - moment)))
            self._windows[key] = (count + 1, start)
        return Allowance(limit, limit - count - 1)
