"""The three page shapes that are live at once: A (links and meta), B (flat), C (A with totals)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Page:
    """Which page of what: `url` is the list's own address, without a query."""

    url: str
    number: int
    size: int

    def simple(self, items: Sequence[Any], shape: Callable[[Any], Any]) -> dict[str, Any]:
        """Shape A: no total, no last page; the end is where `links.next` is null."""
        return {
            "data": [shape(item) for item in self._slice(items)],
            "links": {"first": self._at(1), "last": None, "prev": self._previous, "next": self._next(items)},
            "meta": {
                "current_page": self.number,
                "current_page_url": self._at(self.number),
                "from": self._from(items),
                "path": self.url,
                "per_page": self.size,
                "to": self._to(items),
            },
        }

    def flat(self, items: Sequence[Any], shape: Callable[[Any], Any], options: dict[str, Any]) -> dict[str, Any]:
        """Shape B: neither links nor meta."""
        return {
            "data": [shape(item) for item in self._slice(items)],
            "first_page_url": self._at(1),
            "from": self._from(items),
            "next_page_url": self._next(items),
            "path": self.url,
            "per_page": self.size,
            "prev_page_url": self._previous,
            "to": self._to(items),
            "filter_options": options,
        }

    def full(self, items: Sequence[Any], shape: Callable[[Any], Any]) -> dict[str, Any]:
        """Shape C: as A, with the last page, a link for each page, and the total."""
        answer = self.simple(items, shape)
        last = max(1, -(-len(items) // self.size))
        buttons = [{"url": self._previous, "label": "&laquo; Previous", "active": False}]
        buttons += [{"url": self._at(n), "label": str(n), "active": n == self.number} for n in range(1, last + 1)]
        buttons.append({"url": self._next(items), "label": "Next &raquo;", "active": False})
        answer["links"]["last"] = self._at(last)
        answer["meta"].update(last_page=last, links=buttons, total=len(items))
        return answer

    def _at(self, number: int) -> str:
        return f"{self.url}?page={number}"

    @property
    def _start(self) -> int:
        return (self.number - 1) * self.size

    @property
    def _previous(self) -> str | None:
        return self._at(self.number - 1) if self.number > 1 else None

    def _slice(self, items: Sequence[Any]) -> Sequence[Any]:
        return items[self._start : self._start + self.size]

    def _next(self, items: Sequence[Any]) -> str | None:
        return self._at(self.number + 1) if len(items) > self._start + self.size else None

    def _from(self, items: Sequence[Any]) -> int | None:
        return self._start + 1 if len(items) > self._start else None

    def _to(self, items: Sequence[Any]) -> int | None:
        return min(len(items), self._start + self.size) if len(items) > self._start else None


def page_number(text: str | None) -> int:
    """What Laravel makes of `?page=`: anything that is no positive number is page 1."""
    return max(1, int(text)) if text and text.isascii() and text.isdigit() and len(text) < 10 else 1
