"""The emulator that users start in their own tests."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING

import pytest
from pulumi_plugchoice import get_site_connectors
from pulumi_plugchoice.emulator.testing import RefusedError, StartError, running
from support.processes import wait_until_gone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pulumi_plugchoice.emulator.testing import Emulator

SEED = {"tokens": {"mine": {}}, "sites": [{"name": "Yard", "chargers": [{"identity": "Y-1", "connectors": [{}]}]}]}
MARK = "TEST_OF_TESTING"
PARENT = """
from pulumi_plugchoice.emulator.testing import running
with running():
    print("runs", flush=True)
    input()
"""


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running(SEED) as started:
        yield started


@pytest.mark.slow
def test_a_test_edits_connectors_and_reads_the_requests(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = emulator.connectors()
    assert emulator.environment == {
        "PLUGCHOICE_BASE_URL": emulator.base_url,
        "PLUGCHOICE_TOKEN": "mine",
        "PLUGCHOICE_SITE": row["site"],
    }
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)

    emulator.edit("Y-1", phase_rotation="STR", max_amperage=20)
    emulator.fault("status", status=500, method="GET", times=1)
    (connector,) = get_site_connectors()

    assert (connector.phase_rotation, connector.max_amperage) == ("STR", 20)
    assert [(request["method"], request["status"]) for request in emulator.requests()] == [("GET", 500), ("GET", 200)]

    emulator.clear_requests()
    assert emulator.requests() == []
    emulator.fault("status", status=500)
    emulator.reset()
    assert emulator.connectors() == [row]
    assert emulator.control("GET", "/faults") == {"faults": []}


@pytest.mark.slow
def test_a_refused_change_is_an_error_with_the_reason(emulator: Emulator) -> None:
    with pytest.raises(RefusedError) as refused:
        emulator.edit("Y-2", max_amperage=16)

    assert refused.value.status == 404
    assert str(refused.value).startswith("PATCH /chargers/Y-2/connectors/1: ")


def test_an_invalid_seed_is_an_error_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "seed.json"
    file.write_text('{"sites": [{"name": "H", "charger": []}]}')
    with pytest.raises(StartError, match=r"sites\[0\]\.charger"), running(file):
        pass


@pytest.mark.slow
def test_a_wrong_seed_is_one_line() -> None:
    """Without the name of a file that the user has not written, and without a crash of the interpreter behind it."""
    for _ in range(3):
        with pytest.raises(StartError) as caught, running({"sites": 1}):
            pass
        assert str(caught.value).splitlines() == [str(caught.value)]
        assert str(caught.value).startswith("seed: sites")


@pytest.mark.slow
def test_it_ends_with_the_process_that_started_it() -> None:
    """Also when that is killed."""
    mark = uuid.uuid4().hex
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        env={**os.environ, MARK: mark},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        assert parent.stdout
        assert parent.stdout.readline() == "runs\n"
        parent.kill()

    assert wait_until_gone(10, MARK, mark) == {}
