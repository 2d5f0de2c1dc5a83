"""`plugchoice fleet list` and `matrix`: no site that a change touches is left out."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from pulumi_plugchoice.cli.group import plugchoice
from pulumi_plugchoice.fleet.selection import SCHEMA_FILE
from support import schemas
from support.repository import call, commit, make_text

if TYPE_CHECKING:
    from click.testing import Result

FILE = "site file changed"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with three sites in a folder of its repository, committed; it is the current folder."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "repository" / "charging"
    (folder / "sites").mkdir(parents=True)
    monkeypatch.chdir(folder)
    call("init", "-q", "..")
    for number, name in enumerate(("a", "b", "c"), 1):
        Path(f"sites/{name}.yaml").write_text(make_text(number))
        Path(f"Pulumi.{name}.yaml").write_text("config: {}\n")
    Path("Pulumi.yaml").write_text("name: fleet\nruntime: python\n")
    Path("__main__.py").write_text("from pulumi_plugchoice import ChargingSite\n\nChargingSite.for_stack()\n")
    Path("sites/more").mkdir()
    Path("sites/more/values.yaml").write_text("{}")
    Path("values.json").write_text("{}")
    Path("requirements.txt").write_text("pulumi-plugchoice==0.1.0\n")
    commit()
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(plugchoice, ["fleet", *arguments])


def touched(revision: str = "HEAD", *more: str) -> dict[str, str]:
    """The selected sites, each with the reason; what was printed has the shape that the schema says."""
    result = run("list", "--changed-since", revision, "--format", "json", *more)
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    schemas.validate(report, SCHEMA_FILE)
    assert set(report) == {"version", "sites"}
    for site in report["sites"]:
        assert list(site) == ["name", "file", "stack", "reason"]
        assert (site["file"], site["stack"]) == (f"sites/{site['name']}.yaml", site["name"])
    return {site["name"]: site["reason"] for site in report["sites"]}


def change(name: str) -> None:
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as stream:
        stream.write("\n# changed\n")


@pytest.mark.parametrize("stage", ["disk", "staged", "committed"])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sites/b.yaml", {"b": FILE}),
        ("Pulumi.c.yaml", {"c": "stack config changed: Pulumi.c.yaml"}),
        ("Pulumi.new.yaml", {}),
        ("__main__.py", "program changed: charging/__main__.py"),
        ("parts/more.py", "program changed: charging/parts/more.py"),
        ("values.json", "program changed: charging/values.json"),
        ("sites/more/values.yaml", "program changed: charging/sites/more/values.yaml"),
        ("Pulumi.yaml", "project file changed: charging/Pulumi.yaml"),
        ("requirements.txt", "dependencies changed: charging/requirements.txt"),
        ("uv.lock", "dependencies changed: charging/uv.lock"),
        ("../uv.lock", "dependencies changed: uv.lock"),
        ("../pyproject.toml", "dependencies changed: pyproject.toml"),
        ("../other/uv.lock", {}),
        ("../other.py", {}),
        ("README.md", {}),
        (".github/workflows/ci.yml", {}),
        ("tests/test_program.py", {}),
        ("sites/site.schema.json", {}),
    ],
)
def test_what_touches_which_site(project: Path, name: str, expected: dict[str, str] | str, stage: str) -> None:
    """Whether it is committed or not."""
    base = call("rev-parse", "HEAD")
    change(name)
    if stage != "disk":
        call("add", "-A")
    if stage == "committed":
        commit()
    found = touched(base)
    assert found == (expected if isinstance(expected, dict) else dict.fromkeys("abc", expected))
    assert touched(base, "--project", str(project)) == found


def test_nothing_changed(project: Path) -> None:
    """Not by a new time either; an empty selection is a matrix that CI can test for."""
    os.utime("sites/a.yaml", (1, 1))
    assert touched() == {}
    assert run("list", "--changed-since", "HEAD").stdout == "0 sites\n"
    assert run("matrix", "--changed-since", "HEAD", "--shards", "4").stdout == '{"include":[]}\n'
    assert run("matrix", "--changed-since", "HEAD", "--shards", "4", "--format", "gitlab").stdout == "[]\n"


def test_the_output_of_another_command_is_no_program(project: Path) -> None:
    """It would touch all sites of the next command: a report, a reviewed file. Added to git it counts."""
    for name in ("reviewed.json", "report.html", "parts/values.csv"):
        change(name)
    assert touched() == {}
    call("add", "-A")
    assert touched() == dict.fromkeys("abc", "program changed: charging/parts/values.csv and 1 more")


def test_reasons_are_told_together_and_for_each_site(project: Path) -> None:
    for name in ("sites/a.yaml", "Pulumi.a.yaml", "uv.lock", "x.py", "y.py", "z.py"):
        change(name)
    others = "dependencies changed: charging/uv.lock; program changed: charging/x.py and 2 more"
    assert touched() == {
        "a": f"site file changed; {others}; stack config changed: Pulumi.a.yaml",
        "b": others,
        "c": others,
    }
    assert run("list", "--changed-since", "HEAD").stdout.splitlines()[1:] == [f"b: {others}", f"c: {others}", "3 sites"]


@pytest.mark.parametrize("is_committed", [False, True])
def test_a_removed_and_a_renamed_file_are_told(project: Path, is_committed: bool) -> None:
    """The stack of a removed file is still there, and is not run; a renamed one is the same site."""
    base = call("rev-parse", "HEAD")
    Path("sites/a.yaml").unlink()
    Path("sites/b.yaml").rename("sites/quay.yaml")
    change("sites/quay.yaml")
    Path("sites/d.yaml").write_text(make_text(9))
    if is_committed:
        commit()
    assert touched(base) == {"d": "site file is new", "quay": "site file renamed from b.yaml"}
    assert run("list", "--changed-since", base).stderr.splitlines() == [
        "sites/a.yaml: removed; its stack is not run: `pulumi destroy --stack a --remove` ends it",
        "sites/b.yaml: renamed to quay.yaml; its stack is not: run `pulumi stack rename quay --stack b` first, or two "
        "stacks have the site",
    ]


def test_files_with_mistakes_are_not_taken_for_renamed(project: Path) -> None:
    Path("sites/a.yaml").write_text("not a site\n")
    commit()
    Path("sites/a.yaml").unlink()
    Path("sites/d.yaml").write_text("not a site\n")
    assert touched() == {"d": "site file is new"}


def test_what_git_does_not_see_is_touched(project: Path, tmp_path: Path) -> None:
    """An ignored file, and a link whose target may have changed."""
    Path(".gitignore").write_text("sites/ignored.yaml\n")
    Path("sites/link.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    (tmp_path / "elsewhere.yaml").write_text(make_text(8))
    commit()
    Path("sites/ignored.yaml").write_text(make_text(9))
    assert touched() == {
        "ignored": "git does not track the site file, so a change is not told",
        "link": "the site file is a link, and git does not tell whether its target changed",
    }


def test_the_users_own_settings_of_git_hide_nothing(project: Path) -> None:
    """Relative names, renames, other programs that compare."""
    call("config", "diff.relative", "true")
    call("config", "diff.renames", "copies")
    call("config", "diff.external", "false")
    call("config", "core.quotePath", "true")
    change("../uv.lock")
    assert set(touched()) == set("abc")


def test_a_folder_of_sites_that_is_a_link(project: Path) -> None:
    Path("sites").rename("places")
    Path("sites").symlink_to("places")
    commit()
    change("places/b.yaml")
    assert touched() == {"b": FILE}


def test_the_program_may_be_elsewhere(project: Path) -> None:
    """As `main` says; then the site files are beside it. `stackConfigDir` names the stacks' config."""
    Path("code").mkdir()
    Path("sites").rename("code/sites")
    Path("Pulumi.yaml").write_text("name: fleet\nruntime: python\nmain: code\nstackConfigDir: config\n")
    Path("config").mkdir()
    Path("config/Pulumi.b.yaml").write_text("config: {}\n")
    commit()
    change("config/Pulumi.b.yaml")
    change("code/sites/c.yaml")
    result = run("list", "--changed-since", "HEAD")
    assert result.stdout.splitlines() == [
        "b: stack config changed: Pulumi.b.yaml",
        "c: site file changed",
        "2 sites",
    ]


