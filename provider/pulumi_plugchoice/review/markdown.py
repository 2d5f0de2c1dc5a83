"""Parts that all Markdown reports share: tables, escaped names, the table of currents, the footer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.electrical.rotations import LINE_NAMES, LINES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_plugchoice.electrical.figures import Figures, Triple
    from pulumi_plugchoice.sitefile.model import ChargerEntry, SiteFile

#: The last line of every report.
FOOTER: Final = (
    "Computed from declared values at 230 V and power factor 1. Not covered: harmonics, voltage drop, selectivity, "
    "RCDs, cables. Changing a value rewires nothing. A qualified electrician decides; the grid operator sets limits."
)
_MARKUP: Final = str.maketrans({letter: f"\\{letter}" for letter in "\\|*_`[]<>#~&$"})
# What GitHub and GitLab make links of: names of users and numbers of issues, also behind a backslash; and addresses.
_REFERENCE: Final = re.compile(r"@(?=\w)|#(?=\d)")
_ADDRESS: Final = re.compile(r":(?=//)|(?<=\bwww)\.", re.IGNORECASE)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def currents_table(before: Figures | None, after: Figures, names: tuple[str, str]) -> list[str]:
    """The lines of a table of A per line; `names` of the rows before and after."""

    def row(name: str, amps: Triple, difference: float | None) -> tuple[str, ...]:
        return (name, *(f"{line:g}" for line in amps), "" if difference is None else f"{difference:g}")

    rows = [row(f"One-phase cars, {names[1]}", after.single_phase, after.full_imbalance)]
    if before is not None:
        rows.insert(0, row(f"One-phase cars, {names[0]}", before.single_phase, before.full_imbalance))
    rows.append(row("Three-phase cars", after.three_phase, None))
    what = "A per line: every connector in use, building and DC chargers included"
    return table((what, *(LINE_NAMES[letter] for letter in LINES), "Largest difference"), rows)


def escape_text(text: str, longest: int = 80) -> str:
    """Text of a site file, or with parts of one, with what Markdown or HTML would read as markup escaped."""
    escaped = printable(text, longest).translate(_MARKUP)
    return _REFERENCE.sub(r"\g<0><!-- -->", _ADDRESS.sub(r"\\\g<0>", escaped))


def format_site_name(site: SiteFile) -> str:
    """Format the label of a site, or its UUID."""
    return escape_text(site.label or site.site.lower())


def format_charger_name(charger: ChargerEntry) -> str:
    """Format the label of a charger with its identity or UUID."""
    return escape_text(f"{charger.label} ({charger.key})" if charger.label else charger.key)


def format_supply(site: SiteFile) -> str:
    """Format the net, as in `TN with neutral`."""
    return f"{site.supply.net_type} {'with' if site.has_neutral else 'without'} neutral"


def list_uncounted(names: Sequence[str]) -> list[str]:
    """A list item for each connector that the figures do not count."""
    return [f"- not counted: {escape_text(name, 200)}" for name in names]


def feed_change(before: str | None, after: str | None) -> str:
    """The building line on terminal L1 before and after, as in `L1 → L3`; one line when it stays."""
    old, new = (LINE_NAMES[rotation[0]] if rotation else None for rotation in (before, after))
    if new is None:
        return old or ""
    return new if old in (None, new) else f"{old} → {new}"
