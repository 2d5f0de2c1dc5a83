"""Where Plugchoice is and who we are: stack config first, then the environment, which wins.

The names are a public format (a test pins them). Credentials belong in the environment: `pulumi refresh` and
`pulumi destroy` hand the provider the stack config *as stored in state*, so a token rotated in config is missed there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ._text import is_uuid, printable
from .errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_BASE_URL: Final = "https://app.plugchoice.com/api"
DEFAULT_TIMEOUT_SECONDS: Final = 30.0
DEFAULT_DEADLINE_SECONDS: Final = 120.0
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Option:
    """One setting by its two names; `config` or `environment` is empty where it has only the other."""

    config: str
    environment: str
    help: str
    secret: bool = False


BASE_URL = Option(
    "plugchoice:baseUrl",
    "PLUGCHOICE_BASE_URL",
    f"Where the API is. Default `{DEFAULT_BASE_URL}`. Must be https, except on loopback.",
)
SITE = Option(
    "plugchoice:site",
    "PLUGCHOICE_SITE",
    "UUID of the site whose connectors are read together, for resources that do not name one.",
)
TOKEN = Option("plugchoice:token", "PLUGCHOICE_TOKEN", "Personal access token.", secret=True)
CLIENT_ID = Option("plugchoice:clientId", "PLUGCHOICE_CLIENT_ID", "OAuth2 client, instead of a token.")
CLIENT_SECRET = Option(
    "plugchoice:clientSecret", "PLUGCHOICE_CLIENT_SECRET", "Secret of that OAuth2 client.", secret=True
)
REQUESTS = Option(
    "",
    "PLUGCHOICE_REQUESTS_PER_MINUTE",
    "This machine's share of the 500 requests a minute that a user has, where several machines use the same one.",
)
OFFLINE = Option(
    "",
    "PLUGCHOICE_OFFLINE",
    "`1`: no API call of any kind; what the state says is believed, and writes refuse. For previews without network.",
)
TIMEOUT = Option(
    "",
    "PLUGCHOICE_TIMEOUT_SECONDS",
    f"How long one request may take, in seconds. Default {DEFAULT_TIMEOUT_SECONDS:.0f}.",
)
DEADLINE = Option(
    "",
    "PLUGCHOICE_DEADLINE_SECONDS",
    "How long one read or write may take with all its retries, in seconds. "
    f"Default {DEFAULT_DEADLINE_SECONDS:.0f}, which outlasts one wait of a minute after a 429.",
)

OPTIONS: Final = (BASE_URL, SITE, TOKEN, CLIENT_ID, CLIENT_SECRET, REQUESTS, OFFLINE, TIMEOUT, DEADLINE)


@dataclass(frozen=True)
class Token:
    """A personal access token (guides/authentication)."""

    token: str = field(repr=False)


@dataclass(frozen=True)
class ClientCredentials:
    """An OAuth2 client; its token comes from `/oauth/token` at the host's root (guides/authentication)."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class Options:
    """All settings, checked.

    Attributes:
        base_url: without a trailing slash.
        credentials: a token or an OAuth2 client.
        site: UUID in lower case, or None.
        timeout: s, one request.
        deadline: s, one operation with its retries.
        requests_per_minute: this machine's share of the user's quota, or None: all of it.
    """

    base_url: str
    credentials: Token | ClientCredentials
    site: str | None = None
    timeout: float = DEFAULT_TIMEOUT_SECONDS
    deadline: float = DEFAULT_DEADLINE_SECONDS
    requests_per_minute: int | None = None

    @classmethod
    def load(cls, config: Mapping[str, str | None], environment: Mapping[str, str]) -> Options:
        """Options from a stack's config (full keys) and an environment.

        Raises:
            ConfigError: a setting is missing or cannot be right.
        """
        return cls(
            base_url=base_url(config, environment),
            credentials=_credentials(config, environment),
            site=site(config, environment),
            timeout=_seconds(TIMEOUT, config, environment, DEFAULT_TIMEOUT_SECONDS),
            deadline=_seconds(DEADLINE, config, environment, DEFAULT_DEADLINE_SECONDS),
            requests_per_minute=_share(config, environment),
        )


def value(setting: Option, config: Mapping[str, str | None], environment: Mapping[str, str]) -> str | None:
    """The setting's text, the environment winning; None when neither has one. An empty text counts as none."""
    return environment.get(setting.environment, "").strip() or (config.get(setting.config) or "").strip() or None


