"""What it means that a request has no answer: a typed error for each exception of the HTTP libraries.

A request of which no byte was sent had no effect, whatever went wrong: the proxy, TLS, or the time. That is
`NoConnection`, and a write is then not in doubt.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import requests
import urllib3

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.errors import NoConnection, RequestTimeout, TransportError, UntrustedServer

if TYPE_CHECKING:
    from .network import Network

_CHECK_NETWORK: Final = "check the base URL and the network"
# A proxy's answer to CONNECT that another try does not change, such as 407: it wants another password.
_PROXY_REFUSAL: Final = re.compile(r"Tunnel connection failed: 4\d\d\b")


@dataclass(frozen=True)
class Attempt:
    """A request that was tried.

    Attributes:
        method: HTTP method.
        path: as messages show it.
        origin: scheme, host and port of the server.
        network: the way there.
        is_sent: whether the first byte of the request may have been sent.
        timeout: s, when the request was ended because they were over; None when something else ended it.
    """

    method: str
    path: str
    origin: str
    network: Network
    is_sent: bool
    timeout: float | None


def explain_failure(attempt: Attempt, error: Exception) -> TransportError:
    """The error to raise for a request without an answer.

    Args:
        attempt: what was tried.
        error: of `requests`, `urllib3` or the system.
    """
    method, path = attempt.method, attempt.path
    # What is known about the connection counts, however long that took.
    if not attempt.is_sent or _is_connect_failure(error):
        return _explain_no_connection(attempt, error)
    if attempt.timeout is not None:
        return RequestTimeout(method, path, f"no answer within {attempt.timeout:.3g} s")
    reason = _root_cause(error)
    if isinstance(error, requests.ConnectionError):
        return TransportError(method, path, f"the connection was lost ({reason})")
    return TransportError(method, path, f"the request failed ({reason})")


def _explain_no_connection(attempt: Attempt, error: Exception) -> NoConnection:
    method, path, origin, network = attempt.method, attempt.path, attempt.origin, attempt.network
    through = f" through {network.proxy_name}" if network.proxy else ""
    is_late = attempt.timeout is not None or isinstance(error, requests.Timeout)
    reason = _root_cause(error)
    if isinstance(error, requests.exceptions.ProxyError):
        no_connection = NoConnection(
            method,
            path,
            f"no connection to {origin}{through} ({reason}); check {network.proxy_variable}, "
            "or add the host to NO_PROXY",
        )
        no_connection.is_final = _PROXY_REFUSAL.search(reason) is not None
        return no_connection
    if isinstance(error, requests.exceptions.SSLError) and not is_late:
        return UntrustedServer(
            method, path, f"no trusted TLS connection to {origin}{through} ({reason}); {network.ca_advice}"
        )
    if isinstance(error, requests.ConnectionError | requests.Timeout | urllib3.exceptions.HTTPError):
        reason = "no answer" if is_late else reason
        return NoConnection(method, path, f"cannot connect to {origin}{through} ({reason}); {_CHECK_NETWORK}")
    # A mistake on this machine, such as a certificate file that was deleted: another try does not change it.
    failed = NoConnection(method, path, f"not sent ({reason}); {_CHECK_NETWORK}")
    failed.is_final = True
    return failed


def _is_connect_failure(error: Exception) -> bool:
    """Whether no connection was made; urllib3 tells by the class of the reason.

    `ProxyError` does not tell: a connection through a proxy that is lost after the request was sent is one too.
    """
    # A certificate is refused during the handshake.
    if isinstance(error, requests.ConnectTimeout) or isinstance(_walk(error)[-1], ssl.SSLCertVerificationError):
        return True
    if not isinstance(error, requests.ConnectionError):
        return False
    reason = error.args[0] if error.args else None
    if isinstance(reason, urllib3.exceptions.MaxRetryError):
        reason = reason.reason
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def _root_cause(error: BaseException) -> str:
    """The innermost cause in a few words: urllib3's own texts hold object addresses and repeat the URL."""
    last = _walk(error)[-1]
    text = last.strerror if isinstance(last, OSError) and last.strerror else str(last) or type(last).__name__
    return printable(text, 120)


def _walk(error: BaseException) -> list[BaseException]:
    """The error and its causes, the innermost last."""
    chain: list[BaseException] = []
    inner: BaseException | None = error
    while inner is not None and inner not in chain:
        chain.append(inner)
        cause = getattr(inner, "reason", None)
        if not isinstance(cause, BaseException):
            cause = next((arg for arg in inner.args if isinstance(arg, BaseException)), None)
        inner = cause or inner.__cause__ or inner.__context__
    return chain
