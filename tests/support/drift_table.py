"""The table of docs/reference/cli.md that says what `plugchoice drift` and a preview see."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

_PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


class Row(NamedTuple):
    """A line of the table.

    Attributes:
        kind: the kind of finding, or `none`.
        what: what has happened.
        drift: `finding`, `status 1` or `not seen`.
        preview: `fails` or `passes`.
    """

    kind: str
    what: str
    drift: str
    preview: str

    @property
    def status(self) -> int:
        """Exit status of `plugchoice drift`."""
        return {"not seen": 0, "status 1": 1, "finding": 2}[self.drift]


def read_drift_table() -> list[Row]:
    """The lines, without what the last two columns add after the first words."""
    _, _, text = _PAGE.read_text(encoding="utf-8").partition("| Kind | What has happened |")
    lines = text.partition("\n\n")[0].splitlines()[2:]
    rows = [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines]
    return [
        Row(kind.strip("`"), what, drift.partition(",")[0], preview.partition(",")[0].partition(" ")[0])
        for kind, what, drift, preview in rows
    ]


def find_row(text: str) -> Row:
    """The only line whose second column contains this text."""
    (row,) = (row for row in read_drift_table() if text in row.what)
    return row
