"""Starts the Pulumi CLI so that it ends in order when this process is killed.

Its output goes to files. A program that writes to a pipe that nobody reads any more is killed (SIGPIPE). The CLI then
leaves the lock of its stack behind, even if it was about to end in order (tried with the real one).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# Run by a Python of its own, which becomes the program. The function for this of `subprocess` (preexec_fn) runs between
# fork and exec, where another thread may hold a lock for ever. 1: PR_SET_PDEATHSIG. The parent may be dead by then.
_WRAPPER: Final = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, int(sys.argv[1]), 0, 0, 0)
if os.getppid() != int(sys.argv[2]):
    sys.exit(1)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
try:
    os.execv(sys.argv[3], sys.argv[3:])
except OSError as error:
    sys.exit(f"error: {sys.argv[3]}: {error.strerror}")
"""


def start(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    output: IO[bytes],
    errors: IO[bytes],
    in_own_group: bool = False,
    ends_with_us: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a program without a terminal.

    Args:
        command: path of the program, and its arguments.
        folder: current folder of the program.
        environment: of the program.
        output: file for what it prints; a file on the disk, not a pipe.
        errors: file for its error messages; may be the same.
        in_own_group: the terminal's Ctrl-C does not get to it.
        ends_with_us: on Linux it gets SIGTERM when this process is killed. Without it the program goes on to its end.
            The system sends that signal when the thread that calls this ends: let the same thread wait for the program.
            Costs 0.03 s.

    Raises:
        OSError: it cannot be started.
    """
    if ends_with_us and sys.platform == "linux" and sys.executable:
        wrapper = [sys.executable, "-I", "-S", "-c", _WRAPPER, str(int(signal.SIGTERM)), str(os.getpid())]
        command = [*wrapper, *command]
    return subprocess.Popen(  # noqa: S603 - the caller's own command, without a shell
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        start_new_session=in_own_group,
    )
