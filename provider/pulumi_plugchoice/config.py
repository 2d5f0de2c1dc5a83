"""The options: base URL, credentials, time limits. From the stack config or the environment, which wins.

The names are a public format (a test pins them). Credentials belong in the environment: `pulumi refresh` and
`pulumi destroy` hand the provider the stack config *as stored in state*, so they miss a token that changed in config.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ._text import is_uuid, parse_decimal, printable
from .errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_BASE_URL: Final = "https://app.plugchoice.com/api"
DEFAULT_TIMEOUT_SECONDS: Final = 30.0
DEFAULT_DEADLINE_SECONDS: Final = 120.0
# The end of a base URL that was copied from a request: the version, or a whole path of the API.
_VERSION_PATH: Final = re.compile(r"/+v3(/+(sites|chargers|teams|user)(/.*)?)?$", re.IGNORECASE)
_QUOTES: Final = "'\"`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"
# What templates and programs write in place of a value, and the addresses of secret stores.
_PLACEHOLDER: Final = re.compile(
    r"[$<{%\[].*|[*.xX\u2022\u2026]{3,}|(?i:null|none|nil|undefined|changeme)|[A-Za-z][\w+.-]*://.*", re.DOTALL
)
_SCHEME: Final = re.compile(r"(bearer|token|basic|authorization)(?![\w.~+/=-])", re.IGNORECASE)
_MOST_SECONDS: Final = 86_400  # sockets take no more than some years, and people wait no day
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Option:
    """One option and its two names.

    Attributes:
        config: its name in the stack config; empty if it is read from the environment only.
        environment: its name in the environment.
        help: what it does.
        allowed: its values, with their unit.
        default: what counts when it is not set.
        secret: whether its value must not be shown.
    """

    config: str
    environment: str
    help: str
    allowed: str
    default: str = ""
    secret: bool = False


BASE_URL = Option(
    "plugchoice:baseUrl",
    "PLUGCHOICE_BASE_URL",
    "Base URL of the API.",
    "an https URL; http only on loopback",
    f"`{DEFAULT_BASE_URL}`",
)
SITE = Option(
    "plugchoice:site",
    "PLUGCHOICE_SITE",
    "UUID of the default site, for resources without `site`. All connectors of a site are read together.",
    "a UUID",
)
TOKEN = Option("plugchoice:token", "PLUGCHOICE_TOKEN", "Personal access token.", "a token", secret=True)
CLIENT_ID = Option(
    "plugchoice:clientId", "PLUGCHOICE_CLIENT_ID", "ID of an OAuth2 client, instead of a token.", "a client ID"
)
CLIENT_SECRET = Option(
    "plugchoice:clientSecret",
    "PLUGCHOICE_CLIENT_SECRET",
    "Secret of that OAuth2 client.",
    "a client secret",
    secret=True,
)
REQUESTS = Option(
    "",
    "PLUGCHOICE_REQUESTS_PER_MINUTE",
    "This machine's share of the user's 500 requests a minute. For users with programs on several machines; with "
    "`PLUGCHOICE_QUOTA_URL` it counts only while the database is lost.",
    "requests a minute, 1 and up",
    "all 500",
)
QUOTA = Option(
    "",
    "PLUGCHOICE_QUOTA_URL",
    "A Postgres database in which programs on several machines share the request limit. Needs the extra `postgres`.",
    "a URL such as `postgres://user@host/database`",
    secret=True,
)
OFFLINE = Option(
    "",
    "PLUGCHOICE_OFFLINE",
    "Make no API calls. Previews compare with the stored values, and writes fail. For previews without network.",
    "`1` or `0`",
    "`0`",
)
TIMEOUT = Option(
    "",
    "PLUGCHOICE_TIMEOUT_SECONDS",
    "Time limit of one request.",
    f"seconds, above 0 and up to {_MOST_SECONDS:,}",
    f"`{DEFAULT_TIMEOUT_SECONDS:.0f}`",
)
DEADLINE = Option(
    "",
    "PLUGCHOICE_DEADLINE_SECONDS",
    "Time limit of one read or write with all its retries. The default is enough for one wait of a minute after a 429.",
    f"seconds, above 0 and up to {_MOST_SECONDS:,}",
    f"`{DEFAULT_DEADLINE_SECONDS:.0f}`",
)

REVIEWED = Option(
    "",
    "PLUGCHOICE_REVIEWED",
    "File of `plugchoice review --live --reviewed-file`: a write that is not in it is refused.",
    "a path; a relative one is searched in the folder of the program",
)

OPTIONS: Final = (
    BASE_URL,
    SITE,
    TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    REQUESTS,
    QUOTA,
    OFFLINE,
    TIMEOUT,
    DEADLINE,
    REVIEWED,
)


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
    """All options, validated.

    Attributes:
        base_url: without a trailing slash.
        credentials: a token or an OAuth2 client.
        site: UUID in lower case, or None.
        timeout: s, one request.
        deadline: s, one operation with its retries.
        requests_per_minute: this machine's share of the user's request limit, or None: all of it.
        quota_url: of the database in which machines share that limit, or None.
    """

    base_url: str
    credentials: Token | ClientCredentials
    site: str | None = None
    timeout: float = DEFAULT_TIMEOUT_SECONDS
    deadline: float = DEFAULT_DEADLINE_SECONDS
    requests_per_minute: int | None = None
    quota_url: str | None = field(default=None, repr=False)

    @classmethod
    def load(cls, config: Mapping[str, str | None], environment: Mapping[str, str]) -> Options:
        """Options from a stack's config (full keys) and an environment.

        Raises:
            ConfigError: an option is missing or invalid.
        """
        return cls(
            base_url=find_base_url(config, environment),
            credentials=find_credentials(config, environment),
            site=find_site(config, environment),
            timeout=_find_seconds(TIMEOUT, environment, DEFAULT_TIMEOUT_SECONDS),
            deadline=_find_seconds(DEADLINE, environment, DEFAULT_DEADLINE_SECONDS),
            requests_per_minute=_find_share(environment),
            quota_url=_find_quota_url(environment),
        )


def find_value(option: Option, config: Mapping[str, str | None], environment: Mapping[str, str]) -> str | None:
    """The option's text, from the environment if it is there; None if not set. An empty text counts as not set."""
    return _find(option, config, environment)[0]


