"""Values and comments as YAML text that every parser reads alike, on one line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pulumi_plugchoice._text import printable

from .yaml_text import is_text

# Less than YAML allows: what stands plain in braces and outside of them, for any parser.
# Not only digits: from 19 on they are text here, but not everywhere.
_PLAIN: Final = re.compile(r"(?![0-9]+\Z)[^\W_](?:[ \w.+/()&@*-]|:(?=\w))*(?<! )")


def format_value(value: Any) -> str:
    """Format text, a number, a boolean, or a mapping or list of them in braces or brackets.

    Text is in double quotes where it would be read as something else. In quotes, invisible characters are escapes.
    """
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and is_text(value) else _quote(value)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{format_value(key)}: {format_value(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(format_value, value))}]"
    return json.dumps(value)


def format_comment(comment: str, indent: int) -> list[str]:
    """Format a comment as a line; none for an empty comment. Foreign text is made printable."""
    text = printable(comment).lstrip("# ")
    return [f"{' ' * indent}# {text}"] if text else []


def _quote(text: str) -> str:
    # JSON's escapes are YAML's too, apart from the pairs for what is beyond U+FFFF.
    return "".join(
        letter if letter.isprintable() else _escape(letter) for letter in json.dumps(text, ensure_ascii=False)
    )


def _escape(letter: str) -> str:
    return f"\\u{ord(letter):04x}" if ord(letter) <= 0xFFFF else f"\\U{ord(letter):08x}"
