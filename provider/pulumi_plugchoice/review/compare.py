"""Compares two versions of a site file, key by key.

It walks the models of the site file, so a key that a later version adds is compared, too. What a change means is in
`meaning.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.sitefile.assess import assess_site
from pulumi_plugchoice.sitefile.model import Entry

from .meaning import Context, explain, explain_entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pulumi_plugchoice.sitefile.model import ChargerEntry, SiteFile

Path = tuple[str, ...]

#: The order in which a reviewer reads changes, and the last rank of those that can do harm without moving a cable.
_GROUPS_OF_KEYS: Final[tuple[tuple[str, ...], ...]] = (
    ("site",),
    ("net_type", "neutral", "main_fuse_amps", "fuse_amps", "safety_margin_percent"),
    ("breaker_amps", "max_current", "ac_input_amps", "dc", "L1", "L2", "L3"),
    ("single_phase_amps", "three_phase_amps", "full_imbalance_amps", "worst_imbalance_amps", "presets"),
    ("name", "group_id", "parent", "group"),
    ("managed",),
    ("on_destroy",),
    ("on_adopt",),
    ("identity", "uuid"),
    ("connector_id", "phase_rotation", "max_amperage"),
    ("rewirable", "planned_rotation"),
    ("label",),
)
RANKS: Final = {key: rank for rank, keys in enumerate(_GROUPS_OF_KEYS) for key in keys}
#: A change up to this rank is one to look at first.
LAST_DANGEROUS: Final = RANKS["identity"]
# A key that a later version adds stands with the groups until somebody ranks it.
_UNRANKED: Final = RANKS["group"]

#: What an entry of each list is called, and the rank of one that is gone, and of one that is new.
_ENTRIES: Final = {
    "groups": ("group", RANKS["group"], RANKS["group"]),
    "chargers": ("charger", RANKS["managed"], RANKS["phase_rotation"]),
    "connectors": ("connector", RANKS["managed"], RANKS["phase_rotation"]),
}
_NUMBERS_WITHOUT_UNIT: Final = {"group_id", "connector_id"}


@dataclass(frozen=True)
class Change:
    """A key of a site file whose value differs, or an entry of a list that is new or gone.

    Attributes:
        path: keys of the site file; an entry of a list by its name, as in `("groups", "garage", "fuse_amps")`.
        place: what it is about: `site`, `group garage`, `bay-3 (HRB-003)`, `bay-3 (HRB-003), connector 1`.
        old: the value before; None when it was not set.
        new: the value after; None when it is not set.
        meaning: what follows, in electrical terms. Empty when the values say it.
        rank: order of reading, from 0.
    """

    path: Path
    place: str
    old: str | None
    new: str | None
    meaning: str
    rank: int

    @property
    def key(self) -> str:
        """The key within its place: `fuse_amps`, `limits.single_phase_amps`; `whole charger` for an entry."""
        rest = list(self.path)
        last = ""
        while len(rest) > 1 and rest[0] in _ENTRIES:
            last, rest = _ENTRIES[rest[0]][0], rest[2:]
        return ".".join(rest) or f"whole {last}"

    @property
    def is_dangerous(self) -> bool:
        """Whether a reviewer has to look at it first."""
        return self.rank <= LAST_DANGEROUS


def compare_sites(before: SiteFile | None, after: SiteFile | None) -> list[Change]:
    """Compare two versions of a site file; None for one that does not exist.

    Returns:
        Every key that differs, the most dangerous first. A default value that is written out is one, too; another order
        of keys or entries is none.
    """
    context = None
    if before is not None and after is not None:
        context = Context(before, after, (assess_site(before).figures, assess_site(after).figures))
    changes = _compare(context, (), "site", before, after)
    return sorted(changes, key=lambda change: change.rank)


def pair_chargers(
    before: Sequence[ChargerEntry], after: Sequence[ChargerEntry]
) -> list[tuple[ChargerEntry | None, ChargerEntry | None]]:
    """Pair the chargers of two versions: by their name in the stack, then by their UUID. Those after come first.

    A charger that had one of the two names and has both now, or the other way round, is the same charger.
    """
    left = {charger.key: charger for charger in before}
    found: dict[int, ChargerEntry] = {id(new): left.pop(new.key) for new in after if new.key in left}
    by_uuid = {charger.uuid.lower(): charger for charger in left.values() if charger.uuid}
    for new in after:
        old = by_uuid.get(new.uuid.lower()) if new.uuid and id(new) not in found else None
        if old is not None:
            found[id(new)] = left.pop(old.key)
    return [*((found.get(id(new)), new) for new in after), *((old, None) for old in left.values())]


def show_charger(charger: ChargerEntry) -> str:
    """The label of a charger with its identity or UUID: `bay-3 (HRB-003)`."""
    label = printable(charger.label or "", 60)
    return f"{label} ({charger.key})" if label else charger.key


def show_value(key: str, value: Any) -> str | None:
    """A value of a site file for people: `240 A`, `5 %`, `true`; None when it is not set."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        unit = "" if key in _NUMBERS_WITHOUT_UNIT else " %" if key.endswith("_percent") else " A"
        return f"{value}{unit}"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return printable(value, 500) or repr(value)


