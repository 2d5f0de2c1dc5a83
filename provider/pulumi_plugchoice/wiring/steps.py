"""Experimental. Finds the steps of a connector's current, and what each says about its wiring: see `evidence.py`."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeVar, get_args

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.electrical.rotations import LINE_NAMES, LINES, PHASE_ROTATIONS

from .evidence import (
    IDLE,
    IN_AMPS,
    LEAST_STEP,
    Evidence,
    LineReading,
    Reading,
    Reason,
    Rules,
    explain_no_evidence,
    tolerance,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .evidence import Sample, Subject, Verdict

_ORDER: Final[tuple[Reason, ...]] = get_args(Reason)
#: The reasons that rely on a one-phase car on terminal L1.
_BY_TERMINAL: Final[tuple[Reason, ...]] = ("line of terminal L1", "line of another terminal")
# A by which a steady current may vary.
_FLICKER: Final = 0.5

TimedT = TypeVar("TimedT", Reading, LineReading)


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
            meaning = f"it is wired to {_join(LINE_NAMES[letter] for letter in rotation)}"
        elif len(lines) == len(rotation) < 3:
            verdict, reason = "consistent", "lines of the rotation"
            meaning = "it is wired to " + (
                "just this line" if len(lines) == 1 else "just these; their order stays open"
            )
        elif len(lines) == 3 and len(rotation) == 3:
            reason, meaning = "three lines", "it is wired to all three; their order stays open"
        elif not self._subject.neutral:
            reason, meaning = "no neutral", "it stays open between which two lines a one-phase car is connected"
        elif len(lines) == 2:
            reason = "two lines of three"
            meaning = "it is wired to both; their order stays open, because some cars draw on terminals 2 and 3"
        elif step.amps < 0 or self._own[step.before].amps >= IDLE:
            reason = "part of a charge"
            meaning = "it is wired to that line too; only the beginning of a charge shows a one-phase car"
        else:
            meaning = f"terminal L1, where a one-phase car draws, is wired to building line {LINE_NAMES[rotation[0]]}"
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
