"""check_wiring over HTTP: cars come and go at an emulated site that is wired as declared or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from pulumi_plugchoice.errors import ConfigError, OfflineError, PermissionDenied
from pulumi_plugchoice.sitefile.load import build_site
from pulumi_plugchoice.wiring.evidence import NOTE, Evidence
from pulumi_plugchoice.wiring.sampling import check_wiring
from support.emulator import SITE, TOKEN, charger_uuid, connector, identity, seed

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.emulator import Emulator, Json

GROUP = 801


@dataclass
class Yard:
    """An emulated site, its file, and what happens there between two samples.

    Attributes:
        events: before which sample (1 is the second) what happens.
        file: the whole site file; None: the one that `site` makes.
    """

    emulator: Emulator
    events: dict[int, Callable[[], None]] = field(default_factory=dict)
    supply: Json = field(default_factory=lambda: {"net_type": "TN", "main_fuse_amps": 125})
    declared: dict[int, Json] = field(default_factory=dict)
    chargers: int = 3
    file: Json | None = None

    def site(self) -> Json:
        """The site, as in a file: every charger by identity, connector 1 declared RST unless `declared` differs."""
        entries = [
            {"identity": identity(index), "connectors": [{"connector_id": 1, **self.declared.get(index, DECLARED)}]}
            for index in range(1, self.chargers + 1)
        ]
        groups = [{"name": "main", "group_id": GROUP}]
        return {"site": SITE, "supply": self.supply, "groups": groups, "chargers": entries}

    def check(self, **more: Any) -> list[Evidence]:
        """Six samples without waiting, unless `more` says otherwise; the readings still have their true times."""
        seen = [0]

        def sleep(_: float) -> None:
            seen[0] += 1
            self.events.get(seen[0], lambda: None)()

        given = {"samples": 6, "lag": 0.0, **more}
        return check_wiring(build_site(self.file or self.site(), "here"), sleep=sleep, **given)

    def car(self, index: int, *amps: float) -> Callable[[], None]:
        """An event: a car draws these A on the terminals of `HRB-{index}`."""
        return lambda: self.emulator.circuit(index, amps=list(amps))


DECLARED: Json = {"phase_rotation": "RST", "max_amperage": 16}
BASE = [18, 11, -9]


@pytest.fixture
def yard(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Yard:
    """Three chargers behind one meter, each declared and wired RST."""
    monkeypatch.setenv("PLUGCHOICE_BASE_URL", emulator.base_url)
    monkeypatch.setenv("PLUGCHOICE_TOKEN", TOKEN)
    emulator.meter(GROUP, base_amps=BASE)
    return Yard(emulator)


def wire(yard: Yard, index: int, rotation: str) -> None:
    """Wire a charger, whatever is declared."""
    yard.emulator.circuit(index, wired=rotation)


def test_a_car_on_the_declared_line_is_consistent(yard: Yard) -> None:
    """And the connectors at which nothing happened have no evidence."""
    yard.events = {2: yard.car(1, 16, 0, 0)}
    first, second, third = yard.check()
    assert (first.verdict, first.reason, first.lines) == ("consistent", "line of terminal L1", ("L1",))
    assert (first.connector, first.rotation, first.group, first.amps) == ("HRB-001/1", "RST", GROUP, 16)
    assert {(one.verdict, one.reason) for one in (second, third)} == {("none", "no step")}


def test_a_car_on_another_line_contradicts(yard: Yard) -> None:
    """Declared RST, and live RST, but wired STR: only the meter can tell."""
    wire(yard, 2, "STR")
    yard.events = {2: yard.car(2, 16, 0, 0)}
    _, found, _ = yard.check()
    assert (found.verdict, found.reason, found.lines) == ("contradicts", "line of another terminal", ("L2",))
    assert found.text.startswith("HRB-002/1: contradicts RST: at ")
    assert "with RST (declared), terminal L1, where a one-phase car draws, is wired to building line L1" in found.text


@pytest.mark.parametrize("reports", ["terminals", "lines"])
@pytest.mark.parametrize(
    ("rotation", "verdict"), [("RST", "consistent"), ("STR", "contradicts"), ("TSR", "contradicts")]
)
def test_the_order_of_reported_currents_does_not_matter(yard: Yard, reports: str, rotation: str, verdict: str) -> None:
    """Its terminals, or the building's lines: the same evidence."""
    yard.emulator.circuit(1, wired=rotation, reports=reports)
    yard.events = {2: yard.car(1, 16, 0, 0)}
    assert yard.check()[0].verdict == verdict


