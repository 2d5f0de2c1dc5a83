"""What readings say about the wiring of a connector: contradicts, consistent, or none. Pure: samples in, words out.

What counts. Only a current step of one connector that appears on the lines of its group's meter at the same moment is
evidence. A connector's own reading gives the size and the time of the step and nothing else: chargers report the order
of their terminals, or an order of their own (evcc issues 18522, 22543), and where the cloud sorts by the declared
rotation a comparison would be circular. So a `Reading` holds one sum and no lines.

"At the same moment" is meant strictly. Readings are compared by the time at which they were measured. Around a step,
the meter's last reading before it and its first one after it are taken, both at least `Rules.lag` away, because clocks
differ and cars take some seconds to reach their current. Between these two readings nothing else may have happened: the
connector is steady but for the step, and no other connector behind the meter moves. The meter's lines must have moved
by what the connector moved: by all of it on one line, by halves on two, by thirds on three. Anything else is none.

What a step can say, with a neutral. Letter n of the rotation is the line that feeds terminal Ln.

- It is on a line that the rotation does not hold: contradicts, whatever car it was.
- The rotation holds as many lines as moved, and there are one or two: consistent. The order of two is not told.
- One line of several moved, when the car *began* to charge: a one-phase car draws on terminal L1, so the first letter's
  line is consistent and another one contradicts. Only a beginning counts. A three-phase car may leave out any of its
  phases while it charges, and ends as it likes (evcc issue 6335: one that draws on terminals 2 and 3). One that takes
  other lines later in the same charge was no one-phase car.
- Two lines of three moved: none, for that last reason. Three lines of three moved: none, that says nothing about their
  order.

Without a neutral a one-phase car hangs between two lines; between which two at a three-letter point is an assumption,
and one letter names only one of them. There a step contradicts when it is on a line that two or three letters do not
hold, or not on the line of one letter; it is consistent with two letters when it is on just these; otherwise none.

What stays open even then, and why one step is evidence and no proof: a car that begins on terminal 2 alone, an unseen
load of the same size at the same moment, a current clamp of the meter on the wrong line (all connectors then differ in
the same way).
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
#: Why a verdict is what it is, the most telling first. The first four go with contradicts and consistent, the others
#: with none.
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
#: Those that believe in a one-phase car on terminal L1.
_BY_TERMINAL: Final[tuple[Reason, ...]] = ("line of terminal L1", "line of another terminal")
MeterUnit = Literal["A", "mA", "W"]
#: A for one of each unit that a meter may count in.
IN_AMPS: Final[Mapping[MeterUnit, float]] = {"A": 1.0, "mA": 0.001, "W": 1 / VOLTS}

# A by which a steady current may go up and down.
_FLICKER: Final = 0.5
#: A in all: below it a connector draws nothing to speak of.
IDLE: Final = 1.0
#: A on a line: a smaller step is not told from the building's. A car charges with `LEAST_AMPS` or more; meters round.
LEAST_STEP: Final = LEAST_AMPS - 1.0

#: To be shown once with every list of evidence.
NOTE: Final = (
    "One step is evidence, no proof: another car, a building load of the same size at the same moment, or a current "
    "clamp on the wrong line can look the same. Letters are declared, not measured; a qualified electrician decides."
)


def tolerance(amps: float) -> float:
    """A by which two currents may differ that are to be the same: a quarter, and at least 1 A.

    Voltage, power factor and rounding of two meters are in it; it keeps one line, halves and thirds apart.
    """
    return max(1.0, abs(amps) / 4)


@dataclass(frozen=True)
class Reading:
    """What a connector drew.

    Attributes:
        amps: A, the sum over the terminals that gave a value. Never a single terminal: see the module.
        at: when it was measured, in seconds since 1970.
        given: the terminals that gave a value; sums over different ones are not compared.
    """

    amps: float
    at: float
    given: str = "123"


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
    """What was read in one round. A missing name or number is no reading.

    Attributes:
        connectors: by the connector's name.
        meters: by the number of the group.
    """

    connectors: Mapping[str, Reading] = field(default_factory=dict)
    meters: Mapping[int, LineReading] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """A connector whose wiring is asked about.

    Attributes:
        connector: its name, such as `HRB-001/1`.
        rotation: one of `phases.PHASE_ROTATIONS`; None, or anything else: there is none.
        source: where the rotation is from.
        meter: number of the nearest group, its own or one above, that has a meter; None: there is none.
        beside: names of the other connectors behind that meter.
        neutral: False where one-phase loads hang between two lines.
        power_type: as the API names it, or None.
        failure: why readings of the connector failed, when they did: one line.
    """

    connector: str
    rotation: str | None
    meter: int | None
    beside: frozenset[str] = frozenset()
    source: Literal["declared", "live"] = "declared"
    neutral: bool = True
    power_type: str | None = None
    failure: str | None = None

    @property
    def has_terminals(self) -> bool:
        """Whether there is a rotation, of terminals that carry AC; without, no reading can say anything."""
        return self.rotation in PHASE_ROTATIONS and self.power_type != "DC"


@dataclass(frozen=True)
class Rules:
    """How strict "at the same moment" is.

    Attributes:
        lag: seconds that a reading keeps away from the step on either side.
        longest: seconds that the meter's two readings may be apart.
        unit: what the meter counts in; only used to say which unit would have fitted.
    """

    lag: float = 20.0
    longest: float = 180.0
    unit: MeterUnit = "mA"


@dataclass(frozen=True)
class Evidence:
    """What the readings say about one connector.

    Attributes:
        connector: its name.
        rotation: that was judged, or None.
        verdict: `none` is no verdict on the wiring, good or bad.
        reason: why, as a word to sort by.
        text: why, as one line with numbers.
        group: number of the group whose meter was read, or None.
        lines: building lines on which the step was, as in `("L2",)`; empty with most reasons for none.
        amps: A, the connector's step; None without one.
        at: when the step was seen, in seconds since 1970; None without one.
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


