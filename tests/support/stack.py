"""A Pulumi project in a folder of its own, driven with the real CLI against the emulator."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import tempfile
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import vault, warm
from .emulator import SITE, TOKEN, Calls, Emulator, charger_uuid

TYPE = "pulumi-python:dynamic/plugchoice:ChargerConnector"


@dataclass(frozen=True)
class Result:
    """What a command printed, how it ended, and what it asked of the API."""

    code: int
    output: str
    calls: Calls
    seconds: float

    @property
    def puts(self) -> list[tuple[str, dict[str, Any]]]:
        """Path and body of each PUT."""
        return self.calls.puts

    def lines(self, text: str) -> list[str]:
        """Lines of the diagnostics that hold `text`, as a person reads them at the end of the output."""
        _, _, diagnostics = self.output.rpartition("Diagnostics:")
        return [line.strip() for line in diagnostics.splitlines() if text in line]


@dataclass
class Stack:
    """A project with one stack. `environment` is what every command gets on top of the machine's."""

    folder: Path
    emulator: Emulator
    environment: dict[str, str]
    name: str = "dev"
    project: str = "site"
    options: str = ""
    outputs: list[str] = field(default_factory=list)

    def init(self) -> Stack:
        """Write the project file and add the stack."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "Pulumi.yaml").write_text(f"name: {self.project}\nruntime: python\n{self.options}")
        return self.add(self.name)

    def add(self, name: str) -> Stack:
        """Add an empty stack to the project, as `pulumi stack init` does, and use it from now on."""
        self.name = self.environment["PULUMI_STACK"] = name
        empty = _empty_stack(self.environment["PULUMI_CONFIG_PASSPHRASE"], self.environment.get(vault.VARIABLE))
        with (self.folder / f"Pulumi.{name}.yaml").open("a") as config:
            config.write(empty.config)
        self.state_file.parent.mkdir(parents=True, exist_ok=True)
        self.state_file.write_text(empty.state.replace("organization/site/dev", f"organization/{self.project}/{name}"))
        (self.state_file.parent.parent.parent / "meta.yaml").write_text(empty.meta)
        return self

    def with_passphrase(self) -> Stack:
        """Begin anew with a key that comes from the passphrase, as most users have it."""
        del self.environment[vault.VARIABLE]
        (self.folder / f"Pulumi.{self.name}.yaml").unlink()
        return self.add(self.name)

    def cold(self) -> Stack:
        """Start language hosts and providers as users do, without the warm process."""
        self.environment.pop(warm.VARIABLE, None)
        return self

    def program(self, source: str) -> None:
        """Write the program; imports of the package are given."""
        head = "import pulumi\nimport pulumi_plugchoice\nfrom pulumi_plugchoice import ChargerConnector\n"
        (self.folder / "__main__.py").write_text(head + textwrap.dedent(source))

    def declare(self, *resources: str) -> None:
        """Write a program of `ChargerConnector` calls; each text is `name, charger index, keyword arguments`."""
        self.program("\n".join(resources))

    def run(self, *arguments: str, stdin: str | None = None, **environment: str | None) -> Result:
        """Run `pulumi`; `environment` adds or (None) removes variables."""
        variables = {**os.environ, **self.environment}
        for key, value in environment.items():
            if value is None:
                variables.pop(key, None)
            else:
                variables[key] = value
        if not warm.fits(variables):
            variables.pop(warm.VARIABLE, None)
        begin = time.monotonic()
        with self.emulator.recording() as calls:
            done = subprocess.run(
                ["pulumi", *arguments, "--non-interactive"],
                cwd=self.folder,
                env=variables,
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=240,
                check=False,
            )
        output = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
        self.outputs.append(output)
        # The engine aligns the colons of property lists; what stands there does not depend on the other names.
        aligned = re.sub(r"(?<=\w) +: ", ": ", output)
        return Result(done.returncode, aligned, calls, time.monotonic() - begin)

    def preview(self, *arguments: str, **environment: str | None) -> Result:
        """`pulumi preview`."""
        return self.run("preview", *arguments, **environment)

    def up(self, *arguments: str, **environment: str | None) -> Result:
        """`pulumi up --yes`, preview included, as people run it."""
        return self.run("up", "--yes", *arguments, **environment)

    def must_up(self, *arguments: str, **environment: str | None) -> Result:
        """`pulumi up --yes --skip-preview`, which has to succeed."""
        result = self.up("--skip-preview", *arguments, **environment)
        assert result.code == 0, result.output
        return result

    def refresh(self, *arguments: str, **environment: str | None) -> Result:
        """`pulumi refresh --yes --skip-preview`."""
        return self.run("refresh", "--yes", "--skip-preview", *arguments, **environment)

    def destroy(self, *arguments: str, **environment: str | None) -> Result:
        """`pulumi destroy --yes --skip-preview`."""
        return self.run("destroy", "--yes", "--skip-preview", *arguments, **environment)

    @property
    def state_file(self) -> Path:
        """The stack's state in the file backend."""
        backend = self.folder.parent / "backend"
        return backend / ".pulumi" / "stacks" / self.project / f"{self.name}.json"

    def resources(self) -> dict[str, dict[str, Any]]:
        """The ChargerConnectors in the state, by resource name."""
        state = json.loads(self.state_file.read_text())
        found = state["checkpoint"]["latest"].get("resources") or []
        return {item["urn"].rpartition("::")[2]: item for item in found if item["type"] == TYPE}


