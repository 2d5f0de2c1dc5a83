"""The workflows of a repository of site files, for GitHub Actions and for GitLab CI.

Their texts are the files in the folder `kit`. docs/how-to/ci.md says what they do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pulumi_plugchoice._files import FileRefused, exists, read_file
from pulumi_plugchoice._text import show_path
from pulumi_plugchoice._version import __version__
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.site import SITE_FOLDER

#: Where the texts are.
KIT: Final = Path(__file__).parent / "kit"
#: The files for each forge: where they belong in the repository, and where their texts are in the kit.
WORKFLOWS: Final = {
    "github": {
        f".github/workflows/plugchoice-{name}.yml": f"github/plugchoice-{name}.yml"
        for name in ("review", "apply", "drift")
    },
    "gitlab": {".gitlab-ci.yml": "gitlab/gitlab-ci.yml"},
}
_REQUIREMENTS: Final = "requirements.txt"
_MOST_BYTES: Final = 1 << 20


def make_requirements() -> str:
    """What the workflows install: this version, and its corrections."""
    return f"pulumi-plugchoice[cli,ci]~={__version__}\n"


def plan_workflows(forge: str, project: Path, program: Path, sites: Path) -> tuple[dict[Path, str], list[str]]:
    """Make the files that the project lacks.

    Args:
        forge: a key of `WORKFLOWS`.
        project: folder of the project.
        program: folder of the program.
        sites: folder of the site files.

    Returns:
        The texts by path, and a line for each file that exists with another text.

    Raises:
        PlugchoiceError: the workflows would not run, or not find the site files.
    """
    top = project.resolve()
    if program.resolve() != top or sites.resolve() != top / SITE_FOLDER:
        raise PlugchoiceError(
            f"--ci: the workflows need the program and the folder {SITE_FOLDER} in the project's folder; run this "
            "without --ci, and copy them from examples/gitops"
        )
    above = next((folder for folder in top.parents if exists(folder / ".git")), None)
    if above is not None and not exists(top / ".git"):
        raise PlugchoiceError(
            f"--ci: {show_path(project)} is not the top folder of its repository, where forges look for workflows; "
            f"run this without --ci, and copy them from examples/gitops to {show_path(above)}"
        )
    texts = {project / name: (KIT / source).read_text(encoding="utf-8") for name, source in WORKFLOWS[forge].items()}
    lines = [
        f"{show_path(path)}: exists with another text, and is left as it is"
        for path, text in texts.items()
        if exists(path) and not _has(path, text)
    ]
    texts[project / _REQUIREMENTS] = make_requirements()
    return {path: text for path, text in texts.items() if not exists(path)}, lines


def _has(path: Path, text: str) -> bool:
    try:
        return read_file(path, _MOST_BYTES) == text.encode()
    except (OSError, FileRefused):
        return False
