"""Counts the API calls of a run: reads, writes, retries, seconds of waiting, and what is left of the request limit.

Each preview, update, refresh or destroy that makes a call prints them as one line at its end. A preview adds what its
update will need, so a reviewer can see before merging whether that fits into the request limit.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


#: Environment variable. When it is `always`, a run that makes no call prints the line, too: `fleet` reads it, and takes
#: a line that is not there for lost.
SAY_CALLS: Final = "PLUGCHOICE_SAY_CALLS"


class Budget:
    """Counts of one run. Safe to share between threads.

    Args:
        clock: monotonic, s.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._reads = 0
        self._writes = 0
        self._tokens = 0
        self._retries = 0
        self._waits: list[tuple[float, float]] = []  # begin and end
        self._limit: str | None = None
        self._remaining: str | None = None

    @property
    def reads(self) -> int:
        """Number of reads so far."""
        with self._lock:
            return self._reads

    @property
    def calls(self) -> int:
        """Number of calls so far, those for a token included."""
        with self._lock:
            return self._reads + self._writes + self._tokens

    @property
    def left(self) -> tuple[int, int] | None:
        """Requests that are left this minute, and the limit, as the last answer told them; None when none did."""
        with self._lock:
            return None if self._limit is None or self._remaining is None else (int(self._remaining), int(self._limit))

    def count_request(self, method: str, path: str) -> None:
        """A request goes out."""
        with self._lock:
            if path.startswith("/oauth/"):
                self._tokens += 1
            elif method == "GET":
                self._reads += 1
            else:
                self._writes += 1

    def count_retry(self, waited: float) -> None:
        """A request goes out again, after a wait of `waited` s that ends now."""
        with self._lock:
            self._retries += 1
        self.count_wait(waited)

    def count_wait(self, waited: float) -> None:
        """A request was held back for `waited` s until now, so that all programs together keep to the request limit."""
        if waited > 0:
            now = self._clock()
            with self._lock:
                self._waits.append((now - waited, now))

    def note_limit(self, headers: Mapping[str, str]) -> None:
        """An answer came; its headers tell the request limit (guides/rate-limiting)."""
        limit, remaining = headers.get("X-RateLimit-Limit"), headers.get("X-RateLimit-Remaining")
        if limit and remaining and f"{limit}{remaining}".isascii() and limit.isdecimal() and remaining.isdecimal():
            with self._lock:
                self._limit, self._remaining = limit, remaining

    def summarize(self, planned_writes: int = 0, planned_reads: int = 0, *, always: bool = False) -> str | None:
        """The counts in one line, or None when no call was made.

        Args:
            planned_writes: connectors that the update of this preview will write.
            planned_reads: reads that these writes need on top of those that the preview made; below 0 when the preview
                made some that the update does not need.
            always: whether to return the line in any case.
        """
        with self._lock:
            calls = self._reads + self._writes + self._tokens
            if not (calls or always):
                return None
            kinds = [plural(self._reads, "read"), plural(self._writes, "write")]
            if self._tokens:
                kinds.append(f"{self._tokens} for a token")
            parts = [f"API calls: {calls} ({', '.join(kinds)})"]
            if self._retries:
                parts.append("1 retry" if self._retries == 1 else f"{self._retries} retries")
            waited = _measure_union(self._waits)
            if waited >= 0.05:
                parts.append(f"waited {waited:.1f} s")
            if self._limit and self._remaining:
                parts.append(f"{self._remaining} of {self._limit} left this minute")
            text = ", ".join(parts)
            if planned_writes:
                reads = self._reads + planned_reads
                text += (
                    f"; the update will need about {reads + self._tokens + planned_writes} "
                    f"({plural(reads, 'read')}, {plural(planned_writes, 'write')})"
                )
            return text


def _measure_union(waits: Iterable[tuple[float, float]]) -> float:
    """Seconds in which at least one thread waited: four that wait for the same minute waited one minute."""
    total, end = 0.0, float("-inf")
    for begin, until in sorted(waits):
        total += max(0.0, until - max(begin, end))
        end = max(end, until)
    return total
