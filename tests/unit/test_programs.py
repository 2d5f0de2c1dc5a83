"""A program that outlives the one that started it, and one that does not."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="signals of Linux; sh")

# Starts a program in a thread of its own, says its number, and waits for it.
PARENT = """
import os, sys, tempfile, threading
from pathlib import Path
from pulumi_plugchoice.fleet.programs import start

def run():
    with tempfile.TemporaryFile() as output:
        started = start(
            ["/bin/sh", "-c", sys.argv[2]], Path.cwd(), os.environ,
            output=output, errors=output, in_own_group=True, ends_with_us=sys.argv[1] == "True",
        )
        print(started.pid, flush=True)
        started.wait()

threading.Thread(target=run).start()
"""
SAY = "trap 'echo ending; echo ending >> said; exit 0' TERM; echo began > said; "


def kill_the_parent(folder: Path, script: str, *, ends_with_us: bool) -> str:
    """Start the script, kill its parent once it says that it has begun, and wait for the last word that it writes."""
    command = [sys.executable, "-c", PARENT, str(ends_with_us), SAY + script]
    said = folder / "said"
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        process = Path("/proc", parent.stdout.readline().strip())
        while not said.exists():
            time.sleep(0.01)
        parent.kill()
    for _ in range(500):
        if not process.exists() or process.joinpath("stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return said.read_text()
        time.sleep(0.01)
    pytest.fail("the program is still running")


def test_a_program_goes_on_to_its_end_when_its_parent_is_killed(tmp_path: Path) -> None:
    """Nobody reads what it prints: a pipe would end it there."""
    said = kill_the_parent(tmp_path, "sleep 0.2; echo done; echo done >> said", ends_with_us=False)
    assert said == "began\ndone\n"


def test_a_program_that_ends_with_its_parent_is_told(tmp_path: Path) -> None:
    """By the signal with which it can end in order; it can still print."""
    said = kill_the_parent(
        tmp_path, "for i in 1 2 3 4 5 6 7 8 9; do sleep 0.5; done; echo done >> said", ends_with_us=True
    )
    assert said == "began\nending\n"
