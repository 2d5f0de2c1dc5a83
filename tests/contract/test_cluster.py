"""A fleet on the workers of a Dask cluster: real processes on loopback, TLS, and a CLI that is a fake."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from click.testing import CliRunner
from pulumi_plugchoice._version import __version__
from pulumi_plugchoice.cli.group import plugchoice
from pulumi_plugchoice.fleet.cluster import executor, link, program, remote
from pulumi_plugchoice.fleet.results import StackTask
from support import cluster as clusters
from support.fleet import LOCKED, Fleet
from support.repository import call, commit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.cluster import Cluster, Member

pytestmark = pytest.mark.slow

NAMES = "a b c d"
# How long a worker may be silent: short, as tests freeze one; not so short that a busy machine seems frozen.
TTL = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "12s"}


class World:
    """A cluster and its project, for all tests here.

    Args:
        cluster: with a scheduler and no worker yet.
        project: in git.
        variables: what a worker needs.
    """

    def __init__(self, cluster: Cluster, project: Fleet, variables: dict[str, str]) -> None:
        self.cluster = cluster
        self.fleet = project
        self.variables = variables
        self.scheduler = cluster.start_scheduler(TTL)
        self.workers: list[Member] = []

    def ensure(self, workers: int) -> None:
        """Let exactly so many workers be there."""
        alive = [worker for worker in self.workers if worker.process.poll() is None]
        for worker in alive[workers:]:
            worker.stop()
        self.workers = alive[:workers]
        while len(self.workers) < workers:
            self.workers.append(self.cluster.start_worker(variables=self.variables))

    def run(self, *arguments: str, status: int = 0) -> list[str]:
        return self.fleet.run(*arguments, *self.cluster.options, status=status)

    def run_apart(self, *arguments: str, status: int = 0) -> tuple[list[str], list[str]]:
        """Run it as a process of its own, for a scheduler that dies meanwhile; return its output and its errors.

        Python's ssl leaves a socket to the collector whose connection is reset before `wrap_socket` (3.8 to 3.13), and
        the client's next one may be at that point just then. Here it would be a warning of any later test.
        """
        command = [*clusters.COMMAND, *arguments, *self.cluster.options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == status, done
        return done.stdout.splitlines(), done.stderr.splitlines()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("cluster")
    with pytest.MonkeyPatch.context() as patch, clusters.running() as cluster:
        for name in [name for name in os.environ if name.startswith("GIT_")]:
            patch.delenv(name)
        project = Fleet.make(folder, NAMES, patch)
        call("init", "-q")
        commit()
        yield World(cluster, project, {"PLUGCHOICE_TOKEN": "secret-of-worker", "PULUMI_BACKEND_URL": "file:///nowhere"})


@pytest.fixture
def world(shared: World) -> World:
    """The cluster with two workers; nothing played yet."""
    shared.ensure(2)
    for file in [*shared.fleet.bin.glob("*.sh"), *shared.fleet.bin.glob("*.lock"), *shared.fleet.bin.glob("once*")]:
        file.unlink()
    shared.fleet.calls()
    return shared


def wait_for(condition: Any) -> None:
    give_up = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.05)


# ---------------------------------------------------------------- one run


def test_stacks_run_on_workers_as_they_do_on_threads(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what belongs to the worker; the logs come to the client, and the program is unpacked once."""
    monkeypatch.setenv("PLUGCHOICE_TOKEN", "secret-of-client")
    reviewed = world.fleet.folder.parent / "reviewed.json"
    reviewed.write_text('{"version": 1, "digest": "sha256:x", "writes": []}')
    script = 'cat "$PLUGCHOICE_REVIEWED" > "$fake/got"; echo "$PLUGCHOICE_TOKEN" >> "$fake/got"; pwd >> "$fake/got"'
    world.fleet.play("b", script, changes={"update": 1}, writes=1)
    from pulumi_plugchoice.reviewed import format_reviewed

    reviewed.write_text(format_reviewed([]))
    lines = world.run("up", "--all", "--report", "report.json", "--reviewed-file", str(reviewed))
    assert sorted(line.partition(";")[0] for line in lines[:-1]) == [
        "a: unchanged",
        "b: applied: 1 updated",
        "c: unchanged",
        "d: unchanged",
    ]
    assert "3 unchanged, 1 applied (1 write), 0 failed; 9 calls, " in lines[-1]
    assert world.fleet.errors == []
    assert world.fleet.done() == ["a", "b", "c", "d"]
    log = Path(json.loads(Path("report.json").read_text())["sites"][1]["log"])
    assert log == world.fleet.folder / ".fleet" / "stacks" / "b" / "log.txt"
    assert log.read_text().splitlines()[-1] == "up: exit status 0; 1 update"
    got = (world.fleet.bin / "got").read_text()
    assert got.startswith(reviewed.read_text())
    token, folder = got.removeprefix(reviewed.read_text()).split()
    assert token == "secret-of-worker"
    assert Path(folder).is_relative_to(world.cluster.folder / "cache"), "not the folder of the client"

    (first,) = (world.cluster.folder / "cache" / "pulumi-plugchoice" / "fleet" / "programs").iterdir()
    number = first.stat().st_ino
    world.run("preview", "a", "c", "--report", "report.json")
    (second,) = first.parent.iterdir()
    assert (second, second.stat().st_ino) == (first, number)
    runs = world.cluster.folder / "cache" / "pulumi-plugchoice" / "fleet" / "runs"
    assert not [path for path in runs.rglob("*") if path.is_file()]
    Path("report.json").unlink()


