"""One request limit for all threads and processes of one user: on one machine, or on many that share a database.

Plugchoice allows a user 500 requests a minute, and many stacks may run at once. Every try, retries too, first takes a
slot: `take` waits for it, outside of any lock, and fails at once when the slot would be later than the caller's
deadline. `note_answer` learns from every answer. `policy.py` decides when a slot is due, and gives the reasons.
`file_store.py` keeps the slots in a sqlite file in the user's cache folder. When that cannot be used, they are kept in
this process, with one notice; then only a 429 tells processes of each other.

With PLUGCHOICE_QUOTA_URL the slots are in a Postgres database instead (`postgres_store.py`). When that is lost for
longer than `PATIENCE`, the process sends nothing for a window, in which the slots of the database run out. If the
database is back then, the process goes on with it: none of its requests is uncounted. Otherwise it shares the file with
the other processes of its machine, at a fixed share of the limit, until it ends: the database may be back for some
machines and not for others.

Times are of the monotonic clock, which is the same for all processes of a machine and does not jump when somebody sets
the time; in the database they are of its server's clock. The public limiters that processes can share keep to a limit
as well, but with them one process waits a minute while another is served nine times as often, and they know no holds:
`bench/pacer.py` compares.
"""

from __future__ import annotations

import hashlib
import math
import random
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pulumi_plugchoice._text import plural
from pulumi_plugchoice.errors import PlugchoiceError

from .file_store import SCHEMA, FileStore, MemoryStore, Store, StoreError
from .policy import Book, Policy, Slot
from .waits import LONG_WAIT, WaitNotices

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .policy import Log

#: s without the database until a process goes on without it.
PATIENCE: Final = 10.0
#: How the lines below begin that say that the limit is not shared as it should be.
DATABASE_LOST: Final = "request limit: PLUGCHOICE_QUOTA_URL: the database cannot be used ("
NOT_SHARED: Final = "request limit: not shared with other runs on this machine ("

_MAX_LIMIT: Final = 1_000_000  # requests a window that a server may claim to allow
_LONE_SHARE: Final = 10  # the limit is divided by this while the database is lost and no share is set


class NoSlotInTime(PlugchoiceError):
    """The next request may only go after the caller's deadline; nothing was sent, no slot was taken.

    Args:
        seconds: the wait that would be needed.
        reason: for it.
    """

    def __init__(self, seconds: float, reason: str) -> None:
        super().__init__(
            f"request limit: the next request can be sent in {math.ceil(seconds)} s, after the deadline: {reason}; try "
            "again later"
        )


class Turn(NamedTuple):
    """A slot, and when it is due by the clock of this machine."""

    slot: Slot
    due: float


class _Place(NamedTuple):
    """Where the slots are kept, and by which rules. A thread goes on with the one it began with."""

    store: Store
    policy: Policy


