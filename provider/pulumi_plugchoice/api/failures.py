"""What it means that a request has no answer: a typed error for each exception of the HTTP libraries."""

from __future__ import annotations

from typing import Final

import requests
import urllib3

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.errors import NoConnection, RequestTimeout, TransportError, UntrustedServer

_CHECK_NETWORK: Final = "check the base URL and the network"
_CHECK_TLS: Final = "check the base URL and this machine's CA certificates"


def explain_failure(method: str, path: str, origin: str, error: Exception, timeout: float | None) -> TransportError:
    """The error to raise for a request without an answer.

    Args:
        method: HTTP method.
        path: as messages show it.
        origin: scheme, host and port of the server.
        error: of `requests` or `urllib3`.
        timeout: s, when the request was ended because they were over; None when something else ended it.
    """
    reason = _root_cause(error)
    # What is known about the connection counts, however long that took.
    if isinstance(error, requests.ConnectTimeout):
        return NoConnection(method, path, f"cannot connect to {origin} (no answer); {_CHECK_NETWORK}")
    if _is_connect_failure(error):
        return NoConnection(method, path, f"cannot connect to {origin} ({reason}); {_CHECK_NETWORK}")
    if timeout is not None:
        return RequestTimeout(method, path, f"no answer within {timeout:.3g} s")
    if isinstance(error, requests.exceptions.SSLError):
        return UntrustedServer(method, path, f"no trusted TLS connection to {origin} ({reason}); {_CHECK_TLS}")
    if isinstance(error, requests.ConnectionError):
        return TransportError(method, path, f"the connection was lost ({reason})")
    return TransportError(method, path, f"the request failed ({reason})")


def _is_connect_failure(error: Exception) -> bool:
    """Whether no connection was made; urllib3 tells by the class of the reason."""
    if not isinstance(error, requests.ConnectionError):
        return False
    reason = error.args[0] if error.args else None
    if isinstance(reason, urllib3.exceptions.MaxRetryError):
        reason = reason.reason
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def _root_cause(error: BaseException) -> str:
    """The innermost cause in a few words: urllib3's own texts hold object addresses and repeat the URL."""
    chain: list[BaseException] = []
    inner: BaseException | None = error
    while inner is not None and inner not in chain:
        chain.append(inner)
        cause = getattr(inner, "reason", None)
        if not isinstance(cause, BaseException):
            cause = next((arg for arg in inner.args if isinstance(arg, BaseException)), None)
        inner = cause or inner.__cause__ or inner.__context__
    last = chain[-1]
    text = last.strerror if isinstance(last, OSError) and last.strerror else str(last) or type(last).__name__
    return printable(text, 120)
