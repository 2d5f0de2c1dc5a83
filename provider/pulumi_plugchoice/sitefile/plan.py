"""The wiring plan of a site file: computed, written into the file, and taken over after the rewiring.

A plan is written as `planned_rotation`. `phase_rotation` is the rotation as wired; only `mark_rewired` changes it, for
a charger that was rewired.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.electrical import planner
from pulumi_plugchoice.electrical.rotations import shift_rotation
from pulumi_plugchoice.errors import PlugchoiceError

from .definition import build_installation, make_definition
from .load import load_site
from .model import SiteFile
from .yaml_edit import edit_values
from .yaml_text import KeyPath, parse

if TYPE_CHECKING:
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


def insert_plan(path: str | Path, plan: Plan) -> str:
    """Return the text of a site file with `planned_rotation` on every connector that the plan rewires.

    A `planned_rotation` that is not in the plan is removed. Nothing else in the text changes.
    """
    site = load_site(path)
    # The sockets of a charger share one cable: one that is not part of the plan is shifted with the others.
    shifts = {visit.charger: _get_shift(visit) for visit in plan.visits}
    changes: _Changes = {}
    for place, charger in enumerate(site.chargers):
        for number, connector in enumerate(charger.connectors):
            rotation = connector.phase_rotation
            shift = shifts.get(charger.key, 0)
            wanted = shift_rotation(rotation, shift) if rotation and shift else None
            if wanted != connector.planned_rotation:
                changes["chargers", place, "connectors", number, "planned_rotation"] = wanted
    return _edit(path, changes)


def mark_rewired(path: str | Path, charger: str) -> str:
    """Return the text of a site file with the planned rotations of a charger as its rotations.

    Args:
        path: path of the site file.
        charger: identity, UUID or label of the charger that was rewired.

    Raises:
        PlugchoiceError: no charger has that name, more than one has, or it has no plan.
    """
    site = load_site(path)
    file, name = printable(path), repr(printable(charger, 60))
    found = [place for place, item in enumerate(site.chargers) if charger in (item.identity, item.uuid, item.label)]
    if len(found) != 1:
        count = "no charger is" if not found else f"{len(found)} chargers are"
        planned = ", ".join(printable(item.key, 45) for item in site.chargers if _has_plan(item)) or "none"
        raise PlugchoiceError(f"{file}: {count} called {name}; chargers with planned_rotation: {planned}")
    entry = site.chargers[found[0]]
    if not _has_plan(entry):
        raise PlugchoiceError(f"{file}: charger {name} has no planned_rotation; run `plugchoice plan --write` first")
    changes: _Changes = {}
    for number, connector in enumerate(entry.connectors):
        if connector.planned_rotation is not None:
            changes["chargers", found[0], "connectors", number, "phase_rotation"] = connector.planned_rotation
            changes["chargers", found[0], "connectors", number, "planned_rotation"] = None
    return _edit(path, changes)


def _get_shift(visit: Visit) -> int:
    number, before = next(iter(visit.before.items()))
    return next(step for step in range(3) if shift_rotation(before, step) == visit.after[number])


def _has_plan(charger: ChargerEntry) -> bool:
    return any(connector.planned_rotation is not None for connector in charger.connectors)


def _edit(path: str | Path, changes: _Changes) -> str:
    # Decoded here, with the line ends of the file.
    text = Path(path).read_bytes().decode("utf-8")
    if parse(text.removeprefix("\ufeff")).findings:
        raise PlugchoiceError(f"{printable(path)}: the file changed while it was read; try again")
    return edit_values(text, changes, printable(path))
