"""The summary of a GitHub job: Markdown that is added to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.errors import PlugchoiceError

from .fit import fit

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Of all that one step writes. GitHub drops the whole summary of a step above it.
MOST_BYTES: Final = 1 << 20
_VARIABLE: Final = "GITHUB_STEP_SUMMARY"


def add_to_summary(text: str, environment: Mapping[str, str]) -> bool:
    """Add Markdown to the job summary; return whether there is one.

    Raises:
        PlugchoiceError: its file cannot be written.
    """
    path = environment.get(_VARIABLE, "")
    if not path:
        return False
    try:
        with open(path, "ab") as file:  # noqa: PTH123 - the runner names it, and other steps write to it as well
            taken = file.tell() + 1
            where = "The file of the review has all of it."
            content = fit(text, MOST_BYTES, "bytes", where, taken=taken, measure=lambda part: len(part.encode()))
            if len(content.encode()) <= MOST_BYTES - taken:
                file.write(f"{content}\n".encode())
    except OSError as error:
        reason = printable(error.strerror or error, 100)
        raise PlugchoiceError(f"{_VARIABLE}: {printable(path, 200)!r} cannot be written: {reason}") from None
    return True
