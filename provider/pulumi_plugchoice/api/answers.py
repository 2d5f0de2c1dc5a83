"""What an answer means: parsed JSON, or one of the errors of `errors.py`."""

from __future__ import annotations

import datetime as dt
import email.utils
import re
from dataclasses import dataclass
from json import loads
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.errors import (
    ApiError,
    AuthenticationFailed,
    InvalidResponse,
    NotFound,
    PermissionDenied,
    RateLimited,
    RouteNotFound,
    ServerError,
    ValidationFailed,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_ERROR_CLASSES: Final[dict[int, type[ApiError]]] = {
    401: AuthenticationFailed,
    403: PermissionDenied,
    404: NotFound,
    429: RateLimited,
}


_ROUTE: Final = re.compile(r"\broute\b", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """A whole answer.

    Attributes:
        status: HTTP status.
        headers: by name, in any case.
        body: unpacked.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asks to wait; None when it does not, or not in a valid form."""
        return parse_retry_after(self.headers.get("Retry-After"), self.headers.get("Date"))


def parse_answer(method: str, path: str, answer: Answer) -> Any:
    """Return the parsed JSON of a success.

    Raises:
        ApiError: an error status; the class tells which.
        InvalidResponse: a redirect, or something else than JSON.
    """
    if 300 <= answer.status < 400:
        target = printable(answer.headers.get("Location", "nowhere"), 100)
        raise InvalidResponse(
            method,
            path,
            f"answered with a redirect ({answer.status}) to {target!r}; redirects are not followed; check the base URL",
        )
    try:
        content = loads(answer.body)
        is_json = True
    except (ValueError, RecursionError):
        content = None
        is_json = False
    if answer.status >= 400:
        raise _error(method, path, answer, content)
    if not is_json:
        kind = printable(answer.headers.get("Content-Type") or "no content type", 60)
        raise InvalidResponse(method, path, f"answered {answer.status} with {kind} instead of JSON; check the base URL")
    return content


def parse_retry_after(header: str | None, date: str | None = None) -> float | None:
    """Seconds from a Retry-After header, which is a number or a date (RFC 9110, section 10.2.3); None: not valid.

    Args:
        header: Retry-After.
        date: the Date of the same answer. A date is measured from it: this machine's clock may be an hour slow.
    """
    if not header:
        return None
    try:
        seconds = header.strip()
        if seconds.isascii() and seconds.isdigit():
            return float(seconds)
        return max(0.0, (parse_date(header) - parse_date(date or "")).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _error(method: str, path: str, answer: Answer, content: Any) -> ApiError:
    status = answer.status
    fields = content if isinstance(content, dict) else {}
    message = fields.get("message") or fields.get("error_description") or fields.get("error")
    text = message if isinstance(message, str) else ""
    if status == 422:
        return ValidationFailed(method, path, text, _field_errors(fields.get("errors")))
    kind = _ERROR_CLASSES.get(status) or (ServerError if status >= 500 else ApiError)
    # Every error of the API has a `message`, and the one about a path names the route (Laravel, and gateways too).
    if status == 404 and (not isinstance(fields.get("message"), str) or _ROUTE.search(text)):
        kind = RouteNotFound
    return kind(method, path, status, text, retry_after=answer.retry_after)


def _field_errors(errors: Any) -> dict[str, list[str]]:
    """The texts by field; what has another shape is left out."""
    if not isinstance(errors, dict):
        return {}
    return {str(field): [str(text) for text in texts] for field, texts in errors.items() if isinstance(texts, list)}


def parse_date(text: str) -> dt.datetime:
    """The moment of a Date header. Raises ValueError or TypeError when it is none."""
    moment = email.utils.parsedate_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)
