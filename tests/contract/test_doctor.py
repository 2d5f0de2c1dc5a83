"""`plugchoice doctor`: each thing that can be wrong is one line with a remedy, and the other checks still run."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jsonschema
import pytest
from click.testing import CliRunner
from pulumi_plugchoice.cli.group import plugchoice
from pulumi_plugchoice.doctor import children
from pulumi_plugchoice.doctor.report import SCHEMA_FILE, Check, format_text
from support.emulator import CLIENT_SECRET, PINCODE, TOKEN
from support.fake_pulumi import HELPERS, FakePulumi, found

if TYPE_CHECKING:
    from support.emulator import Emulator, Json

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")

HARBOUR: Final = Path(__file__).parent.parent / "fixtures" / "sites" / "harbour.yaml"
PHRASE: Final = "a-passphrase-that-nobody-may-see"
SECRETS: Final = (TOKEN, CLIENT_SECRET, PINCODE, PHRASE)
SCHEMA: Final = json.loads(SCHEMA_FILE.read_text())
#: What comes without an account.
MACHINE: Final = {"pulumi", "language-host", "project", "python", "backend", "passphrase", "cache", "site-files"}
ACCOUNT: Final = {"base-url", "token", "access", "request-limit", "clock"}


@dataclass(frozen=True)
class Report:
    """What the command printed, and its exit status."""

    status: int
    checks: list[Json]

    def of(self, name: str) -> list[Json]:
        """The checks of one name."""
        return [check for check in self.checks if check["name"] == name]

    def lines(self, name: str) -> list[str]:
        """Status, message and remedy of them, as a log shows them."""
        return [
            f"{check['status']}: {check['message']}" + (f"; {check['remedy']}" if check["remedy"] else "")
            for check in self.of(name)
        ]

    @property
    def names(self) -> set[str]:
        """Of all checks."""
        return {check["name"] for check in self.checks}

    @property
    def bad(self) -> dict[str, str]:
        """Status by name of what is not ok."""
        return {check["name"]: check["status"] for check in self.checks if check["status"] != "ok"}


def play() -> Report:
    """Run the command; whatever is wrong, its report fits the schema, is bounded, and shows no secret."""
    result = CliRunner().invoke(plugchoice, ["doctor", "--format", "json"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    report = json.loads(result.stdout)
    jsonschema.validate(report, SCHEMA)
    printed = result.output + "\n".join(format_text([Check(**check) for check in report["checks"]], None))
    assert not [secret for secret in SECRETS if secret in printed]
    assert "\x1b" not in printed
    assert max(map(len, printed.splitlines())) < 1300
    statuses = {check["status"] for check in report["checks"]}
    assert result.exit_code == ("failure" in statuses)
    return Report(result.exit_code, report["checks"])


@pytest.fixture
def fake(tmp_path: Path) -> FakePulumi:
    """The only folder on the PATH."""
    return FakePulumi(tmp_path / "bin").install()


@pytest.fixture
def folder(tmp_path: Path, fake: FakePulumi, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in which all is well: the current folder."""
    project = tmp_path / "project"
    (project / "sites").mkdir(parents=True)
    (project / "Pulumi.yaml").write_text("name: site\nruntime: python\n")
    (project / "sites" / "dev.yaml").write_bytes(HARBOUR.read_bytes())
    stacks = tmp_path / "backend" / ".pulumi" / "stacks" / "site"
    stacks.mkdir(parents=True)
    (stacks / "dev.json").write_text("{}")
    (stacks.parent.parent / "meta.yaml").write_text("version: 1\n")
    variables = {
        "PATH": str(fake.folder),
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": PHRASE,
        "PLUGCHOICE_BASE_URL": emulator.base_url,
        "PLUGCHOICE_TOKEN": TOKEN,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(project)
    return project


def test_all_is_well(folder: Path, emulator: Emulator) -> None:
    """Every check is there and ok; nothing is written to the API, to the backend and to the project."""

    def snapshot() -> dict[Path, bytes]:
        return {path: path.read_bytes() for name in ("backend", "project") for path in files(folder.parent / name)}

    before = snapshot()
    with emulator.recording() as calls:
        report = play()
    assert report.bad == {}
    assert report.status == 0
    assert report.names == {*MACHINE, *ACCOUNT, "stacks"}
    assert {request["method"] for request in calls.requests} == {"GET"}
    assert len(calls) == 3  # the user, the sites, the chargers of one
    assert snapshot() == before


def files(folder: Path) -> list[Path]:
    """All files below a folder."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


# --- the CLI ---


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("echo v3.253.1", "is v3.253.1; 3.254 or newer is needed"),
        ("echo 2.24.0", "is 2.24.0; 3.254 or newer is needed"),
        ("echo Pulumi", "`pulumi version` prints no version but 'Pulumi'"),
        ("true", "`pulumi version` prints no version (exit status 0)"),
        ("exit 3", "`pulumi version` prints no version (exit status 3)"),
        ("echo v3.259.0; exit 1", "`pulumi version` prints no version but 'v3.259.0'"),
        ("printf '\\033[31m::error::##[error]\\n::stop\\377'", "`pulumi version` prints no version but '\\x1b[31m"),
        ("echo v9999999999.1.0", "`pulumi version` prints no version but 'v9999999999.1.0'"),
        ("kill -9 $$", "`pulumi version` prints no version (exit status -9)"),
        ("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", "`pulumi version` prints no version but 'xxxx"),
    ],
)
def test_a_cli_that_cannot_be_used(folder: Path, fake: FakePulumi, version: str, told: str) -> None:
    """One failure with a remedy; all other checks but those of the CLI run."""
    fake.cli(version)
    report = play()
    (line,) = report.lines("pulumi")
    assert told in line
    assert "install the Pulumi CLI 3.254 or newer: https://" in line
    assert report.bad == {"pulumi": "failure"}
    assert report.names == {*MACHINE, *ACCOUNT, "stacks"} - {"language-host"}


@pytest.mark.parametrize("version", ["v3.254.0", "3.300.1", "v4.0.0-alpha.1+dirty", "warning: old\nv3.260.0"])
def test_a_cli_that_is_new_enough(folder: Path, fake: FakePulumi, version: str) -> None:
    fake.cli(f"printf '{version}\\n'")
    assert play().bad == {}


def test_a_cli_that_hangs_is_killed_with_what_it_started(
    folder: Path, fake: FakePulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "PATIENCE", 0.3)
    fake.cli(f"/bin/sleep 60 & echo $! > {folder}/child; wait")
    report = play()
    (line,) = report.lines("pulumi")
    assert "pulumi does not end within 0.3 s; install" in line
    assert not is_alive(int((folder / "child").read_text()))


def test_a_cli_that_leaves_a_process_behind_is_not_waited_for_beyond_the_limit(
    folder: Path, fake: FakePulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the other end of the pipe."""
    monkeypatch.setattr(children, "PATIENCE", 0.3)
    fake.cli(f"/bin/sleep 60 & echo $! > {folder}/child; echo v3.259.0")
    assert play().bad == {"pulumi": "failure"}
    assert not is_alive(int((folder / "child").read_text()))


def is_alive(process: int) -> bool:
    """Whether a process is there, after a moment; a zombie is not."""
    for _ in range(50):
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return False
        except OSError:
            return False
        time.sleep(0.02)
    return True


def test_no_cli(folder: Path, fake: FakePulumi) -> None:
    """Nothing there, a folder, a file without the right to run it, and no program at all."""
    cli = fake.folder / "pulumi"
    cli.chmod(0o644)
    assert play().lines("pulumi")[0].startswith("failure: is not on PATH; install the Pulumi CLI")
    cli.unlink()
    assert play().bad == {"pulumi": "failure"}
    cli.mkdir()
    assert play().bad == {"pulumi": "failure"}
    cli.rmdir()
    cli.write_bytes(b"\x7fELF nothing")
    cli.chmod(0o755)
    assert "cannot be started (Exec format error); install" in play().lines("pulumi")[0]


@pytest.mark.parametrize("missing", [HELPERS[:1], HELPERS[1:], HELPERS])
def test_no_language_host(folder: Path, fake: FakePulumi, missing: tuple[str, ...]) -> None:
    for name in missing:
        (fake.folder / name).unlink()
    report = play()
    assert report.bad == {"language-host": "failure"}
    assert report.lines("language-host")[0].startswith(f"failure: {' and '.join(missing)}: not beside ")


def test_a_language_host_behind_a_link_and_one_of_a_wrapper(
    folder: Path, fake: FakePulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some packages link only `pulumi` into a folder of the PATH, others write a script that starts it."""
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "pulumi").symlink_to(fake.folder / "pulumi")
    monkeypatch.setenv("PULUMI_PYTHON_CMD", str(fake.folder / "python3"))
    monkeypatch.setenv("PATH", str(tmp_path / "links"))
    assert play().bad == {}
    (tmp_path / "links" / "pulumi").unlink()
    wrapper = FakePulumi(tmp_path / "links")
    wrapper.write(
        "pulumi", 'case $1 in about) echo \'{"runtime": {"language": "python"}}\' ;; *) echo v3.259.0 ;; esac\n'
    )
    assert play().bad == {}
    wrapper.write("pulumi", "case $1 in about) echo '{\"runtime\": null}' ;; *) echo v3.259.0 ;; esac\n")
    assert play().bad == {"language-host": "failure"}


# --- the Python ---


@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [
        (found("0.0.9"), "warning", "pulumi-plugchoice 0.0.9 and pulumi 3.272.0; this command is 0.1.0; run: "),
        (found(None, error="ModuleNotFoundError: No module named 'pulumi_plugchoice'"), "failure", "cannot import"),
        (found(error="ImportError: \x1b[31m" + "x" * 9999), "failure", "cannot import pulumi_plugchoice (ImportError"),
        ("nothing\x1b[0m", "failure", "does not run Python code (exit status 0: nothing"),
        ("plugchoice-doctor:[1]", "failure", "does not run Python code"),
        ("plugchoice-doctor:{", "failure", "does not run Python code"),
    ],
)
def test_a_python_without_the_package(folder: Path, fake: FakePulumi, answer: str, status: str, told: str) -> None:
    """Of the engine; the one that runs the command does not matter."""
    fake.python(answer)
    report = play()
    assert report.bad == {"python": status}
    assert told in report.lines("python")[0]
    assert "pip install pulumi-plugchoice==0.1.0" in report.lines("python")[0] or "repair" in report.lines("python")[0]


def test_what_is_printed_while_python_starts_does_not_disturb(folder: Path, fake: FakePulumi) -> None:
    fake.python(f"sitecustomize was here\n{found()}\nand at the end\n")
    assert play().bad == {}


def test_the_python_of_the_environment(folder: Path, fake: FakePulumi, monkeypatch: pytest.MonkeyPatch) -> None:
    """PULUMI_PYTHON_CMD wins; `python` stands in for `python3`."""
    monkeypatch.setenv("PULUMI_PYTHON_CMD", "/nowhere/python")
    assert "'/nowhere/python' is not there; correct PULUMI_PYTHON_CMD" in play().lines("python")[0]
    monkeypatch.delenv("PULUMI_PYTHON_CMD")
    (fake.folder / "python3").rename(fake.folder / "python")
    assert play().bad == {}
    (fake.folder / "python").unlink()
    assert play().bad == {"python": "failure"}


def test_the_real_python(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the package, and answers with its versions."""
    monkeypatch.setenv("PULUMI_PYTHON_CMD", sys.executable)
    (line,) = play().lines("python")
    assert line.startswith(f"ok: Python {sys.version.split()[0]} with pulumi-plugchoice 0.1.0 and pulumi 3.")


@pytest.mark.parametrize("options", ["virtualenv: venv", "virtualenv: ./venv/", "virtualenv: {folder}/venv"])
def test_a_virtualenv(folder: Path, fake: FakePulumi, options: str) -> None:
    """The program and the provider have the same one."""
    write_project(folder, options.format(folder=folder))
    assert play().bad == {"python": "failure"}
    (folder / "venv").mkdir()
    assert "is not a virtual environment" in play().lines("python")[0]
    FakePulumi(folder / "venv" / "bin").python(name="python")
    report = play()
    assert report.bad == {}
    assert report.lines("python")[0].endswith("for the program and the provider (`virtualenv` of Pulumi.yaml)")


def write_project(folder: Path, options: str, more: str = "") -> None:
    """Write Pulumi.yaml with options of the runtime."""
    (folder / "Pulumi.yaml").write_text(f"name: site\nruntime:\n  name: python\n  options:\n    {options}\n{more}")


def test_a_relative_virtualenv_with_main_is_found_by_the_program_only(folder: Path) -> None:
    """The provider looks for it below the program's folder."""
    write_project(folder, "virtualenv: venv", "main: program\n")
    (folder / "program").mkdir()
    FakePulumi(folder / "venv" / "bin").python(name="python")
    program, provider = play().lines("python")
    assert program.startswith("ok: ")
    assert provider == (
        f"failure: for the dynamic provider (`virtualenv` of Pulumi.yaml): {folder}/program/venv is not there; it is "
        f"looked for below the program's folder, which `main` names; give the absolute path {folder}/venv, or remove "
        "`virtualenv` and run `pulumi` in the activated environment"
    )
    write_project(folder, f"virtualenv: {folder}/venv", "main: program/\n")
    assert play().bad == {}
    write_project(folder, f"virtualenv: {folder}/venv", "main: elsewhere\n")
    assert "the program's folder" in play().lines("python")[0]


@pytest.mark.parametrize("name", ["uv.lock", "poetry.lock"])
def test_a_lock_file_without_toolchain_is_found_by_the_program_only(folder: Path, fake: FakePulumi, name: str) -> None:
    """The provider takes the Python of the PATH, which may lack the package."""
    (folder / name).touch()
    fake.write("poetry", f"echo {folder}/.venv\n")
    FakePulumi(folder / ".venv" / "bin").python(name="python")
    fake.python(found(None, error="ModuleNotFoundError: no"))
    program, provider = play().lines("python")
    assert program.startswith("ok: ")
    assert "for the dynamic provider (PATH): cannot import" in provider
    write_project(folder, f"toolchain: {name.partition('.')[0]}")
    assert play().bad == {}


def test_poetry(folder: Path, fake: FakePulumi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not there, without an environment, without an end."""
    write_project(folder, "toolchain: poetry")
    assert "poetry is not on PATH" in play().lines("python")[0]
    fake.write("poetry", "echo none; exit 1\n")
    assert "poetry has no environment here; run: poetry install" in play().lines("python")[0]
    monkeypatch.setattr(children, "PATIENCE", 0.2)
    fake.write("poetry", "exec /bin/sleep 60\n")
    assert "poetry does not end within 0.2 s" in play().lines("python")[0]


# --- the project ---


def test_no_project(folder: Path, fake: FakePulumi) -> None:
    """A warning; a Python without the package, too, because a project may name another one."""
    (folder / "Pulumi.yaml").unlink()
    fake.python(found(None, error="ModuleNotFoundError: no"))
    report = play()
    assert report.bad == {"project": "warning", "python": "warning"}
    assert report.names == {*MACHINE, *ACCOUNT}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: [", "Pulumi.yaml:"),
        ("- a\n", "Pulumi.yaml: is not a mapping of names to values; is it the right file?"),
        ("", "Pulumi.yaml: is not a mapping"),
        ("name: \x00", "Pulumi.yaml:1: not valid YAML"),
        ("x" * (2 << 20), "Pulumi.yaml: is larger than 1 MiB"),
    ],
)
def test_a_project_file_that_cannot_be_read(folder: Path, text: str, told: str) -> None:
    (folder / "Pulumi.yaml").write_text(text)
    report = play()
    assert report.bad["project"] == "failure"
    assert told in report.lines("project")[0]
    assert report.names == {*MACHINE, *ACCOUNT}


@pytest.mark.parametrize("runtime", ["nodejs", "{name: nodejs}", "null", "[python]", "3"])
def test_a_project_in_another_language(folder: Path, runtime: str) -> None:
    (folder / "Pulumi.yaml").write_text(f"name: site\nruntime: {runtime}\n")
    report = play()
    assert report.bad == {"python": "failure"}
    assert "write the program in Python" in report.lines("python")[0]


def test_a_project_above_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the CLI finds it."""
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    report = play()
    assert report.lines("project") == [f"ok: 'site', {folder}/Pulumi.yaml"]
    assert report.bad == {"site-files": "warning"}
