"""The life of connectors in a stack: adopt, leave alone, edit, drift, refresh, let go of a setting.

Each test is one stack with a connector for each case. tests/contract/test_refusals.py has what a preview refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.emulator import charger_uuid, connector, seed
from support.stack import Stack, declaration

if TYPE_CHECKING:
    from support.emulator import Emulator

BOTH: dict[str, Any] = {"phase_rotation": "STR", "max_amperage": 20}


def put(index: int, rotation: str, amps: int, number: int = 1) -> tuple[str, dict[str, Any]]:
    """Path and body of a PUT."""
    return (
        f"/v3/chargers/{charger_uuid(index)}/connectors/{number}",
        {"phase_rotation": rotation, "max_amperage": amps},
    )


@pytest.mark.long
def test_connectors_are_adopted_edited_and_let_go_of(stack: Stack, emulator: Emulator) -> None:
    """Adopt, preview clean, change one thing of each, let go of a setting, and fail where a write is impossible."""
    never_set = [connector(rotation=None, amperage=None)]
    emulator.reset(seed(7, {3: never_set, 6: [connector(rotation="RST", amperage=None)]}))
    emulator.edit(charger_uuid(7), status="Charging")
    stack.declare(
        declaration("equal", 1, phase_rotation="RST", max_amperage=16),
        declaration("other", 2, phase_rotation="STR", max_amperage=20),
        declaration("new", 3, phase_rotation="TRS", max_amperage=16),
        'bay = ChargerConnector("by-identity", charger="HRB-004", connector_id=1, max_amperage=20)',
        declaration("partial", 5, max_amperage=20),
        declaration("match", 6, phase_rotation="RST", max_amperage=16, on_adopt="match"),
        f'seen = ChargerConnector.get("seen", "{charger_uuid(7)}/1")',
        f'live = pulumi_plugchoice.get_connector("{charger_uuid(7)}", 1)',
        'pulumi.export("charger", bay.charger)',
        'pulumi.export("amps", bay.max_amperage)',
        'pulumi.export("no rotation", bay.phase_rotation.apply(lambda rotation: rotation is None))',
        'pulumi.export("seen", pulumi.Output.concat(seen.phase_rotation, " ", seen.max_amperage.apply(str)))',
        'pulumi.export("status", live.status)',
        'pulumi.export("year", live.updated_at.year > 2000)',
        'pulumi.export("found", pulumi_plugchoice.get_connector("HRB-002", 1).connector_id)',
        'pulumi.export("all", len(pulumi_plugchoice.get_site_connectors()))',
    )

    first = stack.must_up()

    assert sorted(first.puts, key=str) == [
        put(2, "STR", 20),
        put(3, "TRS", 16),
        put(4, "RST", 20),
        put(5, "RST", 20),
        put(6, "RST", 16),
    ], "only what differs; on_adopt=match may set what was never set"
    assert sorted(first.lines("adoption changes")) == [
        "plugchoice: HRB-002/1: adoption changes RST -> STR, 16 A -> 20 A",
        "plugchoice: HRB-003/1: adoption changes not set -> TRS, not set -> 16 A",
        "plugchoice: HRB-004/1: adoption changes 16 A -> 20 A",
        "plugchoice: HRB-005/1: adoption changes 16 A -> 20 A",
        "plugchoice: HRB-006/1: adoption changes not set -> 16 A",
    ]
    for line in (
        f'charger: "{charger_uuid(4)}"',
        "amps: 20",
        "no rotation: true",
        'seen: "RST 16"',
        'status: "Charging"',
        "year: true",
        "found: 1",
        "all: 7",
    ):
        assert line in first.output, line
    resources = stack.resources()
    assert resources["by-identity"]["id"] == f"{charger_uuid(4)}/1"
    assert resources["other"]["id"] == f"{charger_uuid(2)}/1"
    assert resources["other"]["outputs"]["managed"] == ["phase_rotation", "max_amperage"]
    assert resources["other"]["outputs"]["adopted"] == {"phase_rotation": "RST", "max_amperage": 16}
    assert resources["other"]["outputs"]["identity"] == "HRB-002"
    assert resources["new"]["outputs"]["adopted"] == {}
    inputs = {"__provider", "charger", "connector_id", "max_amperage", "site"}
    described = {"power_type", "standard", "format", "max_voltage"}
    assert set(resources["partial"]["inputs"]) == inputs, "inputs at their default are not sent"
    assert set(resources["partial"]["outputs"]) - described == inputs | {"managed", "adopted", "identity"}, (
        "no status, error, timestamp, pincode or unmanaged setting"
    )

    emulator.edit(charger_uuid(4), phase_rotation="TRS")
    clean = stack.preview("--expect-no-changes", "--refresh")
    assert clean.code == 0, "an edit of an unmanaged setting is no drift, nor is it found by a refresh"

    emulator.edit(charger_uuid(1), max_amperage=20)
    emulator.edit(charger_uuid(5), phase_rotation="TSR")
    stack.declare(
        declaration("equal", 1, phase_rotation="RST", max_amperage=20),
        declaration("other", 2, phase_rotation="STR", max_amperage=32),
        declaration("new", 3, phase_rotation="TRS", max_amperage=16, on_destroy="restore"),
        'ChargerConnector("by-identity", charger="HRB-004", connector_id=1, max_amperage=25)',
        declaration("partial", 5, max_amperage=20, phase_rotation="RST"),
        declaration("match", 6, phase_rotation="RST", max_amperage=16, on_adopt="match"),
    )
    preview = stack.preview("--diff")
    changed = stack.must_up()

    assert preview.code == 0
    assert preview.puts == []
    assert "~ max_amperage: 20 => 32" in preview.output
    assert preview.lines("adoption changes") == ["plugchoice: HRB-005/1: adoption changes TSR -> RST"], (
        "a setting that becomes managed"
    )
    assert sorted(changed.puts, key=str) == [put(2, "STR", 32), put(4, "TRS", 25), put(5, "RST", 20)], (
        "neither what equals the declaration already nor a change of on_destroy is written"
    )
    assert changed.calls.of("GET", f"/v3/chargers/{charger_uuid(4)}"), "the unmanaged value is read just before"
    assert "~ 5 updated" in changed.output
    assert emulator.live(2) == ("STR", 32)
    resources = stack.resources()
    assert resources["equal"]["outputs"]["max_amperage"] == 20
    assert resources["new"]["outputs"]["on_destroy"] == "restore"
    assert resources["partial"]["outputs"]["managed"] == ["phase_rotation", "max_amperage"]
    assert resources["partial"]["outputs"]["adopted"] == {"max_amperage": 16, "phase_rotation": "TSR"}

    kept = [
        declaration("equal", 1, phase_rotation="RST", max_amperage=20),
        declaration("other", 2, phase_rotation="STR", max_amperage=32),
        declaration("new", 3, phase_rotation="TRS", max_amperage=16, on_destroy="restore"),
        declaration("partial", 5, phase_rotation="RST"),
        declaration("match", 6, phase_rotation="RST", max_amperage=16, on_adopt="match"),
    ]
    stack.declare(*kept, 'ChargerConnector("by-identity", charger="HRB-004", connector_id=1, max_amperage=25)')
    assert stack.must_up().puts == []
    outputs = stack.resources()["partial"]["outputs"]
    assert outputs["managed"] == ["phase_rotation"]
    assert outputs["adopted"] == {"phase_rotation": "TSR"}, "it forgets the setting that it lets go of"
    assert "max_amperage" not in outputs
    emulator.edit(charger_uuid(4), phase_rotation="SRT")
    assert stack.preview("--expect-no-changes").code == 0

    emulator.edit(charger_uuid(4), phase_rotation="Unknown")
    stack.declare(*kept, 'ChargerConnector("by-identity", charger="HRB-004", connector_id=1, max_amperage=30)')
    failed = stack.up()

    text = (
        "HRB-004/1: phase_rotation is Unknown in Plugchoice, a value that the API does not accept, and every write "
        "sends both settings; declare phase_rotation as well"
    )
    assert f"plugchoice: {text}; until then the update of this connector fails" in failed.output, "in the preview"
    assert failed.code != 0
    assert failed.puts == []
    assert failed.lines("error: plugchoice:") == [f"error: plugchoice: {text}"]


@pytest.mark.long
def test_drift_is_shown_and_undone_and_another_connector_is_a_replacement(stack: Stack, emulator: Emulator) -> None:
    """A portal edit is an update of exactly that connector; what a replacement leaves keeps its values."""
    emulator.reset(seed(5, {5: [connector(1), connector(2)]}))
    bays = [declaration(f"bay-{index}", index, phase_rotation="RST", max_amperage=16) for index in (1, 2)]
    stack.declare(*bays, declaration("charger", 3, **BOTH), declaration("number", 5, **BOTH))
    stack.must_up()
    emulator.edit(charger_uuid(2), max_amperage=63)

    alarm = stack.preview("--expect-no-changes")
    shown = stack.preview("--refresh", "--diff")

    assert alarm.code != 0, "--expect-no-changes is the drift alarm"
    assert "bay-2 update" in alarm.output
    assert "~ 1 to update" in alarm.output
    assert alarm.lines("drift") == [
        "plugchoice: HRB-002/1: drift: max_amperage is 63 A live, 16 A stored, 16 A declared"
    ]
    assert shown.code == 0
    assert "~ max_amperage: 63 => 16" in shown.output
    assert shown.output.count("HRB-002/1: drift") == 1, "once, for refresh and preview together"
    assert "HRB-002/1: drift: max_amperage is 63 A live, 16 A stored" in shown.output
    assert len(shown.calls.of("GET", "/connectors")) == 1, "one read for both"
    assert shown.puts == []

    refreshed = stack.refresh()
    assert refreshed.code == 0
    assert stack.resources()["bay-2"]["outputs"]["max_amperage"] == 63

    emulator.edit(charger_uuid(1), max_amperage=50)
    stack.declare(*bays, declaration("charger", 4, **BOTH), declaration("number", 5, connector_id=2, **BOTH))
    preview = stack.preview("--diff")
    result = stack.must_up()

    assert preview.lines("drift") == [
        "plugchoice: HRB-001/1: drift: max_amperage is 50 A live, 16 A stored, 16 A declared"
    ], "after a refresh stored equals live, and nothing is said about HRB-002"
    assert "~ 2 to update" in preview.output
    assert "~ charger" in preview.output
    assert "~ connector_id" in preview.output
    assert "+-2 to replace" in preview.output
    assert sorted(result.puts, key=str) == [
        put(1, "RST", 16),
        put(2, "RST", 16),
        put(4, "STR", 20),
        put(5, "STR", 20, number=2),
    ]
    assert emulator.live(2) == ("RST", 16)
    assert emulator.live(3) == emulator.live(5) == ("STR", 20), "what is replaced keeps its values"
    resources = stack.resources()
    assert resources["charger"]["id"] == f"{charger_uuid(4)}/1"
    assert resources["number"]["id"] == f"{charger_uuid(5)}/2"


def test_get_of_a_connector_that_is_not_there_is_an_error(stack: Stack) -> None:
    """Nothing is made up, and nothing is said to be dropped from the state."""
    stack.program(f'ChargerConnector.get("seen", "{charger_uuid(1)}/7")')

    missing = stack.preview()

    assert missing.code != 0
    assert "charger HRB-001 has no connector 7; it has 1" in missing.output
    assert "gone" not in missing.output
    assert "Traceback" not in missing.output
