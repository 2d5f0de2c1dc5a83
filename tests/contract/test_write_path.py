"""Somebody uses the portal while a connector is written: between any two requests, and in every wait.

The provider is the real one, over HTTP to the real emulator. Waits take no time: its clocks stand still but for them.
`--hypothesis-profile=long` tries many times as many ways.
"""

from __future__ import annotations

import functools
import itertools
import math
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pulumi_plugchoice.api import retry
from pulumi_plugchoice.api.transport import Transport
from pulumi_plugchoice.electrical.rotations import PHASE_ROTATIONS
from pulumi_plugchoice.quota import pacer
from pulumi_plugchoice.quota.waits import LONG_WAIT
from support.emulator import CLIENT_ID, CLIENT_SECRET, SITE, charger_uuid, connector, seed
from support.engine_double import Engine, Report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.emulator import Emulator

IS_LONG: Final = settings.get_current_profile_name() == "long"
CHARGER: Final = charger_uuid(1)
BOTH: Final = {"phase_rotation": "STR", "max_amperage": 20}
#: What is declared, and what the actor edits: an unmanaged setting, or what adoption finds.
CASES: Final[dict[str, tuple[dict[str, Any], tuple[str, ...]]]] = {
    "rotation": ({"phase_rotation": "STR"}, ("max_amperage",)),
    "amperage": ({"max_amperage": 20}, ("phase_rotation",)),
    "match": ({**BOTH, "on_adopt": "match"}, ("max_amperage",)),
    "restore": ({**BOTH, "on_destroy": "restore"}, ("max_amperage", "phase_rotation")),
}
#: What goes wrong with a request; the first three leave no doubt about a PUT.
FAULTS: Final[dict[str, dict[str, Any]]] = {
    "429": {"kind": "status", "status": 429, "retry_after": 8},
    "429 without Retry-After": {"kind": "status", "status": 429},
    "401": {"kind": "status", "status": 401},
    "503": {"kind": "status", "status": 503},
    "504 after the write": {"kind": "status_after_write", "status": 504},
    "reset": {"kind": "reset_before"},
    "reset after the write": {"kind": "reset_after"},
    "other values": {"kind": "other_values", "values": {"phase_rotation": "TRS", "max_amperage": 1}},
}
REQUESTS: Final = {
    "GET charger": {"method": "GET", "path": "/chargers/[^/]+$"},
    "PUT": {"method": "PUT"},
    "POST token": {"method": "POST"},
}


@dataclass
class Event:
    """A request that was sent, with what it carried or was answered; or a wait."""

    kind: str
    values: dict[str, Any] | None = None