def test_ctrl_c_reaches_the_stacks_on_the_workers(world: World) -> None:
    """They end in order, and no more start; the rest is resumed."""
    trap = 'trap \'echo "trapped $name" >> "$fake/calls"; exit 1\' INT; echo "{}"'
    loop = "while :; do sleep 0.05; done"
    world.fleet.play("a", f'{trap}; until [ -f "$fake/once" ]; do sleep 0.05; done; kill -INT {os.getpid()}; {loop}')
    world.fleet.play("b", f'{trap}; touch "$fake/once"; {loop}')
    lines = world.run("up", "--all", status=130)
    assert sorted(world.fleet.calls()) == ["trapped a", "trapped b", "up a", "up b"]
    assert world.fleet.errors[0].startswith("stopping: waiting for 2 stacks; ")
    assert "0 unchanged, 0 applied, 0 failed, 2 stopped, 2 not started; " in lines[-1]
    for name in "ab":
        world.fleet.play(name)
    world.run("up", "--all", "--resume")
    assert len(world.fleet.calls()) == 8


def test_further_ctrl_cs_are_less_patient(world: World) -> None:
    """As on threads: SIGINT, SIGTERM, SIGKILL."""
    press = f"kill -INT {os.getpid()}"
    traps = [
        f'trap \'echo "{what} $name" >> "$fake/calls"; {press}\' {number}'
        for number, what in ((2, "int"), (15, "term"))
    ]
    world.fleet.play("a", "; ".join([*traps, press, "while :; do sleep 0.05; done"]))
    lines = world.run("up", "a", "b", status=130)
    assert [call for call in world.fleet.calls() if call.endswith(" a")] == ["up a", "int a", "term a"]
    assert "1 stopped" in lines[-1]
    assert [line.partition(": ")[0] for line in world.fleet.errors] == ["stopping", "fleet up"]


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_fourth_ctrl_c_does_not_wait_for_a_worker_that_does_not_answer(world: World) -> None:
    world.ensure(1)
    worker = world.workers[0].process
    script = f"kill -STOP $PPID; for _ in 1 2 3 4; do kill -INT {os.getpid()}; sleep 0.3; done"
    world.fleet.play("a", f'echo $$ > "$fake/process"; {script}')
    try:
        lines = world.run("up", "a", status=130)
    finally:
        worker.send_signal(signal.SIGCONT)
    assert "0 failed, 1 stopped; " in lines[-1]
    # By itself, or by the third Ctrl-C, which the worker finds when it thaws.
    process = int((world.fleet.bin / "process").read_text())
    wait_for(lambda: not _is_running(process))


def test_a_worker_with_two_slots_runs_two_stacks_at_a_time(world: World) -> None:
    """As many as it has slots, and not more."""
    world.ensure(0)
    worker = world.cluster.start_worker(2, variables=world.variables)
    note = 'mkdir "$fake/now.$name"; ls -d "$fake"/now.* | wc -l >> "$fake/counts"'
    for name, other in ("ab", "ba", "cd", "dc"):
        wait = f'until [ -d "$fake/now.{other}" ] || [ -f "$fake/once.{other}" ]; do sleep 0.05; done'
        world.fleet.play(name, f'{note}; {wait}; touch "$fake/once.$name"; rmdir "$fake/now.$name"')
    try:
        lines = world.run("up", "--all")
    finally:
        assert worker.stop() == 0
    assert "4 unchanged" in lines[-1]
    assert "joined, 2 slots" in worker.lines()[0]
    counts = (world.fleet.bin / "counts").read_text().split()
    assert len(counts) == 4
    assert max(counts) == "2"


