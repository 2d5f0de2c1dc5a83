"""Reports on a site as Markdown: the wiring plan, the installer's sheet, and what a reviewer of a change reads.

Pure functions of values that are there already. Every report ends with what it is not: see `FOOTER`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.electrical.rotations import LINE_NAMES, LINES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi_plugchoice.electrical.figures import Figures, Triple
    from pulumi_plugchoice.electrical.limits import ExceededLimit
    from pulumi_plugchoice.electrical.planner import Plan
    from pulumi_plugchoice.sitefile.model import ChargerEntry, SiteFile

FOOTER: Final = (
    "Arithmetic on declared values at 230 V and power factor 1. Not covered: harmonics, voltage drop, selectivity, "
    "RCD, cables. Changing a value rewires nothing. A qualified electrician decides, the grid operator sets limits."
)
LETTERS: Final = "Letters are declared, not measured. Merge after rewiring."


def plan_markdown(site: SiteFile, plan: Plan, left_out: Sequence[str] = ()) -> str:
    """The wiring plan: the ladder of visits, each with what it leaves on the most loaded line.

    `left_out` are connectors that are not counted, each with the reason.
    """
    lines = [f"# Wiring plan: {_name(site)}", "", *_what_it_does(plan), ""]
    if plan.visits:
        lines += _table(
            ("Visit", "Charger", "Connector", "Terminal L1 fed from", "Rotation", "Most loaded line after it"),
            [
                (
                    str(number),
                    _charger_name(site, visit.charger),
                    str(connector),
                    _moved(before, visit.after[connector]),
                    f"{before} → {visit.after[connector]}",
                    f"{visit.worst_single_phase:g} A",
                )
                for number, visit in enumerate(plan.visits, 1)
                for connector, before in visit.before.items()
            ],
        )
        lines.append("")
    lines += [_lines_table(plan.before, plan.after, ("as declared", "after all visits")), ""]
    lines += [*(f"- not counted: {printable(line, 200)}" for line in left_out), *([""] if left_out else [])]
    lines += ["A plan changes no value: `planned_rotation` is for the installer.", "", FOOTER, ""]
    return "\n".join(lines)


def _what_it_does(plan: Plan) -> list[str]:
    if not plan.visits:
        return ["No rewiring makes it better, as declared and counted."]
    count = len(plan.visits)
    chargers = "1 charger" if count == 1 else f"{count} chargers"
    found = "no plan is better" if plan.is_optimal else "the best plan that a search has found"
    worst = f"{max(plan.before.single_phase):g} A as declared, {max(plan.after.single_phase):g} A after all visits"
    return [f"{chargers} to rewire ({found}). Most loaded line when every point charges a one-phase car: {worst}."]


def installer_sheet(site: SiteFile) -> str:
    """A sheet for the wall or the van: each connector with its terminals, amps and breaker."""
    rows = []
    for charger in site.chargers:
        breaker = site.breaker_of(charger)
        for connector in charger.connectors:
            amps = site.amps_of(charger, connector)
            if charger.ac_input_amps is not None:
                shown = f"DC, {charger.ac_input_amps} A AC input"
            else:
                shown = "" if amps is None else f"{amps} A"
            rows.append(
                (
                    _cell(charger.label or ""),
                    _cell(charger.key),
                    str(connector.connector_id),
                    "" if breaker is None else f"{breaker} A",
                    *_terminals(connector.phase_rotation),
                    shown,
                    "" if connector.planned_rotation is None else f"{connector.planned_rotation}: ☐",
                )
            )
    supply = site.supply
    neutral = "with neutral" if site.has_neutral else "without neutral"
    margin = f", {supply.safety_margin_percent} % kept free" if supply.safety_margin_percent else ""
    return "\n".join(
        [
            f"# {_name(site)}",
            "",
            f"{supply.net_type} {neutral}, main fuse {supply.main_fuse_amps} A{margin}. Site {site.site.lower()}.",
            "",
            *_table(
                (
                    "Label",
                    "Charger",
                    "No.",
                    "Breaker",
                    "Terminal L1 fed from",
                    "Terminal L2 fed from",
                    "Terminal L3 fed from",
                    "Amps",
                    "Planned, wired?",
                ),
                rows,
            ),
            "",
            FOOTER,
            "",
        ]
    )


def review_markdown(
    before: SiteFile | None,
    after: SiteFile,
    figures: tuple[Figures | None, Figures],
    *,
    limits: Sequence[ExceededLimit],
    warnings: Sequence[str],
    left_out: Sequence[str] = (),
) -> str:
    """What a reviewer of a change reads, shaped as a comment on a pull request.

    Args:
        before: the site as it was, or None.
        after: the site as declared now.
        figures: of both.
        limits: declared limits that are broken.
        warnings: one line each.
        left_out: connectors that are not counted, each with the reason.
    """
    changed = _changed(before, after)
    old, new = figures
    neutral = "with neutral" if after.has_neutral else "without neutral"
    chargers = len({charger.key for charger, *_ in changed})
    count = "no charger changed" if not chargers else f"{chargers} charger{'s' * (chargers > 1)} changed"
    supply = f"{after.supply.net_type} {neutral}, fuse {after.supply.main_fuse_amps} A, {new.usable_amps} A usable"
    lines = [
        f"### {_name(after)}: {count}; {supply}",
        "",
        _lines_table(old, new, ("before", "after")),
        "",
    ]
    if changed:
        lines += _table(
            ("Charger", "Connector", "Terminal L1 fed from", "Value", "Wired? Date, name"),
            [(_charger_cell(charger), str(number), moved, value, "☐") for charger, number, moved, value in changed],
        )
        lines.append("")
    lines += _limits_kept(after, limits)
    lines += _other_changes(before, after)
    lines += [f"- {printable(line, 400)}" for line in warnings]
    lines += [f"- not counted: {printable(line, 200)}" for line in left_out]
    lines += ["", LETTERS, "", FOOTER, ""]
    return "\n".join(lines)


def _limits_kept(site: SiteFile, limits: Sequence[ExceededLimit]) -> list[str]:
    broken = {item.limit for item in limits}
    declared = {name: amps for name, amps in site.limits.model_dump().items() if amps and name != "presets"}
    kept = [f"- limit {name} {amps} A: kept" for name, amps in declared.items() if name not in broken]
    # A file against a file: what is live, only a preview sees.
    return [
        *kept,
        *(
            f"- **{item.fact}{'' if item.live is None else f', {item.live:g} A before'}**; a preview refuses it when "
            "it is worse than the live state"
            for item in limits
        ),
    ]


def _changed(before: SiteFile | None, after: SiteFile) -> list[tuple[ChargerEntry, int, str, str]]:
    """Connectors whose declared settings differ, or that are new: charger, number, move of terminal L1, value."""
    old = {} if before is None else _settings(before)
    found = []
    for charger in after.chargers:
        for connector in charger.connectors:
            number = connector.connector_id
            now = (connector.phase_rotation, after.amps_of(charger, connector))
            was = old.get((charger.key, number))
            if before is None or was == now:
                continue
            if was is None:
                found.append((charger, number, _moved(None, now[0]), f"new: {_value(now)}"))
            else:
                found.append((charger, number, _moved(was[0], now[0]), f"{_value(was)} → {_value(now)}"))
    there = _settings(after)
    for charger in before.chargers if before else ():
        for connector in charger.connectors:
            key = (charger.key, connector.connector_id)
            if key not in there:
                found.append((charger, key[1], _moved(old[key][0], None), f"{_value(old[key])} → no longer declared"))
    return found


def _other_changes(before: SiteFile | None, after: SiteFile) -> list[str]:
    """What changed besides connectors: fuses, building, limits, groups."""
    if before is None:
        return []
    names = ("supply", "building_peak_amps", "limits", "groups", "defaults", "on_adopt", "on_destroy")
    changed = [name for name in names if getattr(before, name) != getattr(after, name)]
    return [f"- changed besides connectors: {', '.join(changed)}"] if changed else []


def _settings(site: SiteFile) -> Mapping[tuple[str, int], tuple[str | None, int | None]]:
    return {
        (charger.key, connector.connector_id): (connector.phase_rotation, site.amps_of(charger, connector))
        for charger in site.chargers
        for connector in charger.connectors
    }


def _value(settings: tuple[str | None, int | None]) -> str:
    rotation, amps = settings
    return " ".join(part for part in (rotation, None if amps is None else f"{amps} A") if part) or "not managed"


def _moved(before: str | None, after: str | None) -> str:
    """`L1 → L3`: the building line on terminal L1."""
    old, new = (LINE_NAMES[rotation[0]] if rotation else None for rotation in (before, after))
    if new is None:
        return old or ""
    return new if old in (None, new) else f"{old} → {new}"


def _terminals(rotation: str | None) -> tuple[str, str, str]:
    names = [LINE_NAMES[letter] for letter in rotation or ""]
    first, second, third = [*names, *[""] * (3 - len(names))]
    return first, second, third


def _lines_table(before: Figures | None, after: Figures, heads: tuple[str, str]) -> str:
    """A per line, building and DC included."""

    def row(head: str, amps: Triple, between: float | None) -> tuple[str, ...]:
        return (head, *(f"{line:g}" for line in amps), "" if between is None else f"{between:g}")

    rows = [] if before is None else [row(f"one-phase cars, {heads[0]}", before.single_phase, before.full_imbalance)]
    rows.append(row(f"one-phase cars, {heads[1]}", after.single_phase, after.full_imbalance))
    rows.append(row("three-phase cars", after.three_phase, None))
    names = tuple(LINE_NAMES[letter] for letter in LINES)
    return "\n".join(_table(("A per line, building and DC included", *names, "between lines"), rows))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def _name(site: SiteFile) -> str:
    return _cell(site.label or site.site.lower())


def _charger_name(site: SiteFile, key: str) -> str:
    charger = next((item for item in site.chargers if item.key == key), None)
    return _cell(key) if charger is None else _charger_cell(charger)


def _charger_cell(charger: ChargerEntry) -> str:
    return _cell(f"{charger.label} ({charger.key})" if charger.label else charger.key)


_MARKUP: Final = str.maketrans({letter: f"\\{letter}" for letter in "\\|*_`[]<>#~"})


def _cell(text: str) -> str:
    """Text of a file as it is, whatever it means in Markdown or HTML."""
    return printable(text, 80).translate(_MARKUP)
