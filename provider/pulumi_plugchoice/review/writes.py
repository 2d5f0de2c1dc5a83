"""The writes of an update as a section of a review (Markdown)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_plugchoice._text import plural
from pulumi_plugchoice.electrical.settings import SETTING_NAMES, show
from pulumi_plugchoice.reviewed import compute_digest

from .markdown import code, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_plugchoice.reviewed import ReviewedWrite, Values


def writes_markdown(writes: Sequence[tuple[str, str, ReviewedWrite]]) -> str:
    """Return the section: a row for each write, and the digest of all.

    Args:
        writes: each with its site file and the name of its connector.
    """
    lines = ["", "### What an update sends", ""]
    if writes:
        rows = [
            (code(file, 200), code(name), code(_show(write.before)), code(_show(write.after)))
            for file, name, write in writes
        ]
        lines += [f"{plural(len(writes), 'write')}, as Plugchoice is now:", ""]
        lines += table(("File", "Connector", "Plugchoice has", "The update sends"), rows)
    else:
        lines += ["Nothing: Plugchoice has the declared values."]
    digest = compute_digest(write for _, _, write in writes)
    return "\n".join([*lines, "", f"Digest of these writes: `{digest}`", ""])


def _show(values: Values) -> str:
    return ", ".join(show(name, value) for name, value in zip(SETTING_NAMES, values, strict=True))
