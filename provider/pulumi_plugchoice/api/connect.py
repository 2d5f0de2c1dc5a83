"""A client with everything that belongs to it: transport, pacer, budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_plugchoice.config import Options, Token
from pulumi_plugchoice.quota.pacer import Pacer

from .client import PlugchoiceClient
from .transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from .budget import Budget


def connect(settings: Options, say: Callable[[str], None], budget: Budget | None = None) -> PlugchoiceClient:
    """A client whose requests share the user's quota with all other programs on this machine.

    Args:
        settings: checked.
        say: prints a line to the user, once.
        budget: counts the calls.
    """
    credentials = settings.credentials
    user = credentials.token if isinstance(credentials, Token) else credentials.client_id
    # The pacer stores a hash of this.
    pacer = Pacer(f"{settings.base_url} {user}", settings.requests_per_minute, say=say)
    return PlugchoiceClient(Transport(settings, budget=budget, pacer=pacer))
