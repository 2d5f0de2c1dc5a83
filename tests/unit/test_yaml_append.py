"""yaml_append.py and yaml_write.py: list items appended in the style of the list; nothing else changes."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_plugchoice.sitefile.yaml_append import NewItem, append_items

A: dict[str, Any] = {"id": 8}
B: dict[str, Any] = {"id": 9, "name": "NO"}
#: A charger with two connectors, as `adopt` writes it.
NEW: dict[str, Any] = {"label": "bay 9", "identity": "009", "connectors": [{"id": 1, "managed": False}, {"id": 2}]}

# Text before; what is appended; text after. New text is between « and », so that each case is written once.
LAYOUTS: dict[str, tuple[str, list[NewItem]]] = {
    "dashes, flow": ("x:\n  - {id: 1}\n«  - {id: 8}\n»y: 1\n", [NewItem(("x",), A)]),
    "dashes, two items": (
        'x:\n  - {id: 1}\n«  - {id: 8}\n  # why\n  - {id: 9, name: "NO"}\n»',
        [NewItem(("x",), A), NewItem(("x",), B, "why")],
    ),
    "dashes, block": ('x:\n  - id: 1\n«  - id: 9\n    name: "NO"\n»y: 1\n', [NewItem(("x",), B)]),
    "not indented": ("x:\n- id: 1\n«- id: 8\n»y: 1\n", [NewItem(("x",), A)]),
    "indented far": ("x:\n      - id: 1\n«      - id: 8\n»y: 1\n", [NewItem(("x",), A)]),
    "blanks after the dash": ('x:\n-   id: 1\n«-   id: 9\n    name: "NO"\n»y: 1\n', [NewItem(("x",), B)]),
    "blanks before braces": ("x:\n  -   {id: 1}\n«  -   {id: 8}\n»", [NewItem(("x",), A)]),
    "dash on its own line": (
        'x:\n  -\n    id: 1\n  -  # two\n    id: 2\n«  - id: 9\n    name: "NO"\n»',
        [NewItem(("x",), B)],
    ),
    "blank lines between": (
        "x:\n  - id: 1\n\n  # two\n  - id: 2\n«\n  # why\n  - id: 8\n\n  - id: 8\n»\ny: 1\n",
        [NewItem(("x",), A, "why"), NewItem(("x",), A)],
    ),
    "both kinds: what fits": (
        'x:\n  - {id: 1}\n  - id: 2\n«  - {id: 8}\n  - label: bay 9\n    identity: "009"\n    connectors:\n'
        "      - {id: 1, managed: false}\n      # two\n      - {id: 2}\n»",
        [NewItem(("x",), A), NewItem(("x",), NEW, "", {1: "two"})],
    ),
}


def split(marked: str) -> tuple[str, str]:
    """The text before and after."""
    before = "".join(part.partition("»")[2] if "»" in part else part for part in marked.split("«"))
    return before, marked.replace("«", "").replace("»", "")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_items_are_appended_in_the_style_of_the_list(layout: str) -> None:
    """The whole text after, in each layout."""
    marked, items = LAYOUTS[layout]
    before, after = split(marked)
    assert append_items(before, items, "x.yaml") == after
