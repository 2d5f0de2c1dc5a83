"""A state that a released version wrote previews without a change.

A release adds a file of its own, `pytest tests/acceptance/test_upgrade.py --write-state-fixture`, and changes none:
tests/unit/test_state_fixtures.py pins them.
"""

from __future__ import annotations

import base64
import json
import pickle
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi_plugchoice
import pytest
from pulumi_plugchoice import __version__
from pulumi_plugchoice.connector import ChargerConnectorProvider
from support.emulator import SITE, TOKEN, charger_uuid, seed
from support.stack import TYPE, Stack, declaration

if TYPE_CHECKING:
    from support.emulator import Emulator

STATES = Path(__file__).parent.parent / "fixtures" / "state"
LATEST = STATES / f"{__version__}.json"
BY_IDENTITY = 'ChargerConnector("by-identity", charger="HRB-003", connector_id=1, phase_rotation="TRS")'
PROGRAM = (
    declaration("full", 1, phase_rotation="STR", max_amperage=20, on_destroy="restore"),
    declaration("partial", 2, max_amperage=20),
    BY_IDENTITY,
    "pulumi_plugchoice.ChargingSite('harbour', definition={"
    f"'site': '{SITE}', 'supply': {{'net_type': 'TN', 'main_fuse_amps': 125}}, "
    "'limits': {'full_imbalance_amps': 60}, "
    "'chargers': [{'identity': 'HRB-004', 'connectors': "
    "[{'connector_id': 1, 'phase_rotation': 'STR', 'max_amperage': 16}]}]})",
)


@pytest.fixture(autouse=True)
def _four_chargers(emulator: Emulator, stack: Stack) -> None:
    emulator.reset(seed(4))
    stack.with_passphrase()


def test_this_version_still_writes_the_state_that_is_kept_for_it(stack: Stack, request: pytest.FixtureRequest) -> None:
    """This version still writes the state that is kept for it."""
    stack.declare(*PROGRAM)
    stack.must_up()
    if request.config.getoption("--write-state-fixture"):
        assert not LATEST.exists(), (
            f"{LATEST.name} is frozen: a new stored form needs a new version and a file of its own"
        )
        exported = json.loads(stack.run("stack", "export").output)
        for resource in exported["deployment"]["resources"]:
            # They name files of the machine, and no later version reads them.
            resource.pop("sourcePosition", None)
            resource.pop("stackTrace", None)
        LATEST.write_text(json.dumps(exported, indent=2) + "\n")
    assert stack.run("stack", "import", "--file", str(LATEST)).code == 0
    stored = stack.resources()

    stack.must_up("--refresh")

    for name, resource in stack.resources().items():
        assert resource["inputs"] == stored[name]["inputs"], name
        assert resource["outputs"] == stored[name]["outputs"], name


@pytest.mark.parametrize("kept", sorted(STATES.glob("*.json")), ids=lambda path: path.stem)
def test_a_kept_state_previews_without_a_change(stack: Stack, kept: Path) -> None:
    """Plain, and with a refresh."""
    stack.declare(*PROGRAM)
    _apply_by_hand(stack)
    assert stack.run("stack", "import", "--file", str(kept)).code == 0

    _expect_no_change(stack)
    assert TOKEN not in kept.read_text()


def test_a_state_with_the_pickle_of_another_python_previews_without_a_change(stack: Stack) -> None:
    """Python 3.14 pickles with protocol 5; the bytes differ, the provider is the same."""
    stack.declare(*PROGRAM)
    _apply_by_hand(stack)
    text = LATEST.read_text()
    (mine,) = {
        resource["inputs"]["__provider"]
        for resource in json.loads(text)["deployment"]["resources"]
        if resource["type"] == TYPE
    }
    other = base64.b64encode(pickle.dumps(ChargerConnectorProvider(), protocol=5)).decode()
    exported = stack.folder / "exported.json"
    exported.write_text(text.replace(mine, other))
    assert other != mine
    assert stack.run("stack", "import", "--file", str(exported)).code == 0

    _expect_no_change(stack)


def test_a_new_optional_input_changes_no_stored_state(stack: Stack, tmp_path: Path) -> None:
    """Inputs at their default are not sent: a build with one more input previews the kept state without a change."""
    build = tmp_path / "build"
    shutil.copytree(Path(pulumi_plugchoice.__file__).parent, build / "pulumi_plugchoice")
    _edit(build / "pulumi_plugchoice" / "inputs.py", '"on_adopt", "on_destroy")', '"on_adopt", "on_destroy", "note")')
    connector = build / "pulumi_plugchoice" / "connector.py"
    _edit(connector, '"retain",\n        opts', '"retain",\n        note: str | None = None,\n        opts')
    _edit(connector, '"on_destroy": on_destroy,', '"on_destroy": on_destroy,\n            "note": note,')
    stack.declare(*PROGRAM)
    _apply_by_hand(stack)
    assert stack.run("stack", "import", "--file", str(LATEST)).code == 0
    stack.environment["PYTHONPATH"] = str(build)

    _expect_no_change(stack)

    stack.declare(declaration("full", 1, phase_rotation="STR", max_amperage=20, note="new"))
    assert "note" in stack.preview("--diff").output, "the test build is the one that ran"


def _apply_by_hand(stack: Stack) -> None:
    """The values that the program declares, without an `up`."""
    stack.emulator.edit(charger_uuid(1), phase_rotation="STR", max_amperage=20)
    stack.emulator.edit(charger_uuid(2), max_amperage=20)
    stack.emulator.edit(charger_uuid(3), phase_rotation="TRS")
    stack.emulator.edit(charger_uuid(4), phase_rotation="STR")


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, f"{file.name} has changed: this test has to follow"
    file.write_text(text.replace(old, new))


def _expect_no_change(stack: Stack) -> None:
    plain = stack.preview("--expect-no-changes")
    refreshed = stack.preview("--expect-no-changes", "--refresh")

    assert plain.code == 0, plain.output
    assert refreshed.code == 0, refreshed.output
    assert plain.puts == []
