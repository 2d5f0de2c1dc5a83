"""wiring.steps: what a step on a group's meter says about the wiring, and when it says nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from pulumi_plugchoice.electrical.rotations import LINE_NAMES, PHASE_ROTATIONS
from pulumi_plugchoice.wiring.evidence import (
    LEAST_STEP,
    Evidence,
    LineReading,
    Reading,
    Reason,
    Rules,
    Sample,
    Subject,
    Verdict,
    tolerance,
)
from pulumi_plugchoice.wiring.steps import find_evidence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from pulumi_plugchoice.electrical.figures import Triple

NAME, OTHER = "HRB-001/1", "HRB-002/1"
METER = 801
SUBJECT = Subject(NAME, "RST", METER, frozenset({OTHER}))
#: Before it, and after it: three rounds each, 15 s apart, so that each side holds a reading 20 s away from the step.
ROUNDS = 3
#: What the building draws besides.
BASE: Triple = (18.0, 11.0, 9.0)


def plus(one: Triple, other: Triple) -> Triple:
    """The amps of two on each line."""
    return (one[0] + other[0], one[1] + other[1], one[2] + other[2])


def rounds(
    own: Sequence[float | None], meter: Sequence[Triple | None], beside: Sequence[float | None] | None = None
) -> list[Sample]:
    """One sample each 15 s; the meter is read first, the connectors a second later."""
    samples = []
    for number, (amps, lines) in enumerate(zip(own, meter, strict=True)):
        at = 1_000_000.0 + 15 * number
        connectors = {} if amps is None else {NAME: Reading(amps, at + 1)}
        other = None if beside is None else beside[number]
        if other is not None:
            connectors[OTHER] = Reading(other, at + 1)
        samples.append(Sample(connectors, {} if lines is None else {METER: LineReading(lines, at)}))
    return samples


def step(amps: float, lines: Triple, *, before: float = 0.0, base: Triple = BASE) -> list[Sample]:
    """A connector that goes from `before` up by `amps`, and a meter that goes up by `lines`."""
    return rounds([before] * ROUNDS + [before + amps] * ROUNDS, [base] * ROUNDS + [plus(base, lines)] * ROUNDS)


def assess(samples: list[Sample], rotation: str | None = "RST", rules: Rules | None = None, **more: Any) -> Evidence:
    """The evidence about the one connector."""
    return find_evidence(replace(SUBJECT, rotation=rotation, **more), samples, rules)


ONE_PHASE: dict[str, Triple] = {"L1": (16, 0, 0), "L2": (0, 16, 0), "L3": (0, 0, 16)}
STEPS: list[tuple[str, Triple, float, Verdict, Reason]] = [
    # A one-phase car begins: 16 A in all, on one line.
    ("RST", (16, 0, 0), 16, "consistent", "line of terminal L1"),
    ("RST", (0, 16, 0), 16, "contradicts", "line of another terminal"),
    ("RST", (0, 0, 16), 16, "contradicts", "line of another terminal"),
    ("STR", (0, 16, 0), 16, "consistent", "line of terminal L1"),
    ("STR", (16, 0, 0), 16, "contradicts", "line of another terminal"),
    ("TSR", (0, 0, 16), 16, "consistent", "line of terminal L1"),
    ("S", (0, 16, 0), 16, "consistent", "lines of the rotation"),
    ("S", (16, 0, 0), 16, "contradicts", "line not in the rotation"),
    ("SR", (0, 16, 0), 16, "consistent", "line of terminal L1"),
    ("SR", (16, 0, 0), 16, "contradicts", "line of another terminal"),
    ("SR", (0, 0, 16), 16, "contradicts", "line not in the rotation"),
    # A two-phase car, or a three-phase one that leaves a terminal out: 32 A in all.
    ("RST", (16, 16, 0), 32, "none", "two lines of three"),
    ("RST", (0, 16, 16), 32, "none", "two lines of three"),
    ("SR", (16, 16, 0), 32, "consistent", "lines of the rotation"),
    ("SR", (0, 16, 16), 32, "contradicts", "line not in the rotation"),
    ("S", (16, 16, 0), 32, "contradicts", "line not in the rotation"),
    # A three-phase car: 48 A in all, or 18 at the least.
    ("RST", (16, 16, 16), 48, "none", "three lines"),
    ("TSR", (16, 16, 16), 48, "none", "three lines"),
    ("RST", (6, 6, 6), 18, "none", "three lines"),
    ("RS", (16, 16, 16), 48, "contradicts", "line not in the rotation"),
    ("T", (16, 16, 16), 48, "contradicts", "line not in the rotation"),
    # The smallest charge, and meters that do not agree to the amp.
    ("RST", (6, 0, 0), 6, "consistent", "line of terminal L1"),
    ("RST", (0.8, 14.6, -1.1), 16, "contradicts", "line of another terminal"),
    # The meter moved by something else.
    ("RST", (8, 0, 0), 16, "none", "sizes differ"),
    ("RST", (16, 16, 0), 16, "none", "sizes differ"),
    ("RST", (16, 0, 0), 48, "none", "sizes differ"),
    ("RST", (16, 0, 9), 16, "none", "sizes differ"),
    ("RST", (-16, 0, 0), 16, "none", "sizes differ"),
    ("RST", (0, 0, 0), 16, "none", "no step on the meter"),
    ("RST", (1, -2, 0.5), 16, "none", "no step on the meter"),
]


@pytest.mark.parametrize(("rotation", "lines", "amps", "verdict", "reason"), STEPS)
def test_a_step_gives_the_verdict_of_its_lines(
    rotation: str, lines: Triple, amps: float, verdict: Verdict, reason: Reason
) -> None:
    """From nothing, by so many amps in all, with the meter moving by so many on each line."""
    found = assess(step(amps, lines), rotation)
    assert (found.verdict, found.reason) == (verdict, reason), found.text
    assert found.amps == amps
    if reason not in ("sizes differ", "no step on the meter"):
        assert found.lines == tuple(name for name, moved in zip(("L1", "L2", "L3"), lines, strict=True) if moved > 2)


@pytest.mark.parametrize("rotation", ["RST", "STR", "TRS", "RTS", "SRT", "TSR"])
@pytest.mark.parametrize("line", ONE_PHASE)
def test_only_the_line_of_terminal_l1_is_consistent_with_a_one_phase_car(rotation: str, line: str) -> None:
    """For each of the six three-letter rotations."""
    found = assess(step(16, ONE_PHASE[line]), rotation)
    assert found.verdict == ("consistent" if LINE_NAMES[rotation[0]] == line else "contradicts")


@pytest.mark.parametrize(
    ("before", "amps", "lines", "rotation", "expected"),
    [
        # The end of a charge: a three-phase car may have been on any terminal in its last minutes.
        (16, -16, (-16, 0, 0), "RST", ("none", "part of a charge")),
        (16, -16, (0, -16, 0), "RST", ("none", "part of a charge")),
        # It leaves one terminal out, or takes one more.
        (48, -16, (0, -16, 0), "RST", ("none", "part of a charge")),
        (16, 16, (0, 16, 0), "RST", ("none", "part of a charge")),
        # Which lines there are is told at any time.
        (16, -16, (0, -16, 0), "R", ("contradicts", "line not in the rotation")),
        (16, -16, (-16, 0, 0), "R", ("consistent", "lines of the rotation")),
        (10, 6, (0, 0, 6), "RS", ("contradicts", "line not in the rotation")),
    ],
)
def test_only_the_beginning_of_a_charge_tells_terminal_l1(
    before: float, amps: float, lines: Triple, rotation: str, expected: tuple[Verdict, Reason]
) -> None:
    """Cars leave phases out while they charge."""
    found = assess(step(amps, lines, before=before, base=(40, 40, 40)), rotation)
    assert (found.verdict, found.reason) == expected, found.text


@pytest.mark.parametrize(
    ("rotation", "lines", "amps", "verdict", "reason"),
    [
        # The current of one pair flows in both lines; a charger tells it once, or on both of its terminals.
        ("RS", (16, 16, 0), 16, "consistent", "lines of the rotation"),
        ("RS", (16, 16, 0), 32, "consistent", "lines of the rotation"),
        ("SR", (16, 16, 0), 16, "consistent", "lines of the rotation"),
        ("RS", (0, 16, 16), 16, "contradicts", "line not in the rotation"),
        ("RST", (16, 16, 0), 16, "none", "no neutral"),
        ("RST", (0, 16, 16), 16, "none", "no neutral"),
        ("RST", (16, 16, 16), 48, "none", "three lines"),
        ("R", (16, 16, 0), 16, "none", "no neutral"),
        ("R", (0, 16, 16), 16, "contradicts", "line not in the rotation"),
        ("RS", (16, 0, 0), 16, "none", "sizes differ"),
    ],
)
def test_without_a_neutral_a_car_is_connected_between_two_lines(
    rotation: str, lines: Triple, amps: float, verdict: Verdict, reason: Reason
) -> None:
    """And no single line ever moves alone."""
    found = assess(step(amps, lines), rotation, neutral=False)
    assert (found.verdict, found.reason) == (verdict, reason), found.text


STEP = step(16, (0, 16, 0))
QUIET = [0.0] * 6
RISE = [0.0] * 3 + [16.0] * 3
RISE_L2 = [BASE] * 3 + [plus(BASE, (0, 16, 0))] * 3
NONE: dict[str, tuple[list[Sample], dict[str, Any], Reason]] = {
    "nothing declared and nothing live": (STEP, {"rotation": None}, "no rotation"),
    "a live value that is none of the fifteen": (STEP, {"rotation": "Unknown"}, "no rotation"),
    "direct current": (STEP, {"power_type": "DC"}, "direct current"),
    "no group with a meter": (STEP, {"meter": None}, "no meter"),
    "a meter without readings": (rounds(RISE, [None] * 6), {}, "meter without readings"),
    "another group's meter": (STEP, {"meter": 802}, "meter without readings"),
    "no samples": ([], {}, "meter without readings"),
    "a connector without readings": (rounds([None] * 6, RISE_L2), {}, "no readings"),
    "nothing happened": (rounds(QUIET, [BASE] * 6), {}, "no step"),
    "the meter moved alone": (rounds(QUIET, RISE_L2), {}, "no step"),
    "a steady charge": (rounds([16.0] * 6, RISE_L2), {}, "no step"),
    "one sample": (STEP[:1], {}, "no step"),
    "a small step": (step(3, (0, 3, 0)), {}, "small step"),
    "it began before the first sample": (STEP[2:], {}, "meter silent"),
    "it began in the last sample": (STEP[:4], {}, "meter silent"),
    "the meter fell silent": (rounds(RISE, [BASE] * 3 + [None] * 3), {}, "meter silent"),
    "the meter stood still": (rounds(RISE, [BASE] * 6), {}, "no step on the meter"),
    "another one began at the same moment": (rounds(RISE, RISE_L2, RISE), {}, "several at once"),
    "another one ended at the same moment": (rounds(RISE, RISE_L2, [*reversed(RISE)]), {}, "several at once"),
    "another one began just before": (rounds(RISE, RISE_L2, [0, 0, 6, 6, 6, 6]), {}, "several at once"),
    "it ended at once": (rounds([0, 0, 0, 16, 0, 0], [BASE] * 3 + [(18, 27, 9), BASE, BASE]), {}, "not steady"),
}


@pytest.mark.parametrize("case", NONE)
def test_without_a_required_reading_there_is_no_evidence(case: str) -> None:
    """And each reason is named."""
    samples, more, reason = NONE[case]
    found = assess(samples, **more)
    assert (found.verdict, found.reason) == ("none", reason), found.text
    assert found.lines == ()


def at(sample: Sample, seconds: float) -> Sample:
    """The sample with all its readings measured so much later."""
    return Sample(
        {name: replace(reading, at=reading.at + seconds) for name, reading in sample.connectors.items()},
        {group: replace(reading, at=reading.at + seconds) for group, reading in sample.meters.items()},
    )


def test_readings_that_are_far_apart_are_not_compared() -> None:
    """Three minutes are the default; who waits longer learns less."""
    late = [*STEP[:3], *(at(sample, 170) for sample in STEP[3:])]
    assert assess(late).reason == "too far apart"
    assert assess(late, rules=Rules(longest=300)).verdict == "contradicts"

    own_late = [*STEP[:3], *(at(sample, 400) for sample in STEP[3:])]
    assert assess(own_late).reason == "too far apart"


def test_a_reading_that_was_taken_before_the_step_is_not_one_after_it() -> None:
    """What counts is when it was measured, not when it was asked for: a meter that repeats itself is silent."""
    stale = [replace(sample, meters={METER: STEP[3].meters[METER]}) for sample in STEP[3:]]
    found = assess([*STEP[:3], *stale])
    assert (found.verdict, found.reason) == ("none", "meter silent")


def test_the_first_value_of_a_terminal_is_not_a_step() -> None:
    """An idle charger may report "-" for a terminal, and a number once it charges."""
    samples = [
        replace(sample, connectors={NAME: replace(sample.connectors[NAME], terminals="1" if number < 3 else "123")})
        for number, sample in enumerate(STEP)
    ]
    found = assess(samples)
    assert (found.verdict, found.reason) == ("none", "no readings")
    assert '"-"' in found.text


def test_of_a_slow_rise_the_last_reading_decides() -> None:
    """A car takes its time; the readings on the way do not count."""
    own = [0.0, 0, 0, 5, 11, 16, 16, 16, 16]
    meter = [BASE] * 3 + [plus(BASE, (0, amps, 0)) for amps in (7, 13, 16, 16, 16, 16)]
    found = assess(rounds(own, meter))
    assert (found.verdict, found.amps, found.lines) == ("contradicts", 16, ("L2",))


def test_the_check_waits_for_a_slow_meter() -> None:
    """Its reading of the step comes 14 s after the charger's: within the 20 s."""
    meter = [BASE] * 5 + [plus(BASE, (0, 16, 0))] * 3
    own = [0.0] * 3 + [16.0] * 5
    assert assess(rounds(own, meter)).verdict == "contradicts"
    assert assess(rounds(own, meter), rules=Rules(lag=0)).reason == "no step on the meter"


