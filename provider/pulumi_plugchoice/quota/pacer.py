"""One request quota for all threads and processes of one user on one machine.

Plugchoice allows a user 500 requests a minute; many stacks may run at once. Every attempt, retries too, first takes a
slot: `take` waits for it, outside of any lock, and says so at once when it would be later than the caller's deadline.
Every answer is told to `answered`. When a slot is due is decided in `policy.py`, where the reasons are; the slots
are kept in a sqlite file in the user's cache folder (`file_store.py`), and when that cannot be used, in this process,
with one notice. Then processes do not know of each other any more, except by the count that the server tells.

Times are of the monotonic clock, which is the same for all processes of a machine and does not jump when somebody sets
the time. The public limiters that processes can share keep to a limit as well, but one process waits a minute while
another is served nine times as often, and they know neither holds nor other users: `bench/pacer.py` compares.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pulumi_plugchoice.errors import PlugchoiceError

from .file_store import SCHEMA, FileStore, MemoryStore, Store, Unusable
from .policy import Book, Policy, Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MOST: Final = 1_000_000  # requests a window that a server may claim to allow


class NoSlotInTime(PlugchoiceError):
    """The next request may only go after the caller's deadline; nothing was sent, no slot was taken.

    Attributes:
        seconds: the wait that would be needed.
    """

    def __init__(self, seconds: float, limit: int) -> None:
        self.seconds = seconds
        super().__init__(
            f"the next request of this user may go in {math.ceil(seconds)} s, which is past the deadline: the {limit} "
            "requests a minute are used up, or Plugchoice asked to wait"
        )


class Totals(NamedTuple):
    """What one process's pacer did.

    Attributes:
        slots: requests let go.
        waited: s, summed over threads.
        limit: requests a minute, as last known.
        remaining: what the server said is left of them in its window, or None when it did not say.
    """

    slots: int
    waited: float
    limit: int
    remaining: int | None


class Pacer:
    """Slots for the requests of one user. Safe to share between threads.

    Args:
        key: names the user: base URL and token or client id. Only its hash is stored.
        limit: requests a minute at most, below what the server allows; a static share where several hosts run.
        folder: where the file is; the user's cache folder when None.
        say: prints a line.
        window: s, the server's; other than 60 for tests.
        clock: monotonic and the same in all processes.
        wall: s since the epoch.
        sleep: waits for s.
    """

    def __init__(
        self,
        key: str,
        limit: int | None = None,
        *,
        folder: Path | None = None,
        say: Callable[[str], object],
        window: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._policy = Policy(window, limit)
        self._say = say
        self._clock = clock
        self._wall = wall
        self._sleep = sleep
        self._lock = threading.Lock()
        self._sent = threading.local()
        self._slots = 0
        self._waited = 0.0
        self._limit = self._policy.limit(Book())
        self._remaining: int | None = None
        self._store: Store
        folder = folder or _cache_folder()
        self._path = folder / f"pacer-{SCHEMA}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.sqlite"
        if self._path.is_absolute():
            self._store = FileStore(self._path)
        else:
            self._store = MemoryStore()
            self._say_alone("no home folder")

    def take(self, time_left: float = math.inf) -> float:
        """Wait until the next request may go; returns the s waited.

        Raises:
            NoSlotInTime: that would take longer than `time_left` s. Then nothing was waited, unless another process's
                429 came while waiting.
        """
        started = self._clock()
        while True:
            slot = self._reserve(time_left - (self._clock() - started))
            wait = slot.at - self._clock()
            if wait <= 0:
                break
            self._sleep(wait)
            # A 429 may have come meanwhile; then this slot is given up for one after the hold.
            if self._hold() <= slot.at:
                break
        now = self._clock()
        waited = max(0.0, now - started)
        self._sent.slot = Slot(slot.number, now)
        with self._lock:
            self._slots += 1
            self._waited += waited
        return waited

    def note_answer(self, headers: Mapping[str, str], status: int, retry_after: float | None = None) -> None:
        """Take note of the answer to the request that this thread took its last slot for."""
        limit = _number(headers.get("X-RateLimit-Limit"))
        remaining = _number(headers.get("X-RateLimit-Remaining"))
        told = limit is not None and remaining is not None and 0 < limit <= _MOST and remaining <= limit
        sent: Slot | None = getattr(self._sent, "slot", None)
        if status != 429 and not told:
            return
        try:
            self._note(limit, remaining, sent if told else None, hold=status == 429, retry_after=retry_after)
        except Unusable as error:
            self._alone(error)
            self._note(None, None, None, hold=status == 429, retry_after=retry_after)
        if told:
            with self._lock:
                self._remaining = remaining

    def totals(self) -> Totals:
        """What was done so far."""
        with self._lock:
            return Totals(self._slots, self._waited, self._limit, self._remaining)

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def _reserve(self, longest: float) -> Slot:
        try:
            return self._try_reserve(longest)
        except Unusable as error:
            self._alone(error)
            return self._try_reserve(longest)

    def _try_reserve(self, longest: float) -> Slot:
        with self._store.transaction() as (book, log):
            now = self._clock()
            self._policy.settle(book, log, now, self._wall())
            slot = self._policy.reserve(book, log, now, longest)
            self._limit = self._policy.limit(book)
        if isinstance(slot, Slot):
            return slot
        raise NoSlotInTime(slot, self._limit)

    def _hold(self) -> float:
        try:
            return self._store.hold()
        except Unusable as error:
            self._alone(error)
            return self._store.hold()

    def _note(
        self, limit: int | None, remaining: int | None, sent: Slot | None, *, hold: bool, retry_after: float | None
    ) -> None:
        with self._store.transaction() as (book, log):
            now = self._clock()
            self._policy.settle(book, log, now, self._wall())
            if sent is not None and limit is not None and remaining is not None:
                self._policy.heard(book, log, now, sent, limit=limit, remaining=remaining)
            if hold:
                self._policy.hold(book, now, retry_after)
            self._limit = self._policy.limit(book)

    def _alone(self, error: Unusable) -> None:
        """Go on without the file; one thread says so."""
        with self._lock:
            if isinstance(self._store, MemoryStore):
                return
            broken, self._store = self._store, MemoryStore()
        broken.close()
        self._say_alone(f"{self._path}: {error}")

    def _say_alone(self, reason: str) -> None:
        self._say(
            f"the request quota is not shared with other runs on this machine ({reason}): this run paces itself alone; "
            "where several run at once, set PLUGCHOICE_REQUESTS_PER_MINUTE to a share for each"
        )


def _cache_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("pulumi-plugchoice", appauthor=False))


def _number(text: str | None) -> int | None:
    # isdecimal also holds for digits of other scripts, which int() reads as well.
    return int(text) if text and len(text) < 10 and text.isdecimal() else None
