"""One warm process for each test worker: the language host and provider of a `pulumi` call are forks of it.

A call costs half as much this way. What is about starting and ending processes goes without it: `Stack.cold`.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VARIABLE: Final = "STAND_IN_WARM"  # read by the launchers in tools/pulumi/host
PYTHON: Final = {"PYTHONWARNINGS": "default"}  # what the interpreters of `pulumi` calls are started with

# What most programs and the provider import; of the package under test too, as no module of it does anything by being
# imported (test_warm.py). The parts of gRPC and pydantic are named because those import them when they are first used.
MODULES: Final = [
    "pulumi.automation._server",
    "grpc._channel",
    "grpc._server",
    "grpc._simple_stubs",
    "multiprocessing.connection",
    "platformdirs",
    "pydantic.fields",
    "pydantic.main",
    "pydantic.types",
    "requests",
    "yaml",
    "pulumi_plugchoice.balance",
    "pulumi_plugchoice.lookup",
    "pulumi_plugchoice.site",
    "pulumi_plugchoice.api.client",
    "pulumi_plugchoice.quota.pacer",
    "pulumi_plugchoice.quota.file_store",
    "pulumi_plugchoice.runtime.writes",
]
_HOST: Final = Path(__file__).parent.parent.parent / "tools" / "pulumi" / "host" / "warm.py"


def fits(environment: Mapping[str, str]) -> bool:
    """Whether the warm process has the variables that an interpreter reads at its start."""
    names = {name for name in (*environment, *os.environ, *PYTHON) if name.startswith("PYTHON")}
    started = {**os.environ, **PYTHON}
    return all(environment.get(name) == started.get(name) for name in names)


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Start the process; the value is for the variable."""
    with tempfile.TemporaryDirectory(prefix="warm-") as folder:
        path = str(Path(folder, "socket"))
        with subprocess.Popen(
            [sys.executable, "-u", _HOST, "serve", path, *MODULES],
            stdin=subprocess.PIPE,  # it ends when this is closed, and so with the worker
            stdout=subprocess.PIPE,
            env={**os.environ, **PYTHON},
        ) as process:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            yield path
