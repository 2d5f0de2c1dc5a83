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

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, TypeVar, get_args

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.electrical.figures import LEAST_AMPS, VOLTS
from pulumi_plugchoice.electrical.rotations import LINE_NAMES, LINES, PHASE_ROTATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

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
_ORDER: Final[tuple[Reason, ...]] = get_args(Reason)
#: The reasons that rely on a one-phase car on terminal L1.
_BY_TERMINAL: Final[tuple[Reason, ...]] = ("line of terminal L1", "line of another terminal")
MeterUnit = Literal["A", "mA", "W"]
#: A for one of each unit that a meter may count in.
IN_AMPS: Final[Mapping[MeterUnit, float]] = {"A": 1.0, "mA": 0.001, "W": 1 / VOLTS}

# A by which a steady current may vary.
_FLICKER: Final = 0.5
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


TimedT = TypeVar("TimedT", Reading, LineReading)


def explain_no_evidence(
    connector: str, rotation: str | None, reason: Reason, why: str, group: int | None = None
) -> Evidence:
    name = printable(connector, 80)
    return Evidence(connector, rotation, "none", reason, f"{name}: no evidence: {printable(why)}", group)


def find_evidence(subject: Subject, samples: Sequence[Sample], rules: Rules | None = None) -> Evidence:
    """Find what the samples, in the order in which they were taken, say about a connector."""
    obstacle = _find_obstacle(subject, samples)
    if obstacle is not None:
        return obstacle
    history = _History(subject, samples, rules or Rules())
    findings = history.assess_steps()
    if not findings:
        return history.explain_no_step()
    decisive = [finding for finding in findings if finding.verdict != "none"]
    if len({finding.verdict for finding in decisive}) > 1:
        steps = "; ".join(f"{finding.verdict} at {_format_time(finding.at or 0)}" for finding in decisive)
        why = f"its steps disagree ({steps}); cars may use different terminals; repeat with one car"
        return explain_no_evidence(subject.connector, subject.rotation, "steps disagree", why, subject.meter)
    return min(findings, key=lambda finding: _ORDER.index(finding.reason))


def _find_obstacle(subject: Subject, samples: Sequence[Sample]) -> Evidence | None:
    """Why there can be no evidence, whatever steps there are."""

    def no(reason: Reason, why: str) -> Evidence:
        return explain_no_evidence(subject.connector, subject.rotation, reason, why, subject.meter)

    if subject.power_type == "DC":
        return no("direct current", "a DC connector has no phase rotation")
    if subject.rotation not in PHASE_ROTATIONS:
        return no("no rotation", "it has no phase rotation, neither declared nor live")
    if subject.meter is None:
        why = "none of its groups has a meter, and its own readings say nothing about the building's lines"
        return no("no meter", why)
    if not any(subject.meter in sample.meters for sample in samples):
        return no("meter without readings", f"the meter of group {subject.meter} gave no reading of all three lines")
    if not any(subject.connector in sample.connectors for sample in samples):
        return no("no readings", subject.failure or 'the charger reports no current ("-")')
    return None


@dataclass(frozen=True)
class _Step:
    """A change of a connector's current.

    Attributes:
        before: index of its last reading before the change.
        after: index of its first reading after the change.
        amps: A in all; negative when it falls.
    """

    before: int
    after: int
    amps: float


