#!/usr/bin/env python3
"""Finds a Pulumi CLI that can run this project, or gets one. Prints the folder to put first on PATH.

Needs only Python 3.10 or newer: it runs before any virtual environment exists. README.md beside it gives the order in
which it looks. Standard output contains only the folder; progress goes to standard error.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import hashlib
import os
import platform
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.error
import urllib.request
import zlib
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO, TypeVar

    Found = TypeVar("Found")

VERSION = "3.259.0"  # as in go.mod
OLDEST = (3, 254)  # the first whose import files may carry inputs and outputs
GO_OLDEST = (1, 26)  # as in go.mod

HERE = Path(__file__).resolve().parent
PROGRAMS = ("pulumi", "pulumi-language-python", "pulumi-resource-pulumi-python")
SOURCES = (
    "https://get.pulumi.com/releases/sdk",
    f"https://github.com/pulumi/pulumi/releases/download/v{VERSION}",
)
# SHA-256 of the archives of VERSION, from Homebrew's formula: github.com/pulumi/homebrew-tap at 51fb494. They are kept
# here, so that who changes an archive on a server cannot change its sum as well.
SUMS = {
    "darwin-arm64": "57c27f179e527e2cf9f62b841a448af72a020e44b2fb4ee0d9bd85556c00c864",
    "darwin-x64": "eaca4c3b8277bfa3ab061fa3b270d1c66358a0b2e613da8c5587a04b7226c534",
    "linux-arm64": "edc8327463a72160bb36cf82cf5062da9c8a244290a706d9980988e7bf486853",
    "linux-x64": "94ba357acac23d01474084c4b00098dc0f7bc70ce13f34c777459254a5f718e5",
}
PATIENCE = 5.0  # s until a download source must answer
HEARTBEAT = 30.0  # s between two lines of progress

THREE_WAYS = f"""\
Do one of these, then run the command again:
  1. install the Pulumi CLI {OLDEST[0]}.{OLDEST[1]} or newer: https://www.pulumi.com/docs/install/
  2. allow network access to get.pulumi.com, to download the official {VERSION}
  3. install Go {GO_OLDEST[0]}.{GO_OLDEST[1]} or newer, to build the CLI from its Go modules (4 to 10 minutes)"""


class UnavailableError(Exception):
    """This way gives no CLI; the message says why, on one line."""


def say(message: str) -> None:
    print(f"get-pulumi: {message}", file=sys.stderr, flush=True)


def attempt(name: str, way: Callable[[], Found], reasons: list[str]) -> Found | None:
    """Return what `way` returns; if it fails, add the reason to `reasons` and return None."""
    try:
        return way()
    except (UnavailableError, OSError, HTTPException, tarfile.TarError, zlib.error, EOFError) as reason:
        reasons.append(f"{name}: {reason}")
        return None


# --- what this machine has --------------------------------------------------------------------------------------------


def version_of(program: Path) -> tuple[int, int] | None:
    """Return the major and minor version that `program version` prints, or None."""
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(
            [program, "version"], capture_output=True, text=True, timeout=60, check=False, env=environment
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.match(r"v?(\d+)\.(\d+)\.", done.stdout.strip())
    return (int(version[1]), int(version[2])) if version and done.returncode == 0 else None


def require_usable(folder: Path, *, elsewhere: str = "") -> None:
    """Raise unless `folder` holds a CLI that is new enough; its Python helpers may also be on `elsewhere`, a PATH."""
    search = os.pathsep.join(filter(None, [str(folder), elsewhere]))
    version = version_of(folder / "pulumi")
    if version is None:
        raise UnavailableError(f"{folder / 'pulumi'}: `pulumi version` prints no version")
    if version < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise UnavailableError(f"{folder / 'pulumi'} is {version[0]}.{version[1]}; {needed} or newer is needed")
    for helper in PROGRAMS[1:]:
        if shutil.which(helper, path=search) is None:
            raise UnavailableError(f"{folder / 'pulumi'}: {helper} is missing")


def from_environment() -> Path | None:
    named = os.environ.get("PLUGCHOICE_PULUMI_BIN")
    if not named:
        return None
    folder = Path(named).expanduser().absolute()
    try:
        require_usable(folder)
    except UnavailableError as reason:
        raise SystemExit(
            f"get-pulumi: PLUGCHOICE_PULUMI_BIN={named} is not usable ({reason}); correct or unset it"
        ) from None
    return folder


def on_path() -> Path:
    path = os.environ.get("PATH", os.defpath)
    found = shutil.which("pulumi", path=path)
    if found is None:
        raise UnavailableError("pulumi is not there")
    folder = Path(found).absolute().parent
    try:
        require_usable(folder, elsewhere=path)
    except UnavailableError:
        behind_link = Path(found).resolve().parent  # some packages link only `pulumi` into a bin folder
        if behind_link == folder:
            raise
        require_usable(behind_link, elsewhere=path)
        return behind_link
    return folder


def cache_folder() -> Path:
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if named.is_absolute():
        base = named
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path.home() / ".cache"
    return base / "pulumi-plugchoice"


def release_folder(cache: Path) -> Path:
    return cache / f"pulumi-{VERSION}-official"


def build_folder(cache: Path) -> Path:
    return cache / f"pulumi-{VERSION}-go"


def in_cache(cache: Path) -> Path:
    for folder in (release_folder(cache), build_folder(cache)):
        if folder.is_dir():  # complete: it was renamed into place
            require_own(cache, folder, *folder.iterdir())
            return folder
    raise UnavailableError(f"nothing in {cache}")


def require_own(*paths: Path) -> None:
    """Raise unless all of this is ours and nobody else can change it: it is run as us."""
    for path in paths:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            raise UnavailableError(f"{path} is a link; remove it")
        if status.st_uid != os.geteuid():
            raise UnavailableError(f"{path} belongs to the user with number {status.st_uid}; remove it")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise UnavailableError(f"{path} can be changed by other users; run: chmod -R go-w {shlex.quote(str(path))}")


# --- install one ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def lock_cache(cache: Path) -> Iterator[None]:
    """Let one run at a time install a CLI into `cache`. The lock ends with its process."""
    import fcntl  # does not exist on Windows, where nothing is installed

    with (cache / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another run that is installing the Pulumi CLI")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(target: Path, fill: Callable[[Path], None]) -> Path:
    """Fill a folder with `fill`, try it and rename it to `target`: complete or not at all. Needs the lock."""
    for left_over in target.parent.glob(".new-*"):  # from a run that was killed
        shutil.rmtree(left_over, ignore_errors=True)
    new = Path(tempfile.mkdtemp(prefix=".new-", dir=target.parent))
    try:
        fill(new)
        for file in new.iterdir():
            file.chmod(0o755)  # whatever the umask is
        require_usable(new)
        new.rename(target)  # with mode 0700, as mkdtemp makes it
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return target


def download(folder: Path) -> None:
    system = {"Linux": "linux", "Darwin": "darwin"}.get(platform.system())
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower())
    if system is None or machine is None:
        raise UnavailableError(f"there is none for {platform.system()} on {platform.machine()}")
    name = f"pulumi-v{VERSION}-{system}-{machine}.tar.gz"
    wanted = SUMS[f"{system}-{machine}"]

    reasons: list[str] = []
    for source in SOURCES:
        if attempt(source.split("/")[2], functools.partial(download_from, source, name, wanted, folder), reasons):
            return
    raise UnavailableError("; ".join(reasons))


def download_from(source: str, name: str, wanted: str, folder: Path) -> bool:
    require_answer(f"{source}/{name}")
    say(f"downloading {source}/{name} (about 100 MB)")
    with tempfile.TemporaryFile(dir=folder) as archive:
        got = fetch_into(archive, f"{source}/{name}")
        if got != wanted:
            raise UnavailableError(f"{name}: SHA-256 is {got}, {wanted} is expected")
        archive.seek(0)
        unpack(archive, folder)
    return True


def require_answer(url: str) -> None:
    """Raise unless `url` answers within PATIENCE.

    In a thread, because a socket's timeout does not cover the look-up of a name.
    """
    answer: list[Exception | None] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE):  # noqa: S310  # https, from SOURCES
                answer.append(None)
        except urllib.error.HTTPError as error:
            error.close()
            answer.append(UnavailableError(f"HTTP {error.code} for {url}"))
        except Exception as error:  # noqa: BLE001  # raised again below, in the thread that asked
            answer.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if not answer:
        raise UnavailableError(f"no answer within {PATIENCE:g} s")
    if answer[0] is not None:
        raise UnavailableError(str(getattr(answer[0], "reason", answer[0])))


def fetch_into(file: IO[bytes], url: str) -> str:
    """Copy `url` into `file` and return its SHA-256."""
    digest, started, reported = hashlib.sha256(), time.monotonic(), time.monotonic()
    size = 0
    with urllib.request.urlopen(url, timeout=HEARTBEAT) as response:  # noqa: S310  # https, from SOURCES
        while block := response.read(1 << 20):
            file.write(block)
            digest.update(block)
            size += len(block)
            if time.monotonic() - reported > HEARTBEAT:
                reported = time.monotonic()
                say(f"still downloading: {size >> 20} MB after {reported - started:.0f} s")
    return digest.hexdigest()


def unpack(archive: IO[bytes], folder: Path) -> None:
    """Write the regular files of the archive into `folder`, without its own folder."""
    with tarfile.open(fileobj=archive, mode="r:gz") as tar:
        for member in tar:
            source = tar.extractfile(member) if member.isfile() else None
            if source is not None:
                target = folder / Path(member.name).name
                with target.open("wb") as out:
                    shutil.copyfileobj(source, out)
                target.chmod(0o755)


def build(folder: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise UnavailableError("go is not on the PATH")
    check_go(go)

    import_path = "github.com/pulumi/pulumi"
    flags = f"-s -w -X {import_path}/sdk/v3/go/common/version.Version=v{VERSION}"
    command = [go, "build", "-trimpath", "-tags", "osusergo,grpcnotrace", "-ldflags", flags]
    command += ["-o", str(folder / "pulumi"), f"{import_path}/pkg/v3/cmd/pulumi"]
    say(f"building Pulumi {VERSION} from its Go modules: 4 to 10 minutes on 2 cores, once")
    run_with_heartbeat(command)
    copy_host(folder)


def check_go(go: str) -> None:
    text = go_env(go, "GOVERSION", toolchain="local")
    version = re.match(r"go(\d+)\.(\d+)", text)
    if version is None:
        raise UnavailableError(f"{go}: `go env` prints no version")
    if (int(version[1]), int(version[2])) >= GO_OLDEST:
        return
    needed = ".".join(map(str, GO_OLDEST))
    if (int(version[1]), int(version[2])) < (1, 21) or go_env(go, "GOTOOLCHAIN").startswith("local"):
        raise UnavailableError(f"{go} is {text}; go{needed} or newer is needed")
    say(f"{go} is {text}: it downloads go{needed} for this build (GOTOOLCHAIN=auto)")


def go_env(go: str, name: str, toolchain: str | None = None) -> str:
    environment = {**os.environ, **({"GOTOOLCHAIN": toolchain} if toolchain else {})}
    done = subprocess.run(
        [go, "env", name], capture_output=True, text=True, check=False, env=environment, cwd=tempfile.gettempdir()
    )
    return done.stdout.strip()


def run_with_heartbeat(command: list[str]) -> None:
    started = time.monotonic()
    process: subprocess.Popen[bytes] | None = None
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        try:
            with hold_signals():
                process = subprocess.Popen(
                    command,
                    cwd=HERE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, "GOWORK": "off"},
                    start_new_session=True,  # with its compilers it is a group, which can be ended
                )
            while True:
                try:
                    process.wait(HEARTBEAT)
                    break
                except subprocess.TimeoutExpired:
                    say(f"still building after {time.monotonic() - started:.0f} s")
        except BaseException:  # Ctrl-C too: a build of minutes would go on
            if process is not None and process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            raise
        if process.returncode != 0:
            log.seek(0)
            for line in log.readlines()[-10:]:
                say(f"  {line.rstrip()}")
            raise UnavailableError(f"go build failed with exit status {process.returncode}; its last lines are above")
    say(f"built in {time.monotonic() - started:.0f} s")


@contextlib.contextmanager
def hold_signals() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM take effect at the end of the block: one in the middle of a start leaves a process behind.

    The package has the same in `_interrupts.py`; this script runs before the package can be imported.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
        if callable(signal.getsignal(number))
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])


def copy_host(folder: Path) -> None:
    """Copy the stand-in language host of this checkout beside a built CLI, each file atomically."""
    for source in (HERE / "host").iterdir():
        target = folder / source.name
        if not source.is_file() or (target.is_file() and target.read_bytes() == source.read_bytes()):
            continue
        handle, new = tempfile.mkstemp(prefix=".new-", dir=folder)
        with os.fdopen(handle, "wb") as out:
            out.write(source.read_bytes())
        Path(new).chmod(0o755)
        Path(new).replace(target)


# --- in order -------------------------------------------------------------------------------------------------------


def find() -> tuple[Path | None, list[str]]:
    """Find the CLI on this machine, or why each place has none."""
    reasons: list[str] = []
    here = attempt("PATH", on_path, reasons) or attempt("cache", lambda: in_cache(cache_folder()), reasons)
    return here, reasons


def get() -> tuple[Path | None, list[str]]:
    """Download or build a CLI into the cache, or say why neither works."""
    if os.name == "nt":
        return None, ["download and build: not supported on Windows"]
    cache = cache_folder()
    try:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        require_own(cache)
    except (OSError, UnavailableError) as reason:
        return None, [f"cache: {reason}"]
    reasons: list[str] = []
    with lock_cache(cache):
        with contextlib.suppress(UnavailableError):
            return in_cache(cache), reasons  # installed by the other run
        if release_folder(cache).exists() or build_folder(cache).exists():
            return None, reasons  # not ours alone, as `find` has said
        folder = attempt("official download", lambda: install(release_folder(cache), download), reasons)
        if folder is None:
            say(reasons[-1])
            folder = attempt("Go build", lambda: install(build_folder(cache), build), reasons)
    return folder, reasons


def give_up(reasons: list[str]) -> NoReturn:
    for line in ["no Pulumi CLI:", *(f"  {reason}" for reason in reasons), *THREE_WAYS.splitlines()]:
        say(line)
    raise SystemExit(1)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Find or install a Pulumi CLI; print the folder to put first on PATH.")
    parser.add_argument("--check", action="store_true", help="only look; exit with status 1 when there is none")
    check: bool = parser.parse_args(arguments).check
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a build is stopped and its folder removed

    folder = from_environment()
    reasons: list[str] = []
    if folder is None:
        folder, reasons = find()
    if folder is None and not check:
        say(f"no Pulumi CLI on this machine yet ({'; '.join(reasons)})")
        folder, more = get()
        reasons += more
    if folder is None:
        give_up(reasons)
    if folder == build_folder(cache_folder()) and not check:
        copy_host(folder)
    say(f"using {folder / 'pulumi'}")
    print(folder)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("stopped")
        raise SystemExit(130) from None
