"""One page of a list, in the shape that all lists of this emulator have: links and meta, without a total.

A fault of kind `page` changes which rows the page has, as when the list changes between two requests, or its next link.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .faults import Fault


@dataclass(frozen=True)
class Page:
    """Which page of which list; `url` is the list's own address, without a query."""

    url: str
    number: int
    size: int
    fault: Fault | None = None

    def of(self, items: Sequence[Any], shape: Callable[[Any], Any]) -> dict[str, Any]:
        """This page of `items`, each in its JSON shape. The last page has a `links.next` of null."""
        items = _disturb(items, self.fault) if self.fault else items
        start = (self.number - 1) * self.size
        rows = items[start : start + self.size]
        following = self._url(self.number + 1) if len(items) > start + self.size else None
        previous = self._url(self.number - 1) if self.number > 1 else None
        page = {
            "data": [shape(item) for item in rows],
            "links": {"first": self._url(1), "last": None, "prev": previous, "next": self._next(following)},
            "meta": {
                "current_page": self.number,
                "current_page_url": self._url(self.number),
                "from": start + 1 if rows else None,
                "path": self.url,
                "per_page": self.size,
                "to": start + len(rows) if rows else None,
            },
        }
        if self.fault and self.fault.link == "missing":
            del page["links"]
        return page

    def _url(self, number: int) -> str:
        return f"{self.url}?page={number}"

    def _next(self, following: str | None) -> str | None:
        """The next link in the shape of the fault; a last page keeps its null, unless the list has no end."""
        shape = self.fault.link if self.fault else None
        if shape in ("loop", "endless"):
            return self._url(1 if shape == "loop" else self.number + 1)
        if self.fault is None or shape is None or following is None:
            return following
        parts = urlsplit(following)
        api, _, rest = parts.path.partition("/v3/")
        changed = {
            "other_scheme": parts._replace(scheme="http" if parts.scheme == "https" else "https"),
            "other_host": parts._replace(netloc="plugchoice.internal:8080"),
            "other_prefix": parts._replace(path=f"/upstream{api}/v3/{rest}"),
            "relative": parts._replace(scheme="", netloc=""),
            "query_only": parts._replace(scheme="", netloc="", path=""),
            "no_query": parts._replace(query=""),
        }
        if shape in changed:
            return changed[shape].geturl()
        return self.fault.location if shape == "given" else None


def _disturb(items: Sequence[Any], fault: Fault) -> list[Any]:
    """The list as this request sees it."""
    lost, doubled, moved = set(fault.lost), set(fault.doubled), [place for place in fault.moved if place < len(items)]
    staying = set(range(len(items))).difference(moved)
    order = [*sorted(staying), *moved]
    return [items[place] for place in order if place not in lost for _ in range(1 + (place in doubled))]


def page_number(text: str | None) -> int:
    """The number in `?page=`, as Laravel reads it: page 1 unless it is a positive number."""
    return max(1, int(text)) if text and text.isascii() and text.isdigit() and len(text) < 10 else 1
