"""Random sequences of declarations, portal edits, faults, kills and runs, beside a model of what must come of them.

The provider is the real one, over HTTP to the real emulator; the engine is `support.engine`. After each step the
emulator's values, the model's and the stack's state agree. `--hypothesis-profile=long` plays many times as many.
"""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pulumi_plugchoice._text import printable
from pulumi_plugchoice.api import transport
from pulumi_plugchoice.api.retry import Backoff
from pulumi_plugchoice.electrical.rotations import PHASE_ROTATIONS
from support.emulator import SITE, TOKEN, charger_uuid, connector, identity, seed
from support.engine_double import Engine, Report, Stored
from support.matrix import FAULTS, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from support.emulator import Calls, Emulator

IS_LONG: Final = settings.get_current_profile_name() == "long"
SETTINGS: Final = settings(
    max_examples=1000 if IS_LONG else 60,
    stateful_step_count=50 if IS_LONG else 20,
    derandomize=not IS_LONG,
    # Shrinking takes minutes: a failure of the short run is shown as it was found.
    phases=set(Phase) - ({Phase.explain} if IS_LONG else {Phase.explain, Phase.shrink}),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)

Slot = tuple[int, int]  # charger HRB-…, connector number
Values = dict[str, Any]
SLOTS: Final[tuple[Slot, ...]] = ((1, 1), (2, 1), (2, 2), (3, 1))
NAMES: Final = "abcde"
SEED: Final = seed(3, {2: [connector(1), connector(2, "TRS", 10)], 3: [connector(1, None, None)]})
BOTH: Final = ("phase_rotation", "max_amperage")

# Faults that hang are in test_faults.py: here each would cost a second, and a busy machine would look like one.
QUICK: Final = [fault for fault in FAULTS if fault.inject["kind"] not in {"slow", "slow_after_write", "drip"}]


@dataclass(frozen=True)
class Trouble:
    """A fault, once, on the first request of that method after `skip` of them."""

    fault: Fault
    method: str
    skip: int

    @property
    def is_error(self) -> bool:
        """Whether the run cannot go on over it."""
        return bool(self.fault.get_once if self.method == "GET" else self.fault.put_once.error)


TROUBLES = st.builds(
    Trouble, st.sampled_from(QUICK), st.sampled_from(["GET", "PUT", "PUT"]), st.sampled_from([0, 0, 0, 1, 2])
).filter(
    # A 403 or 404 about one charger is believed: it cannot be told from one that is true (tests/acceptance/test_gone).
    lambda trouble: (
        trouble.method in trouble.fault.methods
        and not (trouble.method == "GET" and trouble.fault.name in {"403", "404"})
    )
)
SETTINGS_DECLARED = st.fixed_dictionaries(
    {},
    optional={
        "phase_rotation": st.sampled_from(PHASE_ROTATIONS),
        "max_amperage": st.sampled_from([1, 6, 10, 16, 20, 1000]),
    },
).filter(bool)


@dataclass(frozen=True)
class Declared:
    """A resource of the program, or of the state: then `settings` are the stored ones and `originals` known."""

    slot: Slot
    settings: Values
    restores: bool = False
    by_identity: bool = False
    originals: Values = field(default_factory=dict)

    @property
    def inputs(self) -> Values:
        """As the constructor sends them."""
        charger, number = self.slot
        given = {
            "charger": identity(charger) if self.by_identity else charger_uuid(charger),
            "connector_id": number,
            **self.settings,
        }
        return given | ({"on_destroy": "restore"} if self.restores else {})

    def adopted(self, live: Values, old: Declared | None) -> Declared:
        """As it is stored once it was carried out, `live` being what was found."""
        before = old if old is not None and old.slot == self.slot else Declared(self.slot, {})
        found = {name: live[name] for name in self.settings if name not in before.settings and live[name] is not None}
        kept = {name: value for name, value in before.originals.items() if name in self.settings}
        return replace(self, originals=kept | found)

    def is_stored_as(self, stored: Stored) -> bool:
        """Whether a resource of the state is this one."""
        outs, charger = stored.outputs, charger_uuid(self.slot[0])
        return (
            stored.id == f"{charger}/{self.slot[1]}"
            and (outs["charger"], outs["connector_id"]) == (charger, self.slot[1])
            and {name: outs[name] for name in BOTH if name in outs} == self.settings
            and {name: stored.inputs[name] for name in BOTH if name in stored.inputs} == self.settings
            and set(outs["managed"]) == set(self.settings)
            and outs["adopted"] == self.originals
            and (outs.get("on_destroy") == "restore") is self.restores
            and ("charger_identity" in outs) is self.by_identity
        )


