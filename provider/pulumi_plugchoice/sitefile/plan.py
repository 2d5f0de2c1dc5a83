"""A plan for a site file: computed, written into the file as `planned_rotation`, and taken over once it is wired.

`phase_rotation` is what is wired, and only `take_over` changes it, for a charger that somebody says was rewired.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.electrical import planner
from pulumi_plugchoice.electrical.rotations import shift_rotation
from pulumi_plugchoice.errors import PlugchoiceError

from .definition import counted, definition_of
from .model import SiteFile, load_site
from .yaml_text import parse, with_values

if TYPE_CHECKING:
    from pulumi_plugchoice.electrical.planner import Plan, Visit

    from .model import ChargerEntry


def plan_rotation(site: SiteFile | str | Path) -> Plan:
    """Which chargers to rewire so that one-phase cars spread over the building lines; see `planner.py`.

    Computed from what the file declares; connectors without both settings in it are not part of a plan.

    Args:
        site: a site, or the path of its file.

    Raises:
        SiteFileError: the file has mistakes.
    """
    site = site if isinstance(site, SiteFile) else load_site(site)
    fixed = {charger.key for charger in site.chargers if not charger.rewirable}
    return planner.plan_rotation(counted(definition_of(site), None).installation, fixed)


def with_plan(path: str | Path, plan: Plan) -> str:
    """The text of a site file with `planned_rotation` where the plan rewires, and nowhere else.

    Comments, order and layout stay, and so does `phase_rotation`.
    """
    site = load_site(path)
    # All sockets of a charger are on one cable: one that is not counted turns with the others.
    steps = {visit.charger: _steps_of(visit) for visit in plan.visits}
    changes: dict[tuple[str | int, ...], str | None] = {}
    for place, charger in enumerate(site.chargers):
        for number, connector in enumerate(charger.connectors):
            rotation = connector.phase_rotation
            turn = steps.get(charger.key, 0)
            wanted = shift_rotation(rotation, turn) if rotation and turn else None
            if wanted != connector.planned_rotation:
                changes["chargers", place, "connectors", number, "planned_rotation"] = wanted
    return with_values(_text(path), changes)


def take_over(path: str | Path, charger: str) -> str:
    """The text of a site file after a charger was rewired: its planned rotations are the actual ones.

    Args:
        path: of the site file.
        charger: its identity, UUID or label.

    Raises:
        PlugchoiceError: the file has no such charger, or it has no plan.
    """
    site = load_site(path)
    found = [place for place, item in enumerate(site.chargers) if charger in (item.identity, item.uuid, item.label)]
    if len(found) != 1:
        what = "no charger" if not found else f"{len(found)} chargers"
        names = ", ".join(printable(item.key, 45) for item in site.chargers if _has_plan(item)) or "none"
        raise PlugchoiceError(
            f"{printable(path)} has {what} called {printable(charger, 60)!r}; chargers with a plan: {names}"
        )
    item = site.chargers[found[0]]
    if not _has_plan(item):
        raise PlugchoiceError(f"{printable(path)}: charger {printable(item.key, 60)} has no planned_rotation")
    changes: dict[tuple[str | int, ...], str | None] = {}
    for number, connector in enumerate(item.connectors):
        if connector.planned_rotation is not None:
            changes["chargers", found[0], "connectors", number, "phase_rotation"] = connector.planned_rotation
            changes["chargers", found[0], "connectors", number, "planned_rotation"] = None
    return with_values(_text(path), changes)


def _steps_of(visit: Visit) -> int:
    number, before = next(iter(visit.before.items()))
    return next(step for step in range(3) if shift_rotation(before, step) == visit.after[number])


def _has_plan(charger: ChargerEntry) -> bool:
    return any(connector.planned_rotation is not None for connector in charger.connectors)


def _text(path: str | Path) -> str:
    # Line ends as they are: what is written back must differ in nothing else.
    text = Path(path).read_bytes().decode("utf-8")
    if parse(text.removeprefix("\ufeff")).problems:
        raise PlugchoiceError(f"{printable(path)} has changed while it was read: try again")
    return text
