"""`plugchoice fleet up` with state in a folder, in Postgres and in S3: two starts at once, and a killed run."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from support import postgres, processes, s3, warm
from support.emulator import SITE, TOKEN, identity, seed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.emulator import Emulator

PROGRAM = "from pulumi_plugchoice import ChargingSite\n\nChargingSite.for_stack()\n"


def site_file(amps: int) -> str:
    """A site with two chargers; the second has this maximum current."""
    connectors = "connectors: [{connector_id: 1, phase_rotation: TRS, max_amperage: %d}]"
    chargers = [f"  - {{identity: {identity(at)}, {connectors % value}}}" for at, value in ((1, 16), (2, amps))]
    supply = "supply: {net_type: TN, main_fuse_amps: 125}"
    return "\n".join([f"site: {SITE}", supply, "chargers:", *chargers, ""])


@contextlib.contextmanager
def backend(kind: str, folder: Path) -> Iterator[dict[str, str]]:
    """A backend, as the environment that names it."""
    if kind == "file":
        (folder / "state").mkdir()
        yield {"PULUMI_BACKEND_URL": (folder / "state").as_uri()}
    elif kind == "postgres":
        with postgres.running() as database:
            yield {"PULUMI_BACKEND_URL": database.create().replace("postgresql://", "postgres://") + "&sslmode=disable"}
    else:
        with s3.running() as url:
            yield {"PULUMI_BACKEND_URL": url, **s3.CREDENTIALS}


class Fleet:
    """A project with one site, run with `plugchoice fleet`."""

    def __init__(self, folder: Path, environment: dict[str, str], warm: dict[str, str]) -> None:
        self.folder = folder
        self.warm = warm
        self.environment = environment
        (folder / "sites").mkdir(parents=True)
        (folder / "Pulumi.yaml").write_text("name: fleet\nruntime: python\n")
        (folder / "__main__.py").write_text(PROGRAM)
        self.declare(20)

    def declare(self, amps: int) -> None:
        (self.folder / "sites" / "harbour.yaml").write_text(site_file(amps))

    def start(self, state: str, run: str = "") -> subprocess.Popen[str]:
        """Start `fleet up` with a folder of its own for what is noted, as another machine has it.

        Args:
            state: that folder.
            run: marks all processes, so that they can be killed; empty: programs are started in the warm process.
        """
        command = [sys.executable, "-m", "pulumi_plugchoice.cli", "fleet", "up", "--all", "--state", state]
        return subprocess.Popen(
            [*command, "--lock-seconds", "60"],
            cwd=self.folder,
            env={**self.environment, **(self.warm if not run else {"THIS_RUN": run})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def up(self, state: str) -> str:
        process = self.start(state)
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
        return output


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
@pytest.mark.parametrize("kind", ["file", "postgres", "s3"])
def test_two_starts_at_once_and_a_killed_run(kind: str, emulator: Emulator, warm_process: str, tmp_path: Path) -> None:
    """Each waits for the other; what a killed run has left is found and done, and each connector is written once."""
    emulator.reset(seed(2))
    with backend(kind, tmp_path) as variables:
        own = {
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_HOME": str(tmp_path / "home"),
            "PLUGCHOICE_BASE_URL": emulator.base_url,
            "PLUGCHOICE_TOKEN": TOKEN,
            **warm.PYTHON,
        }
        fleet = Fleet(tmp_path / "project", {**os.environ, **own, **variables}, {warm.VARIABLE: warm_process})
        pulumi = shutil.which("pulumi")
        assert pulumi is not None
        init = [pulumi, "stack", "init", "harbour", "--no-select", "--non-interactive"]
        subprocess.run(init, cwd=fleet.folder, env=fleet.environment, check=True, capture_output=True)

        with emulator.recording() as calls:
            both = [fleet.start("one"), fleet.start("two")]
            outputs = [process.communicate(timeout=120)[0] for process in both]
        assert [process.returncode for process in both] == [0, 0], outputs
        assert len(calls.puts) == 2
        assert sorted(("1 applied" in output, "1 unchanged" in output) for output in outputs) == [
            (False, True),
            (True, False),
        ]

        fleet.declare(25)
        emulator.switch(latency_seconds=1.0)
        emulator.clear_requests()
        run = str(tmp_path)  # no other test's
        process = fleet.start("one", run)
        while not emulator.puts_seen():
            assert process.poll() is None
            time.sleep(0.05)
        for number in processes.find_marked("THIS_RUN", run):
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        process.communicate(timeout=30)
        emulator.switch(latency_seconds=0.0)
        assert processes.wait_until_gone(30, "THIS_RUN", run) == {}
        if kind == "file":
            assert list((tmp_path / "state" / ".pulumi" / "locks").rglob("*.json")), "the lock of a dead process"
        with emulator.recording() as calls:
            output = fleet.up("one")
        assert "1 applied" in output or "1 unchanged" in output
        assert len(calls.puts) <= 1, output
        assert emulator.live(2) == ("TRS", 25)
