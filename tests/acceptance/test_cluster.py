"""`plugchoice fleet up --scheduler` with the real engine, on three workers over TLS: one is killed, one is frozen."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import resource
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
# s until the test gives up; on a quiet machine with two cores a site takes about 4.
PATIENCE = 200 + 60 * SITES
MARK = "CLUSTER_MEMBER"
TTL = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "12s"}
PROGRAM = "from pulumi_plugchoice import ChargingSite\n\nChargingSite.for_stack()\n"


@pytest.mark.long
@pytest.mark.timeout(2 * PATIENCE)
@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_worker_is_killed_and_one_is_frozen_and_every_site_ends_right(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
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
        Path(f"sites/{name_site(number)}.yaml").write_text(text)

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
        names = [name_site(number) for number in numbers]
        homes = {name: str(tmp_path / f"home-{name}") for name in names}

        def init(name: str) -> str:
            return pulumi({**variables, "PULUMI_HOME": homes[name]}, "stack", "init", name, "--no-select")

        init(names[0])  # makes the tables
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(init, names[1:]))
        call("init", "-q")
        commit()

        unused, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        scheduler = cluster.start_scheduler(TTL)
        members = {
            str(number): cluster.start_worker(
                variables={**variables, **own_folders(cluster, number), MARK: str(number)}
            )
            for number in (1, 2, 3)
        }
        for number in (1, 2, 3):
            emulator.fault("slow_after_write", delay_seconds=25, method="PUT", path=charger_uuid(number), times=1)
        output = tmp_path / "output.txt"
        with output.open("wb") as file:
            process = subprocess.Popen([*COMMAND, "up", "--all", *cluster.options], stdout=file, stderr=file)
        with contextlib.ExitStack() as stack:
            stack.callback(process.kill)
            found: list[dict[str, str]] = []

            def look() -> bool:
                found.append(find_writing(emulator, members))
                return len(found[-1]) > 1

            wait_for(look, process, output)
            (killed, _), (cold, site) = list(found[-1].items())[:2]
            members[killed].process.kill()
            asleep = processes.find_marked(MARK, cold)
            assert len(asleep) >= 3, "the worker, its CLI and the provider"
            send(asleep, signal.SIGSTOP)
            wait_for(lambda: len(find_workers(cluster, site)) > 1, process, output)
            time.sleep(1)  # the other one finds the lock
            send(asleep, signal.SIGCONT)
            members[cold].wait_for("it will join again", PATIENCE)
            if SITES > 6:
                wait_for(lambda: count_done() > SITES // 2, process, output)
                scheduler.process.kill()
                assert process.wait(PATIENCE) == 1
                *sites_done, gone, _ = output.read_text().splitlines()
                assert all(line.split(":")[0] in homes for line in sites_done), output.read_text()
                assert ": the scheduler has gone; " in gone
                done = count_done()
                cluster.start_scheduler(TTL)
                members[cold].wait_for(": joined", PATIENCE, times=3)
                with output.open("wb") as file:
                    again = [*COMMAND, "up", "--all", "--resume", *cluster.options]
                    process = subprocess.Popen(again, stdout=file, stderr=file)
                assert process.wait(PATIENCE) == 0, output.read_text()
                assert output.read_text().startswith(f"{done} sites done by an earlier run")
            assert process.wait(PATIENCE) == 0, output.read_text()

        minutes = (time.monotonic() - begin) / 60
        cluster.end()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = used.ru_utime + used.ru_stime - unused.ru_utime - unused.ru_stime
        record_property(
            f"cluster of 3 workers, {SITES} sites",
            f"{len(emulator.requests())} calls, {minutes:.1f} min, {seconds:.0f} CPU s, {used.ru_maxrss >> 10} MB",
        )
        lines = output.read_text().splitlines()
        assert ", 0 failed; " in lines[-1]
        assert count_done() == SITES
        puts = Counter(request["path"] for request in emulator.requests() if request["method"] == "PUT")
        assert puts == {f"/v3/chargers/{charger_uuid(number)}/connectors/1": 1 for number in numbers}
        assert not any(request["status"] == 429 for request in emulator.requests())
        assert all("STR" in settings for settings in emulator.values().values())
        for name in names[:3] if SITES <= 6 else names:
            updates = history({**variables, "PULUMI_HOME": homes[name]}, name)
            assert updates[-1]["result"] == "succeeded"
            if name == site:
                assert len(updates) == 2, "of the frozen worker, and of the one that took over"
            for before, after in itertools.pairwise(updates):
                assert before["endTime"] <= after["startTime"], updates


def name_site(number: int) -> str:
    """The first three in this order run first, and together."""
    return f"s{number:02}"


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
        member: name_site(number)
        for member in members
        for number in written
        if any(f"--stack={name_site(number)} " in command for command in processes.find_marked(MARK, member).values())
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
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, output.read_text()
        assert time.monotonic() < give_up, output.read_text()
        time.sleep(0.1)
