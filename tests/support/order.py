"""Which worker runs which tests, and in which order: the longest first, and those that share something together."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

Item = TypeVar("Item")
#: Marks, and about how many seconds a test with such a mark takes; without any it is the last.
SECONDS: Final = {"long": 30.0, "acceptance": 8.0, "slow": 2.0}
_OTHERS: Final = 0.05


class Need(NamedTuple):
    """What an item needs.

    Attributes:
        seconds: about its time.
        shared: items with the same value are not separated; None: it shares nothing.
    """

    seconds: float
    shared: Hashable = None


def read_need(item: pytest.Item) -> Need:
    """Read the marks of a test, and whether it has a fixture that is made once for its file."""
    names = {mark.name for mark in item.iter_markers()}
    seconds = next((seconds for name, seconds in SECONDS.items() if name in names), _OTHERS)
    assert isinstance(item, pytest.Function)
    fixtures = item._fixtureinfo.name2fixturedefs
    shares = any(found[-1].scope == "module" for found in fixtures.values())
    return Need(seconds, item.path if shares else None)


def deal(items: Sequence[Item], workers: int, read: Callable[[Item], Need]) -> list[Item]:
    """Order tests for workers that each get a part of the list, one after the other, as `--dist worksteal` gives them.

    Each part begins with its share of the longest. What is dealt last is short, and fills the parts to their sizes.
    """
    needs = [(item, read(item)) for item in items]
    keys = {id(item): id(item) if need.shared is None else need.shared for item, need in needs}
    first = {key: place for place, key in reversed(list(enumerate(keys.values())))}
    together = sorted(needs, key=lambda pair: first[keys[id(pair[0])]])
    units = [list(unit) for _, unit in groupby(together, key=lambda pair: keys[id(pair[0])])]
    units.sort(key=lambda unit: -max(need.seconds for _, need in unit))
    parts: list[list[Item]] = [[] for _ in range(workers)]
    load = [0.0] * workers
    sizes = [(len(items) + worker) // workers for worker in range(workers)]
    for unit in units:
        # Of the parts with room for it, the one that has least to do.
        has_room = [place for place in range(workers) if len(parts[place]) + len(unit) <= sizes[place]]
        place = min(has_room or range(workers), key=lambda place: load[place])
        parts[place] += [item for item, _ in unit]
        load[place] += sum(need.seconds for _, need in unit)
    return [item for part in parts for item in part]
