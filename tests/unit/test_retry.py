"""retry.py: which errors are tried again, how long the loop waits, and what it raises in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pulumi_plugchoice.api.budget import Budget
from pulumi_plugchoice.api.retry import Backoff, Deadline, Retry
from pulumi_plugchoice.errors import (
    ApiError,
    AuthenticationFailed,
    ConnectorNotFound,
    InvalidResponse,
    NoConnection,
    NotFound,
    PermissionDenied,
    PlugchoiceError,
    RateLimited,
    RequestTimeout,
    ServerError,
    TransportError,
    UnknownSetting,
    UntrustedServer,
    ValidationFailed,
    WriteNotSettled,
    WriteNotTaken,
)
from support.fakes import SleepingClock

if TYPE_CHECKING:
    from collections.abc import Callable

PATH = "/v3/user"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SleepingClock:
    """The time of the loop."""
    clock = SleepingClock()
    monkeypatch.setattr("pulumi_plugchoice.api.retry.time.sleep", clock.sleep)
    return clock


def make_retry(*, has_pacer: bool = False) -> Retry:
    """A loop whose waits are not random."""
    return Retry(Backoff(jitter=0), Budget(), has_pacer=has_pacer)


def fail_with(*errors: PlugchoiceError) -> Callable[[], str]:
    """Fails with these in turn, and then succeeds."""
    left = list(errors)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return call


@pytest.mark.parametrize(
    ("error", "is_retried_read", "is_retried_write"),
    [
        (NoConnection("PUT", PATH, ""), True, True),
        (RateLimited("PUT", PATH, 429), True, True),
        (WriteNotTaken(""), False, True),
        (TransportError("PUT", PATH, ""), True, False),
        (RequestTimeout("PUT", PATH, ""), True, False),
        (ServerError("PUT", PATH, 500), True, False),
        (ServerError("PUT", PATH, 502), True, False),
        (ServerError("PUT", PATH, 503), True, False),
        (ServerError("PUT", PATH, 504), True, False),
        # The read before a write, in the same try.
        (TransportError("GET", PATH, ""), True, True),
        (RequestTimeout("GET", PATH, ""), True, True),
        (ServerError("GET", PATH, 503), True, True),
        (ServerError("GET", PATH, 501), False, False),
        (UntrustedServer("GET", PATH, ""), False, False),
        (InvalidResponse("GET", PATH, ""), False, False),
        (ApiError("GET", PATH, 400), False, False),
        (AuthenticationFailed("GET", PATH, 401), False, False),
        (PermissionDenied("GET", PATH, 403), False, False),
        (NotFound("GET", PATH, 404), False, False),
        (ValidationFailed("GET", PATH, "", {}), False, False),
        (ConnectorNotFound("x", 1, []), False, False),
        (UnknownSetting("x", "max_amperage", ""), False, False),
        (WriteNotSettled(""), False, False),
    ],
    ids=lambda value: f"{type(value).__name__}-{getattr(value, 'status', '')}".strip("-"),
)
@pytest.mark.parametrize("idempotent", [True, False], ids=["read", "write"])
def test_only_passing_errors_are_retried(
    clock: SleepingClock, error: PlugchoiceError, *, is_retried_read: bool, is_retried_write: bool, idempotent: bool
) -> None:
    """A write is retried only if it certainly had no effect, or was read back."""
    error.is_final = False  # both cases use the same object
    call = fail_with(error)
    deadline = Deadline(300, clock)
    if is_retried_read if idempotent else is_retried_write:
        assert make_retry().run(call, deadline, idempotent=idempotent) == "done"
    else:
        with pytest.raises(PlugchoiceError) as caught:
            make_retry().run(call, deadline, idempotent=idempotent)
        assert caught.value is error
        assert clock.slept == []


def test_waits_double_and_retry_after_replaces_them(clock: SleepingClock) -> None:
    """A Retry-After of 0 still waits the first wait; a 429 without one waits a minute."""
    errors = (
        ServerError("GET", PATH, 500),
        ServerError("GET", PATH, 500),
        ServerError("GET", PATH, 503, retry_after=7.0),
        RateLimited("GET", PATH, 429, retry_after=0.0),
        RateLimited("GET", PATH, 429),
        ServerError("GET", PATH, 500),
    )
    assert make_retry().run(fail_with(*errors), Deadline(300, clock), idempotent=True) == "done"
    assert clock.slept == [0.5, 1, 7, 0.5, 60, 2]


def test_the_pacer_waits_in_place_of_the_loop(clock: SleepingClock) -> None:
    """It holds back all programs of the user; a wait past the deadline still fails at once."""
    retry = make_retry(has_pacer=True)
    limited = RateLimited("GET", PATH, 429, retry_after=30.0)
    assert retry.run(fail_with(limited), Deadline(60, clock), idempotent=True) == "done"
    assert clock.slept == [0]
    with pytest.raises(RateLimited):
        retry.run(fail_with(limited), Deadline(20, clock), idempotent=True)
    assert clock.slept == [0]


def test_a_server_that_cannot_be_reached_is_given_up_after_five_tries(clock: SleepingClock) -> None:
    """A wrong base URL must not take the whole deadline."""
    errors = [NoConnection("GET", PATH, "") for _ in range(9)]
    with pytest.raises(NoConnection) as caught:
        make_retry().run(fail_with(*errors), Deadline(300, clock), idempotent=True)
    assert caught.value is errors[4]
    assert clock.slept == [0.5, 1, 2, 4]


@pytest.mark.parametrize("idempotent", [True, False])
def test_an_outer_loop_does_not_try_again_what_an_inner_one_gave_up(clock: SleepingClock, *, idempotent: bool) -> None:
    """The read before a write has its own retries; together they would take four times as long."""
    retry = make_retry()
    calls = []

    def read() -> str:
        calls.append(1)
        raise NoConnection("GET", PATH, "")

    def write() -> str:
        return retry.run(read, Deadline(300, clock), idempotent=True)

    with pytest.raises(NoConnection):
        retry.run(write, Deadline(300, clock), idempotent=idempotent)
    assert len(calls) == 5


@pytest.mark.parametrize("kind", [RequestTimeout, NoConnection])
@pytest.mark.parametrize(
    "before", [ServerError("GET", PATH, 503), RequestTimeout("GET", PATH, "no answer within 30 s")]
)
def test_a_read_that_its_deadline_ends_reports_the_error_before(
    clock: SleepingClock, kind: type[TransportError], before: PlugchoiceError
) -> None:
    """The deadline is ours, whether it comes before the answer or before the connection is made.

    A service that hangs is reachable: nobody has to check the base URL and the network.
    """
    answer, timeout = before, kind("GET", PATH, "no answer within 0.1 s")

    def time_out() -> str:
        if not clock.slept:
            raise answer
        clock.now = 10
        raise timeout

    answer.is_final = False
    with pytest.raises(type(before)) as caught:
        make_retry().run(time_out, Deadline(10, clock), idempotent=True)
    assert caught.value is answer


def test_a_write_that_times_out_reports_that(clock: SleepingClock) -> None:
    """It may have been carried out, which an earlier 429 would hide."""
    timeout = RequestTimeout("PUT", PATH, "no answer within 30 s")
    call = fail_with(RateLimited("PUT", PATH, 429, retry_after=1.0), timeout)
    with pytest.raises(RequestTimeout) as caught:
        make_retry().run(call, Deadline(300, clock), idempotent=False)
    assert caught.value is timeout


def test_retries_and_waits_are_counted(clock: SleepingClock) -> None:
    """For the line at the end of a run."""
    budget = Budget(clock)
    budget.count_request("GET", PATH)
    retry = Retry(Backoff(jitter=0), budget)
    retry.run(fail_with(*[ServerError("GET", PATH, 500)] * 2), Deadline(60, clock), idempotent=True)
    line = budget.summarize()
    assert line is not None
    assert line.endswith("2 retries, waited 1.5 s")


def test_a_long_wait_is_announced_when_it_begins(clock: SleepingClock) -> None:
    """With what it is for; a short one is only counted."""
    lines: list[str] = []
    retry = Retry(Backoff(jitter=0), Budget(), say=lambda line: lines.append(f"{clock.now:.0f} s: {line}"))
    errors = [ServerError("GET", PATH, 503, retry_after=5.0), ServerError("GET", PATH, 503, retry_after=30.0)]
    retry.run(fail_with(*errors), Deadline(60, clock), idempotent=True)
    assert lines == [f"5 s: GET {PATH}: answered 503; waiting 30 s"]


def test_refused_connections_have_a_count_of_their_own(clock: SleepingClock) -> None:
    """Errors before the first refused connection do not shorten the time that a restart may take."""
    errors = [*[ServerError("GET", PATH, 500)] * 4, *[NoConnection("GET", PATH, "")] * 4]
    assert make_retry().run(fail_with(*errors), Deadline(300, clock), idempotent=True)


def test_an_error_at_a_deadline_is_final(clock: SleepingClock) -> None:
    """An outer loop does not try it again."""

    def time_out() -> str:
        if not clock.slept:
            raise ServerError("GET", PATH, 503)
        clock.now = 10
        raise RequestTimeout("GET", PATH, "no answer within 0.1 s")

    with pytest.raises(ServerError) as caught:
        make_retry().run(time_out, Deadline(10, clock), idempotent=True)
    assert caught.value.is_final
