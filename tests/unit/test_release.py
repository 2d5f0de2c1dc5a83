"""`tools/release.py`: what a release check refuses, each in one line."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.scripts import load

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parent.parent.parent
INFO = "pulumi_plugchoice-0.1.0.dist-info/"


@pytest.fixture
def release() -> ModuleType:
    return load("release.py")


@pytest.fixture
def repository(release: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clean repository with a version and a changelog."""
    folder = tmp_path / "repository"
    package = folder / release.PACKAGE
    package.mkdir(parents=True)
    (package / "_version.py").write_text('__version__ = "0.1.0"\n')
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## 0.1.0 (unreleased)\n\n- New.\n")
    for name in release.REQUIRED:
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(name)
    (folder / "LICENSE").write_text("Apache")
    monkeypatch.setattr(release, "ROOT", folder)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    commit(folder)
    monkeypatch.setattr(release, "make_dist", lambda _: pytest.fail("it builds"))
    assert not release.git("status", "--porcelain")
    return folder


def commit(folder: Path) -> None:
    """Commit all files."""
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t.test"]
    for command in (["add", "."], ["commit", "--quiet", "--allow-empty", "--message=x"]):
        subprocess.run([*git, *command], cwd=folder, check=True)


def check(release: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """Run the check; return the line with which it ends."""
    monkeypatch.setattr(sys, "argv", ["release.py", "check", *arguments])
    with pytest.raises(SystemExit) as ended:
        release.main()
    return str(ended.value)


@pytest.mark.parametrize("change", ["changed", "staged", "new"])
def test_a_work_tree_with_changes_is_refused(
    release: ModuleType, repository: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """A file that is changed, added to the index, or not tracked."""
    (repository / ("LICENSE" if change == "changed" else "new.txt")).write_text("x")
    if change == "staged":
        subprocess.run(["git", "add", "."], cwd=repository, check=True)

    assert check(release, monkeypatch) == (
        "release: the work tree has changes that are not committed; a release is made of a commit, so commit them first"
    )


@pytest.mark.parametrize(
    ("version", "arguments", "line"),
    [
        ("0.1", "", "CHANGELOG.md: no entry for 0.1; add `## 0.1 (date)`, or correct _version.py"),
        ("0.2.0", "", "CHANGELOG.md: no entry for 0.2.0; add `## 0.2.0 (date)`, or correct _version.py"),
        ("0.1.0", "--tag v0.1.1", "the tag v0.1.1 is not v0.1.0, the version of _version.py"),
        ("0.1.0", "--tag 0.1.0", "the tag 0.1.0 is not v0.1.0, the version of _version.py"),
        (
            "0.1.0",
            "--tag v0.1.0",
            "CHANGELOG.md: the entry for 0.1.0 has no date; write `## 0.1.0 (2026-01-31)`",
        ),
    ],
)
@pytest.mark.usefixtures("repository")
def test_a_version_without_its_changelog_is_refused(
    release: ModuleType, monkeypatch: pytest.MonkeyPatch, version: str, arguments: str, line: str
) -> None:
    """Before anything is built; a tag has to be the version, and its entry dated."""
    (release.ROOT / release.PACKAGE / "_version.py").write_text(f'__version__ = "{version}"\n')
    commit(release.ROOT)

    assert check(release, monkeypatch, *arguments.split()) == f"release: {line}"


def test_a_release_whose_docs_say_that_there_is_none_is_refused(
    release: ModuleType, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """README.md of the wheel is what a package index shows for ever. Without a tag it may say so."""
    (repository / "CHANGELOG.md").write_text("## 0.1.0 (2026-01-31)\n\n- New.\n")
    (repository / "README.md").write_text("It is not on PyPI yet.\n")
    (repository / "docs").mkdir()
    (repository / "docs" / "install.md").write_text("It is not on PyPI yet.\n")
    commit(repository)

    assert check(release, monkeypatch, "--tag", "v0.1.0") == (
        'release: README.md, docs/install.md: "not on PyPI yet" is no longer right; write `pip install '
        "pulumi-plugchoice`, as docs/releasing.md says"
    )
    assert "tests/fixtures/state/0.1.0.json: missing" in check(release, monkeypatch)

    for name in ("README.md", "docs/install.md"):
        (repository / name).write_text("pip install pulumi-plugchoice\n")
    commit(repository)
    assert "tests/fixtures/state/0.1.0.json: missing" in check(release, monkeypatch, "--tag", "v0.1.0")


@pytest.mark.usefixtures("repository")
def test_a_version_without_its_state_is_refused(release: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Later versions could not prove that they change nothing."""
    assert check(release, monkeypatch) == (
        "release: tests/fixtures/state/0.1.0.json: missing; write it, as docs/releasing.md says"
    )


def test_the_entry_of_a_version_ends_where_the_next_begins(release: ModuleType) -> None:
    """It becomes the notes of the release."""
    text = "# Changelog\n\n## 0.2.0 (2026-12-01)\n\n- New.\n\n## 0.1.0 (2026-11-01)\n\n- First.\n"

    assert release.read_changelog(text, "0.2.0") == ("2026-12-01", "- New.\n\n")
    assert release.read_changelog(text, "0.1.0") == ("2026-11-01", "- First.\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("## 0.2.0 (2026-12-01)\n\n## 0.1.0 (2026-11-01)\n\n- First.\n", "the entry for 0.2.0 is empty; write what "),
        ("## 0.2.0 (2026-12-01)\n\n### Added\n\n- x\n\n### Fixed\n\n- y\n", "0.2.0 is the first entry, so nothing "),
    ],
)
def test_an_entry_that_says_nothing_or_fixes_what_nobody_had_is_refused(
    release: ModuleType, text: str, line: str
) -> None:
    with pytest.raises(SystemExit, match=f"^release: CHANGELOG.md: {line}"):
        release.read_changelog(text, "0.2.0")


def test_a_later_version_may_fix(release: ModuleType) -> None:
    """What an earlier one had."""
    text = "## 0.2.0 (2026-12-01)\n\n### Fixed\n\n- y\n\n## 0.1.0 (2026-11-01)\n\n- First.\n"

    assert release.read_changelog(text, "0.2.0")[1] == "### Fixed\n\n- y\n\n"


def wheel_of(folder: Path, package: str, change: dict[str, str | None]) -> Path:
    """A wheel of the package of a folder, with some files changed, added or left out."""
    content: dict[str, str | None] = {
        f"pulumi_plugchoice/{path.relative_to(folder / package).as_posix()}": path.read_text()
        for path in (folder / package).rglob("*")
        if path.is_file()
    }
    names = ("METADATA", "WHEEL", "RECORD", "entry_points.txt")
    content |= {f"{INFO}{name}": "Name: x\n" for name in names} | {f"{INFO}licenses/LICENSE": "Apache"} | change
    wheel = folder / "x.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in content.items():
            if text is not None:
                archive.writestr(name, text)
    return wheel


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"tests/test_it.py": "x"}, "differs from the commit in ['tests/test_it.py']"),
        (
            {"pulumi_plugchoice/__pycache__/a.pyc": "x"},
            "differs from the commit in ['pulumi_plugchoice/__pycache__/a.pyc']",
        ),
        ({"pulumi_plugchoice/py.typed": None}, "differs from the commit in ['pulumi_plugchoice/py.typed']"),
        ({f"{INFO}licenses/LICENSE": None}, f"differs from the commit in ['{INFO}licenses/LICENSE']"),
        ({f"{INFO}licenses/LICENSE": "MIT"}, "another licence than LICENSE"),
        ({"pulumi_plugchoice/py.typed": "x"}, "changed ['pulumi_plugchoice/py.typed'], missing []"),
    ],
)
def test_a_wheel_with_other_content_is_refused(
    release: ModuleType, repository: Path, change: dict[str, str | None], line: str
) -> None:
    """Too much, too little, or changed."""
    with pytest.raises(SystemExit) as ended:
        release.check_wheel(wheel_of(repository, release.PACKAGE, change), repository)

    assert str(ended.value) == f"release: x.whl: {line}"


def test_a_wheel_without_what_the_docs_name_is_refused(release: ModuleType, repository: Path) -> None:
    """Also when the file is missing in the commit."""
    (repository / release.PACKAGE / "py.typed").unlink()

    with pytest.raises(SystemExit, match=r"x\.whl: changed \[\], missing \['py\.typed'\]"):
        release.check_wheel(wheel_of(repository, release.PACKAGE, {}), repository)


def test_an_sdist_with_other_files_is_refused(
    release: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of the work tree that nobody has committed; without it the sdist is taken, and `.ci` is not missed."""
    source = tmp_path / "source"
    for name in (".ci/run", "LICENSE"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).touch()
    for sdist, names in ((tmp_path / "good", ()), (tmp_path / "bad", ("secret.env",))):
        with tarfile.open(sdist, "w:gz") as tar:
            for name in ("PKG-INFO", "LICENSE", *names):
                tar.addfile(tarfile.TarInfo(f"x/{name}"), io.BytesIO())

    assert release.check_sdist(tmp_path / "good", source, tmp_path / "a") == tmp_path / "a" / "x"
    assert "2 files" in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r"^release: bad: missing \[\], not of the commit \['secret\.env'\]$"):
        release.check_sdist(tmp_path / "bad", source, tmp_path / "b")


def test_a_link_that_leads_nowhere_on_an_index_is_found(release: ModuleType) -> None:
    """Also in a table, of a picture, and by a reference; code is no link."""
    page = """\
# A
[a](docs/a.md) and [b](https://example.test/b), `[c](c.md)`, [d](#d), [e], [f](http://example.test/f)

| x |
|---|
| ![p](docs/p.svg) |

[e]: docs/e.md
"""

    assert release.find_dead_links(page) == ["docs/a.md", "docs/e.md", "http://example.test/f", "docs/p.svg"]


def test_a_package_index_shows_readme_without_dead_links(release: ModuleType) -> None:
    """As hatchling makes the long description, and with all of its text."""
    command = [sys.executable, "-m", "hatchling", "metadata", "readme"]
    done: Any = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    readme = (ROOT / "README.md").read_text()

    assert release.find_dead_links(readme) != []
    assert release.find_dead_links(done.stdout) == []
    assert done.stdout.count("\n## ") == readme.count("\n## ")
    assert "README.md: " not in done.stderr


def test_the_default_tests_have_the_upgrade_from_the_stored_states(release: ModuleType) -> None:
    """And each path is there: pytest would end with an error only after the builds."""
    paths = release.TESTS.split()

    assert "tests/acceptance/test_upgrade.py" in paths
    assert [path for path in paths if not (ROOT / path).exists()] == []
