"""The page of a review: its Markdown, in the look of the report page.

Every text of a site file is a code span in the Markdown, so the page has the same parts and the same words. What is not
one of the parts below is shown as text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from .html import Html, element, join, page
from .markdown import CURRENTS_HEAD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: The page's title.
TITLE: Final = "Review of site files"
_INLINE: Final = {"code_inline": "code", "strong": "strong", "em": "em"}
_LISTS: Final = {"bullet_list": "ul", "ordered_list": "ol", "list_item": "li"}
# As `markdown.fold` writes it: the only HTML in a report.
_FOLD: Final = re.compile(r"<details><summary>([\w ]+)</summary>")
_UNFOLD: Final = "</details>"


def markdown_page(text: str) -> str:
    """Render a review (Markdown) as a page that needs nothing else."""
    heads: dict[tuple[str, ...], str] = {CURRENTS_HEAD: "currents"}
    root = SyntaxTreeNode(MarkdownIt("commonmark").enable("table").parse(text))
    body = element("main", _convert_all(root.children, heads))
    kinds = {kind: head for head, kind in heads.items() if head != CURRENTS_HEAD}
    return page(TITLE, element("header", element("h1", TITLE)), body, heads=kinds)


def _convert_all(nodes: Sequence[SyntaxTreeNode], heads: dict[tuple[str, ...], str]) -> list[Html]:
    """Convert blocks; those between the two marks of a fold go into it."""
    converted: list[Html] = []
    outside: tuple[list[Html], str] | None = None
    for node in nodes:
        mark = node.content.strip() if node.type == "html_block" else ""
        opening = _FOLD.fullmatch(mark)
        if opening and outside is None:
            outside, converted = (converted, opening[1]), []
        elif mark == _UNFOLD and outside is not None:
            fold = element("details", element("summary", outside[1]), *converted)
            converted, outside = [*outside[0], fold], None
        else:
            converted.append(_convert(node, heads))
    return converted if outside is None else [*outside[0], *converted]


def _convert(node: SyntaxTreeNode, heads: dict[tuple[str, ...], str]) -> Html:
    if node.type == "heading":
        return element(f"h{max(2, int(node.tag[1:]) - 1)}", *_convert_inline(node))
    if node.type == "table":
        return _convert_table(node, heads)
    if node.type == "paragraph":
        (line,) = node.children
        parts = [child for child in line.children if child.type != "text" or child.content]
        if [part.type for part in parts] == ["strong"]:
            return element("h3", *_convert_inline(parts[0]))
        return join(_convert_inline(line)) if node.hidden else element("p", *_convert_inline(line))
    if node.type in _LISTS:
        return element(_LISTS[node.type], *_convert_all(node.children, heads))
    return element("p", node.content)


def _convert_inline(node: SyntaxTreeNode) -> Iterator[str]:
    """The texts and elements of a line."""
    for child in node.children:
        if child.type in _INLINE:
            yield element(_INLINE[child.type], child.content or list(_convert_inline(child)))
        elif child.type in ("softbreak", "hardbreak"):
            yield " "
        elif child.children:
            yield from _convert_inline(child)
        else:
            yield child.content


def _convert_table(node: SyntaxTreeNode, heads: dict[tuple[str, ...], str]) -> Html:
    rows = [list(row.children) for part in node.children for row in part.children]
    head = tuple("".join(_convert_inline(cell)) for cell in rows[0])
    kind = heads.setdefault(head, f"table-{len(heads)}")
    return element(
        "table",
        element("thead", element("tr", *(element("th", name, scope="col") for name in head))),
        element("tbody", *(element("tr", *_convert_row(row)) for row in rows[1:])),
        class_=kind,
    )


def _convert_row(cells: Sequence[SyntaxTreeNode]) -> Iterator[Html]:
    for place, cell in enumerate(cells):
        inner = list(_convert_inline(cell))
        yield element("td", *inner) if place else element("th", *inner, scope="row")
