"""What the emulator takes from outside: JSON of bounded depth and numbers, bodies and paths of bounded length."""

from __future__ import annotations

import json
import re
from typing import Any

MAX_DEPTH = 50
MAX_NUMBER = 2**63
#: Bytes of a request's body.
MAX_BODY = 1 << 20
#: Bytes of a seed, which is also the body of a reset.
MAX_SEED = 16 << 20
#: Bytes of all bodies together that are being received.
MAX_BODIES = 3 * MAX_SEED
#: s that a body may take.
MAX_BODY_SECONDS = 30.0
#: Characters of a path or a query.
MAX_PATH = 2000


# Continuous integration obeys `##[error]` and `##vso[...]` wherever they stand in a line.
_LOG_COMMAND = re.compile(r"#(?=#\w*\[)")


class ExcessError(ValueError):
    """What in a text is beyond the bounds."""


def one_line(text: str, longest: int = 500) -> str:
    """Text of somebody else in one line that no terminal and no log obeys: what is not printable is an escape."""
    line = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text[: longest + 1])
    line = _LOG_COMMAND.sub("# ", line)
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def parse_json(text: str | bytes) -> Any:
    """The decoded JSON.

    Raises:
        ExcessError: it is nested too deep, or has a number or a text that nobody can use.
        json.JSONDecodeError: it is not JSON.
        UnicodeDecodeError: it is not text.
    """
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise
    except RecursionError:
        raise ExcessError(_TOO_DEEP) from None
    except ValueError:  # of `int`: more digits than it reads
        raise ExcessError(_TOO_LARGE) from None
    _check(data)
    return data


_TOO_DEEP = f"is nested more than {MAX_DEPTH} deep; make it flatter"
_TOO_LARGE = "has a number that is not finite or is beyond 64 bits; use a smaller one"


def _check(data: Any) -> None:
    level = [data]
    for _ in range(MAX_DEPTH + 1):
        following: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                following += one
                following += one.values()
            elif isinstance(one, list):
                following += one
            elif isinstance(one, (int, float)) and not -MAX_NUMBER <= one <= MAX_NUMBER:
                raise ExcessError(_TOO_LARGE)
            elif isinstance(one, str) and any("\ud800" <= letter <= "\udfff" for letter in one):
                raise ExcessError("has text that is not valid Unicode (half of a surrogate pair); correct it")
        level = following
        if not level:
            return
    raise ExcessError(_TOO_DEEP)
