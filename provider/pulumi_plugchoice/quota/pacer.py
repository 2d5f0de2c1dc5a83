"""One request limit for all threads and processes of one user on one machine.

Plugchoice allows a user 500 requests a minute, and many stacks may run at once. Every try, retries too, first takes a
slot: `take` waits for it, outside of any lock, and fails at once when the slot would be later than the caller's
deadline. `note_answer` learns from every answer. `policy.py` decides when a slot is due, and gives the reasons.
`file_store.py` keeps the slots in a sqlite file in the user's cache folder. When that cannot be used, they are kept in
this process, with one notice; then only a 429 tells processes of each other.

Times are of the monotonic clock, which is the same for all processes of a machine and does not jump when somebody sets
the time. The public limiters that processes can share keep to a limit as well, but with them one process waits a minute
while another is served nine times as often, and they know no holds: `bench/pacer.py` compares.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import plural
from pulumi_plugchoice.errors import PlugchoiceError

from .file_store import SCHEMA, FileStore, MemoryStore, Store, StoreError
from .policy import Book, Policy, Slot
from .waits import LONG_WAIT, WaitNotices

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MAX_LIMIT: Final = 1_000_000  # requests a window that a server may claim to allow


class NoSlotInTime(PlugchoiceError):
    """The next request may only go after the caller's deadline; nothing was sent, no slot was taken.

    Args:
        seconds: the wait that would be needed.
        limit: requests a minute.
    """

    def __init__(self, seconds: float, limit: int) -> None:
        super().__init__(
            f"request limit: the next request can be sent in {math.ceil(seconds)} s, after the deadline: the limit "
            f"of {plural(limit, 'request')} a minute is used up, or Plugchoice asked to wait; try again later"
        )


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
        self._waits = WaitNotices(say, clock)
        self._lock = threading.Lock()
        self._server_limit = Book().limit  # as this process last saw it
        self._store: Store
        folder = folder or find_cache_folder()
        self._path = folder / f"pacer-{SCHEMA}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.sqlite"
        if self._path.is_absolute():
            self._store = FileStore(self._path)
        else:
            self._store = MemoryStore()
            self._report_no_file("no home folder")

    def take(self, time_left: float = math.inf, requests: int = 1) -> float:
        """Wait until the next request may go, or so many together, and return the s waited.

        Raises:
            NoSlotInTime: that would take longer than `time_left` s. Then nothing was waited, unless another process's
                429 came while waiting.
        """
        start = self._clock()
        while True:
            slot = self._reserve(time_left - (self._clock() - start), requests)
            wait = slot.at - self._clock()
            if wait <= 0:
                break
            if wait > LONG_WAIT:  # most are milliseconds, and the reason is a read of the file
                self._waits.begin(wait, self._explain_wait())
            self._sleep(wait)
            # A 429 may have come meanwhile; then this slot is given up for one after the hold.
            if self._read_hold() <= slot.at:
                break
        return max(0.0, self._clock() - start)

    def _explain_wait(self) -> str:
        if self._read_hold() > self._clock():
            return "request limit: Plugchoice asked this user's programs to wait (429)"
        return "request limit: used up for this minute by this user's programs"

    def note_answer(self, headers: Mapping[str, str], status: int, retry_after: float | None = None) -> None:
        """Learn the server's limit from an answer, and hold all programs of the user after a 429."""
        limit = _number(headers.get("X-RateLimit-Limit"))
        if limit is None or not 0 < limit <= _MAX_LIMIT or limit == self._server_limit:
            limit = None
        is_refusal = status == 429
        if limit is None and not is_refusal:
            return
        try:
            self._note(limit, retry_after, is_refusal=is_refusal)
        except StoreError as error:
            self._go_alone(error)
            self._note(limit, retry_after, is_refusal=is_refusal)

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def _reserve(self, longest: float, requests: int = 1) -> Slot:
        try:
            return self._try_reserve(longest, requests)
        except StoreError as error:
            self._go_alone(error)
            return self._try_reserve(longest, requests)

    def _try_reserve(self, longest: float, requests: int) -> Slot:
        with self._store.transaction() as (book, log):
            now = self._clock()
            self._policy.adjust(book, log, now, self._wall())
            slot = self._policy.reserve(book, log, now, longest, requests)
            self._server_limit = book.limit
            limit = self._policy.limit(book)
        if isinstance(slot, Slot):
            return slot
        raise NoSlotInTime(slot, limit)

    def _read_hold(self) -> float:
        try:
            return self._store.hold()
        except StoreError as error:
            self._go_alone(error)
            return self._store.hold()

    def _note(self, limit: int | None, retry_after: float | None, *, is_refusal: bool) -> None:
        with self._store.transaction() as (book, log):
            now = self._clock()
            self._policy.adjust(book, log, now, self._wall())
            if limit is not None:
                book.limit = self._server_limit = limit
            if is_refusal:
                self._policy.hold(book, now, retry_after)

    def _go_alone(self, error: StoreError) -> None:
        """Go on without the file; one thread says so."""
        with self._lock:
            if isinstance(self._store, MemoryStore):
                return
            useless, self._store = self._store, MemoryStore()
        useless.close()
        self._report_no_file(f"{self._path}: {error}")

    def _report_no_file(self, reason: str) -> None:
        self._say(
            f"request limit: not shared with other runs on this machine ({reason}); if several run at once, set "
            "PLUGCHOICE_REQUESTS_PER_MINUTE to a share for each"
        )


def find_cache_folder() -> Path:
    """The user's cache folder, which need not exist; not absolute when the user has no home folder."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("pulumi-plugchoice", appauthor=False))


def _number(text: str | None) -> int | None:
    return int(text) if text and len(text) < 10 and text.isascii() and text.isdigit() else None
