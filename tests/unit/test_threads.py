"""What several threads share, or a thread and the handler of a signal: nothing is lost, and none waits for itself."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, SupportsIndex, cast

import pytest
from pulumi_plugchoice import _text
from pulumi_plugchoice._text import hide, printable
from pulumi_plugchoice.api.transport import Transport
from pulumi_plugchoice.config import Options, Token
from pulumi_plugchoice.fleet.cluster.executor import ClusterExecutor
from pulumi_plugchoice.fleet.results import StackResult, StackTask
from pulumi_plugchoice.fleet.stack_run import Control

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


def test_a_secret_stays_hidden_while_another_one_is_added() -> None:
    """Two that are equally long may change places in the list, at the moment in which a text is being looked at."""

    class Text(str):
        """Another thread adds a secret after the first look."""

        __slots__ = ()

        def replace(self, old: str, new: str, count: SupportsIndex = -1) -> str:
            if added:
                hide(added.pop())
            return Text(super().replace(old, new, count))

    class Shown:
        def __str__(self) -> str:
            return Text(f"answered 400 ({secrets[-1]})")

    for number in range(300):
        secrets = [f"{number:05}-{place}-secret" for place in range(3)]
        added = [secrets[1]]
        _text._secrets[:] = []
        hide(secrets[0])
        hide(secrets[2])
        assert printable(Shown()) == "answered 400 ([hidden])"


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


def test_a_result_that_comes_while_frozen_workers_are_given_up_ends_nothing() -> None:
    """The third stop has just killed the CLIs, so their results come in then."""
    client = SimpleNamespace(get_executor=lambda **_: None, run=lambda *_, **__: {}, status="running")
    cluster = ClusterExecutor(client, "tls://h:1", cast("Any", None))
    answers: list[Future[StackResult]] = [Future() for _ in range(3)]
    for number, answer in enumerate(answers):
        cluster._pending[answer] = StackTask(f"s{number}", "up", "", "", "")
    answers[0].add_done_callback(lambda _: cluster._pending.pop(answers[1]))  # as Dask's thread does
    for _ in range(4):
        cluster.stop()
    cluster._teller.start()
    assert answers[2].result(30).state == "stopped"
    assert answers[2].result().writes is None
    cluster._closed.set()
    cluster._teller.join(30)


def test_a_signal_in_the_handler_of_another_one_does_not_wait_for_itself() -> None:
    """A wrapper that forwards Ctrl-C sends one right behind that of the terminal."""
    control = Control()
    depth = 0

    def come_again(*_: object) -> Any:
        nonlocal depth
        if depth < 3:
            depth += 1
            control.stop()
            depth -= 1
        return come_again

    def handle() -> None:
        sys.settrace(come_again)
        control.stop()
        sys.settrace(None)

    thread = threading.Thread(target=handle, daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    assert control.is_over
    assert not control.may_start()
