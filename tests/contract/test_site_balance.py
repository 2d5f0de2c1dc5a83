"""The sums of a site count every connector on it: new ones are named, and what a list has lost breaks no limit.

The providers are the real ones, over HTTP to the real emulator; the engine is `support.engine_double`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from pulumi_plugchoice.sitefile.definition import make_definition
from pulumi_plugchoice.sitefile.load import build_site
from support.emulator import SITE, charger_uuid, connector, identity, seed
from support.sites import numbered_site, numbered_uuid

if TYPE_CHECKING:
    from support.emulator import Emulator
    from support.engine_double import Engine, Report

LIST: Final = f"/v3/sites/{SITE}/connectors$"
Props = dict[str, Any]


def bay(index: int, amps: int | None = 16, number: int = 1, **more: Any) -> Props:
    """A charger of a site file; without A its connector is not managed."""
    settings = {"managed": False} if amps is None else {"phase_rotation": "RST", "max_amperage": amps}
    return {"identity": identity(index), "connectors": [{"connector_id": number, **settings}], **more}


def site(*chargers: Props, limit: int | None = None, **more: Any) -> dict[str, Props]:
    """A `ChargingSite` as the engine gets it: its balance, then its connectors."""
    limits = {} if limit is None else {"single_phase_amps": limit}
    supply = {"net_type": "TN", "main_fuse_amps": 800}
    content = {"site": SITE, "supply": supply, "limits": limits, "chargers": [*chargers], **more}
    uuid = content["site"]
    return {
        "balance": make_definition(build_site(content, "here")),
        **{
            f"{charger['identity']}-{one['connector_id']}": {"charger": charger["identity"], "site": uuid, **one}
            for charger in chargers
            for one in charger["connectors"]
            if one.get("managed", True)
        },
    }


def apply(engine: Engine, program: dict[str, Props]) -> None:
    """Bring a stack to its program."""
    report = engine.up(program)
    assert report.went_well, report.errors
    assert engine.preview(program).changes == {}


def lines(report: Report, part: str) -> list[str]:
    """The lines with that text."""
    return [line for line in report.lines if part in line]


# Connectors that nobody declared

NEW: Final[dict[str, tuple[dict[int, list[Props]], str]]] = {
    "a socket": ({2: [connector(1), connector(2, "RST", 32)]}, "HRB-002/2: on the site, but not declared (RST 32 A); "),
    "a charger": ({4: [connector(1, "STR", 10)]}, "HRB-004/1: on the site, but not declared (STR 10 A); "),
    "without values": ({4: [connector(1, None, None)]}, "HRB-004/1: on the site, but not declared (never set in "),
    "DC": ({4: [connector(1, None, None, power_type="DC")]}, "HRB-004/1: on the site, but not declared (DC, without "),
    "invalid": ({4: [connector(1, "STR", 10)]}, "HRB-004/1: on the site, but not declared (invalid in Plugchoice: in "),
}


@pytest.mark.parametrize("what", NEW)
@pytest.mark.parametrize("refreshed", [True, False])
def test_new_hardware_is_a_change_until_an_up_records_it(
    emulator: Emulator, engine: Engine, what: str, *, refreshed: bool
) -> None:
    """A refresh does not make it known."""
    program = site(bay(1), bay(2), bay(3))
    apply(engine, program)
    connectors, line = NEW[what]
    emulator.reset(seed(max(3, *connectors), connectors))
    if what == "invalid":
        emulator.edit(charger_uuid(4), max_amperage=16.5)
    if refreshed:
        assert engine.refresh().went_well

    preview = engine.preview(program)

    assert preview.changes == {"balance": "update"}
    (named,) = lines(preview, "not declared")
    assert named.startswith(f"plugchoice: {line}")
    apply(engine, program)
    assert not lines(engine.preview(program), "not declared")


@pytest.mark.parametrize("power_type", ["DC", None, "AC_3_PHASE"])
def test_new_hardware_of_a_dc_charger_is_named_too(emulator: Emulator, engine: Engine, power_type: str | None) -> None:
    """Also what `ac_input_amps` covers, or what may be an AC socket."""
    dc = connector(1, None, None, power_type="DC")
    program = site(bay(1), bay(2, None, ac_input_amps=38), bay(3))
    emulator.reset(seed(3, {2: [dc]}))
    apply(engine, program)
    emulator.reset(seed(3, {2: [dc, connector(2, "RST", 32, power_type=power_type)]}))

    preview = engine.preview(program)

    assert preview.changes == {"balance": "update"}
    assert len(lines(preview, "HRB-002/2: on the site, but not declared (")) == 1
    apply(engine, program)


def test_a_new_value_of_a_recorded_connector_is_no_new_hardware(emulator: Emulator, engine: Engine) -> None:
    """Whatever the value is: its reason may hold brackets, as the form in the state does."""
    emulator.reset(seed(3, {2: [connector(1, "R (ST)", 16)]}))
    apply(engine, site(bay(1), bay(3, None)))
    emulator.edit(charger_uuid(2), phase_rotation="S (TR)")
    emulator.edit(charger_uuid(3), phase_rotation="S (TR)")

    preview = engine.preview(site(bay(1), bay(3, None)))

    assert preview.changes == {}
    assert len(lines(preview, "not counted in the amps per line: HRB-002/1 ('S, TR)' in Plugchoice is not a")) == 1


def test_new_hardware_is_no_change_once_it_is_declared(emulator: Emulator, engine: Engine) -> None:
    """`managed: false` is enough. Of what was recorded, a new value is a line and no change."""
    apply(engine, site(bay(1)))
    assert engine.state["balance"].outputs["counted_live"] == {"HRB-002/1": "RST 16 A", "HRB-003/1": "RST 16 A"}
    emulator.reset(seed(4))
    declared = site(bay(1), bay(4, None))
    preview = engine.preview(declared)
    assert preview.changes == {"balance": "update"}
    assert not lines(preview, "not declared")
    apply(engine, declared)
    emulator.edit(charger_uuid(3), max_amperage=32)
    emulator.edit(charger_uuid(4), max_amperage=32)
    assert engine.preview(declared).changes == {}
    assert lines(engine.preview(declared), "amps per line L1/L2/L3: one-phase cars 96/0/0 A live, 64/0/0 A stored")


def test_each_line_about_a_site_begins_with_it(emulator: Emulator, engine: Engine) -> None:
    """A stack may have several: limits, fuses, warnings, what is not counted, live amps."""
    two = [numbered_site(n, {10 * n + 1: [connector()], 10 * n + 2: [connector(1, None, None)]}) for n in (1, 2)]
    programs = {}
    for number in (1, 2):
        chargers = [bay(10 * number + 1, breaker_amps=10), bay(10 * number + 2, None)]
        groups = [{"name": "main", "group_id": 801 + number}]
        found = site(*chargers, limit=10, site=numbered_uuid(number), groups=groups)
        programs[f"balance-{number}"] = found.pop("balance")
        programs |= found
    emulator.reset({**seed(1), "sites": two})
    before = engine.preview(programs)
    apply(engine, programs)
    emulator.edit(identity(12), phase_rotation="RST", max_amperage=16)
    emulator.edit(identity(22), phase_rotation="RST", max_amperage=32)

    printed = [*before.lines, *engine.preview(programs).lines]

    ours = [line.removeprefix("plugchoice: ") for line in printed if "API calls" not in line]
    for number, amps in ((1, 32), (2, 48)):
        start = f"site {numbered_uuid(number)}: "
        texts = [line.removeprefix(start) for line in ours if line.startswith(start)]
        for part in (
            f"limit single_phase_amps (10 A) exceeded: {amps} A on L1",
            f"amps per line L1/L2/L3: one-phase cars {amps}/0/0 A live",
            f"not counted in the amps per line: HRB-0{number}2/1",
            "group main",
            "breaker",
        ):
            assert [text for text in texts if part in text], (part, ours)
    assert [line for line in ours if not line.startswith("site ")] == []


def test_new_hardware_counts_for_the_limits(emulator: Emulator, engine: Engine) -> None:
    """The line gives the excess; a change that adds to it is refused."""
    program = site(bay(1), bay(2), bay(3), limit=50)
    apply(engine, program)
    emulator.reset(seed(3, {2: [connector(1), connector(2, "RST", 32)]}))

    preview = engine.preview(program)

    assert preview.changes == {"balance": "update"}
    assert lines(preview, "limit single_phase_amps (50 A) exceeded: 80 A on L1")
    (error,) = engine.preview(site(bay(1, 20), bay(2), bay(3), limit=50)).errors
    assert "limit single_phase_amps (50 A) exceeded: 84 A on L1" in error


@pytest.mark.parametrize(
    "fields",
    [
        {"connectors": None},
        {"connectors": []},
        {"connectors": ["HRB-001/1"]},
        {"connectors": {"HRB-001": "RST 16 A"}},
        {"unmanaged": "HRB-002/1"},
        {"restored": 5},
        {"groups": {}},
        {"chargers": {"HRB-001": "main"}},
        {"limits": {"amps": 5}},
        {"neutral": None},
        {"counted_live": []},
        {"not_counted": 5},
        {"site": [SITE]},
    ],
)
def test_a_damaged_balance_is_one_line_and_an_up_stores_it_anew(
    emulator: Emulator, engine: Engine, fields: Props
) -> None:
    """It holds nothing that is not declared or computed; the connectors are compared nevertheless."""
    program = site(bay(1), bay(2), limit=60)
    apply(engine, program)
    stored = engine.state["balance"]
    damaged = {name: value for name, value in {**stored.outputs, **fields}.items() if value is not None}
    engine.state["balance"] = replace(stored, inputs=damaged, outputs=damaged)
    emulator.edit(charger_uuid(1), max_amperage=10)

    preview, refresh = engine.preview(program), engine.refresh()

    assert preview.went_well, preview.errors
    assert preview.changes == {"balance": "update", "HRB-001-1": "update"}
    assert len(lines(preview, ": the stored state of its balance is damaged; `pulumi up` stores it anew")) == 1
    assert ": the stored state of its balance is damaged; " in refresh.errors[0]
    apply(engine, program)


def test_number_0_counts_in_no_figure(emulator: Emulator, engine: Engine) -> None:
    """It is the charger as a whole."""
    emulator.reset(seed(2, {1: [connector(0, "RST", 63), connector(1)], 2: [connector(0, None, None)]}))
    apply(engine, site(bay(1)))
    stored = engine.state["balance"].outputs
    assert (stored["single_phase_l1"], stored["counted_live"], stored["not_counted"]) == (16, {}, [])


def test_two_chargers_with_one_identity_both_count(emulator: Emulator, engine: Engine) -> None:
    """Of a site that somebody else fills in."""
    emulator.control("PATCH", f"/chargers/{charger_uuid(3)}", {"identity": identity(2)})
    apply(engine, site(bay(1)))
    assert engine.state["balance"].outputs["single_phase_l1"] == 48


@pytest.mark.parametrize("first", [1, 2])
def test_another_charger_with_a_declared_identity_is_new(emulator: Emulator, engine: Engine, first: int) -> None:
    """It counts with its live value, under its UUID, wherever it is on the list."""
    program = site(bay(first), limit=60)
    apply(engine, program)
    emulator.control("PATCH", f"/chargers/{charger_uuid(3 - first)}", {"identity": identity(first)})
    emulator.edit(charger_uuid(3 - first), max_amperage=63)

    preview = engine.preview(program)

    assert preview.changes == {"balance": "update"}
    assert lines(preview, f"{charger_uuid(3 - first)}/1: on the site, but not declared (RST 63 A)")
    assert engine.up(program).went_well
    assert engine.state["balance"].outputs["single_phase_l1"] == 16 + 63 + 16


def test_a_current_below_0_counts_in_no_figure(emulator: Emulator, engine: Engine) -> None:
    """It would make room for others under a limit."""
    apply(engine, site(bay(1), limit=60))
    emulator.edit(charger_uuid(3), max_amperage=-30)

    preview = engine.preview(site(bay(1, 50), limit=60))

    assert "limit single_phase_amps (60 A) exceeded: 66 A on L1" in preview.errors[0]
    assert lines(preview, "not counted in the amps per line: HRB-003/1 (-30 A in Plugchoice is not a maximum current)")


# Limits and lists in pages


def bays(first: int, limit: int = 460) -> dict[str, Props]:
    """27 connectors, the first one with so many A."""
    return site(bay(1, first), *(bay(index) for index in range(2, 28)), limit=limit)


@pytest.fixture
def large(emulator: Emulator, engine: Engine) -> dict[str, Props]:
    """28 connectors of 16 A, one of them foreign, and a limit of 460 A; one is to get 30 A, which makes 462 A."""
    emulator.reset(seed(28))
    apply(engine, bays(16))
    return bays(30)


@pytest.mark.parametrize("row", [27, 0, 26])
def test_a_row_that_is_hidden_once_lets_no_write_through(
    emulator: Emulator, engine: Engine, large: dict[str, Props], row: int
) -> None:
    """Foreign or managed. Before the write the list is read until two readings agree."""
    assert "462 A on L1" in engine.preview(large).errors[0]
    emulator.fault("page", lost=[row], times=2, path=LIST)

    report = engine.up(large)

    (error,) = report.errors
    assert "limit single_phase_amps (460 A) exceeded: 462 A on L1" in error
    assert emulator.puts_seen() == 0


def test_a_hidden_managed_row_counts_with_its_live_value(
    emulator: Emulator, engine: Engine, large: dict[str, Props]
) -> None:
    """With the declared one a change would not make the site worse: it is looked for in a second reading."""
    emulator.fault("page", lost=[0], times=2, path=LIST)
    (error,) = engine.preview(large).errors
    assert "limit single_phase_amps (460 A) exceeded: 462 A on L1" in error
    assert "448 A live" in error


def test_a_socket_that_is_on_no_list_counts_with_its_live_value(emulator: Emulator, engine: Engine) -> None:
    """Its charger is on the list, and read by itself."""
    emulator.reset(seed(2, {1: [connector(1), connector(2)]}))

    def declare(amps: int) -> dict[str, Props]:
        settings = {"phase_rotation": "RST", "max_amperage": amps}
        twin = bay(1) | {"connectors": [*bay(1)["connectors"], {"connector_id": 2, **settings}]}
        return site(twin, bay(2), limit=50)

    apply(engine, declare(16))
    emulator.fault("page", lost=[1], times=None, path=LIST)
    (error,) = engine.preview(declare(32)).errors
    assert "limit single_phase_amps (50 A) exceeded: 64 A on L1" in error
    assert "48 A live" in error


def test_a_hidden_unmanaged_row_counts(emulator: Emulator, engine: Engine) -> None:
    """The file names the connector, so it is known to be missing."""
    apply(engine, site(bay(1), bay(2), bay(3, None), limit=60))
    emulator.switch(page_size=1)
    emulator.fault("page", lost=[2], times=2, path=LIST)
    (error,) = engine.preview(site(bay(1, 32), bay(2), bay(3, None), limit=60)).errors
    assert "limit single_phase_amps (60 A) exceeded: 64 A on L1" in error


@pytest.mark.parametrize("link", ["null", "missing"])
def test_a_list_that_ends_early_once_lets_no_write_through(
    emulator: Emulator, engine: Engine, large: dict[str, Props], link: str
) -> None:
    """One full page without a link to the next one looks like the whole list."""
    emulator.fault("page", page=1, link=link, path=LIST)

    report = engine.up(large)

    (error,) = report.errors
    assert "limit single_phase_amps (460 A) exceeded: 462 A on L1" in error
    assert emulator.puts_seen() == 0


def test_drift_is_put_right_only_within_the_limit(emulator: Emulator, engine: Engine, large: dict[str, Props]) -> None:
    """Nothing of the balance has changed, so only the write itself is left to stop."""
    assert large
    emulator.edit(charger_uuid(1), max_amperage=6)
    for stored in (engine.state["balance"].inputs, engine.state["balance"].outputs):
        stored["limits"] = {"single_phase_amps": 440}
    emulator.fault("page", lost=[27], times=2, path=LIST)

    report = engine.up(bays(16, limit=440))

    assert report.ops["balance"] == "same"
    assert "limit single_phase_amps (440 A) exceeded: 448 A on L1" in report.errors[0]
    assert emulator.puts_seen() == 0


def test_readings_that_never_agree_stop_the_write(emulator: Emulator, engine: Engine, large: dict[str, Props]) -> None:
    """One line; a preview goes by one reading."""
    for place in (27, 26, 25, 24):
        emulator.fault("page", page=1, lost=[place], times=1, path=LIST)
        emulator.fault("page", page=2, lost=[place], times=1, path=LIST)

    report = engine.up(bays(10))

    (error,) = report.errors
    assert error == (
        f"site {SITE}: not updated, because its list of connectors was different in each of 4 readings, so its limits "
        "cannot be checked; run `pulumi up` again"
    )
    assert emulator.puts_seen() == 0
    assert large


def test_what_a_limit_costs(emulator: Emulator, engine: Engine, large: dict[str, Props]) -> None:
    """Unchanged: one reading of both pages, and the groups. One more reading before the first write."""
    within = bays(10)
    with emulator.recording() as preview:
        assert engine.preview(within).went_well
    with emulator.recording() as update:
        assert engine.up(within).went_well
    with emulator.recording() as unchanged:
        assert engine.preview(within).changes == {}
    assert large
    assert (len(preview.of("GET", "/connectors")), len(preview)) == (2, 4), "the groups, and the permissions"
    assert (len(update.of("GET", "/connectors")), len(update.puts)) == (4, 1)
    assert len(unchanged) == 3
