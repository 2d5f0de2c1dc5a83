"""What a run costs in API calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.emulator import charger_uuid, connector, seed
from support.stack import Stack, declaration

if TYPE_CHECKING:
    from support.emulator import Emulator


def _forty(stack: Stack, changed: int = 0, **more: Any) -> None:
    stack.declare(
        *[
            declaration(f"bay-{i}", i, phase_rotation="RST", max_amperage=20 if i <= changed else 16, **more)
            for i in range(1, 41)
        ]
    )


def test_forty_connectors_of_a_site(stack: Stack, emulator: Emulator) -> None:
    """Unchanged: two reads of 25 and no PUT. k changes cost k + 4, preview and update together."""
    emulator.reset(seed(40))
    _forty(stack)
    first = stack.up()

    unchanged = stack.preview("--expect-no-changes")
    refreshed = stack.preview("--expect-no-changes", "--refresh")

    assert len(first.calls) == 4, "all are equal already: nothing but the reads of preview and update"
    assert unchanged.code == 0
    assert len(unchanged.calls) == 2
    assert refreshed.code == 0
    assert len(refreshed.calls) == 2

    for k in (1, 7):
        _forty(stack, changed=k)
        emulator.edit(charger_uuid(1), max_amperage=10)
        result = stack.up()
        assert len(result.puts) == k
        assert len(result.calls) <= k + 4


def test_forty_connectors_at_first_up(stack: Stack, emulator: Emulator) -> None:
    """40 differ: 40 PUTs and four reads."""
    emulator.reset(seed(40, {i: [connector(amperage=10)] for i in range(1, 41)}))
    _forty(stack)

    result = stack.up()

    assert len(result.puts) == 40
    assert len(result.calls) == 44
    assert set(emulator.values().values()) == {("RST", 16)}


@pytest.mark.parametrize("by", ["site", "charger"])
def test_read_once(stack: Stack, emulator: Emulator, by: str) -> None:
    """Without a site it is one GET for each charger, whatever the number of its connectors."""
    emulator.reset(seed(10, {i: [connector(1), connector(2)] for i in range(1, 11)}))
    if by == "charger":
        stack.environment.pop("PLUGCHOICE_SITE")
    stack.declare(
        *[declaration(f"bay-{i}-{n}", i, connector_id=n, max_amperage=16) for i in range(1, 11) for n in (1, 2)]
    )
    stack.must_up()

    result = stack.preview("--expect-no-changes", "--refresh")

    assert result.code == 0
    assert len(result.calls) == {"site": 1, "charger": 10}[by]


def test_partial_write_costs_one_more_read(stack: Stack) -> None:
    """The unmanaged value is read just before the write."""
    stack.declare(declaration("bay", 1, max_amperage=16))
    stack.must_up()
    stack.declare(declaration("bay", 1, max_amperage=20))

    result = stack.up()

    assert [request["method"] for request in result.calls.requests] == ["GET", "GET", "GET", "PUT"]


def test_a_slow_site_is_read_once_by_four_threads(stack: Stack, emulator: Emulator) -> None:
    """Refresh asks for four connectors at once: they share one read, however long it takes."""
    emulator.reset(seed(20))
    stack.declare(*[declaration(f"bay-{i}", i, max_amperage=16) for i in range(1, 21)])
    stack.must_up()
    emulator.switch(latency_seconds=0.5)

    result = stack.refresh()

    assert result.code == 0
    assert len(result.calls) == 1


def test_every_run_ends_with_what_it_cost(stack: Stack, emulator: Emulator) -> None:
    """Preview, up, refresh, destroy: one line, with reads, writes and what is left."""
    stack.declare(declaration("bay", 1, phase_rotation="STR", max_amperage=16, on_destroy="restore"))
    runs = {
        "preview": (stack.preview(), "(1 read, 0 writes)"),
        "up": (stack.up("--skip-preview"), "(1 read, 1 write)"),
        "refresh": (stack.refresh(), "(1 read, 0 writes)"),
        "destroy": (stack.destroy(), "(1 read, 1 write)"),
    }
    for name, (result, calls) in runs.items():
        assert result.code == 0, result.output
        (line,) = result.lines("plugchoice: API calls: ")
        assert calls in line, name
        assert "left this minute" in line
    assert "the update will need about 2 (1 read, 1 write)" in runs["preview"][0].output


def test_repeated_writes_are_counted_as_retries(stack: Stack, emulator: Emulator) -> None:
    """With the time that was waited for them."""
    stack.declare(declaration("bay", 1, phase_rotation="STR", max_amperage=16))
    emulator.fault("status", status=500, method="PUT", times=2)

    result = stack.must_up()

    (line,) = result.lines("plugchoice: API calls: ")
    assert "2 retries" in line
    assert "waited" in line
