"""The review of changes to site files, as Markdown for a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import plural
from pulumi_plugchoice.electrical.limits import describe_other_limit
from pulumi_plugchoice.electrical.settings import SETTING_NAMES
from pulumi_plugchoice.electrical.site_warnings import sum_base
from pulumi_plugchoice.sitefile.definition import format_settings

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
from .others import describe_others
from .pending import describe_pending

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pulumi_plugchoice.electrical.figures import Figures
    from pulumi_plugchoice.sitefile.assess import Assessment

    from .change import SettingsChange, SiteChange, Values
    from .compare import Change
    from .pending import Pending
    from .sides import Comparison, FileChange

LETTERS: Final = "Letters are declared, not measured. Merge after rewiring."
#: The title of a review without a site file that differs.
NO_CHANGE: Final = "no site file changed"
BEHIND: Final = (
    "**The base has commits that the head does not have; what they change appears the other way round.** Rebase, or "
    "compare with the merge base: `--base $(git merge-base BASE HEAD)`."
)
# Longer than any warning: the names in it are short, and few.
_LONGEST: Final = 1000


def files_markdown(files: Sequence[FileChange], pending: Pending | None = None) -> str:
    """Render the review of site files without git: what changes, or a description of a site with nothing before it.

    Args:
        files: with a change from a site to itself for a description.
        pending: what an update would send, if Plugchoice was read.
    """
    lines = []
    for file in files:
        if file.change is None:
            lines += _describe_file(file)
        elif file.change.before is file.change.after:
            lines += _describe_site(file.change)
        else:
            lines += describe_change(file.change)
    live = [] if pending is None else ["", *describe_pending(pending)]
    return "\n".join([*lines, LETTERS, "", FOOTER, *live, ""])


def comparison_markdown(comparison: Comparison, pending: Pending | None = None) -> str:
    """Render the review of all site files that differ between two sides: a table of them, and a section for each.

    Args:
        comparison: the two sides.
        pending: what an update would send, if Plugchoice was read.
    """
    files = comparison.files
    head = "the files on the disk" if comparison.head is None else f"head {code(comparison.head[:12])}"
    title = f"{len(files)} of {plural(len(comparison.paths), 'site file')} changed" if files else NO_CHANGE
    lines = [f"### Review: {title}", "", f"Base {code(comparison.base[:12])}, {head}.", ""]
    if comparison.is_behind:
        lines += [BEHIND, ""]
    if len(files) > 1:
        head_row = (
            "File",
            "Site",
            "What",
            "Usable",
            "Most loaded line, one-phase cars",
            "Limits exceeded",
            "New or changed warnings",
        )
        lines += [*table(head_row, [_summarize_file(file) for file in files]), ""]
    lines += describe_others(comparison.others)
    for file in files:
        lines += _describe_file(file)
    if files:  # without one, nothing was computed
        lines += [LETTERS, "", FOOTER, ""]
    live = [] if pending is None else [*describe_pending(pending), ""]
    return "\n".join([*lines, *live])


def _summarize_file(file: FileChange) -> tuple[str, ...]:
    name, change = code(file.path, 300), file.change
    if change is None:
        what = "**cannot be read**" if file.problems else "site file removed"
        return (name, "", what, *[""] * 4)
    what = _summarize_state(file, change)
    figures = [None if item is None else item.figures for item in (change.old, change.new)]
    usable, worst = (
        " → ".join(dict.fromkeys("none" if item is None else f"{show(item):g} A" for item in figures))
        for show in (_get_usable, _get_worst)
    )
    exceeded = len({item.limit for item in change.exceeded})
    counts = (f"**{exceeded}**" if exceeded else "", str(len(change.new_warnings) or ""))
    return name, format_site_name(change.site), what, usable, worst, *counts


def _summarize_state(file: FileChange, change: SiteChange) -> str:
    if file.state == "renamed":
        return f"site file renamed, {summarize(change) if change.changes else 'no value differs'}"
    return "no value differs" if file.state == "layout" else summarize(change)


def _get_usable(figures: Figures) -> float:
    return figures.usable_amps


def _get_worst(figures: Figures) -> float:
    return max(figures.single_phase)


def _describe_file(file: FileChange) -> list[str]:
    """The section about one file."""
    if file.problems:
        return [
            f"### {code(file.path, 300)}: cannot be read",
            "",
            *(f"- {code(line, _LONGEST)}" for line in file.problems),
            "",
        ]
    notes = [f"- before the change: {code(line, _LONGEST)}" for line in file.old_problems]
    if file.change is None:
        return [f"### {code(file.path, 300)}: site file removed", "", *notes, ""]
    if notes:
        notes = ["The file before the change cannot be read, so everything counts as new.", "", *notes]
    if file.state == "layout":
        text = "no value differs, only comments, order or layout do"
        return [f"### {format_site_name(file.change.site)}: {text}", "", f"File {code(file.path, 300)}.", "", *notes]
    intro = [f"File {code(file.path, 300)}"]
    if file.old_path not in (None, file.path):
        intro[0] += (
            f", before {code(file.old_path, 300)}: `ChargingSite.for_stack()` reads the file that has the stack's name"
        )
    intro[0] += "."
    if file.state == "removed":
        intro += list(_describe_removal(file.change))
    return describe_change(file.change, [*intro, *notes], _summarize_state(file, file.change))


def _describe_removal(change: SiteChange) -> Iterator[str]:
    """What becomes of the connectors of a site whose file is removed."""
    site = change.site
    managed = [
        site.on_destroy_of(charger, entry) for charger in site.chargers for entry in charger.connectors if entry.managed
    ]
    kept, restored = managed.count("retain"), managed.count("restore")
    parts = [f"{plural(kept, 'connector')} keep the values in Plugchoice"] if kept else []
    parts += [f"{plural(restored, 'connector')} get back those from before they were managed"] if restored else []
    yield f"Nothing changes in Plugchoice until the stack is destroyed; then {' and '.join(parts) or 'nothing does'}."


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


def describe_change(change: SiteChange, intro: Sequence[str] = (), summary: str = "") -> list[str]:
    """The lines of the section about one site, with an empty line at the end.

    Args:
        change: to that site.
        intro: lines below the title.
        summary: what it is, for the title; `summarize` by default.
    """
    lines = [f"### {format_site_name(change.site)}: {summary or summarize(change)}; {_describe_supply(change)}", ""]
    lines += [*intro, ""] if intro else []
    keys = _list_keys(change)
    if change.before is None or change.after is None:
        lines += _list_changes("All keys", keys)
        keys = []
    lines += _list_changes("Look at these first", [item for item in keys if item.is_dangerous])
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
    shown = {
        ("chargers", item.charger.key, "connectors", str(item.connector_id), name)
        for item in change.settings
        if item.old is not None and item.new is not None
        for name, old, new in zip(SETTING_NAMES, item.old, item.new, strict=True)
        if old != new
    }
    # A value in place of a default, and a setting that becomes managed or no longer is, are hard to see in that table.
    return [item for item in change.changes if item.path not in shown or None in (item.old, item.new)]


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
    effect = "a preview fails if this makes the live site worse"
    if not change.site.has_neutral:
        effect = "warning only: the supply has no neutral"
    for item in change.exceeded:
        # The review compares two files. Only a preview sees the live values.
        before = f", {item.live:g} A before" if has_before and item.live is not None else ""
        lines.append(f"- **{item.fact}{before}**; {effect}")
    lines += [
        f"- limit {name} ({amps} A): {describe_other_limit(name, change.assessment.figures)}"
        for name, amps in change.site.limits.model_dump().items()
        if amps and name != "presets" and name not in names
    ]
    return [*lines, ""] if lines else []


def _describe_warnings(change: SiteChange, assessment: Assessment) -> Iterator[str]:
    """New ones, and those with another figure; those that stood before are folded."""
    known = set(change.old.not_counted) if change.old else set()
    uncounted = assessment.not_counted
    new = [f"- {code(line, _LONGEST)}" for line in change.new_warnings]
    new += list_uncounted([name for name in uncounted if name not in known])
    standing = [f"- {code(line, _LONGEST)}" for line in change.standing_warnings]
    standing += list_uncounted([name for name in uncounted if name in known])
    if new:
        yield from ("**New or changed warnings**" if change.old else "**Warnings**", "", *new, "")
    if standing:
        yield from (*fold(f"{plural(len(standing), 'warning')} as before", standing), "")
