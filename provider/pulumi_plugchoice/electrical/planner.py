"""The wiring plan: which chargers to rewire so that one-phase cars spread over the lines.

A plan is for the installer and never changes `phase_rotation`: applied before the rewiring, it would give load
balancing wrong currents.

A plan is better than another if it has, in this order: less current above any fuse; less current on the most loaded
line of the site; a smaller difference between two lines; less current on the most loaded lines of all groups; fewer
chargers to rewire. The sockets of a charger share one cable, so they are shifted together. With up to 8 chargers that
can be rewired, all plans (6,561) are compared; with more, a search finds a plan that is never worse than the declared
one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from .figures import compute_figures
from .search import Search, Visit

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from .figures import Figures, Installation

__all__ = ["MOST_ENUMERATED", "Plan", "Visit", "find_plan", "follow_plan"]

MOST_ENUMERATED: Final = 8


@dataclass(frozen=True)
class Plan:
    """The chargers to rewire, those that help most first.

    Attributes:
        rotations: rotation by connector number after all visits, for every charger.
        visits: the chargers to rewire.
        before: the figures as declared.
        after: the figures after all visits.
        is_optimal: True when all plans were compared; False when a search found this one.
    """

    rotations: Mapping[str, Mapping[int, str]]
    visits: tuple[Visit, ...]
    before: Figures
    after: Figures
    is_optimal: bool


def find_plan(installation: Installation, fixed: Collection[str] = ()) -> Plan:
    """Find the best plan. It is never worse than the declared rotations.

    Args:
        installation: the declared site.
        fixed: chargers that must not be rewired.
    """
    search = Search(installation, frozenset(fixed))
    is_optimal = len(search.units) <= MOST_ENUMERATED
    steps = search.compare_all() if is_optimal else search.improve()
    return _make_plan(installation, search, steps, is_optimal=is_optimal)


def follow_plan(installation: Installation, planned: Mapping[str, str]) -> Plan:
    """Order the visits of a plan that somebody has made.

    Args:
        installation: the declared site.
        planned: rotations by `Point.name`; a point without one keeps its own.
    """
    turned = {
        point.charger for point in installation.points if planned.get(point.name, point.rotation) != point.rotation
    }
    search = Search(installation, frozenset(), planned)
    steps = [int(unit.charger in turned) for unit in search.units]
    return _make_plan(installation, search, steps, is_optimal=False)


def _make_plan(installation: Installation, search: Search, steps: Sequence[int], *, is_optimal: bool) -> Plan:
    visits = tuple(search.order_visits(steps))
    rotations: dict[str, dict[int, str]] = {}
    taken = {unit.charger: step for unit, step in zip(search.units, steps, strict=True)}
    points = []
    for point in installation.points:
        rotation = search.turn(point, taken.get(point.charger, 0))
        rotations.setdefault(point.charger, {})[point.connector_id] = rotation
        points.append(replace(point, rotation=rotation))
    after = compute_figures(replace(installation, points=tuple(points)))
    return Plan(rotations, visits, compute_figures(installation), after, is_optimal)
