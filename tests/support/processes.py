"""Which processes are alive that a test started: each carries an environment variable that nothing else has."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

RUN = "TEST_RUN_ID"  # set for the whole run by conftest.py


def find_marked(name: str, value: str) -> dict[int, str]:
    """Find what was started with `name=value` in its environment: command line by process id; empty without /proc."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended, or is somebody else's
            if f"{name}={value}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                found[int(folder.name)] = command or (folder / "comm").read_text().strip()
    found.pop(os.getpid(), None)
    return found


def wait_until_gone(seconds: float, name: str, value: str) -> dict[int, str]:
    """Wait until none is alive, or until this time has passed; return those that are left, as `find_marked`."""
    give_up = time.monotonic() + seconds
    while (found := find_marked(name, value)) and time.monotonic() < give_up:
        time.sleep(0.05)
    return found
