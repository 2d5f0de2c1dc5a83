"""What a reviewer reads about a change to a site file, as Markdown for a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import plural
from pulumi_plugchoice.electrical.limits import find_exceeded_limits
from pulumi_plugchoice.sitefile.assess import assess_site
from pulumi_plugchoice.sitefile.definition import format_settings, make_definition, parse_limits

from .markdown import (
    FOOTER,
    currents_table,
    escape_text,
    feed_change,
    format_charger_name,
    format_site_name,
    format_supply,
    list_uncounted,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pulumi_plugchoice.electrical.limits import ExceededLimit
    from pulumi_plugchoice.sitefile.model import ChargerEntry, SiteFile

    Values = tuple[str | None, int | None]

LETTERS: Final = "Letters are declared, not measured. Merge after rewiring."
# The parts of a site file that the tables of the review do not show.
_OTHER_PARTS: Final = ("supply", "building_peak_amps", "limits", "groups", "defaults", "on_adopt", "on_destroy")


def review_markdown(before: SiteFile | None, after: SiteFile) -> str:
    """Render the review of a change: currents, changed chargers, limits, warnings.

    Args:
        before: the site before the change; None: only the site after it is described.
        after: the site after the change.
    """
    old = None if before is None else assess_site(before).figures
    new = assess_site(after)
    exceeded = find_exceeded_limits(parse_limits(make_definition(after)), new.figures, old)
    changes = [] if before is None else [*_changes(before, after)]
    chargers = len({charger.key for charger, *_ in changes})
    count = f"{plural(chargers, 'charger')} changed" if chargers else "no charger changed"
    fuse = f"main fuse {after.supply.main_fuse_amps} A, {new.figures.usable_amps} A usable"
    lines = [
        f"### {format_site_name(after)}: {count}; {format_supply(after)}, {fuse}",
        "",
        *currents_table(old, new.figures, ("before", "after")),
        "",
    ]
    if changes:
        lines += table(
            ("Charger", "Connector", "Terminal L1 fed from", "Value", "Wired? Date, name"),
            [(format_charger_name(charger), str(number), feed, value, "☐") for charger, number, feed, value in changes],
        )
        lines.append("")
    lines += _describe_limits(after, exceeded)
    if before is not None:
        other = [name for name in _OTHER_PARTS if getattr(before, name) != getattr(after, name)]
        lines += [f"- also changed: {', '.join(other)}"] if other else []
    lines += [f"- {escape_text(line, 400)}" for line in new.warnings]
    lines += list_uncounted(new.not_counted)
    lines += ["", LETTERS, "", FOOTER, ""]
    return "\n".join(lines)


def _describe_limits(site: SiteFile, exceeded: Sequence[ExceededLimit]) -> Iterator[str]:
    names = {item.limit for item in exceeded}
    for name, amps in site.limits.model_dump().items():
        if amps and name != "presets" and name not in names:
            yield f"- limit {name} ({amps} A): not exceeded"
    for item in exceeded:
        # The review compares two files. Only a preview sees the live values.
        before = "" if item.live is None else f", {item.live:g} A before"
        yield f"- **{item.fact}{before}**; a preview fails if this makes the live site worse"


def _changes(before: SiteFile, after: SiteFile) -> Iterator[tuple[ChargerEntry, int, str, str]]:
    """Each connector that is new, different or gone: charger, number, feed of terminal L1, value."""
    # A charger that had one name and has two now, or the other way round, is the same charger.
    names = {item.second_key: item.key for item in (*before.chargers, *after.chargers) if item.second_key}
    old_values, new_values = _values(before, names), _values(after, names)
    for charger in after.chargers:
        for connector in charger.connectors:
            number = connector.connector_id
            key = (names.get(charger.key, charger.key), number)
            new, old = new_values[key], old_values.get(key)
            if old is None:
                yield charger, number, feed_change(None, new[0]), f"new: {_format(new)}"
            elif old != new:
                yield charger, number, feed_change(old[0], new[0]), f"{_format(old)} → {_format(new)}"
    for charger in before.chargers:
        for connector in charger.connectors:
            key = (names.get(charger.key, charger.key), connector.connector_id)
            if key not in new_values:
                old = old_values[key]
                yield charger, key[1], feed_change(old[0], None), f"{_format(old)} → no longer declared"


def _values(site: SiteFile, names: Mapping[str, str]) -> Mapping[tuple[str, int], Values]:
    """Declared rotation and A of each connector, by charger and number; `names` has other keys for some chargers."""
    return {
        (names.get(charger.key, charger.key), connector.connector_id): (
            connector.phase_rotation,
            site.amps_of(charger, connector),
        )
        for charger in site.chargers
        for connector in charger.connectors
    }


def _format(values: Values) -> str:
    return format_settings(*values) or "unmanaged"
