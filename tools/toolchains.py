"""Run the quickstart in projects that uv, Poetry and plain venv make: `make toolchains`.

Each project installs the built wheel as a user does, and runs `pulumi up` and a preview without changes against the
local Plugchoice. `Pulumi.yaml` names the toolchain. With the stand-in language host (tools/pulumi/README.md) that
shows less than with the official one: it finds uv's `.venv` and a named `virtualenv` by itself, but not Poetry's
environment, for which `poetry run` puts the right Python first; and it never installs anything (`pulumi install`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice.emulator.testing import running

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT: Final = Path(__file__).resolve().parent.parent
WORK: Final = ROOT / "build" / "toolchains"
QUICKSTART: Final = ROOT / "examples" / "quickstart"
UV: Final = str(ROOT / ".venv" / "bin" / "uv")
POETRY: Final = [UV, "tool", "run", "--quiet", "poetry>=2.1"]


def with_uv(wheel: Path) -> list[str]:
    """Make a project of uv."""
    run([UV, "init", "--quiet", "--bare", "--no-workspace", "--name=site", f"--python={sys.executable}"])
    run([UV, "add", "--quiet", str(wheel)])
    return [UV, "run", "--quiet"]


def with_poetry(wheel: Path) -> list[str]:
    """Make a project of Poetry."""
    run([*POETRY, "init", "--quiet", "--no-interaction", "--name=site", "--python=>=3.10,<4.0"])
    # Poetry reads neither pip's nor uv's settings.
    if index := os.environ.get("UV_DEFAULT_INDEX"):
        run([*POETRY, "source", "add", "--quiet", "--priority=primary", "index", index])
    run([*POETRY, "add", str(wheel)])
    return [*POETRY, "run"]


def with_pip(wheel: Path) -> list[str]:
    """Make an environment with venv and pip."""
    run([sys.executable, "-m", "venv", "venv"])
    run(["venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel)])
    return []


#: How each project is made, and the options of its Pulumi.yaml.
PROJECTS: Final[Mapping[str, tuple[Callable[[Path], list[str]], str]]] = {
    "uv": (with_uv, "{toolchain: uv}"),
    "poetry": (with_poetry, "{toolchain: poetry}"),
    "pip": (with_pip, "{toolchain: pip, virtualenv: venv}"),
}


def run(command: list[str], environment: Mapping[str, str] | None = None) -> None:
    """Run a command in the project; it prints its own errors."""
    # Our own environment is none of the project's business.
    inherited = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    code = subprocess.run(command, env={**inherited, **(environment or {})}, check=False).returncode
    if code != 0:
        sys.exit(f"{' '.join(command)}: failed with exit status {code}; its messages are above")


def try_project(toolchain: str, wheel: Path, plugchoice: Mapping[str, str]) -> None:
    """Make the project, and run the quickstart in it."""
    make, options = PROJECTS[toolchain]
    project = WORK / toolchain
    project.mkdir(parents=True)
    os.chdir(project)
    shutil.copy2(QUICKSTART / "__main__.py", project)
    (project / "Pulumi.yaml").write_text(f"name: site\nruntime:\n  name: python\n  options: {options}\n")
    prefix = make(wheel)
    (project / "state").mkdir()
    environment = {
        **plugchoice,
        "PULUMI_BACKEND_URL": f"file://{project / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "try",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "POETRY_VIRTUALENVS_IN_PROJECT": "true",
    }
    for words in (["stack", "init", "dev"], ["up", "--yes", "--skip-preview"], ["preview", "--expect-no-changes"]):
        run([*prefix, "pulumi", *words, "--non-interactive"], environment)


def main(toolchains: list[str]) -> None:
    """Build the wheel, and try each toolchain."""
    shutil.rmtree(WORK, ignore_errors=True)
    os.environ["POETRY_VIRTUALENVS_IN_PROJECT"] = "true"
    run(
        [
            UV,
            "build",
            "--quiet",
            "--wheel",
            "--no-build-isolation",
            f"--python={sys.executable}",
            f"-o={WORK}",
            str(ROOT),
        ]
    )
    (wheel,) = WORK.glob("*.whl")
    seed = json.loads((QUICKSTART / "emulator.json").read_text(encoding="utf-8"))
    for toolchain in toolchains or PROJECTS:
        started = time.monotonic()
        with running(seed) as emulator:
            try_project(toolchain, wheel, emulator.environment)
            rotations = sorted(str(connector["phase_rotation"]) for connector in emulator.connectors())
        print(f"{toolchain}: {len(rotations)} connectors, {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
