"""`plugchoice review --base`: both sides are read from git, and no site file that differs is left out."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from pulumi_plugchoice.cli.group import plugchoice
from pulumi_plugchoice.review import git
from pulumi_plugchoice.review.fit import fit, has_content
from pulumi_plugchoice.review.json_report import SCHEMA_FILE
from support import schemas
from support.repository import call, commit, make_text

if TYPE_CHECKING:
    from click.testing import Result

SNAPSHOTS = Path(__file__).parent.parent / "fixtures" / "site-reports"
TURN = (
    "HRB-001, connectors: [{connector_id: 1, phase_rotation: RST",
    "HRB-001, connectors: [{connector_id: 1, phase_rotation: TRS",
)


def edit(file: str, old: str, new: str) -> None:
    path = Path(file)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with three sites in one commit; the current folder is in it."""
    folder = tmp_path / "repository"
    (folder / "sites").mkdir(parents=True)
    monkeypatch.chdir(folder)
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    for number in (1, 2, 3):
        Path(f"sites/site-{number}.yaml").write_text(make_text(number))
    call("init", "-q")
    commit()
    return folder


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(plugchoice, ["review", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def run_json(*arguments: object) -> dict[str, Any]:
    """The report, valid by its schema."""
    report: dict[str, Any] = json.loads(run(*arguments, "--format", "json").stdout)
    schemas.validate(report, SCHEMA_FILE)
    return report


def states(*arguments: object) -> dict[str, str]:
    return {item["file"]: item["state"] for item in run_json(*arguments)["files"]}


# ---------------------------------------------------------------- what differs


def test_every_site_file_that_differs_is_reviewed(repository: Path) -> None:
    """Changed, added, removed, renamed, layout only; the files on the disk, and then the same as a commit."""
    for number in (4, 5):
        Path(f"sites/site-{number}.yaml").write_text(make_text(number))
    base = commit()
    edit("sites/site-1.yaml", "breaker_amps: 40", "breaker_amps: 63")
    Path("sites/site-2.yaml").unlink()
    Path("sites/site-3.yaml").rename("sites/quay.yaml")
    edit("sites/site-4.yaml", "# without", "# with")
    Path("sites/new.yaml").write_text(make_text(9))
    expected = {
        "sites/new.yaml": "added",
        "sites/quay.yaml": "renamed",
        "sites/site-1.yaml": "changed",
        "sites/site-2.yaml": "removed",
        "sites/site-4.yaml": "layout",
    }
    assert states("--base", base) == expected
    on_disk = run("--base", base)
    assert on_disk.exit_code == 0
    commit()
    Path("sites/site-5.yaml").write_text("not a site\n")
    assert states("--base", base, "--head", "HEAD") == expected, "the files on the disk do not count then"
    (renamed,) = (item for item in run_json("--base", base, "--head", "HEAD")["files"] if item["state"] == "renamed")
    assert renamed["file_before"] == "sites/site-3.yaml"
    text = run("--base", base, "--head", "HEAD").stdout
    assert (
        text.splitlines()[1:]
        == on_disk.stdout.replace("the files on the disk", f"head `{call('rev-parse', 'HEAD')[:12]}`").splitlines()[1:]
    )
    assert "### Review: 5 of 7 site files changed" in text
    assert "| `quay (HRB-004)` | breaker_amps | `40 A` | `63 A` |" in text
    assert "File `sites/quay.yaml`, before `sites/site-3.yaml`: " in text
    assert "### `Harbour 3`: site file renamed, no value differs; " in text
    assert "### `Harbour 2`: site file removed; " in text
    assert "then 5 connectors keep the values in Plugchoice." in text
    for key in ("`site` | site", "`site` | supply.main_fuse_amps", "`quay (HRB-004), connector 2` | whole connector"):
        assert text.count(f"| {key} | ") == 2, "in the added and in the removed file"


def test_a_renamed_file_that_also_changes_is_the_same_site(repository: Path) -> None:
    """Found by the UUID of the site, in any case of its letters."""
    edit("sites/site-3.yaml", "0b6c1d2e", "0B6C1D2E")
    edit("sites/site-3.yaml", "main_fuse_amps: 125", "main_fuse_amps: 100")
    Path("sites/site-3.yaml").rename("sites/a.yaml")
    (item,) = run_json("--base", "HEAD")["files"]
    assert (item["file"], item["file_before"], item["state"]) == ("sites/a.yaml", "sites/site-3.yaml", "renamed")
    assert [change["key"] for change in item["changes"]] == ["site", "supply.main_fuse_amps"]


def test_nothing_differs(repository: Path) -> None:
    """Also not after a check-out that has converted the line ends."""
    Path("sites/site-1.yaml").write_bytes(Path("sites/site-1.yaml").read_bytes().replace(b"\n", b"\r\n"))
    result = run("--base", "HEAD")
    assert result.exit_code == 0
    assert result.stdout.startswith("### Review: no site file changed\n\nBase `")


def test_files_and_folders_are_named_from_the_current_folder(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the report they stand from the root of the repository."""
    for number in (1, 2):
        edit(f"sites/site-{number}.yaml", "breaker_amps: 40", "breaker_amps: 63")
    monkeypatch.chdir(repository / "sites")
    assert states("--base", "HEAD", "site-1.yaml") == {"sites/site-1.yaml": "changed"}
    assert set(states("--base", "HEAD", ".")) == {"sites/site-1.yaml", "sites/site-2.yaml"}
    assert set(states("--base", "HEAD", repository / "sites")) == {"sites/site-1.yaml", "sites/site-2.yaml"}
    result = run("--base", "HEAD")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "sites: has no site file (*.yaml) on either side; name the site files\n"
    result = run("--base", "HEAD", "/etc/hosts")
    assert result.stderr == ("/etc/hosts: is not in the git repository of the current folder; name files that are\n")


@pytest.mark.slow
def test_names_of_files_are_taken_as_they_are(repository: Path) -> None:
    """No pattern, no option, no markup; blanks, quotes, line ends, other scripts, bytes that are no text."""
    names = ["-x.yaml", "a b.yaml", '"q".yaml', "n\nl.yaml", "é.yaml", ":(top)x.yaml", "[s]*.yaml", "<!-- @a |`.yaml"]
    for number, name in enumerate(names, 10):
        Path("sites", name).write_text(make_text(number))
    Path(os.fsdecode(b"sites/\xff.yaml")).write_text(make_text(30))
    assert len(states("--base", "HEAD")) == len(names) + 1
    commit()
    assert set(states("--base", "HEAD~", "--head", "HEAD").values()) == {"added"}
    assert len(states("--base", "HEAD~", "--head", "HEAD")) == len(names) + 1
    text = run("--base", "HEAD~", "--head", "HEAD").stdout
    assert "\n| ``sites/<!-- @a \\|`.yaml`` | `Harbour 17` | new site file |" in text
    assert "\n| `sites/n l.yaml` |" in text
    assert list(states("--base", "HEAD~", "--head", "HEAD", "sites/[s]*.yaml")) == ["sites/[s]*.yaml"]
    Path(":(exclude)x.yaml").write_text(make_text(31))
    commit()
    assert list(states("--base", "HEAD~", "--head", "HEAD", ":(exclude)x.yaml")) == [":(exclude)x.yaml"]


# ---------------------------------------------------------------- other files


def make_project(folder: Path) -> None:
    """What is beside the site files of a project."""
    for name in ("Pulumi.yaml", "__main__.py", "requirements.txt", ".github/workflows/apply.yml", "README.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("name: x\n")
    (folder / "Pulumi.site-1.yaml").write_text("config:\n  aws:region: x\n  plugchoice:token: {secure: abc}\n")


@pytest.mark.parametrize("is_head", [False, True], ids=["disk", "commit"])
def test_other_files_that_can_change_what_an_update_does_are_named(repository: Path, *, is_head: bool) -> None:
    """The review says that it does not cover them, also if no site file differs. Documents are counted only."""
    make_project(repository)
    base = commit()
    for name in ("__main__.py", "requirements.txt", "Pulumi.yaml", ".github/workflows/apply.yml", "README.md"):
        Path(name).write_text("name: y\n")
    config = Path("Pulumi.site-1.yaml")
    config.write_text(config.read_text() + "  plugchoice:config:baseUrl: https://evil.example/`#1\n")
    config.write_text(config.read_text().replace("abc", "def"))
    Path("Pulumi.site-2.yaml").write_text("config: {plugchoice:site: *a}\n")
    Path("docs").mkdir()
    Path("docs/x.py").touch()
    call("add", "-A")
    head = ["--head", commit()] if is_head else []

    report = run_json("--base", base, *head)
    found = {item["file"]: (item["kind"], item["options"]) for item in report["other_files"]}
    assert found == {
        "Pulumi.site-1.yaml": (
            "stack config",
            [
                {"name": "plugchoice:baseUrl", "old": None, "new": "https://evil.example/`#1"},
                {"name": "plugchoice:token", "old": "a value that is not shown", "new": "a value that is not shown"},
            ],
        ),
        "Pulumi.site-2.yaml": ("stack config", None),
        "Pulumi.yaml": ("project file", []),
        ".github/workflows/apply.yml": ("workflow", []),
        "requirements.txt": ("dependencies", []),
        "__main__.py": ("program", []),
    }
    assert (report["files"], report["more_files"]) == ([], 2)
    text = run("--base", base, *head).stdout
    assert text.startswith("### Review: no site file changed\n")
    assert "\n**Other files changed; the review and its digest do not cover them**\n" in text
    assert (
        "| options of a stack; `plugchoice:baseUrl` not set → ``https://evil.example/`#1``, where the token is sent; "
    ) in text
    assert "\n| `Pulumi.site-2.yaml` | stack config | options of a stack; it cannot be read here |\n" in text
    assert "\n2 more files differ: documents, tests, hidden files, other folders.\n" in text
    assert has_content(text)
    assert "| `Pulumi.site-1.yaml` | stack config |" in fit(text, 2_200, "characters", "")


def test_other_files_are_those_of_the_project(repository: Path) -> None:
    """Of another folder of the repository, only the number. What a command has written on the disk is no file of it."""
    for folder in ("charging", "web"):
        make_project(repository / folder)
    shutil.copytree("sites", "charging/sites")
    base = commit()
    for folder in ("charging", "web"):
        Path(folder, "__main__.py").write_text("x\n")
    Path("pyproject.toml").touch()
    Path("charging/review.md").touch()
    Path("charging/out.json").touch()
    Path("charging/helper.py").touch()
    os.chdir("charging/sites")
    edit("site-1.yaml", "breaker_amps: 40", "breaker_amps: 63")
    edit("site-2.yaml", "breaker_amps: 40", "breaker_amps: 63")
    report = run_json("--base", base, "site-1.yaml")
    assert {item["file"]: item["kind"] for item in report["other_files"]} == {
        "charging/__main__.py": "program",
        "charging/helper.py": "program",
        "charging/sites/site-2.yaml": "site file",
        "pyproject.toml": "dependencies",
    }
    assert report["more_files"] == 1
    os.chdir(repository / "charging")
    call("checkout", "-q", ".")
    Path("README.md").write_text("x\n")
    Path("helper.py").unlink()
    Path("../pyproject.toml").unlink()
    text = run("--base", base).stdout
    assert "\n2 more files differ: " in text
    assert not has_content(text)


def test_a_base_that_is_ahead_with_other_files_is_told(repository: Path) -> None:
    """Otherwise they look as if the head had changed them."""
    head = call("rev-parse", "HEAD")
    Path("__main__.py").touch()
    base = commit()
    text = run("--base", base, "--head", head).stdout
    assert "| `__main__.py` | program |" in text
    assert "**The base has commits that the head does not have" in text
    assert "does not have" not in run("--base", head, "--head", base).stdout


def test_many_other_files_are_counted(repository: Path) -> None:
    """Stack configs stay at the top, and of them the one that sends the token elsewhere. git is asked once for all."""
    make_project(repository)
    base = commit()
    for number in range(60):
        Path(f"a{number}.py").touch()
        Path(f"Pulumi.a{number}.yaml").write_text("config: {plugchoice:site: x}\n")
    Path("Pulumi.site-3.yaml").write_text("config: {plugchoice:baseUrl: https://evil.example}\n")
    head = commit()
    begin = time.process_time()
    rows = [line for line in run("--base", base, "--head", head).stdout.splitlines() if line.startswith("| ")]
    assert time.process_time() - begin < 2
    assert rows[1].startswith("| `Pulumi.site-3.yaml` | stack config |")
    assert (len(rows), rows[-1]) == (52, "| and 71 more |  |  |")


# ---------------------------------------------------------------- files that cannot be read


def test_a_file_with_mistakes_fails_and_the_others_are_reviewed(repository: Path) -> None:
    """The lines stand in the review and on standard error."""
    Path("sites/site-1.yaml").write_text(make_text(1).replace("net_type: TN", "net_type: XX"))
    edit("sites/site-2.yaml", "breaker_amps: 40", "breaker_amps: 63")
    result = run("--base", "HEAD")
    assert result.exit_code == 1
    assert result.stderr.startswith("sites/site-1.yaml:3:20: supply.net_type: 'XX' ")
    assert f"- `{result.stderr.strip()}`" in result.stdout
    assert "| breaker_amps | `40 A` | `63 A` |" in result.stdout
    commit()
    Path("sites/site-1.yaml").write_text(make_text(1))
    result = run("--base", "HEAD")
    assert result.exit_code == 0, "a mistake before the change is no reason to fail"
    assert "The file before the change cannot be read, so everything counts as new." in result.stdout
    assert "- before the change: `sites/site-1.yaml:3:20: supply.net_type: 'XX' " in result.stdout
    Path("sites/site-1.yaml").unlink()
    result = run("--base", "HEAD")
    assert result.exit_code == 0
    assert "### `sites/site-1.yaml`: site file removed" in result.stdout


def test_a_link_is_not_followed(repository: Path, tmp_path: Path) -> None:
    """Neither in git nor on the disk, and not one that stays the same either: its target may have changed."""
    secret = tmp_path / "secret.yaml"
    secret.write_text(make_text(9))
    Path("sites/link.yaml").symlink_to(secret)
    result = run("--base", "HEAD")
    assert result.exit_code == 1
    assert result.stderr == "sites/link.yaml: is a link; the review reads regular files only: name the file itself\n"
    assert "Harbour 9" not in result.stdout
    commit()
    for base in ("HEAD~", "HEAD"):
        result = run("--base", base, "--head", "HEAD")
        assert result.exit_code == 1
        assert "sites/link.yaml: is a link in git; " in result.stderr
        assert "Harbour 9" not in result.stdout


def test_large_files_and_files_that_are_no_text_are_refused(repository: Path) -> None:
    """With the bounds of every site file; a large one is not even read."""
    Path("sites/large.yaml").write_text("# " + "x" * (1 << 20))
    Path("sites/bytes.yaml").write_bytes(b"\xff\xfe")
    on_disk = run("--base", "HEAD")
    commit()
    in_git = run("--base", "HEAD~", "--head", "HEAD")
    for result in (on_disk, in_git):
        assert result.exit_code == 1
        assert result.stderr.splitlines() == [
            "sites/bytes.yaml: is not UTF-8 text (byte 1); save it as UTF-8",
            "sites/large.yaml: is larger than 1 MiB; is it the right file?",
        ]


# ---------------------------------------------------------------- revisions and git itself


@pytest.mark.parametrize(
    "revision", ["--output=x", "-h", "", " ", "nope", "main:sites", "HEAD..HEAD", "HEAD:sites/site-1.yaml"]
)
@pytest.mark.parametrize("option", ["--base", "--head"])
def test_what_is_no_revision_is_one_line(option: str, revision: str, repository: Path) -> None:
    """None is taken for an option of git."""
    result = run(*(["--base=HEAD"] if option == "--head" else []), f"{option}={revision}")
    assert (result.exit_code, result.stdout) == (1, "")
    given = revision.strip() or "''"
    assert result.stderr.startswith(f"{option} {given}: ")
    is_refused = "is not a revision; name a branch, tag or commit" in result.stderr
    assert is_refused is (revision.startswith("-") or not revision.strip()), "git is not asked"
    assert result.stderr.count("\n") == 1
    assert sorted(path.name for path in repository.iterdir()) == [".git", "sites"]


def test_a_branch_of_the_remote_is_suggested(repository: Path) -> None:
    """A check-out of a pull request has no local main."""
    call("update-ref", "refs/remotes/origin/stable", "HEAD")
    assert run("--base", "stable").stderr == (
        "--base stable: there is no such branch, tag or commit here; did you mean origin/stable?\n"
    )


def test_a_shallow_clone_says_what_to_fetch(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most check-outs of continuous integration are shallow; both commits at a depth of one are enough."""
    base = call("rev-parse", "HEAD")
    edit("sites/site-1.yaml", "breaker_amps: 40", "breaker_amps: 63")
    head = commit()
    call("config", "uploadpack.allowAnySHA1InWant", "true")
    call("clone", "-q", "--depth=1", f"file://{repository}", str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    result = run("--base", base)
    assert result.exit_code == 1
    assert result.stderr == (
        f"--base {base}: there is no such commit in this shallow clone; fetch it (git fetch --depth=1 origin {base}), "
        "or clone with the whole history (actions/checkout: fetch-depth: 0; GitLab: GIT_DEPTH: 0)\n"
    )
    call("fetch", "-q", "--depth=1", "origin", base)
    report = run_json("--base", base, "--head", head)
    assert [item["file"] for item in report["files"]] == ["sites/site-1.yaml"]
    assert report["base_is_ahead"] is False


def test_a_base_that_has_gone_on_is_told(repository: Path) -> None:
    """What somebody else has merged meanwhile would look as if this change took it back."""
    call("switch", "-q", "-c", "change")
    edit("sites/site-1.yaml", "breaker_amps: 40", "breaker_amps: 63")
    commit()
    call("switch", "-q", "main")
    edit("sites/site-2.yaml", "main_fuse_amps: 125", "main_fuse_amps: 100")
    commit()
    report = run_json("--base", "main", "--head", "change")
    assert report["base_is_ahead"] is True
    assert "**The base has commits that the head does not have; " in run("--base", "main", "--head", "change").stdout
    merge_base = call("merge-base", "main", "change")
    assert states("--base", merge_base, "--head", "change") == {"sites/site-1.yaml": "changed"}
    assert run_json("--base", merge_base, "--head", "change")["base_is_ahead"] is False


def test_without_git_or_a_repository_it_is_one_line(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do instead."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    assert run("--base", "HEAD").stderr == (
        "--base: the current folder is not in a git repository; run this in one, or compare two files with --before\n"
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run("--base", "HEAD").stderr == "git: not found on PATH; install it, or compare two files with --before\n"


def test_a_repository_of_another_user_is_told_with_the_remedy(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job in a container often runs as another user than the one who has checked out."""
    monkeypatch.chdir("sites")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    assert run("--base", "HEAD").stderr == (
        "--base: git does not read this repository, because its folder belongs to another user; if it is yours: git "
        f"config --global --add safe.directory {repository}\n"
    )


def test_git_has_a_time_limit_and_no_token(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A partial clone may ask a server that does not answer."""
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\necho "$PLUGCHOICE_TOKEN|$GIT_TERMINAL_PROMPT" > {tmp_path}/seen\nexec sleep 60\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PLUGCHOICE_TOKEN", "test-token")
    monkeypatch.setattr(git, "PATIENCE", 0.3)
    assert run("--base", "HEAD").stderr == "git rev-parse: does not end within 0.3 s; try it by hand\n"
    assert (tmp_path / "seen").read_text() == "|0\n"


def test_another_failure_of_git_is_one_line(repository: Path) -> None:
    """A repository that is damaged: git's own words."""
    tree = call("rev-parse", "HEAD^{tree}:sites")
    path = repository / ".git" / "objects" / tree[:2] / tree[2:]
    path.chmod(0o644)
    path.unlink()
    result = run("--base", "HEAD")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("git ls-tree: exit status ")
    assert result.stderr.count("\n") == 1


# ---------------------------------------------------------------- options and reports


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name one site file, or compare all with --base REV"),
        (["a.yaml", "b.yaml", "--before", "c.yaml"], "name one site file, or compare all with --base REV"),
        (["--head", "HEAD", "a.yaml"], "--head needs --base"),
        (["--base", "HEAD", "--before", "a.yaml"], "--base and --before exclude each other"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments: list[str], words: str) -> None:
    """With the status of a wrong option."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_a_site_file_is_not_replaced(repository: Path) -> None:
    """Also one that nobody named."""
    before = Path("sites/site-2.yaml").read_bytes()
    assert run("--base", "HEAD", "-o", "sites/site-2.yaml").exit_code == 1
    assert Path("sites/site-2.yaml").read_bytes() == before
    assert run("--base", "HEAD", "-o", "review.md").exit_code == 0
    assert Path("review.md").read_text().startswith("### Review: ")


def test_one_file_as_json(repository: Path) -> None:
    """With and without its version before."""
    shutil.copy("sites/site-1.yaml", "before.yaml")
    edit("sites/site-1.yaml", "label: Harbour 1", "label: <!-- Harbour")
    edit("sites/site-1.yaml", *TURN)
    (item,) = run_json("sites/site-1.yaml", "--before", "before.yaml")["files"]
    assert item["state"] == "changed"
    assert item["label"] == "<!-- Harbour"
    assert item["connectors"] == [
        {
            "charger": "HRB-001",
            "connector": 1,
            "before": {"phase_rotation": "RST", "max_amperage": 16, "terminal_l1_wired_to": "L1"},
            "after": {"phase_rotation": "TRS", "max_amperage": 16, "terminal_l1_wired_to": "L3"},
        }
    ]
    assert [(change["key"], change["look_first"]) for change in item["changes"]] == [
        ("phase_rotation", False),
        ("label", False),
    ]
    assert item["amps"]["after"]["single_phase"] == {"L1": 104, "L2": 97, "L3": 63}
    assert item["amps"]["after"]["without_cars"] == {"L1": 56, "L2": 49, "L3": 47}
    (item,) = run_json("sites/site-1.yaml")["files"]
    assert item["changes"] == []


def test_thirty_sites_of_which_four_change_begin_with_a_table(repository: Path, request: pytest.FixtureRequest) -> None:
    """And one site that is removed. Snapshots, as in test_review.py."""
    for number in range(1, 31):
        Path(f"sites/site-{number}.yaml").write_text(make_text(number))
    base = commit()
    edit("sites/site-4.yaml", *TURN)
    edit("sites/site-8.yaml", "main_fuse_amps: 125", "main_fuse_amps: 100")
    edit("sites/site-15.yaml", "label:", "on_destroy: restore\nlabel:")
    edit("sites/site-16.yaml", "single_phase_amps: 118", "three_phase_amps: 150")
    head = commit()
    many = run("--base", base, "--head", head).stdout
    Path("sites/site-20.yaml").unlink()
    removed = run("--base", head).stdout
    where = "The file `review.md` of this run has all of it, and so has the job summary."
    short = fit(many, 4_500, "characters", where)
    texts = {"review-30-sites.md": many, "review-removed-site.md": removed, "review-too-long.md": short}
    for name, text in texts.items():
        if request.config.getoption("--write-snapshots"):
            (SNAPSHOTS / name).write_text(text)
        assert text == (SNAPSHOTS / name).read_text()
    rows = [line for line in many.splitlines()[:12] if line.startswith("| `sites/")]
    assert len(rows) == 4
