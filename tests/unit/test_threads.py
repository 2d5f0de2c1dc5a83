"""What several threads share: nothing that one of them adds is lost, and none of them fails for another."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from pulumi_plugchoice._text import hide, printable
from pulumi_plugchoice.api.transport import Transport
from pulumi_plugchoice.config import Options, Token

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests


@pytest.fixture
def _restless() -> Iterator[None]:
    """The interpreter changes threads as often as it can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_restless")
def test_each_of_many_secrets_stays_hidden() -> None:
    """Tokens are renewed in threads."""
    secrets = [f"secret-{number:03}" for number in range(400)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hide, secrets))
    assert {printable(secret) for secret in secrets} == {"[hidden]"}


@pytest.mark.usefixtures("_restless")
def test_connections_can_be_closed_while_a_thread_opens_its_first() -> None:
    transport = Transport(Options("http://127.0.0.1:9", Token("x" * 20)))

    def begin(_: int) -> list[requests.Session]:
        opened = []
        for _ in range(300):
            transport._sessions = threading.local()  # as in a thread that is new
            opened.append(transport._session())
        return opened

    with ThreadPoolExecutor(4) as pool:
        opening = [pool.submit(begin, number) for number in range(4)]
        while not all(future.done() for future in opening):
            transport.close()
    assert sum(len(future.result()) for future in opening) == 4 * 300