def _find(
    option: Option, config: Mapping[str, str | None], environment: Mapping[str, str]
) -> tuple[str, str] | tuple[None, str]:
    """The option's text, and the name that it was found under; or None, and the name to set."""
    text = environment.get(option.environment, "").strip()
    if text:
        return text, option.environment
    text = (config.get(option.config) or "").strip()
    return (text, option.config) if text else (None, option.environment)


def _find_unquoted(
    option: Option, config: Mapping[str, str | None], environment: Mapping[str, str]
) -> tuple[str, str] | tuple[None, str]:
    """As `_find`. Raises ConfigError when the text has quotes around it."""
    text, where = _find(option, config, environment)
    if text is None:
        return None, where
    _refuse_quotes(text, where)
    return text, where


def _refuse_quotes(text: str, where: str) -> None:
    if len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES:
        raise ConfigError(f"{where}: has quotes around its value; remove them (docker's --env-file keeps quotes)")


def is_offline(environment: Mapping[str, str]) -> bool:
    """Whether PLUGCHOICE_OFFLINE is on.

    Raises:
        ConfigError: it is neither on nor off. A mistyped value must not reach the network, so it is not ignored.
    """
    text = environment.get(OFFLINE.environment, "").strip().lower()
    if text in ("", "0", "false", "no", "off"):
        return False
    if text in ("1", "true", "yes", "on"):
        return True
    raise ConfigError(f"{OFFLINE.environment}: {printable(text)!r} is neither on nor off; set it to 1 or 0")


def find_reviewed(environment: Mapping[str, str]) -> Path | None:
    """The file that PLUGCHOICE_REVIEWED names, or None.

    Raises:
        ConfigError: it is set, and empty. A job that has lost the name must not write what nobody has reviewed.
    """
    text = environment.get(REVIEWED.environment)
    if text is None:
        return None
    if not text.strip():
        raise ConfigError(
            f"{REVIEWED.environment}: is set and empty; name the file of the reviewed writes, or unset it"
        )
    return Path(text.strip())


def find_base_url(config: Mapping[str, str | None], environment: Mapping[str, str]) -> str:
    """The base URL without a trailing slash.

    Raises:
        ConfigError: not a URL, or plain http to another machine, where others could read the token.
    """
    text, where = _find_unquoted(BASE_URL, config, environment)
    url = (text or DEFAULT_BASE_URL).rstrip("/")
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port  # raises when it is not a number
        if host and ":" not in host:
            host.encode("idna")  # raises when a part between dots is empty or too long
    except ValueError:
        host = None
        parts = urlsplit("")
    if "@" in url:
        # Before anything that shows the URL: it may contain a password.
        raise ConfigError(f"{where}: the URL contains a user or password; remove it, and set {TOKEN.environment}")
    if parts.scheme not in ("http", "https") or not host or not url.isprintable() or " " in url:
        raise ConfigError(f"{where}: {printable(url)!r} is not a URL; use one such as {DEFAULT_BASE_URL}")
    if parts.query or parts.fragment:
        start = printable(url.partition("#")[0].partition("?")[0])
        raise ConfigError(f"{where}: the URL has a query or fragment; use {start}")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ConfigError(
            f"{where}: {printable(url)!r} would send the token in plain text; use an https URL "
            "(plain http is for loopback only)"
        )
    right = _VERSION_PATH.sub("", url)
    if right != url:
        raise ConfigError(
            f"{where}: {printable(url)!r} includes the /v3 that begins each request's own path; use {printable(right)}"
        )
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path}"


