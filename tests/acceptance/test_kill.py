"""`pulumi up` over sixteen connectors, killed at every stage: what the next `up` makes of it, and what a kill costs.

The whole group of processes gets the signal, as from Ctrl-C in a terminal or a runner that is taken away. SIGINT costs
nothing. SIGKILL costs the recorded originals (`adopted`) of connectors whose create the engine had not recorded yet.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from support import warm
from support.emulator import Calls, charger_uuid, seed
from support.processes import wait_until_gone
from support.stack import Stack, declaration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.emulator import Emulator

CONNECTORS = 16
HALF = CONNECTORS // 2
# What the engine works on at once; its own default depends on the machine. The SDK's provider takes four of these.
PARALLEL = 8
WORKERS = 4
ORIGINAL: dict[str, Any] = {"phase_rotation": "RST", "max_amperage": 16}
DECLARED = {"phase_rotation": "STR", "max_amperage": 20}
SKIP_CHECKPOINTS = {"PULUMI_SKIP_CHECKPOINTS": "true", "PULUMI_EXPERIMENTAL": "true"}
MARK = "TEST_OF_KILLS"
PENDING = "pending operations from previous deployment"


def _declare(stack: Stack, count: int = CONNECTORS, amps: int = 20) -> None:
    inputs: dict[str, Any] = {"phase_rotation": "STR", "max_amperage": amps, "on_destroy": "restore"}
    stack.declare(*[declaration(f"bay-{i}", i, **inputs) for i in range(1, count + 1)])


@contextlib.contextmanager
def _running_up(stack: Stack, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """`pulumi up` as users start it, in a session of its own, which is gone when the block ends."""
    variables = {**os.environ, **stack.environment, **environment}
    variables.pop(warm.VARIABLE, None)
    process = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--parallel", str(PARALLEL)],
        cwd=stack.folder,
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)


def _kill_when(
    reached: Callable[[Calls], bool], how: signal.Signals, stack: Stack, emulator: Emulator, **environment: str
) -> Calls:
    """Start `up`, and send its processes a signal once the requests so far are the wanted ones; the requests made."""
    mark = uuid.uuid4().hex
    with emulator.recording() as calls, _running_up(stack, **{MARK: mark}, **environment) as process:
        give_up = time.monotonic() + 60
        while not reached(Calls(emulator.requests())):
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < give_up
            time.sleep(0.04)  # each question costs 4 ms of CPU time
        os.killpg(process.pid, how)
        assert process.wait(60) != 0, "it ended well before it could be killed"
        # The provider's process is not in the killed group. Nothing is sent after it is gone.
        assert wait_until_gone(10, MARK, mark) == {}
    return calls


def _unlock(stack: Stack) -> None:
    """The documented way out: `pulumi cancel`, and before it the removal of a cut-off file beside the state."""
    attributes = stack.state_file.with_suffix(".json.attrs")
    if attributes.exists() and not attributes.read_bytes():
        attributes.unlink()
    cancelled = stack.run("cancel", "--yes")
    assert cancelled.code == 0, cancelled.output


def _recorded(stack: Stack) -> int | None:
    """How many resources the state holds, or None while the engine is writing it."""
    with contextlib.suppress(OSError, ValueError):
        return len(stack.resources())
    return None


def _pending(stack: Stack) -> set[str]:
    """The resources that the state names as interrupted."""
    latest = json.loads(stack.state_file.read_text())["checkpoint"]["latest"]
    return {operation["resource"]["urn"].rpartition("::")[2] for operation in latest.get("pending_operations") or []}


def _forgotten(stack: Stack) -> set[str]:
    """The resources that hold something else than the original as their original."""
    return {name for name, item in stack.resources().items() if item["outputs"]["adopted"] != ORIGINAL}


def _sent(calls: Calls) -> list[str]:
    """The resources that a write was sent for, in order."""
    names = {charger_uuid(i): f"bay-{i}" for i in range(1, CONNECTORS + 1)}
    return [names[path.split("/")[-3]] for path, _ in calls.puts]


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=lambda how: how.name)
@pytest.mark.parametrize("work", ["first up", "update"])
def test_an_up_killed_four_times_is_ended_by_the_fifth(
    stack: Stack, emulator: Emulator, work: str, how: signal.Signals
) -> None:
    """Killed before the first write, after it, in the middle and at the end: each `up` goes on where the last stood.

    Values end as declared, the state is whole, and each connector is written exactly once. SIGINT leaves neither a
    lock nor a forgotten original. SIGKILL forgets at most the originals that the state's own list of interrupted
    operations names, and none that was in the state before.
    """
    emulator.reset(seed(CONNECTORS))
    if work == "update":
        _declare(stack, amps=10)
        stack.must_up()
    _declare(stack)
    emulator.fault("slow", method="GET", times=None, delay_seconds=0.1)
    # Each write that is sent is carried out, whether or not its sender lives to see the answer.
    emulator.fault("slow_after_write", method="PUT", times=None, delay_seconds=0.1)
    written: list[str] = []
    interrupted: set[str] = set()
    recorded: set[str] = set()
    for puts in (0, 1, HALF, CONNECTORS):

        def is_reached(calls: Calls, puts: int = puts - len(written)) -> bool:
            return len(calls.puts) >= puts if calls.requests else False

        killed = _kill_when(is_reached, how, stack, emulator)

        if how is signal.SIGINT:
            assert {put["status"] for put in killed.of("PUT")} <= {200}, "the writes in flight are waited for"
        else:
            _unlock(stack)
        written += _sent(killed)
        if how is signal.SIGINT and work == "first up":
            assert set(stack.resources()) == set(written), "and recorded"
        newly = _pending(stack) - interrupted
        assert len(newly) <= (0 if how is signal.SIGINT else PARALLEL)
        interrupted |= newly
        recorded |= set(stack.resources()) - _forgotten(stack)
    emulator.clear_faults()

    result = stack.must_up()

    assert set(emulator.values().values()) == {("STR", 20)}
    resources = stack.resources()
    assert len(resources) == CONNECTORS
    assert {item["outputs"]["max_amperage"] for item in resources.values()} == {20}
    written += _sent(result.calls)
    assert Counter(written) == dict.fromkeys((f"bay-{i}" for i in range(1, CONNECTORS + 1)), 1), "none twice"
    forgotten = _forgotten(stack)
    assert not forgotten & recorded
    assert forgotten <= (interrupted if work == "first up" else set())
    assert (PENDING in result.output) == bool(interrupted)
    preview = stack.preview("--expect-no-changes")
    assert preview.code == 0, preview.output


@pytest.mark.parametrize(
    ("environment", "lost"),
    [({}, WORKERS), (SKIP_CHECKPOINTS, HALF + WORKERS)],
    ids=["checkpoints", "PULUMI_SKIP_CHECKPOINTS"],
)
def test_a_sigkill_loses_the_originals_of_the_writes_in_flight(
    stack: Stack, emulator: Emulator, environment: dict[str, str], lost: int
) -> None:
    """After eight creates, with four in flight: the originals of those four; without checkpoints of all twelve.

    They are the ones that the killed run wrote and the state does not hold. What the next `up` records as their
    original is the declared value, and that is what a destroy puts "back"; all others get their real one.
    """
    emulator.reset(seed(CONNECTORS))
    _declare(stack)
    # The ninth and later writes are carried out and not answered.
    emulator.fault("slow_after_write", method="PUT", skip=HALF, times=None, delay_seconds=60)
    recorded = HALF + WORKERS - lost

    killed = _kill_when(
        lambda calls: len(calls.puts) == HALF + WORKERS and _recorded(stack) == recorded,
        signal.SIGKILL,
        stack,
        emulator,
        PLUGCHOICE_TIMEOUT_SECONDS="60",
        PLUGCHOICE_DEADLINE_SECONDS="60",
        **environment,
    )
    emulator.clear_faults()
    _unlock(stack)
    unrecorded = set(_sent(killed)) - set(stack.resources())
    result = stack.must_up()

    assert len(result.puts) == CONNECTORS - HALF - WORKERS, "what was written already is not written again"
    assert len(unrecorded) == lost
    assert _forgotten(stack) == unrecorded
    assert all(stack.resources()[name]["outputs"]["adopted"] == DECLARED for name in unrecorded)

    assert stack.destroy().code == 0
    kept = {f"bay-{i}" for i in range(1, CONNECTORS + 1) if emulator.live(i) == ("STR", 20)}
    put_back = {f"bay-{i}" for i in range(1, CONNECTORS + 1) if emulator.live(i) == ("RST", 16)}
    assert kept == unrecorded
    assert len(put_back) == CONNECTORS - lost


def _killed_with_pending_creates(stack: Stack, emulator: Emulator) -> set[str]:
    """Four of six connectors written, none recorded; the interrupted resources."""
    emulator.reset(seed(6))
    _declare(stack, 6)
    emulator.fault("slow_after_write", method="PUT", times=None, delay_seconds=60)
    _kill_when(lambda calls: len(calls.puts) == WORKERS, signal.SIGKILL, stack, emulator)
    emulator.clear_faults()
    return _pending(stack)


@pytest.mark.long
def test_interrupted_creates_are_reported_until_they_are_cleared(stack: Stack, emulator: Emulator) -> None:
    """The lock names `pulumi cancel`; `up` goes on and warns for ever; `refresh --clear-pending-creates` ends that.

    A forgotten original can be recorded again: put it back by hand, take the resource out of the state, and let `up`
    adopt the connector anew.
    """
    interrupted = _killed_with_pending_creates(stack, emulator)
    assert len(interrupted) >= WORKERS

    locked = stack.up("--skip-preview")
    assert locked.code != 0
    assert "the stack is currently locked" in locked.output
    assert "pulumi cancel" in locked.output
    assert locked.puts == []
    _unlock(stack)

    first = stack.must_up()
    assert {line.rpartition("::")[2].partition(",")[0] for line in first.lines("interrupted while creating")} == (
        interrupted
    )
    again = stack.must_up()
    assert PENDING in again.output, "although everything is created by now"
    assert again.puts == []
    assert stack.refresh().code == 0
    assert _pending(stack) == interrupted, "without a terminal a plain refresh keeps them"

    cleared = stack.refresh("--clear-pending-creates")

    assert cleared.code == 0, cleared.output
    assert _pending(stack) == set()
    assert len(stack.resources()) == 6

    forgotten = min(_forgotten(stack))
    index = int(forgotten.removeprefix("bay-"))
    emulator.edit(charger_uuid(index), **ORIGINAL)
    assert stack.run("state", "delete", stack.resources()[forgotten]["urn"], "--yes").code == 0

    result = stack.must_up()

    assert len(result.puts) == 1
    assert emulator.live(index) == ("STR", 20)
    assert stack.resources()[forgotten]["outputs"]["adopted"] == ORIGINAL


def test_nothing_is_written_after_the_engine_is_gone(stack: Stack, emulator: Emulator) -> None:
    """The provider's process is not in the killed group: left alone, it would settle its writes over later edits."""
    emulator.reset(seed(2))
    _declare(stack, 2)
    emulator.fault("slow", method="PUT", times=None, delay_seconds=60)
    killed = _kill_when(
        lambda calls: len(calls.puts) >= 1, signal.SIGKILL, stack, emulator, PLUGCHOICE_TIMEOUT_SECONDS="1"
    )
    # Past a request's timeout it would read back and write again: until it was gone it did not.
    for path, _ in killed.puts:
        charger = path.split("/")[-3]
        asked = [request["method"] for request in killed.requests if charger in request["path"]]
        assert asked == ["GET", "PUT"], "the originals are read before, and nothing after"
    assert set(emulator.values().values()) == {("RST", 16)}


