"""Nothing is left running, whatever ends a command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.emulator import charger_uuid
from support.processes import find_marked, wait_until_gone

if TYPE_CHECKING:
    from support.stack import Stack

DEMO = Path(__file__).parent.parent.parent / "tools" / "demo.py"
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


@pytest.mark.parametrize(
    ("program", "how"),
    [("at once", signal.SIGKILL), ("after a resource", signal.SIGKILL), ("after a resource", signal.SIGINT)],
)
def test_every_process_ends_with_the_engine(stack: Stack, program: str, how: signal.Signals) -> None:
    """The CLI is stopped in the middle of a program that hangs: within 10 s its host, program and provider are gone."""
    stack.cold().program(PROGRAMS[program])
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
        assert len(find_marked(MARK, mark)) >= 3, "the CLI, the language host and the program"
        process.send_signal(how)
        process.wait(60)
    finally:
        process.kill()
        process.wait()

    assert wait_until_gone(10, MARK, mark) == {}


@pytest.mark.parametrize(
    ("how", "to_the_group"), [(signal.SIGINT, True), (signal.SIGTERM, False)], ids=["Ctrl-C", "SIGTERM"]
)
def test_a_stopped_demo_leaves_nothing_running(
    pulumi_cli: str, tmp_path: Path, how: signal.Signals, *, to_the_group: bool
) -> None:
    """Stopped in the middle of its `pulumi up`: within 30 s no process of it runs, and its folder is gone."""
    mark = uuid.uuid4().hex
    process = subprocess.Popen(
        [sys.executable, str(DEMO)],
        env={**os.environ, MARK: mark, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout
        assert any("$ pulumi up" in line for line in process.stdout)
        give_up = time.monotonic() + 60
        while not any(
            "language_host" in command or "pulumi.dynamic" in command for command in find_marked(MARK, mark).values()
        ):
            assert time.monotonic() < give_up
            time.sleep(0.05)
        if to_the_group:
            os.killpg(process.pid, how)
        else:
            process.send_signal(how)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()

    assert process.returncode == 128 + how
    assert "Traceback" not in output
    assert wait_until_gone(10, MARK, mark) == {}
    assert list(tmp_path.iterdir()) == []