class _History:
    """The readings that concern one connector, each list in the order in which it was measured."""

    def __init__(self, subject: Subject, samples: Sequence[Sample], rules: Rules) -> None:
        self._subject = subject
        self._rules = rules
        self._meter_name = f"the meter of group {subject.meter}"
        self._own = _sort_readings(sample.connectors.get(subject.connector) for sample in samples)
        self._meter = _sort_readings(sample.meters.get(subject.meter or 0) for sample in samples)
        self._neighbours = [
            _sort_readings(sample.connectors.get(name) for sample in samples) for name in sorted(subject.neighbours)
        ]

    def assess_steps(self) -> list[Evidence]:
        """What each step says, considering the others."""
        results = [(step, self._assess_step(step)) for step in self._steps()]
        return [
            self._reject_one_phase_car(step, evidence)
            if evidence.reason in _BY_TERMINAL
            and any(self._is_later(other, step) and not set(of.lines) <= set(evidence.lines) for other, of in results)
            else evidence
            for step, evidence in results
        ]

    def _is_later(self, step: _Step, beginning: _Step) -> bool:
        """Whether a step belongs to the charge that an earlier step began: the connector was not idle in between."""
        between = self._own[beginning.after : step.before + 1]
        return bool(between) and all(reading.amps >= IDLE for reading in between)

    def _reject_one_phase_car(self, step: _Step, evidence: Evidence) -> Evidence:
        why = (
            f"{self._describe(step)} was on {_join(evidence.lines)} only, but its charge was on other lines later, "
            "so this is not a one-phase car; it may begin on any terminal"
        )
        return replace(self._no_evidence("no one-phase car", why, step), lines=evidence.lines)

    def _steps(self) -> Iterator[_Step]:
        """Each change in one direction of at least `LEAST_STEP`.

        During a slow rise, each later reading gives a step of its own: the meter agrees with the last one.
        """
        own = self._own
        for before in range(len(own) - 1):
            if _is_close(own[before], own[before + 1]):
                continue
            for after in range(before + 1, len(own)):
                if (
                    own[after].at - own[before].at > self._rules.longest
                    or own[after].terminals != own[before].terminals
                ):
                    break
                amps = own[after].amps - own[before].amps
                values = [reading.amps for reading in own[before : after + 1]]
                rises = [later - earlier for earlier, later in pairwise(values)]
                is_one_way = min(rises) >= -_FLICKER or max(rises) <= _FLICKER
                if abs(amps) >= LEAST_STEP and is_one_way and not _is_close(own[after - 1], own[after]):
                    yield _Step(before, after, amps)

    def explain_no_step(self) -> Evidence:
        """Why there is no step."""
        values = [reading.amps for reading in self._own]
        change = max(values) - min(values)
        if change < IDLE:
            what = "nothing" if max(values) < IDLE else f"a steady {max(values):.1f} A"
            return self._no_evidence("no step", f"no step, it drew {what}; let a one-phase car begin to charge")
        if change < LEAST_STEP:
            why = f"its current changed by {change:.1f} A; a step is {LEAST_STEP:.0f} A or more"
            return self._no_evidence("small step", why)
        if len({reading.terminals for reading in self._own}) > 1:
            return self._no_evidence("no readings", 'a terminal changed between "-" and a value; that is not a step')
        return self._no_evidence("too far apart", "its readings before and after a step are too far apart")

    def _assess_step(self, step: _Step) -> Evidence:
        """What one step says."""
        lag, longest = self._rules.lag, self._rules.longest
        this_step = self._describe(step)
        times = [reading.at for reading in self._meter]
        first = bisect_right(times, self._own[step.before].at - lag) - 1
        last = bisect_left(times, self._own[step.after].at + lag)
        if first < 0 or last == len(times):
            side = "before" if first < 0 else "after"
            why = f"{self._meter_name} gave no reading {lag:g} s or more {side} {this_step}; take more samples"
            return self._no_evidence("meter silent", why, step)
        start, end = times[first], times[last]
        if end - start > longest:
            why = (
                f"the readings of {self._meter_name} before and after {this_step} are {end - start:.0f} s apart, "
                f"{longest:g} s allowed"
            )
            return self._no_evidence("too far apart", why, step)
        if not self._is_steady(step, start, end):
            return self._no_evidence("not steady", f"its current was not steady around {this_step}", step)
        others = sum(_compute_range(series, start, end) for series in self._neighbours)
        if others >= tolerance(step.amps / 3):
            why = (
                f"other connectors behind {self._meter_name} changed by {others:.1f} A around {this_step}; "
                "start one car at a time"
            )
            return self._no_evidence("several at once", why, step)
        moves = [after - before for before, after in zip(self._meter[first].amps, self._meter[last].amps, strict=True)]
        lines = _find_lines(step.amps, moves, neutral=self._subject.neutral)
        return self._explain_difference(step, moves) if lines is None else self._interpret(step, lines, moves)

    def _is_steady(self, step: _Step, start: float, end: float) -> bool:
        """Whether the connector's current was steady between two times, but for the step."""
        own = self._own
        return all(
            _is_close(own[step.before], reading) if index < step.before else _is_close(own[step.after], reading)
            for index, reading in enumerate(own)
            if start <= reading.at <= end and not step.before <= index <= step.after
        )

    def _explain_difference(self, step: _Step, moves: Sequence[float]) -> Evidence:
        """The meter did not change by what the connector changed."""
        amps = " / ".join(f"{move:+.1f}" for move in moves)
        hint = ""
        for unit, amps_of_one in IN_AMPS.items():
            factor = amps_of_one / IN_AMPS[self._rules.unit]
            if _find_lines(step.amps, [move * factor for move in moves], neutral=self._subject.neutral):
                hint = f"; they would agree if the meter counted in {unit}: try meter_unit={unit!r}"
        change = f"{self._meter_name} changed by {amps} A around {self._describe(step)}"
        if max(abs(move) for move in moves) < LEAST_STEP:
            return self._no_evidence("no step on the meter", f"{change}; that is not a step on any line{hint}", step)
        return self._no_evidence("sizes differ", f"{change}; that is not the same{hint}", step)

    def _interpret(self, step: _Step, lines: Sequence[str], moves: Sequence[float]) -> Evidence:
        """What a step on known lines says about the rotation."""
        rotation = self._subject.rotation or ""
        is_in_rotation = set(lines) <= set(rotation)
        if not self._subject.neutral and len(rotation) == 1:
            is_in_rotation = rotation in lines
        verdict: Verdict = "none"
        reason: Reason
        if not is_in_rotation:
            verdict, reason = "contradicts", "line not in the rotation"
            meaning = f"it is fed from {_join(LINE_NAMES[letter] for letter in rotation)}"
        elif len(lines) == len(rotation) < 3:
            verdict, reason = "consistent", "lines of the rotation"
            meaning = "it is fed from " + (
                "just this line" if len(lines) == 1 else "just these; their order stays open"
            )
        elif len(lines) == 3 and len(rotation) == 3:
            reason, meaning = "three lines", "it is fed from all three; their order stays open"
        elif not self._subject.neutral:
            reason, meaning = "no neutral", "it stays open between which two lines a one-phase car is connected"
        elif len(lines) == 2:
            reason = "two lines of three"
            meaning = "it is fed from both; their order stays open, because some cars draw on terminals 2 and 3"
        elif step.amps < 0 or self._own[step.before].amps >= IDLE:
            reason = "part of a charge"
            meaning = "it is fed from that line too; only the beginning of a charge shows a one-phase car"
        else:
            meaning = f"terminal L1, where a one-phase car draws, is fed from building {LINE_NAMES[rotation[0]]}"
            verdict, reason = "consistent", "line of terminal L1"
            if lines[0] != rotation[0]:
                verdict, reason = "contradicts", "line of another terminal"
                meaning += "; repeat with another car before you change anything"
        subject = self._subject
        head = "no evidence" if verdict == "none" else f"{verdict}{' with' * (verdict == 'consistent')} {rotation}"
        where = _join(f"{LINE_NAMES[line]} ({moves[LINES.index(line)]:+.1f} A)" for line in lines)
        text = (
            f"{printable(subject.connector, 80)}: {head}: at {self._time(step)} its current changed by "
            f"{step.amps:+.1f} A and that of {self._meter_name} on {where}{' only' * (len(lines) < 3)}; "
            f"with {rotation} ({subject.source}), {meaning}"
        )
        names = tuple(LINE_NAMES[line] for line in lines)
        at = self._own[step.after].at
        return Evidence(subject.connector, rotation, verdict, reason, text, subject.meter, names, step.amps, at)

    def _no_evidence(self, reason: Reason, why: str, step: _Step | None = None) -> Evidence:
        evidence = explain_no_evidence(
            self._subject.connector, self._subject.rotation, reason, why, self._subject.meter
        )
        return evidence if step is None else replace(evidence, amps=step.amps, at=self._own[step.after].at)

    def _describe(self, step: _Step) -> str:
        return f"its step of {step.amps:+.1f} A at {self._time(step)}"

    def _time(self, step: _Step) -> str:
        return _format_time(self._own[step.after].at)


