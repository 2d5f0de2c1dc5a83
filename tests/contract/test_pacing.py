"""The transport with its pacer, against the emulator's request limit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from pulumi_plugchoice.api.budget import Budget
from pulumi_plugchoice.api.retry import Backoff
from pulumi_plugchoice.api.transport import Transport
from pulumi_plugchoice.config import Options, Token
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.quota.pacer import Pacer
from support.emulator import TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from support.emulator import Emulator

USER = "/v3/user"


def paced(emulator: Emulator, folder: Path, *, deadline: float = 10, limit: int | None = None) -> Transport:
    """One program of a user; programs with the same folder share the request limit."""
    options = Options(emulator.base_url, Token(TOKEN), deadline=deadline)
    pacer = Pacer("the user", limit, folder=folder, say=pytest.fail)
    return Transport(options, backoff=Backoff(0.01, 0.1, 0.0), budget=Budget(), pacer=pacer)


def test_a_429_holds_every_program_of_the_user(emulator: Emulator, tmp_path: Path) -> None:
    """One is told to wait; the other one waits as well, and neither is refused again."""
    first, second = paced(emulator, tmp_path), paced(emulator, tmp_path)
    second.get(USER)
    emulator.fault("status", method="GET", status=429, retry_after=1)

    with emulator.recording() as calls:
        started = time.monotonic()
        first.get(USER)
        second.get(USER)
        took = time.monotonic() - started

    assert [request["status"] for request in calls.requests] == [429, 200, 200]
    assert took >= 1.0
    line = first._budget.summarize()
    assert line is not None
    assert "1 retry" in line
    assert "waited 1." in line


def test_a_429_of_one_program_holds_the_other(emulator: Emulator, tmp_path: Path) -> None:
    """The hold is in the file. A deadline before its end is one line, and no request."""
    first, second = paced(emulator, tmp_path, deadline=5), paced(emulator, tmp_path, deadline=5)
    second.get(USER)
    emulator.fault("status", method="GET", status=429, retry_after=30)
    with pytest.raises(PlugchoiceError, match="answered 429"):
        first.get(USER)

    with emulator.recording() as calls, pytest.raises(PlugchoiceError) as caught:
        second.get(USER)

    assert len(calls) == 0
    assert "s, after the deadline: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_share_of_the_request_limit_is_kept(emulator: Emulator, tmp_path: Path) -> None:
    """PLUGCHOICE_REQUESTS_PER_MINUTE=6: a burst, and then at most one in ten seconds."""
    transport = paced(emulator, tmp_path, deadline=5, limit=6)

    def ask_often() -> None:
        for _ in range(20):
            transport.get(USER)

    with emulator.recording() as calls, pytest.raises(PlugchoiceError, match="requests a minute"):
        ask_often()

    assert 1 <= len(calls) <= 6
