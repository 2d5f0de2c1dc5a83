"""A site in the form in which `PhaseBalance` stores it: what the file declares, by charger and never by place or label.

From it, and from live connectors, comes the `Installation` that `phases.py` computes with. Re-ordering a site file or
renaming a label does not change this form. A public format: it is in every user's state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._text import is_uuid, printable
from pulumi_plugchoice.electrical.figures import Group, Installation, Point, Triple
from pulumi_plugchoice.electrical.limits import ChargerFacts, Limits
from pulumi_plugchoice.electrical.rotations import LINES, PHASE_ROTATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pulumi_plugchoice.runtime.live import Live

    from .model import SiteFile

Props = dict[str, Any]
Values = tuple[str | None, int | None]

#: The parts of the stored form that are declared; everything else in it is computed from these and live connectors.
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
)


def definition_of(site: SiteFile) -> Props:
    """What a site file declares, without labels, plans and order."""
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
            group.name: _given(
                group_id=group.group_id,
                parent=None if group.name == root else group.parent or root,
                fuse_amps=None if group.name == root else group.fuse_amps,
            )
            for group in site.all_groups
        },
        "chargers": {
            charger.key: _given(
                group=site.group_of(charger),
                breaker_amps=site.breaker_of(charger),
                ac_input_amps=charger.ac_input_amps,
                max_current=charger.max_current,
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
                definition["connectors"][name] = as_text(connector.phase_rotation, site.amps_of(charger, connector))
                if site.on_destroy_of(charger, connector) == "restore":
                    definition["restored"].append(name)
            else:
                definition["unmanaged"].append(name)
    definition["unmanaged"].sort()
    definition["restored"].sort()
    return definition


def _given(**values: Any) -> Props:
    return {name: value for name, value in values.items() if value is not None}


def as_text(rotation: str | None, amps: int | None) -> str:
    """Settings as the state and a preview show them: `RST 16 A`, `RST`, `16 A`."""
    return " ".join(part for part in (rotation, None if amps is None else f"{amps} A") if part)


def from_text(text: str) -> Values:
    """The settings in such a text."""
    words = text.removesuffix(" A").split()
    rotation = words[0] if words and not words[0].isdecimal() else None
    amps = int(words[-1]) if words and words[-1].isdecimal() else None
    return rotation, amps


@dataclass(frozen=True)
class Counted:
    """An installation, and how its points came about.

    Attributes:
        installation: what the figures are computed from.
        live: connectors that are not managed and are counted with live values: name to text.
        left_out: connectors that are not counted, each with the reason.
        assumed: managed connectors whose live values are not known; their declared ones stand in.
    """

    installation: Installation
    live: dict[str, str]
    left_out: list[str]
    assumed: list[str]


class LiveValues:
    """Live connectors of a site, to be found by the name that the site file gives: identity or UUID, and number."""

    def __init__(self, found: Iterable[Live]) -> None:
        self._by_name: dict[str, Live] = {}
        self.all = list(found)
        for live in self.all:
            for charger in (live.charger, live.identity):
                if charger:
                    self._by_name[f"{charger}/{live.connector.connector_id}"] = live

    def get(self, name: str) -> Live | None:
        """The live connector of that name, or None."""
        return self._by_name.get(_key(name))

    def others(self, names: Iterable[str]) -> list[Live]:
        """The site's connectors that none of `names` stands for."""
        known = {id(live) for name in names if (live := self.get(name))}
        return [live for live in self.all if id(live) not in known]


def _key(name: str) -> str:
    charger, _, number = name.rpartition("/")
    return f"{charger.lower() if is_uuid(charger) else charger}/{number}"


def counted(definition: Mapping[str, Any], live: LiveValues | None, *, as_live: bool = False) -> Counted:
    """The installation as declared, or as it is now.

    Args:
        definition: as `definition_of` gives it.
        live: the site's connectors; None when they are not to be had: what is not declared is then left out.
        as_live: let live values win over declared ones.
    """
    groups = _groups(definition)
    count = _Count(as_live=as_live)
    chargers = definition.get("chargers", {})
    for name, found in _named(definition, live):
        facts = chargers.get(name.rpartition("/")[0], {})
        declared = from_text(definition["connectors"].get(name, ""))
        if "ac_input_amps" in facts and not _is_ac(declared, found):
            continue  # counted with the base: what a DC connector gives is not what its charger takes
        count.add(name, declared, found, facts.get("group", groups[0].name))
    installation = Installation(
        definition["net_type"],
        definition["neutral"],
        definition.get("safety_margin_percent", 0),
        groups,
        tuple(count.points),
        _base(definition, groups[0].name),
    )
    return Counted(installation, count.live, count.left_out, count.assumed)


