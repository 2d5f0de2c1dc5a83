"""`plugchoice adopt --ci` against the emulator: the workflows that it writes, and examples/gitops, which it makes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from click.testing import CliRunner
from pulumi_plugchoice.cli.group import plugchoice
from pulumi_plugchoice.fleet.workflows import KIT, WORKFLOWS
from pulumi_plugchoice.sitefile.schema import schema_text
from support.emulator import TOKEN

if TYPE_CHECKING:
    from click.testing import Result
    from support.emulator import Emulator

EXAMPLE: Final = Path(__file__).parent.parent.parent / "examples" / "gitops"
GITHUB: Final = sorted(WORKFLOWS["github"])


@pytest.fixture(autouse=True)
def folder(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder `gitops` that is the top of a repository, and the environment of the command."""
    project = tmp_path / "gitops"
    (project / ".git").mkdir(parents=True)
    monkeypatch.chdir(project)
    monkeypatch.setenv("PLUGCHOICE_BASE_URL", emulator.base_url)
    monkeypatch.setenv("PLUGCHOICE_TOKEN", TOKEN)
    return project


def adopt(*arguments: str, status: int = 0) -> Result:
    """Run the command without imports."""
    result = CliRunner().invoke(plugchoice, ["adopt", "--all", "--no-import", *arguments])
    assert result.exit_code == status, result.output
    return result


def list_files(folder: Path) -> dict[str, bytes]:
    """The content of each file by its path, but for what is no part of a repository."""
    left_out = {".git", "imports", "__pycache__"}
    files = [path for path in folder.rglob("*") if path.is_file() and not left_out & set(path.parts)]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_example_is_what_the_command_makes(emulator: Emulator, folder: Path) -> None:
    """Both forges, file by file. `pulumi stack init` makes the config of a stack, with a salt of its own."""
    emulator.reset(json.loads((EXAMPLE / "emulator.json").read_text()) | {"tokens": {TOKEN: {"user": "tester"}}})
    adopt("--ci", "github")
    adopt("--ci", "gitlab")

    expected = list_files(EXAMPLE)
    for name in ("README.md", "emulator.json", "Pulumi.depot.yaml", "Pulumi.harbour.yaml"):
        del expected[name]
    made = list_files(folder)
    # Versions of pydantic write a schema in several ways; `make check` compares the example's with the locked one.
    assert made.pop("sites/site.schema.json").decode() == schema_text()
    del expected["sites/site.schema.json"]
    assert made == expected


@pytest.mark.parametrize("forge", WORKFLOWS)
def test_only_the_files_of_one_forge_are_written(forge: str, folder: Path) -> None:
    """They are packaged with the command, and printed one line each."""
    result = adopt("--ci", forge)
    for name, source in WORKFLOWS[forge].items():
        assert (folder / name).read_bytes() == (KIT / source).read_bytes()
        assert f"\n{name}: written\n" in result.stdout
    assert (folder / ".github").exists() is (forge == "github")
    assert (folder / ".gitlab-ci.yml").exists() is (forge == "gitlab")


def test_files_that_exist_stay_as_they_are(folder: Path) -> None:
    """One with another text is named. Those that are missing are written, also into a project that is there."""
    own = folder / GITHUB[0]
    own.parent.mkdir(parents=True)
    own.write_text("name: ours\n")
    (folder / "requirements.txt").write_text("ours\n")
    result = adopt("--ci", "github")
    assert f"{GITHUB[0]}: exists with another text, and is left as it is\n" in result.stdout
    assert "requirements.txt" not in result.stdout
    assert own.read_text() == "name: ours\n"
    assert (folder / "requirements.txt").read_text() == "ours\n"

    for name in GITHUB[1:]:
        (folder / name).unlink()
    before = list_files(folder)
    result = adopt("--ci", "github")
    assert [line for line in result.stdout.splitlines() if line.endswith("written")] == [
        f"{name}: written" for name in WORKFLOWS["github"] if name != GITHUB[0]
    ]
    assert {name: text for name, text in list_files(folder).items() if name not in GITHUB[1:]} == before


@pytest.mark.parametrize("kind", ["folder", "pipe", "dead link", "link that leads out"])
def test_what_is_in_the_place_of_a_workflow_stays(folder: Path, tmp_path: Path, kind: str) -> None:
    """It is named, and not followed."""
    path = folder / ".gitlab-ci.yml"
    (tmp_path / "other.yml").write_bytes((KIT / "gitlab" / "gitlab-ci.yml").read_bytes())
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("nowhere.yml" if kind == "dead link" else tmp_path / "other.yml")
    result = adopt("--ci", "gitlab")
    assert ".gitlab-ci.yml: exists with another text, and is left as it is\n" in result.stdout
    assert not (folder / "nowhere.yml").exists()


def test_a_folder_that_leads_out_of_the_project_is_refused(folder: Path, tmp_path: Path) -> None:
    """No file of the project is written then."""
    (tmp_path / "elsewhere").mkdir()
    (folder / ".github").symlink_to(tmp_path / "elsewhere")
    result = adopt("--ci", "github", status=1)
    assert "is a link that leads out of the project" in result.stderr
    assert list((tmp_path / "elsewhere").rglob("*.yml")) == []
    assert list_files(folder) == {}


def test_without_a_site_nothing_is_written(emulator: Emulator, folder: Path) -> None:
    """The workflows come with the project."""
    emulator.fault("status", path="/groups$", status=200, body={"data": []}, times=None)
    assert "not adopted" in adopt("--ci", "github", status=1).stdout
    assert list_files(folder) == {}


def test_a_place_where_no_forge_looks_is_refused(folder: Path) -> None:
    """Before anything is asked or written."""
    part = folder / "charging"
    part.mkdir()
    result = adopt("--ci", "github", "--project", "charging", status=1)
    assert result.stderr.startswith("--ci: charging is not the top folder of its repository, ")
    result = adopt("--ci", "gitlab", "--output", "charging", status=1)
    assert result.stderr.startswith("--ci: the workflows need the program and the folder sites in ")
    (folder / "Pulumi.yaml").write_text("name: x\nruntime: python\nmain: charging\n")
    assert "--ci: the workflows need the program" in adopt("--ci", "gitlab", status=1).stderr
    assert list_files(folder) == {"Pulumi.yaml": b"name: x\nruntime: python\nmain: charging\n"}


def test_a_folder_without_git_is_a_new_repository(folder: Path) -> None:
    """`git init` may come later."""
    (folder / ".git").rmdir()
    adopt("--ci", "github")
    assert (folder / GITHUB[0]).is_file()