def test_other_cars_that_charge_steadily_do_not_matter() -> None:
    """Nor do those that are not behind the meter."""
    steady = [16.0, 15.8, 16.1, 16.0, 16.2, 16.0]
    assert assess(rounds(RISE, RISE_L2, steady)).verdict == "contradicts"
    assert assess(rounds(RISE, RISE_L2, RISE), neighbours=frozenset()).verdict == "contradicts"


def test_a_neighbour_that_changed_long_before_does_not_matter() -> None:
    """Only what happens between the meter's two readings."""
    own, beside = [0.0] * 6 + [16.0] * 3, [0.0] * 2 + [6.0] * 7
    meter = [BASE] * 2 + [plus(BASE, (6, 0, 0))] * 4 + [plus(BASE, (6, 16, 0))] * 3
    found = assess(rounds(own, meter, beside), "STR")
    assert (found.verdict, found.reason) == ("consistent", "line of terminal L1"), found.text


def test_two_cars_that_disagree_give_no_evidence() -> None:
    """Which of the two tells the wiring cannot be known from here."""
    first, second = step(16, (16, 0, 0)), [at(sample, 1000) for sample in step(16, (0, 16, 0))]
    assert assess(first).verdict == "consistent"
    assert assess(second).verdict == "contradicts"
    found = assess([*first, *second])
    assert (found.verdict, found.reason) == ("none", "steps disagree")
    assert "consistent at" in found.text
    assert "contradicts at" in found.text


