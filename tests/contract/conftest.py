"""Fixtures of several modules here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.emulator import SITE, TOKEN
from support.engine_double import Engine

if TYPE_CHECKING:
    from support.emulator import Emulator


@pytest.fixture(autouse=True)
def _no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a command takes more than a second, and then it tells how far it is."""
    monkeypatch.setattr("pulumi_plugchoice.cli.progress._PATIENCE_SECONDS", 3600.0)


@pytest.fixture
def engine(emulator: Emulator) -> Engine:
    """A stack on the emulator's site."""
    return Engine(
        {
            "PLUGCHOICE_BASE_URL": emulator.base_url,
            "PLUGCHOICE_TOKEN": TOKEN,
            "PLUGCHOICE_SITE": SITE,
            "PLUGCHOICE_DEADLINE_SECONDS": "5",
        }
    )
