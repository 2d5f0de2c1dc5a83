"""The Plugchoice API: a typed client, and what sends its requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_plugchoice.config import Options

    from .budget import Budget
    from .client import PlugchoiceClient


def connect(options: Options, say: Callable[[str], None], budget: Budget | None = None) -> PlugchoiceClient:
    """Make a client that shares the user's request limit with all other programs on this machine.

    Args:
        options: where the API is, and the credentials.
        say: prints a line to the user, once.
        budget: counts the calls.
    """
    # Here, because importing any module of this folder runs this file, and a program starts without `requests`.
    from pulumi_plugchoice.config import Token
    from pulumi_plugchoice.quota.pacer import Pacer

    from .client import PlugchoiceClient
    from .transport import Transport

    credentials = options.credentials
    user = credentials.token if isinstance(credentials, Token) else credentials.client_id
    # The pacer stores a hash of this.
    pacer = Pacer(f"{options.base_url} {user}", options.requests_per_minute, say=say)
    return PlugchoiceClient(Transport(options, budget=budget, pacer=pacer, say=say))
