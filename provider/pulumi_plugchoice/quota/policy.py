"""When the next request may go: arithmetic only, no clock, no file, no sleep.

The server counts in fixed windows of a minute, and does not tell when one begins. So the limit is kept in *any* minute:

1. **Log.** A slot is at least 1.025 windows later than the slot `compute_usable(limit)` places before it, so every
   span of that length, wherever it begins, holds at most `compute_usable(limit)` slots: 490 of 500. The two guards are
   for what no client can know: 1.5 s for requests that travel unequally long, 2 % for one that comes later still or is
   not ours.
2. **Pace.** GCRA (a leaky bucket as one number, the time at which the bucket is empty) at the log's own rate, 490 in
   61.5 s or 478 a minute, with a burst of a tenth, 49. Burst and rate together would pass the limit in the first minute
   (49 + 478 = 527); the log refuses the excess, and what it delays earns no new burst. So a long run settles at 95.6 %
   of the limit instead of paying for its burst in every minute: GCRA alone, with burst + rate x 60 s within the limit,
   would end at 91 %.
3. **Hold.** After a 429 no slot before `Retry-After`, or for a window; afterwards no burst. This is also how requests
   of programs without a pacer are made room for.

Slots are given in order, and never earlier than the one before. That makes shares fair.

What this cannot know: a limit below the burst before the first answer tells it (one 429, then it is known), and the
requests of programs that do not share the file. The tests in `test_quota_policy.py` hold the rules to these words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Final, NamedTuple, Protocol

DEFAULT_LIMIT: Final = 500
#: Windows that nobody waits longer than, and that no hold outlasts, whatever the server or the file says.
LONGEST_WAIT: Final = 10.0
LONGEST_HOLD: Final = 5.0

_SPREAD: Final = 0.025  # of a window: how differently long two requests may travel
_NEVER: Final = -1e15  # before any time that a clock tells; finite, so that sums of it stay numbers


@dataclass
class Book:
    """What all processes of one user know together. Times are of the machine's monotonic clock, in s.

    Attributes:
        head: number of the newest slot; the first is 1.
        last: its time.
        empty: when the leaky bucket is empty (GCRA's theoretical arrival time).
        hold: no slot before this.
        limit: the server's, requests a window.
        written: when this was last written.
        written_wall: the same by the wall clock, which goes on while the machine is off.
    """

    head: int = 0
    last: float = _NEVER
    empty: float = _NEVER
    hold: float = _NEVER
    limit: int = DEFAULT_LIMIT
    written: float = _NEVER
    written_wall: float = _NEVER


class Log(Protocol):
    """The times of the slots of the last windows, by number."""

    def at(self, number: int) -> float | None:
        """The slot's time, or None when it is too long ago to be kept."""

    def add(self, number: int, at: float) -> None: ...

    def forget(self, before: float) -> None:
        """Drop the slots earlier than `before`."""

    def shift(self, seconds: float) -> None:
        """Make all slots earlier by `seconds`."""


class Slot(NamedTuple):
    """Leave to send one request at a time."""

    number: int
    at: float


def compute_usable(limit: int) -> int:
    """Compute how many requests of a window's limit the pacer uses."""
    return max(1, limit - max(1, limit // 50))


def compute_burst(rate: int) -> int:
    """Compute how many requests may go at once after a pause, at `rate` requests a window."""
    return max(1, rate // 10)


class Policy:
    """The rules for one window length and one cap.

    Args:
        window: s; the server's.
        cap: requests a window that this machine may use at most, or None for what the server allows.
    """

    def __init__(self, window: float = 60.0, cap: int | None = None) -> None:
        self.window = window
        self._cap = cap
        self._span = window * (1 + _SPREAD)

    def limit(self, book: Book) -> int:
        """Requests a window: the server's limit, or the cap when that is lower."""
        return book.limit if self._cap is None else min(book.limit, self._cap)

    def reserve(self, book: Book, log: Log, now: float, longest: float, count: int = 1) -> Slot | float:
        """The next slot, entered in book and log; or, when it is more than `longest` s away, that wait in s.

        Args:
            book: what is known; changed.
            log: the slots so far; changed.
            now: the time.
            longest: s to wait at most.
            count: requests that go together, at the time of the returned slot, which is the last of theirs. More than
                `compute_usable` cannot keep to a limit that small; they are made up for by a later next slot.
        """
        most = compute_usable(self.limit(book))
        gap = self._span / most
        burst = max(compute_burst(most), count)
        pace = max(now, book.last, book.empty - (burst - count) * gap)
        at = max(pace, book.hold)
        number = book.head + count
        old = log.at(min(number - most, book.head))
        if old is not None:
            at = max(at, old + self._span)
        if at - now > min(longest, LONGEST_WAIT * self.window):
            return at - now
        for each in range(book.head + 1, number + 1):
            log.add(each, at)
        book.head = number
        book.last = at
        # What hold or log delays is not given back as a burst: the bucket counts as full.
        book.empty = max(book.empty, at) + count * gap if at == pace else at + burst * gap
        if number % 64 < count:
            log.forget(now - self._span)
        return Slot(number, at)

    def hold(self, book: Book, now: float, seconds: float | None) -> None:
        """Take note of a 429: no slot for `seconds`, or for a window when the server did not say."""
        wait = self.window if seconds is None or math.isnan(seconds) else max(0.0, seconds)
        book.hold = max(book.hold, now + min(wait, LONGEST_HOLD * self.window))

    def adjust(self, book: Book, log: Log, now: float, wall: float) -> None:
        """Bring a book from the past into the present, whatever the clocks did; to be called before anything else.

        The monotonic clock does not follow the wall clock, but starts anew with the machine, and a file may have been
        written on another machine. A book of the future is moved back to now: its slots count as if just sent, which is
        never too little. When the wall clock says that it is long ago, or the book holds what cannot be, it starts
        anew.
        """
        is_plausible = _is_plausible(book)
        ahead = book.written - now if is_plausible else 0.0
        limit = LONGEST_WAIT * self.window
        if not is_plausible or (ahead > 0 and abs(wall - book.written_wall) > 2 * self.window):
            log.forget(before=math.inf)
            fresh = Book(head=book.head, limit=book.limit) if is_plausible else Book()
            for name, value in vars(fresh).items():
                setattr(book, name, value)
        elif ahead > 0:
            log.shift(ahead)
            book.last -= ahead
            book.empty -= ahead
            book.hold -= ahead
        book.last = min(book.last, now + limit)
        book.empty = min(book.empty, now + limit)
        book.hold = min(book.hold, now + LONGEST_HOLD * self.window)
        book.written = now
        book.written_wall = wall


def _is_plausible(book: Book) -> bool:
    """Whether all numbers are of their kind and can be: a file may hold anything."""
    for field in fields(book):
        value = getattr(book, field.name)
        kind = int if isinstance(field.default, int) else (int, float)
        if not isinstance(value, kind) or not abs(value) <= -_NEVER:
            return False
    return book.limit > 0 and book.head >= 0