@dataclass
class Lab:
    """The emulator, an actor in its portal, and what happened, in order."""

    emulator: Emulator
    patch: pytest.MonkeyPatch
    folder: Path
    edited: tuple[str, ...] = ()
    edits: Iterator[bool] = field(default_factory=lambda: itertools.cycle([False]))
    events: list[Event] = field(default_factory=list)
    now: float = 1000.0
    slots: int = 0
    token_seconds: float = 3600.0
    faults: list[dict[str, Any]] = field(default_factory=list)

    def install(self) -> None:
        """Take the place of time and of the one function that sends a request."""
        send, real_pacer = Transport._send, pacer.Pacer

        def note(transport: Transport, method: str, url: str, path: str, *args: Any, **given: Any) -> Any:
            if next(self.edits):
                self.edit()
            event = Event(f"{method} {path}", given.get("json"))
            self.events.append(event)
            answer = send(transport, method, url, path, *args, **given)
            if method == "GET":
                found = answer["data"]["connectors"] if path == f"/v3/chargers/{CHARGER}" else answer["data"]
                event.values = {name: found[0][name] for name in BOTH}
            if method == "POST":
                answer["expires_in"] = self.token_seconds
            return answer

        def make_pacer(*args: Any, **given: Any) -> pacer.Pacer:
            made = real_pacer(*args, **given, folder=self.folder, clock=lambda: self.now, sleep=self.wait)
            take = made.take

            def count(time_left: float = math.inf, requests: int = 1) -> float:
                self.slots += requests
                return take(time_left, requests)

            made.take = count  # type: ignore[method-assign] # to see what the client asks for
            return made

        self.patch.setattr(Transport, "_send", note)
        self.patch.setattr(pacer, "Pacer", make_pacer)
        self.patch.setattr(retry, "time", SimpleNamespace(sleep=self.wait))
        begin = functools.partialmethod(retry.Deadline.__init__, clock=lambda: self.now)
        self.patch.setattr(retry.Deadline, "__init__", begin)

    def wait(self, seconds: float) -> None:
        """A wait is a good moment for the portal."""
        self.now += seconds
        self.edit()
        self.events.append(Event("long wait" if seconds > LONG_WAIT else "wait"))

    def edit(self) -> None:
        """A value that was not there before, as far as there are so many."""
        live = self.emulator.live(1)
        rotations = PHASE_ROTATIONS.index(live[0]) if live[0] in PHASE_ROTATIONS else 0
        new = {
            "max_amperage": 100 + len(self.events),
            "phase_rotation": PHASE_ROTATIONS[(rotations + 1) % len(PHASE_ROTATIONS)],
        }
        self.emulator.edit(CHARGER, 1, **{name: new[name] for name in self.edited})

    def run(self, case: str, requests_per_minute: int = 500) -> tuple[Engine, Report]:
        """One `pulumi up` of a connector that is new to the stack."""
        declared, self.edited = CASES[case]
        live = connector(rotation="STR" if case == "match" else "RST", amperage=None if case == "match" else 16)
        self.emulator.reset(seed(1, {1: [live]}))
        for fault in self.faults:
            self.emulator.fault(**fault)
        environment = {
            "PLUGCHOICE_BASE_URL": self.emulator.base_url,
            "PLUGCHOICE_CLIENT_ID": CLIENT_ID,
            "PLUGCHOICE_CLIENT_SECRET": CLIENT_SECRET,
            "PLUGCHOICE_SITE": SITE,
            "PLUGCHOICE_DEADLINE_SECONDS": "900",
            "PLUGCHOICE_REQUESTS_PER_MINUTE": str(requests_per_minute),
        }
        engine = Engine(environment)
        report = engine.up({"bay": {"charger": CHARGER, "connector_id": 1, **declared}})
        return engine, report

    def judge(self, case: str, engine: Engine, report: Report) -> int:
        """Every PUT rests on a read that was sent after the last wait; the number of PUTs."""
        assert sum("wait" not in event.kind for event in self.events) <= self.slots, "each request has its place"
        declared, _ = CASES[case]
        puts = [place for place, event in enumerate(self.events) if event.kind.startswith("PUT")]
        reading = Event("")
        for place in puts:
            body = self.events[place].values
            reading = self.find_reading(place, is_just_before=True)
            assert body is not None
            assert reading.values is not None
            if case == "match":
                assert reading.values["max_amperage"] in {None, 20}
            elif case != "restore":
                assert body == {**reading.values, **declared}, self.events
        if case == "restore" and report.went_well and not self.has_doubt:
            assert engine.state["bay"].outputs["adopted"] == reading.values
        if not report.went_well:
            assert engine.state == {}
        return len(puts)

    def find_reading(self, place: int, *, is_just_before: bool) -> Event:
        """The last read before that request; no long wait lies between, and nothing at all if that is asked."""
        reads = [i for i, event in enumerate(self.events[:place]) if event.values and event.kind.startswith("GET")]
        between = {event.kind for event in self.events[reads[-1] + 1 : place]}
        assert "long wait" not in between, self.events
        assert not (is_just_before and between), self.events
        return self.events[reads[-1]]

    @property
    def has_doubt(self) -> bool:
        """Whether a PUT may have been carried out that nobody knows of."""
        return any(fault["method"] == "PUT" and fault not in CERTAIN for fault in self.faults)


