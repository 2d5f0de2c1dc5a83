"""Text for people: made safe to print, without credentials; and what a UUID looks like."""

from __future__ import annotations

import math
import re
import threading
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

#: A UUID in its usual form, in upper or lower case; without anchors.
UUID_PATTERN: Final = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

# With these the engine's wire format marks values that are not known yet (sdk/go/common/resource/plugin/rpc.go).
_PULUMI_MARKERS: Final = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)

_DECIMAL: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_UUID: Final = re.compile(UUID_PATTERN)

_MARK: Final = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
# What nobody sees: controls, zero-width and other format characters, fillers, variation selectors, tags; and what no
# encoder takes or XML does not allow: lone surrogates, U+FFFE and U+FFFF. White space is not among them.
_INVISIBLE: Final = re.compile(
    "["
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001d159\U00016fe4"
    # After an emoji, a variation selector makes it coloured.
    # Marks above a letter, from the third on: they would cover the lines around it.
    f"]|(?<={_MARK}{_MARK}){_MARK}|(?<![\u203c-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff])[\ufe00-\ufe0f]"
)
# Continuous integration obeys `##[error]` and `##vso[...]` wherever they stand in a line.
_LOG_COMMAND: Final = re.compile(r"#(?=#\w*\[)")
# What can be read as `FILE:LINE:COLUMN: ...` in front of a message. A line that begins with `::` is a command, too.
_PLAIN_PATH: Final = re.compile(r"(?:[A-Za-z]:[\\/])?[\w./\\~][^:]*")
_LONGEST_TEXT = 300


# Whatever holds one of these is printed without it: a server may send back what it was sent. The longest first, as a
# quoted form may hold the plain one.
_secrets: list[str] = []
_hiding: Final = threading.Lock()
_SHORTEST_SECRET = 6


def hide(secret: str) -> None:
    """From now on, no text that passes `printable` shows this credential, as it is or quoted for a URL.

    Every message of this package and every line of its log does. One that is shorter than 6 characters is not looked
    for: it would be found in other words.
    """
    if len(secret) >= _SHORTEST_SECRET:
        forms = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}
        with _hiding:  # two at once would each write a list without the other's
            # In place, at once: other threads may be reading it.
            _secrets[:] = sorted(forms | set(_secrets), key=len, reverse=True)


def printable(text: object, longest: int = _LONGEST_TEXT) -> str:
    r"""`text` as one line that is safe to print, cut at `longest`.

    Without credentials and without commands to a log; white space is one blank, and what is invisible is written as an
    escape, as in `HRB-001\u200b`.
    """
    line = str(text)
    for secret in tuple(_secrets):  # a list that is replaced meanwhile may pass one over
        line = line.replace(secret, "[hidden]")
    line = " ".join(_INVISIBLE.sub(_escape, line).split())
    line = _LOG_COMMAND.sub("# ", line)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def clean(text: str) -> str:
    """`text` without invisible characters and without extra blanks."""
    return " ".join(_INVISIBLE.sub("", text).split())


def show_path(path: str | PathLike[str]) -> str:
    """A path as the start of a message: in quotes if its name could be read as something else."""
    text = printable(path, 200)
    return text if text == str(path) and _PLAIN_PATH.fullmatch(text) else f"'{text}'"


def is_uuid(text: str) -> bool:
    """Whether `text` is a UUID in its usual form; any other text for a charger is an OCPP identity."""
    return _UUID.fullmatch(text) is not None


def list_some(names: Sequence[str], most: int = 20) -> str:
    """`A, B, C and 3 more`; `none` when there is none."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "none") + more


def is_storable(text: str) -> bool:
    """Whether a Pulumi state can hold the text: no lone surrogate, and none of the engine's own markers."""
    return text not in _PULUMI_MARKERS and not any("\ud800" <= letter <= "\udfff" for letter in text)


def plural(count: int, noun: str) -> str:
    """`1 charger`, `2 chargers`.

    Args:
        count: how many.
        noun: singular, of those that take an s.
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def parse_decimal(text: str) -> float:
    """The number that a text is, without blanks; NaN for any other text.

    `float` and `int` also read digits of other scripts and `1_000`, which nobody means as a number.
    """
    return float(text) if _DECIMAL.fullmatch(text) else math.nan
