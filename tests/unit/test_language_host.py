"""The stand-in language host: its starter says nothing when the host ends, however that happens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HOST = Path(__file__).parent.parent.parent / "tools" / "pulumi" / "host"
# The host ends while the starter's answer is unread, which resets the socket, or after it has read all.
PROGRAM = """
import os, sys
from multiprocessing import Pipe
sys.path.insert(0, sys.argv[1])
import language_host
language_host.run = lambda *_: 0
ours, theirs = Pipe()
starter = os.fork()
if starter == 0:
    ours.close()
    language_host.start_programs(theirs)
theirs.close()
ours.send((b"", ""))
ours.recv()  # the program's process id
assert ours.poll(10)  # and its exit status is there: the starter waits for the next request
if sys.argv[2] == "read":
    assert ours.recv() == 0
ours.close()
_, status = os.waitpid(starter, 0)
print(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
@pytest.mark.parametrize("answer", ["read", "unread"])
def test_the_starter_ends_quietly_with_its_host(answer: str) -> None:
    """A traceback of it would stand before the error that the user has to read."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(HOST), answer], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")
