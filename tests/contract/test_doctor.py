"""`plugchoice doctor`: each thing that can be wrong is one line with a remedy, and the other checks still run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jsonschema
import pytest
from click.testing import CliRunner
from pulumi_plugchoice._version import __version__
from pulumi_plugchoice.api import transport
from pulumi_plugchoice.api.budget import Budget
from pulumi_plugchoice.api.clock import ServerClock
from pulumi_plugchoice.api.models import Site
from pulumi_plugchoice.api.rows import parse_charger_rows
from pulumi_plugchoice.cli.group import plugchoice
from pulumi_plugchoice.doctor import account, backend, children
from pulumi_plugchoice.doctor.report import SCHEMA_FILE, Check, format_json, format_text
from support import emulator as emulators
from support import schemas
from support.emulator import CLIENT_ID, CLIENT_SECRET, PINCODE, SITE, TOKEN, charger_uuid
from support.fake_pulumi import HELPERS, FakePulumi, found

if TYPE_CHECKING:
    from support.emulator import Emulator, Json

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")

HARBOUR: Final = Path(__file__).parent.parent / "fixtures" / "sites" / "harbour.yaml"
PHRASE: Final = "a-passphrase-that-nobody-may-see"
SECRETS: Final = (TOKEN, CLIENT_SECRET, PINCODE, PHRASE)
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
    schemas.validate(report, SCHEMA_FILE)
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
        (
            found("0.0.9"),
            "warning",
            f"pulumi-plugchoice 0.0.9 and pulumi 3.272.0; this command is {__version__}; activate ",
        ),
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
    line = report.lines("python")[0]
    assert f"pip install pulumi-plugchoice=={__version__}" in line or "repair" in line


def test_a_python_that_hangs(folder: Path, fake: FakePulumi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "PATIENCE", 0.3)
    fake.write("python3", "exec /bin/sleep 60\n")
    report = play()
    assert report.bad == {"python": "failure"}
    assert "python3, for the program and the provider (PATH): does not end within 0.3 s; " in report.lines("python")[0]


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


@pytest.mark.slow
def test_the_real_python(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the package, and answers with its versions."""
    monkeypatch.setenv("PULUMI_PYTHON_CMD", sys.executable)
    (line,) = play().lines("python")
    assert line.startswith(f"ok: Python {sys.version.split()[0]} with pulumi-plugchoice {__version__} and pulumi 3.")


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


# --- backend, passphrase, stacks ---


def test_no_backend(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the environment, nor in the project, nor by a log-in; the credentials of a log-in may be a link."""
    monkeypatch.delenv("PULUMI_BACKEND_URL")
    report = play()
    assert report.bad == {"backend": "failure"}
    assert report.lines("backend")[0].startswith(
        "failure: PULUMI_BACKEND_URL is not set, and nobody is logged in; set "
    )
    assert report.names == {*MACHINE, *ACCOUNT}
    (tmp_path / "elsewhere.json").write_text(json.dumps({"current": f"file://{tmp_path / 'backend'}"}))
    (tmp_path / ".pulumi").mkdir()
    (tmp_path / ".pulumi" / "credentials.json").symlink_to(tmp_path / "elsewhere.json")
    assert play().bad == {}
    (tmp_path / "elsewhere.json").write_text("[")
    assert play().bad == {"backend": "failure"}
    (folder / "Pulumi.yaml").write_text("name: site\nruntime: python\nbackend: {url: 'file://../backend'}\n")
    report = play()
    assert report.bad == {}
    assert report.lines("backend") == ["ok: file://../backend (Pulumi.yaml)"]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("file://~/backend", "ok: file://~/backend (PULUMI_BACKEND_URL)"),
        ("file://../backend?no_tmp_dir=true", "ok: file://../backend (PULUMI_BACKEND_URL)"),
        ("file://../none", "failure: file://../none (PULUMI_BACKEND_URL): there is no such folder; run: mkdir -p "),
        ("file://Pulumi.yaml", "failure: file://Pulumi.yaml (PULUMI_BACKEND_URL): is not a folder"),
    ],
)
def test_a_folder_backend(folder: Path, url: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", url)
    assert play().lines("backend")[0].startswith(told)


@pytest.mark.parametrize(
    ("whoami", "told"),
    [
        ("echo 'warning: old'; echo ann", "ok: s3://state (PULUMI_BACKEND_URL), as ann"),
        (
            "echo 2026 WARN; echo error: no bucket; exit 255",
            "failure: s3://state (PULUMI_BACKEND_URL): no bucket; run `pulumi whoami`",
        ),
        ("exec /bin/sleep 60", "failure: s3://state (PULUMI_BACKEND_URL): `pulumi whoami` does not end within 0.3 s;"),
        ("printf '\\033[31m'; exit 1", "failure: s3://state (PULUMI_BACKEND_URL): \\x1b[31m; run "),
        ("exit 1", "failure: s3://state (PULUMI_BACKEND_URL): exit status 1; run `pulumi whoami`"),
    ],
)
def test_another_backend_is_asked_by_the_cli(
    folder: Path, fake: FakePulumi, whoami: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of its URL but scheme, host and path is shown: the rest may hold keys."""
    monkeypatch.setattr(children, "PATIENCE", 0.3)
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"s3://ann:{CLIENT_SECRET}@state?key={CLIENT_SECRET}")
    fake.cli(whoami=whoami, stack="echo dev")
    report = play()
    assert report.lines("backend")[0].startswith(told)
    assert ("stacks" in report.names) == (report.bad == {})


