"""The command: what it prints, how it ends, what it refuses."""

from __future__ import annotations

import argparse
import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from pulumi_plugchoice.emulator.seed import Seed
from pulumi_plugchoice.emulator.server import CannotServeError, _announce, _remove_old, main
from pulumi_plugchoice.emulator.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def started(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """An emulator process on a free port and its ready file, once that is there."""
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "pulumi_plugchoice.emulator", "--port", "0", "--ready-file", str(ready), *options]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            give_up = time.monotonic() + 30
            while not ready.exists():
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < give_up, "not ready within 30 s"
                time.sleep(0.01)
            yield process, json.loads(ready.read_text())
        finally:
            if process.poll() is None:
                process.terminate()
                process.communicate(timeout=10)


@pytest.mark.slow
def test_it_serves_a_seed_file_prints_a_banner_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    seed = {"tokens": {"mine": {}}, "sites": [{"name": "Yard", "chargers": [{"identity": "Y-1"}]}]}
    (tmp_path / "seed.json").write_text(json.dumps(seed))
    with started(tmp_path, "--seed", str(tmp_path / "seed.json")) as (process, ready):
        assert ready == {
            "base_url": f"http://127.0.0.1:{ready['port']}/api",
            "control_url": f"http://127.0.0.1:{ready['port']}/_emulator",
            "port": ready["port"],
            "pid": process.pid,
        }
        rows = requests.get(f"{ready['control_url']}/connectors", timeout=5).json()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")
    assert [row["identity"] for row in rows] == ["Y-1"]
    site = rows[0]["site"]
    for text in (
        "(Yard: 1 charger, 1 connector)",
        f"export PLUGCHOICE_BASE_URL={ready['base_url']}\n",
        "export PLUGCHOICE_TOKEN=mine\n",
        f"export PLUGCHOICE_SITE={site}\n",
        f"{ready['base_url']}/v3/sites/{site}/connectors\n",
    ):
        assert text in out
    assert {file.name for file in tmp_path.iterdir()} == {"ready.json", "seed.json"}


@pytest.mark.slow
def test_it_ends_at_once_while_an_answer_is_slow(tmp_path: Path) -> None:
    with started(tmp_path, "--quiet") as (process, ready):
        body = {"kind": "slow", "delay_seconds": 60}
        assert requests.post(f"{ready['control_url']}/faults", json=body, timeout=5).status_code == 201
        with socket.create_connection(("127.0.0.1", ready["port"])) as connection:
            connection.sendall(b"GET /api/v3/user HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while not requests.get(f"{ready['control_url']}/requests", timeout=5).json()["total"]:
                pass
            process.terminate()
            out, err = process.communicate(timeout=5)
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (None, ": cannot be read: No such file or directory; check the path"),
        ('{"sites": [}', ":1:12: is not valid JSON: Expecting value"),
        ('{"sites": [{"name": "H", "charger": []}]}', "sites[0].charger: is not a known key; allowed: uuid, name"),
        ('{"sites": [{"uuid": "x", "name": "H"}]}', "sites[0].uuid: is not a UUID; write one such as 5f0c3c1e"),
        (
            '{"sites": [{"name": "H", "chargers": [{"identity": "A", "group": 5}]}]}',
            "charger 'A': site 'H' has no group 5",
        ),
        (
            '{"tokens": {"t": {"access": {"*": "admin"}}}}',
            "tokens.t.access.*: is \"admin\"; it should be 'none', 'basic', 'sensitive' or 'full'",
        ),
        (
            '{"chargers": [{"identity": "A", "connectors": [{"connector_id": 1}, {"connector_id": 1}]}]}',
            "charger 'A' has a connector_id twice: [1, 1]; make them different",
        ),
    ],
)
def test_a_bad_seed_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, error: str
) -> None:
    file = tmp_path / "seed.json"
    if content is not None:
        file.write_text(content)
    assert main(["--port", "0", "--seed", str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"{file}:")
    assert error in err
    assert err.count("\n") == 1


def test_a_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 2
    line = f"--port {port}: cannot listen on 127.0.0.1: Address already in use; use another port, or 0 for a free one\n"
    assert capsys.readouterr().err == line


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "charger.example"])  # noqa: S104 - refused
def test_only_loopback_is_allowed_without_allow_remote(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "0", "--host", host]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"--host {host}: other machines can reach it")
    assert "or add --allow-remote" in error


@pytest.mark.parametrize("failing", ["write", "replace"])
def test_a_ready_file_that_does_not_fit_leaves_nothing_behind(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is it written through a link that somebody has put there: its name cannot be known."""

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fail_to_write(content: object) -> str:
        assert content
        assert next(tmp_path.iterdir()).stat().st_size == 0
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if failing == "write":
        monkeypatch.setattr("pulumi_plugchoice.emulator.server.json.dumps", fail_to_write)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    options = argparse.Namespace(quiet=True, ready_file=tmp_path / "ready.json")
    with pytest.raises(CannotServeError, match="cannot be written: No space left on device"):
        _announce(options, World(Seed()), "http://127.0.0.1:1", 1)
    assert not list(tmp_path.iterdir())


def test_a_ready_file_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "no" / "ready.json"
    assert main(["--port", "0", "--quiet", "--ready-file", str(file)]) == 2
    assert capsys.readouterr().err.startswith(f"--ready-file {file}: cannot be written: No such file or directory;")


@pytest.mark.parametrize("content", ["a\n", "{}", "[" * 5000, '{"port": 1, "pid": 2}', "\udcff"])
def test_a_file_that_no_emulator_has_written_is_not_removed(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody may need it. A link to it, a folder and a link to nothing are left, too."""
    mine, link, nowhere = tmp_path / "mine", tmp_path / "link", tmp_path / "nowhere"
    mine.write_bytes(content.encode(errors="surrogateescape"))
    link.symlink_to(mine)
    nowhere.symlink_to(tmp_path / "nothing")
    for file in (mine, link, nowhere, tmp_path):
        assert main(["--port", "0", "--quiet", "--ready-file", str(file)]) == 2
        assert capsys.readouterr().err == (
            f"--ready-file {file}: exists, and no emulator has written it; name another file, or remove it\n"
        )
        assert os.path.lexists(file)
    assert mine.read_bytes() == content.encode(errors="surrogateescape")


def test_a_ready_file_is_not_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    """No file called `-` is written; the banner is there already."""
    with pytest.raises(SystemExit) as ended:
        main(["--ready-file", "-"])
    assert ended.value.code == 2
    assert "--ready-file: '-' is not a file; name one, or ./- for a file of that name" in capsys.readouterr().err


def test_a_ready_file_of_an_earlier_run_is_removed_at_the_start(tmp_path: Path) -> None:
    """It would tell another port. An empty one, as `mktemp` makes, holds nothing to lose."""
    file = tmp_path / "ready.json"
    _announce(argparse.Namespace(quiet=True, ready_file=file), World(Seed()), "http://127.0.0.1:1", 1)
    assert file.stat().st_size
    _remove_old(file)
    assert not file.exists()
    file.touch()
    _remove_old(file)
    assert not file.exists()
    _remove_old(file)


@pytest.mark.parametrize("port", ["99999", "-1", "x"])
def test_a_wrong_port(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([f"--port={port}"])
    assert ended.value.code == 2
    assert f"argument --port: '{port}' is not a port" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    assert main([]) == 1
    assert capsys.readouterr().err.endswith("run: pip install 'pulumi-plugchoice[emulator]'\n")