class Pacer:
    """Slots for the requests of one user. Safe to share between threads.

    Args:
        key: names the user: base URL and token or client id. Only its hash is stored.
        limit: requests a minute at most, below what the server allows; this machine's share where several machines run
            without a database, and while the database is lost.
        folder: where the file is; the user's cache folder when None.
        database: keeps the slots of all machines, as `open_database` makes it; None: there is none.
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
        database: Store | None = None,
        say: Callable[[str], object],
        window: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._share = limit
        self._window = window
        self._say = say
        self._clock = clock
        self._wall = wall
        self._sleep = sleep
        self._waits = WaitNotices(say, clock)
        self._lock = threading.Lock()
        self._server_limit = Book().limit  # as this process last saw it
        self._path = (folder or find_cache_folder()) / f"pacer-{SCHEMA}-{hash_key(key)[:32]}.sqlite"
        self._database = database
        self._failing_since: float | None = None  # the database
        self._not_before = -math.inf  # by this machine's clock
        self._may_return = True  # to the database, once
        # Replaced at once, by one thread: a book is never changed by the clock or the rules of another place.
        self._place: _Place
        if database is not None:
            self._place = _Place(database, Policy(window))
        else:
            self._use_file(limit)

    @property
    def _store(self) -> Store:
        return self._place.store

    def take(self, time_left: float = math.inf, requests: int = 1) -> float:
        """Wait until the next request may go, or so many together, and return the s waited.

        Raises:
            NoSlotInTime: that would take longer than `time_left` s. Then nothing was waited, unless meanwhile another
                process's 429 came, the database could not be reached, or another thread left the file or the database.
        """
        start = self._clock()

        def get_time_left() -> float:
            return time_left - (self._clock() - start)

        while True:
            self._wait_for_window(get_time_left())
            self._return_to_database()
            place = self._place
            if self._clock() < self._not_before:  # another thread has lost the database just now
                continue
            try:
                turn = self._reserve(place, get_time_left(), requests)
                wait = turn.due - self._clock()
                if wait > LONG_WAIT:  # most are milliseconds, and the reason is another read
                    self._waits.begin(wait, _explain_wait(place, turn, wait))
                if wait > 0:
                    self._sleep(wait)
                    # A 429 may have come meanwhile; then this slot is given up for one after the hold.
                    if place.store.hold() > turn.slot.at:
                        continue
            except StoreError as error:
                self._lose(place.store, error, get_time_left())
                continue
            if self._place is not place:  # another thread has left it: the slot counts nowhere any more
                continue
            self._failing_since = None
            return max(0.0, self._clock() - start)

    def _wait_for_window(self, time_left: float) -> None:
        """Wait until the window is over in which a process without its database sends nothing."""
        wait = self._not_before - self._clock()
        if wait <= 0:
            return
        if wait > time_left:
            raise NoSlotInTime(wait, "the database of PLUGCHOICE_QUOTA_URL is lost")
        if wait > LONG_WAIT:
            self._waits.begin(wait, "request limit: the quota database is lost")
        self._sleep(wait)

    def note_answer(self, headers: Mapping[str, str], status: int, retry_after: float | None = None) -> None:
        """Learn the server's limit from an answer, and hold all programs of the user after a 429."""
        limit = _number(headers.get("X-RateLimit-Limit"))
        if limit is None or not 0 < limit <= _MAX_LIMIT or limit == self._server_limit:
            limit = None
        is_refusal = status == 429
        if limit is None and not is_refusal:
            return
        while True:
            place = self._place
            if is_refusal and place.store is not self._database:
                self._may_return = False  # the database would not know of it
            try:
                self._note(place, limit, retry_after, is_refusal=is_refusal)
            except StoreError as error:
                self._lose(place.store, error, math.inf)
                continue
            if self._place is place:
                return

    def close(self) -> None:
        """Close the file, or the connection to the database."""
        self._store.close()

    def _reserve(self, place: _Place, longest: float, requests: int = 1) -> Turn:
        with place.store.transaction() as (book, log):
            arrived = self._clock()
            now = self._adjust(place, book, log, arrived)
            slot = place.policy.reserve(book, log, now, longest, requests)
            self._server_limit = book.limit
            limit = place.policy.limit(book)
        if isinstance(slot, Slot):
            return Turn(slot, arrived + (slot.at - now))
        raise NoSlotInTime(
            slot, f"the limit of {plural(limit, 'request')} a minute is used up, or Plugchoice asked to wait"
        )

    def _note(self, place: _Place, limit: int | None, retry_after: float | None, *, is_refusal: bool) -> None:
        with place.store.transaction() as (book, log):
            now = self._adjust(place, book, log, self._clock())
            if limit is not None:
                book.limit = self._server_limit = limit
            if is_refusal:
                place.policy.hold(book, now, retry_after)

    def _adjust(self, place: _Place, book: Book, log: Log, arrived: float) -> float:
        """Bring the book into the present and return the time by the store's clock, s."""
        shared = place.store.now
        now, wall = (arrived, self._wall()) if shared is None else (shared, shared)
        place.policy.adjust(book, log, now, wall)
        return now

    def _lose(self, store: Store, error: StoreError, time_left: float) -> None:
        """Decide what to do without `store`: try again, or go on with the next; one thread says so."""
        with self._lock:
            if self._store is not store:
                return
            if store is self._database:
                now = self._clock()
                since = self._failing_since  # read once: a thread that has got a slot takes it away
                self._failing_since = since = now if since is None else since
                if now < since + PATIENCE:
                    pause = random.uniform(0.1, 0.5)  # noqa: S311 - no secret
                    if pause > time_left:
                        raise NoSlotInTime(PATIENCE, f"the database of PLUGCHOICE_QUOTA_URL cannot be used ({error})")
                else:
                    pause = 0.0
                    self._leave_database(error)
            elif isinstance(store, FileStore):
                pause = 0.0
                self._place = self._place._replace(store=MemoryStore())
                self._report_no_file(f"{self._path}: {error}")
            else:
                raise AssertionError(error)  # memory does not fail
        if pause:
            self._sleep(pause)
            return
        store.close()

    def _leave_database(self, error: StoreError) -> None:
        share = self._share or max(1, self._server_limit // _LONE_SHARE)
        self._not_before = self._clock() + self._window
        self._say(
            f"request limit: PLUGCHOICE_QUOTA_URL: the database cannot be used ({error}); this run waits "
            f"{self._window:.0f} s; if the database is not back then, this machine sends at most "
            f"{plural(share, 'request')} a minute"
            + ("" if self._share else "; to set another share use PLUGCHOICE_REQUESTS_PER_MINUTE")
        )
        self._use_file(share)

    def _return_to_database(self) -> None:
        """Use the database again if it is back after a window in which this process has sent nothing."""
        with self._lock:
            is_lost = self._database is not None and self._store is not self._database
            if self._database is None or not (is_lost and self._may_return) or self._clock() < self._not_before:
                return
            self._may_return = False
            try:
                self._database.hold()
            except StoreError:
                self._database.close()
                return
            self._store.close()
            self._place, self._failing_since = _Place(self._database, Policy(self._window)), None

    def _use_file(self, limit: int | None) -> None:
        policy = Policy(self._window, limit)
        if self._path.is_absolute():
            self._place = _Place(FileStore(self._path), policy)
        else:
            self._place = _Place(MemoryStore(), policy)
            self._report_no_file("no home folder")

    def _report_no_file(self, reason: str) -> None:
        self._say(
            f"request limit: not shared with other runs on this machine ({reason}); if several run at once, set "
            "PLUGCHOICE_REQUESTS_PER_MINUTE to a share for each"
        )


def _explain_wait(place: _Place, turn: Turn, wait: float) -> str:
    if place.store.hold() > turn.slot.at - wait:
        return "request limit: Plugchoice asked this user's programs to wait (429)"
    return "request limit: used up for this minute by this user's programs"


def hash_key(key: str) -> str:
    """Hash what names a user: base URL and token or client id."""
    return hashlib.sha256(key.encode()).hexdigest()


def find_cache_folder() -> Path:
    """The user's cache folder, which need not exist; not absolute when the user has no home folder."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("pulumi-plugchoice", appauthor=False))


def _number(text: str | None) -> int | None:
    return int(text) if text and len(text) < 10 and text.isascii() and text.isdigit() else None
