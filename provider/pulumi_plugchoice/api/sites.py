"""The sites of an account, in messages that ask for one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import list_some, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .models import Site

_MOST: Final = 20


def describe_sites(sites: Sequence[Site]) -> str:
    """The end of a message about a site that is not given, or not found: those that the token's user sees."""
    names = [f"{printable(site.uuid, 60)} ({printable(site.name or 'no name', 40)})" for site in sites]
    more = "; `plugchoice sites` lists all" if len(names) > _MOST else ""
    return f"; the token's user sees: {list_some(names, _MOST)}{more}"
