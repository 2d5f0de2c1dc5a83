"""Other ways to run: offline, Automation API, outputs of other resources, stack config."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from support.emulator import CLIENT_ID, CLIENT_SECRET, SITE, charger_uuid, seed
from support.stack import Stack, declaration

if TYPE_CHECKING:
    from pathlib import Path

    from support.emulator import Emulator


def test_an_offline_preview_needs_no_server(stack: Stack) -> None:
    """No call at all, the state is believed, a line says so; an update refuses to write.

    A charger that is now declared by its UUID, or by its identity, is still the same one.
    """
    by_identity = 'ChargerConnector("bay", charger="HRB-001", connector_id=1, max_amperage=20)'
    stack.declare(by_identity, declaration("other", 3, max_amperage=20))
    stack.must_up()
    gone = {"PLUGCHOICE_OFFLINE": "1", "PLUGCHOICE_BASE_URL": "http://127.0.0.1:9/api", "PLUGCHOICE_TOKEN": None}

    same = stack.preview("--expect-no-changes", **gone)
    refreshed = stack.refresh(**gone)

    assert same.code == 0, same.output
    assert same.lines("OFFLINE") == [
        "plugchoice: PLUGCHOICE_OFFLINE is on: no API call is made; stored values are used, and drift is not detected"
    ]
    assert refreshed.code == 0
    assert stack.preview("--expect-no-changes").code == 0, "an offline refresh changes nothing"

    stack.declare(
        declaration("bay", 1, max_amperage=25),
        declaration("new", 2, max_amperage=25),
        'ChargerConnector("other", charger="HRB-003", connector_id=1, max_amperage=20)',
    )
    changed = stack.preview(**gone)
    refused = stack.up("--continue-on-error", **gone)

    assert changed.code == 0
    assert "+ 1 to create" in changed.output
    assert "~ 1 to update" in changed.output
    assert "to replace" not in changed.output
    assert "Warning" not in changed.output
    assert refused.code != 0
    assert sorted(refused.lines("error: plugchoice:")) == [
        f"error: plugchoice: {charger}/1: not written, because PLUGCHOICE_OFFLINE is on; unset it and run again"
        for charger in (charger_uuid(1), charger_uuid(2))
    ]
    assert len(refused.calls) == 0


def test_inputs_that_are_outputs_are_checked_when_they_are_known(stack: Stack, emulator: Emulator) -> None:
    """Unknown inputs pass the preview and are checked when they are known.

    A default that an Output holds is not stored, as if it had been left out; a subclass is still a ChargerConnector.
    """
    emulator.reset(seed(25))
    stack.program(
        f"""
        amps = pulumi.Output.secret(20).apply(lambda amps: amps)
        first = ChargerConnector("bay-1", charger="{charger_uuid(1)}", connector_id=1, max_amperage=amps)
        for index in range(2, 25):
            ChargerConnector(
                f"bay-{{index}}",
                charger=first.identity.apply(lambda _, n=index: f"{charger_uuid(0)[:-2]}{{n:02d}}"),
                connector_id=first.connector_id,
                phase_rotation=first.identity.apply(lambda name: "STR" if name == "HRB-001" else "bad"),
                max_amperage=amps,
            )

        class Bay(ChargerConnector):
            pass

        Bay("subclass", charger="{charger_uuid(25)}", connector_id=1, max_amperage=20,
            on_adopt=pulumi.Output.from_input("overwrite"), on_destroy=pulumi.Output.from_input("retain"))
        """
    )

    preview = stack.preview()
    result = stack.must_up()

    assert preview.code == 0, preview.output
    assert len(result.puts) == 25
    assert emulator.live(24) == ("STR", 20)
    assert not {"on_adopt", "on_destroy"} & set(stack.resources()["subclass"]["inputs"])
    assert stack.preview("--expect-no-changes").code == 0


def test_two_previews_in_one_process_share_no_problems(stack: Stack, emulator: Emulator, tmp_path: Path) -> None:
    """The Automation API runs a bad program and then a good one: problems do not leak from one run into the next."""
    script = tmp_path / "automation.py"
    script.write_text(
        f"""
import pulumi.automation as auto
from pulumi_plugchoice import ChargerConnector

def program(rotation):
    def declare():
        ChargerConnector("bay", charger="{charger_uuid(1)}", connector_id=1, phase_rotation=rotation)
    return declare

stack = auto.create_or_select_stack("inline", project_name="inline", program=program("nonsense"))
try:
    stack.preview()
except auto.CommandError as error:
    print("refused", str(error).count("is not a phase rotation") >= 1)
stack.workspace.program = program("STR")
print("preview", dict(stack.preview().change_summary))
print("again", dict(stack.preview().change_summary))
print("up", stack.up().summary.result)
"""
    )

    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, **stack.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    printed = done.stdout.splitlines()
    assert printed[0] == "refused True"
    assert "create" in printed[1]
    assert printed[2] == printed[1].replace("preview", "again")
    assert printed[3] == "up succeeded"
    assert emulator.live(1) == ("STR", 16)


def test_stack_config_takes_the_place_of_the_environment(stack: Stack) -> None:
    """Base URL, site and client credentials from config; one token call a process."""
    plain = {"baseUrl": stack.environment["PLUGCHOICE_BASE_URL"], "site": SITE, "clientId": CLIENT_ID}
    arguments = [text for key, value in plain.items() for text in ("--plaintext", f"plugchoice:{key}={value}")]
    done = stack.run("config", "set-all", *arguments, "--secret", f"plugchoice:clientSecret={CLIENT_SECRET}")
    assert done.code == 0, done.output
    for name in ("PLUGCHOICE_BASE_URL", "PLUGCHOICE_TOKEN", "PLUGCHOICE_SITE"):
        stack.environment.pop(name)
    stack.program('ChargerConnector("bay", charger="HRB-001", connector_id=1, max_amperage=20)')

    result = stack.must_up()

    assert len(result.puts) == 1
    assert len(result.calls.of("POST", "oauth/token")) == 1
    assert CLIENT_SECRET not in stack.state_file.read_text()