@pytest.mark.parametrize("first", [(16, 0, 0), (0, 16, 0)])
@pytest.mark.parametrize("then", [(16, 16, 16), (0, 16, 16)])
def test_a_car_on_other_lines_later_is_not_a_one_phase_car(first: Triple, then: Triple) -> None:
    """It may begin on any terminal; a new charge is another matter."""
    both = (max(first[0], then[0]), max(first[1], then[1]), max(first[2], then[2]))
    meter = [BASE] * 3 + [plus(BASE, first)] * 4 + [plus(BASE, both)] * 4
    own = [0.0] * 3 + [16.0] * 4 + [sum(both)] * 4
    found = assess(rounds(own, meter))
    assert (found.verdict, found.reason) == ("none", "no one-phase car"), found.text
    assert "may begin on any terminal" in found.text


def test_a_car_that_draws_more_on_its_line_is_still_a_one_phase_car() -> None:
    """Load balancing gives it 6 A first."""
    own = [0.0] * 3 + [6.0] * 4 + [16.0] * 4
    meter = [BASE] * 3 + [plus(BASE, (0, 6, 0))] * 4 + [plus(BASE, (0, 16, 0))] * 4
    found = assess(rounds(own, meter))
    assert (found.verdict, found.reason, found.amps) == ("contradicts", "line of another terminal", 6), found.text


