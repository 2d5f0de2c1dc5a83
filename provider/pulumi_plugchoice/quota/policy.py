"""When the next request may go: arithmetic only, no clock, no file, no sleep.

The server counts in fixed windows of a minute whose start nobody is told. So the promise is made for *any* minute:

1. **Log.** A slot is at least 1.025 windows later than the slot `usable(limit)` places before it, so that every span
   of that length, wherever it begins, holds at most `usable(limit)` slots: 490 of 500. The two guards are for what no
   client can know: 1.5 s for requests that travel unequally long, 2 % for one that comes later still or is not ours.
2. **Pace.** GCRA (a leaky bucket as one number, the time at which the bucket is empty) with the log's own rate, 490 in
   61.5 s or 478 a minute, and a burst of a tenth, 49. Burst and rate together would pass the limit in the first minute
   (49 + 478 = 527); the log refuses the excess, and what it made wait earns no new burst. So a long run settles at
   95.6 % of the limit instead of paying for its burst in every minute: GCRA alone, with burst + rate x 60 s within
   the limit, would end at 91 %.
3. **Others.** Each answer tells the server's count in its window. What our slots in that window do not explain is
   other programs' use: the pace goes down by it, in that window and the next, and when the count, with our slots since
   then, comes to 490, the next slot is in the next window. The window's start is taken from the answers: a count that
   falls means a new window, and 60 s after the first answer of one it is over in any case.
4. **Hold.** After a 429 no slot before `Retry-After`, or a window; afterwards no burst.

Slots are handed out in order and never earlier than the one before, which is what makes shares fair.

What this cannot know: a limit below the burst before the first answer has told it (one 429, then it is known), and
requests of others since the last answer. The tests in `test_quota_policy.py` hold the rules to these words.
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
        head: number of the newest slot; they are numbered from 1.
        last: its time.
        empty: when the leaky bucket is empty (GCRA's theoretical arrival time).
        hold: no slot before this.
        limit: the server's, requests a window.
        window: first answer that was certainly of the server's current window: it began then or earlier.
        base: the newest slot that was certainly counted in an earlier window.
        others: requests in the current window that are not ours, as far as is known.
        others_before: the same of the window before.
        seen: the highest count told in the current window.
        seen_slot: the slot of the answer that told it.
        seen_at: when it was told.
        written: when this was last written.
        written_wall: the same by the wall clock, which goes on while the machine is off.
    """

    head: int = 0
    last: float = _NEVER
    empty: float = _NEVER
    hold: float = _NEVER
    limit: int = DEFAULT_LIMIT
    window: float = _NEVER
    base: int = 0
    others: int = 0
    others_before: int = 0
    seen: int = 0
    seen_slot: int = 0
    seen_at: float = _NEVER
    written: float = _NEVER
    written_wall: float = _NEVER


class Log(Protocol):
    """The times of the slots of the last windows, by number."""

    def at(self, number: int) -> float | None:
        """The slot's time, or None when it is too long ago to be kept."""

    def newest(self, by: float) -> int | None:
        """The newest slot whose time is `by` or earlier: the one before the oldest when all are later, None of none."""

    def add(self, number: int, at: float) -> None: ...

    def forget(self, before: float) -> None:
        """Drop the slots earlier than `before`."""

    def shift(self, seconds: float) -> None:
        """Make all slots earlier by `seconds`."""


class Slot(NamedTuple):
    """Leave to send one request at a time."""

    number: int
    at: float


