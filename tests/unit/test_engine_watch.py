"""The provider's process ends with the engine."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PROGRAM = """
import sys, time
from pulumi_plugchoice.runtime.engine import end_with_engine
end_with_engine()
print("watching", flush=True)
time.sleep(float(sys.argv[1]))
print("still here", flush=True)
"""


def test_it_exits_when_nobody_reads_its_stderr() -> None:
    """At once, without waiting for what it was doing."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, "60"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "watching\n"

    process.stderr.close()

    assert process.wait(10) == 1
    assert process.stdout.read() == ""
    process.stdout.close()


def test_a_file_in_the_place_of_the_pipe_ends_nothing(tmp_path: Path) -> None:
    """As in tests, and where the engine logs to a file."""
    with (tmp_path / "log").open("w") as log:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, "0.5"], stdout=subprocess.PIPE, stderr=log, text=True, check=True
        )

    assert done.stdout == "watching\nstill here\n"
