"""The docs are right: links, names of files, `make` targets, and every code block that can run."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner
from pulumi_plugchoice.cli.group import plugchoice
from support import program

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "provider" / "pulumi_plugchoice"
PAGES = [
    ROOT / name for name in ("README.md", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md", "tools/pulumi/README.md")
] + sorted([*(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("README.md")])
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"`([\w./-]+(?:\.(?:py|md|json|txt|yaml|toml)|/))`")


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page in one language, without their indentation."""
    return [
        "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))
        for indent, name, text in _BLOCK.findall(page.read_text(encoding="utf-8"))
        if name == language
    ]


def name_of(page: Path) -> str:
    """For test ids."""
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_shows_a_folder_of_the_machine_that_wrote_it(page: Path) -> None:
    """Output that was copied has `/root/…`, the folder of the clone, or that of the environment."""
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"(?<![\w.])/(?:root|work|tmp/pytest)[\w./-]*", text) == []
    assert str(ROOT) not in text
    assert sys.prefix not in text


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files(page: Path) -> None:
    """Links to other pages and pictures of this repository."""
    missing = [link for link in _LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("pages", ["docs/explanation/architecture.md", "SECURITY.md", "docs/decisions/*.md"])
def test_files_and_folders_named_in_the_text_exist(pages: str) -> None:
    """Below the repository's root or the package."""
    names = [name for page in ROOT.glob(pages) for name in _PATH.findall(page.read_text(encoding="utf-8"))]
    assert len(names) > 10
    assert [name for name in names if not (ROOT / name).exists() and not (PACKAGE / name).exists()] == []


def test_make_targets_in_the_docs_exist() -> None:
    """In code blocks and in sentences."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = [page for page in PAGES if page.name != "messages.md"]
    named = {name for page in pages for name in re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE)}
    assert {"demo", "test"} <= named
    assert named <= targets


def test_the_examples_of_electrical_md_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every number of its worked examples."""
    monkeypatch.chdir(ROOT)
    result = doctest.testfile(str(ROOT / "docs" / "explanation" / "electrical.md"), module_relative=False)
    assert result.failed == 0
    assert result.attempted >= 12


def test_the_programs_of_the_readme_register_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connector in Python, and the site from the YAML beside it."""
    single, site = blocks(ROOT / "README.md", "python")
    (text,) = blocks(ROOT / "README.md", "yaml")
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / "stack.yaml").write_text(text)  # the stack of the SDK's mocks is called `stack`
    monkeypatch.chdir(tmp_path)

    ran = program.run(lambda: exec(single, {}))  # noqa: S102 - our own README
    assert ran.error is None
    assert ran.inputs["bay-1"]["phase_rotation"] == "RST"

    ran = program.run(lambda: exec(site, {}))  # noqa: S102 - our own README
    assert ran.error is None
    rotations = {name: inputs["phase_rotation"] for name, inputs in ran.inputs.items() if "phase_rotation" in inputs}
    assert rotations == {"site-HRB-001-1": "RST", "site-HRB-002-1": "STR"}


def test_the_commands_of_the_site_example_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each `plugchoice` line of its README, in order, on a copy of its files."""
    page = ROOT / "examples" / "site" / "README.md"
    shutil.copytree(page.parent, tmp_path, dirs_exist_ok=True)
    shutil.copy(tmp_path / "sites" / "depot.yaml", tmp_path / "before.yaml")
    monkeypatch.chdir(tmp_path)
    lines = [line for block in blocks(page, "sh") for line in block.splitlines() if line.startswith("plugchoice")]
    assert len(lines) >= 6

    for line in lines:
        words = shlex.split(line, comments=True)[1:]
        arguments = [name for word in words for name in ([word] if "*" not in word else map(str, Path().glob(word)))]
        done = CliRunner().invoke(plugchoice, arguments)
        assert done.exit_code == 0, f"{line}: {done.output}"

    assert Path("depot.svg").is_file()
    assert "planned_rotation" in Path("sites/depot.yaml").read_text()


@pytest.mark.slow
def test_the_fixtures_of_testing_md_work(tmp_path: Path) -> None:
    """As a test file of its own."""
    text, faults = blocks(ROOT / "docs" / "how-to" / "testing.md", "python")
    second_test = "def test_all_faults_are_taken(emulator):\n" + textwrap.indent(faults, "    ")
    (tmp_path / "test_it.py").write_text(f"{text}\n{second_test}")

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
    # The plugins of our own tests would take longer to load than this test takes.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert "2 passed" in done.stdout, done.stdout