def test_a_worker_that_is_stopped_ends_its_stack_first(world: World) -> None:
    """Its result counts, and the other worker has the rest."""
    world.fleet.play("a", "kill -TERM $PPID; sleep 1.5", changes={"update": 1})
    lines = world.run("up", "--all")
    assert "3 unchanged, 1 applied, 0 failed; " in lines[-1]
    assert sorted(world.fleet.calls()) == sorted(f"{what} {name}" for name in "abcd" for what in ("up", "end"))
    wait_for(lambda: any(worker.process.poll() == 0 for worker in world.workers))


# ---------------------------------------------------------------- deaths


def test_the_stack_of_a_worker_that_is_killed_runs_on_another(world: World) -> None:
    """Its CLI gets SIGTERM, and ends in order. Until then the other worker finds its lock, and leaves it alone."""
    (world.fleet.bin / "text").write_text(LOCKED.format(user="ann", host=socket.gethostname(), process=4242424242))
    wait = 'until [ "$(grep -c "^up a" "$fake/calls")" -gt 1 ]; do sleep 0.05; done'
    trap = f'trap \'{wait}; sleep 1; echo "trapped $name" >> "$fake/calls"; rm "$fake/a.lock"; exit 1\' TERM'
    lock = f'sed "s/4242424242/$$/" "$fake/text" > "$fake/a.lock"; {trap}; kill -9 $PPID; while :; do sleep 0.05; done'
    world.fleet.play("a", f'if [ ! -f "$fake/once" ]; then touch "$fake/once"; {lock}; fi', changes={"update": 1})
    lines = world.run("up", "--all")
    assert "3 unchanged, 1 applied, 0 failed; " in lines[-1]
    calls = [line for line in world.fleet.calls() if line.endswith(" a")]
    assert calls[:3] == ["up a", "up a", "trapped a"]
    assert calls[-2:] == ["up a", "end a"]
    assert set(calls[3:-2]) <= {"up a"}


def test_the_lock_of_a_cli_that_died_with_its_worker_is_cancelled(world: World) -> None:
    """By another worker of the same machine, which finds the record of that process."""
    lock = LOCKED.format(user="ann", host=socket.gethostname(), process=4242424242)
    (world.fleet.bin / "text").write_text(lock)
    die = 'sed "s/4242424242/$$/" "$fake/text" > "$fake/a.lock"; sleep 0.5; kill -9 $PPID $$'
    world.fleet.play("a", f'if [ ! -f "$fake/once" ]; then touch "$fake/once"; {die}; fi')
    assert "1 unchanged, 0 applied, 0 failed; " in world.run("up", "a")[-1]
    assert world.fleet.calls() == ["up a", "up a", "cancel a", "up a", "end a"]


def test_a_client_that_is_killed_leaves_what_has_begun_and_is_resumed(world: World) -> None:
    """What runs on the workers ends by itself, and no more starts."""
    world.ensure(1)
    loop = 'until [ -f "$fake/once" ]; do sleep 0.05; done'
    world.fleet.play("b", loop)
    command = [*clusters.COMMAND, "up", "--all", *world.cluster.options]
    (world.fleet.bin / "calls").touch()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: "up b" in (world.fleet.bin / "calls").read_text())
        finally:
            process.kill()
    (world.fleet.bin / "once").touch()
    wait_for(lambda: "end b" in (world.fleet.bin / "calls").read_text())
    assert world.fleet.calls() == ["up a", "end a", "up b", "end b"]
    assert world.fleet.done() == ["a"]
    world.fleet.play("b")
    world.run("up", "--all", "--resume")
    assert world.fleet.calls() == ["up b", "end b", "up c", "end c", "up d", "end d"]


