"""No token, client secret or pincode anywhere: state, logs, errors, output of a whole life cycle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.emulator import CLIENT_ID, CLIENT_SECRET, PINCODE, TOKEN, charger_uuid
from support.secrets import places_of
from support.stack import Stack, declaration

if TYPE_CHECKING:
    from pathlib import Path

    from support.emulator import Emulator

SECRETS = (TOKEN, CLIENT_SECRET, PINCODE)


@pytest.mark.parametrize("credentials", ["token", "client", "config"])
def test_a_whole_life_shows_no_secret(stack: Stack, emulator: Emulator, tmp_path: Path, credentials: str) -> None:
    """Every file below the stack's folder and every line printed, verbose logs of the engine included, also decoded."""
    if credentials == "client":
        stack.environment.pop("PLUGCHOICE_TOKEN")
        stack.environment |= {"PLUGCHOICE_CLIENT_ID": CLIENT_ID, "PLUGCHOICE_CLIENT_SECRET": CLIENT_SECRET}
        stack.environment["PULUMI_DIY_BACKEND_GZIP"] = "true"
    if credentials == "config":
        stack.environment.pop("PLUGCHOICE_TOKEN")
        assert stack.run("config", "set", "--secret", "plugchoice:token", TOKEN).code == 0
    # At -v=9 the engine itself prints the stack's config, secrets included; docs/supported.md warns of it.
    verbose = ("--debug",) if credentials == "config" else ("--logtostderr", "-v=9", "--debug")
    stack.declare(
        declaration("full", 1, phase_rotation="STR", max_amperage=20, on_destroy="restore"),
        declaration("partial", 2, max_amperage=20),
    )

    assert stack.up(*verbose).code == 0
    emulator.edit(charger_uuid(1), max_amperage=63)
    stack.preview("--refresh", "--diff")
    stack.refresh()
    emulator.fault("status", method="PUT", status=422)
    assert stack.up().code != 0
    emulator.fault("reset_after", method="PUT")
    stack.up()
    emulator.fault("status", status=401, times=None)
    assert stack.up("--refresh").code != 0
    emulator.clear_faults()
    stack.run("stack", "export")
    assert stack.destroy(*verbose).code == 0

    printed = "\n".join(stack.outputs)
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size < 20_000_000]
    assert len(written) > 3
    assert any(path.name.endswith(".json.gz") for path in written) == (credentials == "client")
    assert len(printed) > 10_000
    for secret in SECRETS:
        assert places_of(secret, printed.encode()) == []
        for path in written:
            assert places_of(secret, path.read_bytes()) == [], path
