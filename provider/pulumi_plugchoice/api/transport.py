"""Sends one HTTP request and returns the parsed answer. The only place where HTTP happens.

- The token goes to the origin of the base URL and nowhere else: redirects are not followed, and of a next-page link
  only the query is used (`client.py`).
- A time limit bounds each request, and a deadline bounds a request with its retries.
- What comes back is parsed JSON or one of the errors of `errors.py`, never an exception of `requests`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import requests
import urllib3

from pulumi_plugchoice._text import hide, printable
from pulumi_plugchoice._version import __version__
from pulumi_plugchoice.config import Options, Token
from pulumi_plugchoice.errors import (
    ApiError,
    AuthenticationFailed,
    InvalidResponse,
    NoConnection,
)
from pulumi_plugchoice.quota.waits import LONG_WAIT, WaitNotices

from .answers import Answer, parse_answer
from .auth import Bearer, BearerAuth, ClientToken, PersonalToken, parse_token
from .budget import Budget
from .clock import ServerClock
from .failures import Attempt, explain_failure
from .network import find_network
from .retry import Backoff, Deadline, ResultT, Retry
from .time_limit import TimeLimit, TimeLimitAdapter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests.auth import AuthBase

    from pulumi_plugchoice.quota.pacer import Pacer

log = logging.getLogger(__name__)

_HEADERS: Final = {"Accept": "application/json", "User-Agent": f"pulumi-plugchoice/{__version__}"}
_CONNECT_SECONDS: Final = 5.0
_PIECE_BYTES: Final = 65536
# A page of 25 connectors is about 15 kB.
_MAX_BYTES: Final = 16 << 20
_TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path


class Turn:
    """Leave to send a few requests at once: what they had to wait for is over.

    None of them waits, or is tried again: what an earlier one read is as new as it can be when a later one is sent.

    Args:
        send: sends one request.
        waited: s between asking for the turn and having it.
    """

    def __init__(self, send: Callable[[str, str, Mapping[str, Any] | None], Any], waited: float) -> None:
        self._send = send
        self.waited = waited

    def get(self, path: str) -> Any:
        """GET `path` once, and return the parsed JSON."""
        return self._send("GET", path, None)

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """PUT `body` to `path` once, and return the parsed JSON."""
        return self._send("PUT", path, body)


class Transport:
    """Requests below one base URL with one user's credentials. Safe to share between threads."""

    def __init__(
        self,
        options: Options,
        *,
        backoff: Backoff | None = None,
        budget: Budget | None = None,
        pacer: Pacer | None = None,
        say: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._base_url = options.base_url
        self._origin = _origin(options.base_url)
        self._network = find_network(options.base_url, os.environ)
        self._timeout = options.timeout
        self._deadline = options.deadline
        self._pacer = pacer
        self._budget = budget or Budget()
        self._backoff = backoff or Backoff()
        #: What the answers tell about the server's clock.
        self.clock = ServerClock()
        self._say = say
        self._waits = WaitNotices(say)
        self._retry = Retry(self._backoff, self._budget, has_pacer=pacer is not None, say=say)
        self._sessions = threading.local()
        # Those of threads that have ended are gone. Not a set of the library: it changes by itself while it is listed.
        self._open: list[weakref.ref[requests.Session]] = []
        self._opening = threading.Lock()
        credentials = options.credentials
        self._bearer: Bearer
        if isinstance(credentials, Token):
            hide(credentials.token)
            self._bearer = PersonalToken(credentials.token)
        else:
            hide(credentials.client_secret)
            form = {
                "grant_type": "client_credentials",
                "client_id": credentials.client_id,
                "client_secret": credentials.client_secret,
            }
            self._bearer = ClientToken(lambda: self._fetch_token(form))

    def deadline(self, times: float = 1) -> Deadline:
        """The time that one operation may take, or `times` of them together, counted from now."""
        return Deadline(self._deadline * times)

    def retry(self, call: Callable[[], ResultT], deadline: Deadline, *, idempotent: bool) -> ResultT:
        """See `Retry.run`."""
        return self._retry.run(call, deadline, idempotent=idempotent)

    def get(self, path: str, deadline: Deadline | None = None, size: SizeLimit | None = None) -> Any:
        """GET `path` (below the base URL) until the deadline, and return the parsed JSON.

        Args:
            path: with its query.
            deadline: default: that of one operation.
            size: of several answers together; default: of each by itself.

        Raises:
            PlugchoiceError: see `errors.py`.
        """
        until = deadline or self.deadline()
        return self.retry(lambda: self.in_turn(1, until, lambda turn: turn.get(path), size), until, idempotent=True)

    def put(self, path: str, body: Mapping[str, Any], deadline: Deadline | None = None) -> Any:
        """PUT `body` to `path` once, and return the parsed JSON.

        After an error the write may have been carried out: `runtime/writes.py` reads before it writes again.

        Raises:
            PlugchoiceError: see `errors.py`.
        """
        return self.in_turn(1, deadline or self.deadline(), lambda turn: turn.put(path, body))

    def in_turn(
        self, requests: int, deadline: Deadline, work: Callable[[Turn], ResultT], size: SizeLimit | None = None
    ) -> ResultT:
        """Wait until so many requests may go together, and call `work` to send them.

        After a 401 for client credentials `work` is called once more, with a new token.

        Args:
            requests: how many `work` sends at most.
            deadline: when to give up.
            work: sends the requests.
            size: of several answers together; default: of each by itself.

        Raises:
            PlugchoiceError: of `work`; or there is no token, or no place in the request limit before the deadline.
        """
        left = deadline.left()

        def wait(token: str) -> Turn:
            auth = BearerAuth(token)

            def send(method: str, path: str, body: Mapping[str, Any] | None) -> Any:
                return self._send(method, self._base_url + path, path, auth, deadline, json=body, size=size)

            self._wait_for_slots(requests, deadline)
            return Turn(send, left - deadline.left())

        token = self._bearer.current()
        try:
            return work(wait(token))
        except AuthenticationFailed:
            if not self._bearer.renew(token):
                raise
        # Once: a second 401 is the answer.
        return work(wait(self._bearer.current()))

    def close(self) -> None:
        """Close the connections of all threads, and the file of the request limit."""
        with self._opening:
            sessions = [reference() for reference in self._open]
        for session in filter(None, sessions):
            session.close()
        if self._pacer is not None:
            self._pacer.close()

    def _wait_for_slots(self, requests: int, deadline: Deadline) -> None:
        if self._pacer is not None:
            self._budget.count_wait(self._pacer.take(deadline.left(), requests))

    def _send(
        self,
        method: str,
        url: str,
        path: str,
        auth: AuthBase | None,
        deadline: Deadline,
        *,
        json: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        size: SizeLimit | None = None,
    ) -> Any:
        """Send one request, without waiting, and parse the answer. `path` is its name in messages."""
        size = size or SizeLimit()
        timeout = max(0.001, min(self._timeout, deadline.left()))
        limit = TimeLimit(timeout, lambda left: self._report_slow(method, path, left))
        try:
            limit.start()
        except RuntimeError as error:
            raise NoConnection(method, path, f"not sent: the system cannot start a thread ({error})") from error
        self._budget.count_request(method, path)
        sent = time.time()
        try:
            with limit:
                response = self._session().request(
                    method,
                    url,
                    json=json,
                    data=form,
                    auth=auth or _no_auth,
                    headers=_HEADERS,
                    timeout=(min(_CONNECT_SECONDS, timeout), timeout),
                    allow_redirects=False,
                    stream=True,
                )
                self.clock.note(response.headers.get("Date"), sent, time.time())
                if auth is not None:
                    self._note_limit(response)
                answer = Answer(response.status_code, response.headers, _read_body(response, size))
            if limit.is_over:  # the body may be incomplete
                raise requests.ReadTimeout
        except _BodyTooLarge:
            raise InvalidResponse(method, path, f"answered with {size}; check the base URL") from None
        # OSError and ValueError are the bases of most; some libraries raise them as they are.
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
            is_over = limit.is_over or isinstance(error, requests.Timeout)
            attempt = Attempt(
                method,
                path,
                self._origin,
                self._network,
                # Connections through a SOCKS proxy do not tell.
                is_sent=limit.is_sent or self._network.is_socks,
                timeout=timeout if is_over else None,
            )
            raise explain_failure(attempt, error) from error
        log.debug("%s %s: %d", method, path, answer.status)
        return parse_answer(method, path, answer)

    def _report_slow(self, method: str, path: str, left: float) -> None:
        self._waits.begin(left, f"{method} {printable(path)}: no answer for {LONG_WAIT:.0f} s", at_most=True)

    def _note_limit(self, response: requests.Response) -> None:
        """Pass on what an answer tells about the user's request limit. One without a token is about the address's."""
        answer = Answer(response.status_code, response.headers, b"")
        self._budget.note_limit(answer.headers)
        if self._pacer is not None:
            self._pacer.note_answer(answer.headers, answer.status, answer.retry_after)

    def _session(self) -> requests.Session:
        # One for each thread: `requests` does not say that threads may share one.
        session: requests.Session | None = getattr(self._sessions, "session", None)
        if session is None:
            session = self._sessions.session = requests.Session()
            session.trust_env = False  # `network.py` has read it
            if self._network.proxy:
                session.proxies = {"https": self._network.proxy}
            if self._network.ca_path:
                session.verify = self._network.ca_path
            session.mount("http://", TimeLimitAdapter())
            session.mount("https://", TimeLimitAdapter())
            with self._opening:  # now that it is complete: another thread may close it
                self._open = [reference for reference in self._open if reference() is not None]
                self._open.append(weakref.ref(session))
        return session

    def _fetch_token(self, form: Mapping[str, str]) -> tuple[str, float]:
        """A new token by client credentials; the endpoint is at the host's root (guides/authentication)."""
        path = _TOKEN_PATH
        deadline = self.deadline()

        def send() -> Any:
            self._wait_for_slots(1, deadline)
            return self._send("POST", self._origin + path, path, None, deadline, form=form)

        try:
            # Not `self.retry`: the pacer learns nothing of requests without a token.
            answer = Retry(self._backoff, self._budget, say=self._say).run(send, deadline, idempotent=True)
        except ApiError as error:
            if error.status in (400, 401, 403, 422):
                raise AuthenticationFailed("POST", path, error.status, error.server_message) from None
            raise
        token, seconds = parse_token("POST", path, answer)
        hide(token)
        return token, seconds


class _BodyTooLarge(Exception):
    """A body beyond any that the API sends; unpacked it must not fill the memory either."""


class SizeLimit:
    """Bytes that one answer may have, or several together."""

    def __init__(self, most: int = _MAX_BYTES, of: str = "") -> None:
        """Begin with none.

        Args:
            most: bytes.
            of: what has them, for the message, when it is not one answer.
        """
        self._most = most
        self._of = of
        self._size = 0

    def __str__(self) -> str:
        return f"more than {self._most >> 20} MiB{self._of}"

    def count(self, size: int) -> None:
        """Add `size` bytes. Raises `_BodyTooLarge` when they are too many."""
        self._size += size
        if self._size > self._most:
            raise _BodyTooLarge


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps `requests` from looking into a `.netrc` file."""
    return request


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _read_body(response: requests.Response, limit: SizeLimit) -> bytes:
    """The whole body, unless it is too large."""
    parts = []
    with contextlib.closing(response):
        try:
            while part := response.raw.read1(_PIECE_BYTES, decode_content=True):
                parts.append(part)
                limit.count(len(part))
        except urllib3.exceptions.ReadTimeoutError as error:
            raise requests.ReadTimeout(error) from error
        except urllib3.exceptions.HTTPError as error:
            raise requests.ConnectionError(error) from error
    return b"".join(parts)
