"""An account that was configured by hand becomes stacks whose first preview changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import warm
from support.account import KOELN, seed
from support.emulator import Calls, connector
from support.stack import Stack, environment_for

if TYPE_CHECKING:
    from pathlib import Path

    from support.emulator import Emulator

STACKS = ("depot-b0000000", "depot-c0000000", "koeln-nord-halle-ue")


class Account:
    """The command in an empty folder."""

    def __init__(self, emulator: Emulator, folder: Path, warm_process: str) -> None:
        self.emulator = emulator
        environment = environment_for(emulator, folder, sys.executable, site=False) | {warm.VARIABLE: warm_process}
        self.stack = Stack(folder / "project", emulator, environment)
        self.stack.folder.mkdir()
        self.calls = Calls([])

    def adopt(self, *arguments: str, status: int = 0) -> list[str]:
        """Run it; return the lines that it prints."""
        command = [sys.executable, "-m", "pulumi_plugchoice.cli", "adopt", *arguments]
        with self.emulator.recording() as self.calls:
            done = subprocess.run(
                command,
                cwd=self.stack.folder,
                env={**os.environ, **self.stack.environment},
                capture_output=True,
                text=True,
                check=False,
            )
        assert done.returncode == status, done.stdout + done.stderr
        assert self.calls.puts == []
        return done.stdout.splitlines()

    def snapshot(self) -> dict[Path, tuple[int, bytes]]:
        """Time and content of each file of the project."""
        files = [path for path in self.stack.folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.mark.long
def test_three_sites_are_adopted_in_one_go_and_again(emulator: Emulator, warm_process: str, tmp_path: Path) -> None:
    """Three empty previews and no write; then nothing; then new hardware beside a value changed in the portal."""
    emulator.reset(seed())
    account = Account(emulator, tmp_path, warm_process)

    lines = account.adopt("--all")

    assert [line for line in lines if "imported" in line] == [
        "depot-b0000000: imported 19 connectors; preview: no changes",
        "depot-c0000000: imported 20 connectors; preview: no changes",
        "koeln-nord-halle-ue: imported 15 connectors; preview: no changes",
    ]
    preview = account.stack.run("preview", "--stack", STACKS[2], "--refresh", "--expect-no-changes")
    assert preview.code == 0, preview.output
    assert preview.puts == []

    before = account.snapshot()
    lines = account.adopt("--all")
    assert [line for line in lines if line.endswith("nothing to import")] == [
        f"{name}: nothing to import" for name in STACKS
    ]
    assert account.snapshot() == before

    content = seed()
    chargers = content["sites"][0]["chargers"]
    chargers[0]["connectors"].append(connector(2, "TRS", 16))
    chargers[1]["connectors"][0]["max_amperage"] = 32
    emulator.reset(content)
    lines = account.adopt("--site", KOELN)
    late = "koeln-nord-halle-ue: imported 1 connector; preview: they are unchanged; `pulumi up` does the rest: "
    assert late + "update site-balance, update site-NORD-02-1" in lines
    assert emulator.puts_seen() == 0


def test_an_import_that_cannot_be_proven_is_not_green(emulator: Emulator, warm_process: str, tmp_path: Path) -> None:
    """A program without a site would delete what is imported; one that declares more shows a change."""
    emulator.reset(seed())
    account = Account(emulator, tmp_path, warm_process)
    folder = account.stack.folder
    (folder / "Pulumi.yaml").write_text("name: mine\nruntime: python\n")
    (folder / "__main__.py").write_text("import pulumi\n")

    account.adopt("--site", KOELN, status=1)

    assert not list((tmp_path / "backend").rglob("*.json"))
    program = "from pulumi_plugchoice import ChargerConnector, ChargingSite\nChargingSite.for_stack()\n"
    other = seed()["sites"][1]["chargers"][0]["uuid"]
    extra = f"ChargerConnector('more', charger={other!r}, connector_id=1, max_amperage=16)\n"
    (folder / "__main__.py").write_text(program + extra)
    lines = account.adopt("--site", KOELN, status=1)
    assert (
        "koeln-nord-halle-ue: imported 15 connectors; preview: create more; "
        "run `pulumi preview --stack koeln-nord-halle-ue --diff`"
    ) in lines