DECLARED = st.builds(Declared, st.sampled_from(SLOTS), SETTINGS_DECLARED, st.booleans(), st.booleans())


@dataclass
class Forecast:
    """What a deployment without trouble comes to.

    Attributes:
        live: the values at its end.
        possible: by connector, all values at which trouble may leave it.
        writes: connectors that are written.
        is_stuck: whether a write is impossible, because the setting that is not managed was never set.
    """

    live: dict[Slot, Values]
    possible: dict[Slot, list[Values]]
    writes: int = 0
    is_stuck: bool = False

    @classmethod
    def of(cls, live: Mapping[Slot, Values]) -> Forecast:
        """Before anything is done."""
        return cls({slot: dict(now) for slot, now in live.items()}, {slot: [dict(now)] for slot, now in live.items()})

    def write(self, slot: Slot, wanted: Values) -> None:
        now = self.live[slot]
        if not differs(wanted, now):
            return
        if any(value is None for value in (now | wanted).values()):
            self.is_stuck = True
            return
        self.writes += 1
        self.live[slot] = now | wanted
        self.possible[slot] += [value | wanted for value in self.possible[slot]]


def differs(wanted: Values, live: Values) -> bool:
    return any(live[name] != value for name, value in wanted.items())


class Machine(RuleBasedStateMachine):
    """A program, a portal and an engine; `live`, `stored` and `pending` are the model."""

    emulator: Emulator
    cache: Path
    counts: Counter[str]

    @initialize(has_site=st.booleans())
    def start(self, has_site: bool) -> None:
        """A fresh site and an empty stack; without the site's UUID, chargers are read one by one."""
        self.emulator.reset(SEED)
        shutil.rmtree(self.cache, ignore_errors=True)
        self.has_site = has_site
        environment = {
            "PLUGCHOICE_BASE_URL": self.emulator.base_url,
            "PLUGCHOICE_TOKEN": TOKEN,
            "PLUGCHOICE_TIMEOUT_SECONDS": "10",
            "PLUGCHOICE_DEADLINE_SECONDS": "20",
            "XDG_CACHE_HOME": str(self.cache),
        }
        self.engine = Engine(environment | ({"PLUGCHOICE_SITE": SITE} if has_site else {}))
        self.program: dict[str, Declared] = {}
        self.live = self.read()
        self.stored: dict[str, Declared] = {}
        self.pending: list[Declared] = []
        self.counts["sequences"] += 1

    # What people do

    @rule(name=st.sampled_from(NAMES), declared=DECLARED)
    def declare(self, name: str, declared: Declared) -> None:
        """A new or another declaration; one that had the connector gets this one's, or leaves."""
        self.give_way(name, declared.slot)
        self.program[name] = replace(declared, by_identity=declared.by_identity and self.has_site)

    @precondition(lambda self: self.program)
    @rule(data=st.data(), slot=st.sampled_from(SLOTS))
    def move(self, data: st.DataObject, slot: Slot) -> None:
        """The same settings for another connector: a replacement, or two that swap."""
        self.move_to(data.draw(st.sampled_from(sorted(self.program)), "name"), slot)

    def move_to(self, name: str, slot: Slot) -> None:
        self.give_way(name, slot)
        self.program[name] = replace(self.program[name], slot=slot)

    @precondition(lambda self: len(self.program) > 1)
    @rule(data=st.data())
    def swap(self, data: st.DataObject) -> None:
        """Two exchange their connectors."""
        one, other = data.draw(st.permutations(sorted(self.program)), "names")[:2]
        self.move_to(one, self.program[other].slot)

    def give_way(self, name: str, slot: Slot) -> None:
        mine = self.program.get(name)
        other = next((key for key, declared in self.program.items() if declared.slot == slot and key != name), None)
        if other is not None and mine is not None and mine.slot != slot:
            self.program[other] = replace(self.program[other], slot=mine.slot)
            self.counts["swapped"] += 1
        elif other is not None:
            del self.program[other]

    @precondition(lambda self: self.program)
    @rule(data=st.data())
    def undeclare(self, data: st.DataObject) -> None:
        """It leaves the program."""
        del self.program[data.draw(st.sampled_from(sorted(self.program)), "name")]

    @precondition(lambda self: 0 < len(self.program) < len(NAMES))
    @rule(data=st.data())
    def rename(self, data: st.DataObject) -> None:
        """Without an alias."""
        old = data.draw(st.sampled_from(sorted(self.program)), "old")
        new = data.draw(st.sampled_from(sorted(set(NAMES) - set(self.program))), "new")
        self.program[new] = self.program.pop(old)
        self.counts["renamed"] += 1

    @rule(slot=st.sampled_from(SLOTS), values=SETTINGS_DECLARED)
    def edit_in_the_portal(self, slot: Slot, values: Values) -> None:
        """Managed or not."""
        self.emulator.edit(charger_uuid(slot[0]), slot[1], **values)
        self.live[slot] |= values
        self.counts["portal edits"] += 1

    # What is run

    @precondition(lambda self: self.program)
    @rule()
    def preview(self) -> None:
        """It tells what an update would do, and does nothing."""
        with self.emulator.recording() as calls:
            report = self.engine.preview(self.inputs)
        assert calls.puts == []
        self.settled(report)
        changes = self.expected_changes()
        is_refused = any(
            self.cannot_be_written(self.program[name]) for name, op in changes.items() if op in {"create", "replace"}
        )
        assert bool(report.errors) is is_refused, report.errors
        if not is_refused:
            assert report.changes == changes

    @rule()
    def up_in_peace(self) -> None:
        """As on most days."""
        self.up(None, None, continue_on_error=False)

    @rule(trouble=TROUBLES, continue_on_error=st.booleans(), name=st.sampled_from(NAMES), declared=DECLARED)
    def up_with_a_fault(self, trouble: Trouble, continue_on_error: bool, name: str, declared: Declared) -> None:
        """One request of it is hit; there is something new to write."""
        self.declare(name, declared)
        self.up(trouble, None, continue_on_error=continue_on_error)

    @rule(kill_after=st.integers(1, 12), trouble=st.none() | TROUBLES, name=st.sampled_from(NAMES), declared=DECLARED)
    def up_killed(self, kill_after: int, trouble: Trouble | None, name: str, declared: Declared) -> None:
        """Its process dies, at whatever stage."""
        self.declare(name, declared)
        self.up(trouble, kill_after, continue_on_error=False)

    def up(self, trouble: Trouble | None, kill_after: int | None, *, continue_on_error: bool) -> None:
        """Ends as declared, or says why not."""
        expected = self.expected_changes()
        forecast = Forecast.of(self.live)
        for declared in self.program.values():
            forecast.write(declared.slot, declared.settings)
        leaving = [self.stored[name] for name, op in expected.items() if op == "replace"]
        leaving += [self.stored[name] for name in reversed(self.stored) if name not in self.program]
        if not forecast.is_stuck:
            self.foresee_deletes(forecast, leaving, kept={declared.slot for declared in self.program.values()})
        target = {
            # Without a change nothing is stored, not even another way of naming the charger.
            name: declared.adopted(self.live[declared.slot], self.stored.get(name))
            if name in expected
            else self.stored[name]
            for name, declared in self.program.items()
        }

        with self.emulator.recording() as calls:
            report, happened = self.with_trouble(
                trouble,
                lambda: self.engine.up(self.inputs, kill_after=kill_after, continue_on_error=continue_on_error),
            )

        self.judge("up", report, forecast, calls, happened)
        if not report.went_well:
            self.resume(target)
            return
        assert report.changes == expected
        self.stored, self.pending = target, []
        self.settled(report)
        again = self.engine.preview(self.inputs)
        assert again.went_well, again.errors
        assert again.changes == {}, "a second preview shows no change"

    @precondition(lambda self: self.stored)
    @rule(trouble=st.none() | TROUBLES.filter(lambda trouble: trouble.method == "GET"))
    def refresh(self, trouble: Trouble | None) -> None:
        """The state is as the portal has it; nothing is written, nothing is lost."""
        target = {
            name: replace(stored, settings={setting: self.live[stored.slot][setting] for setting in stored.settings})
            for name, stored in self.stored.items()
        }
        drifted = sum(target[name] != stored for name, stored in self.stored.items())

        with self.emulator.recording() as calls:
            report, happened = self.with_trouble(trouble, self.engine.refresh)

        self.judge("refresh", report, Forecast.of(self.live), calls, happened)
        assert set(self.engine.state) == set(self.stored)
        if not report.went_well:
            self.resume(target)
            return
        self.stored = target
        assert sum(": drift:" in line for line in report.lines) == drifted
        self.settled(report)

    @precondition(lambda self: self.stored)
    @rule(trouble=st.none() | TROUBLES, kill_after=st.none() | st.none() | st.integers(1, 4))
    def destroy(self, trouble: Trouble | None, kill_after: int | None) -> None:
        """Originals are put back where that was asked for."""
        forecast = Forecast.of(self.live)
        self.foresee_deletes(forecast, [self.stored[name] for name in reversed(self.stored)], kept=set())

        with self.emulator.recording() as calls:
            report, happened = self.with_trouble(trouble, lambda: self.engine.destroy(kill_after=kill_after))

        self.judge("destroy", report, forecast, calls, happened)
        self.counts["restored"] += sum(": restored to" in line for line in report.lines)
        if not report.went_well:
            self.resume({})
            return
        self.stored, self.pending = {}, []
        self.settled(report)

    @invariant()
    def emulator_and_model_agree(self) -> None:
        """Every setting of every connector, managed or not."""
        assert self.read() == self.live

    # The model

    @property
    def inputs(self) -> dict[str, Values]:
        """The program as the engine gets it."""
        return {name: declared.inputs for name, declared in self.program.items()}

    def read(self) -> dict[Slot, Values]:
        """What Plugchoice holds."""
        held = self.emulator.values()
        return {slot: dict(zip(BOTH, held[charger_uuid(slot[0]), slot[1]], strict=True)) for slot in SLOTS}

    def expected_changes(self) -> dict[str, str]:
        """What a preview has to find."""
        changes = {}
        for name, declared in self.program.items():
            stored = self.stored.get(name)
            if stored is None:
                changes[name] = "create"
            elif stored.slot != declared.slot:
                changes[name] = "replace"
            elif replace(stored, originals={}, by_identity=declared.by_identity) != declared or differs(
                declared.settings, self.live[declared.slot]
            ):
                changes[name] = "update"
        return changes | {name: "delete" for name in self.stored if name not in self.program}

    def cannot_be_written(self, declared: Declared) -> bool:
        """Whether a write would have to send a setting along that was never set."""
        forecast = Forecast.of(self.live)
        forecast.write(declared.slot, declared.settings)
        return forecast.is_stuck

    def foresee_deletes(self, forecast: Forecast, leaving: Iterable[Declared], kept: set[Slot]) -> None:
        """Replaced ones first; what the program declares is not restored."""
        for declared in (*self.pending, *leaving):
            if declared.restores and declared.slot not in kept:
                forecast.write(declared.slot, declared.originals)

    def with_trouble(self, trouble: Trouble | None, run: Callable[[], Report]) -> tuple[Report, Trouble | None]:
        """Run with a fault waiting; the fault is returned when a request met it."""
        if trouble is None:
            return run(), None
        inject = dict(trouble.fault.inject)
        if "retry_after" in inject:
            inject["retry_after"] = 0  # the wait itself is in test_transport.py
        self.emulator.fault(**inject, method=trouble.method, skip=trouble.skip, path="^/v3")
        report = run()
        [fault] = self.emulator.control("GET", "/faults")["faults"]
        self.emulator.clear_faults()
        if trouble.fault.name.startswith("429"):
            shutil.rmtree(
                self.cache, ignore_errors=True
            )  # the hold of a minute, which all runs of this user would wait for
        if not fault["used"]:
            return report, None
        self.counts["faults met"] += 1
        self.counts[f"fault {trouble.method} {trouble.fault.name}"] += 1
        return report, trouble

    def judge(self, what: str, report: Report, forecast: Forecast, calls: Calls, trouble: Trouble | None) -> None:
        """Errors when there must be some and no others, values as foreseen, no write too many."""
        self.counts[what] += 1
        self.counts["killed"] += report.is_killed
        self.counts["ended in an error"] += bool(report.errors)
        self.counts["writes"] += len(calls.puts)
        if not report.is_killed:
            must_fail = forecast.is_stuck or (trouble is not None and trouble.is_error)
            assert bool(report.errors) is must_fail, (report.errors, trouble)
        now = self.read()
        if report.went_well:
            assert now == forecast.live
        for slot, values in now.items():
            assert values in forecast.possible[slot], f"{slot} was made {values}"
        if report.went_well and trouble is None:
            assert len(calls.puts) == forecast.writes
        assert len(calls.puts) <= forecast.writes + (trouble is not None)
        for line in (*report.lines, *report.errors):
            assert line == printable(line, 2000)
            assert TOKEN not in line
        self.live = now

    def settled(self, report: Report) -> None:
        """The state is the model's, to the last original."""
        assert set(self.engine.state) == set(self.stored), report
        for name, stored in self.stored.items():
            assert stored.is_stored_as(self.engine.state[name]), (stored, self.engine.state[name])
        assert len(self.engine.pending) == len(self.pending)

    def resume(self, target: Mapping[str, Declared]) -> None:
        """After a run that broke off: each resource is as before or as it was to be, and nothing between."""

        def known(name: str, state: Stored, *candidates: Declared | None) -> Declared:
            found = next((one for one in candidates if one is not None and one.is_stored_as(state)), None)
            assert found is not None, f"{name} is stored as {state}, which is none of {candidates}"
            return found

        before = self.stored
        self.pending = [known(name, state, before.get(name), *self.pending) for name, state in self.engine.pending]
        self.stored = {
            name: known(name, state, before.get(name), target.get(name)) for name, state in self.engine.state.items()
        }
        assert set(before) & set(target) <= set(self.stored), "what is declared does not leave the state"


@pytest.mark.slow
@pytest.mark.timeout(0 if IS_LONG else 300)
def test_model_emulator_and_state_agree_after_each_step(
    emulator_process: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    """Whatever is declared, edited, interrupted and run, in whatever order."""
    counted: Counter[str] = Counter()
    monkeypatch.setattr(transport, "Backoff", lambda: Backoff(first=0.01, longest=0.1, jitter=0.01))

    class OnThisEmulator(Machine):
        emulator = emulator_process
        cache = tmp_path / "cache"
        counts = counted

    run_state_machine_as_test(OnThisEmulator, settings=SETTINGS)

    text = ", ".join(f"{count} {what}" for what, count in sorted(counted.items()))
    record_property("stateful", text)
    print(text)  # noqa: T201 - shown with -rP
    # The rare ones ("killed", "swapped") are drawn in most runs, not in each.
    seen = ("up", "writes", "refresh", "destroy", "portal edits", "killed", "faults met")
    assert [what for what in seen if not counted[what]] == [], "what the sequences are for does happen in them"