def test_a_declaration_that_was_applied_over_other_wiring_is_contradicted(yard: Yard) -> None:
    """A PUT rewires nothing: the file and the live value say STR, terminal L1 is still wired to L1."""
    yard.declared[1] = {"phase_rotation": "STR"}
    yard.emulator.edit(charger_uuid(1), phase_rotation="STR")
    yard.events = {2: yard.car(1, 16, 0, 0)}
    found = yard.check()[0]
    assert (found.verdict, found.lines, found.rotation) == ("contradicts", ("L1",), "STR")


def test_cars_that_start_one_after_the_other_are_told_apart(yard: Yard) -> None:
    """Three cars in one run, each a step of its own."""
    wire(yard, 3, "TRS")
    yard.events = {2: yard.car(1, 16, 0, 0), 5: yard.car(2, 0, 16, 0), 8: yard.car(3, 6, 0, 0)}
    found = yard.check(samples=11)
    assert [(one.verdict, one.lines) for one in found] == [
        ("consistent", ("L1",)),
        ("contradicts", ("L2",)),
        ("contradicts", ("L3",)),
    ]


def no_meter(yard: Yard) -> None:
    yard.emulator.no_meter(GROUP)


def silent_meter(yard: Yard) -> None:
    yard.emulator.meter(GROUP, has_readings=False)


def silent_charger(yard: Yard) -> None:
    yard.emulator.circuit(1, has_readings=False)


def odd_readings(yard: Yard) -> None:
    """L1 is "-" throughout, and that is where the car draws; the others are " 0.0"."""
    yard.emulator.switch(odd_readings=True)


def dc(yard: Yard) -> None:
    yard.emulator.edit(charger_uuid(1), power_type="DC")


def nothing_declared(yard: Yard) -> None:
    yard.declared[1] = {"max_amperage": 16}
    yard.emulator.edit(charger_uuid(1), phase_rotation=None)


def no_car(yard: Yard) -> None:
    yard.events = {}


def small_car(yard: Yard) -> None:
    yard.events = {2: yard.car(1, 3, 0, 0)}


def three_phase_car(yard: Yard) -> None:
    yard.events = {2: yard.car(1, 16, 16, 16)}


def two_phase_car(yard: Yard) -> None:
    yard.events = {2: yard.car(1, 0, 16, 16)}


def two_cars(yard: Yard) -> None:
    def both() -> None:
        yard.car(1, 16, 0, 0)()
        yard.car(2, 16, 0, 0)()

    yard.events = {2: both}


def car_and_building(yard: Yard) -> None:
    def both() -> None:
        yard.car(1, 16, 0, 0)()
        yard.emulator.meter(GROUP, base_amps=[18, 21, -9])

    yard.events = {2: both}


def parting_car(yard: Yard) -> None:
    yard.car(1, 16, 0, 0)()
    yard.events = {2: yard.car(1, 0, 0, 0)}


def late_car(yard: Yard) -> None:
    yard.events = {5: yard.car(1, 16, 0, 0)}


def another_unit(yard: Yard) -> None:
    yard.emulator.meter(GROUP, base_amps=BASE, unit="A")


def in_no_group(yard: Yard) -> None:
    yard.emulator.leave_group(1)


def unknown_charger(yard: Yard) -> None:
    yard.emulator.remove(charger_uuid(1))
    yard.events = {}


@pytest.mark.parametrize(
    ("situation", "reason", "words"),
    [
        (no_meter, "no meter", "say nothing about the building's lines"),
        (silent_meter, "meter without readings", "the meter of group 801 gave no reading"),
        (silent_charger, "no readings", '("-")'),
        (odd_readings, "no step", "it drew nothing"),
        (dc, "direct current", "DC"),
        (nothing_declared, "no rotation", "neither declared nor live"),
        (no_car, "no step", "let a one-phase car begin to charge"),
        (small_car, "small step", "3.0 A"),
        (three_phase_car, "three lines", "their order stays open"),
        (two_phase_car, "two lines of three", "some cars draw on terminals 2 and 3"),
        (two_cars, "several at once", "start one car at a time"),
        (car_and_building, "sizes differ", "+16.0 / +10.0 / +0.0 A"),
        (parting_car, "part of a charge", "only the beginning"),
        (late_car, "meter silent", "take more samples"),
        (another_unit, "no step on the meter", "try meter_unit='A'"),
        (in_no_group, "no group", "no group"),
        (unknown_charger, "not on the site", f"site {SITE} has no such connector"),
    ],
)
def test_where_there_is_no_evidence_the_reason_is_named(
    yard: Yard, situation: Callable[[Yard], None], reason: str, words: str
) -> None:
    """A car begins on L1 at the third sample, unless the situation is another."""
    yard.events = {2: yard.car(1, 16, 0, 0)}
    situation(yard)
    found = yard.check()[0]
    assert (found.verdict, found.reason) == ("none", reason), found.text
    assert words in found.text
    assert found.text.startswith("HRB-001/1: no evidence: ")


