"""The warm process of tools/pulumi/host/warm.py: what it forks ends as the plugin that a launcher starts would."""

from __future__ import annotations

import os
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


def test_other_python_variables_need_their_own_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    usual = {**os.environ, **warm.PYTHON}
    assert warm.fits(usual)
    assert not warm.fits({**usual, "PYTHONPATH": "/somewhere"})
    assert not warm.fits({**usual, "PYTHONWARNINGS": "error"})
