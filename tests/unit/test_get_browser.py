"""tools/browser/get.py, with made-up programs on a made-up PATH."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.scripts import load

if TYPE_CHECKING:
    from types import ModuleType

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "browser" / "get.py"
APT = """\
#!/bin/sh
echo "$@" >>"$APT_LOG"
[ "$1" = install ] || exit 0
[ -z "$APT_FAILS" ] || { echo "E: Unable to locate package"; exit 100; }
printf '#!/bin/sh\\necho Chromium 156.0.8078.108 built on Debian\\n' >"$APT_BIN/chromium-headless-shell"
chmod +x "$APT_BIN/chromium-headless-shell"
"""


@pytest.fixture
def get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, on a machine without anything: not Debian, not root, no Playwright."""
    module = load("browser/get.py")
    for folder in ("bin", "tools"):
        (tmp_path / folder).mkdir()
    for tool in ("sh", "chmod"):
        (tmp_path / "tools" / tool).symlink_to(Path(shutil.which(tool) or tool))
    monkeypatch.setenv("PATH", os.pathsep.join(str(tmp_path / folder) for folder in ("bin", "tools")))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    monkeypatch.setenv("APT_LOG", str(tmp_path / "apt.log"))
    monkeypatch.setenv("APT_BIN", str(tmp_path / "bin"))
    monkeypatch.setattr(module, "PYTHON", tmp_path / "no-python")
    monkeypatch.setattr(module, "OS_RELEASE", tmp_path / "os-release")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    return module


def program(path: Path, text: str = "echo Chromium 156.0.8078.108") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text if text.startswith("#!") else f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(get: ModuleType, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the script: exit status, standard output, standard error."""

    def main(*arguments: str) -> tuple[int, str, str]:
        status = 0
        try:
            get.main(list(arguments))
        except SystemExit as stop:
            if isinstance(stop.code, str):
                sys.stderr.write(stop.code)  # as the interpreter does
            status = stop.code if isinstance(stop.code, int) else 1
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return main


def test_standard_output_is_the_path_alone(run: Run, tmp_path: Path) -> None:
    """Of a browser on the PATH; it goes before one that Playwright has downloaded."""
    downloaded = program(tmp_path / "playwright" / "chromium_headless_shell-1" / "linux" / "chrome-headless-shell")
    assert run("--check")[:2] == (0, f"{downloaded}\n")
    found = program(tmp_path / "bin" / "google-chrome", "echo Google Chrome 130.0.1.2")
    assert run()[:2] == (0, f"{found}\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("echo Chromium 111.0.1.2", "is 111; 112 or newer is needed"),
        ("echo a snap is needed >&2; exit 1", "`--version` prints no version"),
        ("#!/no/such/shell", "cannot be started"),
    ],
)
def test_a_browser_that_cannot_be_used_is_passed_over(run: Run, tmp_path: Path, text: str, reason: str) -> None:
    """And named when there is no other one."""
    program(tmp_path / "bin" / "chromium", text)
    status, out, err = run("--check")
    assert (status, out) == (1, "")
    assert reason in err
    good = program(tmp_path / "bin" / "chromium-browser")
    assert run("--check")[:2] == (0, f"{good}\n")


def test_the_variable_wins_and_a_wrong_one_is_an_error(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other browser is taken instead of it."""
    program(tmp_path / "bin" / "chromium")
    named = program(tmp_path / "elsewhere" / "chrome")
    monkeypatch.setenv("PLUGCHOICE_BROWSER", str(named))
    assert run()[:2] == (0, f"{named}\n")
    named.unlink()
    status, out, err = run()
    assert (status, out) == (1, "")
    assert err.startswith(f"get-browser: PLUGCHOICE_BROWSER={named} is not usable (")


def test_playwright_downloads_its_own(
    run: Run, get: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it says when it cannot is the reason."""
    target = tmp_path / "playwright" / "chromium_headless_shell-1255" / "linux" / "chrome-headless-shell"
    text = f"""[ "$*" = "-m playwright install --only-shell chromium" ] || exit 9
mkdir -p {target.parent} && printf '#!/bin/sh\\necho HeadlessChrome 150.0.1.2\\n' >{target} && chmod +x {target}"""
    (tmp_path / "tools" / "mkdir").symlink_to(Path(shutil.which("mkdir", path=os.defpath) or "mkdir"))
    monkeypatch.setattr(get, "PYTHON", program(tmp_path / "python", text))
    assert run()[:2] == (0, f"{target}\n")
    target.unlink()
    program(tmp_path / "python", "echo; echo 'Error: getaddrinfo ENOTFOUND cdn.playwright.dev'; echo '  at x'; exit 1")
    status, _, err = run()
    assert status == 1
    assert "download: python failed: Error: getaddrinfo ENOTFOUND cdn.playwright.dev" in err


@pytest.mark.parametrize(("name", "is_taken"), [('ID="debian"', True), ("ID=debian", True), ("ID=ubuntu", False)])
def test_debian_s_package_is_installed_by_root(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, *, is_taken: bool
) -> None:
    """Only on Debian, where it is a browser and not a pointer to a snap."""
    program(tmp_path / "tools" / "apt-get", APT)
    (tmp_path / "os-release").write_text(f"NAME=x\n{name}\nVERSION_ID=12\n")
    assert run()[0] == 1
    assert not (tmp_path / "apt.log").exists(), "not root"
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("APT_FAILS", "yes")
    status, _, err = run()
    assert status == 1
    assert ("package: apt-get failed: E: Unable to locate package" in err) == is_taken
    monkeypatch.delenv("APT_FAILS")
    assert run("--check")[0] == 1, "it only looks"
    status, out, _ = run()
    assert (status == 0, out == f"{tmp_path / 'bin' / 'chromium-headless-shell'}\n") == (is_taken, is_taken)


def test_what_to_do_is_said_when_nothing_works(run: Run) -> None:
    """With the reason of each way."""
    status, out, err = run()
    assert (status, out) == (1, "")
    for text in (
        "PATH: there is none of chromium-headless-shell, chromium,",
        "cache: there is none of a download in ",
        "download: Playwright is not installed: run `make setup`",
        "package: this is not Debian",
        "1. install Chromium or Chrome 112 or newer, and have it on the PATH",
        "4. on Debian, as root: apt-get update && apt-get install chromium-headless-shell",
    ):
        assert text in err
