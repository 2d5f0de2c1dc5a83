"""The examples of the docs give what they say."""

from __future__ import annotations

import doctest
from pathlib import Path

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_the_examples_of_electrical_md_run() -> None:
    """Every number of its worked examples."""
    result = doctest.testfile(str(DOCS / "electrical.md"), module_relative=False)
    assert result.failed == 0
    assert result.attempted >= 12
