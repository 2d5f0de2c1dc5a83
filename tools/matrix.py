"""Run the tests with other versions of Python: `make matrix`, or `make matrix ARGS="3.10 3.13"`.

Each version gets an environment of its own below build/matrix, from the same hashed files as .venv. It runs the unit
and contract tests, and with the real Pulumi CLI one life of a connector and the tests of API calls: what a provider
does while it exits is not the same in all versions. The interpreters are looked for on PATH
(python3.12), in pyenv's folder and among uv's; nothing is downloaded.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
UV: Final = ROOT / ".venv" / "bin" / "uv"
VERSIONS: Final = ("3.10", "3.11", "3.12", "3.13", "3.14")
ENGINE: Final = ["-n0", "tests/acceptance/test_life.py", "tests/acceptance/test_budget.py"]
FAST: Final = ["-n2", "--dist=worksteal", "--hypothesis-profile=quick", "tests/unit", "tests/contract"]


def find_interpreter(version: str) -> Path | None:
    """An interpreter of this version, or None. One that only pyenv's shims name does not start, so it is tried."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    named = [shutil.which(f"python{version}")]
    named += [str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python3"), reverse=True)]
    named.append(output([UV, "python", "find", "--quiet", "--no-python-downloads", version]))
    for name in named:
        if name and output([name, "-c", "import sys; print('{}.{}'.format(*sys.version_info))"]) == version:
            return Path(name)
    return None


def output(command: list[str | Path]) -> str:
    """What a command prints, or nothing if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def make_environment(version: str, interpreter: Path) -> Path:
    """An environment with the tests' dependencies and the package; returns its folder of commands."""
    folder = ROOT / "build" / "matrix" / version
    install: list[str | Path] = [UV, "pip", "install", "--quiet", "--python", folder / "bin" / "python"]
    steps: list[list[str | Path]] = [
        [UV, "venv", "--quiet", "--clear", "--python", interpreter, folder],
        [*install, "--require-hashes", "-r", ROOT / "requirements" / "demo.txt"],
        [*install, "--require-hashes", "-r", ROOT / "requirements" / "test.txt"],
        [*install, "--no-deps", "--no-build-isolation", "--editable", ROOT],
    ]
    for step in steps:
        subprocess.run(step, check=True)
    return folder / "bin"


def run_tests(bin_folder: Path, arguments: list[str]) -> str:
    """Run tests, which print what fails; returns pytest's last line."""
    environment = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
    command: list[str | Path] = [bin_folder / "python", "-m", "pytest", "--quiet", *arguments]
    last = "nothing was printed"
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout or ():
            print(line, end="", flush=True)
            last = line.strip() or last
    return last if running.returncode == 0 else f"FAILED: {last}"


def main(versions: list[str]) -> int:
    """Run all versions, print a table, and return 1 if a test failed or a version that was asked for is missing."""
    rows: list[tuple[str, str, str]] = []
    failed = False
    for version in versions or VERSIONS:
        interpreter = find_interpreter(version)
        if interpreter is None:
            failed = failed or bool(versions)
            rows.append((version, "no interpreter here", ""))
            continue
        print(f"Python {version} …", flush=True)
        started = time.monotonic()
        commands = make_environment(version, interpreter)
        engine, fast = run_tests(commands, ENGINE), run_tests(commands, FAST)
        failed = failed or "FAILED" in engine + fast
        exact = re.sub(r"[^\d.].*", "", output([commands / "python", "--version"]).removeprefix("Python "))
        rows.append((exact, fast, engine))
        print(f"  {time.monotonic() - started:.0f} s", flush=True)
    print(f"\n{'Python':<10}{'unit and contract':<50}with the Pulumi CLI")
    for version, fast, engine in rows:
        print(f"{version:<10}{fast:<50}{engine}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
