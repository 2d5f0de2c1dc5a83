"""Checks the Pulumi CLI and its Python language host."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import printable, show_path

from .children import CannotRun, run
from .report import Check

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The first version whose import files may carry inputs and outputs.
OLDEST: Final = (3, 254)

_VERSION: Final = re.compile(r"^v?([0-9]{1,6})\.([0-9]{1,6})\.[0-9][\w.+-]{0,60}$", re.MULTILINE | re.ASCII)
_INSTALL: Final = "https://www.pulumi.com/docs/install/"
_HELPERS: Final = ("pulumi-language-python", "pulumi-resource-pulumi-python")
# On top of the variables of this process: no call home, and no file is written to a backend that is empty.
QUIET: Final = {
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "PULUMI_DIY_BACKEND_LEGACY_LAYOUT": "true",
    "PULUMI_DIY_BACKEND_IGNORE_DEPRECATION_ERROR": "true",
}


def find_cli(environment: Mapping[str, str]) -> Path | None:
    """Find `pulumi` on the PATH."""
    found = shutil.which("pulumi", path=environment.get("PATH", os.defpath))
    return Path(found).absolute() if found else None


def check_cli(cli: Path | None, folder: Path, environment: Mapping[str, str]) -> Check:
    """Check that there is a CLI and that it is new enough.

    Args:
        cli: what `find_cli` returned.
        folder: the current folder.
        environment: the process's.
    """
    name = "pulumi"
    needed = ".".join(map(str, OLDEST))
    install = f"install the Pulumi CLI {needed} or newer: {_INSTALL}"
    if cli is None:
        return Check.failure(name, "is not on PATH", install)
    where = show_path(cli)
    try:
        done = run([str(cli), "version"], folder, {**environment, **QUIET})
    except CannotRun as reason:
        return Check.failure(name, f"{where} {reason}", install)
    version = _VERSION.search(done.output.replace("\r", ""))
    if version is None or done.status != 0:
        printed = printable(done.output, 60)
        what = f"prints no version but '{printed}'" if printed else f"prints no version (exit status {done.status})"
        return Check.failure(name, f"{where}: `pulumi version` {what}", f"{install}, and put it first on PATH")
    if (int(version[1]), int(version[2])) < OLDEST:
        return Check.failure(name, f"{where} is {version[0]}; {needed} or newer is needed", install)
    return Check.ok(name, f"{version[0]}, {where}")


def check_language_host(cli: Path, environment: Mapping[str, str]) -> Check:
    """Check that the CLI finds what runs Python programs and dynamic providers: beside itself, or on the PATH."""
    name = "language-host"
    folders = [str(cli.parent), str(cli.resolve().parent), environment.get("PATH", os.defpath)]
    path = os.pathsep.join(folders)
    missing = [helper for helper in _HELPERS if shutil.which(helper, path=path) is None]
    if not missing:
        return Check.ok(name, f"Python, {show_path(shutil.which(_HELPERS[0], path=path) or '')}")
    if missing[0] == _HELPERS[0] and _starts_host(cli, environment):  # `pulumi` is a script that starts the real one
        return Check.ok(name, "Python, as `pulumi about` tells")
    return Check.failure(
        name,
        f"{' and '.join(missing)}: not beside {show_path(cli)} and not on PATH",
        f"install the whole Pulumi CLI: {_INSTALL}",
    )


def _starts_host(cli: Path, environment: Mapping[str, str]) -> bool:
    """Whether the CLI starts a language host for a Python project; tried in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="plugchoice-doctor-") as name:
        folder = Path(name)
        (folder / "Pulumi.yaml").write_text(json.dumps({"name": "doctor", "runtime": "python"}), encoding="utf-8")
        try:
            backend = {"PULUMI_BACKEND_URL": f"file://{folder}"}
            done = run([str(cli), "about", "--json"], folder, {**environment, **QUIET, **backend})
            about = json.loads(done.output[done.output.index("{") :])
        except (CannotRun, ValueError, RecursionError):
            return False
    return isinstance(about, dict) and bool(about.get("runtime"))
