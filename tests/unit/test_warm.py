"""The warm process of tools/pulumi/host/warm.py: what it forks ends as the plugin that a launcher starts would."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import warm

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = Path(__file__).parent.parent.parent / "tools" / "pulumi" / "host"


@pytest.fixture(scope="module")
def path() -> Iterator[str]:
    with warm.running() as started:
        yield started


@pytest.mark.parametrize("plugin", ["pulumi-language-python", "pulumi-resource-pulumi-python"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.slow
def test_a_plugin_ends_with_its_launcher(path: str, plugin: str, how: signal.Signals) -> None:
    """The plugin answers on its port. When the launcher gets a signal, nobody holds the output any more."""
    with subprocess.Popen(
        [HOST / plugin, "127.0.0.1:9"],
        env={**os.environ, warm.VARIABLE: path, "PULUMI_PYTHON_CMD": sys.executable},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as launcher:
        assert launcher.stdout
        assert launcher.stderr
        socket.create_connection(("127.0.0.1", int(launcher.stdout.readline()))).close()
        launcher.send_signal(how)
        assert launcher.stdout.read() == ""
        launcher.stderr.read()  # to its end; an interrupt that comes early leaves the SDK's traceback


@pytest.mark.slow
def test_it_ends_with_the_worker() -> None:
    """Its input closes when the process that started it ends."""
    with warm.running() as started:
        assert Path(started).is_socket()
    with pytest.raises(FileNotFoundError), socket.socket(socket.AF_UNIX) as joining:
        joining.connect(started)


_READ_ON_IMPORT = """
import atexit, importlib, os, signal, sys, threading
theirs, ours = sys.argv[1].split(), sys.argv[2].split()
for name in theirs:
    importlib.import_module(name)
read = []
class Environment(type(os.environ)):
    def __getitem__(self, name):
        read.append(name)
        return super().__getitem__(name)
    def __iter__(self):
        read.append("all")
        return super().__iter__()
os.environ.__class__ = Environment
def facts():
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    return (os.getcwd(), atexit._ncallbacks(), threading.active_count(), len(os.listdir("/proc/self/fd")), handlers)
before = facts()
for name in ours:
    importlib.import_module(name)
print(set(read) or None, before == facts())
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted in /proc")
def test_an_import_of_the_package_reads_and_starts_nothing() -> None:
    """So a fork of a process that has imported it is what a new process would be: only then may warm.py import it.

    pydantic reads its own variables for each model; which, depends on its version.
    """
    ours = [name for name in warm.MODULES if name.startswith("pulumi_plugchoice.")]
    theirs = [name for name in warm.MODULES if name not in ours]
    command = [sys.executable, "-c", _READ_ON_IMPORT, " ".join(theirs), " ".join(ours)]
    assert ours
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(r"\{'PYDANTIC_\w+'(, 'PYDANTIC_\w+')*\} True\n", printed)


def test_other_python_variables_need_their_own_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    usual = {**os.environ, **warm.PYTHON}
    assert warm.fits(usual)
    assert not warm.fits({**usual, "PYTHONPATH": "/somewhere"})
    assert not warm.fits({**usual, "PYTHONWARNINGS": "error"})
