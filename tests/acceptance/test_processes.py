"""Nothing is left running, whatever ends a command."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from typing import TYPE_CHECKING

import pytest
from support.emulator import charger_uuid
from support.processes import left_after, marked

if TYPE_CHECKING:
    from support.stack import Stack

MARK = "TEST_OF_PROCESSES"
HANGS = """
import pathlib, time

def hang(_):
    pathlib.Path("hangs").touch()
    time.sleep(600)
"""
PROGRAMS = {
    "after a resource": f"""{HANGS}
bay = ChargerConnector("bay", charger="{charger_uuid(1)}", connector_id=1, max_amperage=16)
bay.id.apply(hang)
""",
    "at once": f"{HANGS}\nhang(None)",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda how: how.name)
def test_every_process_ends_with_the_engine(stack: Stack, program: str, how: signal.Signals) -> None:
    """The CLI is stopped in the middle of a program that hangs: within 10 s its host, program and provider are gone."""
    stack.program(program)
    mark = uuid.uuid4().hex
    process = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"],
        cwd=stack.folder,
        env={**os.environ, **stack.environment, MARK: mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        give_up = time.monotonic() + 60
        while not (stack.folder / "hangs").exists():
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < give_up
            time.sleep(0.05)
        assert len(marked(MARK, mark)) >= 3, "the CLI, the language host and the program"
        process.send_signal(how)
        process.wait(60)
    finally:
        process.kill()
        process.wait()

    assert left_after(10, MARK, mark) == {}
