"""Tells the user when a long wait begins: a run that stands still without a word looks broken."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

#: s; shorter waits are only counted, in the line at the end of a run.
LONG_WAIT: Final = 5.0


class WaitNotices:
    """One line for each long wait, and one for those of several threads together. Safe to share between threads.

    Args:
        say: prints a line.
        clock: monotonic, s.
    """

    def __init__(self, say: Callable[[str], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._lock = threading.Lock()
        self._until = float("-inf")

    def begin(self, seconds: float, reason: str, *, at_most: bool = False) -> None:
        """A wait begins.

        Args:
            seconds: how long it takes.
            reason: reads like `request limit: used up for this minute`.
            at_most: whether it may be shorter.
        """
        if seconds <= LONG_WAIT:
            return
        with self._lock:
            now = self._clock()
            # Slots of several threads are due one after the other: a little later is the same wait.
            is_known = now + seconds <= self._until + LONG_WAIT
            self._until = max(self._until, now + seconds)
        if not is_known:
            self._say(f"{reason}; waiting {'up to ' if at_most else ''}{seconds:.0f} s")