def usable(limit: int) -> int:
    """Requests of a window's limit that we let ourselves use."""
    return max(1, limit - max(1, limit // 50))


def burst(share: int) -> int:
    """Requests that may go at once after a pause."""
    return max(1, share // 10)


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
        self._slack = window * _SPREAD

    def limit(self, book: Book) -> int:
        """Requests a window: the server's limit, or the cap when that is lower."""
        return book.limit if self._cap is None else min(book.limit, self._cap)

    def share(self, book: Book) -> int:
        """Requests a window to pace at: what the limit leaves beside other programs, at least a tenth of it."""
        most = usable(self.limit(book))
        others = max(book.others, book.others_before)
        if others <= _noise(book.limit):
            return most
        return max(1, usable(book.limit) // 10, min(most, usable(book.limit) - others))

    def reserve(self, book: Book, log: Log, now: float, longest: float) -> Slot | float:
        """The next slot, entered in book and log; or, when it is more than `longest` s away, that wait in s."""
        share = self.share(book)
        gap = self._span / share
        lead = (burst(share) - 1) * gap
        paced = max(now, book.last, book.empty - lead)
        at = max(paced, book.hold)
        number = book.head + 1
        old = log.at(number - usable(self.limit(book)))
        if old is not None:
            at = max(at, old + self._span)
        over = book.window + self.window
        if at < over and number - book.base + book.others > usable(book.limit):
            at = over + self._slack
        if at - now > min(longest, LONGEST_WAIT * self.window):
            return at - now
        book.head = number
        book.last = at
        # What hold, log or window made wait is not given back as a burst: the bucket counts as full.
        book.empty = max(book.empty, at) + gap if at == paced else at + lead + gap
        log.add(number, at)
        if number % 64 == 0:
            log.forget(now - self._span)
        return Slot(number, at)

    def hold(self, book: Book, now: float, seconds: float | None) -> None:
        """Take note of a 429: no slot for `seconds`, or a window when the server did not say."""
        wait = self.window if seconds is None or math.isnan(seconds) else max(0.0, seconds)
        book.hold = max(book.hold, now + min(wait, LONGEST_HOLD * self.window))

    def heard(self, book: Book, log: Log, now: float, sent: Slot, *, limit: int, remaining: int) -> None:
        """Take note of what an answer told. `sent` is the request's slot, with the time at which it was really sent."""
        book.limit = limit
        count = limit - remaining
        over = sent.at >= book.window + self.window
        # A request sent after that count was told must be counted higher, unless a new window has begun between.
        fell = sent.at > book.seen_at and count + _noise(limit) < book.seen
        if over or fell:
            stale = sent.at >= book.window + 2 * self.window
            book.others_before = 0 if stale else book.others
            settled = log.newest(by=sent.at - self._slack)
            book.base = min(max(book.seen_slot, settled or 0), max(0, sent.number - 1))
            book.window = now
            book.others = book.seen = 0
        elif sent.at < book.window:
            return  # perhaps of the window before
        # All our slots until now: more than the server had counted, so that no request of ours passes for another's.
        mine = (log.newest(by=now) or book.head) - book.base
        book.others = max(book.others, count - mine)
        if count > book.seen:
            book.seen, book.seen_slot, book.seen_at = count, min(sent.number, book.head), now

    def settle(self, book: Book, log: Log, now: float, wall: float) -> None:
        """Bring a book from the past into the present, whatever the clocks did; to be called before anything else.

        The monotonic clock does not follow the wall clock, but starts anew with the machine, and a file may have been
        written on another machine. A book of the future is moved back to now: its slots count as if just sent, which is
        never too little. When the wall clock says that it is long ago, or the book holds what cannot be, it is begun
        anew.
        """
        plausible = _plausible(book)
        ahead = book.written - now if plausible else 0.0
        limit = LONGEST_WAIT * self.window
        if not plausible or (ahead > 0 and abs(wall - book.written_wall) > 2 * self.window):
            log.forget(before=math.inf)
            kept = Book(head=book.head, base=book.head, seen_slot=book.head, limit=book.limit) if plausible else Book()
            for name, value in vars(kept).items():
                setattr(book, name, value)
        elif ahead > 0:
            log.shift(ahead)
            book.last -= ahead
            book.empty -= ahead
            book.hold -= ahead
            book.window -= ahead
            book.seen_at -= ahead
        book.last = min(book.last, now + limit)
        book.empty = min(book.empty, now + limit)
        book.hold = min(book.hold, now + LONGEST_HOLD * self.window)
        book.window = min(book.window, now)
        book.written = now
        book.written_wall = wall


def _noise(limit: int) -> int:
    """A difference of counts that requests overtaking each other explain."""
    return max(1, limit // 50)


def _plausible(book: Book) -> bool:
    """Whether all numbers are of their kind and can be: a file may hold anything."""
    for field in fields(book):
        value = getattr(book, field.name)
        kind = int if isinstance(field.default, int) else (int, float)
        if not isinstance(value, kind) or not abs(value) <= -_NEVER:
            return False
    return book.limit > 0 and book.head >= 0