def nothing(connector: str, rotation: str | None, reason: Reason, why: str, group: int | None = None) -> Evidence:
    """No evidence about a connector, and why."""
    name = printable(connector, 80)
    return Evidence(connector, rotation, "none", reason, f"{name}: no evidence: {printable(why)}", group)


def judge(subject: Subject, samples: Sequence[Sample], rules: Rules | None = None) -> Evidence:
    """What the samples, in the order in which they were taken, say about a connector."""
    hindrance = _hindrance(subject, samples)
    if hindrance is not None:
        return hindrance
    view = _View(subject, samples, rules or Rules())
    findings = view.findings()
    if not findings:
        return view.stepless()
    telling = [finding for finding in findings if finding.verdict != "none"]
    if len({finding.verdict for finding in telling}) > 1:
        steps = "; ".join(f"{finding.verdict} at {_clock(finding.at or 0)}" for finding in telling)
        why = f"its steps disagree ({steps}); one car may draw on other terminals than another: repeat with one car"
        return nothing(subject.connector, subject.rotation, "steps disagree", why, subject.meter)
    return min(findings, key=lambda finding: _ORDER.index(finding.reason))


def _hindrance(subject: Subject, samples: Sequence[Sample]) -> Evidence | None:
    """Why there cannot be evidence, before any step is looked for."""

    def no(reason: Reason, why: str) -> Evidence:
        return nothing(subject.connector, subject.rotation, reason, why, subject.meter)

    if subject.power_type == "DC":
        return no("direct current", "a DC connector has no terminals L1, L2, L3 that a rotation could be about")
    if subject.rotation not in PHASE_ROTATIONS:
        return no("no rotation", "it has no phase rotation, declared or live, to compare with")
    if subject.meter is None:
        why = "no group that it is in has a meter, and its own readings prove nothing about the building"
        return no("no meter", why)
    if not any(subject.meter in sample.meters for sample in samples):
        return no("meter without readings", f"the meter of group {subject.meter} gave no reading for all three lines")
    if not any(subject.connector in sample.connectors for sample in samples):
        return no("no readings", subject.failure or 'the charger gave no reading of it ("-")')
    return None


@dataclass(frozen=True)
class _Step:
    """A change of a connector's current.

    Attributes:
        before: place, among its readings, of the last one before the change.
        after: of the first one after it.
        amps: A in all; negative when it fell.
    """

    before: int
    after: int
    amps: float


