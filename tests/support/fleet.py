"""A project of several sites, and a CLI that plays what a test says. For the logic of fleets, without the engine."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from click.testing import CliRunner
from pulumi_plugchoice.cli.group import plugchoice

from . import repository
from .fake_pulumi import HELPERS

if TYPE_CHECKING:
    import pytest
    from click.testing import Result

# A stack is `name.sh`, which may print events, wait and exit; it is locked as long as there is `name.lock`.
_CLI: Final = """#!/bin/sh
if [ "$1" = version ]; then echo v3.259.0; exit 0; fi
fake=${0%/*}
for word; do case $word in --stack=*) name=${word#--stack=} ;; esac; done
echo "$*" >> "$fake/arguments"
echo "$1 $name" >> "$fake/calls"
if [ "$1" = cancel ]; then rm -f "$fake/$name.lock"; exit 0; fi
if text=$(cat "$fake/$name.lock" 2>/dev/null); then echo "$text" >&2; exit 1; fi
echo '{"preludeEvent": {}}'
if [ -f "$fake/$name.sh" ]; then . "$fake/$name.sh"; else cat "$fake/unchanged"; fi
echo "end $name" >> "$fake/calls"
"""
LOCKED: Final = (
    "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the "
    "lock file with `pulumi cancel`.\n  file:///x/1.json?no_tmp_dir=true: created by {user}@{host} (pid {process}) at "
    "2026-11-28T16:30:07Z\n"
)


def events(changes: dict[str, int] | None = None, *, writes: int = 0, error: str = "") -> str:
    """What the CLI prints at the end of a run."""
    reads, calls = 2, 2 + writes
    said = f"plugchoice: API calls: {calls} ({reads} reads, {writes} write{'' if writes == 1 else 's'})\n"
    found: list[dict[str, Any]] = [{"diagnosticEvent": {"message": f"{said}\n", "severity": "info#err"}}]
    if error:
        found[:0] = [{"diagnosticEvent": {"message": f"{error}\n", "severity": "error"}}]
        found += [{"diagnosticEvent": {"message": "update failed\n", "severity": "error"}}]
    result = "failed" if error else "succeeded"
    found.append({"summaryEvent": {"resourceChanges": {"same": 3, **(changes or {})}, "result": result}})
    return "".join(f"{json.dumps(event)}\n" for event in found)


@dataclass
class Fleet:
    """The project, which is the current folder, and the CLI.

    Attributes:
        folder: of the project.
        bin: folder of the CLI.
        results: of the commands so far.
    """

    folder: Path
    bin: Path
    results: list[Result] = field(default_factory=list)

    @staticmethod
    def make(folder: Path, names: str, monkeypatch: pytest.MonkeyPatch) -> Fleet:
        """Make it, with a site for each of these names."""
        fleet = Fleet(folder / "project", folder / "bin")
        (fleet.folder / "sites").mkdir(parents=True)
        fleet.bin.mkdir()
        monkeypatch.chdir(fleet.folder)
        monkeypatch.setenv("PATH", f"{fleet.bin}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("PULUMI_HOME", str(folder / "home"))
        for number, name in enumerate(names.split(), 1):
            Path(f"sites/{name}.yaml").write_text(repository.make_text(number))
        Path("Pulumi.yaml").write_text("name: fleet\nruntime: python\n")
        (fleet.bin / "unchanged").write_text(events())
        (fleet.bin / "pulumi").write_text(_CLI)
        (fleet.bin / "pulumi").chmod(0o755)
        for helper in HELPERS:  # a worker of a cluster looks for them
            (fleet.bin / helper).write_text("#!/bin/sh\n")
            (fleet.bin / helper).chmod(0o755)
        return fleet

    def play(self, name: str, script: str = "", *, status: int = 0, **more: Any) -> None:
        """Let a stack run a script, then print `events(**more)`, and exit."""
        (self.bin / f"{name}.events").write_text(events(**more))
        ending = f'cat "$fake/{name}.events"\necho "end $name" >> "$fake/calls"\nexit {status}\n'
        (self.bin / f"{name}.sh").write_text(f"{script}\n{ending}")

    def lock(self, name: str, host: str, process: int) -> None:
        """Lock a stack."""
        (self.bin / f"{name}.lock").write_text(LOCKED.format(user="ann", host=host, process=process))

    def run(self, *arguments: str, status: int = 0) -> list[str]:
        """Run `plugchoice fleet`; return the lines of standard output."""
        result = CliRunner().invoke(plugchoice, ["fleet", *arguments])
        self.results.append(result)
        assert result.exit_code == status, result.output + repr(result.exception)
        return result.stdout.splitlines()

    @property
    def errors(self) -> list[str]:
        """The lines of standard error of the last command."""
        return self.results[-1].stderr.splitlines()

    def calls(self) -> list[str]:
        """What the CLI was asked since this was last called, and what has ended: `up a`, `end a`, `cancel a`."""
        file = self.bin / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines

    def manifest(self) -> dict[str, Any]:
        """The content of `fleet.json`."""
        content: dict[str, Any] = json.loads((self.folder / ".fleet" / "fleet.json").read_text())
        return content

    def done(self) -> list[str]:
        """The sites that are finished."""
        return sorted(site["name"] for site in self.manifest()["sites"])