def _sort_readings(readings: Iterable[TimedT | None]) -> list[TimedT]:
    """The readings that exist, in the order in which they were measured, each once."""
    by_time = {reading.at: reading for reading in readings if reading is not None}
    return [by_time[at] for at in sorted(by_time)]


def _is_close(one: Reading, other: Reading) -> bool:
    """Whether a connector's current is the same in two readings: within half an amp or a twentieth."""
    most = max(_FLICKER, abs(one.amps) / 20)
    return one.terminals == other.terminals and abs(one.amps - other.amps) <= most


def _compute_range(series: Sequence[Reading], start: float, end: float) -> float:
    """The A between the lowest and the highest reading from just before `start` to just after `end`."""
    times = [reading.at for reading in series]
    around = series[max(0, bisect_right(times, start) - 1) : bisect_left(times, end) + 1]
    values = [reading.amps for reading in around]
    return max(values) - min(values) if values else 0.0


def _find_lines(amps: float, moves: Sequence[float], *, neutral: bool) -> tuple[str, ...] | None:
    """Find the lines of a connector's step; None when the meter did not change by just that.

    Without a neutral the current of a one-phase car flows in two lines, and chargers report it once or twice.
    """
    for count, share in ((1 if neutral else 2, amps), (2, amps / 2), (3, amps / 3)):
        most = tolerance(share)
        lines = tuple(line for line, move in zip(LINES, moves, strict=True) if abs(move - share) <= most)
        still = [move for move in moves if abs(move) <= most]
        if abs(share) >= LEAST_STEP and len(lines) == count and len(lines) + len(still) == 3:
            return lines
    return None


def _join(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _format_time(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).strftime("%H:%M:%S UTC")
