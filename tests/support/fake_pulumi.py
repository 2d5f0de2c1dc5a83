"""A folder of programs that stand in for the Pulumi CLI and for the Python that the engine chooses."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_plugchoice._version import __version__

if TYPE_CHECKING:
    from pathlib import Path

HELPERS = ("pulumi-language-python", "pulumi-resource-pulumi-python")


def found(plugchoice: str | None = __version__, **more: str) -> str:
    """What a Python answers that has the packages."""
    versions = {"python": "3.12.1", "plugchoice": plugchoice, "pulumi": "3.272.0", **more}
    return "plugchoice-doctor:" + json.dumps({name: value for name, value in versions.items() if value})


@dataclass(frozen=True)
class FakePulumi:
    """The folder; it is put on the PATH alone."""

    folder: Path

    def write(self, name: str, script: str) -> Path:
        """Write a shell script with that name."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{textwrap.dedent(script)}", newline="")
        file.chmod(0o755)
        return file

    def install(self) -> FakePulumi:
        """Write a CLI with its helpers, and a Python, as they should be."""
        self.cli()
        for helper in HELPERS:
            self.write(helper, "exit 0\n")
        self.python()
        return self

    def cli(self, version: str = "echo v3.259.0", whoami: str = "echo ann", stack: str = "exit 1") -> Path:
        """Write the CLI: what it does for three of its commands. A run succeeds, and changes nothing."""
        run = """echo '{"summaryEvent": {"result": "succeeded"}}'"""
        cases = f"version) {version} ;;\nwhoami) {whoami} ;;\nstack) {stack} ;;\npreview|up|refresh) {run} ;;\n"
        return self.write("pulumi", f'echo "$@" >> "{self.folder}/calls"\ncase $1 in\n{cases}*) exit 1 ;;\nesac\n')

    def python(self, answer: str = "", name: str = "python3") -> Path:
        """Write a Python that answers so."""
        return self.write(name, f"cat <<'END'\n{answer or found()}\nEND\n".replace("cat", "/bin/cat"))

    def calls(self) -> list[str]:
        """The arguments of each call of the CLI."""
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []
