"""The Pulumi project around site files: the smallest one, where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._files import FileRefused, exists, read_file
from pulumi_plugchoice._text import show_path
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.site import SITE_FOLDER

from .names import slugify

if TYPE_CHECKING:
    from pathlib import Path

_PROJECT_FILES: Final = ("Pulumi.yaml", "Pulumi.yml", "Pulumi.json")
_PROGRAM: Final = "__main__.py"
#: Where the import files are.
IMPORT_FOLDER: Final = "imports"
#: Also what commands write to the folder as the docs and the workflows run them: all of it can be written again.
IGNORED: Final = (
    *("__pycache__/", ".venv/", "venv/", f"{IMPORT_FOLDER}/", ".fleet/"),
    *("/report.html", "/report.json", "/fleet.html", "/review.html", "/review.md", "/reviewed.json", "/sheet.md"),
    *("/drift.txt", "/sites.txt", "/gl-code-quality-report.json", "/key.pem"),
)
# More of a program is not looked at.
_MOST_BYTES: Final = 1 << 20
_MOST_FILES: Final = 200


def plan_project(project: Path, sites: Path) -> dict[Path, str]:
    """Make the files of a new project; none when the folder has one.

    Args:
        project: its folder.
        sites: the folder of the site files.

    Raises:
        PlugchoiceError: the folder of the site files is not in the project.
    """
    try:
        folder = sites.resolve().relative_to(project.resolve()).as_posix()
    except ValueError:
        raise PlugchoiceError(
            f"{show_path(sites)}: is not in the project {show_path(project)}; name a folder in it, or set --project"
        ) from None
    if any(exists(project / name) for name in _PROJECT_FILES):
        return {}
    argument = "" if folder == SITE_FOLDER else f'folder="{folder}"'
    program = (
        f'"""Declares the site of the stack, from `{folder}/<stack>.yaml`."""\n\n'
        f"from pulumi_plugchoice import ChargingSite\n\nChargingSite.for_stack({argument})\n"
    )
    name = slugify(project.resolve().name) or "plugchoice-sites"
    texts = {
        "Pulumi.yaml": f"name: {name}\ndescription: One stack for each charging site, each declared in one file\n"
        "runtime: python\n",
        _PROGRAM: program,
        ".gitignore": "".join(f"{line}\n" for line in IGNORED),
    }
    return {project / name: text for name, text in texts.items() if not exists(project / name)}


def ignores_imports(project: Path) -> bool:
    """Whether the project's .gitignore has the folder of the import files."""
    lines = _read(project / ".gitignore").splitlines()
    return any(line.strip().strip("/") == IMPORT_FOLDER for line in lines)


def declares_site(project: Path) -> bool:
    """Whether a Python file of the project's folder, or of one below it, names `ChargingSite`."""
    files = [*project.glob("*.py"), *project.glob("*/*.py")]
    return any("ChargingSite" in _read(file) for file in files[:_MOST_FILES])


def _read(file: Path) -> str:
    try:
        return read_file(file, _MOST_BYTES).decode(errors="replace")
    except (OSError, FileRefused):
        return ""