def test_a_frozen_worker_that_thaws_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stack ran elsewhere meanwhile. What it was sent before, and had not begun, it does not begin."""
    frozen = world.workers[0].process
    begin = executor.ClusterExecutor.open

    def begin_and_freeze(self: executor.ClusterExecutor, **options: Any) -> None:
        begin(self, **options)
        frozen.send_signal(signal.SIGSTOP)

    monkeypatch.setattr(executor.ClusterExecutor, "open", begin_and_freeze)
    lines = world.run("up", "--all")
    monkeypatch.undo()
    assert "4 unchanged, 0 applied, 0 failed; " in lines[-1]
    assert sorted(world.fleet.calls()) == sorted(f"{what} {name}" for name in "abcd" for what in ("up", "end"))
    frozen.send_signal(signal.SIGCONT)
    world.workers[0].wait_for("the scheduler has gone, or takes this worker for dead; it will join again")
    world.workers[0].wait_for(": joined", times=2)
    assert world.fleet.calls() == []
    assert "4 unchanged" in world.run("up", "--all")[-1]


def test_a_scheduler_that_is_killed_is_one_line_and_another_one_does_the_rest(world: World) -> None:
    """What has begun ends on its worker. The workers join the next scheduler by themselves."""
    world.ensure(1)
    world.fleet.play("b", f"kill -9 {world.scheduler.process.pid}; sleep 1.5", changes={"update": 1})
    joined = len([line for line in world.workers[0].lines() if ": joined" in line])
    lines, errors = world.run_apart("up", "--all", status=1)
    assert lines[1] == "b: stopped (2 of 4)"
    assert "1 unchanged, 0 applied, 0 failed, 1 stopped, 2 not started; " in lines[-1]
    assert lines[-1].endswith("; the writes and calls of b are not known")
    assert errors == [
        f"{world.cluster.address}: the scheduler has gone; what has begun ends on its worker; start a scheduler, and "
        "run this again",
        "fleet up: 3 of 4 sites left; on this commit, the same command with --resume runs the rest",
    ]
    assert world.fleet.done() == ["a"]
    wait_for(lambda: "end b" in (world.fleet.bin / "calls").read_text())
    assert world.fleet.calls() == ["up a", "end a", "up b", "end b"]
    world.fleet.play("b")
    world.scheduler.process.wait(120)
    world.scheduler = world.cluster.start_scheduler(TTL)
    world.workers[0].wait_for(": joined", times=joined + 1)
    lines = world.run("up", "--all", "--resume")
    assert lines[0] == "1 site done by an earlier run, 3 left"
    assert "3 unchanged, 0 applied, 0 failed, 1 done by an earlier run; " in lines[-1]


def test_a_stack_without_a_worker_fails_in_the_end(project: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to end the command. 5 minutes, unless Dask is told otherwise."""
    monkeypatch.setenv("PLUGCHOICE_TOKEN", "x")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "postgres://x")
    with clusters.running(tls=False) as cluster:
        cluster.start_scheduler({"DASK_DISTRIBUTED__SCHEDULER__NO_WORKERS_TIMEOUT": "1s"})
        worker = cluster.start_worker(variables={})
        project.play("a", "kill -9 $PPID; sleep 0.2")
        lines = project.run("up", "--all", *cluster.options, status=1)
        assert worker.process.wait(120) == -signal.SIGKILL
    assert lines[0].startswith("a: failed: there is no worker for it; start `plugchoice fleet worker`, and run this ")
    assert "1 failed, 1 not started; " in lines[-1]


