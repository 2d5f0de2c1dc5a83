"""The wiring plan of a site file: computed, written into the file, and taken over after the rewiring.

A plan is written as `planned_rotation`. `phase_rotation` is the rotation as wired; only `mark_rewired` changes it, for
a charger that was rewired.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_plugchoice._text import list_some, printable, show_path
from pulumi_plugchoice.electrical import planner
from pulumi_plugchoice.electrical.rotations import shift_rotation
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.identities import describe_closest, show_identity

from .definition import build_installation, make_definition
from .load import load_site, load_text
from .model import SiteFile
from .yaml_edit import edit_values
from .yaml_text import KeyPath

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pulumi_plugchoice.electrical.figures import Installation
    from pulumi_plugchoice.electrical.planner import Plan, Visit

    from .model import ChargerEntry

_Changes = dict[KeyPath, "str | None"]


def plan_rotation(site: SiteFile | str | Path) -> Plan:
    """Plan which chargers to rewire so that one-phase cars spread over the building lines.

    The plan is computed from the file alone. A connector without both settings in it is not part of the plan.

    Args:
        site: a site, or the path of its file.

    Raises:
        SiteFileError: the file has mistakes.
    """
    site = site if isinstance(site, SiteFile) else load_site(site)
    fixed = {charger.key for charger in site.chargers if not charger.rewirable}
    return planner.find_plan(build_installation(make_definition(site), None).installation, fixed)


def read_plan(site: SiteFile, installation: Installation) -> Plan:
    """Return the plan that the file has as `planned_rotation`, with its visits in a good order.

    Args:
        site: the site.
        installation: the site as it is wired, as an `Assessment` has it.
    """
    planned = {
        f"{charger.key}/{connector.connector_id}": connector.planned_rotation
        for charger in site.chargers
        for connector in charger.connectors
        if connector.planned_rotation is not None
    }
    return planner.follow_plan(installation, planned)


def insert_plan(path: str | Path, plan: Plan) -> str:
    """Return the text of a site file with `planned_rotation` on every connector that the plan rewires.

    A `planned_rotation` that is not in the plan is removed. Nothing else in the text changes.
    """
    site, text = load_text(path)
    changes: _Changes = {
        ("chargers", place, "connectors", number, "planned_rotation"): wanted
        for place, number, wanted in _compare(site, plan)
    }
    return edit_values(text, changes, show_path(path))


def list_replaced_plans(site: SiteFile, plan: Plan) -> list[str]:
    """List the connectors whose earlier plan `insert_plan` replaces, one line each: `HRB-003/1: STR, now TRS`."""
    lines = []
    for place, number, wanted in _compare(site, plan):
        charger = site.chargers[place]
        connector = charger.connectors[number]
        if connector.planned_rotation is not None:
            name = printable(f"{charger.key}/{connector.connector_id}", 60)
            lines.append(f"{name}: {connector.planned_rotation}, now {wanted or 'not rewired'}")
    return lines


def _compare(site: SiteFile, plan: Plan) -> Iterator[tuple[int, int, str | None]]:
    """Yield the connectors whose `planned_rotation` is not that of the plan, by place, with that of the plan."""
    # The sockets of a charger share one cable: one that is not part of the plan is shifted with the others.
    shifts = {visit.charger: _get_shift(visit) for visit in plan.visits}
    for place, charger in enumerate(site.chargers):
        for number, connector in enumerate(charger.connectors):
            rotation = connector.phase_rotation
            shift = shifts.get(charger.key, 0)
            wanted = shift_rotation(rotation, shift) if rotation and shift else None
            if wanted != connector.planned_rotation:
                yield place, number, wanted


def mark_rewired(path: str | Path, *chargers: str) -> str:
    """Return the text of a site file with the planned rotations of chargers as their rotations.

    Args:
        path: path of the site file.
        chargers: identities, UUIDs or labels of the chargers that were rewired.

    Raises:
        PlugchoiceError: no charger has one of the names, more than one has it, or it has no plan.
    """
    site, text = load_text(path)
    changes: _Changes = {}
    for charger in chargers:
        place = _find_planned(site, charger, show_path(path))
        for number, connector in enumerate(site.chargers[place].connectors):
            if connector.planned_rotation is not None:
                changes["chargers", place, "connectors", number, "phase_rotation"] = connector.planned_rotation
                changes["chargers", place, "connectors", number, "planned_rotation"] = None
    return edit_values(text, changes, show_path(path))


def _find_planned(site: SiteFile, charger: str, file: str) -> int:
    """Return the place of the charger with that name, which has a plan."""
    name = f"'{show_identity(charger)}'"
    found = [place for place, item in enumerate(site.chargers) if charger in (item.identity, item.uuid, item.label)]
    if len(found) != 1:
        count = "no charger is" if not found else f"{len(found)} chargers are"
        planned = [printable(item.key, 45) for item in site.chargers if _has_plan(item)]
        names = [(text, None) for item in site.chargers for text in (item.identity, item.label)]
        closest = "" if found else describe_closest(charger, names)
        raise PlugchoiceError(
            f"{file}: {count} called {name}; {closest}chargers with planned_rotation: {list_some(planned)}"
        )
    if not _has_plan(site.chargers[found[0]]):
        raise PlugchoiceError(f"{file}: charger {name} has no planned_rotation; run `plugchoice plan --write` first")
    return found[0]


def _get_shift(visit: Visit) -> int:
    number, before = next(iter(visit.before.items()))
    return next(step for step in range(3) if shift_rotation(before, step) == visit.after[number])


def _has_plan(charger: ChargerEntry) -> bool:
    return any(connector.planned_rotation is not None for connector in charger.connectors)
