"""What the state tells of a connector is believed, never made up: damage is refused, originals stay what they were.

The provider is the real one, over HTTP to the real emulator; the engine is `support.engine_double`.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from pulumi_plugchoice.connector import ChargerConnectorProvider
from pulumi_plugchoice.runtime import adoption
from pulumi_plugchoice.runtime.engine import _OneLine
from pulumi_plugchoice.runtime.live import LiveConnectors
from support.emulator import SITE, charger_uuid, connector, seed
from support.engine_double import Engine, provider_process, wire

if TYPE_CHECKING:
    from support.emulator import Emulator

CHARGER: Final = charger_uuid(1)
DECLARED: Final[dict[str, Any]] = {
    "charger": CHARGER,
    "connector_id": 1,
    "phase_rotation": "STR",
    "max_amperage": 20,
    "on_destroy": "restore",
}
PROGRAM: Final = {"bay": DECLARED}
GONE: Final = object()


def edit_state(engine: Engine, **fields: Any) -> None:
    """Edit the stored outputs."""
    stored = engine.state["bay"]
    outputs = deepcopy(stored.outputs) | fields
    engine.state["bay"] = replace(stored, outputs={k: v for k, v in outputs.items() if v is not GONE})


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"managed": GONE}, "`managed` is missing"),
        ({"managed": GONE, "adopted": GONE}, "`managed` is missing"),
        ({"managed": []}, "`managed` is not a list of settings"),
        ({"managed": "max_amperage"}, "`managed` is not a list of settings"),
        ({"managed": ["max_amperage", "pincode"]}, "`managed` is not a list of settings"),
        ({"managed": [5.0]}, "`managed` is not a list of settings"),
        ({"managed": ["max_amperage"]}, "phase_rotation is stored, and `managed` does not name it"),
        ({"adopted": GONE}, "`adopted` is missing"),
        ({"adopted": []}, "`adopted` does not hold settings"),
        ({"adopted": "RST"}, "`adopted` does not hold settings"),
        ({"adopted": {"amperage": 16.0}}, "`adopted` does not hold settings"),
        ({"adopted": {"max_amperage": 16.0, "pincode": "1"}}, "`adopted` does not hold settings"),
        ({"adopted": {"max_amperage": "16"}}, "max_amperage in `adopted` is not a whole number"),
        ({"adopted": {"max_amperage": 16.5}}, "max_amperage in `adopted` is not a whole number"),
        ({"adopted": {"max_amperage": True}}, "max_amperage in `adopted` is not a whole number"),
        ({"adopted": {"phase_rotation": 16.0}}, "phase_rotation in `adopted` is not text"),
        ({"max_amperage": "20"}, "max_amperage is not a whole number"),
        ({"charger": GONE}, "`charger` and `connector_id` are not those of its id"),
        ({"charger": CHARGER.upper()}, "`charger` and `connector_id` are not those of its id"),
        ({"charger": charger_uuid(2)}, "`charger` and `connector_id` are not those of its id"),
        ({"connector_id": "1"}, "`charger` and `connector_id` are not those of its id"),
        ({"connector_id": GONE}, "`charger` and `connector_id` are not those of its id"),
        ({"site": ""}, "site is not a UUID"),
        ({"site": "../chargers"}, "site is not a UUID"),
        ({"site": [SITE]}, "site is not a UUID"),
        ({"on_destroy": "restored"}, "on_destroy is not retain or restore"),
    ],
)
def test_a_damaged_state_is_refused_and_left_as_it_is(
    emulator: Emulator, engine: Engine, fields: dict[str, Any], reason: str
) -> None:
    """By every call but a preview, which shows an update and the line; nothing is written and no original made up."""
    assert engine.up(PROGRAM).went_well
    edit_state(engine, **fields)
    emulator.edit(CHARGER, 1, max_amperage=10)
    state, line = deepcopy(engine.state), f"HRB-001/1: the stored state is damaged: {reason}; import a state"

    with emulator.recording() as calls:
        preview = engine.preview(PROGRAM)
        refused = [engine.up(PROGRAM), engine.refresh(), engine.destroy()]

    assert preview.changes == {"bay": "update"}
    assert any(line in printed for printed in preview.lines), preview.lines
    assert [[error.startswith(line) for error in report.errors] for report in refused] == [[True]] * 3
    assert engine.state == state
    assert calls.puts == []


def test_damage_stops_no_destroy_that_retains(engine: Engine) -> None:
    """It needs nothing of what is damaged."""
    program = {"bay": {name: value for name, value in DECLARED.items() if name != "on_destroy"}}
    assert engine.up(program).went_well
    edit_state(engine, managed=GONE)
    assert engine.destroy().went_well


def test_a_connector_that_is_only_read_is_refreshed(engine: Engine, emulator: Emulator) -> None:
    """`ChargerConnector.get` manages nothing; that is no damage, whatever the resource was given."""
    assert engine.up(PROGRAM).went_well
    for given in ({}, {"site": SITE, "phase_rotation": "STR"}):
        inputs = {"charger": CHARGER, "connector_id": 1, **given}
        engine.state["bay"] = replace(engine.state["bay"], inputs=inputs, outputs=inputs)
        emulator.edit(CHARGER, 1, max_amperage=10)
        assert engine.refresh().went_well
        emulator.edit(CHARGER, 1, max_amperage=32)
        assert engine.refresh().went_well
        assert engine.state["bay"].outputs["max_amperage"] == 32
        assert "managed" not in engine.state["bay"].outputs


@pytest.mark.parametrize(
    ("live", "texts", "after"),
    [
        (("Unknown", 16), ("phase_rotation is Unknown", "phase_rotation stays as it is: it was Unknown"), ("STR", 16)),
        (("NotApplicable", 16), ("phase_rotation is NotApplicable", "it was NotApplicable before"), ("STR", 16)),
        (("", 16), ("phase_rotation is empty", "phase_rotation stays as it is: it was empty"), ("STR", 16)),
        (("rst", 16), ("phase_rotation is rst", "phase_rotation stays as it is: it was rst"), ("STR", 16)),
        (("RST", 0), ("max_amperage is 0 A", "max_amperage stays as it is: it was 0 A"), ("RST", 20)),
        (("RST", 1001), ("max_amperage is 1001 A", "max_amperage stays as it is: it was 1001 A"), ("RST", 20)),
    ],
)
def test_an_original_that_the_api_does_not_take_is_said_and_left_alone(
    emulator: Emulator,
    engine: Engine,
    live: tuple[str, int],
    texts: tuple[str, str],
    after: tuple[str, int],
) -> None:
    """At adoption; and a destroy puts the other one back. A state that has recorded it all the same works likewise."""
    (rotation, amperage), (shown, left) = live, texts
    emulator.reset(seed(1, {1: [connector(rotation=rotation, amperage=amperage)]}))
    report = engine.up(PROGRAM)
    assert report.went_well
    assert any(f"{shown} in Plugchoice, which the API does not take back" in line for line in report.lines)
    adopted = engine.state["bay"].outputs["adopted"]
    assert {"phase_rotation": rotation, "max_amperage": amperage}.items() > adopted.items()
    assert len(adopted) == 1
    edit_state(engine, adopted={"phase_rotation": rotation, "max_amperage": amperage})

    report = engine.destroy()

    assert report.went_well, report.errors
    assert any(left in line for line in report.lines), report.lines
    assert emulator.live(1) == after


def test_originals_to_be_restored_are_read_just_before_the_write(emulator: Emulator, engine: Engine) -> None:
    """The shared reading may be a minute old, and somebody may have used the portal since."""
    with provider_process(engine.environment):
        inputs = ChargerConnectorProvider().check({}, wire(DECLARED)).inputs
        emulator.edit(CHARGER, 1, max_amperage=10)
        made = ChargerConnectorProvider().create(wire(inputs))

    assert emulator.live(1) == ("STR", 20)
    assert (made.outs or {})["adopted"] == {"phase_rotation": "RST", "max_amperage": 10}


@pytest.mark.parametrize("live", [{"phase_rotation": None}, {"phase_rotation": "Unknown"}])
def test_a_restore_advises_what_a_destroy_can_do(emulator: Emulator, engine: Engine, live: dict[str, Any]) -> None:
    """The other setting has no value that could be sent; nothing is declared any more. The state is kept."""
    program = {"bay": {name: value for name, value in DECLARED.items() if name != "phase_rotation"}}
    assert engine.up(program).went_well
    emulator.edit(CHARGER, 1, **live)

    (error,) = engine.destroy().errors

    advice = "to restore this connector, set phase_rotation in Plugchoice and run the same command again"
    assert error.endswith(f", and every write sends both settings; {advice}")
    assert engine.state["bay"].outputs["adopted"] == {"max_amperage": 16}
    emulator.edit(CHARGER, 1, phase_rotation="RST")
    assert engine.destroy().went_well
    assert emulator.live(1) == ("RST", 16)


def test_a_match_that_cannot_be_declared_is_not_advised(emulator: Emulator, engine: Engine) -> None:
    """`Unknown` is no value to declare."""
    emulator.reset(seed(1, {1: [connector(rotation="Unknown", amperage=16)]}))
    report = engine.up({"bay": DECLARED | {"on_adopt": "match"}})
    assert report.errors[0].endswith('refuses; change it in Plugchoice, or set on_adopt="overwrite"')


def test_a_live_value_that_is_declared_is_no_drift(emulator: Emulator, engine: Engine) -> None:
    """Our own write, interrupted before the state knew of it."""
    assert engine.up(PROGRAM).went_well
    emulator.edit(CHARGER, 1, max_amperage=32, phase_rotation="TRS")

    report = engine.preview({"bay": DECLARED | {"max_amperage": 32}})

    assert report.changes == {"bay": "update"}
    assert [line for line in report.lines if "HRB-001" in line] == [
        "plugchoice: HRB-001/1: drift: phase_rotation is TRS live, STR stored, STR declared",
        "plugchoice: HRB-001/1: the state is behind: max_amperage is 32 A live and declared, 20 A stored; `pulumi up` "
        "records it",
    ]


@pytest.mark.parametrize(
    ("owner", "name", "line"),
    [
        (adoption, "_summarize", "check: internal error: KeyError: 'x' (test_stored_state.py:"),
        (LiveConnectors, "update", "create: internal error: KeyError: 'x' (test_stored_state.py:"),
    ],
)
def test_a_fault_of_ours_is_one_line_that_tells_whether_a_write_was_sent(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, line: str
) -> None:
    """Before and after the write."""
    real: Any = getattr(owner, name)
    calls = []

    def fail(*arguments: object) -> Any:
        calls.append(arguments)
        if owner is LiveConnectors and len(calls) == 1:  # the reading just before the write
            return real(*arguments)
        raise KeyError("x")

    monkeypatch.setattr(owner, name, fail)
    with pytest.raises(_OneLine) as raised:
        engine.up(PROGRAM)
    written = "a write was sent, and may have taken effect" if owner is LiveConnectors else "no write was sent"
    assert str(raised.value).startswith(line)
    assert str(raised.value).endswith(f"); {written}; please report this line")
