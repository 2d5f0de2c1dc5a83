"""The Bearer token on each request: given, or fetched with OAuth2 client credentials.

A custom `AuthBase` also keeps `requests` from replacing the header with credentials of a `.netrc` file.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

from requests.auth import AuthBase

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests import PreparedRequest

_HEADER = "Authorization"
# A token is renewed this many seconds before it ends, so that it does not end on the way.
_EARLY_SECONDS = 60.0


class Bearer(Protocol):
    """What the transport asks of credentials."""

    def current(self) -> str:
        """The token to send now."""

    def renew(self, refused: str) -> bool:
        """Whether there is another token to try after `refused` was answered with 401."""


class FixedToken:
    """A personal access token: there is no other to try."""

    def __init__(self, token: str) -> None:
        self._token = token

    def current(self) -> str:
        """The token."""
        return self._token

    def renew(self, refused: str) -> bool:  # noqa: ARG002 - part of the protocol
        """Never: a personal access token cannot be renewed by a program."""
        return False


class FetchedToken:
    """A token from OAuth2 client credentials, shared by all threads and fetched by one of them at a time.

    Args:
        fetch: gives a token and its lifetime in seconds, or raises.
        clock: seconds, monotonic.
    """

    def __init__(self, fetch: Callable[[], tuple[str, float]], clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._token: str | None = None
        self._ends = 0.0

    def current(self) -> str:
        """The token; fetched when there is none or it is about to end."""
        with self._lock:
            if self._token is None or self._clock() >= self._ends:
                self._refetch()
            assert self._token is not None  # noqa: S101 - for the type checker: _refetch sets it or raises
            return self._token

    def renew(self, refused: str) -> bool:
        """Fetch a new token, unless another thread has done so since `refused` was sent."""
        with self._lock:
            if self._token == refused:
                self._refetch()
        return True

    def _refetch(self) -> None:
        self._token, lifetime = self._fetch()
        self._ends = self._clock() + max(lifetime - _EARLY_SECONDS, lifetime / 2)


class BearerAuth(AuthBase):
    """Puts one given token on a request."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Set the header."""
        request.headers[_HEADER] = f"Bearer {self._token}"
        return request
