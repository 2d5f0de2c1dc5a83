"""The command itself: fast help, errors of one line, commands that print their help in full."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from pulumi_plugchoice.cli import main
from pulumi_plugchoice.cli.common import Command
from pulumi_plugchoice.cli.group import list_commands, plugchoice
from support.loaded import list_loaded

HARBOUR = Path(__file__).parent.parent / "fixtures" / "sites" / "harbour.yaml"


def test_help_imports_nothing_that_only_commands_need() -> None:
    """So that it is fast."""
    modules = list_loaded("--help")
    assert "click" in modules
    assert not {"fastapi", "pulumi", "pydantic", "requests", "rich", "secrets", "uvicorn", "yaml"} & modules


@pytest.mark.parametrize("name", sorted({*plugchoice.commands, *list_commands()}))
def test_each_command_is_one_full_line_of_its_group(name: str) -> None:
    """On a terminal of 80 columns, of which click uses 78."""
    *groups, command = name.split()
    lines = CliRunner().invoke(plugchoice, [*groups, "--help"], terminal_width=78).output.splitlines()
    line = next(line for line in lines if line.startswith(f"  {command} "))
    assert not line.endswith("...")
    assert line.endswith(".")


def squeeze(text: str) -> str:
    """Text without line breaks and indents."""
    return "".join(text.split())


def show_help(name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The help of a command on a terminal of 80 columns; the emulator's own parser reads them from the environment."""
    monkeypatch.setenv("COLUMNS", "80")
    result = CliRunner().invoke(plugchoice, [*name.split(), "--help"], terminal_width=80)
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("name", sorted(list_commands()))
def test_each_help_is_complete_in_80_columns(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every word of the description, of the options and of the exit statuses; no line is longer."""
    command = list_commands()[name]
    text = show_help(name, monkeypatch)
    assert max(map(len, text.splitlines())) <= 80
    parts = [option.help or "" for option in command.params if isinstance(option, click.Option)]
    if name != "emulator":  # whose own parser has a description of its own
        parts.append(inspect.cleandoc(command.help or ""))
    assert isinstance(command, Command)
    parts += command.statuses.values()
    assert [part for part in parts if squeeze(part) not in squeeze(text)] == []


def test_the_docs_have_one_table_of_exit_statuses() -> None:
    """With a row for each status of a command, in the words of its help; the usual ones stand above it."""
    folder = Path(__file__).parents[2] / "docs"
    pages = {page: page.read_text(encoding="utf-8") for page in folder.rglob("*.md")}
    assert [page.name for page, text in pages.items() if "| Command | Status |" in text] == ["exit-statuses.md"]
    page = pages[folder / "reference" / "exit-statuses.md"]
    for name, command in list_commands().items():
        assert isinstance(command, Command)
        assert {0, 1, 2, 130} <= set(command.statuses)
        for status, text in command.statuses.items():
            is_usual = (status, text) in {(2, "A wrong option."), (130, "Stopped with Ctrl-C.")}
            assert (f"| `{name}` | {status} | {text} |" in page) is not is_usual


@pytest.mark.parametrize("name", sorted(list_commands()))
def test_a_wrong_option_has_the_status_that_the_help_says(name: str) -> None:
    """1 where 2 has another meaning."""
    command = list_commands()[name]
    assert isinstance(command, Command)
    (status,) = {status for status, text in command.statuses.items() if "wrong option" in text}
    assert CliRunner().invoke(plugchoice, [*name.split(), "--nonsense"]).exit_code == status


@pytest.mark.parametrize("command", ["picture", "sheet", "review"])
def test_an_output_that_cannot_be_written_is_one_line(command: str, tmp_path: Path) -> None:
    """It names the file."""
    file = tmp_path / "missing" / "x"
    result = CliRunner().invoke(plugchoice, [command, str(HARBOUR), "-o", str(file)])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{file}: cannot be written: No such file or directory; ")
    assert result.stderr.count("\n") == 1


def test_ctrl_c_before_the_command_has_begun_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its modules take a moment to load."""

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pulumi_plugchoice.cli.run.run", interrupt)
    with pytest.raises(SystemExit) as exit_info:
        main()
    assert exit_info.value.code == 130
    assert capsys.readouterr().err == "plugchoice: stopped\n"


@pytest.mark.parametrize("columns", ["0", "1", "-5", "²", "x", "9" * 5000])
def test_a_plan_is_printed_whatever_the_terminals_width_is_said_to_be(
    columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", columns)
    result = CliRunner().invoke(plugchoice, ["plan", str(HARBOUR)])
    assert result.exit_code == 0, result.exception
    assert "HRB-003" in result.stdout


def test_without_its_extra_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """And ends with status 1."""
    monkeypatch.setitem(sys.modules, "click", None)
    for name in [name for name in sys.modules if name.startswith("pulumi_plugchoice.cli.")]:
        monkeypatch.delitem(sys.modules, name)

    with pytest.raises(SystemExit) as exit_info:
        main()
    assert exit_info.value.code == ("plugchoice: click is not installed; run: pip install 'pulumi-plugchoice[cli]'")


@pytest.mark.parametrize(
    "arguments", [["sheet"], ["picture"], ["review"], ["plan", "--svg"]], ids=lambda given: given[0]
)
def test_no_output_replaces_the_site_file(arguments: list[str], tmp_path: Path) -> None:
    """Also when it is named in another way."""
    file = tmp_path / "harbour.yaml"
    file.write_bytes(HARBOUR.read_bytes())
    (tmp_path / "same.yaml").symlink_to(file)
    command, *option = arguments
    result = CliRunner().invoke(plugchoice, [command, str(file), *(option or ["-o"]), str(tmp_path / "same.yaml")])
    assert result.exit_code == 1
    assert result.stderr == f"{tmp_path / 'same.yaml'}: is the site file itself; name another file\n"
    assert file.read_bytes() == HARBOUR.read_bytes()


def test_a_review_does_not_replace_the_file_before_the_change(tmp_path: Path) -> None:
    """It is an input, too; also under the name of a hard link."""
    before, link = tmp_path / "before.yaml", tmp_path / "link.yaml"
    before.write_bytes(HARBOUR.read_bytes())
    link.hardlink_to(before)
    for output in (before, link):
        result = CliRunner().invoke(plugchoice, ["review", str(HARBOUR), "--before", str(before), "-o", str(output)])
        assert result.stderr == f"{output}: is the site file itself; name another file\n"
        assert result.exit_code == 1
        assert output.read_bytes() == HARBOUR.read_bytes()
