"""Checks the Python that the engine will use: one for the program, and one for the dynamic provider.

The language host and the launcher of dynamic providers choose it by themselves, and not in the same way (pulumi/pulumi:
sdk/python/toolchain, sdk/python/dist/pulumi-resource-pulumi-python). A relative `virtualenv` is below the project's
folder for the one, and below the program's folder for the other.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._text import printable, show_path
from pulumi_plugchoice._version import __version__

from .children import CannotRun, run
from .report import Check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .project import Project

_NAME: Final = "python"
_FOLDER: Final = "Scripts" if os.name == "nt" else "bin"
_PATH: Final = "PATH"
_MARK: Final = "plugchoice-doctor:"
# Runs in any Python. Programs that print while Python starts do not disturb.
_PROBE: Final = f"""
import json, sys
found = {{"python": "%d.%d.%d" % sys.version_info[:3]}}
try:
    import pulumi_plugchoice
    found["plugchoice"] = pulumi_plugchoice.__version__
    import pulumi_plugchoice.connector
    from importlib.metadata import version
    found["pulumi"] = version("pulumi")
except BaseException as error:  # whatever an import raises is what the doctor tells
    found["error"] = "%s: %s" % (type(error).__name__, error)
print("\\n{_MARK}" + json.dumps(found))
"""


@dataclass(frozen=True)
class _Choice:
    """A Python that the engine chooses.

    Attributes:
        user: what it is for: `the program`.
        path: of the interpreter; None when there is none.
        origin: why it is this one.
        problem: what is wrong if there is none.
        remedy: what to do then.
    """

    user: str
    path: Path | None
    origin: str
    problem: str = ""
    remedy: str = ""


def check_interpreters(project: Project | None, folder: Path, environment: Mapping[str, str]) -> list[Check]:
    """Check that both can import this package, in this version.

    Args:
        project: None: what a project without options would get; a problem is a warning then.
        folder: the current folder.
        environment: the process's.
    """
    if project is not None and project.runtime != "python":
        what = f"the runtime is {project.runtime!r}" if project.runtime else "names no runtime"
        return [Check.failure(_NAME, f"{project.file.name}: {what}", "write the program in Python: runtime: python")]
    try:
        choices = [_choose_ambient("the program and the provider", environment)]
        if project is not None:
            choices = [_choose_for_program(project, environment), _choose_for_provider(project, environment)]
    except CannotRun as reason:
        return [Check.failure(_NAME, f"poetry {reason}", "run `poetry env info` to see why")]
    if len(choices) == 2 and choices[0].path is not None and choices[0].path == choices[1].path:
        choices = [_Choice("the program and the provider", choices[0].path, choices[0].origin)]
    where = folder if project is None else project.program
    if not where.is_dir():
        return [Check.failure(_NAME, f"the program's folder {show_path(where)}: is not there", "correct `main`")]
    checks = [_probe(choice, where, environment) for choice in choices]
    if project is None:
        checks = [
            check if check.remedy is None else Check.warning(_NAME, check.message, check.remedy) for check in checks
        ]
    return checks


def _choose_for_program(project: Project, environment: Mapping[str, str]) -> _Choice:
    """As the language host resolves it."""
    user, toolchain = "the program", project.options.get("toolchain", "")
    named = project.options.get("virtualenv", "")
    if not toolchain and _search_up(project.program, "uv.lock"):
        toolchain = "uv"
    elif not toolchain and _search_up(project.program, "poetry.lock"):
        toolchain = "poetry"
    if toolchain == "poetry":
        return _choose_poetry(user, project, environment)
    if named:
        return _choose_virtualenv(user, project.folder / named, f"`virtualenv` of {project.file.name}")
    if toolchain == "uv":
        start = project.program
        beside = _search_up(start, "uv.lock") or _search_up(start, "pyproject.toml") or start
        name = environment.get("UV_PROJECT_ENVIRONMENT") or ".venv"
        return _choose_virtualenv(user, beside / name, "toolchain uv", "run: uv sync")
    return _choose_ambient(user, environment)


def _choose_for_provider(project: Project, environment: Mapping[str, str]) -> _Choice:
    """As the launcher of dynamic providers resolves it, in the program's folder."""
    user, toolchain = "the dynamic provider", project.options.get("toolchain", "")
    named = project.options.get("virtualenv", "") or environment.get("PULUMI_RUNTIME_VIRTUALENV", "")
    if named:
        path = project.program / named
        remedy = ""
        if not Path(named).is_absolute() and project.program != project.folder:
            remedy = (
                f"it is looked for below the program's folder, which `main` names; give the absolute path "
                f"{show_path(project.folder / named)}, or remove `virtualenv` and run `pulumi` in the activated "
                "environment"
            )
        return _choose_virtualenv(user, path, f"`virtualenv` of {project.file.name}", remedy)
    if toolchain == "uv":
        remedy = "run: uv sync; below the program's folder, or give `virtualenv` as an absolute path"
        return _choose_virtualenv(user, project.program / ".venv", "toolchain uv", remedy)
    if toolchain == "poetry":
        return _choose_poetry(user, project, environment)
    return _choose_ambient(user, environment)


