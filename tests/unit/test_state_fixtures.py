"""The kept states are frozen: users have states of these bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

STATES = Path(__file__).parent.parent / "fixtures" / "state"
FROZEN = {"0.1.0.json": "b9816a3ba819f430a146f4ae32ba3c26f846995a809c1af593a1ff362b891661"}


def test_a_kept_state_never_changes() -> None:
    """A new stored form needs a migration of the old one, and a second file with a line of its own above."""
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in STATES.iterdir()}

    assert found == FROZEN
