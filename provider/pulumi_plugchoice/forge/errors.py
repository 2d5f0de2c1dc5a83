"""What goes wrong between a command and a forge. Each message is one line and begins with the forge's host."""

from __future__ import annotations

from typing import Final

import requests

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.errors import PlugchoiceError


class ForgeError(PlugchoiceError):
    """A forge refuses, or cannot be used."""


class MayNotWrite(ForgeError):
    """403 that is no request limit: the token may read, or not even that."""


class Gone(ForgeError):
    """404: what was asked for is not there, or the token may not see it."""


class Busy(ForgeError):
    """No answer, 5xx, or a request limit: the same again may succeed.

    Attributes:
        seconds: how long the forge asks to wait, or None.
    """

    def __init__(self, message: str, seconds: float | None = None) -> None:
        self.seconds = seconds
        super().__init__(message)


#: What the libraries raise for an answer that is not as documented, and for none.
UNUSABLE: Final = (
    requests.RequestException,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    RuntimeError,
)
_WRONG_PLACE: Final = "check the API's address (--api-url) and what answers there"


def describe_status(host: str, status: int, text: object, seconds: float | None, token_variable: str) -> ForgeError:
    """The error for an answer with an error status.

    Args:
        host: of the forge.
        status: HTTP status.
        text: what the forge says.
        seconds: what it asks to wait when a request limit is used up, else None.
        token_variable: the variable that holds the token.
    """
    said = printable(text or "", 200)
    answer = f"{host}: answered {status}" + (f" ({said})" if said else "")
    if status == 429 or (status == 403 and seconds is not None):
        return Busy(f"{answer}: the request limit of the token is used up; run the job again later", seconds)
    if status >= 500:
        return Busy(f"{answer}: the forge has a problem; run the job again later", seconds)
    if status == 401:
        return ForgeError(f"{answer}: the token is wrong, expired or revoked; set {token_variable} to a valid one")
    if status == 403:
        return MayNotWrite(f"{answer}: the token in {token_variable} may not do this")
    if status == 404:
        return Gone(f"{answer}: not there, or the token may not see it; check repository, number and token")
    if "too long" in said.lower():
        return ForgeError(f"{answer}: the text is too long for this forge; shorten it")
    if 300 <= status < 400:
        return ForgeError(f"{answer}: a redirect; {_WRONG_PLACE}")
    return ForgeError(f"{answer}: the forge does not take it; check repository, number and text")


def describe_failure(host: str, error: Exception) -> ForgeError:
    """The error for a request without a usable answer."""
    if isinstance(error, requests.exceptions.SSLError):
        return ForgeError(f"{host}: does not prove who it is; set REQUESTS_CA_BUNDLE to its CA certificates")
    if isinstance(error, requests.exceptions.ProxyError):
        return Busy(f"{host}: the proxy does not connect; check HTTPS_PROXY and NO_PROXY")
    if isinstance(error, requests.exceptions.Timeout):
        return Busy(f"{host}: no answer in time; run the job again later")
    if isinstance(error, requests.exceptions.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return Busy(f"{host}: cannot be reached; check the API's address (--api-url) and the network")
    return ForgeError(f"{host}: the answer is not one of the forge's API; {_WRONG_PLACE}")