class _View:
    """The readings that matter for one connector, each in the order in which it was measured."""

    def __init__(self, subject: Subject, samples: Sequence[Sample], rules: Rules) -> None:
        self._subject = subject
        self._rules = rules
        self._meter_name = f"the meter of group {subject.meter}"
        self._own = _series(sample.connectors.get(subject.connector) for sample in samples)
        self._meter = _series(sample.meters.get(subject.meter or 0) for sample in samples)
        self._beside = [_series(sample.connectors.get(name) for sample in samples) for name in sorted(subject.beside)]

    def findings(self) -> list[Evidence]:
        """What each step says, in the light of the others."""
        found = [(step, self._finding(step)) for step in self._steps()]
        return [
            self._no_one_phase_car(step, evidence)
            if evidence.reason in _BY_TERMINAL
            and any(self._is_later(other, step) and not set(of.lines) <= set(evidence.lines) for other, of in found)
            else evidence
            for step, evidence in found
        ]

    def _is_later(self, step: _Step, beginning: _Step) -> bool:
        """Whether a step belongs to the charge that an earlier one has begun: the connector was not idle in between."""
        between = self._own[beginning.after : step.before + 1]
        return bool(between) and all(reading.amps >= IDLE for reading in between)

    def _no_one_phase_car(self, step: _Step, evidence: Evidence) -> Evidence:
        why = (
            f"its step of {step.amps:+.1f} A at {self._time(step)} was on {_and(evidence.lines)} alone, but the same "
            "charge was on other lines later: that was no one-phase car, and it may begin on any terminal"
        )
        return replace(self._none("no one-phase car", why, step), lines=evidence.lines)

    def _steps(self) -> Iterator[_Step]:
        """Each change of at least `LEAST_STEP`, all in one direction.

        On a slow rise every later reading is tried too: the one at which the car has reached its current will fit.
        """
        own = self._own
        for before in range(len(own) - 1):
            if _near(own[before], own[before + 1]):
                continue
            for after in range(before + 1, len(own)):
                if own[after].at - own[before].at > self._rules.longest or own[after].given != own[before].given:
                    break
                amps = own[after].amps - own[before].amps
                way = [reading.amps for reading in own[before : after + 1]]
                rises = [later - earlier for earlier, later in pairwise(way)]
                is_one_way = min(rises) >= -_FLICKER or max(rises) <= _FLICKER
                if abs(amps) >= LEAST_STEP and is_one_way and not _near(own[after - 1], own[after]):
                    yield _Step(before, after, amps)

    def stepless(self) -> Evidence:
        """Why there is no step to judge."""
        values = [reading.amps for reading in self._own]
        moved = max(values) - min(values)
        if moved < IDLE:
            what = "nothing" if max(values) < IDLE else f"a steady {max(values):.1f} A"
            return self._none("no step", f"no step was seen, it drew {what}: let a one-phase car begin to charge")
        if moved < LEAST_STEP:
            why = f"its current moved by {moved:.1f} A, which is less than the {LEAST_STEP:.0f} A that a step needs"
            return self._none("small step", why)
        if len({reading.given for reading in self._own}) > 1:
            why = 'a value came, or went, where "-" was: that is a reading that came or went, and no step'
            return self._none("no readings", why)
        return self._none("too far apart", "its readings around a step are too far apart to speak of the same moment")

    def _finding(self, step: _Step) -> Evidence:
        """What one step says."""
        lag, longest = self._rules.lag, self._rules.longest
        seen = f"its step of {step.amps:+.1f} A at {self._time(step)}"
        times = [reading.at for reading in self._meter]
        first = bisect_right(times, self._own[step.before].at - lag) - 1
        last = bisect_left(times, self._own[step.after].at + lag)
        if first < 0 or last == len(times):
            side = "before" if first < 0 else "after"
            why = f"{self._meter_name} gave no reading at least {lag:g} s {side} {seen}: sample for longer"
            return self._none("meter silent", why, step)
        start, end = times[first], times[last]
        if end - start > longest:
            why = f"the readings of {self._meter_name} before and after {seen} are {end - start:.0f} s apart: too far"
            return self._none("too far apart", why, step)
        if not self._is_steady(step, start, end):
            return self._none("not steady", f"it was not steady before and after {seen}", step)
        others = sum(_moved(series, start, end) for series in self._beside)
        if others >= tolerance(step.amps / 3):
            why = f"other connectors behind {self._meter_name} moved by {others:.1f} A around {seen}: one at a time"
            return self._none("several at once", why, step)
        moves = [after - before for before, after in zip(self._meter[first].amps, self._meter[last].amps, strict=True)]
        lines = _lines(step.amps, moves, neutral=self._subject.neutral)
        return self._unexplained(step, moves, seen) if lines is None else self._read(step, lines, moves)

    def _is_steady(self, step: _Step, start: float, end: float) -> bool:
        """Whether the connector did nothing but the step between two times."""
        own = self._own
        return all(
            _near(own[step.before], reading) if place < step.before else _near(own[step.after], reading)
            for place, reading in enumerate(own)
            if start <= reading.at <= end and not step.before <= place <= step.after
        )

    def _unexplained(self, step: _Step, moves: Sequence[float], seen: str) -> Evidence:
        """The meter did not move by what the connector moved."""
        shown = " / ".join(f"{move:+.1f}" for move in moves)
        hint = ""
        for unit, amps in IN_AMPS.items():
            factor = amps / IN_AMPS[self._rules.unit]
            if _lines(step.amps, [move * factor for move in moves], neutral=self._subject.neutral):
                hint = f"; it would be if the meter counted in {unit}: try meter_unit={unit!r}"
        if max(abs(move) for move in moves) < LEAST_STEP:
            why = f"{self._meter_name} moved by {shown} A around {seen}, which is no step on any line{hint}"
            return self._none("no step on the meter", why, step)
        why = f"{self._meter_name} moved by {shown} A around {seen}, which is not the same{hint}"
        return self._none("sizes differ", why, step)

    def _read(self, step: _Step, lines: Sequence[str], moves: Sequence[float]) -> Evidence:
        """What a step on known lines says about the rotation."""
        rotation = self._subject.rotation or ""
        is_on_it = set(lines) <= set(rotation)
        if not self._subject.neutral and len(rotation) == 1:
            is_on_it = rotation in lines
        verdict: Verdict = "none"
        reason: Reason
        if not is_on_it:
            verdict, reason = "contradicts", "line not in the rotation"
            what = f"names {_and(LINE_NAMES[letter] for letter in rotation)}"
        elif len(lines) == len(rotation) < 3:
            verdict, reason = "consistent", "lines of the rotation"
            what = "names just that line" if len(lines) == 1 else "names just these; their order is not told"
        elif len(lines) == 3 and len(rotation) == 3:
            reason, what = "three lines", "names all three, and this says nothing about their order"
        elif not self._subject.neutral:
            reason, what = "no neutral", "leaves open between which two lines a one-phase car hangs"
        elif len(lines) == 2:
            reason = "two lines of three"
            what = "names both, and some cars draw on terminals 2 and 3, so this says nothing about their order"
        elif step.amps < 0 or self._own[step.before].amps >= IDLE:
            reason = "part of a charge"
            what = "names it among others, and only the beginning of a charge tells a one-phase car"
        else:
            what = f"feeds terminal L1, on which a one-phase car draws, from building {LINE_NAMES[rotation[0]]}"
            verdict, reason = "consistent", "line of terminal L1"
            if lines[0] != rotation[0]:
                verdict, reason = "contradicts", "line of another terminal"
                what += "; repeat it with another car before anything is changed"
        return self._found(verdict, reason, step, (lines, moves), what)

    def _found(
        self, verdict: Verdict, reason: Reason, step: _Step, on: tuple[Sequence[str], Sequence[float]], what: str
    ) -> Evidence:
        subject = self._subject
        lines, moves = on
        says = {"contradicts": f"contradicts {subject.rotation}", "consistent": f"consistent with {subject.rotation}"}
        where = _and(f"{LINE_NAMES[line]} ({moves[LINES.index(line)]:+.1f} A)" for line in lines)
        alone = "" if len(lines) == 3 else " and on no other line"
        text = (
            f"{printable(subject.connector, 80)}: {says.get(verdict, 'no evidence')}: at {self._time(step)} it moved "
            f"by {step.amps:+.1f} A, and with it {self._meter_name} on {where}{alone}; "
            f"{subject.rotation} ({subject.source}) {what}"
        )
        names = tuple(LINE_NAMES[line] for line in lines)
        at = self._own[step.after].at
        return Evidence(subject.connector, subject.rotation, verdict, reason, text, subject.meter, names, step.amps, at)

    def _none(self, reason: Reason, why: str, step: _Step | None = None) -> Evidence:
        found = nothing(self._subject.connector, self._subject.rotation, reason, why, self._subject.meter)
        return found if step is None else replace(found, amps=step.amps, at=self._own[step.after].at)

    def _time(self, step: _Step) -> str:
        return _clock(self._own[step.after].at)


