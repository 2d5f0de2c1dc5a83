"""The form of a site that `PhaseBalance` stores, and the installation built from it and the live connectors.

Connectors are stored by charger, never by position or label, so re-ordering a file or changing a label changes nothing.
A public format: it is in every user's state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._text import is_uuid, printable
from pulumi_plugchoice.electrical.figures import Group, Installation, Point, Triple
from pulumi_plugchoice.electrical.limits import Limits
from pulumi_plugchoice.electrical.rotations import PHASE_ROTATIONS
from pulumi_plugchoice.electrical.site_warnings import ChargerFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pulumi_plugchoice.runtime.live import Live

    from .model import SiteFile

Props = dict[str, Any]
Values = tuple[str | None, int | None]

#: The declared properties. All others are computed from them and from live connectors.
DECLARED: Final[tuple[str, ...]] = (
    "site",
    "net_type",
    "neutral",
    "main_fuse_amps",
    "safety_margin_percent",
    "building_amps",
    "limits",
    "groups",
    "chargers",
    "connectors",
    "unmanaged",
    "restored",
    "dc",
)


def make_definition(site: SiteFile) -> Props:
    """Make the stored form of a site file. Labels, plans and order are not part of it."""
    peak = site.building_peak_amps
    root = site.root.name
    definition: Props = {
        "site": site.site.lower(),
        "net_type": site.supply.net_type,
        "neutral": site.has_neutral,
        "main_fuse_amps": site.supply.main_fuse_amps,
        "safety_margin_percent": site.supply.safety_margin_percent,
        "building_amps": {} if peak is None else {"l1": peak.L1, "l2": peak.L2, "l3": peak.L3},
        "limits": {name: value for name, value in site.limits.model_dump().items() if value},
        "groups": {
            group.name: _drop_none(
                group_id=group.group_id,
                parent=None if group.name == root else group.parent or root,
                fuse_amps=None if group.name == root else group.fuse_amps,
            )
            for group in site.all_groups
        },
        "chargers": {
            charger.key: _drop_none(
                group=site.group_of(charger),
                breaker_amps=site.breaker_of(charger),
                ac_input_amps=charger.ac_input_amps,
                max_current=charger.max_current,
                uuid=charger.second_key,
            )
            for charger in site.chargers
        },
        "connectors": {},
        "unmanaged": [],
        "restored": [],
    }
    for charger in site.chargers:
        for connector in charger.connectors:
            name = f"{charger.key}/{connector.connector_id}"
            if connector.managed:
                amps = site.amps_of(charger, connector)
                definition["connectors"][name] = format_settings(connector.phase_rotation, amps)
                if site.on_destroy_of(charger, connector) == "restore":
                    definition["restored"].append(name)
            else:
                definition["unmanaged"].append(name)
    definition["unmanaged"].sort()
    definition["restored"].sort()
    dc = sorted(
        f"{charger.key}/{item.connector_id}" for charger in site.chargers for item in charger.connectors if item.dc
    )
    # Only where there is one: all other states stay as they are.
    return {**definition, "dc": dc} if dc else definition


def _drop_none(**values: Any) -> Props:
    return {name: value for name, value in values.items() if value is not None}


def format_settings(rotation: str | None, amps: int | None) -> str:
    """Format settings as the state and a preview show them: `RST 16 A`, `RST`, `16 A`."""
    return " ".join(part for part in (rotation, None if amps is None else f"{amps} A") if part)


def parse_settings(text: str) -> Values:
    words = text.removesuffix(" A").split()
    rotation = words[0] if words and not words[0].isdecimal() else None
    amps = int(words[-1]) if words and words[-1].isdecimal() else None
    return rotation, amps


@dataclass(frozen=True)
class Tally:
    """An installation, and which connectors are in it.

    Attributes:
        installation: the electrical side of the site.
        counted_live: settings of the connectors that count with a live value, by name.
        not_counted: the connectors that do not count, each with the reason.
    """

    installation: Installation
    counted_live: dict[str, str]
    not_counted: list[str]


class LiveValues:
    """The live connectors of a site, by their name in the site file: identity or UUID, and number.

    Args:
        found: those that can be used.
        invalid: why the others cannot, by name.
    """

    def __init__(self, found: Iterable[Live], invalid: Mapping[str, str] | None = None) -> None:
        self._by_name: dict[str, Live] = {}
        self.all = list(found)
        self.invalid = dict(invalid or {})
        # Of two chargers with one identity the one with the lower current counts as declared, so no sum is too low.
        ordered = sorted(self.all, key=lambda live: live.connector.max_amperage or 0, reverse=True)
        self._by_name |= {f"{live.identity}/{live.connector.connector_id}": live for live in ordered if live.identity}
        # Last: the identity of a charger may be the UUID of another one.
        self._by_name |= {f"{live.charger}/{live.connector.connector_id}": live for live in ordered}

    def get(self, name: str) -> Live | None:
        return self._by_name.get(_normalize(name))

    def list_others(self, names: Iterable[str]) -> list[Live]:
        """Return the connectors of the site that have none of these names."""
        known = {id(live) for name in names if (live := self.get(name))}
        return [live for live in self.all if id(live) not in known]


def _normalize(name: str) -> str:
    charger, _, number = name.rpartition("/")
    return f"{charger.lower() if is_uuid(charger) else charger}/{number}"


def replace_settings(properties: Mapping[str, Any], live: LiveValues) -> Props:
    """Return the stored definition with live settings. A setting that was never set live stays as declared."""
    definition: Props = {name: properties[name] for name in DECLARED if name in properties}
    connectors = {}
    for name, text in definition.get("connectors", {}).items():
        rotation, amps = parse_settings(text)
        found = live.get(name)
        if found:
            # A setting that is not declared is unmanaged and stays out.
            current = _merge(_read_live(found), (rotation, amps))
            rotation, amps = (rotation and current[0], amps and current[1])
        connectors[name] = format_settings(rotation, amps)
    definition["connectors"] = connectors
    return definition


def build_installation(definition: Mapping[str, Any], live: LiveValues | None, *, prefer_live: bool = False) -> Tally:
    """Build the installation from the declared settings or from the live ones.

    Args:
        definition: as `make_definition` returns it.
        live: the live connectors; None when they cannot be read. Then only declared settings count.
        prefer_live: take a live value where there is one, and the declared value elsewhere. Else the other way round.
    """
    groups = _build_groups(definition)
    chargers = definition.get("chargers", {})
    points: list[Point] = []
    tally = Tally(
        Installation(
            definition["net_type"],
            definition["neutral"],
            definition.get("safety_margin_percent", 0),
            groups,
            (),
            _sum_base(definition, groups[0].name),
        ),
        counted_live={},
        not_counted=[],
    )
    known = {*definition.get("connectors", {}), *definition.get("unmanaged", ())}
    for name, found in _pair_connectors(definition, live):
        charger, _, number = name.rpartition("/")
        facts = chargers.get(charger, {})
        declared = parse_settings(definition["connectors"].get(name, ""))
        power_type = _get_power_type(definition, name, found)
        if "ac_input_amps" in facts and not _is_ac(declared, power_type):
            # A DC connector: `ac_input_amps` is in the base. One that nobody declares is named nevertheless.
            if name not in known:
                tally.not_counted.append(_exclude(name, "DC, its charger has ac_input_amps"))
            continue
        current = _read_live(found)
        rotation, amps = _merge(current, declared) if prefer_live else _merge(declared, current)
        is_dc = power_type == "DC"
        reason = "DC, without ac_input_amps" if is_dc else _explain_exclusion(rotation, amps, is_live=found is not None)
        if reason or rotation is None or amps is None:
            tally.not_counted.append(_exclude(name, reason))
            continue
        points.append(Point(charger, int(number), rotation, amps, facts.get("group", groups[0].name)))
        if None in declared:
            tally.counted_live[printable(name, 60)] = format_settings(rotation, amps)
    named = {printable(name, 60) for name in known}
    for text, reason in (live.invalid if live else {}).items():
        if text not in named:
            tally.not_counted.append(_exclude(text, f"invalid in Plugchoice: {reason}"))
    return replace(tally, installation=replace(tally.installation, points=tuple(points)))


def _pair_connectors(definition: Mapping[str, Any], live: LiveValues | None) -> list[tuple[str, Live | None]]:
    """List all connectors of the file and of the site by name, each with its live values."""
    names = sorted((*definition.get("connectors", {}), *definition.get("unmanaged", ())))
    pairs = [(name, live.get(name) if live else None) for name in names]
    chargers = definition.get("chargers", {})
    taken = set(names)
    for other in live.list_others(names) if live else ():
        charger = next((key for key in (other.identity, other.charger) if key in chargers), None)
        number = other.connector.connector_id
        name = other.name if charger is None else f"{charger}/{number}"
        # Two chargers may have one identity. Only one of them is declared by it, or recorded.
        name = f"{other.charger}/{number}" if name in taken else name
        taken.add(name)
        pairs.append((name, other))
    return pairs


def _read_live(found: Live | None) -> Values:
    return (found.connector.phase_rotation, found.connector.max_amperage) if found else (None, None)


def _merge(first: Values, second: Values) -> Values:
    return (
        first[0] if first[0] is not None else second[0],
        first[1] if first[1] is not None else second[1],
    )


def _get_power_type(definition: Mapping[str, Any], name: str, found: Live | None) -> str | None:
    """Return the power type that Plugchoice tells; `DC` is declared where it tells none."""
    live = found.connector.power_type if found else None
    return live or ("DC" if name in definition.get("dc", ()) else None)


def _is_ac(declared: Values, power_type: str | None) -> bool:
    """Whether a connector of a DC charger is an AC socket: its power type says so, or a rotation is declared."""
    return power_type != "DC" and (declared[0] is not None or (power_type or "").startswith("AC"))


def _explain_exclusion(rotation: str | None, amps: int | None, *, is_live: bool) -> str:
    """Explain why an AC connector does not count; empty when it does. The text is stored in the state."""
    if rotation is None or amps is None:
        return "never set in Plugchoice" if is_live else "live values not known"
    if amps < 0:
        return f"{amps} A in Plugchoice is not a maximum current"
    if rotation not in PHASE_ROTATIONS:
        return f"{printable(rotation, 30)!r} in Plugchoice is not a phase rotation"
    return ""


def _build_groups(definition: Mapping[str, Any]) -> tuple[Group, ...]:
    """Build the groups, the root first. The fuse of the root is the main fuse."""
    stored = definition["groups"]
    root = next(name for name, group in stored.items() if "parent" not in group)
    others = [
        Group(name, group["parent"], group.get("fuse_amps"), group.get("group_id"))
        for name, group in sorted(stored.items())
        if name != root
    ]
    return (Group(root, None, definition["main_fuse_amps"], stored[root].get("group_id")), *others)


def _sum_base(definition: Mapping[str, Any], root: str) -> dict[str, Triple]:
    """Add up all loads besides AC charging (A per line), by group: the building and the DC chargers."""
    building = definition.get("building_amps", {})
    base: dict[str, Triple] = {}
    if building:
        base[root] = (building["l1"], building["l2"], building["l3"])
    for facts in definition.get("chargers", {}).values():
        amps = facts.get("ac_input_amps")
        if amps:
            l1, l2, l3 = base.get(facts["group"], (0, 0, 0))
            base[facts["group"]] = (l1 + amps, l2 + amps, l3 + amps)
    return base


def find_new_connectors(stored: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, str]:
    """Find the connectors on the site that are neither declared nor in the stored properties.

    Args:
        stored: the stored properties of `PhaseBalance`.
        properties: the new ones, as `make_properties` returns them.

    Returns:
        By name, the settings with which a connector counts, or the reason why it does not.
    """
    known = {printable(name, 60) for kind in ("connectors", "unmanaged") for name in properties.get(kind, ())}
    known |= _list_live(stored).keys()
    return {name: text for name, text in _list_live(properties).items() if name not in known}


def drop_connectors(properties: Mapping[str, Any], names: Iterable[str]) -> Props:
    """Return the properties as if these live connectors were not recorded. The figures stay."""
    names = set(names)
    return {
        **properties,
        "counted_live": {name: text for name, text in properties["counted_live"].items() if name not in names},
        "not_counted": [text for text in properties["not_counted"] if _split_reason(text)[0] not in names],
    }


def _list_live(properties: Mapping[str, Any]) -> dict[str, str]:
    """The recorded live connectors: those that count, and those that do not."""
    return {
        **dict(_split_reason(text) for text in properties.get("not_counted", ())),
        **properties.get("counted_live", {}),
    }


def _exclude(name: str, reason: str) -> str:
    """Format a connector that does not count; `_split_reason` reads it."""
    return f"{printable(name, 60)} ({reason.replace(' (', ', ')})"


def _split_reason(text: str) -> tuple[str, str]:
    name, _, reason = text.removesuffix(")").rpartition(" (")
    return name, reason


def parse_limits(definition: Mapping[str, Any]) -> Limits:
    limits = dict(definition.get("limits", {}))
    return Limits(**{**limits, "presets": tuple(limits.get("presets", ()))})


def find_wrong_dc(definition: Mapping[str, Any], live: LiveValues | None) -> list[str]:
    """Find the connectors that are declared as DC, and are not in Plugchoice; one line each."""
    pairs = [(name, live.get(name) if live else None) for name in definition.get("dc", ())]
    types = [(name, found.connector.power_type) for name, found in pairs if found]
    return [
        f"{printable(name, 60)}: dc is declared, but the connector is {printable(power_type, 30)} in Plugchoice"
        for name, power_type in types
        if power_type not in (None, "DC")
    ]


def collect_facts(definition: Mapping[str, Any], live: LiveValues | None) -> list[ChargerFacts]:
    """Collect the facts about each charger of the file that its warnings depend on."""
    connectors: dict[str, dict[int, Live | None]] = {}
    for name, found in _pair_connectors(definition, live):
        charger, _, number = name.rpartition("/")
        connectors.setdefault(charger, {})[int(number)] = found
    return [
        _make_facts(charger, declared, definition, connectors.get(charger, {}))
        for charger, declared in sorted(definition.get("chargers", {}).items())
    ]


def _make_facts(
    charger: str, declared: Mapping[str, Any], definition: Mapping[str, Any], found: Mapping[int, Live | None]
) -> ChargerFacts:
    settings = definition["connectors"]
    sockets = {}
    for number, live in sorted(found.items()):
        sockets[number] = _merge(parse_settings(settings.get(f"{charger}/{number}", "")), _read_live(live))
    return ChargerFacts(
        charger=charger,
        breaker_amps=declared.get("breaker_amps"),
        max_current=declared.get("max_current"),
        ac_input_amps=declared.get("ac_input_amps"),
        power_types={
            number: _get_power_type(definition, f"{charger}/{number}", live) for number, live in found.items()
        },
        sockets=sockets,
    )
