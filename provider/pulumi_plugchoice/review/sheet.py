"""The installer sheet as Markdown: what is wired where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_plugchoice.electrical.rotations import LINE_NAMES

from .markdown import FOOTER, code, format_site_name, format_supply, table

if TYPE_CHECKING:
    from pulumi_plugchoice.sitefile.model import ChargerEntry, ConnectorEntry, SiteFile

_HEAD = (
    "Label",
    "Charger",
    "Connector",
    "Breaker",
    "Terminal L1 wired to",
    "Terminal L2 wired to",
    "Terminal L3 wired to",
    "Maximum current",
    "Planned, wired?",
)


def installer_sheet(site: SiteFile) -> str:
    """Render a sheet for the wall or the van: each connector with its terminals, maximum current and breaker."""
    supply = site.supply
    margin = f", {supply.safety_margin_percent} % safety margin" if supply.safety_margin_percent else ""
    rows = [_row(site, charger, connector) for charger in site.chargers for connector in charger.connectors]
    return "\n".join(
        [
            f"# {format_site_name(site)}",
            "",
            f"{format_supply(site)}, main fuse {supply.main_fuse_amps} A{margin}. Site {site.site.lower()}.",
            "",
            *table(_HEAD, rows),
            "",
            FOOTER,
            "",
        ]
    )


def _row(site: SiteFile, charger: ChargerEntry, connector: ConnectorEntry) -> tuple[str, ...]:
    breaker, amps = site.breaker_of(charger), site.amps_of(charger, connector)
    if charger.ac_input_amps is not None:
        current = f"DC, {charger.ac_input_amps} A AC input"
    else:
        current = "" if amps is None else f"{amps} A"
    lines = _name_lines(connector.phase_rotation)
    return (
        code(charger.label or ""),
        code(charger.key),
        str(connector.connector_id),
        "" if breaker is None else f"{breaker} A",
        *lines,
        *[""] * (3 - len(lines)),
        current,
        _format_plan(connector),
    )


def _format_plan(connector: ConnectorEntry) -> str:
    """The lines on the terminals L1, L2, L3 now and as planned, with a box."""
    if connector.planned_rotation is None:
        return ""
    now, planned = ("/".join(_name_lines(one)) for one in (connector.phase_rotation, connector.planned_rotation))
    return f"{now} → {planned}: ☐" if now else f"{planned}: ☐"


def _name_lines(rotation: str | None) -> list[str]:
    return [LINE_NAMES[letter] for letter in rotation or ""]