def test_odd_readings_of_a_car_on_another_terminal_are_read_all_the_same(yard: Yard) -> None:
    """L1 is "-", the others have leading blanks: the sum of what was read, compared with itself, is enough."""
    yard.emulator.switch(odd_readings=True)
    yard.emulator.circuit(1, wired="S", reports="lines")
    yard.declared[1] = {"phase_rotation": "R"}
    yard.events = {2: yard.car(1, 16, 0, 0)}
    found = yard.check()[0]
    assert (found.verdict, found.lines, found.amps) == ("contradicts", ("L2",), 16)


def test_the_meter_of_a_group_above_is_used_when_the_own_has_none(yard: Yard) -> None:
    """And the nearest one when both have."""
    site = seed(2)
    site["sites"][0]["groups"] = [{"id": 1, "meter": {}}, {"id": 2}, {"id": 3, "group_id": 2}]
    for charger in site["sites"][0]["chargers"]:
        charger["group"] = 3
    yard.emulator.reset(site)
    yard.chargers = 2
    yard.events = {2: yard.car(1, 16, 0, 0)}
    assert [(one.verdict, one.group) for one in yard.check()] == [("consistent", 1), ("none", 1)]
    yard.car(1, 0, 0, 0)()
    yard.emulator.meter(2)
    assert [(one.verdict, one.group) for one in yard.check()] == [("consistent", 2), ("none", 2)]


def test_the_live_rotation_counts_when_none_is_declared(yard: Yard) -> None:
    """And the text says that it is the live one."""
    yard.declared[1] = {"max_amperage": 16}
    yard.events = {2: yard.car(1, 16, 0, 0)}
    found = yard.check()[0]
    assert (found.verdict, found.rotation) == ("consistent", "RST")
    assert "with RST (live), terminal L1" in found.text


def test_a_dc_charger_is_known_by_the_file_where_the_api_does_not_tell(yard: Yard) -> None:
    """`ac_input_amps` is for DC chargers alone."""
    yard.emulator.edit(charger_uuid(1), power_type=None)
    yard.file = yard.site()
    yard.file["chargers"][0] |= {"ac_input_amps": 38, "connectors": [{"connector_id": 1, "managed": False}]}
    assert yard.check(samples=2)[0].reason == "direct current"


def test_a_site_is_found_by_its_uuid_in_capitals(yard: Yard) -> None:
    """Paths have it in lower case, as Plugchoice does."""
    yard.file = yard.site() | {"site": SITE.upper()}
    yard.events = {2: yard.car(1, 16, 0, 0)}
    with yard.emulator.recording() as calls:
        assert yard.check()[0].verdict == "consistent"
    assert not [call for call in calls.requests if SITE.upper() in call["path"]]


def test_a_charger_by_uuid_is_named_by_it(yard: Yard) -> None:
    """As in the file."""
    yard.file = yard.site()
    yard.file["chargers"][0] = {"uuid": charger_uuid(1), "connectors": [{"connector_id": 1, **DECLARED}]}
    yard.events = {2: yard.car(1, 16, 0, 0)}
    found = yard.check()[0]
    assert (found.verdict, found.connector) == ("consistent", f"{charger_uuid(1)}/1")


