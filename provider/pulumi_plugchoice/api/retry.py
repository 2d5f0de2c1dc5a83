"""The one loop that tries a request again: which errors it retries, how long it waits, and when it gives up."""

from __future__ import annotations

import itertools
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.errors import (
    ApiError,
    NoConnection,
    PlugchoiceError,
    RateLimited,
    RequestTimeout,
    TransportError,
    UntrustedServer,
    WriteNotTaken,
)
from pulumi_plugchoice.quota.waits import WaitNotices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .budget import Budget

ResultT = TypeVar("ResultT")

_RETRY_STATUSES: Final = frozenset({429, 500, 502, 503, 504})
# About ten seconds, which outlast a restart of the service. A wrong base URL fails no later than that.
_MAX_CONNECT_RETRIES: Final = 4
# The wait that guides/rate-limiting asks for when a 429 has no Retry-After.
_RATE_LIMIT_SECONDS: Final = 60.0


class Deadline:
    """A point in time that an operation shares with all its requests.

    Args:
        seconds: from now.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = clock() + seconds

    def left(self) -> float:
        """Seconds until then; 0 when it has passed."""
        return max(0.0, self._at - self._clock())


@dataclass(frozen=True)
class Backoff:
    """Waits between tries: `first` s, doubled each time up to `longest` s, plus up to `jitter` s at random."""

    first: float = 0.5
    longest: float = 20.0
    jitter: float = 0.5

    def wait(self, retries: int, deadline: Deadline) -> float | None:
        """Seconds to wait after `retries` earlier retries; None when the deadline leaves no time for another.

        At most half of the time left: the rest is for the answer.
        """
        left = deadline.left()
        if left <= self.first:
            return None
        jitter = random.uniform(0, self.jitter)  # noqa: S311 - keeps programs apart, guards nothing
        return min(min(self.first * 2.0 ** min(retries, 20), self.longest) + jitter, left / 2)


class Retry:
    """Tries calls again. Safe to share between threads.

    Args:
        backoff: waits where the server does not ask for one.
        budget: counts the retries.
        has_pacer: whether a pacer learns of each 429. It then holds back every program of the user, so the loop itself
            does not wait.
        say: prints a line; of each wait of more than 5 s, when it begins.
    """

    def __init__(
        self,
        backoff: Backoff,
        budget: Budget,
        *,
        has_pacer: bool = False,
        say: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._backoff = backoff
        self._budget = budget
        self._waits = WaitNotices(say)
        self._has_pacer = has_pacer

    def run(self, call: Callable[[], ResultT], deadline: Deadline, *, idempotent: bool) -> ResultT:
        """Call until it succeeds, fails for good, or the deadline comes.

        Args:
            call: sends the request. Loops may be nested: what an inner one gave up is not tried again.
            deadline: when to give up.
            idempotent: whether the call may be carried out twice. True retries connection loss, timeouts, 429, 500,
                502, 503 and 504. False retries these after a GET, and otherwise only what certainly had no effect: a
                connection that was not made, a 429, and a write that the connector did not take (`WriteNotTaken`).

        Raises:
            PlugchoiceError: the last error; or the one before, when the last one only says that the deadline came.
        """
        counter = itertools.count()
        refusals = itertools.count()
        answer: PlugchoiceError | None = None
        while True:
            try:
                return call()
            except PlugchoiceError as error:
                count = refusals if isinstance(error, NoConnection) else counter
                wait = self._wait(error, count, deadline) if _is_worth_retrying(error, idempotent) else None
                if wait is None:
                    error.is_final = True
                    # A write that timed out may have been carried out, which matters more than an earlier answer.
                    if idempotent and answer is not None and _is_late(error, deadline):
                        answer.is_final = True
                        raise answer from None
                    raise
                # An answer tells more than its absence, and that more than a last try without time for a connection.
                if answer is None or not isinstance(error, RequestTimeout):
                    answer = error
                self._waits.begin(wait, _describe(error))
            time.sleep(wait)
            self._budget.count_retry(wait)

    def _wait(self, error: PlugchoiceError, counter: Iterator[int], deadline: Deadline) -> float | None:
        """Seconds until the next try, or None to give up."""
        wait = _requested_wait(error)
        if wait is None:
            retries = next(counter)
            if isinstance(error, NoConnection) and retries >= _MAX_CONNECT_RETRIES:
                return None
            return self._backoff.wait(retries, deadline)
        # A Retry-After of 0 is no reason to send without a pause.
        wait = max(wait, self._backoff.first)
        if self._has_pacer and isinstance(error, RateLimited):
            return 0.0 if wait < deadline.left() else None
        return wait if wait + self._backoff.first < deadline.left() else None


def _is_worth_retrying(error: PlugchoiceError, idempotent: bool) -> bool:  # noqa: FBT001 - the flag of `run`
    if error.is_final or isinstance(error, UntrustedServer):
        return False
    if not idempotent and getattr(error, "method", None) != "GET":
        return isinstance(error, NoConnection | RateLimited | WriteNotTaken)
    if isinstance(error, ApiError):
        return error.status in _RETRY_STATUSES
    return isinstance(error, TransportError)


def _is_late(error: PlugchoiceError, deadline: Deadline) -> bool:
    """Whether an error only says that the time is over: before the answer, or before the request was sent."""
    return isinstance(error, RequestTimeout) or (isinstance(error, NoConnection) and not deadline.left())


def _requested_wait(error: PlugchoiceError) -> float | None:
    """Seconds that the server asks to wait, or None."""
    if not isinstance(error, ApiError):
        return None
    if error.retry_after is not None:
        return error.retry_after
    return _RATE_LIMIT_SECONDS if isinstance(error, RateLimited) else None


def _describe(error: PlugchoiceError) -> str:
    """What a wait is for, in a few words: the whole error, with its advice, would read as the end."""
    if isinstance(error, ApiError):
        return f"{error.method} {printable(error.path)}: answered {error.status}"
    if isinstance(error, TransportError):
        return f"{error.method} {printable(error.path)}: no answer"
    return "the last write did not take effect"
