"""`plugchoice fleet up` with the real engine: waves, a command that is killed, and what is left of it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import processes, warm
from support.emulator import TOKEN, charger_uuid, connector
from support.repository import call, commit
from support.sites import bay, numbered_site, numbered_uuid, site_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.emulator import Emulator
    from support.stack import Stack

# `make soak` takes 30, and kills the command more often.
SITES = int(os.environ.get("FLEET_SITES", "4"))
CHARGERS = 1 if SITES == 4 else 3
KILLS = (SITES - 4) // 8
MARK = "FLEET_RUN"
COMMAND = [sys.executable, "-m", "pulumi_plugchoice.cli", "fleet", "up"]


def fleet(stack: Stack, *arguments: str, status: int = 0, action: str = "up") -> list[str]:
    """Run the command; return the lines that it prints."""
    variables = {**os.environ, **stack.environment}
    command = [*COMMAND[:-1], action, *arguments]
    done = subprocess.run(command, cwd=stack.folder, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_a_run_without_a_call_is_known_to_have_made_none(
    stack: Stack, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offline, and without a token: the provider tells that, too, so its line is not taken for lost."""
    emulator.reset({"tokens": {TOKEN: {"user": "tester"}}, "sites": [numbered_site(1, {1: [connector()]})]})
    monkeypatch.chdir(stack.folder)
    stack.environment.pop("PLUGCHOICE_SITE")
    stack.program("pulumi_plugchoice.ChargingSite.for_stack()")
    Path("sites").mkdir()
    Path("sites/s1.yaml").write_text(site_yaml([bay(1, "STR")], site=numbered_uuid(1), fuse=125, group=802))
    stack.add("s1")
    assert "; 3 calls, " in fleet(stack, "--all")[-1]
    emulator.clear_requests()
    report = stack.folder.parent / "report.json"

    stack.environment["PLUGCHOICE_OFFLINE"] = "true"
    lines = fleet(stack, "--all", "--report", str(report), action="preview")
    assert re.fullmatch(r"1 unchanged, 0 changed, 0 failed; 0 calls, \d+ s", lines[-1])
    assert json.loads(report.read_text())["not_counted"] == []
    del stack.environment["PLUGCHOICE_OFFLINE"], stack.environment["PLUGCHOICE_TOKEN"]
    lines = fleet(stack, "--all", "--report", str(report), action="refresh", status=1)
    assert re.fullmatch(r"0 unchanged, 0 applied, 1 failed; 0 calls, \d+ s", lines[-1])
    assert json.loads(report.read_text())["not_counted"] == []
    assert emulator.requests() == []