def _choose_virtualenv(user: str, path: Path, origin: str, remedy: str = "") -> _Choice:
    python = Path(os.path.normpath(path)) / _FOLDER / ("python.exe" if os.name == "nt" else "python")
    if python.is_file():
        return _Choice(user, python, origin)
    folder = python.parent.parent
    problem = "is not a virtual environment" if folder.is_dir() else "is not there"
    return _Choice(
        user,
        None,
        origin,
        f"{show_path(folder)} {problem}",
        remedy or f"run: python3 -m venv {show_path(folder)}, and install pulumi-plugchoice there",
    )


def _choose_poetry(user: str, project: Project, environment: Mapping[str, str]) -> _Choice:
    poetry = shutil.which("poetry", path=environment.get("PATH", os.defpath))
    if poetry is None:
        return _Choice(user, None, "toolchain poetry", "poetry is not on PATH", "install it, or set `toolchain: pip`")
    done = run([poetry, "env", "info", "--path", "--no-ansi"], project.program, environment)
    lines = done.output.split("\n")
    path = next((line.strip() for line in reversed(lines) if Path(line.strip()).is_absolute()), "")
    if done.status != 0 or not path:
        return _Choice(user, None, "toolchain poetry", "poetry has no environment here", "run: poetry install")
    return _choose_virtualenv(user, Path(path), "toolchain poetry", "run: poetry install")


def _choose_ambient(user: str, environment: Mapping[str, str]) -> _Choice:
    named = environment.get("PULUMI_PYTHON_CMD", "")
    names = [named] if named else ["python", "python3"] if os.name == "nt" else ["python3", "python"]
    path = environment.get("PATH", os.defpath)
    found = next(filter(None, (shutil.which(name, path=path) for name in names)), None)
    origin = "PULUMI_PYTHON_CMD" if named else _PATH
    if found is None:
        problem = f"{printable(named or 'python3', 100)!r} is not there"
        return _Choice(user, None, origin, problem, "correct PULUMI_PYTHON_CMD" if named else "install Python 3.10")
    return _Choice(user, Path(found).absolute(), origin)


def _search_up(folder: Path, name: str) -> Path | None:
    return next((above for above in (folder, *folder.parents) if (above / name).exists()), None)


def _probe(choice: _Choice, folder: Path, environment: Mapping[str, str]) -> Check:
    """Start a Python as the engine does, and ask it for the packages."""
    if choice.path is None:
        return Check.failure(_NAME, f"for {choice.user} ({choice.origin}): {choice.problem}", choice.remedy)
    where = f"{show_path(choice.path)}, for {choice.user} ({choice.origin})"
    variables = dict(environment)
    if choice.origin not in (_PATH, "PULUMI_PYTHON_CMD"):
        variables.pop("PYTHONHOME", None)
    try:
        done = run([str(choice.path), "-B", "-c", _PROBE], folder, variables)
    except CannotRun as reason:
        return Check.failure(_NAME, f"{where}: {reason}", "repair this Python, or choose another one")
    found = _parse(done.output)
    if "python" not in found:
        return Check.failure(
            _NAME,
            f"{where}: does not run Python code (exit status {done.status}: {printable(done.output[-200:], 100)})",
            "repair this Python, or choose another one",
        )
    install = f"run: {show_path(choice.path)} -m pip install pulumi-plugchoice=={__version__}"
    if choice.origin == _PATH:
        install = f"activate the environment that has it before you run `pulumi`, or {install}"
    if "error" in found:
        return Check.failure(
            _NAME, f"{where}: cannot import pulumi_plugchoice ({printable(found['error'], 150)})", install
        )
    versions = (
        f"Python {printable(found['python'], 20)} with pulumi-plugchoice {printable(found.get('plugchoice'), 20)} and "
        f"pulumi {printable(found.get('pulumi'), 20)}"
    )
    if found.get("plugchoice") != __version__:
        return Check.warning(_NAME, f"{where}: {versions}; this command is {__version__}", install)
    return Check.ok(_NAME, f"{versions}: {where}")


def _parse(output: str) -> dict[str, Any]:
    line = next((line for line in reversed(output.split("\n")) if line.startswith(_MARK)), "")
    try:
        found = json.loads(line.removeprefix(_MARK))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