def _series(readings: Iterable[TimedT | None]) -> list[TimedT]:
    """The readings that there are, each once, by the time at which they were measured."""
    found = {reading.at: reading for reading in readings if reading is not None}
    return [found[at] for at in sorted(found)]


def _near(one: Reading, other: Reading) -> bool:
    """Whether a connector did not move between two readings: within half an amp or a twentieth."""
    most = max(_FLICKER, abs(one.amps) / 20)
    return one.given == other.given and abs(one.amps - other.amps) <= most


def _moved(series: Sequence[Reading], start: float, end: float) -> float:
    """A by which a connector moved in the time that its readings around two times enclose; 0 without readings."""
    times = [reading.at for reading in series]
    around = series[max(0, bisect_right(times, start) - 1) : bisect_left(times, end) + 1]
    values = [reading.amps for reading in around]
    return max(values) - min(values) if values else 0.0


def _lines(amps: float, moves: Sequence[float], *, neutral: bool) -> tuple[str, ...] | None:
    """The lines on which a connector's step is, or None when the meter did not move by just that.

    Without a neutral the current of a one-phase car flows in two lines, and chargers report it once or twice.
    """
    for count, share in ((1 if neutral else 2, amps), (2, amps / 2), (3, amps / 3)):
        most = tolerance(share)
        moved = tuple(line for line, move in zip(LINES, moves, strict=True) if abs(move - share) <= most)
        still = [move for move in moves if abs(move) <= most]
        if abs(share) >= LEAST_STEP and len(moved) == count and len(moved) + len(still) == 3:
            return moved
    return None


def _and(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).strftime("%H:%M:%S UTC")
