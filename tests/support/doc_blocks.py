"""Which code blocks of the docs run, where, and which cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
_DOCS: Final = ROOT / "docs"

# Played in this order as one story: tests/acceptance/test_guide.py.
GUIDE: Final = [
    _DOCS / "guide" / f"{name}.md"
    for name in ("try", "install", "adopt", "first-change", "review", "apply", "watch", "rewire", "rotate-token", "scale")
]

# Page, first line of the block: why it does not run.
NOT_RUN: Final = {
    ("docs/guide/install.md", "python3 -m venv .venv && source .venv/bin/activate"): (
        "installs from a package index; `make release-check` does the same with the wheel"
    ),
}