def _named(definition: Mapping[str, Any], live: LiveValues | None) -> list[tuple[str, Live | None]]:
    """All connectors by the name that the file gives or would give them: its own, and others of the site."""
    names = sorted((*definition.get("connectors", {}), *definition.get("unmanaged", ())))
    named = [(name, live.get(name) if live else None) for name in names]
    chargers = definition.get("chargers", {})
    for other in live.others(names) if live else ():
        charger = next((key for key in (other.identity, other.charger) if key in chargers), None)
        name = other.name if charger is None else f"{charger}/{other.connector.connector_id}"
        named.append((name, other))
    return named


def _is_ac(declared: Values, found: Live | None) -> bool:
    """Whether a connector of a DC charger is an AC socket beside it: Plugchoice says so, or letters are declared."""
    kind = found.connector.power_type if found else None
    return kind != "DC" and (declared[0] is not None or (kind or "").startswith("AC"))


class _Count:
    """Connectors on their way to points."""

    def __init__(self, *, as_live: bool) -> None:
        self._as_live = as_live
        self.points: list[Point] = []
        self.live: dict[str, str] = {}
        self.left_out: list[str] = []
        self.assumed: list[str] = []

    def add(self, name: str, declared: Values, found: Live | None, group: str) -> None:
        """Count one connector, or say why not."""
        shown = printable(name, 60)
        if found and found.connector.power_type == "DC":
            self.left_out.append(f"{shown} (DC, without ac_input_amps)")
            return
        now: Values = (found.connector.phase_rotation, found.connector.max_amperage) if found else (None, None)
        first, second = (now, declared) if self._as_live else (declared, now)
        rotation = first[0] if first[0] is not None else second[0]
        amps = first[1] if first[1] is not None else second[1]
        if rotation is None or amps is None:
            self.left_out.append(f"{shown} ({'never set in Plugchoice' if found else 'live values not known'})")
            return
        if rotation not in PHASE_ROTATIONS:
            self.left_out.append(f"{shown} ({printable(rotation, 30)!r} in Plugchoice is no phase rotation)")
            return
        if self._as_live and declared != (None, None) and None in now:
            self.assumed.append(shown)
        charger, _, number = name.rpartition("/")
        self.points.append(Point(charger, int(number), rotation, amps, group))
        if None in declared:
            self.live[shown] = as_text(rotation, amps)


def _groups(definition: Mapping[str, Any]) -> tuple[Group, ...]:
    """The groups, the root first; its fuse is the main one."""
    stored = definition["groups"]
    root = next(name for name, group in stored.items() if "parent" not in group)
    others = [
        Group(name, group["parent"], group.get("fuse_amps")) for name, group in sorted(stored.items()) if name != root
    ]
    return (Group(root, None, definition["main_fuse_amps"]), *others)


def _base(definition: Mapping[str, Any], root: str) -> dict[str, Triple]:
    """A per line that are there besides AC charging: the building, and what DC chargers take."""
    building = definition.get("building_amps", {})
    base: dict[str, Triple] = {}
    if building:
        base[root] = (building["l1"], building["l2"], building["l3"])
    for facts in definition.get("chargers", {}).values():
        taken = facts.get("ac_input_amps")
        if taken:
            there = base.get(facts["group"], (0, 0, 0))
            base[facts["group"]] = (there[0] + taken, there[1] + taken, there[2] + taken)
    return base


#: `single_phase_l1` and so on: how the three lines are named in the stored figures.
LINE_KEYS: Final = tuple(f"l{number}" for number, _ in enumerate(LINES, 1))


def limits_of(definition: Mapping[str, Any]) -> Limits:
    """The limits of a stored definition."""
    given = dict(definition.get("limits", {}))
    return Limits(**{**given, "presets": tuple(given.get("presets", ()))})


def facts_of(definition: Mapping[str, Any], live: LiveValues | None) -> list[ChargerFacts]:
    """What warnings need to know of each charger of the file."""
    named = _named(definition, live)
    facts = []
    for charger, declared in sorted(definition.get("chargers", {}).items()):
        found = {int(name.rpartition("/")[2]): there for name, there in named if name.rpartition("/")[0] == charger}
        numbers = sorted(found)
        sockets = {}
        for number in numbers:
            rotation, amps = from_text(definition["connectors"].get(f"{charger}/{number}", ""))
            there = found[number]
            if there is not None:
                rotation = there.connector.phase_rotation if rotation is None else rotation
                amps = there.connector.max_amperage if amps is None else amps
            sockets[number] = (rotation, amps)
        facts.append(
            ChargerFacts(
                charger=charger,
                breaker_amps=declared.get("breaker_amps"),
                max_current=declared.get("max_current"),
                ac_input_amps=declared.get("ac_input_amps"),
                power_types={number: there.connector.power_type if there else None for number, there in found.items()},
                sockets=sockets,
            )
        )
    return facts
