"""The one place where HTTP happens: one request with its retries, and status to typed error.

What it promises:
- the token goes to the origin of the base URL and nowhere else: redirects and foreign next-page links are not followed;
- a request is bounded by a timeout, and with its retries by a deadline; `Retry-After` is honoured within that deadline;
- what comes back is parsed JSON or one of the errors of `errors.py`, never an exception of `requests`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import email.utils
import itertools
import logging
import math
import random
import threading
import time
from dataclasses import dataclass
from json import loads
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import requests
import stamina
import urllib3

from pulumi_plugchoice._text import hide, printable
from pulumi_plugchoice._version import __version__
from pulumi_plugchoice.config import Options, Token, is_token
from pulumi_plugchoice.errors import (
    ApiError,
    AuthenticationFailed,
    InvalidResponse,
    NotFound,
    PermissionDenied,
    PlugchoiceError,
    RateLimited,
    RequestTimeout,
    ServerError,
    TransportError,
    ValidationFailed,
)

from .auth import Bearer, BearerAuth, FetchedToken, FixedToken
from .budget import Budget
from .time_limit import TimeLimit, TimeLimitAdapter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests.auth import AuthBase

    from pulumi_plugchoice.quota.pacer import Pacer

log = logging.getLogger(__name__)

USER_AGENT: Final = f"pulumi-plugchoice/{__version__}"
_CONNECT_SECONDS: Final = 5.0
_PIECE_BYTES: Final = 65536
# Tries again when no connection is made: about ten seconds outlast a restart, and no one waits longer for a wrong URL.
_MOST_CONNECTS: Final = 4
# A page of 25 connectors is about 15 kB.
_MOST_BYTES: Final = 16 << 20
# The API's page on rate limiting asks for a wait of Retry-After, or a minute when that is missing.
_RATE_LIMIT_SECONDS: Final = 60.0
_TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path
_RETRIED: Final = frozenset({429, 500, 502, 503, 504})
_JSON_HEADERS: Final = {"Accept": "application/json", "User-Agent": USER_AGENT}

# Each retry is a line that a caller may want; on its own the library would print it to stderr.
logging.getLogger("stamina").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Backoff:
    """Wait between tries: `first` s, doubled each time up to `longest` s, plus up to `jitter` s by chance."""

    first: float = 0.5
    longest: float = 20.0
    jitter: float = 0.5

    def wait(self, retried: int, deadline: Deadline) -> float | bool:
        """Seconds before another try after `retried` of them, or False when the deadline leaves no time for one.

        Never more than half of the time that is left: the rest is for the answer.
        """
        left = deadline.left()
        if left <= self.first:
            return False
        by_chance = random.uniform(0, self.jitter)  # noqa: S311 - keeps programs apart, guards nothing
        return min(min(self.first * 2.0 ** min(retried, 20), self.longest) + by_chance, left / 2)


class Deadline:
    """A point in time that an operation and all its requests share.

    Args:
        seconds: from now.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = clock() + seconds

    def left(self) -> float:
        """Seconds until then; 0 when it has passed."""
        return max(0.0, self._at - self._clock())