def offline(environment: Mapping[str, str]) -> bool:
    """Whether PLUGCHOICE_OFFLINE is on.

    Raises:
        ConfigError: it is neither on nor off. A mistyped value must not reach the network, so it is not ignored.
    """
    text = environment.get(OFFLINE.environment, "").strip().lower()
    if text in ("", "0", "false", "no", "off"):
        return False
    if text in ("1", "true", "yes", "on"):
        return True
    raise ConfigError(f"{OFFLINE.environment}={printable(text)!r} is neither on nor off: set it to 1 or 0")


def base_url(config: Mapping[str, str | None], environment: Mapping[str, str]) -> str:
    """The base URL without a trailing slash.

    Raises:
        ConfigError: not a URL, or plain http to another machine, where anyone on the way could read the token.
    """
    url = (value(BASE_URL, config, environment) or DEFAULT_BASE_URL).rstrip("/")
    where = f"{BASE_URL.environment} or {BASE_URL.config}"
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port  # raises when it is no number
        if host and ":" not in host:
            host.encode("idna")  # raises when a part between dots is empty or too long
    except ValueError:
        host = None
        parts = urlsplit("")
    if "@" in url:
        # Before anything that shows the URL: what stands there may be a password.
        raise ConfigError(f"the base URL holds a user or password: set {where} without one, and PLUGCHOICE_TOKEN")
    if parts.scheme not in ("http", "https") or not host or any(letter.isspace() for letter in url):
        raise ConfigError(
            f"the base URL {printable(url)!r} is not a URL: set {where} to something like {DEFAULT_BASE_URL}"
        )
    if parts.query or parts.fragment:
        shown = printable(url.partition("#")[0].partition("?")[0])
        raise ConfigError(f"the base URL has a query or fragment after {shown!r}: set {where} without one")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ConfigError(
            f"the base URL {printable(url)!r} would send the token in plain text: set {where} to an https URL "
            "(plain http is for loopback only)"
        )
    # The API's next-page links are compared with it, and they name the host in lower case.
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path}"


def site(config: Mapping[str, str | None], environment: Mapping[str, str]) -> str | None:
    """The default site's UUID in lower case, or None.

    Raises:
        ConfigError: not a UUID.
    """
    text = value(SITE, config, environment)
    if text is None:
        return None
    if not is_uuid(text):
        raise ConfigError(
            f"the site {printable(text, 60)!r} is not a UUID: set {SITE.environment} or {SITE.config} to the UUID of "
            "the site (location) as Plugchoice shows it"
        )
    return text.lower()


def _credentials(config: Mapping[str, str | None], environment: Mapping[str, str]) -> Token | ClientCredentials:
    settings = (TOKEN, CLIENT_ID, CLIENT_SECRET)
    in_environment = {setting.environment: environment.get(setting.environment) for setting in settings}
    in_config = {setting.config: config.get(setting.config) for setting in settings}
    # The environment is asked as a whole before the config: a client in the environment replaces a token in config.
    for source in (in_environment, in_config):
        found = _credentials_in(source)
        if found:
            return found
    raise ConfigError(
        f"no credentials: set {TOKEN.environment} to a personal access token (Plugchoice: Options > Personal Access "
        f"Tokens), or {CLIENT_ID.environment} and {CLIENT_SECRET.environment}; for a preview without network set "
        f"{OFFLINE.environment}=1"
    )


def is_token(text: str) -> bool:
    """Whether `text` can be sent as a Bearer token: visible ASCII, at least one sign of it."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


def _credentials_in(source: Mapping[str, str | None]) -> Token | ClientCredentials | None:
    """The credentials among three named texts: token, client id and client secret, in that order."""
    token_name, id_name, secret_name = source
    token, client_id, secret = ((text or "").strip() for text in source.values())
    if token and (client_id or secret):
        raise ConfigError(f"both {token_name} and {id_name} or {secret_name} are set: keep one kind of credentials")
    if token:
        if not is_token(token):
            raise ConfigError(f"{token_name} holds a blank or a sign that no token has: copy it again")
        return Token(token)
    if client_id and secret:
        return ClientCredentials(client_id, secret)
    if client_id or secret:
        missing = secret_name if client_id else id_name
        raise ConfigError(f"{missing} is missing: an OAuth2 client needs both {id_name} and {secret_name}")
    return None


def _share(config: Mapping[str, str | None], environment: Mapping[str, str]) -> int | None:
    text = value(REQUESTS, config, environment)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and int(text) >= 1):
        raise ConfigError(f"{REQUESTS.environment}={printable(text)!r} is no whole number of requests from 1")
    return int(text)


def _seconds(
    setting: Option, config: Mapping[str, str | None], environment: Mapping[str, str], default: float
) -> float:
    text = value(setting, config, environment)
    if text is None:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ConfigError(f"{setting.environment}={printable(text)!r} is no number of seconds above 0")
    return seconds
