"""Tables: drawn on a terminal, plain aligned lines elsewhere. No text is cut."""

from __future__ import annotations

import sys
import unicodedata
from typing import TYPE_CHECKING, Final

from .common import echo

if TYPE_CHECKING:
    from pulumi_plugchoice.fleet.listing import Table


_GAP: Final = "  "
# Of a column whose texts are broken into lines on a terminal.
_LEAST_WIDTH: Final = 10


def print_table(table: Table) -> None:
    """Print a table. In a line, the columns are two blanks apart; on a terminal, long texts go on in the next line."""
    if sys.stdout is not None and sys.stdout.isatty():
        _draw(table)
        return
    widths = [max(map(_measure, column)) for column in zip(table.heads, *table.rows, strict=True)]
    for row in (table.heads, *table.rows):
        cells = [cell + " " * (width - _measure(cell)) for cell, width in zip(row, widths, strict=True)]
        echo(_GAP.join(cells).rstrip())


def _measure(text: str) -> int:
    """The columns that a text takes: two for a wide letter, none for a mark on the letter before."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _draw(table: Table) -> None:
    import shutil

    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    widths = _share(table, shutil.get_terminal_size().columns)
    # Fixed: its own widths leave columns out where the terminal is narrow.
    drawn = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for head, width in zip(table.heads, widths, strict=True):
        drawn.add_column(head, overflow="fold", width=width)
    for row in table.rows:
        drawn.add_row(*map(Text, row))
    console = Console(highlight=False, emoji=False, width=sum(widths) + len(_GAP) * len(widths), height=25)
    with console.capture() as printed:
        console.print(drawn)
    for line in printed.get().splitlines():
        echo(line.rstrip())


def _share(table: Table, columns: int) -> list[int]:
    """Share the columns of a terminal among those of a table. They may be more: then the terminal breaks the lines."""
    longest = [max(map(_measure, column)) for column in zip(table.heads, *table.rows, strict=True)]
    widths = [
        length
        if place in table.whole
        else max(min(max(map(_measure, cells)), _LEAST_WIDTH), *map(_measure, table.heads[place].split()))
        for place, (length, cells) in enumerate(zip(longest, zip(*table.rows, strict=True), strict=True))
    ]
    spare = columns - sum(widths) - len(_GAP) * (len(widths) - 1)
    # Those that need the least first: what they leave is for the others.
    for left, place in zip(range(len(widths), 0, -1), sorted(range(len(widths)), key=longest.__getitem__), strict=True):
        more = max(0, min(longest[place] - widths[place], spare // left))
        widths[place] += more
        spare -= more
    return widths
