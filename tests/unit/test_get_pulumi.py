"""tools/pulumi/get.py, with made-up programs on a made-up PATH and a server on this machine for the downloads."""

from __future__ import annotations

import fcntl
import hashlib
import http.server
import io
import os
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import processes
from support.scripts import load
from support.servers import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "pulumi" / "get.py"

GO = """\
#!/bin/sh
case "$1 $2" in
"env GOVERSION") echo "${FAKE_GO:-go1.26.8}" ;;
"env GOTOOLCHAIN") echo "${FAKE_GOTOOLCHAIN:-auto}" ;;
build*)
    echo "a line of the compiler"
    [ -n "$FAKE_GO_SLEEP" ] && sleep "$FAKE_GO_SLEEP"
    while [ "$1" != -o ]; do shift; done
    printf '#!/bin/sh\\necho v3.259.0\\n' >"$2"
    chmod +x "$2"
    exit "${FAKE_GO_STATUS:-0}"
    ;;
esac
"""


@pytest.fixture
def get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, in a world with an empty PATH, an empty cache and no network."""
    module = load("pulumi/get.py")
    for name in ("PLUGCHOICE_PULUMI_BIN", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "sleep", "chmod"):
        (tmp_path / "bin" / tool).symlink_to(Path(shutil.which(tool) or tool))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(module, "SOURCES", ("http://127.0.0.1:9/releases",))
    monkeypatch.setattr("signal.signal", lambda *_: None)  # the test runner keeps its own SIGTERM
    return module


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def cli(folder: Path, version: str = "v3.260.1", *, helpers: bool = True) -> Path:
    program(folder / "pulumi", f"#!/bin/sh\necho {version}\n")
    if helpers:
        for name in ("pulumi-language-python", "pulumi-resource-pulumi-python"):
            program(folder / name, "#!/bin/sh\n")
    return folder


def path_of(*folders: Path) -> str:
    return os.pathsep.join([*map(str, folders), os.environ["PATH"]])


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


class TestWhatIsHere:
    def test_standard_output_is_the_folder_alone(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = cli(tmp_path / "official")
        monkeypatch.setenv("PATH", path_of(folder))

        assert run()[:2] == (0, f"{folder}\n")

    def test_path_goes_before_the_cache(
        self, run: Run, get: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cli(get.release_folder(get.cache_folder()), "v3.259.0")
        folder = cli(tmp_path / "official")
        monkeypatch.setenv("PATH", path_of(folder))

        assert run()[1] == f"{folder}\n"

    @pytest.mark.parametrize("version", ["v3.253.9", "v2.999.0"])
    def test_the_cache_wins_over_an_old_cli(
        self, run: Run, get: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
    ) -> None:
        monkeypatch.setenv("PATH", path_of(cli(tmp_path / "old", version)))
        kept = cli(get.release_folder(get.cache_folder()), "v3.259.0")

        assert run()[1] == f"{kept}\n"

    @pytest.mark.parametrize("version", ["v3.254.0", "3.300.0-alpha.1", "v4.0.0"])
    def test_a_new_enough_cli_is_taken(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
    ) -> None:
        folder = cli(tmp_path / "new", version)
        monkeypatch.setenv("PATH", path_of(folder))

        assert run()[1] == f"{folder}\n"

    def test_the_reason_names_the_old_version(self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", path_of(cli(tmp_path / "old", "v3.100.0")))
        status, out, err = run("--check")

        assert (status, out) == (1, "")
        assert "is 3.100; 3.254 or newer is needed" in err

    def test_a_cli_without_its_python_language_host_is_not_enough(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", path_of(cli(tmp_path / "bare", helpers=False)))
        status, out, err = run("--check")

        assert (status, out) == (1, "")
        assert "pulumi-language-python is missing" in err

    def test_helpers_may_be_elsewhere_on_path(self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        bare = cli(tmp_path / "bare", helpers=False)
        helpers = cli(tmp_path / "helpers")
        (helpers / "pulumi").unlink()
        monkeypatch.setenv("PATH", path_of(bare, helpers))

        assert run()[1] == f"{bare}\n"

    def test_a_link_to_pulumi_leads_to_the_folder_with_the_helpers(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = cli(tmp_path / "opt" / "pulumi")
        (tmp_path / "links").mkdir()
        (tmp_path / "links" / "pulumi").symlink_to(real / "pulumi")
        monkeypatch.setenv("PATH", path_of(tmp_path / "links"))

        assert run()[1] == f"{real.resolve()}\n"

    def test_a_pulumi_that_fails_is_not_used(self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        program(cli(tmp_path / "broken") / "pulumi", "#!/bin/sh\necho v3.260.0\nexit 1\n")
        monkeypatch.setenv("PATH", path_of(tmp_path / "broken"))
        status, out, err = run("--check")

        assert (status, out) == (1, "")
        assert "prints no version" in err

    def test_the_environment_variable_overrides_everything(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", path_of(cli(tmp_path / "official")))
        mine = cli(tmp_path / "mine")
        monkeypatch.setenv("PLUGCHOICE_PULUMI_BIN", str(mine))

        assert run()[1] == f"{mine}\n"

    def test_an_environment_variable_without_a_cli_is_an_error(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", path_of(cli(tmp_path / "official")))
        monkeypatch.setenv("PLUGCHOICE_PULUMI_BIN", str(tmp_path / "nothing"))
        status, out, err = run()

        assert (status, out) == (1, "")
        assert err.startswith("get-pulumi: PLUGCHOICE_PULUMI_BIN=")

    def test_check_writes_nothing(self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        program(tmp_path / "go" / "go", GO)
        monkeypatch.setenv("PATH", path_of(tmp_path / "go"))

        assert run("--check")[0] == 1
        assert not (tmp_path / "cache").exists()

    def test_a_relative_cache_home_is_ignored(self, get: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")
        monkeypatch.setattr(sys, "platform", "linux")

        assert get.cache_folder() == Path.home() / ".cache" / "pulumi-plugchoice"

        monkeypatch.setattr(sys, "platform", "darwin")

        assert get.cache_folder() == Path.home() / "Library" / "Caches" / "pulumi-plugchoice"


class TestBuild:
    @pytest.fixture(autouse=True)
    def go(self, get: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG002  # after it
        program(tmp_path / "go" / "go", GO)
        monkeypatch.setenv("PATH", path_of(tmp_path / "go"))

    def test_the_built_cli_gets_the_stand_in_host_and_is_found_again(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        status, out, err = run()
        folder = tmp_path / "cache" / "pulumi-plugchoice" / "pulumi-3.259.0-go"

        assert (status, out) == (0, f"{folder}\n")
        assert "building Pulumi 3.259.0 from its Go modules: 4 to 10 minutes" in err
        for source in (SCRIPT.parent / "host").iterdir():
            if source.is_file():
                assert (folder / source.name).read_bytes() == source.read_bytes()
                assert os.access(folder / source.name, os.X_OK)

        monkeypatch.setenv("FAKE_GO_STATUS", "1")
        status, out, err = run()

        assert (status, out) == (0, f"{folder}\n")
        assert "building" not in err

    def test_an_outdated_host_script_is_copied_again(self, run: Run, tmp_path: Path) -> None:
        run()
        installed = tmp_path / "cache" / "pulumi-plugchoice" / "pulumi-3.259.0-go" / "language_host.py"
        installed.write_text("of last year")
        run("--check")

        assert installed.read_text() == "of last year"

        run()

        assert installed.read_bytes() == (SCRIPT.parent / "host" / "language_host.py").read_bytes()

    def test_a_failed_build_leaves_nothing_and_names_three_ways(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FAKE_GO_STATUS", "2")
        status, out, err = run()

        assert (status, out) == (1, "")
        assert "a line of the compiler" in err
        assert "Go build: go build failed with exit status 2" in err
        assert "https://www.pulumi.com/docs/install/" in err
        assert "network access to get.pulumi.com" in err
        assert "install Go 1.26 or newer" in err
        assert [entry.name for entry in (tmp_path / "cache" / "pulumi-plugchoice").iterdir()] == [".lock"]

    def test_go_that_is_too_old_and_may_not_fetch_a_newer_one(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FAKE_GO", "go1.24.3")
        monkeypatch.setenv("FAKE_GOTOOLCHAIN", "local")
        status, _, err = run()

        assert status == 1
        assert "is go1.24.3; go1.26 or newer is needed" in err

    def test_go_that_fetches_a_newer_one_says_so(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FAKE_GO", "go1.24.3")
        status, _, err = run()

        assert status == 0
        assert "it downloads go1.26 for this build (GOTOOLCHAIN=auto)" in err

    def test_a_long_build_shows_signs_of_life(self, run: Run, get: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FAKE_GO_SLEEP", "0.3")
        monkeypatch.setattr(get, "HEARTBEAT", 0.1)

        assert "still building after 0 s" in run()[2]

    def test_the_rest_of_a_killed_build_is_not_used_and_is_removed(self, run: Run, tmp_path: Path) -> None:
        left_over = cli(tmp_path / "cache" / "pulumi-plugchoice" / ".new-killed", "v3.259.0")

        assert run("--check")[0] == 1

        run()

        assert not left_over.exists()

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    @pytest.mark.parametrize("moment", ["while it is being started", "later"])
    def test_an_interrupted_build_leaves_nothing(
        self, get: ModuleType, tmp_path: Path, moment: str, number: signal.Signals
    ) -> None:
        """Neither a file nor a process: Go here is a shell, and its compiler a sleep."""
        run = tmp_path.name
        script = (
            "import os, runpy, subprocess, time, urllib.request\n"
            "urllib.request.urlopen = None\n"
            "class Popen(subprocess.Popen):\n"
            "    def __init__(self, command, **more):\n"
            "        super().__init__(command, **more)\n"
            "        if 'build' in command:\n"
            f"            os.kill(os.getpid(), {number:d})\n"
            "            time.sleep(0.05)  # where it would be raised\n"
            f"{'subprocess.Popen = Popen' if moment != 'later' else ''}\n"
            f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')\n"
        )
        environment = {**os.environ, "FAKE_GO_SLEEP": "60", "FAKE_GO_RUN": run}
        with subprocess.Popen([sys.executable, "-c", script], env=environment, stderr=subprocess.DEVNULL) as process:
            if moment == "later":
                for _ in range(500):
                    if "sleep 60" in processes.find_marked("FAKE_GO_RUN", run).values():
                        break
                    time.sleep(0.02)
                process.send_signal(number)

            assert process.wait(10) == 128 + number
        assert processes.wait_until_gone(5, "FAKE_GO_RUN", run) == {}
        assert [entry.name for entry in get.cache_folder().iterdir()] == [".lock"]

    def test_a_second_run_waits_and_takes_what_the_first_made(
        self, get: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FAKE_GO_STATUS", "1")  # the second must not need a build of its own
        cache = get.cache_folder()
        cache.mkdir(parents=True)
        with (cache / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            got: list[Any] = []
            second = threading.Thread(target=lambda: got.append(get.get()))
            second.start()
            said = ""
            for _ in range(200):
                said += capsys.readouterr().err
                if "waiting" in said:
                    break
                time.sleep(0.01)

            assert "waiting for another run that is installing the Pulumi CLI" in said
            assert not got

            made = cli(get.build_folder(cache), "v3.259.0")
        second.join(5)

        assert got == [(made, [])]


class TestOwnership:
    """A CLI in the cache is run as us, so nobody else may have put it there or may change it."""

    @pytest.fixture
    def cached(self, get: ModuleType) -> Path:
        return cli(get.build_folder(get.cache_folder()), "v3.259.0")

    @pytest.mark.parametrize("part", ["..", ".", "pulumi", "pulumi-language-python"])
    @pytest.mark.parametrize("mode", [0o020, 0o002])
    def test_what_others_can_change_is_not_run(self, run: Run, cached: Path, part: str, mode: int) -> None:
        target = (cached / part).resolve()
        target.chmod(target.stat().st_mode | mode)
        program(
            cached / "pulumi", f"#!/bin/sh\ntouch {cached.parent}/was-run\necho v3.259.0\n"
        ) if part == "." else None
        status, out, err = run()

        assert (status, out) == (1, "")
        assert f"{target} can be changed by other users; run: chmod -R go-w {target}" in err
        assert not (cached.parent / "was-run").exists()
        assert not (cached.parent / "pulumi-3.259.0-official").exists()

        target.chmod(0o755)
        assert run()[1] == f"{cached}\n"

    @pytest.mark.parametrize("part", ["..", ".", "pulumi"])
    def test_what_belongs_to_somebody_else_is_not_run(
        self, run: Run, cached: Path, part: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        target = (cached / part).resolve()
        real = Path.lstat

        def lstat(path: Path) -> os.stat_result:
            status = real(path)
            return os.stat_result([*status[:4], 4711, *status[5:]]) if path.resolve() == target else status

        monkeypatch.setattr(Path, "lstat", lstat)
        status, out, err = run()

        assert (status, out) == (1, "")
        assert f"{target} belongs to the user with number 4711; remove it" in err

    def test_a_link_is_not_followed(self, run: Run, cached: Path, tmp_path: Path) -> None:
        (cached / "pulumi").rename(tmp_path / "elsewhere")
        (cached / "pulumi").symlink_to(tmp_path / "elsewhere")

        assert f"{cached / 'pulumi'} is a link; remove it" in run()[2]


class Releases(http.server.BaseHTTPRequestHandler):
    files: dict[str, bytes]

    def do_GET(self) -> None:
        body = self.files.get(self.path.rpartition("/")[2])
        self.send_response(404 if body is None else 200)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        pass


class TestDownload:
    name = "pulumi-v3.259.0-linux-x64.tar.gz"

    @pytest.fixture
    def files(self, get: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
        """What the publisher's server offers; a good release unless the test spoils it."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            for name, text in {
                "pulumi": "#!/bin/sh\necho v3.259.0\n",
                "pulumi-language-python": "#!/bin/sh\n# official\n",
                "pulumi-resource-pulumi-python": "#!/bin/sh\n",
                "../../pulumi-outside": "#!/bin/sh\n",
            }.items():
                member = tarfile.TarInfo(f"pulumi/{name}")
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text.encode()))
        files = {self.name: archive.getvalue()}
        monkeypatch.setitem(get.SUMS, "linux-x64", hashlib.sha256(archive.getvalue()).hexdigest())
        handler = type("Handler", (Releases,), {"files": files})
        monkeypatch.setattr("platform.system", lambda: "Linux")
        monkeypatch.setattr("platform.machine", lambda: "x86_64")
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        monkeypatch.setattr(get, "SOURCES", (f"http://127.0.0.1:{server.server_port}/releases",))
        with serving(server):
            yield files

    @pytest.mark.usefixtures("files")
    @pytest.mark.parametrize("umask", [0o022, 0o000, 0o077])
    def test_what_is_installed_can_be_changed_by_nobody_else(self, run: Run, tmp_path: Path, umask: int) -> None:
        """And is taken again."""
        before = os.umask(umask)
        try:
            assert run()[0] == 0
        finally:
            os.umask(before)
        folder = tmp_path / "cache" / "pulumi-plugchoice" / "pulumi-3.259.0-official"

        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o755}
        assert run("--check")[1] == f"{folder}\n"

    @pytest.mark.usefixtures("files")
    def test_a_release_with_the_right_checksum_is_installed_flat(self, run: Run, tmp_path: Path) -> None:
        status, out, _ = run()
        folder = tmp_path / "cache" / "pulumi-plugchoice" / "pulumi-3.259.0-official"

        assert (status, out) == (0, f"{folder}\n")
        assert "official" in (folder / "pulumi-language-python").read_text()
        assert not (folder / "language_host.py").exists()
        assert list(tmp_path.rglob("pulumi-outside")) == [folder / "pulumi-outside"]

    @pytest.mark.parametrize(
        ("spoil", "reason"),
        [
            (lambda files, name: files.update({name: files[name] + b"more"}), "is expected"),
            (
                # A server that was taken over also serves a list that fits.
                lambda files, name: files.update(
                    {
                        name: b"other",
                        "pulumi-3.259.0-checksums.txt": f"{hashlib.sha256(b'other').hexdigest()}  {name}\n".encode(),
                    }
                ),
                "is expected",
            ),
            (lambda files, name: files.pop(name), "HTTP 404"),
        ],
        ids=["changed", "changed with its list", "missing"],
    )
    def test_a_release_with_another_checksum_is_refused(
        self, run: Run, tmp_path: Path, files: dict[str, bytes], spoil: Callable[..., object], reason: str
    ) -> None:
        spoil(files, self.name)
        status, out, err = run()

        assert (status, out) == (1, "")
        assert reason in err
        assert [entry.name for entry in (tmp_path / "cache" / "pulumi-plugchoice").iterdir()] == [".lock"]

    def test_every_release_that_can_be_asked_for_has_a_checksum(self, get: ModuleType) -> None:
        assert sorted(get.SUMS) == ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64"]
        assert all(len(bytes.fromhex(checksum)) == 32 for checksum in get.SUMS.values())
        assert len(set(get.SUMS.values())) == 4

    def test_a_truncated_archive_leaves_nothing(
        self, get: ModuleType, run: Run, tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        half = files[self.name][: len(files[self.name]) // 2]
        files[self.name] = half
        monkeypatch.setitem(get.SUMS, "linux-x64", hashlib.sha256(half).hexdigest())
        status, out, err = run()

        assert (status, out) == (1, "")
        assert "official download: 127.0.0.1:" in err
        assert [entry.name for entry in (tmp_path / "cache" / "pulumi-plugchoice").iterdir()] == [".lock"]

    def test_a_source_without_an_answer_is_given_up_in_time(
        self, get: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(get, "PATIENCE", 0.1)
        is_over = threading.Event()
        monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: is_over.wait(60))
        started = time.monotonic()

        with pytest.raises(get.UnavailableError, match=r"no answer within 0\.1 s"):
            get.require_answer("https://silent.invalid/")
        assert time.monotonic() - started < 30
        is_over.set()

    def test_an_unknown_machine_has_no_release(self, get: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("platform.machine", lambda: "riscv64")

        with pytest.raises(get.UnavailableError, match="riscv64"):
            get.download(Path("unused"))
