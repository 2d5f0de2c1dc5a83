"""All errors of this package, as one tree.

    PlugchoiceError
    ├── ConfigError                an option is missing or invalid; nothing was sent
    ├── OfflineError               PLUGCHOICE_OFFLINE is on, and the call needs the API
    ├── TransportError             no answer: refused, reset, TLS, name not found
    │   ├── NoConnection           nothing was sent, so the request had no effect
    │   │   └── UntrustedServer    TLS failed
    │   └── RequestTimeout         no answer in time; a PUT may still have been carried out
    ├── InvalidResponse            an answer that the API does not document (HTML, no `data`, a redirect)
    ├── ApiError                   an answer with an error status
    │   ├── AuthenticationFailed   401
    │   ├── PermissionDenied       403
    │   ├── NotFound               404
    │   ├── RouteNotFound          404 about the request's path, not about an object of the API
    │   ├── ValidationFailed       422
    │   ├── RateLimited            429
    │   └── ServerError            5xx
    ├── ConnectorNotFound          the charger answers, but has no connector with that number
    ├── InvalidConnector           the API's answer about this one connector cannot be used
    ├── ConnectorMoved             the charger answers, but the declared site does not list it
    ├── IdentityNotFound           no charger of the site has that OCPP identity
    ├── UnknownSetting             a write must send both settings, and one is neither declared nor set
    └── WriteNotSettled            after a write, the connector has other values, or it is not known which
        └── WriteNotTaken          the connector was read back and has other values

Every message is one line without control characters, so a server's text can neither break the layout of `pulumi`'s
output nor drive a terminal. No message contains a token, a client secret or a pincode: `printable` takes out the
secrets that `hide` was told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class PlugchoiceError(Exception):
    """Base of all errors of this package; `str()` is one line.

    Attributes:
        is_final: whether the retry loop has given up on it.
    """

    is_final = False


class ConfigError(PlugchoiceError):
    """A base URL, a credential or another option is missing or invalid."""


class OfflineError(PlugchoiceError):
    """PLUGCHOICE_OFFLINE is on, and the call needs the API."""


class _RequestError(PlugchoiceError):
    """An error of one request.

    Attributes:
        method: HTTP method.
        path: path below the base URL, as in `/v3/chargers/…`.
    """

    def __init__(self, method: str, path: str, message: str) -> None:
        self.method = method
        self.path = path
        super().__init__(f"{method} {printable(path)}: {message}")


class TransportError(_RequestError):
    """No answer came."""


class NoConnection(TransportError):
    """No connection was made and nothing was sent, so the request cannot have had an effect."""


class UntrustedServer(NoConnection):
    """The server did not prove who it is; trying again does not change that."""


class RequestTimeout(TransportError):
    """No answer came in time."""


class InvalidResponse(_RequestError):
    """The answer is not one that the API documents."""


class ApiError(_RequestError):
    """An answer with an error status.

    Attributes:
        status: HTTP status.
        server_message: the API's own `message`, printable.
        retry_after: seconds that the server asks to wait, or None.
    """

    #: What it means and what to do.
    advice = ""

    def __init__(
        self,
        method: str,
        path: str,
        status: int,
        server_message: str = "",
        *,
        retry_after: float | None = None,
    ) -> None:
        self.status = status
        self.server_message = printable(server_message)
        self.retry_after = retry_after
        text = f"answered {status}" + (f" ({self.server_message})" if self.server_message else "")
        super().__init__(method, path, text + (f": {self.advice}" if self.advice else ""))


class AuthenticationFailed(ApiError):
    """401: no token, or one that is wrong, expired or revoked."""

    advice = (
        "the credentials are wrong, expired or revoked; set PLUGCHOICE_TOKEN "
        "(or PLUGCHOICE_CLIENT_ID and PLUGCHOICE_CLIENT_SECRET) to valid ones"
    )


class PermissionDenied(ApiError):
    """403: the token is valid, the permission is missing."""

    advice = "the token's user may not do this; ask the site's owner for full access"


class NotFound(ApiError):
    """404: unknown, or hidden from this token; the API does not tell which."""

    advice = "it does not exist, or the token's user cannot see it; check the UUID and the token"


class RouteNotFound(ApiError):
    """404 about the path itself: what answers is not the API, or the API somewhere else.

    Not a `NotFound`: it tells nothing about a charger, so no resource may be taken for gone because of it.
    """

    advice = "no such path there; check the base URL (PLUGCHOICE_BASE_URL or plugchoice:baseUrl)"


class ValidationFailed(ApiError):
    """422: the API refuses the values.

    Attributes:
        errors: field name to the API's texts, printable.
    """

    def __init__(
        self,
        method: str,
        path: str,
        server_message: str,
        errors: Mapping[str, Sequence[str]],
    ) -> None:
        self.errors = {printable(field): [printable(text) for text in texts] for field, texts in errors.items()}
        details = "; ".join(f"{field}: {' '.join(texts)}" for field, texts in self.errors.items())
        super().__init__(method, path, 422, details or server_message)


class RateLimited(ApiError):
    """429: more than the 500 requests a minute that one user has (guides/rate-limiting)."""

    advice = "the user's request limit is used up; try again later, or run fewer stacks at once"


class ServerError(ApiError):
    """5xx: Plugchoice, or a proxy in front of it, failed."""

    advice = "Plugchoice has a problem; try again later"


class ConnectorNotFound(PlugchoiceError):
    """The charger answers, but has no connector with that number.

    Attributes:
        existing: the connector numbers that it does have, in order.
    """

    def __init__(self, charger: str, connector_id: int, existing: Sequence[int]) -> None:
        self.existing = sorted(existing)
        has = (
            "it has " + ", ".join(str(number) for number in self.existing)
            if self.existing
            else "it has not reported any connector yet (has it ever been online?)"
        )
        super().__init__(f"charger {printable(charger)} has no connector {connector_id}; {has}")


class InvalidConnector(PlugchoiceError):
    """The API's answer about this connector cannot be used; those about others can."""

    def __init__(self, connector: str, reason: str) -> None:
        super().__init__(f"{connector}: the API's answer about this connector is invalid ({reason}); correct it there")


class ConnectorMoved(PlugchoiceError):
    """The charger answers, but the site that is declared for it does not list it."""

    def __init__(self, connector: str, site: str) -> None:
        super().__init__(
            f"{connector}: the charger answers, but site {printable(site)} does not list it any more; declare the site "
            "that it is on, or take the connector out of the program"
        )


class IdentityNotFound(PlugchoiceError):
    """No charger of the site has that OCPP identity."""


class UnknownSetting(PlugchoiceError):
    """A write must send both settings, and there is no value to send for one of them.

    Attributes:
        setting: its name; declaring it solves the problem.
        fact: the message without what to do, which a destroy cannot do.
    """

    def __init__(self, connector: str, setting: str, reason: str) -> None:
        self.setting = setting
        self.fact = f"{connector}: {setting} {reason}, and every write sends both settings"
        super().__init__(f"{self.fact}; declare {setting} as well")


class NotReviewed(PlugchoiceError):
    """A write that is not in the file of PLUGCHOICE_REVIEWED. Nothing was sent."""


class WriteNotSettled(PlugchoiceError):
    """After a write the live values differ from the wanted ones, or could not be read."""


class WriteNotTaken(WriteNotSettled):
    """The connector was read back after a write and has other values, so writing again is safe."""
