"""Which code blocks of the docs run, where, and which cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent

# Played in this order as one story: tests/acceptance/test_guide.py.
# The home page shows a preview of the site that was adopted.
_PAGES: Final = (
    *("guide/try", "guide/install", "guide/adopt", "index", "guide/first-change", "guide/review", "guide/apply"),
    *("guide/watch", "guide/rewire", "guide/rotate-token", "guide/scale"),
)
GUIDE: Final = [ROOT / "docs" / f"{name}.md" for name in _PAGES]

# Page, first line of the block: why it does not run.
NOT_RUN: Final = {
    ("docs/guide/install.md", "python3 -m venv .venv && source .venv/bin/activate"): (
        "installs from a package index; `make release-check` does the same with the wheel"
    ),
}
