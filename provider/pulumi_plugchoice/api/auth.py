"""The Bearer token of each request: a personal access token, or one fetched with OAuth2 client credentials.

The custom `AuthBase` also keeps `requests` from replacing the header with credentials from a `.netrc` file.
"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

from requests.auth import AuthBase

from pulumi_plugchoice._text import parse_decimal
from pulumi_plugchoice.config import is_token
from pulumi_plugchoice.errors import InvalidResponse, PlugchoiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests import PreparedRequest

# A token is renewed this long before it expires, so that it does not expire on the way.
_EARLY_SECONDS = 60.0


class Bearer(Protocol):
    """What the transport asks of credentials."""

    def current(self) -> str:
        """The token to send now."""

    def renew(self, refused: str) -> bool:
        """Whether there is another token to try, after a 401 for the token `refused`."""


class PersonalToken:
    """A personal access token. A program cannot renew it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def current(self) -> str:
        return self._token

    def renew(self, refused: str) -> bool:  # noqa: ARG002 - part of the protocol
        """Always False."""
        return False


class ClientToken:
    """A token from OAuth2 client credentials. All threads share it, and one of them fetches it at a time.

    Args:
        fetch: returns a token and its lifetime in s, or raises.
        clock: seconds, monotonic.
    """

    def __init__(self, fetch: Callable[[], tuple[str, float]], clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._token: str | None = None
        self._expires_at = 0.0
        self._failures = 0
        self._failure: PlugchoiceError | None = None

    def current(self) -> str:
        """The token; fetched when there is none, or when it is about to expire."""
        failures = self._failures
        with self._lock:
            if self._token is None or self._clock() >= self._expires_at:
                self._fetch_now(failures)
            assert self._token is not None  # noqa: S101 - for the type checker: _fetch_now sets it or raises
            return self._token

    def renew(self, refused: str) -> bool:
        """Fetch a new token, unless another thread has done so since `refused` went out."""
        failures = self._failures
        with self._lock:
            if self._token == refused:
                self._fetch_now(failures)
        return True

    def _fetch_now(self, failures: int) -> None:
        # Another thread has tried while this one waited for it. Each for itself, one after the other, would take as
        # many deadlines as there are threads.
        if self._failures > failures and self._failure is not None:
            raise self._failure
        try:
            self._token, lifetime = self._fetch()
        except PlugchoiceError as error:
            self._failure = error
            self._failures += 1
            raise
        self._failure = None
        self._expires_at = self._clock() + max(lifetime - _EARLY_SECONDS, lifetime / 2)


class BearerAuth(AuthBase):
    """Puts one given token on a request."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Set the header (guides/authentication)."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def parse_token(method: str, path: str, answer: Any) -> tuple[str, float]:
    """The token and its lifetime in s, from the parsed answer of the token endpoint.

    Raises:
        InvalidResponse: there is no token, or its lifetime is not a number.
    """
    fields = answer if isinstance(answer, dict) else {}
    token, lifetime = fields.get("access_token"), fields.get("expires_in", 3600)
    if not isinstance(token, str) or not is_token(token):
        raise InvalidResponse(method, path, "answered without a valid access_token")
    try:
        seconds = parse_decimal(lifetime) if isinstance(lifetime, str) else float(lifetime)
    except (TypeError, OverflowError):
        seconds = math.nan
    if isinstance(lifetime, bool):
        seconds = math.nan
    if not math.isfinite(seconds) or seconds < 0:
        raise InvalidResponse(method, path, "answered with an expires_in that is not a number of seconds")
    return token, seconds
