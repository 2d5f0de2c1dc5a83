"""Runs the CLI on one stack, to its end, and waits for the lock of the stack if somebody else has it."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from pulumi_plugchoice._files import WriteFailed, exists, make_folder, name_errors, write_files
from pulumi_plugchoice._text import printable, show_path
from pulumi_plugchoice.errors import PlugchoiceError

from .events import ENVIRONMENT, Outcome, read_events
from .locks import find_locks, identify_process, is_dead, load_records, save_records
from .programs import start
from .results import StackResult
from .selection import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .locks import Lock, ProcessRecord
    from .results import StackTask, State

#: In the work folder: the CLI processes that may have left a lock.
RECORDS: Final = "process.json"
_OPTIONS: Final = {
    "preview": ("preview", "--json"),
    # What is approved is the preview before; one more would double the calls.
    "up": ("up", "--yes", "--skip-preview", "--json", "--continue-on-error"),
    "refresh": ("refresh", "--yes", "--skip-preview", "--json"),
}
_ENVIRONMENT: Final = {"PULUMI_SKIP_UPDATE_CHECK": "true", **ENVIRONMENT}
_FIRST_WAIT_SECONDS: Final = 5.0
_LONGEST_WAIT_SECONDS: Final = 30.0
_MOST_ERRORS: Final = 10
# What the CLI says, what that is, and what to do.
_KNOWN: Final = (
    (
        "no stack named",
        "there is no such stack",
        "run `pulumi stack init {name} --no-select`, or take the site as it is with `plugchoice adopt`",
    ),
    (
        "incorrect passphrase",
        "the passphrase is not that of the stack",
        "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE",
    ),
    (
        "passphrase must be set",
        "the stack needs its passphrase",
        "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE",
    ),
)
_TICK_SECONDS: Final = 0.2
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM))


class Control:
    """Stops the runs of other threads."""

    def __init__(self) -> None:
        self._times = 0

    def stop(self) -> None:
        """Let the running stacks end, and start no more; each further call is less patient."""
        # Only this: it may be the handler of a signal. One that comes in `Event.set` waits for itself for ever.
        self._times += 1

    @property
    def is_over(self) -> bool:
        """Whether no run may start any more."""
        return self._times > 0

    def may_start(self) -> bool:
        """Whether the CLI may be started now."""
        return not self.is_over

    def sleep(self, seconds: float) -> None:
        """Wait so long, or until it is over."""
        end = time.monotonic() + seconds
        while not self.is_over and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _TICK_SECONDS))

    def wait(self, process: subprocess.Popen[bytes], output: Path) -> None:
        """Wait for the end of a program, and pass on to it that the run is stopped.

        Args:
            process: the program.
            output: what it prints. Before its first event an interrupt would end it at once, and leave its lock.
        """
        passed_on = 0
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_TICK_SECONDS)
                return
            times = self._times
            if times > passed_on and (times > 1 or output.stat().st_size):
                number = _SIGNALS[min(times, len(_SIGNALS)) - 1]
                # On Windows no program can be sent an interrupt, and the console tells all of them about Ctrl-C.
                if number != signal.SIGINT or sys.platform != "win32":
                    process.send_signal(number)
                passed_on = times


@dataclass(frozen=True)
class _Ended:
    status: int
    output: str
    errors: str


def run_stack(task: StackTask, control: Control) -> StackResult:
    """Run the CLI on a stack. Whatever happens is in the result."""
    begin = time.monotonic()
    log = Path(task.work, "log.txt")
    state: State
    try:
        with contextlib.suppress(OSError):
            log.unlink()  # of an earlier run
        state, outcome = _run(task, control)
    except PlugchoiceError as error:
        state, outcome = "failed", Outcome(errors=[printable(error, 600)])
    except OSError as error:  # the CLI cannot be started
        where = show_path(shorten(Path(os.fsdecode(error.filename or task.program))))
        state, outcome = "failed", Outcome(errors=[f"{where}: {error.strerror}; run `plugchoice doctor`"])
    return StackResult(
        task.name,
        state,
        outcome.changes,
        outcome.writes,
        outcome.calls,
        time.monotonic() - begin,
        () if state in ("unchanged", "changed", "applied") else tuple(outcome.errors[:_MOST_ERRORS]),
        str(log) if exists(log) else "",
        notices=tuple(outcome.notices),
    )


def _run(task: StackTask, control: Control) -> tuple[State, Outcome]:
    patience = time.monotonic() + task.lock_seconds
    wait = _FIRST_WAIT_SECONDS
    while True:
        ended = _start(task, control, _OPTIONS[task.action])
        if ended is None:
            return "stopped", Outcome()
        outcome = read_events(ended.output.splitlines(), may_write=task.action == "up")
        locks = find_locks(ended.errors) if ended.status else None
        _write_log(task, outcome, ended)
        if locks is None:
            return _judge(task, ended, outcome, control)
        if locks and all(is_dead(lock, _load_all_records(task)) for lock in locks):
            cancelled = _start(task, control, ("cancel", "--yes"))
            if cancelled is None:
                return "stopped", Outcome()
            if cancelled.status == 0:
                _save_records(task, ())
                continue
        if time.monotonic() + wait > patience:
            return "failed", Outcome(errors=[_describe_locks(task, locks)])
        control.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - spreads the tries
        if control.is_over:
            return "stopped", Outcome()
        wait = min(wait * 2, _LONGEST_WAIT_SECONDS)


def _judge(task: StackTask, ended: _Ended, outcome: Outcome, control: Control) -> tuple[State, Outcome]:
    if ended.status == 0 and outcome.result == "succeeded":
        if not outcome.changes:
            return "unchanged", outcome
        return "changed" if task.action == "preview" else "applied", outcome
    outcome.errors = _explain(ended.errors, task.name) or outcome.errors
    outcome.errors = outcome.errors or _list_errors(ended)
    return "stopped" if control.is_over else "failed", outcome


def _explain(text: str, name: str) -> list[str]:
    """Say in our words what the CLI says about a stack, and what to do; nothing for all else."""
    return [f"{what}; {advice.format(name=name)}" for sign, what, advice in _KNOWN if sign in text][:1]


def _start(task: StackTask, control: Control, arguments: Sequence[str]) -> _Ended | None:
    """Run the CLI to its end; None when the run is stopped before."""
    if not control.may_start():
        return None
    work = Path(task.work)
    make_folder(shorten(work), is_own=True)
    variables = {**os.environ, **_ENVIRONMENT, **task.environment, "PULUMI_HOME": _make_home(task)}
    command = [task.program, *arguments, f"--stack={task.name}", "--non-interactive", "--color", "never"]
    files = work / "events.json", work / "stderr.txt"
    with _open(files[0]) as output, _open(files[1]) as errors:
        process = start(
            command,
            Path(task.project),
            variables,
            output=output,
            errors=errors,
            in_own_group=True,  # a Ctrl-C reaches it through `Control.stop`
            ends_with_us=True,
        )
        try:
            record = identify_process(process.pid)
            records = load_records(_record_file(task))
            if record is not None:
                _save_records(task, [*records, record])
        finally:
            control.wait(process, files[0])
    if process.returncode >= 0:  # it has ended by itself, and has left no lock
        _save_records(task, records)
    return _Ended(process.returncode, *(file.read_text(encoding="utf-8", errors="replace") for file in files))


def _open(file: Path) -> IO[bytes]:
    with name_errors(shorten(file), is_own=True):
        return file.open("wb")


def _save_records(task: StackTask, records: Iterable[ProcessRecord]) -> None:
    """Note which processes may have left a lock. Without that, as on a full disk, a person has to cancel the lock."""
    with contextlib.suppress(WriteFailed):
        save_records(_record_file(task), records)


def _record_file(task: StackTask) -> Path:
    return Path(task.work, RECORDS)


def _load_all_records(task: StackTask) -> list[ProcessRecord]:
    files = Path(task.records).glob(f"*/{RECORDS}") if task.records else [_record_file(task)]
    return [record for file in files for record in load_records(file)]


def _make_home(task: StackTask) -> str:
    """A PULUMI_HOME with workspaces of its own: runs at the same time write to them. All else is the user's."""
    shared = Path(os.environ.get("PULUMI_HOME") or "~/.pulumi").expanduser()
    home = Path(task.work, "home")
    shutil.rmtree(home, ignore_errors=True)
    with name_errors(shorten(home), is_own=True):
        home.mkdir()
    try:
        for entry in shared.iterdir() if shared.is_dir() else ():
            if entry.name not in ("workspaces", "logs"):
                (home / entry.name).symlink_to(entry.absolute())
    except OSError:  # Windows may not allow links
        return str(shared)
    return str(home)


def _list_errors(ended: _Ended) -> list[str]:
    lines = [printable(line.strip(), 600) for line in ended.errors.splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    how = f"was ended by signal {-ended.status}" if ended.status < 0 else f"ended with status {ended.status}"
    return errors or lines[-3:] or [f"the CLI {how}, and said nothing"]


def _describe_locks(task: StackTask, locks: Sequence[Lock]) -> str:
    owners = ", ".join(map(str, locks)) or "another update"
    return (
        f"locked by {owners}; wait for its end, or if it is dead, run `pulumi cancel --stack {task.name}` and run this "
        "again"
    )


def _write_log(task: StackTask, outcome: Outcome, ended: _Ended) -> None:
    lines = [*outcome.messages, *(printable(line, 2000) for line in ended.errors.splitlines() if line.strip())]
    changes = ", ".join(f"{count} {name}" for name, count in outcome.changes.items()) or "no changes"
    lines.append(f"{task.action}: exit status {ended.status}; {changes}")
    with contextlib.suppress(WriteFailed):  # what the run did counts, also on a full disk
        write_files({Path(task.work, "log.txt"): "".join(f"{line}\n" for line in lines).encode()})
