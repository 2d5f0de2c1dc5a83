"""No token, client secret or pincode anywhere: state, logs, errors, output of a whole life cycle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.emulator import CLIENT_ID, CLIENT_SECRET, PINCODE, TOKEN, charger_uuid
from support.secrets import places_of
from support.stack import Stack, declaration

if TYPE_CHECKING:
    from pathlib import Path

    from support.emulator import Emulator

SECRETS = (TOKEN, CLIENT_SECRET, PINCODE)
WITH_TOKEN: dict[str, str | None] = {"PLUGCHOICE_TOKEN": TOKEN}
WITH_CLIENT: dict[str, str | None] = {"PLUGCHOICE_CLIENT_ID": CLIENT_ID, "PLUGCHOICE_CLIENT_SECRET": CLIENT_SECRET}
VERBOSE = ("--logtostderr", "-v=9", "--debug")


def _declare(stack: Stack, amps: int) -> None:
    stack.declare(
        declaration("full", 1, phase_rotation="STR", max_amperage=amps, on_destroy="restore"),
        declaration("partial", 2, max_amperage=20),
    )


def _expect_no_secret(stack: Stack, folder: Path, **what: Any) -> None:
    """In every line printed and every file below the folder, also decoded."""
    printed = "\n".join(stack.outputs)
    written = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size < 20_000_000]
    assert len(written) > 3
    assert any(path.name.endswith(".json.gz") for path in written) == what["gzip"]
    assert len(printed) > what["printed"]
    for secret in SECRETS:
        assert places_of(secret, printed.encode()) == []
        for path in written:
            assert places_of(secret, path.read_bytes()) == [], path


@pytest.mark.long
def test_a_whole_life_shows_no_secret(stack: Stack, emulator: Emulator, tmp_path: Path) -> None:
    """With a token and with a client in turn: each change, a refusal, an unknown result, no access, verbose logs."""
    stack.with_passphrase().environment.pop("PLUGCHOICE_TOKEN")
    stack.environment["PULUMI_DIY_BACKEND_GZIP"] = "true"
    _declare(stack, 20)

    assert stack.up(*VERBOSE, **WITH_CLIENT).code == 0
    emulator.edit(charger_uuid(1), max_amperage=63)
    assert stack.preview("--refresh", "--diff", **WITH_TOKEN).code == 0
    assert stack.refresh(**WITH_CLIENT).code == 0
    emulator.fault("status", method="PUT", status=422)
    assert stack.up(*VERBOSE, **WITH_TOKEN).code != 0
    emulator.fault("reset_after", method="PUT")
    assert stack.up(**WITH_CLIENT).code == 0
    emulator.fault("status", status=401, times=None)
    for credentials in (WITH_TOKEN, WITH_CLIENT):
        assert stack.up("--refresh", **credentials).code != 0
    emulator.clear_faults()
    assert stack.run("stack", "export").code == 0
    assert stack.destroy(*VERBOSE, **WITH_TOKEN).code == 0

    _expect_no_secret(stack, tmp_path, gzip=True, printed=10_000)


def test_a_token_in_the_stack_config_is_shown_nowhere(stack: Stack, emulator: Emulator, tmp_path: Path) -> None:
    """Without verbose logs: at -v=9 the engine prints the stack's config; docs/reference/supported.md warns of it."""
    stack.with_passphrase().environment.pop("PLUGCHOICE_TOKEN")
    assert stack.run("config", "set", "--secret", "plugchoice:token", TOKEN).code == 0
    _declare(stack, 20)

    assert stack.up("--debug").code == 0
    _declare(stack, 25)
    emulator.fault("status", method="PUT", status=422)
    assert stack.up("--skip-preview").code != 0
    emulator.clear_faults()
    assert stack.destroy("--debug").code == 0

    _expect_no_secret(stack, tmp_path, gzip=False, printed=2_000)