CERTAIN: Final = [FAULTS[name] | REQUESTS["PUT"] for name in ("429", "429 without Retry-After", "401")]


@pytest.fixture
def lab(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Lab:
    """With an actor who uses every wait, and no other moment."""
    lab = Lab(emulator, monkeypatch, tmp_path)
    lab.install()
    return lab


@pytest.mark.parametrize("case", [case for case in CASES if case != "amperage"])
@pytest.mark.parametrize(
    "faults",
    [
        [],
        *[[FAULTS[name] | REQUESTS["PUT"]] for name in FAULTS],
        [FAULTS["503"] | REQUESTS["GET charger"]],
        [FAULTS["429"] | REQUESTS["GET charger"]],
        [FAULTS["401"] | REQUESTS["GET charger"]],
        [FAULTS["401"] | REQUESTS["PUT"], FAULTS["503"] | REQUESTS["POST token"] | {"skip": 1}],
    ],
    ids=lambda faults: ", ".join(f"{fault['kind']} {fault.get('status', '')} {fault['method']}" for fault in faults),
)
def test_no_write_rests_on_a_reading_from_before_a_wait(lab: Lab, case: str, faults: list[dict[str, Any]]) -> None:
    """Whatever the wait was for; the portal is used in each of them."""
    lab.faults = faults
    engine, report = lab.run(case)
    puts = lab.judge(case, engine, report)
    assert puts or case == "match"
    assert report.went_well or case == "match", report.errors


@pytest.mark.parametrize("case", CASES)
def test_no_wait_for_the_request_limit_lies_between_read_and_write(lab: Lab, case: str) -> None:
    """At 5 requests a minute each one waits 15 s."""
    engine, report = lab.run(case, requests_per_minute=5)
    assert any(event.kind == "long wait" for event in lab.events)
    puts = lab.judge(case, engine, report)
    if case == "match":
        assert puts == 0
        assert 'which on_adopt="match" refuses' in report.errors[0]
    else:
        assert puts == 1
        assert report.went_well


@pytest.mark.parametrize("case", CASES)
def test_no_token_is_fetched_between_read_and_write(lab: Lab, case: str) -> None:
    """One that expires at once is renewed before both."""
    lab.token_seconds = 0.0
    engine, report = lab.run(case)
    assert lab.judge(case, engine, report) == 1
    assert report.went_well


FAULTED: Final = st.lists(
    st.builds(
        lambda fault, request, skip: FAULTS[fault] | REQUESTS[request] | {"skip": skip},
        st.sampled_from(sorted(FAULTS)),
        st.sampled_from(sorted(REQUESTS)),
        st.sampled_from([0, 0, 1, 2]),
    ).filter(lambda fault: fault["method"] == "PUT" or fault["kind"] not in {"other_values", "status_after_write"}),
    max_size=4,
)


@pytest.mark.timeout(0 if IS_LONG else 300)
@settings(
    max_examples=1500 if IS_LONG else 10,
    derandomize=not IS_LONG,
    phases=set(Phase) - ({Phase.explain} if IS_LONG else {Phase.explain, Phase.shrink}),
    deadline=None,
)
@given(
    case=st.sampled_from(sorted(CASES)),
    faults=FAULTED,
    edits=st.lists(st.booleans(), max_size=12),
    limits=st.tuples(st.sampled_from([3, 5, 500]), st.sampled_from([0.0, 3600.0])),
)
def test_no_write_rests_on_an_old_reading_whatever_happens(
    emulator_process: Emulator,
    case: str,
    faults: list[dict[str, Any]],
    edits: list[bool],
    limits: tuple[int, float],
) -> None:
    """Faults, waits and edits in any order; `limits` are requests a minute and the lifetime of a token in s."""
    requests_per_minute, token_seconds = limits
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        lab = Lab(emulator_process, patch, Path(folder), faults=faults, token_seconds=token_seconds)
        lab.edits = itertools.chain(edits, itertools.cycle([False]))
        lab.install()
        engine, report = lab.run(case, requests_per_minute)
    lab.judge(case, engine, report)