def test_the_next_charge_says_nothing_about_the_one_before() -> None:
    """A three-phase car after a one-phase one: the connector was idle in between."""
    own = [0.0] * 3 + [16.0] * 4 + [0.0] * 4 + [48.0] * 4
    lines = [(0, 0, 0)] * 3 + [(0, 16, 0)] * 4 + [(0, 0, 0)] * 4 + [(16, 16, 16)] * 4
    assert assess(rounds(own, [plus(BASE, amps) for amps in lines])).verdict == "contradicts"


def test_a_decisive_step_wins_over_the_others() -> None:
    """The end of a charge takes nothing away from its beginning."""
    ends = [at(sample, 1000) for sample in step(-16, (0, -16, 0), before=16, base=(40, 40, 40))]
    assert assess(ends).verdict == "none"
    assert assess([*step(16, (0, 16, 0)), *ends]).verdict == "contradicts"


@pytest.mark.parametrize(("unit", "factor"), [("A", 0.001), ("W", 230 * 0.001)])
def test_a_meter_of_another_unit_gives_a_hint_and_no_evidence(unit: str, factor: float) -> None:
    """The API does not say the unit; taken for the wrong one, the meter gives no evidence, and a hint."""
    found = assess(step(16, (0, 16 * factor, 0)))
    assert (found.verdict, found.reason) == ("none", "no step on the meter")
    assert f"try meter_unit='{unit}'" in found.text


