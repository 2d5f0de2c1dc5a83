"""One emulator process for each worker, fresh for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.emulator.lab import Lab, started

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def lab_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with started(tmp_path_factory.mktemp("lab"), "--quiet") as (_, ready):
        yield Lab(ready)


@pytest.fixture
def lab(lab_process: Lab) -> Lab:
    """The emulator with its default seed."""
    lab_process.control("POST", "/reset")
    lab_process.refresh_ids()
    return lab_process
