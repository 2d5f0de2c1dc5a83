"""A task as a worker runs it: with its own CLI and credentials, and only as long as the scheduler wants it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import threading
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._files import make_folder, write_files
from pulumi_plugchoice._text import printable
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.fleet.locks import load_records
from pulumi_plugchoice.fleet.results import StackResult
from pulumi_plugchoice.fleet.stack_run import RECORDS, Control, run_stack

from .equipment import look_around, needs_passphrase
from .program import find_folder, find_program, prune, unpack

if TYPE_CHECKING:
    from pulumi_plugchoice.fleet.results import StackTask

_ANSWER_SECONDS: Final = 15
_MOST_LOG: Final = 1 << 20


@dataclass(frozen=True)
class RemoteTask:
    """A task that is sent to a worker. There is no credential in it.

    Attributes:
        stack: the task; its project is a folder in the program, and what belongs to a machine is empty.
        config: the stack's config file, as a path in the program.
        run: names the run.
        program: hash of the program.
        variable: under which the scheduler has it.
        client: machine of the client.
        version: of this package at the client.
        reviewed: content of the file of reviewed writes.
    """

    stack: StackTask
    config: str
    run: str
    program: str
    variable: str
    client: tuple[str, str]
    version: str
    reviewed: bytes | None = None


class RemoteControl(Control):
    """Stops a run when its client says so, and does not start the CLI when nobody waits for the result any more.

    Args:
        is_wanted: asks the scheduler.
    """

    def __init__(self, is_wanted: Any) -> None:
        super().__init__()
        self._is_wanted = is_wanted
        self.times = 0

    def stop(self) -> None:
        """Let the stack end, and start nothing more; each further call is less patient."""
        self.times += 1
        super().stop()

    def may_start(self) -> bool:
        """Whether the CLI may be started now. A task that this worker has lost changes nothing."""
        return super().may_start() and self._is_wanted()


# Of this process: the runs that have been stopped, and how often; and what runs.
_stops: dict[str, int] = {}
_controls: defaultdict[str, set[RemoteControl]] = defaultdict(set)
_lock: Final = threading.Lock()


def stop_run(run: str, times: int) -> None:
    """Stop what this process runs of a run, and what it will be asked to."""
    with _lock:
        _stops[run] = max(times, _stops.get(run, 0))
        for control in _controls.get(run, ()):
            while control.times < times:
                control.stop()


def stop_all() -> None:
    """Stop all that this process runs; each further call is less patient."""
    with _lock:
        for controls in _controls.values():
            for control in controls:
                control.stop()


def count_running() -> int:
    """How many stacks this process runs."""
    with _lock:
        return sum(map(len, _controls.values()))


@contextlib.contextmanager
def _controlled(run: str, control: RemoteControl) -> Any:
    with _lock:
        _controls[run].add(control)
        for _ in range(_stops.get(run, 0)):
            control.stop()
    try:
        yield
    finally:
        with _lock:
            _controls[run].discard(control)


def run_remote(task: RemoteTask) -> tuple[StackResult, str]:
    """Run the CLI on a stack, on this worker. Whatever happens is in the result.

    Returns:
        The result, and the log.
    """
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    control = RemoteControl(lambda: _is_wanted(worker, key))
    with _controlled(task.run, control):
        try:
            return _run(task, control, worker)
        except (PlugchoiceError, OSError) as error:
            return StackResult(task.stack.name, "failed", errors=(printable(error, 600),)), ""


def _run(task: RemoteTask, control: RemoteControl, worker: Any) -> tuple[StackResult, str]:
    name = task.stack.name
    if not control.may_start():
        reason = () if control.is_over else ("the scheduler does not say that this task is still wanted",)
        return StackResult(name, "stopped", errors=reason), ""
    folder = find_program(task.program) or unpack(_fetch(worker, task.variable), task.program)
    needs_one = needs_passphrase(folder / task.config)
    problems = look_around().find_problems(task.client, task.version, needs_passphrase=needs_one)
    if problems:
        return StackResult(name, "failed", errors=tuple(f"{worker.address}: {line}" for line in problems)), ""
    runs = _find_runs(task)
    work = runs / os.urandom(6).hex()
    make_folder(work)
    prune(runs)
    environment = {**task.stack.environment, "PATH": _make_path()}
    if task.reviewed is not None:
        write_files({work / "reviewed.json": task.reviewed})
        environment["PLUGCHOICE_REVIEWED"] = str(work / "reviewed.json")
    own = replace(
        task.stack,
        program=shutil.which("pulumi") or "pulumi",
        project=str(folder / task.stack.project),
        work=str(work),
        records=str(runs),
        environment=environment,
    )
    result = run_stack(own, control)
    log = _read_log(work)
    if not load_records(work / RECORDS):
        shutil.rmtree(work, ignore_errors=True)  # a later run needs only the record of a CLI that was killed
    return replace(result, log=""), log


def _find_runs(task: RemoteTask) -> Path:
    """The folder of this machine for a stack. Two workers may have a run there: one may be frozen."""
    backend = os.environ.get("PULUMI_BACKEND_URL", "")
    project = hashlib.sha256(f"{backend}\n{task.stack.project}".encode()).hexdigest()[:16]
    folder = find_folder()
    make_folder(folder)
    folder.chmod(0o700)
    runs = folder / "runs" / project / task.stack.name
    make_folder(runs)
    return runs


def _make_path() -> str:
    """The PATH on which this worker's own Python comes first: it runs the program."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def _read_log(work: Path) -> str:
    try:
        return (work / "log.txt").read_text(encoding="utf-8", errors="replace")[-_MOST_LOG:]
    except OSError:
        return ""


def _is_wanted(worker: Any, key: str) -> bool:
    """Whether the scheduler still expects a task of this worker: not when it counts as dead, or its client has gone."""
    from distributed.utils import sync

    try:
        found = sync(
            worker.loop, worker.scheduler.processing, workers=[worker.address], callback_timeout=_ANSWER_SECONDS
        )
    except Exception:  # noqa: BLE001 - it does not know this worker, or it has gone
        return False
    return key in found.get(worker.address, ())


def _fetch(worker: Any, variable: str) -> bytes:
    from distributed.utils import sync

    try:
        record = sync(
            worker.loop,
            worker.scheduler.variable_get,
            name=variable,
            client=worker.id,
            timeout=_ANSWER_SECONDS,
            callback_timeout=2 * _ANSWER_SECONDS,
        )
    except Exception:  # noqa: BLE001 - whatever the reason is, there is none
        raise PlugchoiceError("the program is not at the scheduler any more; run this again") from None
    return bytes(record["value"])
