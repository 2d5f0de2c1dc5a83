"""Experimental. What current readings say about the wiring of a connector: contradicts, consistent, or none. Pure.

Only a current step of one connector that appears on the lines of its group's meter at the same moment is evidence. A
connector's own reading gives the size and the time of the step and nothing else: chargers report the order of their
terminals or another one (https://github.com/evcc-io/evcc/issues/18522 and 22543), and if the cloud sorted by the
declared rotation, a comparison would be circular. So a `Reading` holds one sum and no lines.

The same moment: readings are compared by the time at which they were measured. The meter's last reading before a step
and its first reading after it are taken, both at least `Rules.lag` away, because clocks differ and cars take some
seconds to reach their current. Between these two readings the connector is steady but for the step, and no other
connector behind the meter changes. The meter must change by what the connector changes: by all of it on one line, by
halves on two, by thirds on three. Anything else is no evidence.

What a step says when the supply has a neutral (letter n of the rotation is the line that feeds terminal Ln):

- It is on a line that the rotation does not hold: contradicts, with any car.
- It is on one line or two, and the rotation holds just these: consistent. The order of two stays open.
- It is on one line of several at the beginning of a charge: a one-phase car draws on terminal L1, so the line of the
  first letter is consistent and another line contradicts. Later in a charge it says nothing: a three-phase car may
  leave out any phase (https://github.com/evcc-io/evcc/issues/6335 has one that draws on terminals 2 and 3). A car that
  takes other lines later in the same charge is not a one-phase car.
- It is on two lines of three, or on all three: none.

Without a neutral a one-phase car is connected between two lines. For three letters it is an assumption which two, and
one letter names only one of them. So a step contradicts when it is on a line that two or three letters do not hold, or
not on the line of one letter. It is consistent with two letters when it is on just these. Otherwise there is no
evidence.

One step is evidence and not proof: a car may begin on terminal 2 alone, a building load of the same size may change at
the same moment, and a current clamp of the meter may be on the wrong line (all connectors then differ in the same way).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.electrical.figures import LEAST_AMPS, VOLTS
from pulumi_plugchoice.electrical.rotations import PHASE_ROTATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_plugchoice.electrical.figures import Triple

Verdict = Literal["contradicts", "consistent", "none"]
#: Why a verdict is what it is; of several steps the one with the earliest reason in this list decides. The first four
#: reasons belong to contradicts and consistent, the others to none.
Reason = Literal[
    "line not in the rotation",
    "line of another terminal",
    "line of terminal L1",
    "lines of the rotation",
    "steps disagree",
    "no one-phase car",
    "three lines",
    "two lines of three",
    "part of a charge",
    "no neutral",
    "several at once",
    "sizes differ",
    "no step on the meter",
    "not steady",
    "too far apart",
    "meter silent",
    "small step",
    "no step",
    "no readings",
    "meter without readings",
    "no meter",
    "no group",
    "no rotation",
    "direct current",
    "not on the site",
]
MeterUnit = Literal["A", "mA", "W"]
#: A for one of each unit that a meter may count in.
IN_AMPS: Final[Mapping[MeterUnit, float]] = {"A": 1.0, "mA": 0.001, "W": 1 / VOLTS}

#: A in all; a connector below it is idle.
IDLE: Final = 1.0
#: A on a line; a smaller step may be the building's. A car charges with `LEAST_AMPS` or more, and meters round.
LEAST_STEP: Final = LEAST_AMPS - 1.0

#: Show it once with every list of evidence.
NOTE: Final = (
    "One step is evidence, not proof: another car, a building load of the same size at the same moment, or a current "
    "clamp on the wrong line can look the same. Letters are declared, not measured; a qualified electrician decides."
)


def tolerance(amps: float) -> float:
    """The A by which two readings of one current may differ: a quarter of it, and at least 1 A.

    It covers voltage, power factor and rounding of two meters, and keeps one line, halves and thirds apart.
    """
    return max(1.0, abs(amps) / 4)


@dataclass(frozen=True)
class Reading:
    """What a connector drew.

    Attributes:
        amps: A, the sum over the terminals that have a value. Never one terminal: see the module.
        at: when it was measured, in seconds since 1970.
        terminals: the terminals that have a value. Sums over different terminals are not compared.
    """

    amps: float
    at: float
    terminals: str = "123"


@dataclass(frozen=True)
class LineReading:
    """What flowed through a group's meter.

    Attributes:
        amps: A on the building lines L1, L2, L3.
        at: when it was measured, in seconds since 1970.
    """

    amps: Triple
    at: float


@dataclass(frozen=True)
class Sample:
    """The readings of one round. A name or number that is missing has no reading.

    Attributes:
        connectors: by the connector's name.
        meters: by the number of the group.
    """

    connectors: Mapping[str, Reading] = field(default_factory=dict)
    meters: Mapping[int, LineReading] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """A connector whose wiring is in question.

    Attributes:
        connector: its name, such as `HRB-001/1`.
        rotation: one of `rotations.PHASE_ROTATIONS`; None or any other text: it has none.
        meter: number of the nearest group with a meter, its own or one above it; None: there is none.
        neighbours: names of the other connectors behind that meter.
        source: where the rotation is from.
        neutral: False: one-phase loads are connected between two lines.
        power_type: as the API names it, or None.
        failure: why its readings failed, if they did: one line.
    """

    connector: str
    rotation: str | None
    meter: int | None
    neighbours: frozenset[str] = frozenset()
    source: Literal["declared", "live"] = "declared"
    neutral: bool = True
    power_type: str | None = None
    failure: str | None = None

    @property
    def has_terminals(self) -> bool:
        """Whether it has a rotation and AC terminals. Without them, no reading says anything."""
        return self.rotation in PHASE_ROTATIONS and self.power_type != "DC"


@dataclass(frozen=True)
class Rules:
    """How strict "the same moment" is.

    Attributes:
        lag: seconds that a meter reading is away from the step, at least, on either side.
        longest: seconds between the two meter readings, at most.
        unit: what the meter counts in; used to suggest another unit.
    """

    lag: float = 20.0
    longest: float = 180.0
    unit: MeterUnit = "mA"


@dataclass(frozen=True)
class Evidence:
    """What the readings say about one connector.

    Attributes:
        connector: its name.
        rotation: the rotation in question, or None.
        verdict: `none` says nothing about the wiring, good or bad.
        reason: a fixed text, to sort by.
        text: one line with numbers.
        group: number of the group whose meter was read, or None.
        lines: building lines of the step, as in `("L2",)`; empty with most reasons for none.
        amps: A, the connector's step; None without one.
        at: when the step was measured, in seconds since 1970; None without one.
    """

    connector: str
    rotation: str | None
    verdict: Verdict
    reason: Reason
    text: str
    group: int | None = None
    lines: tuple[str, ...] = ()
    amps: float | None = None
    at: float | None = None

    def __str__(self) -> str:
        """The line to print."""
        return self.text


def explain_no_evidence(
    connector: str, rotation: str | None, reason: Reason, why: str, group: int | None = None
) -> Evidence:
    name = printable(connector, 80)
    return Evidence(connector, rotation, "none", reason, f"{name}: no evidence: {printable(why)}", group)
