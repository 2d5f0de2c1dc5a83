"""Site files from live sites: the text of a new one, and what an existing one lacks."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._text import is_uuid, list_some, printable
from pulumi_plugchoice.electrical.settings import read_settings, show
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.inputs import is_accepted, judge
from pulumi_plugchoice.sitefile.load import SiteFileError, parse_site
from pulumi_plugchoice.sitefile.yaml_append import ItemStyle, NewItem, append_items, format_item
from pulumi_plugchoice.sitefile.yaml_write import format_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pulumi_plugchoice.runtime.live import Live
    from pulumi_plugchoice.sitefile.model import SiteFile

    from .account import LiveSite

#: The net type that is written where Plugchoice tells none.
ASSUMED_NET_TYPE: Final = "TN"
_NET_TYPES: Final = ("TN", "TT", "IT")
_ROOT: Final = "main"
# A line for each key: two chargers that differ in one value differ in one line.
_CHARGER_STYLE: Final = ItemStyle(is_flow=False)
_LONGEST_IDENTITY: Final = 45


@dataclass(frozen=True)
class SiteText:
    """The text of a site file.

    Attributes:
        text: the whole file.
        site: what it declares.
        added: names of connectors that are new in it.
        notes: what somebody has to check, one line each.
    """

    text: str
    site: SiteFile
    added: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def write_site(live: LiveSite, file: str, *, net_type: str | None, main_fuse_amps: int | None) -> SiteText:
    """Write a new site file.

    Args:
        live: the site.
        file: name of the file in messages.
        net_type: TN, TT or IT, where Plugchoice does not tell it.
        main_fuse_amps: A per line, likewise.

    Raises:
        PlugchoiceError: a site file cannot declare this site.
    """
    if not live.connectors:
        raise PlugchoiceError("no charger of the site has a connector yet; run this again when one has been online")
    root = live.groups[0] if live.groups else None
    fuse = (root.total_amps if root else None) or main_fuse_amps
    if fuse is None:
        raise PlugchoiceError("Plugchoice has no main fuse of the site; give it with --main-fuse-amps")
    notes: list[str] = []
    told = root.net_type if root else None
    net = told if told in _NET_TYPES else net_type
    supply = [f"  main_fuse_amps: {fuse}"]
    if net is None:
        what = f"Plugchoice has {printable(told, 30)!r}" if told else "Plugchoice does not tell it"
        notes.append(f"net type: {what}; {ASSUMED_NET_TYPE} is assumed, check the file")
        supply.insert(0, f"  net_type: {ASSUMED_NET_TYPE} # assumed, Plugchoice does not tell it; TN, TT or IT")
    else:
        supply.insert(0, f"  net_type: {format_value(net)}")
    names = {group.id: _ROOT if group is root else f"group-{group.id}" for group in live.groups}
    lines = [
        "# yaml-language-server: $schema=site.schema.json",
        "# From the values that Plugchoice had when this file was written. Compare them with the wiring.",
        f"site: {live.uuid}",
        *([f"label: {format_value(live.name)}"] if live.name else []),
        "supply:",
        *supply,
        "on_adopt: match",
    ]
    if live.groups:
        lines += ["groups:", *(line for item in _list_groups(live, names, set()) for line in format_item(item, 2))]
    lines.append("chargers:")
    unique = _find_unique(live.connectors, set())
    for item in _list_chargers(live, live.connectors, names, unique):
        lines += format_item(item, 2, _CHARGER_STYLE)
    notes += _note_groups(live, live.connectors)
    text = "\n".join(lines) + "\n"
    try:
        site = parse_site(text, file)
    except SiteFileError as error:
        raise PlugchoiceError(f"a site file cannot have what Plugchoice has: {error}") from None
    return SiteText(text, site, [item.name for item in live.connectors], notes)


def extend_site(site: SiteFile, text: str, file: str, live: LiveSite, new: Sequence[Live]) -> SiteText:
    """Add connectors that a site file lacks, and change nothing else of its text.

    Args:
        site: the site file.
        text: its text.
        file: name of the file in messages.
        live: the site.
        new: the connectors that no file declares.

    Raises:
        PlugchoiceError: the layout of the text does not allow it.
    """
    if not new:
        return SiteText(text, site)
    places = {
        name: place
        for place, charger in enumerate(site.chargers)
        # Another device may have the identity of one that is declared with its UUID.
        for name in (charger.uuid.lower() if charger.uuid else charger.key,)
    }
    items: list[NewItem] = []
    others: list[Live] = []
    for item in new:
        place = places.get(item.charger, places.get(item.identity or ""))
        if place is None:
            others.append(item)
        else:
            value, comment = _describe_connector(item, live)
            items.append(NewItem(("chargers", place, "connectors"), value, comment))
    names = {group.group_id: group.name for group in site.all_groups if group.group_id is not None}
    if live.groups:
        names.setdefault(live.groups[0].id, site.root.name)
    used = {live.group_of.get(item.charger) for item in others}
    missing = [group.id for group in live.groups if group.id in used and group.id not in names]
    taken = {group.name for group in site.all_groups}
    added_groups = _add_groups(live, names, missing, taken)
    if added_groups and not site.groups:
        items.append(NewItem(("groups",), {"name": site.root.name, "group_id": live.groups[0].id}))
    items += added_groups
    # The default group of the file, where it has one, is not the group of every new charger.
    explicit_root = site.root.name if site.defaults.group else None
    unique = _find_unique(
        others, {name for charger in site.chargers for name in (charger.key, charger.second_key) if name}
    )
    items += _list_chargers(live, others, names, unique, root_name=explicit_root)
    changed = append_items(text, items, file)
    notes = _note_groups(live, others)
    return SiteText(changed, parse_site(changed, file), [item.name for item in new], notes)


def _note_groups(live: LiveSite, connectors: Iterable[Live]) -> list[str]:
    """Say which chargers have no group in the file because Plugchoice does not tell it."""
    names = {
        item.charger: item.identity or item.charger for item in connectors if not live.has_known_group(item.charger)
    }
    if not names:
        return []
    chargers = list_some([printable(name, 60) for name in names.values()], 10)
    reason = f" ({live.group_problem})" if live.group_problem else ""
    return [f"group of {chargers}: Plugchoice does not tell it{reason}; set group of each in the file"]


def _add_groups(live: LiveSite, names: dict[int, str], missing: Iterable[int], taken: set[str]) -> list[NewItem]:
    """Name the missing groups and those above them, and make their items."""
    above = {group.id: group.group_id for group in live.groups}
    wanted: set[int] = set()
    for number in missing:
        at: int | None = number
        while at is not None and at not in names and at not in wanted:
            wanted.add(at)
            at = above.get(at)
    for number in wanted:
        name = f"group-{number}"
        while name in taken:
            name += "-live"
        taken.add(name)
        names[number] = name
    known = {group.id for group in live.groups} - wanted
    return _list_groups(live, names, known)


def _list_groups(live: LiveSite, names: Mapping[int, str], known: set[int]) -> list[NewItem]:
    items = []
    for group in live.groups:
        if group.id in known:
            continue
        value: dict[str, Any] = {"name": names[group.id], "group_id": group.id}
        if group.group_id is not None:
            value["parent"] = names[group.group_id]
            if group.total_amps is not None:
                value["fuse_amps"] = group.total_amps
        items.append(NewItem(("groups",), value))
    return items


def _find_unique(connectors: Iterable[Live], taken: set[str]) -> set[str]:
    """Find the identities that can name a charger in a site file."""
    chargers: dict[str, set[str]] = {}
    for item in connectors:
        if item.identity:
            chargers.setdefault(item.identity, set()).add(item.charger)
    return {
        identity
        for identity, uuids in chargers.items()
        if len(uuids) == 1
        and identity not in taken
        and len(identity) <= _LONGEST_IDENTITY
        and not is_uuid(identity)
        and judge("charger", identity) is None
    }


def _list_chargers(
    live: LiveSite,
    connectors: Iterable[Live],
    names: Mapping[int, str],
    unique: set[str],
    *,
    root_name: str | None = None,
) -> list[NewItem]:
    """Make the items of chargers, in order.

    Args:
        live: the site.
        connectors: those of the chargers, one charger after the other.
        names: of the groups, by number.
        unique: the identities that can name a charger.
        root_name: name of the root group where it has to be written, too.
    """
    items = []
    for uuid, group in groupby(connectors, key=lambda item: item.charger):
        own = list(group)
        identity = own[0].identity
        charger = live.chargers.get(uuid)
        reference = printable((charger and charger.reference) or "", 60)
        value: dict[str, Any] = {}
        if identity in unique:
            if reference and reference != identity:
                value["label"] = reference
            value["identity"] = identity
        elif reference or identity:
            value["label"] = reference or printable(identity, 60)
        value["uuid"] = uuid
        number = live.group_of.get(uuid)
        is_root = number is None or (bool(live.groups) and number == live.groups[0].id)
        name = root_name if is_root else names[number or 0]
        if name:
            value["group"] = name
        described = [_describe_connector(item, live) for item in own]
        value["connectors"] = [connector for connector, _ in described]
        comments = {place: comment for place, (_, comment) in enumerate(described) if comment}
        outside = "in no load-balancing group of Plugchoice" if live.group_of and number is None else ""
        if not live.has_known_group(uuid):
            outside = "its load-balancing group is not known: to count it there, set group"
        items.append(NewItem(("chargers",), value, outside, comments))
    return items


def _describe_connector(item: Live, live: LiveSite) -> tuple[dict[str, Any], str]:
    """Return the entry of a connector, and what somebody has to decide before it can be managed."""
    connector = item.connector
    entry: dict[str, Any] = {"connector_id": connector.connector_id}
    settings = read_settings(connector)
    readiness = live.judge(item)
    if readiness == "set":
        return entry | settings, ""
    entry["managed"] = False
    if readiness == "DC":
        entry["dc"] = True
        return entry, "DC: to count it, set ac_input_amps of the charger (A per line, from its data sheet)"
    if readiness == "not set":
        return entry, "not set in Plugchoice: to manage it, set both settings as wired, and remove managed"
    shown = [
        f"{name} is {show(name, value)}" + ("" if value is None or is_accepted(name, value) else " (not valid)")
        for name, value in settings.items()
    ]
    return entry, f"{', '.join(shown)} in Plugchoice: to manage it, set both as wired, and remove managed"
