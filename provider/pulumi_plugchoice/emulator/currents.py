"""The currents through connectors and meters. They follow the real wiring, whatever phase rotation is declared.

With a neutral, terminal n of a connector loads the line that feeds it. Without one (`net_type` IT), a car that draws on
one terminal is connected between two lines, and currents add as vectors. Power factor 1, 230 V.
"""

from __future__ import annotations

import cmath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .inventory import Connector, Group, Inventory, Site

LINES = "RST"
VOLTS = 230
Triple = tuple[float, float, float]
ZERO: Triple = (0.0, 0.0, 0.0)
Unit = Literal["A", "mA", "W"]
# The direction of each line's voltage.
_VECTOR = {line: cmath.rect(1, -2 * cmath.pi / 3 * place) for place, line in enumerate(LINES)}


@dataclass
class Circuit:
    """How a connector is wired to the building, and what a car draws from it.

    Attributes:
        wired: the building lines that feed the terminals. The declared phase rotation may differ; a PUT does not
            change this.
        amps: A on the terminals L1, L2, L3; None: the connector's status decides.
        reports: whether the charger reports its currents by terminal, or by building line.
        has_readings: False: the charger reports "-".
    """

    wired: str
    amps: Triple | None = None
    reports: Literal["terminals", "lines"] = "terminals"
    has_readings: bool = True


@dataclass
class Meter:
    """The meter of a group; `base_amps` is what the rest of the building draws. Negative: it feeds into the grid."""

    id: int
    uuid: str
    type: str
    created_at: str
    updated_at: str
    base_amps: Triple = ZERO
    unit: Unit = "mA"
    has_readings: bool = True


def terminal_amps(one: Connector, circuit: Circuit) -> Triple:
    """A on the connector's terminals; 0 on a terminal without a wire."""
    amps = circuit.amps
    if amps is None:
        whole = float(one.max_amperage or 16) if one.status == "Charging" else 0.0
        amps = (whole, 0.0, 0.0) if one.power_type == "AC_1_PHASE" else (whole, whole, whole)
    first, second, third = (value if place < len(circuit.wired) else 0.0 for place, value in enumerate(amps))
    return first, second, third


def charger_reading(one: Connector, circuit: Circuit) -> Triple | None:
    """A as the charger reports them under L1, L2, L3; None: it has no reading."""
    if not circuit.has_readings:
        return None
    amps = terminal_amps(one, circuit)
    if circuit.reports == "terminals":
        return amps
    by_line = dict(zip(circuit.wired, amps, strict=False))
    return by_line.get("R", 0.0), by_line.get("S", 0.0), by_line.get("T", 0.0)


def meter_amps(meter: Meter, inventory: Inventory, site: Site, group: Group) -> Triple:
    """A on the building's lines L1, L2, L3 at the meter of a group, the groups below it included."""
    total = {line: base * _VECTOR[line] for line, base in zip(LINES, meter.base_amps, strict=True)}
    groups = _group_tree(site, group)
    for charger in site.chargers:
        if charger.group in groups:
            for one in charger.connectors:
                circuit = inventory.circuits[one.id]
                for line, current in _currents(terminal_amps(one, circuit), circuit.wired, group.net_type):
                    total[line] += current
    first, second, third = (_signed(total[line], _VECTOR[line]) for line in LINES)
    return first, second, third


def _currents(amps: Triple, wired: str, net_type: str | None) -> Iterator[tuple[str, complex]]:
    """What a connector adds to each line, as vectors."""
    if net_type == "IT" and amps[0] and not any(amps[1:]):
        out = wired[0]
        back = wired[1] if len(wired) > 1 else LINES[(LINES.index(out) + 1) % 3]
        vector = _VECTOR[out] - _VECTOR[back]
        current = amps[0] * vector / abs(vector)
        yield out, current
        yield back, -current
        return
    for line, value in zip(wired, amps, strict=False):
        yield line, value * _VECTOR[line]


def _group_tree(site: Site, group: Group) -> set[int]:
    """The ids of a group and of all groups below it."""
    found: set[int] = set()
    waiting = [group.id]
    while waiting:
        found.add(waiting[0])
        children = [one.id for one in site.groups if one.group_id == waiting[0]]
        # A control request can make a group its own ancestor.
        waiting = [*waiting[1:], *(child for child in children if child not in found)]
    return found


def _signed(current: complex, vector: complex) -> float:
    return abs(current) if (current / vector).real >= 0 else -abs(current)
