"""The installer sheet: what is wired where, and what to rewire, in the order of visits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice.electrical.rotations import LINE_NAMES
from pulumi_plugchoice.sitefile.assess import assess_site
from pulumi_plugchoice.sitefile.plan import read_plan

from .markdown import FOOTER, code, format_site_name, format_supply, table

if TYPE_CHECKING:
    from pulumi_plugchoice.electrical.planner import Plan
    from pulumi_plugchoice.sitefile.model import ChargerEntry, ConnectorEntry, SiteFile

HEAD: Final = (
    "Visit",
    "Label",
    "Charger",
    "Group",
    "Breaker",
    "Connector",
    "Terminals L1/L2/L3 wired to",
    "Maximum current",
    "Wired? Date, name",
)


@dataclass(frozen=True)
class SheetRow:
    """A connector on the sheet.

    Attributes:
        visit: number of the visit of its charger; None when nothing is to be rewired.
        charger: its charger.
        connector_id: its number.
        group: name of the group.
        breaker: `20 A`; empty when it is not declared.
        wiring: the lines on its terminals: `L1/L2/L3`, `now L1/L2/L3 → to L3/L1/L2`.
        current: maximum current: `16 A`, `DC, 38 A AC input`; empty when it is not declared.
    """

    visit: int | None
    charger: ChargerEntry
    connector_id: int
    group: str
    breaker: str
    wiring: str
    current: str


def list_rows(site: SiteFile, plan: Plan) -> list[SheetRow]:
    """List the connectors: first those of chargers to rewire, in the order of visits, then the others.

    Args:
        site: the site.
        plan: of the site, as `read_plan` returns it.
    """
    chargers = {charger.key: charger for charger in site.chargers}
    # A charger that does not count has no place in the order: it comes last.
    planned = {charger.key for charger in site.chargers if any(_is_planned(item) for item in charger.connectors)}
    visited = [visit.charger for visit in plan.visits]
    order = [*visited, *(key for key in chargers if key in planned.difference(visited))]
    visits = {key: number for number, key in enumerate(order, 1)}
    ordered = [chargers[key] for key in order] + [item for key, item in chargers.items() if key not in visits]
    return [
        _make_row(site, charger, connector, visits.get(charger.key))
        for charger in ordered
        for connector in charger.connectors
    ]


def _is_planned(connector: ConnectorEntry) -> bool:
    return connector.planned_rotation not in (None, connector.phase_rotation)


def _make_row(site: SiteFile, charger: ChargerEntry, connector: ConnectorEntry, visit: int | None) -> SheetRow:
    breaker, amps = site.breaker_of(charger), site.amps_of(charger, connector)
    if charger.ac_input_amps is not None and connector.phase_rotation is None:
        current = f"DC, {charger.ac_input_amps} A AC input"
    elif connector.dc:
        current = "DC"
    else:
        current = "" if amps is None else f"{amps} A"
    return SheetRow(
        visit,
        charger,
        connector.connector_id,
        site.group_of(charger),
        "" if breaker is None else f"{breaker} A",
        describe_wiring(connector.phase_rotation, connector.planned_rotation),
        current,
    )


def describe_wiring(rotation: str | None, planned: str | None) -> str:
    """The lines on the terminals L1, L2, L3, now and as planned."""
    now, later = (show_lines(one) for one in (rotation, planned))
    if not later or now == later:
        return now
    return f"now {now or 'not declared'} → to {later}"


def show_lines(rotation: str | None) -> str:
    """`L1/L2/L3` for RST; empty without a rotation."""
    return "/".join(LINE_NAMES[letter] for letter in rotation or "")


def describe_site(site: SiteFile) -> str:
    """The supply of a site, and its UUID."""
    supply = site.supply
    margin = f", {supply.safety_margin_percent} % safety margin" if supply.safety_margin_percent else ""
    return f"{format_supply(site)}, main fuse {supply.main_fuse_amps} A{margin}. Site {site.site.lower()}."


def installer_sheet(site: SiteFile) -> str:
    """Render the sheet as Markdown, for the wall or the van."""
    rows = list_rows(site, read_plan(site, assess_site(site).installation))
    lines = [f"# {format_site_name(site)}", "", describe_site(site), "", *table(HEAD, map(_format_row, rows))]
    return "\n".join([*lines, "", FOOTER, ""])


def _format_row(row: SheetRow) -> tuple[str, ...]:
    visit, box = ("", "") if row.visit is None else (str(row.visit), "☐")
    names = (code(row.charger.label or "", 200), code(row.charger.key), code(row.group))
    return (visit, *names, row.breaker, str(row.connector_id), row.wiring, row.current, box)
