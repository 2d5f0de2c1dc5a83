"""The Plugchoice API: a typed client, and what sends its requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_plugchoice.config import Options
    from pulumi_plugchoice.quota.file_store import Store

    from .budget import Budget
    from .client import PlugchoiceClient


def connect(options: Options, say: Callable[[str], None], budget: Budget | None = None) -> PlugchoiceClient:
    """Make a client that shares the user's request limit with all other programs on this machine.

    Args:
        options: where the API is, and the credentials.
        say: prints a line to the user, once.
        budget: counts the calls.

    Raises:
        ConfigError: the request limit is shared in a database, and the extra `postgres` is not installed.
    """
    # Here, because importing any module of this folder runs this file, and a program starts without `requests`.
    from pulumi_plugchoice.quota.pacer import Pacer

    from .client import PlugchoiceClient
    from .transport import Transport

    pacer = Pacer(_name_user(options), options.requests_per_minute, database=open_quota_database(options), say=say)
    return PlugchoiceClient(Transport(options, budget=budget, pacer=pacer, say=say))


def open_quota_database(options: Options) -> Store | None:
    """Make the store of the request limit that machines share, or None if they do not. Nothing is connected yet.

    Raises:
        ConfigError: the extra `postgres` is not installed.
    """
    if options.quota_url is None:
        return None
    from pulumi_plugchoice.config import QUOTA
    from pulumi_plugchoice.errors import ConfigError
    from pulumi_plugchoice.quota.pacer import hash_key

    try:
        from pulumi_plugchoice.quota.postgres_store import PostgresStore
    except ImportError:
        raise ConfigError(
            f"{QUOTA.environment}: psycopg is not installed; run: pip install 'pulumi-plugchoice[postgres]'"
        ) from None
    return PostgresStore(options.quota_url, hash_key(_name_user(options)))


def _name_user(options: Options) -> str:
    """Name whose request limit it is; only a hash of this is stored."""
    from pulumi_plugchoice.config import Token

    credentials = options.credentials
    user = credentials.token if isinstance(credentials, Token) else credentials.client_id
    return f"{options.base_url} {user}"