def test_no_hint_is_given_where_no_unit_fits() -> None:
    """A wrong hint would cost an hour."""
    assert "meter_unit" not in assess(step(16, (0, 8, 0))).text


EVERY_TEXT = [
    *(assess(step(amps, lines), rotation) for rotation, lines, amps, _, _ in STEPS),
    *(assess(samples, **more) for samples, more, _ in NONE.values()),
]


@pytest.mark.parametrize("found", EVERY_TEXT, ids=lambda found: found.reason)
def test_a_text_is_one_line_that_begins_with_connector_and_verdict(found: Evidence) -> None:
    """test_claims.py looks at the words."""
    assert found.text == str(found)
    assert found.text.startswith(f"{NAME}: {'no evidence' if found.verdict == 'none' else found.verdict}")
    assert found.text.isprintable()


def test_the_text_of_evidence_names_numbers_lines_and_rotation() -> None:
    assert assess(step(16, (0, 15.6, 0.3)), "RST").text == (
        "HRB-001/1: contradicts RST: at 13:47:26 UTC its current changed by +16.0 A and that of the meter of group 801 "
        "on L2 (+15.6 A) only; with RST (declared), terminal L1, where a one-phase car draws, is wired to building "
        "line L1; repeat with another car before you change anything"
    )
    assert assess(step(48, (16, 16, 16)), "STR", source="live").text == (
        "HRB-001/1: no evidence: at 13:47:26 UTC its current changed by +48.0 A and that of the meter of group 801 "
        "on L1 (+16.0 A), L2 (+16.0 A) and L3 (+16.0 A); with STR (live), it is wired to all three; their order stays "
        "open"
    )


