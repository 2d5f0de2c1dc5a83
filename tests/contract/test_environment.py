"""Every command in every kind of bad environment: one line for each problem and an exit status, never a traceback."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from click.testing import CliRunner
from pulumi_plugchoice.cli.group import list_commands, plugchoice
from pulumi_plugchoice.cli.run import run
from support.emulator import SITE, TOKEN
from support.fake_pulumi import FakePulumi

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result
    from support.emulator import Emulator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="devices and file descriptors of POSIX")

HARBOUR: Final = Path(__file__).parent.parent / "fixtures" / "sites" / "harbour.yaml"

#: Every command, with arguments that let it print.
COMMANDS: Final = {
    "doctor": [],
    "check": ["site.yaml"],
    "plan": ["site.yaml"],
    "wired": ["planned.yaml", "HRB-003"],
    "sheet": ["site.yaml"],
    "picture": ["site.yaml"],
    "review": ["site.yaml"],
    "schema": [],
    "adopt": ["--all", "--no-import"],
    "drift": ["site.yaml"],
    "sites": ["site.yaml"],
    "connectors": ["--site", "site.yaml"],
    "report": ["site.yaml", "-o", "-"],
    "emulator": ["--help"],
    "comment": ["--help"],
    "issue": ["--help"],
    "reviewed": ["--help"],
    "fleet scheduler": ["--help"],
    "fleet worker": ["--help"],
    "fleet list": ["--all", "--project", "fleet"],
    "fleet matrix": ["--all", "--project", "fleet", "--shards", "2"],
    "fleet preview": ["--all", "--project", "fleet"],
    "fleet refresh": ["--all", "--project", "fleet"],
    "fleet up": ["--all", "--project", "fleet", "--gate-seconds", "0"],
}
#: The exit status when all is well, of those that tell something by it: the site differs from the file.
STATUSES: Final = {"drift": 2}
NEED_PULUMI: Final = ("doctor", "fleet preview", "fleet refresh", "fleet up")
#: Those of which only the help is printed here: they serve, or need a forge (test_forge.py, test_reviewed_command.py).
HELP: Final = {name for name, words in COMMANDS.items() if words == ["--help"]}
#: What `doctor` calls a wrong option.
CHECKS: Final = {"PLUGCHOICE_BASE_URL": "base-url", "PLUGCHOICE_TOKEN": "token", "PLUGCHOICE_OFFLINE": "offline"}
#: The option that names a file to write, of those that have one.
OUTPUTS: Final = {"plan": "--svg", "sheet": "-o", "picture": "-o", "review": "-o", "report": "-o", "schema": "-o"}


def test_every_command_is_here() -> None:
    """A new one is added to the table."""
    assert sorted(COMMANDS) == sorted(list_commands())


@pytest.mark.parametrize("command", [*OUTPUTS, "adopt"])
def test_a_dash_is_standard_output_and_never_a_file(folder: Path, command: str) -> None:
    """Where the command prints other lines, too, it is refused. `./-` is a file, or a folder."""

    def call(*more: str) -> Result:
        return CliRunner().invoke(plugchoice, [*command.split(), *COMMANDS[command], *more])

    option = OUTPUTS.get(command, "-o")
    result = call(option, "-")
    assert not (folder / "-").exists()
    if command in ("plan", "adopt"):
        assert result.exit_code == 2
        assert "'-' is standard output, where other lines go; give a name, such as ./-" in result.stderr
    else:
        assert result.exit_code == 0
        assert result.output == call().output
    assert call(option, "./-").exit_code == 0
    assert (folder / "-").exists()


@pytest.mark.parametrize("amps", ["1_000", " 16", "\u0661\u0666", "1e2", "16.0", "-16", "0", "10001", ""])
def test_a_number_of_an_option_is_written_in_digits(folder: Path, amps: str) -> None:
    """Python's own reading takes the first three."""
    result = CliRunner().invoke(plugchoice, ["adopt", "--all", "--no-import", "--main-fuse-amps", amps])
    assert result.exit_code == 2
    assert "Invalid value for '--main-fuse-amps': " in result.stderr
    assert not (folder / "sites").exists()


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The site file with a plan."""
    file = tmp_path_factory.mktemp("planned") / "planned.yaml"
    file.write_text(HARBOUR.read_text())
    assert play("plan", [str(file), "--write"]).status == 0
    return file.read_text()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulator: Emulator, planned: str) -> Path:
    """The current folder, with a site file and one that has a plan; the environment names an emulator."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLUGCHOICE_BASE_URL", emulator.base_url)
    monkeypatch.setenv("PLUGCHOICE_TOKEN", TOKEN)
    monkeypatch.setenv("PLUGCHOICE_SITE", SITE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # For `doctor`, which finds no project here, and has warnings only.
    fake = FakePulumi(tmp_path / "bin").install()
    monkeypatch.setenv("PATH", f"{fake.folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{fake.folder}")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "test")
    text = HARBOUR.read_text()
    Path("site.yaml").write_text(text)
    Path("fleet/sites").mkdir(parents=True)
    Path("fleet/sites/harbour.yaml").write_text(text)
    Path("fleet/Pulumi.yaml").write_text("name: fleet\nruntime: python\n")
    Path("planned.yaml").write_text(planned)
    return tmp_path


