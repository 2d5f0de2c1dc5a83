"""The fault matrix, through the engine: each write fault in a real `pulumi up`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.emulator import charger_uuid
from support.matrix import DEADLINE, FAULTS, TIMEOUT, Fault
from support.stack import Stack, declaration

if TYPE_CHECKING:
    from support.emulator import Emulator

IMPATIENT = {"PLUGCHOICE_TIMEOUT_SECONDS": str(TIMEOUT), "PLUGCHOICE_DEADLINE_SECONDS": str(DEADLINE)}


@pytest.mark.parametrize("always", [False, True], ids=["once", "always"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.slug)
def test_write_fault_in_an_update(stack: Stack, emulator: Emulator, fault: Fault, *, always: bool) -> None:
    """Live value, state and message agree; the other connector is updated in any case; the next `up` ends it."""
    stack.declare(declaration("bay-1", 1, max_amperage=16, phase_rotation="RST"))
    stack.must_up("--skip-preview")
    stack.declare(
        declaration("bay-1", 1, max_amperage=20, phase_rotation="STR"),
        declaration("bay-2", 2, max_amperage=20, phase_rotation="STR"),
    )
    emulator.fault(**fault.inject, method="PUT", path=charger_uuid(1), times=None if always else 1)
    expected = fault.put_always if always else fault.put_once
    # One wait of a second for Retry-After, and the default first back-off, have to fit in.
    patience = {**IMPATIENT, "PLUGCHOICE_DEADLINE_SECONDS": "3"}

    result = stack.up("--skip-preview", "--continue-on-error", **patience)

    assert emulator.live(1) == (("STR", 20) if expected.written else ("RST", 16))
    stored = stack.resources()
    errors = result.lines("error: plugchoice:")
    # A 429 without Retry-After holds back every request of the user for a minute, the other connector's too.
    holds_all = fault.name == "429 without Retry-After"
    if not holds_all:
        assert emulator.live(2) == ("STR", 20)
        assert stored["bay-2"]["outputs"]["max_amperage"] == 20
        assert len(errors) == (0 if expected.error is None else 1)
    if expected.error is None:
        assert result.code == 0, result.output
        assert stored["bay-1"]["outputs"]["max_amperage"] == 20
    else:
        assert result.code != 0
        assert stored["bay-1"]["outputs"]["max_amperage"] == 16, "no success without proof"
        assert any("HRB-001/1" in line or charger_uuid(1) in line for line in errors)
        assert "Traceback" not in result.output

        emulator.clear_faults()
        # Another machine of the same user: it knows nothing of the hold, which this test does not wait for.
        stack.environment["XDG_CACHE_HOME"] = str(stack.folder / "other-cache")
        stack.must_up("--skip-preview")
        assert emulator.live(1) == ("STR", 20)
        assert emulator.live(2) == ("STR", 20)
    assert stack.preview("--expect-no-changes").code == 0