@dataclass(frozen=True)
class _EmptyStack:
    state: str
    config: str
    meta: str


@functools.cache
def _empty_stack(passphrase: str, vault_address: str | None) -> _EmptyStack:
    """The files that `pulumi stack init` writes for a stack `dev` of a project `site`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "Pulumi.yaml").write_text("name: site\nruntime: python\n")
        variables = {
            "PULUMI_BACKEND_URL": f"file://{folder}",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_CONFIG_PASSPHRASE": passphrase,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        command = ["pulumi", "stack", "init", "dev", "--non-interactive"]
        if vault_address:
            variables[vault.VARIABLE] = vault_address
            command.append(f"--secrets-provider={vault.PROVIDER}")
        subprocess.run(command, cwd=folder, env={**os.environ, **variables}, check=True, capture_output=True)
        return _EmptyStack(
            (folder / ".pulumi" / "stacks" / "site" / "dev.json").read_text(),
            (folder / "Pulumi.dev.yaml").read_text(),
            (folder / ".pulumi" / "meta.yaml").read_text(),
        )


def declaration(name: str, index: int, *, connector_id: int = 1, **inputs: Any) -> str:
    """One line of program: a connector of the seeded charger `HRB-{index}`."""
    settings = {"charger": charger_uuid(index), "connector_id": connector_id, **inputs}
    shown = ", ".join(f"{key}={value!r}" for key, value in settings.items())
    return f"ChargerConnector({name!r}, {shown})"


def environment_for(emulator: Emulator, folder: Path, python: str, *, site: bool = True) -> dict[str, str]:
    """The variables with which `pulumi` finds its backend below `folder`, Python, and the emulator."""
    backend = folder / "backend"
    backend.mkdir(parents=True, exist_ok=True)
    variables = {
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_HOME": str(folder / "pulumi-home"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_PYTHON_CMD": python,
        "PLUGCHOICE_BASE_URL": emulator.base_url,
        "PLUGCHOICE_TOKEN": TOKEN,
        "PLUGCHOICE_TIMEOUT_SECONDS": "5",
        "PLUGCHOICE_DEADLINE_SECONDS": "8",
        "NO_COLOR": "1",
        **warm.PYTHON,
    }
    if site:
        variables["PLUGCHOICE_SITE"] = SITE
    return variables
