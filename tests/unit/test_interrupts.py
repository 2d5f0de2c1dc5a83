"""Ctrl-C in the moment in which a program is started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pulumi_plugchoice._interrupts import hold_interrupts
from pulumi_plugchoice.doctor import children
from pulumi_plugchoice.fleet.stacks import Stacks

if TYPE_CHECKING:
    from collections.abc import Callable

SLEEP = "import time; time.sleep(60)"


def test_an_interrupt_comes_at_the_end_of_the_block() -> None:
    """And none that did not come."""
    seen = []

    def work() -> None:
        with hold_interrupts():
            signal.raise_signal(signal.SIGINT)
            seen.append("the rest of the block")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert seen == ["the rest of the block"]
    with hold_interrupts():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_sigterm_is_held_where_it_has_a_handler() -> None:
    """As in `make demo`; its handler runs after the block."""
    seen = []
    before = signal.signal(signal.SIGTERM, lambda *_: seen.append("the handler"))
    try:
        with hold_interrupts():
            signal.raise_signal(signal.SIGTERM)
            seen.append("the rest of the block")
        assert seen == ["the rest of the block", "the handler"]
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with hold_interrupts():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_another_thread_is_not_held() -> None:
    """Only the main thread may set a handler."""
    done = []

    def work() -> None:
        with hold_interrupts():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


def test_an_interrupt_is_not_lost_when_the_program_cannot_be_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The doctor would go on with its next check."""
    start = subprocess.Popen

    def interrupted(*args: Any, **more: Any) -> subprocess.Popen[Any]:
        signal.raise_signal(signal.SIGINT)
        return start(*args, **more)

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    with pytest.raises(KeyboardInterrupt):
        children.run([str(tmp_path / "missing")], tmp_path, os.environ)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("what", ["doctor", "adopt"])
def test_a_program_that_was_just_started_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str) -> None:
    """Ctrl-C comes before the caller knows the process."""
    started: list[int] = []

    class Popen(subprocess.Popen[Any]):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            started.append(self.pid)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)  # where it would be raised

    monkeypatch.setattr(subprocess, "Popen", Popen)
    monkeypatch.setattr("pulumi_plugchoice.fleet.stacks._ENDING_SECONDS", 0.2)
    program = tmp_path / "pulumi"
    program.write_text(f"#!{sys.executable}\n{SLEEP}\n")
    program.chmod(0o755)
    starts: dict[str, Callable[[], object]] = {
        "doctor": lambda: children.run([sys.executable, "-c", SLEEP], tmp_path, os.environ),
        "adopt": lambda: Stacks(tmp_path, str(program)).create("harbour"),
    }
    with pytest.raises(KeyboardInterrupt):
        starts[what]()
    (process,) = started
    for _ in range(250):
        stat = Path(f"/proc/{process}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            break
        time.sleep(0.02)
    else:
        pytest.fail("the program is still running")