def test_a_worker_waits_for_its_scheduler(tmp_path: Path, project: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so once, and ends when it is told to. Certificates of somebody else are no reason to wait."""
    monkeypatch.setenv("PLUGCHOICE_TOKEN", "x")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "postgres://x")
    with clusters.running() as cluster:
        waiting = cluster.start("worker", cluster.address, *cluster.tls, variables={})
        waiting.wait_for("nothing listens there; start `plugchoice fleet scheduler`; trying for 5 minutes")
        assert waiting.stop() == 0
        assert len(waiting.lines()) == 1
        cluster.start_scheduler()
        other = cluster.start("worker", cluster.address, *clusters.make_certificates(tmp_path / "x"), variables={})
        assert other.process.wait(120) == 1
        (line,) = other.lines()
        assert line.startswith(f"{cluster.address}: cannot be reached: TLS: ")


def test_what_the_library_logs_is_one_line_of_a_worker_and_nothing_of_a_client() -> None:
    """Dask gives some of its loggers handlers of their own, which print tracebacks. In a process without pytest's."""
    script = """
import logging, sys
from pulumi_plugchoice.fleet.cluster.link import configure
import distributed
configure(print if sys.argv[1] == "worker" else None)
for name in ("distributed.worker", "distributed.client", "distributed.gc", "tornado.application", "asyncio"):
    try:
        1 / 0
    except ZeroDivisionError:
        logging.getLogger(name).exception("of %s\\nmore", name)
log = logging.getLogger("distributed.scheduler").warning
log("Worker failed to heartbeat for 8s; removing: <WorkerState 'tls://h:1', status: running, memory: 0>")
log("Workers ['tls://h:1'] do not use a nanny and will be terminated without restarting them")
log("Mismatched versions found\\n\\n+---")
log('Async instruction for <Task cancelled name="x"> ended with CancelledError')
"""

    def run(role: str) -> list[str]:
        command = [sys.executable, "-c", script, role]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
        return done.stdout.splitlines()

    assert run("client") == []
    assert run("worker") == [
        "dask: of distributed.worker",
        "dask: of distributed.client",
        "dask: of distributed.gc",
        "dask: of tornado.application",
        "dask: Worker failed to heartbeat for 8s; removing: tls://h:1",
    ]


# ---------------------------------------------------------------- what is refused


def test_a_task_on_a_worker_that_lacks_something_fails_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have joined after the others were asked."""
    monkeypatch.setenv("PULUMI_BACKEND_URL", "postgres://x")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", "x")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(remote, "find_program", lambda _: tmp_path)
    monkeypatch.setattr(remote, "_is_wanted", lambda *_: True)
    stack = StackTask("a", "up", "", "", "")
    task = remote.RemoteTask(stack, "Pulumi.a.yaml", "run", "hash", "variable", link.describe_host(), "9.9.9")
    worker = SimpleNamespace(address="tls://w:1", get_current_task=lambda: "key")
    monkeypatch.setattr("distributed.get_worker", lambda: worker)
    result, log = remote.run_remote(task)
    versions = f"tls://w:1: pulumi-plugchoice is {__version__} there, and 9.9.9 here; install the same version on both"
    assert (result.state, result.errors, log) == ("failed", (versions,), "")
    result, _ = remote.run_remote(replace(task, version=__version__))
    assert result.errors[0] == "tls://w:1: pulumi: not found on PATH; install the Pulumi CLI"
    assert "PLUGCHOICE_TOKEN" in result.errors[1]
    assert len(result.errors) == 2


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [({"tls://w:1": ["key"]}, True), ({"tls://w:1": ["other"]}, False), ({}, False), (KeyError("tls://w:1"), False)],
)
def test_a_task_is_begun_only_while_the_scheduler_expects_it_of_this_worker(
    monkeypatch: pytest.MonkeyPatch, answer: Any, wanted: bool
) -> None:
    def sync(*_: object, **__: object) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("distributed.utils.sync", sync)
    worker = SimpleNamespace(address="tls://w:1", loop=None, scheduler=SimpleNamespace(processing=None))
    assert remote._is_wanted(worker, "key") is wanted


def test_a_worker_of_another_cluster_that_lacks_something_is_named(world: World) -> None:
    """Any cluster of Dask will do, as long as its workers have what they need."""
    tls = ["--tls-ca-file", "--tls-cert", "--tls-key"]
    files = [option.partition("=")[2] for option in world.cluster.tls]
    options = [text for pair in zip(tls, files, strict=True) for text in pair]
    command = [sys.executable, "-m", "distributed.cli.dask_worker", world.cluster.address, *options]
    variables = {"PULUMI_BACKEND_URL": "postgres://x", "PLUGCHOICE_TOKEN": "", "PYTHONWARNINGS": ""}
    member = world.cluster.start_program(
        [*command, "--no-nanny", "--nthreads=1", "--resources=stack=1", "--no-dashboard"], variables
    )
    try:
        member.wait_for("Registered to")
        world.run("up", "a", status=1)
    finally:
        member.stop()
    assert world.fleet.errors[0].startswith("tls://127.0.0.1:")
    assert (
        ": no credentials: set PLUGCHOICE_TOKEN" in world.fleet.errors[0]
        or "PLUGCHOICE_TOKEN" in (world.fleet.errors[0])
    )
    assert len(world.fleet.errors) == 1
    assert world.fleet.calls() == []


@pytest.mark.parametrize(
    ("what", "value", "line"),
    [
        (
            "__version__",
            "9.9.9",
            f": pulumi-plugchoice is {__version__} there, and 9.9.9 here; install the",
        ),
        (
            "describe_host",
            lambda: ("elsewhere", ""),
            ": PULUMI_BACKEND_URL is a folder of another machine, which shares no state; use a database or an object",
        ),
        ("passphrase", "", ": PULUMI_CONFIG_PASSPHRASE is not set there; set it, or PULUMI_CONFIG_PASSPHRASE_FILE"),
        ("RESOURCE", "other", ": has no worker with the resource `other`; start `plugchoice fleet worker`"),
    ],
)
def test_workers_that_cannot_run_the_stacks_are_named_before_anything_runs(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str, value: Any, line: str
) -> None:
    if what == "passphrase":
        Path("Pulumi.a.yaml").write_text("encryptionsalt: v1:x\n")
        commit()
    else:
        monkeypatch.setattr(executor, what, value)
    try:
        world.run("up", "a", status=1)
    finally:
        if what == "passphrase":
            call("reset", "-q", "--hard", "HEAD~1")
    assert all(line in error for error in world.fleet.errors), world.fleet.errors
    assert len(world.fleet.errors) == (1 if what == "RESOURCE" else 2)
    assert world.fleet.calls() == []


def test_workers_with_another_python_are_said_and_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their own Python runs the program. Another patch release is no news."""
    own = platform.python_version()
    patch = f"{own.rpartition('.')[0]}.99"
    monkeypatch.setattr(platform, "python_version", lambda: patch)
    world.run("up", "a")
    assert world.fleet.errors == []
    monkeypatch.setattr(platform, "python_version", lambda: "3.99.1")
    world.run("up", "a")
    (line,) = world.fleet.errors
    assert line.startswith("tls://127.0.0.1:")
    assert line.endswith(f" ({own}): another Python than here (3.99.1) runs the program there; use the same on all")


def test_other_certificates_and_plain_tcp_do_not_connect(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "_PATIENCE", 3)
    address = world.cluster.address
    others = clusters.make_certificates(tmp_path)
    world.fleet.run("up", "a", f"--scheduler={address}", *others, status=1)
    assert world.fleet.errors[0].startswith(f"{address}: cannot be reached: TLS: ")
    plain = address.replace("tls", "tcp")
    world.fleet.run("up", "a", f"--scheduler={plain}", status=1)
    assert world.fleet.errors[0].startswith(f"{plain}: cannot be reached: ")
    assert len(world.fleet.errors) == 1
    assert world.fleet.calls() == []


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """A project in git, without a cluster."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    fleet = Fleet.make(tmp_path, "a b", monkeypatch)
    call("init", "-q")
    commit()
    return fleet


def test_a_scheduler_that_is_not_there_is_one_line(project: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "_PATIENCE", 1)
    address = f"tcp://127.0.0.1:{clusters.find_port()}"
    project.run("up", "a", f"--scheduler={address}", status=1)
    assert project.errors == [
        f"{address}: cannot be reached: nothing listens there; start `plugchoice fleet scheduler`"
    ]
    assert project.calls() == []


def test_a_scheduler_whose_name_nobody_knows_is_one_line(project: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what an earlier run has noted stays: it can still be resumed. The report tells that nothing has ended."""
    project.run("up", "a")
    before = project.manifest()
    monkeypatch.setattr(executor, "_PATIENCE", 1)
    certificates = clusters.make_certificates(project.folder.parent / "tls")
    project.run("up", "--all", "--report=report.json", "--scheduler=tls://nobody.invalid:1", *certificates, status=1)
    assert project.errors == [
        "tls://nobody.invalid:1: cannot be reached: there is no host of that name; check the address"
    ]
    assert project.manifest() == before
    assert json.loads(Path("report.json").read_text())["problems"] == ["the run has not come to its end"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("--scheduler=tcp://10.0.0.1:8786",),
            "--scheduler tcp://10.0.0.1:8786: is not encrypted, and not on",
        ),
        (
            ("--scheduler=tcp://127.evil.example:1",),
            "--scheduler tcp://127.evil.example:1: is not encrypted, and not on",
        ),
        (("--scheduler=tcp://0.0.0.0:8786",), "--scheduler tcp://0.0.0.0:8786: is not encrypted, and not on"),
        (
            ("--scheduler=10.0.0.1:8786",),
            "--scheduler 10.0.0.1:8786: is not the address of a scheduler; write one",
        ),
        (("--scheduler=ws://10.0.0.1:8786",), "--scheduler ws://10.0.0.1:8786: is not the address of a scheduler"),
        (("--scheduler=tls://h:70000",), "--scheduler tls://h:70000: is not the address of a scheduler"),
        (("--scheduler=tls://h:1",), "TLS: no certificates; give --tls-ca, --tls-cert and --tls-key, or set"),
        (("--scheduler=tls://h:1", "--tls-ca=x.pem"), "--tls-ca x.pem: there is no such file"),
        (
            ("--scheduler=tls://h:1", "--tls-ca=Pulumi.yaml", "--tls-cert=Pulumi.yaml"),
            "TLS: the certificates",
        ),
        (("--scheduler=tcp://127.0.0.1:1", "--tls-ca=Pulumi.yaml"), "--tls-ca, --tls-cert, --tls-key: are only for an"),
        (("--tls-ca=Pulumi.yaml",), "--tls-ca, --tls-cert, --tls-key: are only for --scheduler"),
        (
            ("--scheduler=tcp://127.0.0.1:1", "--jobs=2"),
            "--jobs and --scheduler: give one of them; each worker",
        ),
    ],
)
def test_an_address_or_certificate_that_cannot_be_used(project: Fleet, arguments: tuple[str, ...], line: str) -> None:
    project.run("up", "a", *arguments, status=2)
    assert project.errors[0].startswith(line)
    assert len(project.errors) == 1
    assert project.calls() == []