def test_a_file_that_is_cut_off_beside_the_state_can_be_removed(stack: Stack, emulator: Emulator) -> None:
    """The file backend writes STACK.json.attrs in place, a kill can leave it empty: remove it, the state is whole."""
    _declare(stack, 3)
    stack.must_up()
    _declare(stack, 3, amps=25)
    stack.state_file.with_suffix(".json.attrs").write_bytes(b"")

    stuck = stack.up("--skip-preview")

    assert stuck.code != 0
    assert "failed to load checkpoint: EOF" in stuck.output
    assert stuck.puts == []
    _unlock(stack)
    result = stack.must_up()
    assert len(result.puts) == 3
    assert set(emulator.values().values()) == {("STR", 25)}
    assert _forgotten(stack) == set()


def test_a_file_backend_without_metadata_has_no_such_file(stack: Stack, tmp_path: Path) -> None:
    """`?metadata=skip` in the backend's URL: only the state itself is written, and that is renamed into its place."""
    backend = tmp_path / "plain"
    backend.mkdir()
    stack.environment["PULUMI_BACKEND_URL"] = f"file://{backend}?metadata=skip"
    assert stack.run("stack", "init", "dev").code == 0
    _declare(stack, 3)

    stack.must_up()

    assert (backend / ".pulumi" / "stacks" / "site" / "dev.json").exists()
    assert list(backend.rglob("*.attrs")) == []