def test_what_a_wrong_cli_prints_shows_no_secret(
    folder: Path, fake: FakePulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not get those that it does not need, and those of the backend are taken out of what it prints."""
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "pul-a-token-that-nobody-may-see")
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"s3://ann:{CLIENT_SECRET}@state")
    monkeypatch.setenv("PLUGCHOICE_QUOTA_URL", "postgres://user:geheim@127.0.0.1:9/x")
    mine = "$PLUGCHOICE_TOKEN/$PLUGCHOICE_QUOTA_URL/$PULUMI_CONFIG_PASSPHRASE"
    fake.cli(whoami=f"echo {mine}/$PULUMI_ACCESS_TOKEN/$PULUMI_BACKEND_URL; exit 1")
    (line,) = play().lines("backend")
    assert line.startswith("failure: s3://state (PULUMI_BACKEND_URL): ///[hidden]/s3://ann:[hidden]@state; run ")


def test_a_backend_without_a_cli(folder: Path, fake: FakePulumi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "gs://state")
    (fake.folder / "pulumi").unlink()
    report = play()
    assert report.bad == {"pulumi": "failure", "backend": "warning"}


def test_a_database_is_not_asked(folder: Path, fake: FakePulumi, monkeypatch: pytest.MonkeyPatch) -> None:
    """The CLI would create its table in it."""
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"postgres://ann:{CLIENT_SECRET}@db.example/state?sslmode=disable")
    report = play()
    assert report.lines("backend")[0].startswith("ok: postgres://db.example/state (PULUMI_BACKEND_URL); not looked at")
    assert report.bad == {"stacks": "warning"}
    assert fake.calls() == ["version"]


@pytest.mark.parametrize(
    ("config", "backend", "phrase", "told"),
    [
        (None, None, None, "failure: not set; a stack of this backend needs one; set PULUMI_CONFIG_PASSPHRASE or "),
        (None, None, "", "ok: PULUMI_CONFIG_PASSPHRASE is set, and empty"),
        (None, "https://api.pulumi.example", None, "ok: not needed"),
        ("encryptionsalt: v1:a:v1:b", "https://api.pulumi.example", None, "failure: not set; stack dev needs one"),
        ("config: {}", None, None, "failure: not set; stack dev needs one; set PULUMI_CONFIG_PASSPHRASE or "),
        ("secretsprovider: awskms://alias/x", None, None, "ok: not needed"),
        ("secretsprovider: passphrase", "https://api.pulumi.example", None, "failure: not set; stack dev needs one"),
        ("secretsprovider: [", None, None, "failure: not set; stack dev needs one"),
    ],
)
def test_a_passphrase_that_is_needed(
    folder: Path,
    *,
    config: str | None,
    backend: str | None,
    phrase: str | None,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the kind of backend, and by the config files of the stacks."""
    if config is not None:
        (folder / "Pulumi.dev.yaml").write_text(config + "\n")
    if backend is not None:
        monkeypatch.setenv("PULUMI_BACKEND_URL", backend)
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    if phrase is not None:
        monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", phrase)
    assert play().lines("passphrase")[0].startswith(told)


def test_a_passphrase_in_a_file(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is there and may be read; a pipe is left as it is, because it can be read once."""
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    for name in ("missing", ".", "\udcff"):
        monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", name)
        assert play().bad == {"passphrase": "failure"}, name
    file = tmp_path / "phrase"
    os.mkfifo(file)
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(file))
    assert play().lines("passphrase") == ["ok: PULUMI_CONFIG_PASSPHRASE_FILE is set"]


def test_stacks_of_a_folder(folder: Path, fake: FakePulumi, tmp_path: Path) -> None:
    """Each site file needs one, in any of the forms in which the CLI writes it, and in the old layout."""
    for name in ("plain", "packed", "missing", "not a name", "-x"):
        (folder / "sites" / f"{name}.yaml").write_text("[")
    stacks = tmp_path / "backend" / ".pulumi" / "stacks"
    (stacks / "site" / "packed.json.gz").touch()
    (stacks / "site" / "plain.json.bak").touch()
    report = play()
    assert report.lines("stacks") == [
        "ok: 2 site files with a stack: dev, packed",
        "warning: 4 site files without a stack: -x, missing, not a name, plain; run: pulumi stack init -- -x",
    ]
    for name in ("missing", "-x", "plain"):
        (folder / "sites" / f"{name}.yaml").unlink()
    assert (
        play().lines("stacks")[1].startswith("warning: 1 site file without a stack: not a name; rename the file: the")
    )
    (folder / "sites" / "plain.yaml").write_text("[")
    (stacks.parent / "meta.yaml").unlink()
    (stacks / "plain.json").touch()
    assert play().lines("stacks")[0] == "ok: 1 site file with a stack: plain"
    assert fake.calls() == ["version"] * 3


def test_stacks_of_another_backend_are_asked_for_by_name(
    folder: Path, fake: FakePulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never listed, and only the first 20: each is a start of the CLI. What cannot be told is neither of both."""
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://state")
    monkeypatch.setattr(backend, "_MOST_STACKS", 4)
    answers = "case $3 in *=a) echo a ;; *=b) echo \"error: no stack named 'b' found\"; exit 6 ;; *) exit 1 ;; esac"
    fake.cli(stack=answers)
    (folder / "sites" / "dev.yaml").unlink()
    (folder / "sites" / "a name.yaml").write_text("[")
    for name in "abcd":
        (folder / "sites" / f"{name}.yaml").write_text("[")
    assert play().lines("stacks") == [
        "ok: 1 site file with a stack: a",
        "warning: 2 site files without a stack: a name, b; run: pulumi stack init b",
        "warning: not checked: d, c; run: pulumi stack ls",
    ]
    assert fake.calls()[2:] == [f"stack --show-name --stack={name} --non-interactive" for name in "abc"]


# --- files of this machine ---


def test_site_files(folder: Path) -> None:
    """Those that can be used in one line, the first mistake of each other one; none is a warning."""
    (folder / "sites" / "bad.yaml").write_text("site: x\nsupply: 3\n")
    (folder / "sites" / "same.yaml").write_bytes(HARBOUR.read_bytes())
    report = play()
    assert report.status == 1
    assert [line.partition(": ")[2][:22] for line in report.lines("site-files")] == [
        "sites/bad.yaml:1:1: ch",
        "sites/dev.yaml: declar",
        "sites/same.yaml: decla",
    ]
    for file in (folder / "sites").iterdir():
        file.unlink()
    (line,) = play().lines("site-files")
    assert line.startswith("warning: none here (sites/*.yaml); run this in the folder of the project; ")
    for number in range(25):
        (folder / "sites" / f"\x1b[31m{number:02}.yaml").write_text("[")
    lines = play().lines("site-files")
    assert len(lines) == 21
    assert lines[-1] == "failure: 5 more with mistakes; run: plugchoice check sites/*.yaml"


def test_the_cache_folder(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made by the first run; a warning when it is open to others, no folder, or cannot be written."""
    cache = tmp_path / "cache" / "pulumi-plugchoice"
    assert play().lines("cache") == [f"ok: {cache}, which the first run makes"]
    assert play().lines("cache") == [f"ok: {cache}"]
    cache.chmod(0o755)
    assert play().lines("cache") == [f"warning: {cache} is open to other users; run: chmod 700 {cache}"]
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "Pulumi.yaml"))
    assert play().bad == {"cache": "warning"}
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/self")
    assert play().bad == {"cache": "warning"}


def test_a_quota_database_that_cannot_be_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning; the account is checked all the same, and at once. Neither its password nor its URL is shown."""
    monkeypatch.setenv("PLUGCHOICE_QUOTA_URL", "postgres://user:geheim@127.0.0.1:9/x")
    started = time.monotonic()
    report = play()
    assert time.monotonic() - started < 20
    assert report.bad == {"quota-database": "warning"}
    (line,) = report.lines("quota-database")
    assert "Connection refused" in line
    assert "geheim" not in line
    assert report.names == {*MACHINE, *ACCOUNT, "stacks", "quota-database"}


# --- the account ---


@pytest.mark.parametrize(
    ("variables", "name", "told"),
    [
        ({"PLUGCHOICE_TOKEN": ""}, "token", "failure: credentials: not set; set PLUGCHOICE_TOKEN to a personal access"),
        ({"PLUGCHOICE_TOKEN": "Bearer x"}, "token", "failure: PLUGCHOICE_TOKEN: begins with 'Bearer'; give the token"),
        ({"PLUGCHOICE_BASE_URL": "http://example.com/api"}, "base-url", "failure: PLUGCHOICE_BASE_URL: 'http://exam"),
        ({"PLUGCHOICE_BASE_URL": f"https://a:{TOKEN}@x"}, "base-url", "failure: PLUGCHOICE_BASE_URL: the URL contains"),
        ({"PLUGCHOICE_SITE": "x"}, "options", "failure: PLUGCHOICE_SITE: 'x' is not a UUID; use the UUID"),
        ({"PLUGCHOICE_OFFLINE": "maybe"}, "offline", "failure: PLUGCHOICE_OFFLINE: 'maybe' is neither on nor off; set"),
        ({"PLUGCHOICE_OFFLINE": "1"}, "offline", "warning: PLUGCHOICE_OFFLINE is on, so token, access, request limit"),
    ],
)
def test_an_option_that_is_wrong(
    folder: Path,
    *,
    emulator: Emulator,
    variables: dict[str, str],
    name: str,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line; nothing is sent, and the machine is checked all the same."""
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    with emulator.recording() as calls:
        report = play()
    assert len(calls) == 0
    assert report.lines(name)[0].startswith(told)
    assert set(report.bad) == {name}
    assert report.names == {*MACHINE, "stacks", name, "base-url"}


def test_several_options_that_are_wrong(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All are told at once."""
    monkeypatch.setenv("PLUGCHOICE_BASE_URL", "x")
    monkeypatch.setenv("PLUGCHOICE_TOKEN", "")
    monkeypatch.setenv("PLUGCHOICE_TIMEOUT_SECONDS", "x")
    monkeypatch.setenv("PLUGCHOICE_OFFLINE", "x")
    assert set(play().bad) == {"base-url", "token", "options", "offline"}


def test_a_token_and_a_base_url_in_a_stacks_config(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are the engine's; the command says that it does not use them."""
    (folder / "Pulumi.dev.yaml").write_text(
        "config:\n  plugchoice:baseUrl: https://x.example\n  plugchoice:token:\n    secure: v1:a\n"
    )
    monkeypatch.delenv("PLUGCHOICE_TOKEN")
    monkeypatch.delenv("PLUGCHOICE_BASE_URL")
    report = play()
    assert report.bad == {"base-url": "warning", "token": "warning"}
    assert report.lines("token")[0].startswith(
        "warning: not in the environment, so it is not checked; the config of stack dev"
    )


def use_client(monkeypatch: pytest.MonkeyPatch, secret: str = CLIENT_SECRET) -> None:
    """Use client credentials in place of the token."""
    monkeypatch.delenv("PLUGCHOICE_TOKEN")
    monkeypatch.setenv("PLUGCHOICE_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("PLUGCHOICE_CLIENT_SECRET", secret)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_client_credentials_whose_user_is_not_told(
    folder: Path, emulator: Emulator, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which user they act as is not documented; the list of sites tells whether they are good."""
    use_client(monkeypatch)
    assert play().lines("token")[0].startswith("ok: client credentials of 'tester' (")
    emulator.fault("status", status=status, path="/v3/user", times=None)
    report = play()
    assert report.bad == {}
    assert report.lines("token") == ["ok: client credentials of a user whom the API does not tell"]


def test_credentials_that_are_refused(folder: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator.set_token(revoked=True)
    report = play()
    assert report.bad == {"token": "failure"}
    (line,) = report.lines("token")
    assert line == (
        "failure: GET /v3/user: answered 401 (Unauthenticated.): the credentials are wrong, expired or revoked; set "
        "PLUGCHOICE_TOKEN (or PLUGCHOICE_CLIENT_ID and PLUGCHOICE_CLIENT_SECRET) to valid ones"
    )
    assert "clock" in report.names
    use_client(monkeypatch, "wrong-secret")
    (line,) = play().lines("token")
    assert line.startswith("failure: POST /oauth/token: answered 401")


@pytest.mark.parametrize(
    ("fault", "name", "told"),
    [
        ({"kind": "status", "status": 503}, "api", "failure: GET /v3/user: answered 503"),
        ({"kind": "status", "status": 429, "retry_after": 60}, "request-limit", "failure: GET /v3/user: answered 429"),
        ({"kind": "slow", "delay_seconds": 5}, "api", "failure: GET /v3/user: "),
        ({"kind": "status", "status": 403, "path": "/v3/sites"}, "api", "failure: GET /v3/sites: answered 403"),
        ({"kind": "html"}, "api", "failure: GET /v3/"),
    ],
)
def test_an_api_that_does_not_answer(
    folder: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, *, fault: dict[str, Any], name: str, told: str
) -> None:
    """One line, soon, whatever time limits the options allow."""
    # A 503 is tried again until then; an answer needs more than that only on a machine that is very busy.
    monkeypatch.setattr(account, "FIRST_ANSWER", 0.3 if fault["kind"] == "slow" else 3.0)
    emulator.fault(times=None, **fault)
    report = play()
    assert [check["status"] for check in report.of(name)][:1] == ["failure"]
    assert report.lines(name)[0].startswith(told)
    assert "access" not in report.names
    assert len([check for check in report.checks if check["status"] != "ok"]) == 1


def test_an_api_that_is_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "FIRST_ANSWER", 0.3)
    monkeypatch.setenv("PLUGCHOICE_BASE_URL", "http://127.0.0.1:9/api")
    report = play()
    assert report.bad == {"api": "failure"}
    assert report.names == {*MACHINE, "stacks", "base-url", "api"}


def test_ca_certificates_that_are_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUGCHOICE_BASE_URL", "https://127.0.0.1:9/api")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    assert (
        play().lines("api")[0].startswith("failure: REQUESTS_CA_BUNDLE: '/nowhere.pem' does not exist; name a PEM file")
    )


def test_what_the_token_may_change(folder: Path, emulator: Emulator) -> None:
    """`full: false` is believed; a charger whose answer tells nothing may be either."""
    emulator.set_token(access={"*": "full", charger_uuid(1): "basic", charger_uuid(3): "sensitive"})
    report = play()
    assert report.bad == {"access": "warning"}
    assert report.lines("access") == [
        f"warning: site {SITE} 'Harbour', sites/dev.yaml: 3 chargers; the token may not change 2 of them: HRB-001, "
        "HRB-003; ask the site's owner for full access, or leave their connectors out"
    ]


def test_a_site_that_cannot_be_read(folder: Path, emulator: Emulator) -> None:
    """The other ones are told all the same."""
    seed = emulators.seed(1)
    emulator.reset({**seed, "sites": [*seed["sites"], {"uuid": charger_uuid(99), "name": "Other"}]})
    emulator.fault("status", status=400, path=f"/v3/sites/{SITE}/chargers", times=None)
    emulator.fault("html", path=f"/v3/sites/{charger_uuid(99)}/chargers", times=None)
    declared, other = play().lines("access")
    assert declared.startswith(
        f"failure: site {SITE} 'Harbour', sites/dev.yaml: GET /v3/sites/{SITE}/chargers: answered 400"
    )
    assert other.startswith(f"warning: site {charger_uuid(99)} 'Other': GET /v3/sites/")
    assert other.endswith("instead of JSON; check the base URL")


EMPTY: Final = Site(uuid=SITE, name="A\x1b[31m\u202e::x" + "y" * 300)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{}, {"permissions": {"full": True}}], "ok: X: 2 chargers, for 1 the API does not tell whether the token may"),
        ([{"permissions": {"full": "false"}}], "ok: X: 1 charger, for 1 the API does not tell"),
        ([{"permissions": None}], "ok: X: 1 charger, for 1 the API does not tell"),
        ([{"permissions": {"full": True}}], "ok: X: 1 charger, all may be changed"),
        ([], "ok: X: 0 chargers"),
        ([{"uuid": 3}], "warning: X: 0 chargers, 1 row of the list cannot be read; row 1 of the list of chargers (in"),
    ],
)
def test_what_an_answer_tells_of_permissions(rows: list[Json], told: str) -> None:
    listing = parse_charger_rows([{"uuid": charger_uuid(place), **row} for place, row in enumerate(rows)])
    check = account._describe_access(SITE, EMPTY, None, listing)
    start, _, rest = check.message.partition(": ")
    assert f"{check.status}: X: {rest}".startswith(told)
    assert start.startswith(f"site {SITE} 'A[31m::xyyy")
    assert len(start) < 120


def test_sites_that_the_token_does_not_see(folder: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure for a declared one, which is asked for by itself; of others, 50 are looked at."""
    seed = emulators.seed(1)
    (site,) = seed["sites"]
    others = [{"uuid": f"0b6c1d2e-3f40-4a51-8b62-{number:012}", "name": f"S{number}"} for number in range(60)]
    emulator.reset({**seed, "sites": [{**site, "uuid": others[0]["uuid"]}, *others[1:]]})
    report = play()
    lines = report.lines("access")
    assert lines[0] == (
        f"failure: site {SITE}, sites/dev.yaml: does not exist, or the token's user may not see it (answered 404); "
        "check the UUID and the token, or ask the site's owner for access"
    )
    assert lines[1].startswith(f"ok: site {others[0]['uuid']} 'Harbour': 1 charger")
    assert lines[-1] == "ok: 11 more sites of the account, not looked at"
    assert len(lines) == 51
    (folder / "sites" / "dev.yaml").unlink()
    monkeypatch.setenv("PLUGCHOICE_SITE", SITE)
    assert play().lines("access")[0].startswith(f"failure: site {SITE}, PLUGCHOICE_SITE: does not exist, or ")
    monkeypatch.delenv("PLUGCHOICE_SITE")
    emulator.set_token(access={})
    assert play().lines("access")[0].startswith("warning: the token sees no site; ask the site's owner")


@pytest.mark.parametrize(
    ("left", "told"),
    [
        ("50", "ok: 50 of 500 requests left this minute"),
        (
            "49",
            "warning: 49 of 500 requests left this minute; "
            "wait a minute; find out what else uses the limit of this user",
        ),
        ("many", ""),
    ],
)
def test_the_request_limit(left: str, told: str) -> None:
    """As the last answer told it; no line when none did."""
    budget = Budget()
    budget.note_limit({"X-RateLimit-Limit": "500", "X-RateLimit-Remaining": left})
    report = Report(0, [asdict(check) for check in account._check_limit(budget)])
    assert report.lines("request-limit") == ([told] if told else [])


@pytest.mark.parametrize(("seconds", "direction"), [(0, ""), (4, ""), (-4, ""), (90, "ahead of"), (-3600, "behind")])
def test_the_clock(folder: Path, seconds: int, direction: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the Date of the answers, which leaves out the fraction of a second."""

    class Clock:
        time = staticmethod(lambda: time.time() + seconds)

    monkeypatch.setattr(transport, "time", Clock)
    (line,) = play().lines("clock")
    if not direction:
        assert line == "ok: as Plugchoice's, within some seconds"
        return
    told = {f"warning: {abs(seconds) + more} s {direction} Plugchoice's; set the clock" for more in (-1, 0, 1)}
    assert line.partition(" of this machine")[0] in told


def test_a_slow_answer_is_no_wrong_clock() -> None:
    """It may have been written when the request arrived, or just before the answer left; the quickest answer counts."""
    clock, untold = ServerClock(), ServerClock()
    date = "Sat, 28 Nov 2026 12:00:00 GMT"
    noon = 1795867200
    for nonsense in (None, "", "noon", "Sat, 28 Nov 99999 12:00:00 GMT"):
        untold.note(nonsense, noon, noon)
    assert untold.ahead is None
    seen = []
    for sent, received in ((noon - 20, noon + 20), (noon + 7, noon + 8), (noon - 90, noon)):
        clock.note(date, sent, received)
        seen.append(clock.ahead)
    assert seen == [(-21, 20), (6, 8), (6, 8)]


# --- output ---


@pytest.mark.slow
def test_ctrl_c_ends_what_was_started(folder: Path, fake: FakePulumi) -> None:
    """One line, status 130, and nothing is left."""
    fake.cli(f"/bin/sleep 60 & echo $! > {folder}/child; wait")
    command = [sys.executable, "-m", "pulumi_plugchoice.cli", "doctor"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (folder / "child").exists() or not (folder / "child").read_text():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.strip()) == (130, "", "plugchoice: stopped")
    assert not is_alive(int((folder / "child").read_text()))


CHECKS: Final = [
    Check.ok("pulumi", "3.259.0, /usr/bin/pulumi"),
    Check.warning(
        "access", "site X: 3 chargers", "ask the site's owner for full access, or leave their connectors out"
    ),
    Check.failure("backend", "file:///state (PULUMI_BACKEND_URL): there is no such folder", "run: mkdir -p /state"),
]


def test_a_credential_in_the_wrong_place_is_not_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent here, so no request has told it to be hidden."""
    secret = "a-token-that-no-other-test-has"
    monkeypatch.setenv("PLUGCHOICE_TOKEN", secret)
    monkeypatch.setenv("PLUGCHOICE_OFFLINE", "1")
    (folder / "Pulumi.yaml").write_text(f"name: {secret}\nruntime: {secret}\n")
    lines = play().lines("project") + play().lines("python")
    assert len(lines) == 2
    assert secret not in "".join(lines)


def test_a_line_is_safe_to_print() -> None:
    """Whatever it is made of."""
    check = Check.failure("pulumi", "a\n::b\x1b[31m" + "c" * 1000, "d\u202e" + "e" * 1000)
    assert check.message.startswith("a ::b\\x1b[31mccc")
    assert (check.remedy or "").startswith("d\\u202eeee")
    assert max(len(check.message), len(check.remedy or "")) == 600


def test_text_for_a_log_and_for_a_terminal() -> None:
    """A line for each check in a log; on a terminal it fits, with the remedy below."""
    assert list(format_text(CHECKS, None)) == [
        "ok       pulumi: 3.259.0, /usr/bin/pulumi",
        "warning  access: site X: 3 chargers; ask the site's owner for full access, or leave their connectors out",
        "failure  backend: file:///state (PULUMI_BACKEND_URL): there is no such folder; run: mkdir -p /state",
        "1 ok, 1 warning, 1 failure",
    ]
    assert list(format_text(CHECKS, 50)) == [
        "ok       pulumi: 3.259.0, /usr/bin/pulumi",
        "warning  access: site X: 3 chargers",
        "         → ask the site's owner for full access,",
        "           or leave their connectors out",
        "failure  backend: file:///state",
        "         (PULUMI_BACKEND_URL): there is no such",
        "         folder",
        "         → run: mkdir -p /state",
        "1 ok, 1 warning, 1 failure",
    ]


def test_the_schema_refuses_what_is_not_a_report() -> None:
    """Another status or name, a failure without a remedy, a remedy of what is ok."""
    report = json.loads(format_json(CHECKS))
    schemas.validate(report, SCHEMA_FILE)
    for change in (
        {"status": "bad"},
        {"name": "x"},
        {"remedy": "do"},
        {"message": ""},
        {"status": "failure"},
        {"x": 1},
    ):
        wrong = {**report, "checks": [{**report["checks"][0], **change}]}
        with pytest.raises(jsonschema.ValidationError):
            schemas.validate(wrong, SCHEMA_FILE)