def test_what_is_not_committed_is_refused(project: Fleet) -> None:
    """Workers would run something else. Ignored files and the report do not count."""
    Path("sites/b.yaml").write_text(Path("sites/b.yaml").read_text() + "# more\n")
    Path("Pulumi.a.yaml").write_text("config: {}\n")
    Path("report.json").write_text("")
    project.run("up", "a", "--scheduler=tcp://127.0.0.1:1", "--report=report.json", status=1)
    assert project.errors == [
        "--scheduler: workers get the commit, and files are not as in it: Pulumi.a.yaml, sites/b.yaml; commit them, or "
        "let git ignore them"
    ]


@pytest.mark.parametrize("option", ["virtualenv: .venv", "toolchain: uv"])
def test_a_project_that_chooses_its_python_is_refused(project: Fleet, option: str) -> None:
    """The folder is not on the workers."""
    Path("Pulumi.yaml").write_text(f"name: fleet\nruntime:\n  name: python\n  options:\n    {option}\n")
    project.run("up", "a", "--scheduler=tcp://127.0.0.1:1", status=1)
    assert project.errors[0].startswith("Pulumi.yaml: chooses a Python with `virtualenv` or `toolchain`, which ")
    assert len(project.errors) == 1


def test_outside_of_git_there_is_no_program_to_send(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet.make(tmp_path, "a", monkeypatch)
    fleet.run("up", "a", "--scheduler=tcp://127.0.0.1:1", status=1)
    assert fleet.errors == [
        "--scheduler: the current folder is not in a git repository; run this in one, or run without --scheduler"
    ]


def test_without_the_extra_there_is_one_line(project: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    project.run("up", "a", "--scheduler=tcp://127.0.0.1:1", status=1)
    assert project.errors == ["distributed: is not installed; run: pip install 'pulumi-plugchoice[fleet]'"]


@pytest.mark.parametrize(
    ("missing", "line"),
    [
        ("PLUGCHOICE_TOKEN", "PLUGCHOICE_TOKEN"),
        ("PULUMI_BACKEND_URL", "PULUMI_BACKEND_URL is not set; set it, or PULUMI_ACCESS_TOKEN for Pulumi Cloud"),
        ("PATH", "pulumi: not found on PATH; install the Pulumi CLI"),
    ],
)
def test_a_worker_that_lacks_something_does_not_start(
    project: Fleet, monkeypatch: pytest.MonkeyPatch, missing: str, line: str
) -> None:
    monkeypatch.setenv("PLUGCHOICE_TOKEN", "x")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "postgres://x")
    monkeypatch.delenv(missing)
    result = CliRunner().invoke(plugchoice, ["fleet", "worker", "tcp://127.0.0.1:1"])
    assert result.exit_code == 1
    assert line in result.stderr
    assert len(result.stderr.splitlines()) == 1


def list_ports(member: Member) -> list[tuple[str, int]]:
    """Where a process listens."""
    connections = psutil.Process(member.process.pid).net_connections("tcp")
    return [tuple(one.laddr) for one in connections if one.status == psutil.CONN_LISTEN]


def fetch_status(port: int, path: str) -> int:
    """The status of an answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=40) as answer:
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_scheduler_serves_no_page_unless_asked() -> None:
    """Dask would serve some in any case."""
    with clusters.running(tls=False) as cluster:
        ports = [port for _, port in list_ports(cluster.start_scheduler()) if port != cluster.port]
        pages = [
            fetch_status(port, path) for port in ports for path in ("/health", "/info/main/workers.html", "/status")
        ]
        assert set(pages) <= {404}


def test_a_dashboard_is_on_loopback_and_its_port_is_told(tmp_path: Path) -> None:
    """With a bokeh that is too old, so Dask serves one page. A port that is in use is one line."""
    (tmp_path / "bokeh.py").write_text("__version__ = '0'\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    variables = {"PYTHONPATH": path, "PYTHONWARNINGS": ""}
    port = clusters.find_port()
    options = ("--host=127.0.0.1", "--plain", f"--dashboard={port}")
    with clusters.running(tls=False) as cluster:
        first = cluster.start("scheduler", *options, f"--port={cluster.port}", variables=variables)
        first.wait_for("waiting for workers")
        assert first.lines()[0] == f"http://127.0.0.1:{port}/status: the pages of Dask"
        assert fetch_status(port, "/status") == 200
        assert {host for host, _ in list_ports(first)} == {"127.0.0.1"}
        second = cluster.start("scheduler", *options, f"--port={clusters.find_port()}", variables=variables)
        assert second.process.wait(120) == 1
        assert second.lines() == [f"--dashboard {port}: the port is in use; name another one"]
        assert first.stop() == 0


def test_a_dashboard_without_its_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "bokeh" else find(name))
    result = CliRunner().invoke(plugchoice, ["fleet", "scheduler", "--plain", "--dashboard", "8787"])
    assert (result.exit_code, result.stderr) == (
        1,
        "bokeh: is not installed; run `pip install bokeh`, or leave --dashboard out\n",
    )


def test_a_scheduler_without_tls_listens_on_loopback_only() -> None:
    result = CliRunner().invoke(plugchoice, ["fleet", "scheduler", "--plain", "--host", "0.0.0.0"])  # noqa: S104 - refused
    assert result.exit_code == 2
    assert result.stderr.startswith("--plain --host 0.0.0.0: is not on loopback; ")


# ---------------------------------------------------------------- the program


def make_archive(*members: tarfile.TarInfo) -> tuple[bytes, str]:
    """An archive as `pack_program` makes it; and its hash."""
    import hashlib
    import zlib

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        for member in members:
            file.addfile(member, io.BytesIO(b"x" * member.size))
    return zlib.compress(buffer.getvalue()), hashlib.sha256(buffer.getvalue()).hexdigest()


def member(name: str, target: str = "", kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    info.size = 1 if kind == tarfile.REGTYPE else 0
    return info


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return program.find_folder() / "programs"


@pytest.mark.parametrize(
    "bad",
    [
        member("/etc/x"),
        member("../x"),
        member("a/../../x"),
        member(".git/hooks/x"),
        member("a", "/etc/passwd", tarfile.SYMTYPE),
        member("a/b", "../../x", tarfile.SYMTYPE),
        member("a", "b", tarfile.LNKTYPE),
        member("a", "", tarfile.FIFOTYPE),
        member("a", "", tarfile.CHRTYPE),
    ],
    ids=lambda info: f"{info.name} {info.linkname}",
)
def test_nothing_in_an_archive_leads_out(cache: Path, tmp_path: Path, bad: tarfile.TarInfo) -> None:
    archive, name = make_archive(member("good"), bad)
    with pytest.raises(program.ProgramRefused, match="leads out of the program"):
        program.unpack(archive, name)
    assert list(cache.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_links_that_lead_out_together_are_refused(cache: Path) -> None:
    """Each alone stays inside."""
    links = [member("a/b", ".", tarfile.SYMTYPE), member("c", "a/b/../../x", tarfile.SYMTYPE)]
    archive, name = make_archive(member("a", kind=tarfile.DIRTYPE), *links)
    with pytest.raises(program.ProgramRefused):
        program.unpack(archive, name)
    assert list(cache.iterdir()) == []


def test_a_program_is_unpacked_once_and_old_ones_are_removed(cache: Path) -> None:
    archive, name = make_archive(member("a/b"), member("c", "a/b", tarfile.SYMTYPE))
    assert program.find_program(name) is None
    folder = program.unpack(archive, name)
    assert (folder / "c").read_text() == "x"
    assert program.find_program(name) == folder
    assert program.unpack(archive, name) == folder, "another process was faster"
    assert cache.stat().st_mode & 0o777 == 0o700
    for old in ("1" * 64, "2" * 64):
        (cache / old).mkdir()
    os.utime(cache / ("1" * 64), (0, 0))
    other, other_name = make_archive(member("d"))
    program.unpack(other, other_name)
    assert sorted(path.name for path in cache.iterdir()) == sorted([name, other_name, "2" * 64])


def test_an_archive_that_is_not_the_one_that_was_sent_is_refused(cache: Path) -> None:
    archive, _ = make_archive(member("a"))
    with pytest.raises(program.ProgramRefused, match="is not the one that was sent"):
        program.unpack(archive, "0" * 64)
    assert not cache.exists()
