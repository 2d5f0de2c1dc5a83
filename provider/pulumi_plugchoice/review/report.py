"""The review of changes to site files, as Markdown for a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import plural
from pulumi_plugchoice.electrical.site_warnings import sum_base
from pulumi_plugchoice.sitefile.definition import format_settings

from .change import assess_change
from .markdown import (
    FOOTER,
    Loads,
    code,
    currents_table,
    feed_change,
    fold,
    format_charger_name,
    format_site_name,
    format_supply,
    list_uncounted,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pulumi_plugchoice.sitefile.assess import Assessment
    from pulumi_plugchoice.sitefile.model import SiteFile

    from .change import SettingsChange, SiteChange, Values
    from .compare import Change

LETTERS: Final = "Letters are declared, not measured. Merge after rewiring."
# Longer than any warning: the names in it are short, and few.
_LONGEST: Final = 1000
# The table of connectors shows them, unless they have no effect.
_SETTINGS: Final = ("phase_rotation", "max_amperage")


def review_markdown(before: SiteFile | None, after: SiteFile) -> str:
    """Render the review of one site file.

    Args:
        before: the site before the change; None: only the site after it is described.
        after: the site after the change.
    """
    change = assess_change(after if before is None else before, after)
    lines = _describe_site(change) if before is None else describe_change(change)
    return "\n".join([*lines, LETTERS, "", FOOTER, ""])


def summarize(change: SiteChange) -> str:
    """`2 chargers changed, 1 key to look at first`; `no change`."""
    if change.before is None:
        return "new site file"
    if change.after is None:
        return "site file removed"
    chargers, first = change.changed_chargers, sum(item.is_dangerous for item in change.changes)
    others = len(_list_keys(change)) - first
    parts = [f"{plural(chargers, 'charger')} changed"] if chargers else []
    parts += [f"{plural(first, 'change')} to look at first"] if first else []
    parts += [f"{plural(others, 'other change')}"] if others > 0 else []
    return ", ".join(parts) or "no change"


def describe_change(change: SiteChange, intro: Sequence[str] = ()) -> list[str]:
    """The lines of the section about one site, with an empty line at the end.

    Args:
        change: to that site.
        intro: lines below the title.
    """
    lines = [f"### {format_site_name(change.site)}: {summarize(change)}; {_describe_supply(change)}", ""]
    lines += [*intro, ""] if intro else []
    keys = _list_keys(change)
    first = [item for item in keys if item.is_dangerous]
    lines += _list_changes("Look at these first", first)
    lines += _list_settings(change.settings)
    lines += _list_changes("Other changes", [item for item in keys if not item.is_dangerous])
    if change.after is not None and change.new is not None:
        old = None if change.old is None else _get_loads(change.old)
        lines += [*currents_table(old, _get_loads(change.new), ("before", "after")), ""]
        lines += _describe_limits(change)
        lines += _describe_warnings(change, change.new)
    return lines


def _describe_site(change: SiteChange) -> list[str]:
    """The section about a site with nothing to compare it with."""
    site, assessment = change.site, change.assessment
    count = plural(len(site.chargers), "charger")
    lines = [f"### {format_site_name(site)}: {count}; {_describe_supply(change)}", ""]
    lines += [*currents_table(None, _get_loads(assessment), ("", "")), ""]
    lines += _describe_limits(change, has_before=False)
    notes = [*(f"- {code(line, _LONGEST)}" for line in assessment.warnings), *list_uncounted(assessment.not_counted)]
    return [*lines, *notes, ""] if notes else lines


def _describe_supply(change: SiteChange) -> str:
    site = change.site
    usable = change.assessment.figures.usable_amps
    return f"{format_supply(site)}, main fuse {site.supply.main_fuse_amps} A, {usable} A usable"


def _get_loads(assessment: Assessment) -> Loads:
    return Loads(assessment.figures, sum_base(assessment.installation))


def _list_keys(change: SiteChange) -> list[Change]:
    """The changes that the table of connectors does not show."""
    shown = {(item.charger.key, str(item.connector_id)) for item in change.settings if None not in (item.old, item.new)}
    return [
        item
        for item in change.changes
        if not (item.path[-1] in _SETTINGS and len(item.path) == 5 and (item.path[1], item.path[3]) in shown)
    ]


def _list_changes(title: str, changes: Sequence[Change]) -> list[str]:
    if not changes:
        return []
    rows = [
        (
            code(item.place, 200),
            item.key,
            code(item.old or "", _LONGEST) or "not set",
            code(item.new or "", _LONGEST) or "not set",
            item.meaning,
        )
        for item in changes
    ]
    return [f"**{title}**", "", *table(("Where", "What", "Before", "After", "Meaning"), rows), ""]


def _list_settings(settings: Sequence[SettingsChange]) -> list[str]:
    if not settings:
        return []
    rows = [
        (
            format_charger_name(item.charger),
            str(item.connector_id),
            feed_change(item.old and item.old[0], item.new and item.new[0]),
            _format_values(item),
            "☐" if item.new and item.new[0] else "",
        )
        for item in settings
    ]
    head = ("Charger", "Connector", "Terminal L1 wired to", "Value", "Wired? Date, name")
    return ["**Connectors**", "", *table(head, rows), ""]


def _format_values(item: SettingsChange) -> str:
    if item.new is None:
        return f"{_format(item.old)} → no longer declared"
    return f"new: {_format(item.new)}" if item.old is None else f"{_format(item.old)} → {_format(item.new)}"


def _format(values: Values | None) -> str:
    return format_settings(*values or (None, None)) or "unmanaged"


def _describe_limits(change: SiteChange, *, has_before: bool = True) -> list[str]:
    lines = []
    names = {item.limit for item in change.exceeded}
    for item in change.exceeded:
        # The review compares two files. Only a preview sees the live values.
        before = f", {item.live:g} A before" if has_before and item.live is not None else ""
        lines.append(f"- **{item.fact}{before}**; a preview fails if this makes the live site worse")
    lines += [
        f"- limit {name} ({amps} A): not exceeded"
        for name, amps in change.site.limits.model_dump().items()
        if amps and name != "presets" and name not in names
    ]
    return [*lines, ""] if lines else []


def _describe_warnings(change: SiteChange, assessment: Assessment) -> Iterator[str]:
    """New warnings; those that stood before are folded."""
    known = set(change.old.not_counted) if change.old else set()
    uncounted = assessment.not_counted
    new = [f"- {code(line, _LONGEST)}" for line in change.new_warnings]
    new += list_uncounted([name for name in uncounted if name not in known])
    standing = [f"- {code(line, _LONGEST)}" for line in change.standing_warnings]
    standing += list_uncounted([name for name in uncounted if name in known])
    if new:
        yield from ("**New warnings**" if change.old else "**Warnings**", "", *new, "")
    if standing:
        yield from (*fold(f"{plural(len(standing), 'warning')} as before", standing), "")
