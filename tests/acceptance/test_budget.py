"""What a run costs in API calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.emulator import charger_uuid, connector, seed
from support.stack import Result, Stack, declaration

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.emulator import Emulator


# How long the engine waits for the end of a provider before it kills it.
PATIENCE = 5.0
LINE = "plugchoice: API calls: "


def tell(stack: Stack, story: Callable[[], dict[str, Result]]) -> dict[str, Result]:
    """Run a story, and once more in a new stack if the engine has killed a provider before its last line.

    That takes 5 s: a machine that stands still for so long may lose the line, and a quick run may not.
    """
    results = story()
    if any(
        len(result.calls) and LINE not in result.output.rpartition("Diagnostics:")[2] for result in results.values()
    ):
        times = {name: f"{result.seconds:.1f} s" for name, result in results.items()}
        outputs = "\n".join(result.output for result in results.values())
        assert max(result.seconds for result in results.values()) > PATIENCE, f"{times}\n{outputs}"
        stack.add("again")
        results = story()
    return results


def _forty(stack: Stack, changed: int = 0, **more: Any) -> None:
    stack.declare(
        *[
            declaration(f"bay-{i}", i, phase_rotation="RST", max_amperage=20 if i <= changed else 16, **more)
            for i in range(1, 41)
        ]
    )


def test_a_site_of_forty_connectors_costs_two_reads(stack: Stack, emulator: Emulator) -> None:
    """Unchanged: two reads of 25 and no PUT, however long they take. k changes cost k + 5 (one for permissions).

    A refresh asks for four connectors at once: they share the read.
    """
    emulator.reset(seed(40))
    _forty(stack)
    first = stack.up()

    unchanged = stack.preview("--expect-no-changes")
    emulator.switch(latency_seconds=0.5)
    refreshed = stack.preview("--expect-no-changes", "--refresh")
    emulator.switch(latency_seconds=0)

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
        assert len(result.calls) <= k + 5


def test_the_first_up_of_forty_connectors_costs_a_write_each(stack: Stack, emulator: Emulator) -> None:
    """40 differ: 40 PUTs, four reads of the connectors, and two of the permissions."""

    def story() -> dict[str, Result]:
        emulator.reset(seed(40, {i: [connector(amperage=10)] for i in range(1, 41)}))
        _forty(stack)
        # In two commands: each has a last line.
        return {"preview": stack.preview(), "up": stack.up("--skip-preview")}

    preview, result = tell(stack, story).values()

    assert len(preview.calls.of("GET", "/connectors")) == 2
    # The preview gives the permissions its last 3 s, and says it when a busy machine does not answer in them.
    asked = len(preview.calls.of("GET", "/chargers"))
    assert asked == 2 or preview.lines("plugchoice: permissions: not read"), preview.output
    assert len(preview.calls) == 2 + asked, preview.output
    assert len(result.puts) == 40
    assert len(result.calls) == 42, result.output
    assert set(emulator.values().values()) == {("RST", 16)}


def test_without_a_site_each_charger_is_read_once(stack: Stack, emulator: Emulator) -> None:
    """One GET for each charger, whatever the number of its connectors."""
    emulator.reset(seed(10, {i: [connector(1), connector(2)] for i in range(1, 11)}))
    stack.environment.pop("PLUGCHOICE_SITE")
    stack.declare(
        *[declaration(f"bay-{i}-{n}", i, connector_id=n, max_amperage=16) for i in range(1, 11) for n in (1, 2)]
    )
    stack.must_up()

    result = stack.preview("--expect-no-changes", "--refresh")

    assert result.code == 0
    assert len(result.calls) == 10


def test_every_run_ends_with_what_it_cost(stack: Stack, emulator: Emulator) -> None:
    """Preview, up, refresh, destroy: one line, with reads, writes and what is left."""

    def story() -> dict[str, Result]:
        stack.declare(declaration("bay", 1, phase_rotation="STR", max_amperage=16, on_destroy="restore"))
        emulator.set_token(access={"*": "sensitive"})
        preview = stack.preview()
        emulator.set_token(access={"*": "full"})
        return {
            "preview": preview,
            "up": stack.up("--skip-preview"),
            "refresh": stack.refresh(),
            "destroy": stack.destroy(),
        }

    runs = tell(stack, story)
    preview = runs["preview"]
    expected = {
        "preview": "(2 reads, 0 writes)",
        "up": "(2 reads, 1 write)",
        "refresh": "(1 read, 0 writes)",
        "destroy": "(1 read, 1 write)",
    }
    for name, result in runs.items():
        assert result.code == 0, result.output
        (line,) = result.lines(LINE)
        assert expected[name] in line, name
        assert "left this minute" in line
    assert "the update will need about 3 (2 reads, 1 write)" in preview.output
    assert preview.lines("HRB-001/1: the write will be refused: the token has no full access to this charger")
    assert preview.lines("1 of 1 write will be refused")


def test_a_partial_write_costs_one_more_read_and_repeated_writes_are_counted(stack: Stack, emulator: Emulator) -> None:
    """Preview and update read twice each: the permissions, and the unmanaged value just before the write.

    The line counts the repeats, and the time that was waited for them.
    """
    stack.declare(declaration("bay", 1, max_amperage=20))

    first = stack.up()

    assert [request["method"] for request in first.calls.requests] == ["GET", "GET", "GET", "GET", "PUT"]

    def story() -> dict[str, Result]:
        emulator.edit(charger_uuid(1), max_amperage=20)
        emulator.fault("status", status=500, method="PUT", times=2)
        stack.declare(declaration("bay", 1, max_amperage=25))
        return {"up": stack.must_up()}

    (result,) = tell(stack, story).values()

    (line,) = result.lines(LINE)
    assert "2 retries" in line
    assert "waited" in line