def test_foreign_text_is_made_printable() -> None:
    """A name from a file, a message from a server."""
    hostile = replace(SUBJECT, connector="HRB\x1b[2J\n/1", failure="answered\r\n500\x07")
    found = find_evidence(hostile, rounds([None] * 3, [BASE] * 3))
    assert found.text == "HRB\\x1b[2J /1: no evidence: answered 500\\x07"


AMPS = st.floats(-60, 60).map(lambda amps: round(amps, 1))
TRIPLES = st.tuples(AMPS, AMPS, AMPS)
ROTATIONS = st.sampled_from(PHASE_ROTATIONS)
OWN = st.lists(st.none() | st.sampled_from([0.0, 0.3, 6.0, 16.0, 32.0, 48.0]), min_size=6, max_size=10)


@given(own=OWN, base=TRIPLES, rotation=ROTATIONS, neutral=st.booleans(), data=st.data())
def test_without_a_step_on_the_meter_there_is_never_a_verdict(
    own: list[float | None],
    base: Triple,
    rotation: str,
    neutral: bool,
    data: st.DataObject,
) -> None:
    """Whatever the connector reports: its own readings prove nothing."""
    noise = st.floats(-LEAST_STEP / 4, LEAST_STEP / 4)
    meter = [plus(base, data.draw(st.tuples(noise, noise, noise))) for _ in own]
    assert assess(rounds(own, meter), rotation, neutral=neutral).verdict == "none"


@given(meter=st.lists(TRIPLES, min_size=6, max_size=6), rotation=ROTATIONS, neutral=st.booleans())
def test_without_a_step_of_the_connector_there_is_never_a_verdict(
    meter: list[Triple | None],
    rotation: str,
    neutral: bool,
) -> None:
    """Whatever the building does."""
    assert assess(rounds(QUIET, meter), rotation, neutral=neutral).verdict == "none"


@given(
    own=OWN,
    meter=st.lists(
        st.sampled_from([(0, 0, 0), (16, 0, 0), (0, 16, 0), (16, 16, 0), (16, 16, 16)]), min_size=10, max_size=10
    ),
    rotation=ROTATIONS,
    order=st.sampled_from(list(permutations(range(3)))),
    neutral=st.booleans(),
)
def test_renaming_the_lines_everywhere_changes_no_verdict(
    own: list[float | None],
    meter: list[Triple],
    rotation: str,
    order: tuple[int, int, int],
    neutral: bool,
) -> None:
    """A meter with its lines in another order, and the rotation with its letters in the same one."""

    def moved(triple: Triple) -> Triple:
        renamed = {order[place]: triple[place] for place in range(3)}
        return (renamed[0], renamed[1], renamed[2])

    letters = "".join("RST"[order["RST".index(letter)]] for letter in rotation)
    there = assess(rounds(own, [*meter[: len(own)]]), rotation, neutral=neutral)
    here = assess(rounds(own, [moved(triple) for triple in meter[: len(own)]]), letters, neutral=neutral)
    assert (there.verdict, there.reason, there.amps, there.at) == (here.verdict, here.reason, here.amps, here.at)
    renamed = {f"L{place + 1}": f"L{order[place] + 1}" for place in range(3)}
    assert sorted(renamed[line] for line in there.lines) == sorted(here.lines)


@given(line=st.sampled_from([0, 1, 2]), amps=st.floats(6, 80), base=TRIPLES, rotation=ROTATIONS, data=st.data())
def test_a_verdict_does_not_depend_on_what_the_building_draws(
    line: int, amps: float, base: Triple, rotation: str, data: st.DataObject
) -> None:
    """Nor on the size of the charge, nor on readings that differ by less than a meter's error."""
    error = st.floats(-tolerance(amps) / 2, tolerance(amps) / 2)
    lines = [data.draw(error) for _ in range(3)]
    lines[line] += amps
    found = assess(step(amps, (lines[0], lines[1], lines[2]), base=base), rotation)
    letter = "RST"[line]
    if letter not in rotation:
        assert (found.verdict, found.reason) == ("contradicts", "line not in the rotation")
    else:
        assert found.verdict == ("consistent" if rotation[0] == letter else "contradicts")


