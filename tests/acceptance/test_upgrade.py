"""The promise to later versions: a state written by a released version is taken without a change.

A release adds its own file: `pytest tests/acceptance/test_upgrade.py --write-state-fixture`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pulumi_plugchoice import __version__
from support.emulator import TOKEN, charger_uuid
from support.stack import Stack, declaration

STATES = Path(__file__).parent.parent / "fixtures" / "state"
BY_IDENTITY = 'ChargerConnector("by-identity", charger="HRB-003", connector_id=1, phase_rotation="TRS")'
PROGRAM = (
    declaration("full", 1, phase_rotation="STR", max_amperage=20, on_destroy="restore"),
    declaration("partial", 2, max_amperage=20),
    BY_IDENTITY,
)


def test_write_the_state_of_this_version(stack: Stack, request: pytest.FixtureRequest) -> None:
    """The state that this version writes today has the stored form of the file that was kept for it."""
    stack.declare(*PROGRAM)
    stack.must_up()
    kept = STATES / f"{__version__}.json"
    if request.config.getoption("--write-state-fixture"):
        exported = json.loads(stack.run("stack", "export").output)
        for resource in exported["deployment"]["resources"]:
            # They name files of the machine, and no later version reads them.
            resource.pop("sourcePosition", None)
            resource.pop("stackTrace", None)
        kept.write_text(json.dumps(exported, indent=2) + "\n")
    assert stack.run("stack", "import", "--file", str(kept)).code == 0
    stored = stack.resources()

    stack.must_up("--refresh")

    for name, resource in stack.resources().items():
        assert resource["inputs"] == stored[name]["inputs"], name
        assert resource["outputs"] == stored[name]["outputs"], name


@pytest.mark.parametrize("kept", sorted(STATES.glob("*.json")), ids=lambda path: path.stem)
def test_a_kept_state_previews_without_a_change(stack: Stack, kept: Path) -> None:
    """Plain, and with a refresh."""
    stack.declare(*PROGRAM)
    stack.emulator.edit(charger_uuid(1), phase_rotation="STR", max_amperage=20)
    stack.emulator.edit(charger_uuid(2), max_amperage=20)
    stack.emulator.edit(charger_uuid(3), phase_rotation="TRS")
    assert stack.run("stack", "import", "--file", str(kept)).code == 0

    plain = stack.preview("--expect-no-changes")
    refreshed = stack.preview("--expect-no-changes", "--refresh")

    assert plain.code == 0, plain.output
    assert refreshed.code == 0, refreshed.output
    assert plain.puts == []
    assert TOKEN not in kept.read_text()
