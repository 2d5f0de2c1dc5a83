"""How tests are dealt to workers: each part of the list begins with its share of the longest."""

from __future__ import annotations

from support.order import Need, deal

LONG, SHORT = 30.0, 0.05


def part(items: list[str], workers: int, number: int) -> list[str]:
    """What `--dist worksteal` gives a worker first."""
    sizes = [(len(items) + worker) // workers for worker in range(workers)]
    start = sum(sizes[:number])
    return items[start : start + sizes[number]]


def read(item: str) -> Need:
    """`A1` is long, `a1` short; those with `b` share something."""
    return Need(LONG if item[0].isupper() else SHORT, "b" if item[0] in "bB" else None)


def test_each_part_begins_with_its_share_of_the_longest() -> None:
    items = [*(f"a{number}" for number in range(20)), "A1", "A2", "A3", "A4"]
    for workers in (1, 2, 3, 4):
        dealt = deal(items, workers, read)
        assert sorted(dealt) == sorted(items)
        for number in range(workers):
            mine = part(dealt, workers, number)
            count = sum(item.isupper() for item in (name[0] for name in mine))
            assert count in {4 // workers, -(-4 // workers)}
            assert all(name[0] == "A" for name in mine[:count])


def test_what_is_shared_is_made_by_one_worker_only() -> None:
    """Its tests stay together, in their order, and count with the longest of them."""
    items = ["b1", "a1", "b2", *(f"a{number}" for number in range(2, 40)), "B3", "A1", "A2"]
    for workers in (1, 2, 3):
        dealt = deal(items, workers, read)
        assert sorted(dealt) == sorted(items)
        start = dealt.index("b1")
        assert dealt[start : start + 3] == ["b1", "b2", "B3"]
        holders = [number for number in range(workers) if {"b1", "b2", "B3"} & set(part(dealt, workers, number))]
        assert len(holders) == 1
        assert start == dealt.index(part(dealt, workers, holders[0])[0]), "first of its part"


def test_few_tests_are_all_dealt() -> None:
    assert deal([], 3, read) == []
    assert sorted(deal(["b1", "b2", "A1"], 3, read)) == ["A1", "b1", "b2"]
