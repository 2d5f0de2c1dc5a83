"""Installs one layer of what `make` needs into `.venv`: `install.py uv`, `install.py demo`, and so on.

Each layer has a hashed file in requirements/. `uv` makes the environment anew, with the installer of that name; the
others add to it. Needs Python 3.10 or newer with `venv`, and nothing else.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
VENV: Final = ROOT / ".venv"
PYTHON: Final = VENV / "bin" / "python"
OLDEST: Final = (3, 10)

#: What each layer is for, and what it costs from an empty cache on 2 cores.
LAYERS: Final = {
    "uv": "a new .venv and the installer uv: 17 MB, about 10 s",
    "demo": "the package, its command and the emulator: 19 MB, about 5 s",
    "test": "the other extras, pytest, playwright and a Postgres: 110 MB, about 10 s",
    "docs": "zensical, which builds the docs site: 40 MB, about 4 s",
    "lint": "ruff, mypy, pyright with its node, zizmor and prek: 120 MB, about 12 s",
    "release": "twine, check-wheel-contents and cyclonedx-bom: 65 MB, about 10 s",
    "evidence": "coverage.py and mutmut: 30 MB, about 5 s",
}
#: Options of pip by their names for uv, which reads neither pip's files nor its environment.
_UV_NAMES: Final = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}


def make_environment() -> None:
    """Make a new .venv that holds pip and uv."""
    run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    run([*pip_install(), "-r", str(requirements("uv"))])


def require_usable_python() -> None:
    """Stop, with what to do, where this Python cannot make an environment."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST:
        sys.exit(f"Python {version} is too old: 3.10 or newer is needed; use `make PYTHON=python3.12` or the like")
    if importlib.util.find_spec("ensurepip") is None:
        package = f"python{version.rpartition('.')[0]}-venv"
        sys.exit(f"{sys.executable}: the module ensurepip is missing; on Debian and Ubuntu run `apt install {package}`")


def install(layer: str) -> None:
    """Add a layer to .venv: with uv, or with pip where uv cannot."""
    file = ["-r", str(requirements(layer))]
    command = [str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--compile-bytecode", "--python", str(PYTHON)]
    environment = {**uv_options(), **os.environ}
    if subprocess.run([*command, "--require-hashes", *file], env=environment, check=False).returncode != 0:
        say("uv cannot install this here; trying pip, which takes about 30 s …")
        run([*pip_install(), *file])
    if layer == "demo":
        package = ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
        run([*command, "--offline", *package], environment)


def uv_options() -> dict[str, str]:
    """The user's options for pip (index, proxy, certificates), as uv's environment."""
    listed = subprocess.run([str(PYTHON), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    found: dict[str, str] = {}
    # pip's order: the command's own section wins over [global], the environment over both.
    for section in ("global", "install", ":env:"):
        for line in listed.stdout.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(f"{section}.") and name.removeprefix(f"{section}.") in _UV_NAMES:
                found[_UV_NAMES[name.removeprefix(f"{section}.")]] = " ".join(str(ast.literal_eval(value)).split())
    if "UV_FIND_LINKS" in found:
        found["UV_FIND_LINKS"] = found["UV_FIND_LINKS"].replace(" ", ",")
    if "UV_INDEX" in found:
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # as pip; the hashes say what may come
    return found


def pip_install() -> list[str]:
    """The command, but for the file."""
    return [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]


def requirements(layer: str) -> Path:
    """The layer's hashed file."""
    return ROOT / "requirements" / f"{layer}.txt"


def run(command: list[str], environment: dict[str, str] | None = None) -> None:
    """Run a command that prints its own errors."""
    code = subprocess.run(command, env=environment, check=False).returncode
    if code != 0:
        sys.exit(f"{' '.join(command)}: failed with exit status {code}; its messages are above")


def say(text: str) -> None:
    """Print at once: a step may take a while."""
    print(text, flush=True)


def main(layer: str) -> None:
    """Install one layer, and say what that takes."""
    if layer == "uv":
        require_usable_python()
    say(f"Installing {LAYERS[layer]} …")
    started = time.monotonic()
    if layer == "uv":
        make_environment()
    else:
        install(layer)
    say(f"  done in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        sys.exit(130)
