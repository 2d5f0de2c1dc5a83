"""How far this machine's clock is from the server's, by the Date header of its answers (RFC 9110, section 6.6.1)."""

from __future__ import annotations

import threading

from .answers import parse_date


class ServerClock:
    """Knows between which bounds the difference is. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead: tuple[float, float] | None = None

    @property
    def ahead(self) -> tuple[float, float] | None:
        """S by which the clock here is ahead, from and to; below 0 it is behind. None: no answer told it."""
        with self._lock:
            return self._ahead

    def note(self, date: str | None, sent: float, received: float) -> None:
        """An answer came. The one with the shortest way counts.

        The server wrote its date between `sent` and `received`, and left out the fraction of the second.

        Args:
            date: its Date header.
            sent: the time here when the request was sent, s since the epoch.
            received: the time here when the answer's head was there.
        """
        try:
            written = parse_date(date or "").timestamp()
        except (ValueError, TypeError, OverflowError):
            return
        with self._lock:
            found = sent - written - 1, received - written
            if self._ahead is None or found[1] - found[0] < self._ahead[1] - self._ahead[0]:
                self._ahead = found
