"""Runs another program: for a limited time, with a limited output, and not beyond the end of this one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._interrupts import hold_interrupts
from pulumi_plugchoice.config import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

#: s that a program may take. The first `pulumi` after an installation takes some.
PATIENCE: float = 30.0
_MOST_BYTES: Final = 1 << 16

# No program that is started here needs them, and one of the same name may be anybody's.
_NOT_PASSED_ON: Final = (
    *(option.environment for option in OPTIONS if option.secret),
    "PULUMI_CONFIG_PASSPHRASE",
)


class CannotRun(Exception):
    """The program did not start, or did not end in time; `str()` is the reason."""


@dataclass(frozen=True)
class Ran:
    """What a program did.

    Attributes:
        status: its exit status.
        output: what it printed, the first 64 KiB of both streams.
    """

    status: int
    output: str


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Ran:
    """Run a program and wait for its end.

    It is in a process group of its own, which is killed if it takes too long, and after Ctrl-C.

    Args:
        command: path of the program, and its arguments.
        folder: current folder of the program.
        environment: of this process; credentials are taken out.

    Raises:
        CannotRun: it did not start, or did not end in time.
    """
    variables = {name: value for name, value in environment.items() if name not in _NOT_PASSED_ON}
    is_late = threading.Event()
    process: subprocess.Popen[bytes] | None = None

    def stop() -> None:
        is_late.set()
        if process is not None:
            _kill(process)

    timer = threading.Timer(PATIENCE, stop)
    timer.daemon = True
    try:
        with hold_interrupts():
            process = _start(command, folder, variables)
        timer.start()
        assert process.stdout is not None  # noqa: S101 - for mypy: it is a pipe
        content = process.stdout.read(_MOST_BYTES)
        if len(content) < _MOST_BYTES:
            process.wait()
    finally:
        timer.cancel()
        if process is not None:
            _kill(process)
            with process:  # closes its pipe
                pass
    if is_late.is_set():
        raise CannotRun(f"does not end within {PATIENCE:g} s")
    return Ran(process.returncode, content.decode(errors="replace"))


def _start(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - a path that was looked up
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise CannotRun(f"cannot be started ({getattr(error, 'strerror', None) or error})") from None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the program and what it has started, unless it has ended."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
