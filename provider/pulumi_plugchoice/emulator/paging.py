"""One page of a list, in the shape that all lists of this emulator have: links and meta, without a total."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Page:
    """Which page of which list; `url` is the list's own address, without a query."""

    url: str
    number: int
    size: int

    def of(self, items: Sequence[Any], shape: Callable[[Any], Any]) -> dict[str, Any]:
        """This page of `items`, each in its JSON shape. The last page has a `links.next` of null."""
        start = (self.number - 1) * self.size
        rows = items[start : start + self.size]
        following = self._url(self.number + 1) if len(items) > start + self.size else None
        previous = self._url(self.number - 1) if self.number > 1 else None
        return {
            "data": [shape(item) for item in rows],
            "links": {"first": self._url(1), "last": None, "prev": previous, "next": following},
            "meta": {
                "current_page": self.number,
                "current_page_url": self._url(self.number),
                "from": start + 1 if rows else None,
                "path": self.url,
                "per_page": self.size,
                "to": start + len(rows) if rows else None,
            },
        }

    def _url(self, number: int) -> str:
        return f"{self.url}?page={number}"


def page_number(text: str | None) -> int:
    """The number in `?page=`, as Laravel reads it: page 1 unless it is a positive number."""
    return max(1, int(text)) if text and text.isascii() and text.isdigit() and len(text) < 10 else 1