class Transport:
    """Requests below one base URL with one user's credentials. Safe to share between threads."""

    def __init__(
        self,
        settings: Options,
        *,
        backoff: Backoff | None = None,
        budget: Budget | None = None,
        pacer: Pacer | None = None,
    ) -> None:
        self.base_url = settings.base_url
        self.budget = budget or Budget()
        self._pacer = pacer
        self._origin = _origin(settings.base_url)
        self._timeout = settings.timeout
        self._deadline = settings.deadline
        self.backoff = backoff or Backoff()
        self._sessions = threading.local()
        credentials = settings.credentials
        self._bearer: Bearer
        if isinstance(credentials, Token):
            hide(credentials.token)
            self._bearer = FixedToken(credentials.token)
        else:
            hide(credentials.client_secret)
            form = {
                "grant_type": "client_credentials",
                "client_id": credentials.client_id,
                "client_secret": credentials.client_secret,
            }
            self._bearer = FetchedToken(lambda: self._fetch_token(form))

    def deadline(self, times: float = 1) -> Deadline:
        """The time that one operation may take, or `times` of them together, counted from now."""
        return Deadline(self._deadline * times)

    def get(self, path: str, deadline: Deadline | None = None) -> Any:
        """GET `path` (below the base URL, or an absolute URL on its origin) and return the parsed JSON.

        Connection loss, 429, 500, 502, 503 and 504 are tried again until the deadline.

        Raises:
            PlugchoiceError: see `errors.py`.
        """
        return self._request("GET", path, None, deadline or self.deadline(), _worth_retrying)

    def put(self, path: str, body: Mapping[str, Any], deadline: Deadline | None = None) -> Any:
        """PUT `body` to `path` and return the parsed JSON.

        Only what certainly had no effect is tried again here: a connection that was never made, and 429. After anything
        else the request may have been carried out, and the caller has to look (`writes.settle` does).

        Raises:
            PlugchoiceError: see `errors.py`.
        """
        return self._request("PUT", path, body, deadline or self.deadline(), _had_no_effect)

    def path_of(self, link: str, asked: str) -> str:
        """The path of an absolute next-page link, below the base URL.

        Raises:
            InvalidResponse: the link leads to another origin, where the token must not go, or out of the API.
        """
        if link.startswith(self.base_url + "/") and _origin(link) == self._origin:
            path = link[len(self.base_url) :]
            segments = unquote(urlsplit(link).path).split("/")
            if path.startswith("/v3/") and not {".", ".."} & set(segments):
                return path
        raise InvalidResponse(
            "GET",
            asked,
            f"the next page is said to be at {printable(link, 100)!r}, not below {self.base_url}; not followed",
        )

    def _request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        deadline: Deadline,
        worth_retrying: Callable[[PlugchoiceError], bool],
    ) -> Any:
        return self._with_retries(lambda: self._authorised(method, path, body, deadline), deadline, worth_retrying)

    def _with_retries(
        self, send: Callable[[], Any], deadline: Deadline, worth_retrying: Callable[[PlugchoiceError], bool]
    ) -> Any:
        retried = itertools.count()
        failed_at = 0.0
        answered: PlugchoiceError | None = None

        def again(error: Exception) -> bool | float:
            """Whether to try again, or after how many seconds (stamina's back-off hook)."""
            nonlocal failed_at, answered
            failed_at = time.monotonic()
            if isinstance(error, PlugchoiceError) and not isinstance(error, RequestTimeout):
                answered = error
            if not isinstance(error, PlugchoiceError) or not worth_retrying(error):
                return False
            wait = _asked_wait(error)
            if wait is None:
                tries = next(retried)
                if isinstance(error, _NotSent) and tries >= _MOST_CONNECTS:
                    return False
                return self.backoff.wait(tries, deadline)
            # At least the first wait: a server that asks for none is not to be asked without a pause.
            wait = max(wait, self.backoff.first)
            # The pacer hears of what was sent with a token only.
            is_noted = self._pacer is not None and isinstance(error, RateLimited) and error.path != _TOKEN_PATH
            if is_noted and wait < deadline.left():
                return 0.0  # the pacer holds back every program of this user, this request with them
            return wait if wait + self.backoff.first < deadline.left() else False

        # The hook knows the deadline, and gives up before a wait that would pass it.
        try:
            for attempt in stamina.retry_context(on=again, attempts=None, timeout=None):
                with attempt:
                    if attempt.num > 1:
                        self.budget.retried(time.monotonic() - failed_at)
                    return send()
        except RequestTimeout:
            # The deadline cut the last try of a read short: what was answered before says more. A write's last try is
            # another matter, as it may have been carried out.
            if answered is None or worth_retrying is not _worth_retrying:
                raise
            raise answered from None
        raise AssertionError("unreachable: stamina returns or raises")

    def _authorised(self, method: str, path: str, body: Mapping[str, Any] | None, deadline: Deadline) -> Any:
        url = self.base_url + path
        token = self._bearer.current()
        try:
            return self._once(method, url, path, BearerAuth(token), deadline, json=body)
        except AuthenticationFailed:
            if not self._bearer.renew(token):
                raise
        # Once: a second 401 is the answer.
        return self._once(method, url, path, BearerAuth(self._bearer.current()), deadline, json=body)

    def _once(
        self,
        method: str,
        url: str,
        path: str,
        auth: AuthBase | None,
        deadline: Deadline,
        *,
        json: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Any:
        """Send one request and judge the answer. `path` is what messages call it."""
        if self._pacer is not None:
            self.budget.paced(self._pacer.take(deadline.left()))
        timeout = max(0.001, min(self._timeout, deadline.left()))
        limit = TimeLimit(timeout)
        try:
            limit.start()
        except RuntimeError as error:
            raise _NotSent(method, path, f"not sent: no thread for its time limit ({error})") from error
        self.budget.sent(method, path)
        try:
            with limit:
                response = self._session().request(
                    method,
                    url,
                    json=json,
                    data=form,
                    auth=auth or _no_auth,
                    headers=_JSON_HEADERS,
                    timeout=(min(_CONNECT_SECONDS, timeout), timeout),
                    allow_redirects=False,
                    stream=True,
                )
                if auth is not None:
                    self._note_quota(response)
                answered = _read(response)
            if limit.is_over:  # what was read may be cut off
                raise requests.ReadTimeout
        except _TooLarge:
            raise InvalidResponse(
                method, path, f"answered with more than {_MOST_BYTES >> 20} MiB; is the base URL right?"
            ) from None
        except requests.ConnectTimeout as error:
            raise _NotSent(method, path, f"{self._origin} does not answer; is it reachable from here?") from error
        except requests.Timeout as error:
            raise RequestTimeout(method, path, _no_answer(timeout)) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError) as error:
            failure = self._failure(method, path, error)
            # Where no connection was made, that is known however long it took.
            if limit.is_over and not isinstance(failure, _NotSent):
                failure = RequestTimeout(method, path, _no_answer(timeout))
            raise failure from error
        log.debug("%s %s: %d", method, path, response.status_code)
        return _judge(method, path, response, answered)

    def _failure(self, method: str, path: str, error: Exception) -> TransportError:
        """What it means that a request had no answer."""
        if isinstance(error, requests.exceptions.SSLError):
            return _NotTrusted(method, path, f"no trusted TLS connection to {self._origin} ({_reason(error)})")
        if isinstance(error, requests.ConnectionError):
            if _never_connected(error):
                return _NotSent(
                    method,
                    path,
                    f"cannot connect to {self._origin} ({_reason(error)}); is the base URL right, and is it reachable?",
                )
            return TransportError(method, path, f"the connection was lost ({_reason(error)})")
        return TransportError(method, path, f"the request failed ({_reason(error)})")

    def _note_quota(self, response: requests.Response) -> None:
        """Tell what the answer says of the user's quota. An answer without a token counts against the address's."""
        self.budget.answered(response.headers)
        if self._pacer is not None:
            waits = _retry_after(response.headers.get("Retry-After"))
            self._pacer.answered(response.headers, response.status_code, waits)

    def _session(self) -> requests.Session:
        # One session a thread: `requests` does not promise that a session may be shared between threads.
        session: requests.Session | None = getattr(self._sessions, "session", None)
        if session is None:
            session = self._sessions.session = requests.Session()
            # Plain http is for loopback, and a proxy of the environment would read the token. Through one for https
            # only the host's name is seen.
            session.trust_env = self._origin.startswith("https:")
            session.mount("http://", TimeLimitAdapter())
            session.mount("https://", TimeLimitAdapter())
        return session

    def _fetch_token(self, form: Mapping[str, str]) -> tuple[str, float]:
        """A new token by client credentials; the endpoint is at the host's root (guides/authentication)."""
        path = _TOKEN_PATH
        deadline = self.deadline()
        try:
            answer = self._with_retries(
                lambda: self._once("POST", self._origin + path, path, None, deadline, form=form),
                deadline,
                _worth_retrying,
            )
        except ApiError as error:
            if error.status in (400, 401, 403, 422):
                raise AuthenticationFailed("POST", path, error.status, error.server_message) from None
            raise
        fields = answer if isinstance(answer, dict) else {}
        token, lifetime = fields.get("access_token"), fields.get("expires_in", 3600)
        if not isinstance(token, str) or not is_token(token):
            raise InvalidResponse("POST", path, "answered without an access_token that can be sent")
        try:
            seconds = float(lifetime)
        except (TypeError, ValueError, OverflowError):
            seconds = math.nan
        if not math.isfinite(seconds) or seconds < 0:
            raise InvalidResponse("POST", path, "answered with an expires_in that is no number of seconds")
        hide(token)
        return token, seconds


