"""The life of a connector in a stack: adopt, leave alone, edit, drift, refresh, let go of a setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.emulator import SITE, charger_uuid, connector, seed
from support.stack import Stack, declaration

if TYPE_CHECKING:
    from support.emulator import Emulator

PUT_1 = f"/v3/chargers/{charger_uuid(1)}/connectors/1"
PUT_2 = f"/v3/chargers/{charger_uuid(2)}/connectors/1"


def test_first_up_writes_only_what_differs_and_says_what_it_adopts(stack: Stack, emulator: Emulator) -> None:
    """One equal, one different, one never set: two PUTs, two adoption lines, and the originals in the state."""
    emulator.reset(seed(3, {3: [connector(rotation=None, amperage=None)]}))
    stack.declare(
        declaration("same", 1, phase_rotation="RST", max_amperage=16),
        declaration("other", 2, phase_rotation="STR", max_amperage=20),
        declaration("new", 3, phase_rotation="TRS", max_amperage=16),
    )

    result = stack.must_up()

    assert sorted(result.puts) == sorted(
        [
            (PUT_2, {"phase_rotation": "STR", "max_amperage": 20}),
            (f"/v3/chargers/{charger_uuid(3)}/connectors/1", {"phase_rotation": "TRS", "max_amperage": 16}),
        ]
    )
    assert sorted(result.lines("adoption changes")) == [
        "plugchoice: HRB-002/1: adoption changes RST -> STR, 16 A -> 20 A",
        "plugchoice: HRB-003/1: adoption changes not set -> TRS, not set -> 16 A",
    ]
    resources = stack.resources()
    assert resources["other"]["id"] == f"{charger_uuid(2)}/1"
    assert resources["other"]["outputs"]["managed"] == ["phase_rotation", "max_amperage"]
    assert resources["other"]["outputs"]["adopted"] == {"phase_rotation": "RST", "max_amperage": 16}
    assert resources["new"]["outputs"]["adopted"] == {}
    assert resources["other"]["outputs"]["identity"] == "HRB-002"


def test_state_holds_nothing_volatile(stack: Stack) -> None:
    """Outputs are the documented ones: no status, error, timestamp, pincode or unmanaged setting."""
    stack.declare(declaration("bay", 1, max_amperage=20))
    stack.must_up()

    outputs = stack.resources()["bay"]["outputs"]

    assert set(outputs) - {"power_type", "standard", "format", "max_voltage"} == {
        "__provider",
        "charger",
        "connector_id",
        "max_amperage",
        "site",
        "managed",
        "adopted",
        "identity",
    }
    assert set(stack.resources()["bay"]["inputs"]) == {
        "__provider",
        "charger",
        "connector_id",
        "max_amperage",
        "site",
    }, "inputs at their default are not sent"


def test_edit_of_one_value_writes_one_connector(stack: Stack, emulator: Emulator) -> None:
    """The preview shows the property, the update sends one PUT."""
    bays = [declaration(f"bay-{index}", index, phase_rotation="RST", max_amperage=16) for index in (1, 2, 3)]
    stack.declare(*bays)
    stack.must_up()
    stack.declare(bays[0], declaration("bay-2", 2, phase_rotation="RST", max_amperage=32), bays[2])

    preview = stack.preview("--diff")
    result = stack.must_up()

    assert "~ max_amperage: 16 => 32" in preview.output
    assert preview.puts == []
    assert result.puts == [(PUT_2, {"phase_rotation": "RST", "max_amperage": 32})]
    assert emulator.live(2) == ("RST", 32)
    assert stack.preview("--expect-no-changes").code == 0


def test_plain_preview_shows_drift(stack: Stack, emulator: Emulator) -> None:
    """A portal edit is an update of exactly that connector, with one line that names all three values."""
    stack.declare(*[declaration(f"bay-{i}", i, phase_rotation="RST", max_amperage=16) for i in (1, 2, 3)])
    stack.must_up()
    emulator.edit(charger_uuid(2), max_amperage=63)

    preview = stack.preview()
    alarm = stack.preview("--expect-no-changes")

    assert preview.code == 0
    assert "bay-2 update" in preview.output
    assert "~ 1 to update" in preview.output
    assert preview.lines("drift") == [
        "plugchoice: HRB-002/1: drift: max_amperage is 63 A live, 16 A stored, 16 A declared"
    ]
    assert alarm.code != 0, "--expect-no-changes is the drift alarm"

    result = stack.must_up()

    assert result.puts == [(PUT_2, {"phase_rotation": "RST", "max_amperage": 16})]
    assert emulator.live(2) == ("RST", 16)


def test_refresh_shows_drift_as_a_property_change(stack: Stack, emulator: Emulator) -> None:
    """With a refresh the preview shows `63 => 16`, reads once for both, and the drift is told once."""
    stack.declare(*[declaration(f"bay-{i}", i, phase_rotation="RST", max_amperage=16) for i in (1, 2, 3)])
    stack.must_up()
    emulator.edit(charger_uuid(2), max_amperage=63)

    preview = stack.preview("--refresh", "--diff")

    assert "~ max_amperage: 63 => 16" in preview.output
    assert preview.output.count("HRB-002/1: drift") == 1
    assert "HRB-002/1: drift: max_amperage is 63 A live, 16 A stored" in preview.output
    assert len(preview.calls) == 1
    assert preview.puts == []

    refreshed = stack.refresh()
    quiet = stack.preview()

    assert refreshed.code == 0
    assert stack.resources()["bay-2"]["outputs"]["max_amperage"] == 63
    assert "~ 1 to update" in quiet.output
    assert quiet.lines("drift") == [], "after a refresh stored equals live, and diff is silent"


def test_portal_edit_that_equals_the_new_declaration_needs_no_put(stack: Stack, emulator: Emulator) -> None:
    """The state catches up without a write."""
    stack.declare(declaration("bay", 1, phase_rotation="RST", max_amperage=16))
    stack.must_up()
    emulator.edit(charger_uuid(1), max_amperage=20)
    stack.declare(declaration("bay", 1, phase_rotation="RST", max_amperage=20))

    result = stack.must_up()

    assert result.puts == []
    assert stack.resources()["bay"]["outputs"]["max_amperage"] == 20
    assert stack.preview("--expect-no-changes").code == 0


def test_unmanaged_setting_is_left_as_it_is(stack: Stack, emulator: Emulator) -> None:
    """A portal edit of the unmanaged rotation is neither drift nor lost by a write of the amperage."""
    stack.declare(declaration("bay", 1, max_amperage=16))
    stack.must_up()
    emulator.edit(charger_uuid(1), phase_rotation="TRS")

    assert stack.preview("--expect-no-changes").code == 0
    assert stack.refresh("--expect-no-changes").code == 0

    stack.declare(declaration("bay", 1, max_amperage=20))
    result = stack.must_up()

    assert result.puts == [(PUT_1, {"phase_rotation": "TRS", "max_amperage": 20})]
    assert result.calls.of("GET", f"/v3/chargers/{charger_uuid(1)}"), "the unmanaged value is read just before"


def test_setting_that_becomes_managed_remembers_its_original(stack: Stack, emulator: Emulator) -> None:
    """Adoption is per setting: told in the preview, kept through updates, dropped when let go of."""
    stack.declare(declaration("bay", 1, max_amperage=20))
    stack.must_up()
    emulator.edit(charger_uuid(1), phase_rotation="TSR")
    stack.declare(declaration("bay", 1, max_amperage=20, phase_rotation="RST"))

    preview = stack.preview()
    stack.must_up()

    assert preview.lines("adoption changes") == ["plugchoice: HRB-001/1: adoption changes TSR -> RST"]
    outputs = stack.resources()["bay"]["outputs"]
    assert outputs["managed"] == ["phase_rotation", "max_amperage"]
    assert outputs["adopted"] == {"max_amperage": 16, "phase_rotation": "TSR"}

    stack.declare(declaration("bay", 1, phase_rotation="RST"))
    result = stack.must_up()

    assert result.puts == []
    outputs = stack.resources()["bay"]["outputs"]
    assert outputs["managed"] == ["phase_rotation"]
    assert outputs["adopted"] == {"phase_rotation": "TSR"}
    assert "max_amperage" not in outputs


def test_unmanaged_setting_that_was_never_set_is_refused_in_the_preview(stack: Stack, emulator: Emulator) -> None:
    """The PUT needs both settings; nothing is guessed for the one that is not declared."""
    emulator.reset(seed(1, {1: [connector(rotation=None, amperage=None)]}))
    stack.declare(declaration("bay", 1, max_amperage=16))

    result = stack.preview()

    assert result.code != 0
    (line,) = result.lines("has a problem")
    assert line.endswith(
        "HRB-001/1: phase_rotation is not set in Plugchoice, and every write sends both settings; declare "
        "phase_rotation as well"
    )


def test_unmanaged_setting_that_the_api_does_not_take_back(stack: Stack, emulator: Emulator) -> None:
    """Of an existing resource it is told in the preview, and the update fails; the others are not stopped before."""
    stack.declare(declaration("bay", 1, max_amperage=16))
    stack.must_up()
    emulator.edit(charger_uuid(1), phase_rotation="Unknown")
    stack.declare(declaration("bay", 1, max_amperage=20))

    preview = stack.preview()
    result = stack.up()

    text = (
        "HRB-001/1: phase_rotation is Unknown in Plugchoice, a value that the API does not accept, and every write "
        "sends both settings; declare phase_rotation as well"
    )
    assert preview.lines("until then") == [f"plugchoice: {text}; until then the update of this connector fails"]
    assert result.code != 0
    assert result.puts == []
    assert result.lines("error: plugchoice:") == [f"error: plugchoice: {text}"]


def test_only_the_options_of_ours_changed(stack: Stack) -> None:
    """`on_destroy` is a change of the state, not of the connector."""
    stack.declare(declaration("bay", 1, phase_rotation="RST", max_amperage=16))
    stack.must_up()
    stack.declare(declaration("bay", 1, phase_rotation="RST", max_amperage=16, on_destroy="restore"))

    result = stack.must_up()

    assert result.puts == []
    assert "~ 1 updated" in result.output
    assert stack.resources()["bay"]["outputs"]["on_destroy"] == "restore"


@pytest.mark.parametrize("field", ["charger", "connector_id"])
def test_another_connector_is_a_replacement(stack: Stack, emulator: Emulator, field: str) -> None:
    """The new connector is adopted, the old one keeps its values."""
    emulator.reset(seed(2, {1: [connector(1), connector(2)]}))
    stack.declare(declaration("bay", 1, phase_rotation="STR", max_amperage=20))
    stack.must_up()
    new = {"charger": (2, 1), "connector_id": (1, 2)}[field]
    stack.declare(declaration("bay", new[0], connector_id=new[1], phase_rotation="STR", max_amperage=20))

    preview = stack.preview("--diff")
    result = stack.must_up()

    assert f"~ {field}" in preview.output
    assert "+-1 to replace" in preview.output or "+- 1 to replace" in preview.output
    assert result.puts == [
        (f"/v3/chargers/{charger_uuid(new[0])}/connectors/{new[1]}", {"phase_rotation": "STR", "max_amperage": 20})
    ]
    assert emulator.live(1) == ("STR", 20)
    assert stack.resources()["bay"]["id"] == f"{charger_uuid(new[0])}/{new[1]}"


def test_on_adopt_match_refuses_other_values_and_takes_unset_ones(stack: Stack, emulator: Emulator) -> None:
    """A value that differs stops the preview; one that was never set may be set."""
    emulator.reset(seed(1, {1: [connector(rotation="RST", amperage=None)]}))
    stack.declare(declaration("bay", 1, phase_rotation="STR", max_amperage=16, on_adopt="match"))

    refused = stack.preview()

    assert refused.code != 0
    (line,) = refused.lines("on_adopt")
    assert line.endswith(
        'HRB-001/1: phase_rotation is RST in Plugchoice and STR is declared, which on_adopt="match" refuses; declare '
        'the live value, change it in Plugchoice, or set on_adopt="overwrite"'
    )

    stack.declare(declaration("bay", 1, phase_rotation="RST", max_amperage=16, on_adopt="match"))
    assert stack.must_up().puts == [(PUT_1, {"phase_rotation": "RST", "max_amperage": 16})]


def test_charger_by_identity(stack: Stack) -> None:
    """The OCPP identity is looked up on the site and stored as UUID; an unknown one names those that exist."""
    stack.program(
        """
        bay = ChargerConnector("bay", charger="HRB-002", connector_id=1, max_amperage=20)
        pulumi.export("charger", bay.charger)
        pulumi.export("amps", bay.max_amperage)
        pulumi.export("rotation", bay.phase_rotation)
        """
    )

    result = stack.must_up()

    assert stack.resources()["bay"]["id"] == f"{charger_uuid(2)}/1"
    assert f'charger: "{charger_uuid(2)}"' in result.output
    assert "amps: 20" in result.output
    assert stack.preview("--expect-no-changes").code == 0
    assert stack.preview("--expect-no-changes", "--refresh").code == 0

    stack.program('ChargerConnector("bay", charger="HRB-404", connector_id=1, max_amperage=20)')
    unknown = stack.preview()

    assert unknown.code != 0
    (line,) = unknown.lines("has a problem")
    assert line.endswith(f"charger 'HRB-404': not found on site {SITE}; it lists HRB-001, HRB-002, HRB-003")


def test_get_shows_a_connector_without_managing_it(stack: Stack, emulator: Emulator) -> None:
    """`ChargerConnector.get` reads by id; nothing is written."""
    stack.program(
        f"""
        seen = ChargerConnector.get("seen", "{charger_uuid(2)}/1")
        pulumi.export("rotation", seen.phase_rotation)
        pulumi.export("amps", seen.max_amperage)
        """
    )

    result = stack.must_up()

    assert 'rotation: "RST"' in result.output
    assert "amps: 16" in result.output
    assert result.puts == []


def test_get_of_something_that_is_not_there_is_an_error(stack: Stack) -> None:
    """Nothing is made up, and nothing is said to be dropped from the state."""
    stack.program(f'ChargerConnector.get("seen", "{charger_uuid(1)}/7")')
    missing = stack.preview()
    stack.program('ChargerConnector.get("seen", "HRB-001/1")')
    wrong = stack.preview()

    assert missing.code != 0
    assert "charger HRB-001 has no connector 7; it has 1" in missing.output
    assert "gone" not in missing.output
    assert wrong.code != 0
    assert "plugchoice: id 'HRB-001/1' is not a connector id; give the charger's UUID" in wrong.output
    assert "Traceback" not in wrong.output


def test_plain_functions_show_the_live_connector(stack: Stack, emulator: Emulator) -> None:
    """`get_connector` and `get_site_connectors` give typed live values, `status` and timestamps included."""
    emulator.edit(charger_uuid(1), status="Charging")
    stack.program(
        f"""
        one = pulumi_plugchoice.get_connector("{charger_uuid(1)}", 1)
        by_identity = pulumi_plugchoice.get_connector("HRB-002", 1)
        pulumi.export("status", one.status)
        pulumi.export("year", one.updated_at.year > 2000)
        pulumi.export("identity", by_identity.max_amperage)
        pulumi.export("all", len(pulumi_plugchoice.get_site_connectors()))
        """
    )

    result = stack.must_up()

    assert 'status: "Charging"' in result.output
    assert "year: true" in result.output
    assert "identity: 16" in result.output
    assert "all: 3" in result.output
