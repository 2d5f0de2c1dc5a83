"""time_limit.py: one thread for all limits; it shuts down what is too slow and nothing else."""

from __future__ import annotations

import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from pulumi_plugchoice.api import time_limit
from pulumi_plugchoice.api.time_limit import TimeLimit, Watchdog

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "plugchoice-time-limit"
# What a busy machine may add.
LATE = 30.0


@pytest.fixture
def watchdog(monkeypatch: pytest.MonkeyPatch) -> Watchdog:
    """One of this test alone."""
    watchdog = Watchdog()
    monkeypatch.setattr(time_limit, "_watchdog", watchdog)
    return watchdog


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection."""
    one, other = socket.socketpair()
    with one, other:
        other.settimeout(LATE)
        one.settimeout(LATE)
        yield one, other


def number_of_threads() -> int:
    return sum(thread.name == NAME for thread in threading.enumerate())


def wait_for_end(seconds: float) -> tuple[float, bool]:
    """How long a read of a silent connection took that has so many s, and whether its limit says so."""
    one, other = socket.socketpair()
    with one, other:
        one.settimeout(LATE)
        started = time.monotonic()
        limit = TimeLimit(seconds)
        limit.start()
        with limit:
            limit.cover(one)
            assert one.recv(1) == b""
        return time.monotonic() - started, limit.is_over


def test_many_limits_at_once_use_one_thread_and_end_in_time(watchdog: Watchdog) -> None:
    """Each at its own time, whatever order they come in."""
    before = number_of_threads()
    seconds = [0.5 - 0.01 * number for number in range(40)]
    with ThreadPoolExecutor(len(seconds)) as pool:
        results = list(pool.map(wait_for_end, seconds))
    assert number_of_threads() == before + 1
    assert all(is_over for _, is_over in results)
    for limit, (took, _) in zip(seconds, results, strict=True):
        assert limit <= took < limit + LATE / 2
    assert watchdog._limits == set()


def test_a_limit_that_was_kept_is_forgotten(watchdog: Watchdog, pair: tuple[socket.socket, socket.socket]) -> None:
    """The connection works on, and the watchdog forgets the limit at once."""
    limit = TimeLimit(1)
    limit.start()
    with limit:
        limit.cover(pair[0])
        handle = limit._handle
    assert watchdog._limits == set()
    assert handle is not None
    assert handle.fileno() == -1
    time.sleep(1.2)
    pair[0].sendall(b"x")
    assert pair[1].recv(1) == b"x"
    assert not limit.is_over


def test_the_idle_thread_sleeps_until_a_limit_comes(watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not poll: after the last limit it waits without a timeout."""
    waits: list[float | None] = []
    wait = watchdog._changed.wait

    def note(timeout: float | None = None) -> bool:
        waits.append(timeout)
        return wait(timeout)

    monkeypatch.setattr(watchdog._changed, "wait", note)
    assert wait_for_end(0.05)[1]
    time.sleep(0.2)
    assert waits[-1] is None
    assert len(waits) <= 3
    assert wait_for_end(0.05)[1]


def test_a_shorter_limit_is_not_held_up_by_a_longer_one(watchdog: Watchdog) -> None:
    """The thread sleeps for the long one when the short one comes."""
    long = TimeLimit(60)
    long.start()
    with long:
        time.sleep(0.05)
        took, is_over = wait_for_end(0.1)
    assert is_over
    assert took < LATE
    assert watchdog._limits == set()


def test_a_connection_that_comes_too_late_is_shut_down_at_once(
    watchdog: Watchdog, pair: tuple[socket.socket, socket.socket]
) -> None:
    """The lookup of the host's name may have taken all of the time."""
    limit = TimeLimit(0)
    limit.start()
    with limit:
        until = time.monotonic() + LATE
        while not limit.is_over and time.monotonic() < until:
            time.sleep(0.01)
        limit.cover(pair[0])
        assert pair[0].recv(1) == b""
    assert watchdog._limits == set()


def test_a_thread_that_cannot_start_is_an_error_and_the_next_limit_tries_again(
    watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system may refuse one for a moment."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            TimeLimit(1).start()
    assert watchdog._limits == set()
    assert wait_for_end(0.05)[1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")  # the fork is the test
def test_a_forked_process_has_a_watchdog_of_its_own(watchdog: Watchdog) -> None:
    """The thread stays with the parent, which may hold the lock at that moment."""
    assert wait_for_end(0.05)[1]
    with watchdog._changed:
        child = os.fork()
        if child == 0:
            os._exit(0 if wait_for_end(0.05)[1] else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_what_is_told_of_a_slow_request_does_not_hold_the_limits_up(
    watchdog: Watchdog, pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard error may block, when nobody reads it."""
    assert watchdog._limits == set()
    monkeypatch.setattr(time_limit, "LONG_WAIT", 0.05)
    told: list[float] = []
    done = threading.Event()

    def block(left: float) -> None:
        told.append(left)
        done.wait(LATE)

    started = time.monotonic()
    limit = TimeLimit(2, block)
    limit.start()
    with limit:
        limit.cover(pair[0])
        assert pair[0].recv(1) == b""
    assert time.monotonic() - started < LATE / 2
    assert limit.is_over
    assert len(told) == 1
    assert 0 < told[0] <= 1.95
    done.set()


def test_a_quick_request_tells_nothing(watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch) -> None:
    assert watchdog._limits == set()
    monkeypatch.setattr(time_limit, "LONG_WAIT", 0.5)
    told: list[float] = []
    limit = TimeLimit(5, told.append)
    limit.start()
    with limit:
        pass
    time.sleep(0.7)
    assert told == []
