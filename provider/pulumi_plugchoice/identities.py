"""OCPP identities in messages: with their odd characters visible, and the closest to one that was not found first.

Chargers report identities that their installers typed: with a blank at the end, an accent in two parts, a letter of
another script. Printed as they are, they look like the one that was asked for.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from typing import TYPE_CHECKING, Final

from ._text import clean, list_some, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST: Final = 60
# Of more chargers only these are compared letter by letter.
_MOST: Final = 2000
# Small Latin, Cyrillic and Greek letters that look alike, also as capitals; a letter for a digit; dashes.
_LOOKALIKES: Final = str.maketrans(
    "oil|\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0455\u0458"
    "\u03b1\u03b2\u03b5\u03b6\u03b7\u03b9\u03ba\u03bc\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7"
    "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043",
    "0111abekmh0pctyx1sjabezh1kmn0ptyx--------",
)
_BLANK: Final = re.compile(r"^ | (?= )| $")


def show_identity(identity: str, longest: int = _LONGEST) -> str:
    r"""The identity with an escape for each character that looks like another one, or like none: `HRB-003\x20`."""
    text = _BLANK.sub(r"\\x20", "".join(_show(letter) for letter in identity[: longest * 2]))
    return printable(text, longest)


def describe_closest(identity: str, chargers: Iterable[tuple[str | None, str | None]]) -> str:
    """The chargers whose identity is nearly the one that was not found, as `closest: 'HRB-003' (UUID); `; or nothing.

    Args:
        identity: that was not found.
        chargers: identity and UUID of each charger; None when it has none.
    """
    found = _find_closest(identity, [(name, uuid) for name, uuid in chargers if name])
    texts = [
        f"'{show_identity(name)}'" + (f" ({printable(uuid, _LONGEST)})" if uuid else "") for name, uuid in found[:3]
    ]
    return f"closest: {' or '.join(texts)}; " if texts else ""


def list_identities(identities: Iterable[str | None], most: int = 30) -> str:
    """All of them in order, as `HRB-001, HRB-002 and 3 more`; empty when there is none."""
    known = sorted(show_identity(name, 45) for name in identities if name)
    return list_some(known, most) if known else ""


def _show(letter: str) -> str:
    if letter == "\\":
        return r"\\"
    if " " <= letter <= "~":
        return letter
    is_latin = unicodedata.name(letter, "").startswith("LATIN ") and unicodedata.normalize("NFKC", letter) == letter
    return letter if is_latin else letter.encode("unicode_escape", "backslashreplace").decode("ascii")


def _find_closest(identity: str, chargers: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    """Those that differ in case, blanks or form only; or else those with the same numbers and similar letters."""
    wanted = _fold(identity)
    equal = [charger for charger in chargers if _fold(charger[0]) == wanted]
    if equal or len(wanted) > _LONGEST:
        return equal
    similar = [
        (difflib.SequenceMatcher(None, wanted, _fold(name)).ratio(), (name, uuid))
        for name, uuid in chargers[:_MOST]
        if len(name) <= _LONGEST and _read_numbers(name) == _read_numbers(identity)
    ]
    return [charger for ratio, charger in sorted(similar, key=lambda one: -one[0]) if ratio >= 0.7]


def _fold(identity: str) -> str:
    """What is equal for two identities that a person would take for the same."""
    text = clean(unicodedata.normalize("NFKC", identity)).replace(" ", "").casefold().translate(_LOOKALIKES)
    return "".join(str(unicodedata.digit(letter, letter)) for letter in text)


def _read_numbers(identity: str) -> list[str]:
    """A wrong number is another charger, not a typing mistake; `HRB-03` and `HRB-003` have the same."""
    return [number.lstrip("0") for number in re.findall("[0-9]+", identity)]