def _compare(context: Context | None, path: Path, place: str, old: Entry | None, new: Entry | None) -> Iterator[Change]:
    """Compare two versions of one part of the file, key by key."""
    model = next(type(entry) for entry in (new, old) if entry is not None)
    for name in model.model_fields:
        one, other = _get(old, name), _get(new, name)
        here = (*path, name)
        if name in _ENTRIES:
            yield from _compare_entries(context, here, place, one or [], other or [])
        elif isinstance(one, Entry) or isinstance(other, Entry):
            yield from _compare(context, here, place, one, other)
        elif one != other:
            meaning = explain(context, name, old, new) if context else ""
            yield Change(here, place, show_value(name, one), show_value(name, other), meaning, _rank(name))


def _compare_entries(
    context: Context | None, path: Path, place: str, old: Sequence[Any], new: Sequence[Any]
) -> Iterator[Change]:
    name = path[-1]
    pairs: list[tuple[Any, Any]]
    if name == "chargers":
        pairs = list(pair_chargers(old, new))
    else:
        left = {_get_key(name, entry): entry for entry in old}
        pairs = [(left.pop(_get_key(name, entry), None), entry) for entry in new]
        pairs += [(entry, None) for entry in left.values()]
    kind, rank_of_old, rank_of_new = _ENTRIES[name]
    for one, other in pairs:
        entry = one if other is None else other
        there = _describe_place(name, place, entry)
        here = (*path, _get_key(name, entry))
        inner = context and context.at(one, other)
        if one is not None and other is not None:
            yield from _compare(inner, here, there, one, other)
            continue
        meaning = explain_entry(inner, kind) if inner else ""
        old_text, new_text = (item and _show_entry(item) for item in (one, other))
        yield Change(here, there, old_text, new_text, meaning, rank_of_old if other is None else rank_of_new)
        if name == "chargers":  # its connectors: one line each, as there may be many
            lists = [item.connectors if item else [] for item in (one, other)]
            yield from _compare_entries(inner, (*here, "connectors"), there, *lists)


def _get(entry: Entry | None, name: str) -> Any:
    """The value of a key as it is written; None when it is not."""
    return None if entry is None or name not in entry.model_fields_set else getattr(entry, name)


def _get_key(name: str, entry: Any) -> str:
    if name == "chargers":
        return str(entry.key)
    return str(entry.name if name == "groups" else entry.connector_id)


def _describe_place(name: str, place: str, entry: Any) -> str:
    if name == "chargers":
        return show_charger(entry)
    return f"group {entry.name}" if name == "groups" else f"{place}, connector {entry.connector_id}"


def _show_entry(entry: Entry) -> str:
    """The keys of an entry that are set, without the entries in it: `label: bay-3, identity: HRB-003`."""
    values = {name: _get(entry, name) for name in type(entry).model_fields if name not in _ENTRIES}
    return ", ".join(f"{name}: {show_value(name, value)}" for name, value in values.items() if value is not None)


def _rank(key: str) -> int:
    return RANKS.get(key, _UNRANKED)
