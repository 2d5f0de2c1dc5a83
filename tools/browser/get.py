#!/usr/bin/env python3
"""Finds a browser that the tests of pages can drive (Chromium), or gets one. Prints its path.

Needs only Python 3.10 or newer. It takes, in this order: PLUGCHOICE_BROWSER; a browser on the PATH; the one that
Playwright has downloaded before; Playwright's download; and on Debian, as root, the package of the distribution.
Standard output contains only the path; progress goes to standard error.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OLDEST: Final = 112  # the first with the headless mode of today
VARIABLE: Final = "PLUGCHOICE_BROWSER"
NAMES: Final = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
)
#: Debian's package: 64 MB, without a desktop.
PACKAGE: Final = "chromium-headless-shell"
PYTHON: Final = Path(__file__).resolve().parents[2] / ".venv" / "bin" / "python"
OS_RELEASE: Final = Path("/etc/os-release")
PATIENCE: Final = 600.0  # s for a download

WAYS: Final = f"""\
Do one of these, then run the command again:
  1. install Chromium or Chrome {OLDEST} or newer, and have it on the PATH
  2. name one that is elsewhere: export {VARIABLE}=/path/to/chrome
  3. allow network access to cdn.playwright.dev, to download Playwright's own
  4. on Debian, as root: apt-get update && apt-get install {PACKAGE}"""


class UnavailableError(Exception):
    """This way gives no browser; the message says why, on one line."""


def say(message: str) -> None:
    print(f"get-browser: {message}", file=sys.stderr, flush=True)


def find_fault(program: Path) -> str | None:
    """Say why a program is not a browser that is new enough; None when it is one."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{program} cannot be started ({error})"
    version = re.search(r"(\d+)\.\d+\.\d+", done.stdout)
    if done.returncode != 0 or version is None:
        return f"{program}: `--version` prints no version"
    return f"{program} is {version[1]}; {OLDEST} or newer is needed" if int(version[1]) < OLDEST else None


def first_usable(programs: list[Path], wanted: str) -> Path:
    """The first program that can be used; the others are the reason when none can."""
    reasons = []
    for program in programs:
        fault = find_fault(program)
        if fault is None:
            return program
        reasons.append(fault)
    raise UnavailableError("; ".join(reasons) or f"there is none of {wanted}")


# --- what this machine has --------------------------------------------------------------------------------------------


def from_environment() -> Path | None:
    """The browser that the variable names; a wrong one is an error, and no other is looked for."""
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    program = Path(named).expanduser().absolute()
    fault = find_fault(program)
    if fault is not None:
        raise SystemExit(f"get-browser: {VARIABLE}={named} is not usable ({fault}); correct or unset it")
    return program


def on_path() -> Path:
    """The first on the PATH that can be used."""
    return first_usable([Path(found).absolute() for name in NAMES if (found := shutil.which(name))], ", ".join(NAMES))


def in_cache() -> Path:
    """What Playwright has downloaded; the newest."""
    folder = cache_folder()
    programs = sorted(list_downloads(folder), key=lambda path: path.stat().st_mtime, reverse=True)
    return first_usable(programs, f"a download in {folder}")


def cache_folder() -> Path:
    """Where Playwright keeps its browsers."""
    named = os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "")
    if named not in ("", "0"):
        return Path(named)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "ms-playwright"
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (cache if cache.is_absolute() else Path.home() / ".cache") / "ms-playwright"


def list_downloads(folder: Path) -> Iterator[Path]:
    """The programs in the folders of Playwright's downloads."""
    for pattern in ("chromium*-*/*/chrome-headless-shell", "chromium*-*/*/headless_shell", "chromium-*/*/chrome"):
        yield from folder.glob(pattern)


# --- install one ------------------------------------------------------------------------------------------------------


def download() -> Path:
    """Let Playwright download its own."""
    if not PYTHON.exists():
        raise UnavailableError("Playwright is not installed: run `make setup`")
    say("downloading Playwright's own (about 110 MB)")
    run([str(PYTHON), "-m", "playwright", "install", "--only-shell", "chromium"])
    return in_cache()


def install_package() -> Path:
    """Install Debian's package."""
    if not is_debian():
        raise UnavailableError("this is not Debian")
    if os.geteuid() != 0:
        raise UnavailableError("only root may install packages")
    apt = shutil.which("apt-get")
    if apt is None:
        raise UnavailableError("there is no apt-get")
    say(f"installing Debian's {PACKAGE} (about 70 MB)")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    run([apt, "update", "-qq"])
    run([apt, "install", "-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", PACKAGE])
    return on_path()


def is_debian() -> bool:
    """Whether packages come from Debian itself: that of Ubuntu only points to a snap."""
    return OS_RELEASE.is_file() and re.search(r'^ID="?debian"?$', OS_RELEASE.read_text(), re.MULTILINE) is not None


def run(command: list[str]) -> None:
    """Run a command; its last line is the reason when it fails."""
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"{Path(command[0]).name}: {error}") from None
    if done.returncode != 0:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        reason = next(
            (line for line in lines if line.startswith(("E:", "Error:"))), lines[-1] if lines else "no reason"
        )
        raise UnavailableError(f"{Path(command[0]).name} failed: {reason[:200]}")


# --- in order ---------------------------------------------------------------------------------------------------------


def attempt(name: str, way: Callable[[], Path], reasons: list[str]) -> Path | None:
    """Return what `way` returns; if it fails, add the reason to `reasons` and return None."""
    try:
        return way()
    except (UnavailableError, OSError) as reason:
        reasons.append(f"{name}: {reason}")
        return None


def find(reasons: list[str]) -> Path | None:
    """Find a browser on this machine, or why there is none."""
    return attempt("PATH", on_path, reasons) or attempt("cache", in_cache, reasons)


def get(reasons: list[str]) -> Path | None:
    """Install one, or say why it cannot be."""
    return attempt("download", download, reasons) or attempt("package", install_package, reasons)


def give_up(reasons: list[str]) -> NoReturn:
    for line in ["no browser for the tests of pages:", *(f"  {reason}" for reason in reasons), *WAYS.splitlines()]:
        say(line)
    raise SystemExit(1)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Find or install a browser for the tests of pages; print its path.")
    parser.add_argument("--check", action="store_true", help="only look; exit with status 1 when there is none")
    check: bool = parser.parse_args(arguments).check
    reasons: list[str] = []
    program = from_environment() or find(reasons)
    if program is None and not check:
        say(f"no browser on this machine yet ({'; '.join(reasons)})")
        program = get(reasons)
    if program is None:
        give_up(reasons)
    say(f"using {program}")
    print(program)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("stopped")
        raise SystemExit(130) from None
