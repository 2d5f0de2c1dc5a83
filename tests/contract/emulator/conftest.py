"""One emulator process for each worker, fresh for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.emulator.lab import Lab
from pulumi_plugchoice.emulator.testing import running

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def lab_process() -> Iterator[Lab]:
    with running() as emulator:
        yield Lab(emulator)


@pytest.fixture
def lab(lab_process: Lab) -> Lab:
    """The emulator with its default seed."""
    lab_process.control("POST", "/reset")
    lab_process.refresh_ids()
    return lab_process