def find_site(config: Mapping[str, str | None], environment: Mapping[str, str]) -> str | None:
    """The default site's UUID in lower case, or None.

    Raises:
        ConfigError: not a UUID.
    """
    text, where = _find_unquoted(SITE, config, environment)
    if text is None:
        return None
    if not is_uuid(text):
        raise ConfigError(
            f"{where}: {printable(text, 60)!r} is not a UUID; use the UUID of the site (location) that Plugchoice shows"
        )
    return text.lower()


def find_credentials(config: Mapping[str, str | None], environment: Mapping[str, str]) -> Token | ClientCredentials:
    """The credentials.

    Raises:
        ConfigError: there are none, or they cannot be right.
    """
    options = (TOKEN, CLIENT_ID, CLIENT_SECRET)
    in_environment = {option.environment: environment.get(option.environment) for option in options}
    in_config = {option.config: config.get(option.config) for option in options}
    # The environment as a whole comes before the config: a client in the environment replaces a token in config.
    for source in (in_environment, in_config):
        credentials = _parse_credentials(source)
        if credentials:
            return credentials
    raise ConfigError(
        f"credentials: not set; set {TOKEN.environment} to a personal access token (Plugchoice: Settings > Personal "
        f"Access Tokens), or {CLIENT_ID.environment} and {CLIENT_SECRET.environment}; for a preview without network "
        f"set {OFFLINE.environment}=1"
    )


def is_token(text: str) -> bool:
    """Whether `text` can be sent as a Bearer token: visible ASCII characters, at least one."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


def _refuse_oddity(text: str, where: str, what: str) -> None:
    """Refuse a credential with a shape that none has. Does not show it.

    The API would answer 401, which tells nothing of it.

    Args:
        text: the credential.
        where: the option's name.
        what: the kind of credential.

    Raises:
        ConfigError: what is wrong with its shape, and what to do.
    """
    oddity = None
    if text[0] in _QUOTES or text[-1] in _QUOTES:
        oddity = "begins or ends with a quote; remove the quotes (docker's --env-file keeps them)"
    elif scheme := _SCHEME.match(text):
        oddity = f"begins with '{scheme[1].capitalize()}'; give the {what} alone"
    elif re.match(r"(export\s+)?[A-Za-z_]+=[^=]", text):
        oddity = "begins with a name and '='; give only what follows the '='"
    elif _PLACEHOLDER.fullmatch(text):
        oddity = f"is a placeholder and not a {what}; set it to the {what} itself"
    elif re.search("%[0-9A-Fa-f]{2}", text):
        oddity = "has a character as URLs have it, such as %7C for |; give it as it is"
    elif not is_token(text) or "\\" in text:
        oddity = f"contains a blank or a character that no {what} has; copy it again"
    if oddity:
        raise ConfigError(f"{where}: {oddity}")


def _parse_credentials(source: Mapping[str, str | None]) -> Token | ClientCredentials | None:
    """The credentials among three texts by name: token, client id and client secret, in that order."""
    token_name, id_name, secret_name = source
    token, client_id, secret = ((text or "").strip() for text in source.values())
    if token and (client_id or secret):
        other = id_name if client_id else secret_name
        raise ConfigError(f"{token_name} and {other}: both are set; keep one kind of credentials")
    if token:
        _refuse_oddity(token, token_name, "token")
        return Token(token)
    for name, text, what in ((id_name, client_id, "client ID"), (secret_name, secret, "client secret")):
        _refuse_quotes(text, name)
        if text:
            _refuse_oddity(text, name, what)
    if client_id and secret:
        return ClientCredentials(client_id, secret)
    if client_id or secret:
        missing, other = (secret_name, id_name) if client_id else (id_name, secret_name)
        raise ConfigError(f"{missing}: not set, but {other} is; an OAuth2 client needs both")
    return None


def _find_share(environment: Mapping[str, str]) -> int | None:
    text, where = _find_unquoted(REQUESTS, {}, environment)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) >= 1):
        raise ConfigError(f"{where}: {printable(text, 60)!r} is not a whole number from 1; use one such as 250")
    return int(text)


def _find_quota_url(environment: Mapping[str, str]) -> str | None:
    text, where = _find_unquoted(QUOTA, {}, environment)
    if text is not None and not re.match("postgres(ql)?://.", text):
        # The text is not shown: it may contain a password.
        raise ConfigError(
            f"{where}: is not the URL of a Postgres database; use one such as postgres://user@host/database"
        )
    return text


def _find_seconds(option: Option, environment: Mapping[str, str], default: float) -> float:
    text, where = _find_unquoted(option, {}, environment)
    if text is None:
        return default
    seconds = parse_decimal(text)
    if not 0 < seconds <= _MOST_SECONDS:
        raise ConfigError(
            f"{where}: {printable(text, 60)!r} is not a number of seconds above 0 and up to {_MOST_SECONDS}; use one "
            f"such as {default:g}"
        )
    return seconds
