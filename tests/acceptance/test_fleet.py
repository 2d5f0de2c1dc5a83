"""`plugchoice fleet up` with the real engine: waves, a command that is killed, and what is left of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import warm
from support.emulator import TOKEN, charger_uuid, connector
from support.repository import call, commit
from support.sites import bay, numbered_site, numbered_uuid, site_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.emulator import Emulator
    from support.stack import Stack

NAMES = ("s1", "s2", "s3", "s4")
COMMAND = [sys.executable, "-m", "pulumi_plugchoice.cli", "fleet", "up"]


def fleet(stack: Stack, *arguments: str, status: int = 0) -> list[str]:
    """Run the command; return the lines that it prints."""
    variables = {**os.environ, **stack.environment}
    command = [*COMMAND, *arguments]
    done = subprocess.run(command, cwd=stack.folder, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.mark.long
def test_a_fleet_in_waves_survives_its_own_death(
    stack: Stack, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A canary that fails stops the rest; after a kill -9 of command and CLI the rest is done, with one PUT each."""
    sites = [numbered_site(number, {number: [connector()]}) for number in (1, 2, 3, 4)]
    emulator.reset({"tokens": {TOKEN: {"user": "tester"}}, "sites": sites})
    monkeypatch.chdir(stack.folder)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    stack.environment.pop("PLUGCHOICE_SITE")
    stack.program("pulumi_plugchoice.ChargingSite.for_stack()")
    Path("sites").mkdir()
    for number, name in enumerate(NAMES, 1):
        text = site_yaml([bay(number, "STR")], site=numbered_uuid(number), fuse=125, group=801 + number)
        Path(f"sites/{name}.yaml").write_text(text)
        stack.add(name)
    call("init", "-q")
    commit()
    waves = ("--wave", "canary:s3", "--wave", "rest", "--gate-seconds", "0", "--jobs", "2")

    emulator.fault("status", status=422, method="PUT", times=None)
    lines = fleet(stack, "--all", *waves, status=1)
    assert [line.partition(":")[0] for line in lines[:-1]] == ["wave canary", "s3"]
    assert "0 unchanged, 0 applied, 1 failed (1 write), 3 not started; " in lines[-1]
    assert len(emulator.requests()) < 6
    assert "answered 422" in lines[1]
    emulator.clear_faults()
    emulator.clear_requests()

    # The canary is done, two of the rest run: one CLI is killed with the command, the other one ends in order.
    emulator.fault("slow", delay_seconds=2, method="PUT", skip=1, times=2)
    cold = {name: value for name, value in stack.environment.items() if name != warm.VARIABLE}
    with subprocess.Popen(
        [*COMMAND, "--all", *waves], cwd=stack.folder, env={**os.environ, **cold}, stdout=subprocess.DEVNULL
    ) as process:
        wait_for(lambda: bool(list_locks(stack, "s1") and list_locks(stack, "s2")))
        first, second = (
            json.loads(Path(f".fleet/stacks/{name}/process.json").read_text())[0]["process"] for name in ("s1", "s2")
        )
        process.kill()
        os.kill(first, signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{second}").exists())
    assert list_locks(stack, "s1"), "nobody has released it"
    assert [site["name"] for site in json.loads(Path(".fleet/fleet.json").read_text())["sites"]] == ["s3"]
    emulator.clear_faults()

    lines = fleet(stack, "--all", *waves, "--resume", "--report", "../report.json")
    assert lines[0] == "1 site done by an earlier run, 3 left"
    assert not any(line.startswith("s3") for line in lines)
    assert all("STR" in settings for settings in emulator.values().values())
    puts = Counter(request["path"] for request in emulator.requests() if request["method"] == "PUT")
    assert puts == {f"/v3/chargers/{charger_uuid(number)}/connectors/1": 1 for number in (1, 2, 3, 4)}

    emulator.clear_requests()
    lines = fleet(stack, "--all")
    assert "4 unchanged, 0 applied, 0 failed; " in lines[-1]
    assert len(emulator.requests()) <= 3 * len(NAMES)


def list_locks(stack: Stack, name: str) -> list[Path]:
    """The locks of a stack."""
    return list((stack.folder.parent / "backend" / ".pulumi" / "locks").glob(f"*/*/{name}/*.json"))


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait for something to be so."""
    give_up = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)
