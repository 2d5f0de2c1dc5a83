"""What a change of a key of a site file means: in electrical terms, and for the connectors in the stack.

No text of a site file is part of it, so a report prints it as it is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._text import plural
from pulumi_plugchoice.electrical.figures import compute_usable_amps
from pulumi_plugchoice.electrical.limits import describe_other_limit, find_exceeded_limits
from pulumi_plugchoice.electrical.rotations import LINE_NAMES
from pulumi_plugchoice.electrical.site_warnings import compute_eighty_percent
from pulumi_plugchoice.sitefile.definition import make_definition, parse_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pulumi_plugchoice.electrical.figures import Figures
    from pulumi_plugchoice.sitefile.model import ChargerEntry, ConnectorEntry, Entry, SiteFile

_NO_EFFECT: Final = "no effect: the value that counts stays the same"
_POLICIES: Final = ("on_destroy", "on_adopt")


@dataclass(frozen=True)
class Context:
    """Both versions of a site, and the entries that a change is in.

    Attributes:
        before: the site before.
        after: the site after.
        figures: of both.
        charger: the charger before and after, when the change is in one; None on the side where it is not.
        entry: likewise the innermost entry of a list: a group, charger or connector.
    """

    before: SiteFile
    after: SiteFile
    figures: tuple[Figures, Figures]
    charger: tuple[Any, Any] = (None, None)
    entry: tuple[Any, Any] = (None, None)

    def at(self, old: Any, new: Any) -> Context:
        """The context of what is in an entry of a list."""
        is_charger = hasattr(new if old is None else old, "connectors")
        return replace(self, charger=(old, new) if is_charger else self.charger, entry=(old, new))


def explain(context: Context, key: str, old: Entry | None, new: Entry | None) -> str:
    """Say what another value of a key means; empty when the values say it.

    Args:
        context: where it is.
        key: of the site file.
        old: the part of the file with the key, before.
        new: the same, after.
    """
    if old is not None and new is not None and getattr(old, key) == getattr(new, key):
        return "no effect: this is the default"
    if key in type(context.after.limits).model_fields:
        return "they only warn" if key == "presets" else _explain_limit(context, key)
    function = _MEANINGS.get(key)
    return "" if function is None else function(context)


def explain_entry(context: Context, kind: str) -> str:
    """Say what a new or removed group, charger or connector means."""
    old, new = context.entry
    if kind == "group":
        moved = sum(
            context.before.group_of(one) != context.after.group_of(other) for one, other in _list_concerned(context)
        )
        parts = ["no longer a group"] if new is None else []
        verb = "counts" if moved == 1 else "count"
        where = "elsewhere" if new is None else "for it"
        parts += [f"{plural(moved, 'charger')} {verb} {where}"] if moved else []
        return "; ".join([*parts, *_list_policies(context)])
    charger = context.charger[new is not None]
    entries: list[ConnectorEntry] = [old or new] if kind == "connector" else list((old or new).connectors)
    managed = [entry for entry in entries if entry.managed]
    if new is None:
        effects = {_keep(context.before.on_destroy_of(charger, entry), len(managed)) for entry in managed}
        return "; ".join(["no longer declared", *sorted(effects)])
    effects = {_adopt(context.after.on_adopt_of(charger, entry)) for entry in managed}
    return "; ".join(sorted(effects)) or "declared, and left as it is"


def _keep(on_destroy: str, count: int = 1) -> str:
    if on_destroy == "restore":
        what = "get back the values from before they were managed"
        return what if count > 1 else "gets back the values from before it was managed"
    return f"Plugchoice keeps {'their' if count > 1 else 'its'} values"


def _adopt(on_adopt: str) -> str:
    if on_adopt == "match":
        return "a preview fails if live values differ"
    return "live values that differ are overwritten"


def _explain_site(context: Context) -> str:
    if context.before.site.lower() == context.after.site.lower():
        return "the same UUID, written differently"
    return "another site: chargers are looked up there; limits and fuses are compared with it"


def _explain_supply(context: Context) -> str:
    old, new = (
        f"{site.supply.net_type} {'with' if site.has_neutral else 'without'} neutral"
        for site in (context.before, context.after)
    )
    if old == new:
        return _NO_EFFECT
    sides = (context.before.has_neutral, context.after.has_neutral)
    effect = {(True, False): "; limits only warn now", (False, True): "; an exceeded limit can fail a preview now"}
    return f"{old} → {new}{effect.get(sides, '')}"


def _explain_usable(context: Context) -> str:
    old, new = (figures.usable_amps for figures in context.figures)
    return _NO_EFFECT if old == new else f"{_change(old, new)} A usable per line{_describe_excess(context)}"


def _describe_excess(context: Context) -> str:
    new = context.figures[1]
    worst = max(new.three_phase)
    if worst <= new.usable_amps:
        return ""
    return f"; {worst:g} A on the most loaded line when every connector charges a three-phase car"


def _explain_group_fuse(context: Context) -> str:
    margins = (context.before.supply.safety_margin_percent, context.after.supply.safety_margin_percent)
    old, new = (
        entry and entry.fuse_amps and compute_usable_amps(entry.fuse_amps, margin)
        for entry, margin in zip(context.entry, margins, strict=True)
    )
    if old and new:
        return f"{_change(old, new)} A usable per line"
    return f"{new} A usable per line" if new else "the group has no fuse of its own; only those above it count"


def _explain_breaker(context: Context) -> str:
    if context.charger == (None, None):
        return _count(_find_chargers(context, lambda site, charger: site.breaker_of(charger)), "charger")
    old, new = _on_both(context, lambda site, charger: site.breaker_of(charger))
    if old == new:
        return _NO_EFFECT
    if new is None:
        return "the breaker is not known; nothing is compared with it"
    return f"Plugchoice recommends at most 80 % of it, {compute_eighty_percent(new)} A"


def _explain_input(context: Context) -> str:
    old, new = (charger and charger.ac_input_amps for charger in context.charger)
    if new is None:
        return f"{old} A no longer counted on each line as a DC charger"
    return f"counted on each line as a DC charger{'' if old is None else f', {old} A before'}"


def _explain_dc(context: Context) -> str:
    return (
        "not counted itself, only ac_input_amps of its charger" if context.entry[1].dc else "counted as an AC connector"
    )


def _explain_building(context: Context) -> str:
    return "the building's part of each line" if context.after.building_peak_amps else "the building is not counted"


def _explain_limit(context: Context, name: str) -> str:
    """Say whether a limit that is new, different or gone is exceeded."""
    amps = getattr(context.after.limits, name)
    if amps is None:
        return "no limit any more: a preview does not fail for it"
    old, new = (
        [
            item
            for item in find_exceeded_limits(parse_limits(make_definition(site)), figures, None)
            if item.limit == name
        ]
        for site, figures in zip((context.before, context.after), context.figures, strict=True)
    )
    places = ", ".join(f"{item.value:g} A{f' on {item.line}' if item.line else ''}" for item in new)
    if not places:
        return describe_other_limit(name, context.figures[1])
    return f"exceeded, as before: {places}" if old else f"exceeded at once: {places}"


def _explain_group(context: Context) -> str:
    """Of a charger or of the defaults."""
    if context.charger == (None, None):
        moved = _find_chargers(context, lambda site, charger: site.group_of(charger))
        return "; ".join([_count(moved, "charger"), *_list_policies(context)])
    old, new = _on_both(context, lambda site, charger: site.group_of(charger))
    if old == new:
        return _NO_EFFECT
    parts = ["counts for the fuse of that group", *_list_policies(context)]
    return "; ".join(parts)


def _explain_parent(context: Context) -> str:
    return "; ".join(["counts for the fuse of that group", *_list_policies(context)])


def _list_policies(context: Context) -> Iterator[str]:
    """What connectors get from another group."""
    for name in _POLICIES:
        for value, count in _count_policies(context, name).items():
            yield f"{name} is now {value} for {plural(count, 'connector')}"


def _count_policies(context: Context, name: str) -> dict[str, int]:
    """Count the connectors here whose `on_destroy` or `on_adopt` is another one, inherited or not, by its value."""
    counts: Counter[str] = Counter()
    for old, new in _list_concerned(context):
        before, after = (
            {
                entry.connector_id: getattr(site, f"{name}_of")(charger, entry)
                for entry in charger.connectors
                if entry.managed
            }
            for site, charger in ((context.before, old), (context.after, new))
        )
        # Of a connector's own key, only that one counts.
        only = getattr(context.entry[1], "connector_id", None)
        counts.update(
            value for number, value in after.items() if before.get(number, value) != value and only in (None, number)
        )
    return dict(counts)


def _list_concerned(context: Context) -> Iterable[tuple[ChargerEntry, ChargerEntry]]:
    """The chargers that a key in this place is about: one, those of a group and the groups below it, or all."""
    if context.charger != (None, None):
        return [context.charger]
    if context.entry == (None, None):
        return _list_chargers(context)
    side = int(context.entry[1] is not None)  # of a group that is gone, those that were in it
    site = (context.before, context.after)[side]
    names = {context.entry[side].name}
    for _ in site.all_groups:  # each round adds a level
        more = {item.name for item in site.all_groups if item.parent in names} - names
        if not more:
            break
        names |= more
    return [pair for pair in _list_chargers(context) if site.group_of(pair[side]) in names]


def _explain_managed(context: Context) -> str:
    (old_charger, new_charger), (old, new) = context.charger, context.entry
    if new.managed:
        return f"managed from now on; {_adopt(context.after.on_adopt_of(new_charger, new))}"
    return f"no longer managed; {_keep(context.before.on_destroy_of(old_charger, old))}"


def _explain_on_destroy(context: Context) -> str:
    counts = _count_policies(context, "on_destroy").items()
    parts = [f"{plural(count, 'connector')} when no longer managed: {_keep(value, count)}" for value, count in counts]
    return "; ".join(parts) or _NO_EFFECT


def _explain_on_adopt(context: Context) -> str:
    counts = _count_policies(context, "on_adopt").items()
    parts = [f"{plural(count, 'connector')} when first managed: {_adopt(value)}" for value, count in counts]
    return "; ".join(parts) or _NO_EFFECT


def _explain_name(context: Context) -> str:
    old, new = context.charger
    if old.key == new.key:
        if old.uuid and new.uuid:
            is_other = old.uuid.lower() != new.uuid.lower()
            return "another charger: its connectors are replaced" if is_other else "the same UUID, written differently"
        what = "UUID" if new.uuid else "identity"
        return f"now the {what} decides which charger it is; if that is another one, its connectors are replaced"
    if new.second_key == old.key or old.second_key == new.key:
        return "a second name of the same charger"
    return "the same UUID under another identity: its connectors have another name in the stack"


def _explain_plan(context: Context) -> str:
    del context
    return "for the installer; not sent to Plugchoice"


def _explain_rewirable(context: Context) -> str:
    return "a plan may rewire it" if context.charger[1].rewirable else "a plan leaves its wiring as it is"


def _explain_rotation(context: Context) -> str:
    old, new = (entry.phase_rotation and LINE_NAMES[entry.phase_rotation[0]] for entry in context.entry)
    if new is None:
        return "rotation no longer managed"
    return f"terminal L1 wired to: {new}" if old in (None, new) else f"terminal L1 wired to: {old} → {new}"


def _explain_amps(context: Context) -> str:
    """Of a connector or of the defaults."""
    if context.charger == (None, None):
        changed = 0
        for old, new in _list_chargers(context):
            before = {entry.connector_id: context.before.amps_of(old, entry) for entry in old.connectors}
            changed += sum(
                before.get(entry.connector_id, 0) != context.after.amps_of(new, entry) for entry in new.connectors
            )
        return _count(changed, "connector")
    (old_charger, new_charger), (old_entry, new_entry) = context.charger, context.entry
    amps = context.after.amps_of(new_charger, new_entry)
    if context.before.amps_of(old_charger, old_entry) == amps:
        return _NO_EFFECT
    return "maximum current no longer managed" if amps is None else f"{amps} A count"


def _list_chargers(context: Context) -> Iterator[tuple[ChargerEntry, ChargerEntry]]:
    """The chargers of both versions, by name."""
    old = {charger.key: charger for charger in context.before.chargers}
    for charger in context.after.chargers:
        found = old.get(charger.key) or old.get(charger.second_key or "")
        if found is not None:
            yield found, charger


def _find_chargers(context: Context, value: Callable[[SiteFile, ChargerEntry], Any]) -> int:
    """Count the chargers with another effective value."""
    return sum(value(context.before, old) != value(context.after, new) for old, new in _list_chargers(context))


def _on_both(context: Context, value: Callable[[SiteFile, ChargerEntry], Any]) -> tuple[Any, Any]:
    old, new = context.charger
    return value(context.before, old), value(context.after, new)


def _count(number: int, noun: str) -> str:
    return f"counts for {plural(number, noun)}" if number else _NO_EFFECT


def _change(old: float, new: float) -> str:
    return f"{old:g} → {new:g}"


_MEANINGS: Final[Mapping[str, Callable[[Context], str]]] = {
    "site": _explain_site,
    "net_type": _explain_supply,
    "neutral": _explain_supply,
    "main_fuse_amps": _explain_usable,
    "safety_margin_percent": _explain_usable,
    "fuse_amps": _explain_group_fuse,
    "breaker_amps": _explain_breaker,
    "ac_input_amps": _explain_input,
    "dc": _explain_dc,
    "L1": _explain_building,
    "L2": _explain_building,
    "L3": _explain_building,
    "group": _explain_group,
    "parent": _explain_parent,
    "managed": _explain_managed,
    "on_destroy": _explain_on_destroy,
    "on_adopt": _explain_on_adopt,
    "identity": _explain_name,
    "uuid": _explain_name,
    "phase_rotation": _explain_rotation,
    "planned_rotation": _explain_plan,
    "max_amperage": _explain_amps,
    "rewirable": _explain_rewirable,
}