# ---------------------------------------------------------------- revisions


@pytest.mark.parametrize("length", [40, 64])
def test_a_commit_that_only_a_machine_can_have_named(project: Path, length: int) -> None:
    """A push event names a commit that is gone after a forced push, and zeros for a new branch: all sites."""
    assert touched("0" * length) == dict.fromkeys("abc", "all sites: there is no commit before this one")
    name = "12ab" * (length // 4)
    assert touched(name) == dict.fromkeys("abc", "all sites: this clone does not have 12ab12ab12ab")


@pytest.mark.parametrize("revision", ["nope", "HEAD~50", "12ab12ab", "-x", "", " ", "HEAD:sites"])
def test_a_mistyped_revision_is_one_line(project: Path, revision: str) -> None:
    """With status 2: what a person has typed can be corrected."""
    result = run("list", f"--changed-since={revision}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("--changed-since ")
    assert result.stderr.count("\n") == 1


def test_a_shallow_clone_selects_all_when_it_cannot_tell(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the revision is called: it may be one that was not fetched."""
    base = call("rev-parse", "HEAD")
    change("sites/a.yaml")
    commit()
    call("clone", "-q", "--depth=1", f"file://{project.parent}", str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow" / "charging")
    reason = "all sites: this shallow clone does not have "
    assert touched(base) == dict.fromkeys("abc", reason + base[:12])
    assert touched("origin/main~") == dict.fromkeys("abc", reason + "origin/main~")
    assert run("list", "--changed-since=-x").exit_code == 2
    call("config", "uploadpack.allowAnySHA1InWant", "true", folder=project)
    call("fetch", "-q", "--depth=1", "origin", base)
    assert touched(base) == {"a": FILE}


@pytest.mark.parametrize("case", ["no git", "no repository"])
def test_without_git_or_a_repository_it_is_one_line(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """--all works without them."""
    if case == "no git":
        monkeypatch.setenv("PATH", str(tmp_path / "empty"))
        line = "git: not found on PATH; install it, or select with --all\n"
    else:
        shutil.rmtree(project.parent / ".git")
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
        line = "--changed-since: the current folder is not in a git repository; run this in one, or select with --all\n"
    result = run("list", "--changed-since", "HEAD")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", line)
    assert run("list", "--all").exit_code == 0


# ---------------------------------------------------------------- names, shards, bad input


def test_sites_are_named_by_name_or_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each comes once, in the order of their names."""
    assert run("list", "c", "sites/a.yaml", "a").stdout.splitlines() == ["a: named", "c: named", "2 sites"]
    monkeypatch.chdir("sites")
    assert run("list", "b.yaml").stdout.splitlines() == ["b: named", "1 site"]
    assert run("list", "--all").stdout.splitlines()[-1] == "3 sites"


@pytest.mark.parametrize(
    ("arguments", "status", "line"),
    [
        (("list",), 2, "SITES, --all or --changed-since: give one of them"),
        (("list", "--all", "a"), 2, "SITES, --all or --changed-since: give one of them"),
        (("list", "--all", "--changed-since", "HEAD"), 2, "SITES, --all or --changed-since: give one of them"),
        (("list", "bb"), 2, "bb: there is no such site; did you mean b?"),
        (("list", "harbour"), 2, "harbour: there is no such site; name one of sites/*.yaml"),
        (("list", "sites/none.yaml"), 2, "sites/none.yaml: there is no such site; name one of sites/*.yaml"),
        (("list", "--all", "--folder", "x"), 1, "x: there is no such folder; name the folder of the site files with"),
        (("list", "--all", "--folder", "."), 1, "Pulumi.yaml"),
        (("list", "--all", "--project", "/"), 1, "/: there is no Pulumi.yaml here or above; "),
        (("matrix", "--all", "--shards", "201", "--format", "gitlab"), 2, "--shards 201: GitLab allows 200 jobs; "),
    ],
)
def test_a_selection_that_cannot_be_is_one_line(
    project: Path, arguments: tuple[str, ...], status: int, line: str
) -> None:
    if "." in arguments:
        arguments = (*arguments[:-1], "empty")
        Path("empty").mkdir()
        line = "empty: has no site file (*.yaml); name the folder of the site files with --folder"
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (status, "")
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("number", ["0", "257", "x", "-1"])
def test_a_number_of_shards_that_no_forge_takes(project: Path, number: str) -> None:
    result = run("matrix", "--all", "--shards", number)
    assert result.exit_code == 2
    assert "Invalid value for '--shards'" in result.stderr


@pytest.mark.parametrize("name", ["a b", "-x", "é", "a$(x)", "x" * 101])
def test_a_name_that_no_stack_may_have(project: Path, name: str) -> None:
    """It would be an option of the CLI, or go into a shell of a CI job."""
    Path(f"sites/{name}.yaml").write_text(make_text(9))
    result = run("matrix", "--all", "--shards", "1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "cannot be the name of a stack; use letters, digits, hyphens, underscores and dots" in result.stderr


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 12])
@pytest.mark.parametrize("shards", [1, 2, 3, 5, 256])
def test_each_site_is_in_one_job_and_no_job_is_empty(project: Path, count: int, shards: int) -> None:
    """None has more than one site more than another."""
    shutil.rmtree("sites")
    Path("sites").mkdir()
    names = [f"site-{number:02}" for number in range(count)]
    for name in names:
        Path(f"sites/{name}.yaml").write_text("")
    legs = json.loads(run("matrix", "--all", "--shards", str(shards)).stdout)["include"]
    parts = [leg["sites"].split() for leg in legs]
    assert sorted(name for part in parts for name in part) == names
    assert len(legs) == min(count, shards)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert [leg["shard"] for leg in legs] == [f"{number}/{shards}" for number in range(1, len(legs) + 1)]


def test_the_matrix_is_one_line(project: Path) -> None:
    """So that it goes into an output of a job."""
    github = '{"include":[{"shard":"1/2","sites":"a c"},{"shard":"2/2","sites":"b"}]}\n'
    gitlab = '[{"SHARD":"1/2","SITES":"a c"},{"SHARD":"2/2","SITES":"b"}]\n'
    assert run("matrix", "--all", "--shards", "2").stdout == github
    assert run("matrix", "--all", "--shards", "2", "--format", "gitlab").stdout == gitlab


def test_a_canary_comes_first_when_it_is_selected(project: Path) -> None:
    """For a workflow that applies one site before the others; a mistyped one is not left out in silence."""
    change("sites/c.yaml")
    change("sites/a.yaml")
    since = ("list", "--changed-since", "HEAD", "--format")
    assert run(*since, "github", "--canary", "c").stdout == 'canary=c\nrest=["a"]\n'
    assert run(*since, "github", "--canary", "b").stdout == 'canary=a\nrest=["c"]\n'
    assert run(*since, "github", "--canary", "").stdout == 'canary=a\nrest=["c"]\n'
    assert run(*since, "names", "--canary", "c").stdout == "c\na\n"
    commit()
    assert run(*since, "github").stdout == "canary=\nrest=[]\n"
    assert run(*since, "names").stdout == ""
    result = run(*since, "names", "--canary", "d")
    assert (result.exit_code, result.stderr) == (
        2,
        "--canary: d: there is no such site; name one of sites/*.yaml\n",
    )
