"""Parts that all Markdown reports share: tables, escaped names, the table of currents, the footer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.electrical.rotations import LINE_NAMES, LINES

from .compare import show_charger

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pulumi_plugchoice.electrical.figures import Figures, Triple
    from pulumi_plugchoice.sitefile.model import ChargerEntry, SiteFile

#: The last line of every report.
FOOTER: Final = (
    "Computed from declared values at 230 V and power factor 1. Not covered: harmonics, voltage drop, selectivity, "
    "RCDs, cables. Changing a value rewires nothing. A qualified electrician decides; the grid operator sets limits."
)
_BACKTICKS: Final = re.compile("`+")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table. A `|` in a cell is escaped."""
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows),
    ]


def fold(summary: str, lines: Sequence[str]) -> list[str]:
    """Lines that are hidden until a reader opens them. The summary is our own text."""
    return [f"<details><summary>{summary}</summary>", "", *lines, "", "</details>"]


class Loads(NamedTuple):
    """What the table of currents shows of a site.

    Attributes:
        figures: its figures.
        base: A per line of the building and the DC chargers.
    """

    figures: Figures
    base: tuple[float, ...]


#: The head of the table of currents.
CURRENTS_HEAD: Final = (
    "A per line, building and DC chargers included",
    *(LINE_NAMES[letter] for letter in LINES),
    "Largest difference",
)


def currents_table(before: Loads | None, after: Loads, names: tuple[str, str]) -> list[str]:
    """The lines of a table of A per line; `names` of the rows before and after."""
    return table(CURRENTS_HEAD, list_currents(before, after, names))


def list_currents(before: Loads | None, after: Loads, names: tuple[str, str]) -> list[tuple[str, ...]]:
    """The rows of that table."""
    given = [(after, "")] if before is None else [(before, f", {names[0]}"), (after, f", {names[1]}")]
    rows: list[tuple[str, ...]] = [
        (f"One-phase cars{name}", *_show(loads.figures.single_phase), f"{loads.figures.full_imbalance:g}")
        for loads, name in given
    ]
    rows += [(f"Three-phase cars{name}", *_show(loads.figures.three_phase), "") for loads, name in given]
    rows += [_describe_empty_bays(loads, name) for loads, name in given if loads.figures.worst_imbalance is not None]
    return rows


def _describe_empty_bays(loads: Loads, name: str) -> tuple[str, ...]:
    """What each line carries when some connectors charge a one-phase car and others are empty."""
    ranges = [f"{low:g} to {high:g}" for low, high in zip(loads.base, loads.figures.single_phase, strict=True)]
    return f"One-phase cars and empty bays{name}", *ranges, f"{loads.figures.worst_imbalance:g}"


def _show(lines: Triple) -> list[str]:
    return [f"{amps:g}" for amps in lines]


def code(text: object, longest: int = 80) -> str:
    """Text that somebody else wrote, or a line with parts of one, as a code span.

    In there, Markdown, HTML, entities, links, mentions, references to issues and commits, emoji and formulas are plain
    text, also for GitHub and GitLab. The text is made `printable` and cannot end its span.
    """
    line = printable(text, longest)
    if not line:
        return ""
    fence = "`" * (1 + max((len(run) for run in _BACKTICKS.findall(line)), default=0))
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def link(text: str, url: str) -> str:
    """A link with our own text; the URL has no blanks and parentheses."""
    return f"[{text}]" + f"({url})"


def format_site_name(site: SiteFile) -> str:
    """Format the label of a site, or its UUID."""
    return code(site.label or "", 200) or code(site.site.lower())


def format_charger_name(charger: ChargerEntry) -> str:
    """Format the label of a charger with its identity or UUID."""
    return code(show_charger(charger), 200)


def format_supply(site: SiteFile) -> str:
    """Format the net, as in `TN with neutral`."""
    return f"{site.supply.net_type} {'with' if site.has_neutral else 'without'} neutral"


def list_uncounted(names: Sequence[str]) -> list[str]:
    """A list item for each connector that the figures do not count."""
    return [f"- not counted: {code(name, 300)}" for name in names]


def feed_change(before: str | None, after: str | None) -> str:
    """The building line on terminal L1 before and after, as in `L1 → L3`; one line when it stays."""
    old, new = (LINE_NAMES[rotation[0]] if rotation else None for rotation in (before, after))
    if new is None:
        return old or ""
    return new if old in (None, new) else f"{old} → {new}"