class Played:
    """What a command printed, and its exit status."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


def play(name: str, words: list[str], out: Any = ..., err: Any = ..., encoding: str = "utf-8") -> Played:
    """Run a command in this process, with streams that a process may have."""
    streams = {
        "stdout": io.TextIOWrapper(io.BytesIO(), encoding) if out is ... else out,
        "stderr": io.TextIOWrapper(io.BytesIO(), encoding) if err is ... else err,
    }
    with pytest.MonkeyPatch.context() as patch:
        for stream, value in streams.items():
            patch.setattr(sys, stream, value)
        patch.setattr(sys, "argv", ["plugchoice", *name.split(), *words])
        status = run(plugchoice)
    texts = []
    for value in streams.values():
        buffer = getattr(value, "buffer", None)
        texts.append(buffer.getvalue().decode(encoding) if isinstance(buffer, io.BytesIO) else "")
        with contextlib.suppress(OSError, AttributeError):
            value.close()
    played = Played(status, *texts)
    assert "Traceback" not in played.err
    assert "unexpected" not in played.err
    return played


@pytest.mark.parametrize("name", COMMANDS)
def test_a_good_environment(folder: Path, name: str) -> None:
    """So that the tests below fail for their own reasons."""
    played = play(name, COMMANDS[name])
    assert played.status == STATUSES.get(name, 0), played.err
    if name in OUTPUTS:
        assert play(name, [*COMMANDS[name], OUTPUTS[name], "output"]).status == 0
        assert (folder / "output").exists()


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("missing/x", "missing/x: "),
        ("site.yaml/x", "site.yaml/x: "),
        ("/dev/full", "/dev/full: is not a regular file; name a file"),
        ("/proc/self/x", "/proc/self/x: cannot be written: "),
        (".", ".: cannot be written: Is a directory; name a file, not a folder"),
        ("", ".: cannot be written: Is a directory; name a file, not a folder"),
        ("x" * 300, "cannot be written: File name too long"),
    ],
)
def test_an_output_that_cannot_be_written(folder: Path, name: str, output: str, reason: str) -> None:
    """One line that names it; nothing else is left behind."""
    before = sorted(path.name for path in folder.iterdir())
    played = play(name, [*COMMANDS[name], OUTPUTS[name], output])
    assert played.status == 1
    assert reason in played.err
    assert played.err.count("\n") == 1
    assert [path for path in sorted(path.name for path in folder.iterdir()) if path != "cache"] == before


def open_full() -> io.TextIOWrapper:
    return open("/dev/full", "w", encoding="utf-8")  # noqa: PTH123 - closed by the command's end


def open_broken_pipe() -> io.TextIOWrapper:
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w", encoding="utf-8")


def close() -> None:
    """Stands for a stream that was closed before the command started."""


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    ("stream", "line"),
    [
        (open_full, "standard output: cannot be written: No space left on device; redirect it to another file\n"),
        (open_broken_pipe, ""),  # as `| head` leaves it
        (close, "standard output: is closed; open it, or redirect it to /dev/null\n"),
    ],
)
def test_a_standard_output_that_takes_nothing(
    folder: Path, name: str, stream: Callable[[], io.TextIOWrapper | None], line: str
) -> None:
    """The exit status tells it too."""
    played = play(name, COMMANDS[name], out=stream())
    assert played.status == 1
    assert played.err.endswith(line)
    assert played.err.count("\n") <= 2


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("stream", [open_full, open_broken_pipe, close])
def test_a_standard_error_that_takes_nothing(
    folder: Path, name: str, stream: Callable[[], io.TextIOWrapper | None]
) -> None:
    """What was asked for is printed all the same; a mistake still has its status."""
    assert play(name, COMMANDS[name], err=stream()).status == STATUSES.get(name, 0)
    is_told = name == "emulator" or (stream is close and name not in STATUSES)
    assert play(name, ["--nonsense"], err=stream()).status == (2 if is_told else 1)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437", "utf-16", "shift_jis"])
def test_a_terminal_without_the_letters(folder: Path, name: str, encoding: str) -> None:
    """Arrows and boxes become ASCII, other letters escapes."""
    text = Path("site.yaml").read_text().replace("label: Harbour", 'label: "Zoë → 港 \\u200b"')
    Path("site.yaml").write_text(text)
    played = play(name, COMMANDS[name], encoding=encoding)
    assert played.status == STATUSES.get(name, 0), played.err
    if name == "plan" and encoding == "ascii":
        assert r"Zo\xeb > \u6e2f \u200b" in played.out
        assert "RST > TRS" in played.out


@pytest.mark.parametrize(
    "environment",
    [
        {"HOME": None, "XDG_CACHE_HOME": None},
        {"HOME": "", "XDG_CACHE_HOME": ""},
        {"HOME": "/dev/null/nowhere", "XDG_CACHE_HOME": None},
        {"HOME": "\udcff", "XDG_CACHE_HOME": None},
        {"XDG_CACHE_HOME": "/proc/self"},
        {"XDG_CACHE_HOME": "/dev/full"},
        {"XDG_CACHE_HOME": "relative"},
        {"TMPDIR": "/nowhere"},
        {"COLUMNS": "0"},
        {"COLUMNS": "1"},
        {"COLUMNS": "many", "LINES": "-1"},
        {"TERM": "", "LANG": "nonsense", "LC_ALL": "nonsense"},
        {"FORCE_COLOR": "1", "TERM": "dumb"},
        {"PATH": ""},
    ],
    ids=str,
)
def test_an_environment_that_does_not_matter(
    folder: Path, environment: dict[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notice at most: without a cache folder, the request limit is not shared with other processes."""
    for variable, value in environment.items():
        if value is None:
            monkeypatch.delenv(variable, raising=False)
        else:
            monkeypatch.setenv(variable, value)
    for name, words in COMMANDS.items():
        played = play(name, words)
        # Without a PATH there is no `pulumi`.
        status = 1 if name in NEED_PULUMI and environment.get("PATH") == "" else STATUSES.get(name, 0)
        assert played.status == status, (name, played.out, played.err)
        assert played.err.count("\n") <= 2, (name, played.err)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PLUGCHOICE_REQUESTS_PER_MINUTE", "9" * 5000),
        ("PLUGCHOICE_REQUESTS_PER_MINUTE", "٣"),
        ("PLUGCHOICE_TIMEOUT_SECONDS", "1e12"),
        ("PLUGCHOICE_TIMEOUT_SECONDS", "nan"),
        ("PLUGCHOICE_TIMEOUT_SECONDS", "inf"),
        ("PLUGCHOICE_TIMEOUT_SECONDS", "9" * 5000),
        ("PLUGCHOICE_DEADLINE_SECONDS", "1e12"),
        ("PLUGCHOICE_DEADLINE_SECONDS", "-nan"),
        ("PLUGCHOICE_BASE_URL", "http://[::"),
        ("PLUGCHOICE_BASE_URL", "https://\udcff/"),
        ("PLUGCHOICE_BASE_URL", "https://x:99999999999/"),
        ("PLUGCHOICE_TOKEN", "\udcff"),
        ("PLUGCHOICE_TOKEN", ""),
        ("PLUGCHOICE_SITE", "\x1b[2J\n::error::x"),
        ("PLUGCHOICE_OFFLINE", "\x1b[2J\n::error::x"),
    ],
)
def test_an_option_that_is_wrong(folder: Path, variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line of the commands that have options from the environment, which names it."""
    monkeypatch.setenv(variable, value)
    for name, words in COMMANDS.items():
        played = play(name, words)
        if name == "doctor":
            assert played.status == 1
            assert f"failure  {CHECKS.get(variable, 'options')}: " in played.out
            assert "\x1b" not in played.out
            assert "\n::" not in played.out
            continue
        if name not in ("adopt", "drift", "sites", "connectors", "fleet up"):
            assert played.status == 0, (name, played.err)
            continue
        assert played.status in (1, 2)
        assert len(played.err) < 500
        assert "\x1b" not in played.err
        assert "\n::" not in played.err
        assert variable in played.err or "credentials" in played.err or "site" in played.err
        assert not Path("sites").exists()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_current_folder_that_is_gone(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are found by their full names."""
    gone = folder / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    words = [str(folder / word) if (folder / word).exists() else word for word in COMMANDS[name]]
    more = [OUTPUTS[name], str(folder / "output")] if name in OUTPUTS else []
    if name not in {"adopt", "doctor"}:  # which are about the current folder
        played = play(name, [*words, *more])
        assert played.status == STATUSES.get(name, 0), played.err
    if name not in {"schema", *HELP}:
        played = play(name, COMMANDS[name])
        assert played.status == 1
        assert played.err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("redirection", [">&-", ">/dev/full", "2>&-"])
def test_the_streams_of_a_real_process(redirection: str) -> None:
    """The interpreter writes what is left when it ends; it must not fail then."""
    command = f"exec {sys.executable} -m pulumi_plugchoice.cli check {HARBOUR} {redirection}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602 - as users type it
    assert done.returncode == (1 if redirection.startswith(">") else 0)
    assert done.stderr.count("\n") == (1 if redirection in {">&-", ">/dev/full"} else 0), done.stderr
