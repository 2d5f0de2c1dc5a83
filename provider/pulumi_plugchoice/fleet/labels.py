"""Names that people gave in Plugchoice, in lists: in full, safe to print, in the order in which people count."""

from __future__ import annotations

import re
from typing import Final

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.identities import show_identity

# An identity has at most 45 characters, and an escape for one of them at most 10.
_LONGEST_NAME: Final = 500


def show_name(name: str | None) -> str | None:
    r"""A name in full, with escapes for what would not be seen: `\x20` is a blank at its end. None if empty."""
    if not name or not name.strip():
        return None
    whole = printable(name, _LONGEST_NAME)
    return whole if whole == name else show_identity(name, _LONGEST_NAME)


def sort_key(name: str, uuid: str) -> tuple[list[tuple[int, int, str]], str]:
    """Numbers in names by their value: `HRB-2` comes before `HRB-10`."""
    parts = re.findall("[0-9]{1,18}|[^0-9]+", name.casefold())
    return [(0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in parts], uuid
