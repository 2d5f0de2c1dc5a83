"""Markup for pages and pictures: HTML and SVG in which foreign text is text, whatever is in it.

`element` is the only way to make markup. All else that it is given is escaped, so that nothing can be forgotten; the
text is made `printable` as well, so that nobody is misled by what is invisible. A page refers to nothing outside, and a
policy in its head forbids the browser to load anything or to run another script than ours.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pulumi_plugchoice._text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_HERE: Final = Path(__file__).parent
# Of one text: longer than any warning, shorter than what nobody reads.
_LONGEST: Final = 20_000
# The name of a column that can stand in a style as it is.
_PLAIN: Final = re.compile(r"[\w ,./?:-]+")
_EMPTY: Final = frozenset({"input", "meta"})


class Html(str):
    """Markup. Only `element` and `join` make it; whatever is added to it is a plain text again, and escaped."""

    __slots__ = ()


def escape(value: str | float) -> str:
    """The markup of a text, in an element or in an attribute. A blank at either end stays."""
    if isinstance(value, int | float):
        return str(value)
    text = value
    line = printable(text, _LONGEST)
    return html.escape(f"{' ' * text.startswith(' ')}{line}{' ' * (text.endswith(' ') and bool(line))}")


def join(children: Iterable[object], between: Literal["", "\n"] = "") -> Html:
    """The markup of texts and elements, one after the other. None is nothing."""
    return Html(between.join(map(_render, children)))


def _render(child: object) -> str:
    if isinstance(child, Html):
        return child
    if child is None:
        return ""
    if isinstance(child, str | int | float):
        return escape(child)
    if isinstance(child, list | tuple):
        return join(child)
    raise TypeError(f"no markup for {type(child).__name__}")


def element(tag: str, *children: object, **attributes: str | float | bool | None) -> Html:
    """Make an element.

    Args:
        tag: its name.
        children: texts, elements, lists of both; None is nothing.
        attributes: `class_` is class, `aria_label` is aria-label. True is an attribute without value; None and False
            are none.
    """
    given = "".join(
        f" {name.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(value)}"')
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{tag}{given}>" if tag in _EMPTY else f"<{tag}{given}>{join(children)}</{tag}>")


def read_own(name: str) -> Html:
    """The text of a style or script beside this module, which is not escaped."""
    return Html((_HERE / name).read_text(encoding="utf-8"))


def _name_cells(heads: Mapping[str, Sequence[str]]) -> Html:
    """The style that writes the name of its column before each cell, where a row is shown as a block."""
    rules = [
        f'.{kind} :is(th, td):nth-child({place})::before {{ content: "{name}: " }}'
        for kind, head in heads.items()
        for place, name in enumerate(head[1:], 2)
        if _PLAIN.fullmatch(name)
    ]
    return Html("@media screen and (max-width: 62rem) {\n" + "\n".join(rules) + "\n}\n")


def page(
    title: str, *children: object, heads: Mapping[str, Sequence[str]] | None = None, script: Html | None = None
) -> str:
    """Make a page that needs nothing else.

    Args:
        title: of the window.
        children: what it shows.
        heads: the columns of each kind of table; our own words.
        script: the only one that its policy allows.
    """
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    if script is not None:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        policy += f"; script-src 'sha256-{digest}'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", read_own("lines.css"), read_own("page.css"), _name_cells(heads or {})),
    )
    body = element("body", *children, None if script is None else element("script", script))
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"
