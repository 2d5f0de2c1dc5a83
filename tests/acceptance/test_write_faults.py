"""The fault matrix, through the engine: each write fault in a real `pulumi up`, and beside it a write without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.emulator import charger_uuid, identity, seed
from support.matrix import FAULTS, TIMEOUT, Fault
from support.stack import Stack, declaration

if TYPE_CHECKING:
    from support.emulator import Emulator

# A 429 holds back every request of the user, so one of these faults would decide how the others end.
ALONE = [fault for fault in FAULTS if fault.inject.get("status") == 429]
GROUPS = [[fault] for fault in ALONE] + [[fault for fault in FAULTS if fault not in ALONE]]


def _declare(stack: Stack, count: int, rotation: str, amps: int) -> None:
    bays = range(1, count + 1)
    stack.declare(*[declaration(f"bay-{i}", i, phase_rotation=rotation, max_amperage=amps) for i in bays])


@pytest.mark.long
@pytest.mark.parametrize("faults", GROUPS, ids=lambda faults: faults[0].slug if len(faults) == 1 else "others")
def test_live_value_state_and_message_agree_after_each_write_fault(
    stack: Stack, emulator: Emulator, faults: list[Fault]
) -> None:
    """Once, then always: live value, state and message of each connector agree; the next `up` ends it.

    The last connector has no fault.
    """
    good = len(faults) + 1
    emulator.reset(seed(good))
    _declare(stack, good, "RST", 16)
    stack.must_up()
    for always, old, new in ((False, ("RST", 16), ("STR", 20)), (True, ("STR", 20), ("TRS", 25))):
        _declare(stack, good, *new)
        for index, fault in enumerate(faults, 1):
            emulator.fault(**fault.inject, method="PUT", path=charger_uuid(index), times=None if always else 1)

        _expect_outcomes(stack, faults, old, new, always=always)

        emulator.clear_faults()
        # Another machine of the same user: it knows nothing of the hold, which this test does not wait for.
        stack.environment["XDG_CACHE_HOME"] = str(stack.folder / f"cache-after-{new[1]}")
        stack.must_up()
        assert {emulator.live(index) for index in range(1, good + 1)} == {new}
    assert stack.preview("--expect-no-changes").code == 0


def _expect_outcomes(
    stack: Stack, faults: list[Fault], old: tuple[str, int], new: tuple[str, int], *, always: bool
) -> None:
    """Run `up`: what of the new values is live, stored and reported is what the matrix says."""
    live, good = stack.emulator.live, len(faults) + 1
    expected = [fault.put_always if always else fault.put_once for fault in faults]
    # A wait of a second for Retry-After, the default first back-off and a busy machine have to fit in. A fault that
    # stays takes all of it; one that passes does not.
    patience = {"PLUGCHOICE_TIMEOUT_SECONDS": str(TIMEOUT), "PLUGCHOICE_DEADLINE_SECONDS": "6" if always else "20"}

    result = stack.up("--skip-preview", "--continue-on-error", **patience)

    stored = {name: item["outputs"]["max_amperage"] for name, item in stack.resources().items()}
    errors = result.lines("error: plugchoice:")
    for index, (fault, outcome) in enumerate(zip(faults, expected, strict=True), 1):
        named = [line for line in errors if f"{identity(index)}/1" in line or charger_uuid(index) in line]
        assert live(index) == (new if outcome.written else old), fault.name
        assert stored[f"bay-{index}"] == (new if outcome.error is None else old)[1], (
            f"{fault.name}: no success without proof"
        )
        assert len(named) == (outcome.error is not None), fault.name
    # A 429 without Retry-After holds back the good one, too, for longer than its deadline.
    if faults[0].name != "429 without Retry-After":
        assert live(good) == new
        assert stored[f"bay-{good}"] == new[1]
        assert len(errors) == sum(outcome.error is not None for outcome in expected)
    assert (result.code == 0) == all(outcome.error is None for outcome in expected)
    assert "Traceback" not in result.output