def test_without_a_neutral_a_car_loads_two_lines(yard: Yard) -> None:
    """RS is consistent, and TR, which is wired ST, is contradicted."""
    site = seed(2, {1: [connector(rotation="RS")], 2: [connector(rotation="TR", circuit={"wired": "ST"})]})
    site["sites"][0]["groups"] = [{"id": GROUP, "net_type": "IT", "meter": {"base_amps": [1, 1, 1]}}]
    yard.emulator.reset(site)
    yard.chargers, yard.supply = 2, {"net_type": "IT", "neutral": False, "main_fuse_amps": 63}
    yard.declared = {1: {"phase_rotation": "RS"}, 2: {"phase_rotation": "TR"}}
    yard.events = {2: yard.car(1, 16, 0, 0), 4: yard.car(1, 0, 0, 0), 7: yard.car(2, 16, 0, 0)}
    first, second = yard.check(samples=10)
    assert (first.verdict, first.lines) == ("consistent", ("L1", "L2")), first.text
    assert (second.verdict, second.lines) == ("contradicts", ("L2", "L3")), second.text


def test_it_costs_few_calls(yard: Yard) -> None:
    """Idle connectors are read once; a charging one in every sample; the list tells who charges."""
    yard.emulator.reset(seed(40))
    yard.emulator.meter(GROUP)
    yard.chargers = 40
    for index in (7, 8, 9):
        yard.emulator.circuit(index, amps=[16, 0, 0])
    with yard.emulator.recording() as calls:
        found = yard.check(samples=12)

    assert len(calls) == 110
    assert len(calls.of("GET", "/power-management")) == 1
    assert len(calls.of("GET", "/meter")) == 12
    assert len(calls.of("GET", "/power-usage")) == 40 + 11 * 3
    assert len(calls.of("GET", f"/sites/{SITE}/connectors")) == 12 * 2
    assert len(found) == 40


def test_without_a_meter_nothing_is_sampled(yard: Yard) -> None:
    """Groups, list, one question for a meter; no waiting."""
    yard.emulator.no_meter(GROUP)
    yard.events = {1: lambda: pytest.fail("it waited")}
    with yard.emulator.recording() as calls:
        found = yard.check()
    assert len(calls) == 3
    assert {one.reason for one in found} == {"no meter"}


def test_it_writes_nothing(yard: Yard) -> None:
    """Looking is all it does."""
    yard.events = {2: yard.car(1, 16, 0, 0)}
    before = yard.emulator.values()
    with yard.emulator.recording() as calls:
        yard.check()
    assert {call["method"] for call in calls.requests} == {"GET"}
    assert yard.emulator.values() == before


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_connector_that_cannot_be_read_does_not_end_the_others(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """Its evidence says what the server said; it is not waited for long."""
    monkeypatch.setenv("PLUGCHOICE_DEADLINE_SECONDS", "1")
    yard.emulator.fault("status", status=status, path=f"{charger_uuid(2)}/connectors/1/power-usage", times=None)
    yard.events = {2: yard.car(1, 16, 0, 0)}
    first, second, _ = yard.check()
    assert first.verdict == "consistent"
    assert (second.verdict, second.reason) == ("none", "no readings")
    assert f"answered {status}" in second.text


def test_a_site_that_cannot_be_read_is_an_error(yard: Yard) -> None:
    """One, for all."""
    yard.emulator.set_token(access={SITE: "none"})
    with pytest.raises(PermissionDenied):
        yard.check()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"samples": 1}, "samples is 1; use 2 or more"),
        ({"interval": -1.0}, "interval is -1.0; use 0 s or more"),
        ({"lag": float("nan")}, "lag is nan; use 0 s or more"),
        ({"longest": 0}, "longest is 0; use more than 0 s"),
        ({"meter_unit": "kA"}, "meter_unit is 'kA'; use one of A, mA, W"),
    ],
)
def test_a_wrong_option_is_refused_before_any_call(yard: Yard, wrong: Json, message: str) -> None:
    """The line names the option and what is allowed."""
    with yard.emulator.recording() as calls, pytest.raises(ConfigError, match=f"^check_wiring: {message}$"):
        yard.check(**wrong)
    assert len(calls) == 0


def test_offline_the_check_is_refused(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for every look at live values."""
    monkeypatch.setenv("PLUGCHOICE_OFFLINE", "1")
    with pytest.raises(OfflineError):
        yard.check()


def test_a_file_is_read_from_its_path(yard: Yard, tmp_path: Any) -> None:
    """JSON is YAML."""
    import json

    path = tmp_path / "harbour.yaml"
    path.write_text(json.dumps(yard.site()))
    found = check_wiring(str(path), samples=2, sleep=lambda _: None)
    assert [one.reason for one in found] == ["no step"] * 3
    assert NOTE
