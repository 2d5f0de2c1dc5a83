"""Locks of stacks, and whether the process that holds one is dead.

Cancelling the lock of a process that is alive, or only frozen, lets two updates of a stack overwrite each other. A lock
names a host and a process number, and neither is proof enough: containers share host names, and numbers are used again.
So a process counts as dead only if a record that was made when it started says which boot, which process namespace and
which start it had, and no such process is there now. Linux only: elsewhere no process is ever proven dead.
"""

from __future__ import annotations

import json
import os
import re
import socket
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._files import write_files
from pulumi_plugchoice._text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

_LOCKED: Final = re.compile(r"currently locked by \d+ lock\(s\)")
_OWNER: Final = re.compile(r"created by (\S+)@(\S+) \(pid (\d+)\) at (\S+)")
# Of Pulumi Cloud, which does not tell the owner.
_BUSY: Final = re.compile(r"\[409\] Conflict: Another update is currently in progress")
_PROC: Final = Path("/proc")
# Both times are whole seconds, and somebody may have set the clock in between.
_CLOCK_SECONDS: Final = 5.0
# A process that has ended and waits for its parent to notice.
_ENDED: Final = ("Z", "X", "x")


@dataclass(frozen=True)
class Lock:
    """A lock of a stack, as the CLI tells it.

    Attributes:
        user: who runs the process.
        host: where it runs.
        process: its number.
        since: when it took the lock.
    """

    user: str
    host: str
    process: int
    since: str

    def __str__(self) -> str:
        return printable(f"{self.user}@{self.host} (process {self.process}) since {self.since}", 200)


def find_locks(text: str) -> list[Lock] | None:
    """Find the locks in the error of a CLI; None when the stack is not locked, empty when nobody tells who has it."""
    if not _LOCKED.search(text):
        return [] if _BUSY.search(text) else None
    return [Lock(user, host, int(process), since) for user, host, process, since in _OWNER.findall(text)]


@dataclass(frozen=True)
class ProcessRecord:
    """A process of this machine, so that it can be told from every other one.

    Attributes:
        host: name of the machine.
        boot: which start of the machine.
        namespace: in which its number counts.
        process: its number.
        start: when it started, in ticks of that boot.
    """

    host: str
    boot: str
    namespace: str
    process: int
    start: int


def identify_process(process: int) -> ProcessRecord | None:
    """Identify a running process; None when this system does not tell."""
    start = _read_start(process)
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return None
    return None if start is None else ProcessRecord(socket.gethostname(), boot, namespace, process, start)


def _read_start(process: int) -> int | None:
    """When a process started; None when there is none, or it has ended."""
    try:
        # The name of the program is in parentheses, and may have some itself.
        fields = (_PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in _ENDED else int(fields[19])


def is_dead(lock: Lock, records: Iterable[ProcessRecord]) -> bool:
    """Whether the process that holds a lock is proven dead: it is a recorded one, and that is not there any more.

    A process that has its number now may have made the lock itself, unless it started later than the lock.
    """
    own = identify_process(os.getpid())
    present = _read_start(lock.process)
    return (
        own is not None
        and (present is None or _starts_after(present, lock.since))
        and any(
            (lock.host, lock.process) == (record.host, record.process)
            and (own.host, own.boot, own.namespace) == (record.host, record.boot, record.namespace)
            and present != record.start
            for record in records
        )
    )


def _starts_after(ticks: int, since: str) -> bool:
    """Whether a process that started at this tick of the boot is surely younger than a time as the CLI writes it."""
    try:
        boot = next(
            int(line.split()[1]) for line in (_PROC / "stat").read_text().splitlines() if line.startswith("btime")
        )
        moment = datetime.strptime(since, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except (OSError, ValueError, StopIteration):
        return False
    return boot + ticks / os.sysconf("SC_CLK_TCK") > moment.timestamp() + _CLOCK_SECONDS


def save_records(file: Path, records: Iterable[ProcessRecord]) -> None:
    """Write records, for a later run.

    Raises:
        WriteFailed: they cannot be written.
    """
    write_files({file: json.dumps([vars(record) for record in records]).encode()})


def load_records(file: Path) -> list[ProcessRecord]:
    """Read records; none when there are none, or they cannot be used."""
    kinds = {"host": str, "boot": str, "namespace": str, "process": int, "start": int}
    try:
        content = json.loads(file.read_bytes())
        records = [ProcessRecord(**item) for item in content]
    except (OSError, ValueError, TypeError):
        return []
    return [record for record in records if all(type(vars(record)[name]) is kind for name, kind in kinds.items())]
