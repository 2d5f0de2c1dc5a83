"""auth.py: one fetch for all threads, one new token after a 401."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
import requests
from pulumi_plugchoice.api.auth import BearerAuth, ClientToken, PersonalToken
from pulumi_plugchoice.errors import AuthenticationFailed

THREADS = 8


class Endpoint:
    """Gives `token-1`, `token-2`, … with a lifetime, and knows the time."""

    def __init__(self, lifetime: float = 3600) -> None:
        self.lifetime = lifetime
        self.fetched = 0
        self.now = 0.0

    def fetch(self) -> tuple[str, float]:
        """The next token."""
        self.fetched += 1
        return f"token-{self.fetched}", self.lifetime

    def bearer(self) -> ClientToken:
        """Credentials that ask here."""
        return ClientToken(self.fetch, lambda: self.now)


def all_threads(endpoint: Endpoint, bearer: ClientToken) -> set[str]:
    """The tokens of 8 threads that ask during the first fetch."""
    barrier = threading.Barrier(THREADS)
    before = endpoint.fetched

    def ask() -> str:
        barrier.wait(10)
        return bearer.current()

    with ThreadPoolExecutor(THREADS) as pool:
        tokens = {future.result(10) for future in [pool.submit(ask) for _ in range(THREADS)]}
    assert endpoint.fetched == before + 1
    return tokens


def test_eight_threads_fetch_one_token_at_the_start_and_at_expiry() -> None:
    """The public libraries fetch one for each thread."""
    endpoint = Endpoint()
    bearer = endpoint.bearer()
    assert all_threads(endpoint, bearer) == {"token-1"}
    endpoint.now = 3540
    assert all_threads(endpoint, bearer) == {"token-2"}


def test_a_token_is_renewed_a_minute_before_it_expires() -> None:
    """Otherwise it could expire on the way."""
    endpoint = Endpoint()
    bearer = endpoint.bearer()
    assert bearer.current() == "token-1"
    endpoint.now = 3539.9
    assert bearer.current() == "token-1"
    endpoint.now = 3540
    assert bearer.current() == "token-2"


def test_a_short_lived_token_is_used_for_half_of_its_life() -> None:
    """A minute before its end would be before its start."""
    endpoint = Endpoint(lifetime=60)
    bearer = endpoint.bearer()
    bearer.current()
    endpoint.now = 29.9
    assert bearer.current() == "token-1"
    endpoint.now = 30
    assert bearer.current() == "token-2"


def test_a_refused_token_is_renewed_once_for_all_threads() -> None:
    """All were answered 401, and the new token of the first one serves the others."""
    endpoint = Endpoint()
    bearer = endpoint.bearer()
    refused = bearer.current()
    assert [bearer.renew(refused) for _ in range(THREADS)] == [True] * THREADS
    assert endpoint.fetched == 2
    assert bearer.current() == "token-2"


def test_after_a_failed_fetch_the_next_caller_fetches_again() -> None:
    """The failure leaves no token and no lock behind."""
    endpoint = Endpoint()
    answers = [AuthenticationFailed("POST", "/oauth/token", 401, "Client authentication failed")]

    def fetch() -> tuple[str, float]:
        if answers:
            raise answers.pop()
        return endpoint.fetch()

    bearer = ClientToken(fetch, lambda: endpoint.now)
    with pytest.raises(AuthenticationFailed):
        bearer.current()
    assert bearer.current() == "token-1"


def test_a_personal_access_token_cannot_be_renewed() -> None:
    """A program cannot get another one."""
    bearer = PersonalToken("personal")
    assert bearer.current() == "personal"
    assert bearer.renew("personal") is False
    assert bearer.current() == "personal"


def test_the_header_is_the_one_the_api_documents() -> None:
    """guides/authentication."""
    request = requests.Request("GET", "http://localhost/", auth=BearerAuth("a-token")).prepare()
    assert request.headers["Authorization"] == "Bearer a-token"


def test_no_repr_shows_a_token() -> None:
    """Of all objects that contain one."""
    fetched = Endpoint().bearer()
    fetched.current()
    assert "token-1" not in repr(fetched)
    assert "hush" not in f"{PersonalToken('hush')!r} {BearerAuth('hush')!r}"


@pytest.mark.parametrize("what", ["current", "renew"])
def test_threads_that_wait_for_a_fetch_that_fails_do_not_try_again_one_by_one(what: str) -> None:
    """Each would take a deadline of its own, after that of the one before. A later call does try again."""
    waiting = threading.Semaphore(0)
    tries: list[int] = []

    def fetch() -> tuple[str, float]:
        tries.append(len(tries))
        if len(tries) == 1 and what == "renew":
            return "token", 3600
        if len(tries) == before + 1:
            for _ in range(THREADS):
                waiting.acquire(timeout=30)
        raise AuthenticationFailed("POST", "/oauth/token", 401)

    class Lock:
        """Tells when a thread is about to wait for it."""

        def __enter__(self) -> None:
            waiting.release()
            lock.acquire()

        def __exit__(self, *_: object) -> None:
            lock.release()

    lock = threading.Lock()
    bearer = ClientToken(fetch)
    bearer._lock = cast("Any", Lock())
    before = 0
    first = bearer.current() if what == "renew" else ""
    waiting.acquire(blocking=False)
    before = len(tries)

    def ask(number: int) -> object:
        if number:
            while len(tries) == before:
                time.sleep(0.001)
        return bearer.current() if what == "current" else bearer.renew(first)

    with ThreadPoolExecutor(THREADS) as pool:
        asked = [pool.submit(ask, number) for number in range(THREADS)]
    assert {type(future.exception()) for future in asked} == {AuthenticationFailed}
    assert len(tries) == before + 1
    with pytest.raises(AuthenticationFailed):
        ask(0)
    assert len(tries) == before + 2
