"""`plugchoice fleet up --scheduler` with the real engine, on three workers over TLS: one is killed, one is frozen."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import cluster as clusters
from support import postgres, processes
from support.cluster import COMMAND
from support.emulator import TOKEN, charger_uuid, connector
from support.repository import call, commit
from support.sites import bay, numbered_site, numbered_uuid, site_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from support.cluster import Cluster
    from support.emulator import Emulator

# `make soak` takes 30, and then the scheduler dies, too.
SITES = int(os.environ.get("CLUSTER_SITES", "6"))
MARK = "CLUSTER_MEMBER"
TTL = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "6s"}
PROGRAM = "from pulumi_plugchoice import ChargingSite\n\nChargingSite.for_stack()\n"


@pytest.mark.long
@pytest.mark.timeout(200 + 20 * SITES)
@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_worker_is_killed_and_one_is_frozen_and_every_site_ends_right(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each PUT is sent once, no two updates of one stack overlap, and nothing waits for a person."""
    numbers = range(1, SITES + 1)
    sites = [numbered_site(number, {number: [connector()]}) for number in numbers]
    emulator.reset({"tokens": {TOKEN: {"user": "tester"}}, "sites": sites})
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "project"
    (folder / "sites").mkdir(parents=True)
    monkeypatch.chdir(folder)
    Path("Pulumi.yaml").write_text("name: fleet\nruntime: python\n")
    Path("__main__.py").write_text(PROGRAM)
    for number in numbers:
        text = site_yaml([bay(number, "STR")], site=numbered_uuid(number), fuse=125, group=801 + number)
        Path(f"sites/s{number}.yaml").write_text(text)

    with postgres.running() as database, clusters.running() as cluster:
        variables = {
            "PULUMI_BACKEND_URL": database.create().replace("postgresql://", "postgres://") + "&sslmode=disable",
            "PLUGCHOICE_QUOTA_URL": database.create(),
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PLUGCHOICE_BASE_URL": emulator.base_url,
            "PLUGCHOICE_TOKEN": TOKEN,
            "PYTHONWARNINGS": "default",
        }
        pulumi({**variables, "PULUMI_HOME": str(tmp_path / "home")}, "stack", "init", "s1", "--no-select")
        with ThreadPoolExecutor(3) as pool:
            homes = {f"s{number}": str(tmp_path / f"home-{number}") for number in numbers[1:]}
            list(
                pool.map(
                    lambda name: pulumi(
                        {**variables, "PULUMI_HOME": homes[name]}, "stack", "init", name, "--no-select"
                    ),
                    homes,
                )
            )
        call("init", "-q")
        commit()

        scheduler = cluster.start_scheduler(TTL)
        members = {
            str(number): cluster.start_worker(
                variables={**variables, **own_folders(cluster, number), MARK: str(number)}
            )
            for number in (1, 2, 3)
        }
        for number in (1, 2, 3):
            emulator.fault("slow_after_write", delay_seconds=8, method="PUT", path=charger_uuid(number), times=1)
        output = tmp_path / "output.txt"
        with output.open("wb") as file:
            process = subprocess.Popen([*COMMAND, "up", "--all", *cluster.options], stdout=file, stderr=file)
        with contextlib.ExitStack() as stack:
            stack.callback(process.kill)
            wait_for(lambda: len(find_writing(emulator, members)) > 1, process, output)
            (killed, _), (cold, site) = list(find_writing(emulator, members).items())[:2]
            members[killed].process.kill()
            asleep = processes.find_marked(MARK, cold)
            assert len(asleep) >= 3, "the worker, its CLI and the provider"
            send(asleep, signal.SIGSTOP)
            wait_for(lambda: len(find_workers(cluster, site)) > 1, process, output)
            time.sleep(1)  # the other one finds the lock
            send(asleep, signal.SIGCONT)
            members[cold].wait_for("it will join again")
            if SITES > 6:
                wait_for(lambda: count_done() > SITES // 2, process, output)
                scheduler.process.kill()
                assert process.wait(60) == 1
                done = count_done()
                cluster.start_scheduler(TTL)
                members[cold].wait_for(": joined", times=3)
                with output.open("wb") as file:
                    again = [*COMMAND, "up", "--all", "--resume", *cluster.options]
                    process = subprocess.Popen(again, stdout=file, stderr=file)
                assert process.wait(600) == 0, output.read_text()
                assert output.read_text().startswith(f"{done} sites done by an earlier run")
            assert process.wait(120) == 0, output.read_text()

        lines = output.read_text().splitlines()
        assert ", 0 failed; " in lines[-1]
        assert count_done() == SITES
        puts = Counter(request["path"] for request in emulator.requests() if request["method"] == "PUT")
        assert puts == {f"/v3/chargers/{charger_uuid(number)}/connectors/1": 1 for number in numbers}
        assert not any(request["status"] == 429 for request in emulator.requests())
        assert all("STR" in settings for settings in emulator.values().values())
        for name in ("s1", "s2", "s3") if SITES <= 6 else [f"s{number}" for number in numbers]:
            updates = history({**variables, "PULUMI_HOME": str(tmp_path / "home")}, name)
            assert updates[-1]["result"] == "succeeded"
            if name == site:
                assert len(updates) == 2, "of the frozen worker, and of the one that took over"
            for before, after in itertools.pairwise(updates):
                assert before["endTime"] <= after["startTime"], updates


def own_folders(cluster: Cluster, number: int) -> dict[str, str]:
    """What the machines of a cluster do not share."""
    folder = cluster.folder / f"machine-{number}"
    return {"XDG_CACHE_HOME": str(folder), "PULUMI_HOME": str(folder / "home")}


def find_workers(cluster: Cluster, name: str) -> set[str]:
    """The workers that have begun a stack."""
    found = cluster.folder.glob(f"machine-*/pulumi-plugchoice/fleet/runs/*/{name}")
    return {path.relative_to(cluster.folder).parts[0].removeprefix("machine-") for path in found}


def count_done() -> int:
    """How many sites are finished, as `fleet.json` has it."""
    return len(json.loads(Path(".fleet/fleet.json").read_text())["sites"])


def find_writing(emulator: Emulator, members: Iterable[str]) -> dict[str, str]:
    """The workers whose CLI waits for the answer to a PUT, each with its site."""
    written = [number for number in (1, 2, 3) if "STR" in emulator.live(number)]
    return {
        member: f"s{number}"
        for member in members
        for number in written
        if any(f"--stack=s{number} " in command for command in processes.find_marked(MARK, member).values())
    }


def pulumi(variables: dict[str, str], *arguments: str) -> str:
    """Run the CLI; return what it prints."""
    command = ["pulumi", *arguments, "--non-interactive"]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def history(variables: dict[str, str], name: str) -> list[dict[str, Any]]:
    """The updates of a stack, the oldest first, as the engine has noted them."""
    found: list[dict[str, Any]] = json.loads(pulumi(variables, "stack", "history", f"--stack={name}", "--json"))
    return found[::-1]


def send(found: dict[int, str], number: int) -> None:
    for process in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes], output: Path) -> None:
    give_up = time.monotonic() + 90
    while not condition():
        assert process.poll() is None, output.read_text()
        assert time.monotonic() < give_up, output.read_text()
        time.sleep(0.1)