class _TooLarge(Exception):
    """A body beyond any that the API sends; unpacked it must not fill the memory either."""


class _NotTrusted(TransportError):
    """The server could not prove who it is, which another try does not change."""


class _NotSent(TransportError):
    """No connection was made, so the request cannot have had an effect."""


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps `requests` from looking into a `.netrc` file."""
    return request


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _worth_retrying(error: PlugchoiceError) -> bool:
    if isinstance(error, ApiError):
        return error.status in _RETRIED
    return isinstance(error, TransportError) and not isinstance(error, _NotTrusted)


def _had_no_effect(error: PlugchoiceError) -> bool:
    return isinstance(error, _NotSent | RateLimited)


def _asked_wait(error: PlugchoiceError) -> float | None:
    """Seconds that the server asks to wait, or None when it does not say and no rule gives it."""
    if not isinstance(error, ApiError):
        return None
    if error.retry_after is not None:
        return error.retry_after
    return _RATE_LIMIT_SECONDS if isinstance(error, RateLimited) else None


def _no_answer(seconds: float) -> str:
    return f"no answer within {seconds:.3g} s"


def _read(response: requests.Response) -> bytes:
    """The whole body, unless it is too large."""
    parts = []
    size = 0
    with contextlib.closing(response):
        try:
            while part := response.raw.read1(_PIECE_BYTES, decode_content=True):
                parts.append(part)
                size += len(part)
                if size > _MOST_BYTES:
                    raise _TooLarge
        except urllib3.exceptions.ReadTimeoutError as error:
            raise requests.ReadTimeout(error) from error
        except urllib3.exceptions.HTTPError as error:
            raise requests.ConnectionError(error) from error
    return b"".join(parts)


def _judge(method: str, path: str, response: requests.Response, body: bytes) -> Any:
    """The parsed JSON of a good answer; an error for any other."""
    status = response.status_code
    if 300 <= status < 400:
        raise InvalidResponse(
            method,
            path,
            f"answered with a redirect ({status}) to {printable(response.headers.get('Location', 'nowhere'), 100)!r}, "
            "which is not followed with a token; is the base URL right?",
        )
    try:
        answer = loads(body)
        is_json = True
    except (ValueError, RecursionError):
        answer = None
        is_json = False
    if status >= 400:
        raise _api_error(method, path, response, answer)
    if not is_json:
        kind = printable(response.headers.get("Content-Type") or "no content type", 60)
        raise InvalidResponse(
            method, path, f"answered {status} with {kind} where JSON was expected; is the base URL right?"
        )
    return answer


def _api_error(method: str, path: str, response: requests.Response, answer: Any) -> ApiError:
    status = response.status_code
    fields = answer if isinstance(answer, dict) else {}
    message = fields.get("message") or fields.get("error_description") or fields.get("error") or ""
    text = message if isinstance(message, str) else ""
    if status == 422:
        errors = fields.get("errors")
        return ValidationFailed(method, path, text, _field_errors(errors))
    kind = _ERROR_OF_STATUS.get(status) or (ServerError if status >= 500 else ApiError)
    return kind(method, path, status, text, retry_after=_retry_after(response.headers.get("Retry-After")))


_ERROR_OF_STATUS: Final[dict[int, type[ApiError]]] = {
    401: AuthenticationFailed,
    403: PermissionDenied,
    404: NotFound,
    429: RateLimited,
}


def _field_errors(errors: Any) -> dict[str, list[str]]:
    """The texts by field; what is not of that shape is left out."""
    if not isinstance(errors, dict):
        return {}
    return {str(field): [str(text) for text in texts] for field, texts in errors.items() if isinstance(texts, list)}


def _retry_after(header: str | None) -> float | None:
    """Seconds from a Retry-After header, which is a number or a date (RFC 9110, section 10.2.3)."""
    if not header:
        return None
    try:
        return max(0.0, float(header)) if header.strip().isdigit() else _seconds_until(header)
    except (ValueError, TypeError, OverflowError):
        return None


def _seconds_until(date: str) -> float:
    moment = email.utils.parsedate_to_datetime(date)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.timezone.utc)
    return max(0.0, (moment - dt.datetime.now(dt.timezone.utc)).total_seconds())


def _never_connected(error: requests.ConnectionError) -> bool:
    """Whether no connection was made; urllib3 says so by the class of the reason."""
    from urllib3.exceptions import MaxRetryError, NewConnectionError

    reason = error.args[0] if error.args else None
    if isinstance(reason, MaxRetryError):
        reason = reason.reason
    return isinstance(reason, NewConnectionError)


def _reason(error: BaseException) -> str:
    """The innermost cause in a few words: urllib3's own texts hold object addresses and repeat the URL."""
    seen: list[BaseException] = []
    inner: BaseException = error
    while True:
        seen.append(inner)
        following = getattr(inner, "reason", None)
        if not isinstance(following, BaseException):
            following = next((arg for arg in inner.args if isinstance(arg, BaseException)), None)
        if following is None:
            following = inner.__cause__ or inner.__context__
        if following is None or following in seen:
            break
        inner = following
    text = inner.strerror if isinstance(inner, OSError) and inner.strerror else str(inner) or type(inner).__name__
    return printable(text, 120)