@pytest.mark.long
@pytest.mark.timeout(200 + 30 * SITES)
def test_a_fleet_in_waves_survives_its_own_death(
    stack: Stack, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A canary that fails stops the rest; after a kill -9 of command and CLI the rest is done, with one PUT each."""
    chargers = {number: range(CHARGERS * (number - 1) + 1, CHARGERS * number + 1) for number in range(1, SITES + 1)}
    sites = [numbered_site(number, {index: [connector()] for index in found}) for number, found in chargers.items()]
    emulator.reset({"tokens": {TOKEN: {"user": "tester"}}, "sites": sites})
    monkeypatch.chdir(stack.folder)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    stack.environment.pop("PLUGCHOICE_SITE")
    stack.program("pulumi_plugchoice.ChargingSite.for_stack()")
    Path("sites").mkdir()
    for number, found in chargers.items():
        bays = [bay(index, "STR") for index in found]
        text = site_yaml(bays, site=numbered_uuid(number), fuse=125, group=801 + number)
        Path(f"sites/s{number}.yaml").write_text(text)
        stack.add(f"s{number}")
    call("init", "-q")
    commit()
    waves = ("--wave", "canary:s3", "--wave", "rest", "--gate-seconds", "0", "--jobs", "2")

    emulator.fault("status", status=422, method="PUT", times=None)
    lines = fleet(stack, "--all", *waves, status=1)
    assert [line.partition(":")[0] for line in lines[:-1]] == ["wave canary", "s3"]
    writes = "1 write" if CHARGERS == 1 else f"{CHARGERS} writes"
    assert f"0 unchanged, 0 applied, 1 failed ({writes}), {SITES - 1} not started; " in lines[-1]
    assert len(emulator.requests()) < 6 + 2 * CHARGERS
    assert "answered 422" in lines[1]
    emulator.clear_faults()
    emulator.clear_requests()

    # The canary is done, two of the rest run: one CLI is killed with the command, the other one ends in order.
    emulator.fault("slow", delay_seconds=2, method="PUT", skip=CHARGERS, times=2)
    with start(stack, "--all", *waves) as process:
        first, second = find_locked(stack, 2)
        killed, ending = (read_process(name) for name in (first, second))
        process.kill()
        os.kill(killed, signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{ending}").exists())
    assert list_locks(stack, first), "nobody has released it"
    assert read_done() == ["s3"]
    emulator.clear_faults()

    for number in range(KILLS):
        kill_in_the_middle(stack, emulator, [*waves, "--resume"], with_clis=number % 2 == 0)
    done = read_done()
    before = {name: list_updates(stack, name) for name in done}

    lines = fleet(stack, "--all", *waves, "--resume", "--report", "../report.json")
    assert lines[0] == f"{len(done)} site{'s' if KILLS else ''} done by an earlier run, {SITES - len(done)} left"
    assert before == {name: list_updates(stack, name) for name in done}, "none of them has run again"
    assert all("STR" in settings for settings in emulator.values().values())
    puts = Counter(request["path"] for request in emulator.requests() if request["method"] == "PUT")
    assert puts == {
        f"/v3/chargers/{charger_uuid(index)}/connectors/1": 1 for found in chargers.values() for index in found
    }

    emulator.clear_requests()
    lines = fleet(stack, "--all")
    assert f"{SITES} unchanged, 0 applied, 0 failed; " in lines[-1]
    assert len(emulator.requests()) <= 3 * SITES


def start(stack: Stack, *arguments: str) -> subprocess.Popen[bytes]:
    """Start the command, and its processes as users do; each has the mark."""
    cold = {name: value for name, value in stack.environment.items() if name != warm.VARIABLE}
    variables = {**os.environ, **cold, MARK: "x"}
    return subprocess.Popen([*COMMAND, *arguments], cwd=stack.folder, env=variables, stdout=subprocess.DEVNULL)


def kill_in_the_middle(stack: Stack, emulator: Emulator, arguments: list[str], *, with_clis: bool) -> None:
    """Kill the command after a few more sites, while the answers to writes are awaited.

    Args:
        stack: of the project.
        emulator: which is slow to answer.
        arguments: of the command.
        with_clis: whether their processes are killed, too; else they are still ending when the next command begins.
    """
    before = len(read_done())
    emulator.fault("slow_after_write", delay_seconds=2, method="PUT", times=None)
    with start(stack, "--all", *arguments) as process:
        wait_for(lambda: len(read_done()) >= before + 4 and process.poll() is None)
        written = count_puts(emulator)
        wait_for(lambda: count_puts(emulator) > written)
        clis = [number for number, command in processes.find_marked(MARK, "x").items() if "pulumi up" in command]
        process.kill()
        if with_clis:
            for number in clis:
                os.kill(number, signal.SIGKILL)
    emulator.clear_faults()


def find_locked(stack: Stack, count: int) -> list[str]:
    """Wait until so many stacks are locked; return their names."""
    names = [file.stem for file in Path("sites").glob("*.yaml")]
    found: list[str] = []

    def look() -> bool:
        found[:] = [name for name in names if list_locks(stack, name) and name not in read_done()]
        return len(found) == count

    wait_for(look)
    return found


def read_process(name: str) -> int:
    """The process of the CLI that runs a stack."""
    number: int = json.loads(Path(f".fleet/stacks/{name}/process.json").read_text())[0]["process"]
    return number


def read_done() -> list[str]:
    """The sites that are finished, as `fleet.json` has it."""
    return [site["name"] for site in json.loads(Path(".fleet/fleet.json").read_text())["sites"]]


def count_puts(emulator: Emulator) -> int:
    """How many PUTs there were."""
    return sum(request["method"] == "PUT" for request in emulator.requests())


def list_updates(stack: Stack, name: str) -> list[str]:
    """The updates of a stack, as the engine has noted them."""
    folder = stack.folder.parent / "backend" / ".pulumi" / "history" / stack.project / name
    return sorted(file.name for file in folder.glob("*.history.json"))


def list_locks(stack: Stack, name: str) -> list[Path]:
    """The locks of a stack."""
    return list((stack.folder.parent / "backend" / ".pulumi" / "locks").glob(f"*/*/{name}/*.json"))


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait for something to be so."""
    give_up = time.monotonic() + (60 if SITES == 4 else 600)
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)
