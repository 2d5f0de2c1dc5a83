"""Text for people: made safe to print, without credentials; and what a UUID looks like."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, quote_plus

#: A UUID in its usual form, in upper or lower case; without anchors.
UUID_PATTERN: Final = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

_UUID: Final = re.compile(UUID_PATTERN)

# C0 and C1 controls, DEL, line and paragraph separators, the marks that reorder text (bidi), and lone surrogates, which
# no encoder takes.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_LONGEST_TEXT = 300


# Whatever holds one of these is printed without it: a server may send back what it was sent. The longest first, as a
# quoted form may hold the plain one.
_secrets: list[str] = []
_SHORTEST_SECRET = 6


def hide(secret: str) -> None:
    """From now on, no text that passes `printable` shows this credential, as it is or quoted for a URL.

    Every message of this package and every line of its log does. One that is shorter than 6 characters is not looked
    for: it would be found in other words.
    """
    if len(secret) >= _SHORTEST_SECRET:
        forms = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}
        # In place, at once: other threads may be reading it.
        _secrets[:] = sorted(forms | set(_secrets), key=len, reverse=True)


def printable(text: object, longest: int = _LONGEST_TEXT) -> str:
    """`text` as one line that is safe to print: no credential, blanks for control characters, cut at `longest`."""
    line = str(text)
    for secret in _secrets:
        line = line.replace(secret, "[hidden]")
    line = " ".join(_UNPRINTABLE.sub(" ", line).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def is_uuid(text: str) -> bool:
    """Whether `text` is a UUID in its usual form; any other text for a charger is an OCPP identity."""
    return _UUID.fullmatch(text) is not None


def plural(count: int, noun: str) -> str:
    """`1 charger`, `2 chargers`.

    Args:
        count: how many.
        noun: singular, of those that take an s.
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
