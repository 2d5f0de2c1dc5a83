"""The worker's emulator process, fresh for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.emulator.lab import Lab

if TYPE_CHECKING:
    from support.emulator import Emulator


@pytest.fixture
def lab(emulator_process: Emulator) -> Lab:
    """The emulator with its default seed."""
    emulator_process.reset()
    return Lab(emulator_process)
