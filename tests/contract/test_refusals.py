"""What the provider refuses before a write: the whole line, on the property that the engine names with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pulumi_plugchoice.connector import ChargerConnectorProvider
from pulumi_plugchoice.runtime.engine import _OneLine
from support.emulator import SITE, TOKEN, charger_uuid, connector, seed
from support.engine_double import Engine, provider_process

if TYPE_CHECKING:
    from support.emulator import Emulator

ROTATIONS = "RST RTS SRT STR TRS TSR RS RT SR ST TR TS R S T"
BAY: dict[str, Any] = {"charger": charger_uuid(1), "connector_id": 1}
GOOD: dict[str, Any] = {**BAY, "phase_rotation": "STR", "max_amperage": 20}


def environment(emulator: Emulator) -> dict[str, str]:
    """Variables of the provider's process."""
    return {"PLUGCHOICE_BASE_URL": emulator.base_url, "PLUGCHOICE_TOKEN": TOKEN, "PLUGCHOICE_SITE": SITE}


@pytest.mark.parametrize(
    ("inputs", "live", "line"),
    [
        ({**GOOD, "phase_rotation": "XYZ"}, {}, f"phase_rotation: 'XYZ' is not a phase rotation; allowed: {ROTATIONS}"),
        ({**GOOD, "max_amperage": 0}, {}, "max_amperage: 0 is out of range; allowed: 1 to 1000 A"),
        ({**GOOD, "max_amperage": 16.5}, {}, "max_amperage: 16.5 is not a whole number; allowed: 1 to 1000 A"),
        ({**GOOD, "max_amperage": "16"}, {}, "max_amperage: '16' is text, not a number; allowed: 1 to 1000 A"),
        ({**GOOD, "max_amperage": True}, {}, "max_amperage: True is not a number; allowed: 1 to 1000 A"),
        ({**GOOD, "on_destroy": "delete"}, {}, "on_destroy: 'delete' is not allowed; allowed: 'retain' or 'restore'"),
        (BAY, {}, "charger: neither phase_rotation nor max_amperage is set; set at least one, or remove the resource"),
        (
            {"charger": charger_uuid(1), "max_amperage": 16},
            {},
            "charger: connector_id: not set; give the OCPP connector number, 1 for the first",
        ),
        (
            {"connector_id": 1, "max_amperage": 16},
            {},
            "connector_id: charger: not set; give the charger's UUID or its OCPP identity",
        ),
        (
            {**BAY, "connector_id": 7, "max_amperage": 16},
            {},
            "connector_id: charger HRB-001 has no connector 7; it has 1",
        ),
        (
            {**BAY, "charger": "HRB-404", "max_amperage": 16},
            {},
            f"charger: charger 'HRB-404': not found on site {SITE}; it lists HRB-001",
        ),
        (
            {**BAY, "max_amperage": 16},
            {"rotation": None, "amperage": None},
            "max_amperage: HRB-001/1: phase_rotation is not set in Plugchoice, and every write sends both settings; "
            "declare phase_rotation as well",
        ),
        (
            {**BAY, "phase_rotation": "STR", "max_amperage": 16, "on_adopt": "match"},
            {"amperage": None},
            "phase_rotation: HRB-001/1: phase_rotation is RST in Plugchoice and STR is declared, which "
            'on_adopt="match" refuses; declare the live value, change it in Plugchoice, or set on_adopt="overwrite"',
        ),
    ],
)
def test_a_refused_declaration_is_one_line_and_no_write(
    emulator: Emulator, inputs: dict[str, Any], live: dict[str, Any], line: str
) -> None:
    """In the preview; a value that the program cannot see, such as an Output's, arrives as it does here."""
    emulator.reset(seed(1, {1: [connector(**live)]}))

    report = Engine(environment(emulator)).preview({"bay": inputs})

    assert report.errors == [line]
    assert emulator.puts_seen() == 0


@pytest.mark.parametrize(
    ("id_", "line"),
    [
        (f"{charger_uuid(1)}/7", "charger HRB-001 has no connector 7; it has 1"),
        (
            "HRB-001/1",
            "id 'HRB-001/1' is not a connector id; give the charger's UUID, a slash and the OCPP connector "
            "number, such as 5f0c3c1e-0000-4000-8000-000000000001/1",
        ),
    ],
)
def test_a_lookup_of_a_missing_connector_is_one_line(emulator: Emulator, id_: str, line: str) -> None:
    """`ChargerConnector.get` reads with an id and without a state."""
    with provider_process(environment(emulator)), pytest.raises(_OneLine) as raised:
        ChargerConnectorProvider().read(id_, {})

    assert str(raised.value) == line


@pytest.mark.parametrize("site", [SITE, ""])
@pytest.mark.parametrize("tail", ["/v2", "/v3"])
def test_a_wrong_base_url_is_never_a_calm_preview(emulator: Emulator, site: str, tail: str) -> None:
    """Each read is answered 404, and that of the path proves nothing about a charger: refresh keeps the state too."""
    engine = Engine({**environment(emulator), "PLUGCHOICE_SITE": site})
    assert engine.up({"bay": GOOD}).errors == []
    wrong = Engine({**engine.environment, "PLUGCHOICE_BASE_URL": emulator.base_url + tail}, engine.state)

    for report in (wrong.preview({"bay": GOOD}), wrong.refresh()):
        (error,) = report.errors
        assert "check the base URL (PLUGCHOICE_BASE_URL" in error or f"; use {emulator.base_url}" in error
    assert set(engine.state) == {"bay"}
