"""What flows through connectors and meters: the building as it is wired, whatever anybody has declared.

With a neutral, terminal n of a connector loads the line that feeds it. Without one (`net_type` IT) a car that draws on
one terminal hangs between two lines, and currents add as the arrows that they are. Power factor 1, 230 V.
"""

from __future__ import annotations

import cmath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .inventory import Connector, Group, Site, State

LINES = "RST"
VOLTS = 230
Triple = tuple[float, float, float]
ZERO: Triple = (0.0, 0.0, 0.0)
Unit = Literal["A", "mA", "W"]
# The direction of each line's voltage.
_ARROW = {line: cmath.rect(1, -2 * cmath.pi / 3 * place) for place, line in enumerate(LINES)}


@dataclass
class Circuit:
    """How a connector hangs on the building, and what a car draws from it.

    `wired` is the truth that a declared phase rotation may or may not match; a PUT does not change it. `amps` is drawn
    on the terminals L1, L2, L3; None: by the connector's status. `reports`: whether the charger tells its currents by
    terminal, or by building line because an installer has configured it so. Without `has_readings` it tells "-".
    """

    wired: str
    amps: Triple | None = None
    reports: Literal["terminals", "lines"] = "terminals"
    has_readings: bool = True


@dataclass
class Meter:
    """The meter of a group; `base_amps` is what flows besides the group's connectors. Negative: fed into the grid."""

    id: int
    uuid: str
    type: str
    created_at: str
    updated_at: str
    base_amps: Triple = ZERO
    unit: Unit = "mA"
    has_readings: bool = True


def drawn(one: Connector, circuit: Circuit) -> Triple:
    """A on the connector's terminals: a terminal without a wire has none."""
    amps = circuit.amps
    if amps is None:
        whole = float(one.max_amperage or 16) if one.status == "Charging" else 0.0
        amps = (whole, 0.0, 0.0) if one.power_type == "AC_1_PHASE" else (whole, whole, whole)
    first, second, third = (value if place < len(circuit.wired) else 0.0 for place, value in enumerate(amps))
    return first, second, third


def reported(one: Connector, circuit: Circuit) -> Triple | None:
    """A under the charger's own names L1, L2, L3; None: no reading."""
    if not circuit.has_readings:
        return None
    amps = drawn(one, circuit)
    if circuit.reports == "terminals":
        return amps
    by_line = dict(zip(circuit.wired, amps, strict=False))
    return by_line.get("R", 0.0), by_line.get("S", 0.0), by_line.get("T", 0.0)


def through(meter: Meter, state: State, site: Site, group: Group) -> Triple:
    """A on the building's lines L1, L2, L3 at the meter of a group: that of the groups below it included."""
    flow = {line: base * _ARROW[line] for line, base in zip(LINES, meter.base_amps, strict=True)}
    below = _with_those_below(site, group)
    for charger in site.chargers:
        if charger.group in below:
            for one in charger.connectors:
                circuit = state.circuits[one.id]
                for line, current in _currents(drawn(one, circuit), circuit.wired, group.net_type):
                    flow[line] += current
    first, second, third = (_signed(flow[line], _ARROW[line]) for line in LINES)
    return first, second, third


def _currents(amps: Triple, wired: str, net_type: str | None) -> Iterator[tuple[str, complex]]:
    """What a connector adds to each line, as arrows."""
    if net_type == "IT" and amps[0] and not any(amps[1:]):
        out = wired[0]
        back = wired[1] if len(wired) > 1 else LINES[(LINES.index(out) + 1) % 3]
        arrow = _ARROW[out] - _ARROW[back]
        current = amps[0] * arrow / abs(arrow)
        yield out, current
        yield back, -current
        return
    for line, value in zip(wired, amps, strict=False):
        yield line, value * _ARROW[line]


def _with_those_below(site: Site, group: Group) -> set[int]:
    found: set[int] = set()
    waiting = [group.id]
    while waiting:
        found.add(waiting[0])
        children = [one.id for one in site.groups if one.group_id == waiting[0]]
        # A control request may have made a group its own parent.
        waiting = [*waiting[1:], *(child for child in children if child not in found)]
    return found


def _signed(current: complex, arrow: complex) -> float:
    return abs(current) if (current / arrow).real >= 0 else -abs(current)