@given(amps=st.floats(18, 96), rotation=st.sampled_from([one for one in PHASE_ROTATIONS if len(one) == 3]))
def test_a_three_phase_car_gives_no_evidence_about_three_letters(amps: float, rotation: str) -> None:
    """It loads all three lines, whatever their order."""
    third = amps / 3
    assert assess(step(amps, (third, third, third)), rotation).reason == "three lines"


@dataclass(frozen=True)
class Device:
    """Something that measures now and then: a true current of time, told as it was at its last measuring."""

    period: float
    offset: float
    skew: float

    def measured(self, polled: float) -> float:
        """When it measured what it tells at a time."""
        return polled - (polled - self.offset) % self.period

    def tells(self, polled: float) -> float:
        """The time of measuring by its own clock."""
        return self.measured(polled) + self.skew


def devices(longest: float) -> st.SearchStrategy[Device]:
    """Chargers and meters report every so often, by clocks that are some seconds off."""
    return st.builds(Device, st.floats(1, longest), st.floats(0, 60), st.floats(-4, 4))


@dataclass(frozen=True)
class Car:
    """A car that charges from one time to another, and takes some seconds to reach its current."""

    begins: float
    ends: float
    ramp: float
    amps: Triple

    def draws(self, at: float) -> Triple:
        """A on the building's lines at a time."""
        part = 0.0 if at > self.ends else max(0.0, min(1.0, (at - self.begins) / self.ramp))
        return (self.amps[0] * part, self.amps[1] * part, self.amps[2] * part)


def cars(*amps: Triple) -> st.SearchStrategy[Car]:
    """One of these cars, at any time of the ten minutes."""
    return st.builds(Car, st.floats(0, 500), st.floats(60, 900), st.floats(0.1, 15), st.sampled_from(amps))


@given(
    of=st.tuples(
        cars((16, 0, 0), (0, 16, 0), (0, 0, 16), (0, 16, 16), (16, 16, 16)),
        cars((0, 0, 0), (16, 0, 0), (0, 16, 0), (6, 6, 6)),
    ),
    by=st.tuples(devices(70), devices(70), devices(40)),
    rotation=st.sampled_from(["RST", "STR", "SR", "T"]),
    interval=st.sampled_from([5.0, 15.0, 30.0]),
    noise=st.randoms(use_true_random=False),
)
def test_late_readings_never_give_a_wrong_verdict(
    of: tuple[Car, Car], by: tuple[Device, Device, Device], rotation: str, interval: float, noise: Random
) -> None:
    """
    Ten minutes with two cars, of which either may begin and end at any time; chargers and the meter measure when they
    do, and the building is not quiet. There may be no evidence, but none that is wrong.
    """
    (car, other), (charger, neighbour, meter) = of, by
    samples = []
    for number in range(int(600 / interval)):
        polled = 1_000.0 + number * interval
        own, beside, flow = (device.measured(polled) - 1_000.0 for device in (charger, neighbour, meter))
        lines = plus(plus(car.draws(flow), other.draws(flow)), BASE)
        shaken = (lines[0] + noise.uniform(-0.4, 0.4), lines[1], lines[2] + noise.uniform(-0.4, 0.4))
        connectors = {
            NAME: Reading(sum(car.draws(own)), charger.tells(polled)),
            OTHER: Reading(sum(other.draws(beside)), neighbour.tells(polled)),
        }
        samples.append(Sample(connectors, {METER: LineReading(shaken, meter.tells(polled))}))
    found = assess(samples, rotation)

    letters = {letter for letter, amps in zip("RST", car.amps, strict=True) if amps}
    if not letters <= set(rotation):
        assert found.verdict in ("contradicts", "none"), found.text
    elif len(letters) == 1:
        right = "consistent" if letters == {rotation[0]} else "contradicts"
        assert found.verdict in (right, "none"), found.text
    elif letters == set(rotation) and len(rotation) == 2:
        assert found.verdict in ("consistent", "none"), found.text
    else:
        assert found.verdict == "none", found.text
    event(f"{found.verdict}: {found.reason}")
