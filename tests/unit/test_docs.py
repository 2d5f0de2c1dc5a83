"""The docs are right: links, names of files, `make` targets, and every code block that can run."""

from __future__ import annotations

import doctest
import functools
import os
import re
import subprocess
import sys
import textwrap
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from pulumi_plugchoice.cli.common import OutputFile
from pulumi_plugchoice.cli.group import list_commands
from pulumi_plugchoice.fleet.project import IGNORED
from support import program
from support.doc_blocks import ELSEWHERE, EXAMPLES, GENERATED, NOT_RUN, STORY, find
from support.pages import ROOT, read_blocks
from support.story import LANGUAGES, agree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PACKAGE = ROOT / "provider" / "pulumi_plugchoice"
PAGES = [
    ROOT / name for name in ("README.md", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md", "tools/pulumi/README.md")
] + sorted([*(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("README.md")])
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
_PICTURE = re.compile(
    r'<source media="\(prefers-color-scheme: dark\)" srcset="([^"]+)-dark\.png">\n'
    r' *<img src="([^"]+)-light\.png" alt="([^"]{80,})">'
)
_PATH = re.compile(r"`([\w./-]+(?:\.(?:py|md|json|txt|yaml|toml)|/))`")


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page in one language, without their indentation."""
    return [block.text for block in read_blocks(page) if block.language == language]


def name_of(page: Path) -> str:
    """For test ids."""
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_shows_a_folder_of_the_machine_that_wrote_it(page: Path) -> None:
    """Output that was copied has the folder of a home, of the clone, or of the environment."""
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"(?<![\w.])/(?:root|work|tmp/pytest)[\w./-]*", text) == []
    assert str(ROOT) not in text
    assert sys.prefix not in text


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files(page: Path) -> None:
    """Links to other pages and pictures of this repository."""
    missing = [link for link in _LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert missing == []


def test_pictures_are_small_and_shown_in_both_schemes_with_what_is_seen() -> None:
    """Each of docs/pictures is on a page, light and dark, and a text says what a reader would see."""
    shown = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        found = _PICTURE.findall(text)
        assert len(found) == text.count("<picture>") == text.count("<img "), page
        for dark, light, _ in found:
            assert dark == light
            shown |= {(page.parent / f"{light}-{scheme}.png").resolve() for scheme in ("light", "dark")}
    files = set((ROOT / "docs" / "pictures").iterdir())
    assert shown == files
    assert [file.name for file in files if file.stat().st_size > 150 * 1024] == []


@pytest.mark.parametrize("pages", ["docs/explanation/architecture.md", "SECURITY.md", "docs/decisions/*.md"])
def test_files_and_folders_named_in_the_text_exist(pages: str) -> None:
    """Below the repository's root or the package."""
    names = [name for page in ROOT.glob(pages) for name in _PATH.findall(page.read_text(encoding="utf-8"))]
    assert len(names) > 10
    assert [name for name in names if not (ROOT / name).exists() and not (PACKAGE / name).exists()] == []


def test_git_ignores_what_commands_of_the_docs_and_the_workflows_write() -> None:
    """Into a project that `adopt` has made. The others are named here with the reason why they belong into it."""
    options = {"tee", ">", ">>", "--body", "--tls-key", "--reviewed-file"} | {
        name
        for command in list_commands().values()
        for option in command.params
        if isinstance(option.type, OutputFile)
        for name in option.opts
    }
    assert {"-o", "--output", "--page", "--report", "--svg"} <= options
    written = re.compile(
        rf"(?<![\w=-])(?:{'|'.join(options)})[ =]([A-Za-z][\w-]*\.(?:html|json|md|pem|svg|txt|yaml))\b"
    )
    kit = sorted((PACKAGE / "fleet" / "kit").glob("*/*.yml"))
    found = {name for page in [*PAGES, *kit] for name in written.findall(page.read_text(encoding="utf-8"))}
    committed = {
        "requirements.txt",  # the workflows install from it
        "depot.svg",  # a picture may stand in a README, and each site has another name
    }
    assert committed < found
    assert {f"/{name}" for name in found - committed} == {name for name in IGNORED if name.startswith("/")}
    assert (ROOT / "examples" / "gitops" / ".gitignore").read_text().split() == list(IGNORED)


def test_owners_are_asked_for_files_that_exist_and_nobody_is_invented() -> None:
    """A name that GitHub does not know is an error on every pull request, and nobody of this project is known to it."""
    lines = (ROOT / ".github" / "CODEOWNERS").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []
    paths = re.findall(r"^# /(\S+) +@OWNER$", "\n".join(lines), re.MULTILINE)
    assert len(paths) > 5
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_make_targets_in_the_docs_exist() -> None:
    """In code blocks and in sentences."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = [page for page in PAGES if page.name != "messages.md"]
    named = {name for page in pages for name in re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE)}
    assert {"demo", "test"} <= named
    assert named <= targets


def test_every_code_block_runs_or_is_listed(record_property: Callable[[str, object], None]) -> None:
    """In a story, in a test that doc_blocks.py names, or there with the reason why it cannot."""
    kinds: Counter[str] = Counter()
    used = set()
    for block in (block for page in PAGES if page not in GENERATED for block in read_blocks(page)):
        kind = "missing"
        for name, table in (("elsewhere", ELSEWHERE), ("not run", NOT_RUN)):
            said = find(table, block)
            if said:
                kind = name
                used.add(said)
        if kind == "missing" and block.page in (*STORY, *EXAMPLES) and block.language in LANGUAGES:
            kind = "story" if block.language != "hidden" else "hidden"
        kinds[kind] += 1
        assert kind != "missing", f"{block.place}: no test runs this block; see tests/support/doc_blocks.py"

    stale = {*ELSEWHERE.values(), *NOT_RUN.values()} - used
    assert not stale
    for said in ELSEWHERE.values():
        file, _, test = said.partition("::")
        assert f"def {test}" in (ROOT / file).read_text(), said
    assert kinds["story"] > 50
    record_property("code blocks that run", f"{kinds['story'] + kinds['elsewhere']}, {kinds['not run']} cannot")


def test_the_commands_of_the_readme_are_those_of_the_guide() -> None:
    """Which are played: its command lines, whatever comment stands behind them."""

    def commands(*pages: Path) -> set[str]:
        lines = (
            line for page in pages for b in read_blocks(page) for line in b.text.splitlines() if b.language != "text"
        )
        return {re.sub(r" +#.*", "", line.removeprefix("$ ")) for line in lines}

    guide = {re.sub(r" --diff| --skip-preview", "", line) for line in commands(*STORY[:1], *STORY[2:])}
    for start in ("make demo", "plugchoice adopt --all", "plugchoice check"):
        (block,) = (b for b in read_blocks(ROOT / "README.md") if b.text.startswith(start))
        assert {re.sub(r" +#.*", "", line) for line in block.text.splitlines()} <= guide


@pytest.mark.parametrize(
    ("shown", "printed", "is_same"),
    [
        ("a\n…\nb\n", "a\nb\n", True),
        ("a\n…\nb\n", "a\nx\ny\nb\n", True),
        ("a\n…\nb\n", "a\nx\n", False),
        ("16 A … stored\n", "16 A live, 20 A stored\n", True),
        ("16 A\n", "20 A\n", False),
        ("Duration: 3s\n", "Duration: 14s\n", True),
        ("http://127.0.0.1:8787/api 1.2.3\n", "http://127.0.0.1:41447/api 3.259.0\n", True),
        ("L1/L2/L3 112/0/0 A\n", "L1/L2/L3 96/32/0 A\n", False),
        ("writes), 498 of 500 left\n", "writes), waited 0.1 s, 7 of 500 left\n", True),
        ("5 unchanged\n", "15 unchanged\n", False),
        ("a\n", "a\nb\n", False),
        ("", "", True),
    ],
)
def test_an_output_that_differs_is_found(shown: str, printed: str, *, is_same: bool) -> None:
    """What tests of other pages rest on."""
    assert agree(shown, printed) == is_same


def test_the_examples_of_electrical_md_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every number of its worked examples."""
    monkeypatch.chdir(ROOT)
    result = doctest.testfile(str(ROOT / "docs" / "explanation" / "electrical.md"), module_relative=False)
    assert result.failed == 0
    assert result.attempted >= 12


@pytest.mark.parametrize("page", ["README.md", "docs/reference/connector.md", "docs/reference/site.md"])
def test_the_programs_of_a_page_register_what_they_say(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connector in Python, and the site from the YAML of the README."""
    (text,) = blocks(ROOT / "README.md", "yaml")
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / "stack.yaml").write_text(text)  # the stack of the SDK's mocks is called `stack`
    monkeypatch.chdir(tmp_path)
    programs = blocks(ROOT / page, "python")
    assert programs

    for source in programs:
        ran = program.run(functools.partial(exec, source, {}))
        assert ran.error is None
        found = {name: inputs["phase_rotation"] for name, inputs in ran.inputs.items() if "phase_rotation" in inputs}
        assert found in ({"bay-1": "RST"}, {"site-HRB-001-1": "RST", "site-HRB-002-1": "STR"})


@pytest.mark.slow
def test_the_tests_of_testing_md_pass(tmp_path: Path) -> None:
    """As test files of their own."""
    mocks, text, faults = blocks(ROOT / "docs" / "how-to" / "testing.md", "python")
    one_more = "def test_all_faults_are_taken(emulator):\n" + textwrap.indent(faults, "    ")
    (tmp_path / "test_mocks.py").write_text(mocks)
    (tmp_path / "test_local.py").write_text(f"{text}\n{one_more}")

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    # The plugins of our own tests would take longer to load than this test takes.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert "4 passed" in done.stdout, done.stdout


def test_the_list_of_messages_has_what_is_wrong_beside_what_to_do() -> None:
    """As the lines are printed; a constant of the module is written out; a fact behind a semicolon is no remedy."""
    page = (ROOT / "docs" / "reference" / "messages.md").read_text(encoding="utf-8")
    remedies, _, others = page.partition("## Other texts")
    for cause, remedy, module in (
        ("{where}: '{url}' is not a URL", "use one such as {DEFAULT_BASE_URL}", "config.py"),
        ("answered {status} with {kind} instead of JSON", "check the base URL", "api/answers.py"),
        ("--site: not set", "give the UUID of a site, or --all{describe_sites}", "cli/adopt.py"),
    ):
        assert remedies.count(f"| `{cause}` | `{remedy}` | `{module}` |") == 1
    assert "| `{fact}; warning only: the supply has no neutral` | `balance.py` |" in others
    assert remedies.count("\n| `") > 200
