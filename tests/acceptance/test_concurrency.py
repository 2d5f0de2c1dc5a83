"""Several runs at once, and a service that changes its mind in mid-run."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from support.emulator import CLIENT_ID, CLIENT_SECRET, TOKEN, charger_uuid, seed
from support.stack import Stack, declaration

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.emulator import Emulator, Json
    from support.stack import Result

NEW_TOKEN = "another-token-that-nobody-may-see"


def _declare(stack: Stack, rotation: str, amps: int, *indexes: int, **more: Any) -> None:
    stack.declare(
        *[declaration(f"bay-{i}", i, phase_rotation=rotation, max_amperage=amps, **more) for i in indexes],
    )


def _requests(emulator: Emulator) -> list[Json]:
    found: list[Json] = emulator.requests()
    return found


def _while_running(
    emulator: Emulator, run: Callable[[], Result], is_time: Callable[[list[Json]], bool], act: Callable[[], object]
) -> Result:
    """Run, and act in the middle of it, once the requests so far tell that it is time."""
    emulator.clear_requests()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        give_up = time.monotonic() + 60
        while not is_time(_requests(emulator)):
            assert not running.done(), running.result().output
            assert time.monotonic() < give_up
            time.sleep(0.02)
        act()
        return running.result()


def _is_writing(requests: list[Json]) -> bool:
    return any(request["method"] == "PUT" for request in requests)


@pytest.fixture
def two_stacks(emulator: Emulator, stack: Stack, tmp_path: Path) -> list[Stack]:
    """Two projects of one user on one machine, over the same site of eight chargers."""
    emulator.reset(seed(8))
    environment = stack.environment
    return [Stack(tmp_path / name, emulator, dict(environment), project=name).init() for name in ("left", "right")]


# Access lost in mid-run.


@pytest.mark.long
@pytest.mark.parametrize("options", [(), ("--continue-on-error",)], ids=["stop", "continue-on-error"])
@pytest.mark.parametrize(("kind", "status"), [("revoke_token", 401), ("lose_permission", 403)])
def test_access_lost_in_the_middle_of_an_up_is_one_line_for_each_connector(
    stack: Stack, emulator: Emulator, kind: str, status: int, options: tuple[str, ...]
) -> None:
    """One line for each failure; a new token ends it, and nothing is written twice. In an update it is the same.

    With --continue-on-error exactly what was written is in the state, with its original. Without, the engine cancels
    the calls in flight at the first failure: their writes are carried out, and their results may be dropped.
    """
    emulator.reset(seed(12))
    indexes = range(1, 13)
    _declare(stack, "STR", 20, *indexes)
    emulator.fault(kind, method="PUT", skip=3)

    result = stack.up("--skip-preview", *options)

    assert result.code != 0
    written = {f"bay-{i}" for i in indexes if emulator.live(i) == ("STR", 20)}
    recorded = set(stack.resources())
    assert 0 < len(written) <= 3
    assert recorded <= written
    errors = result.lines("error: plugchoice:")
    assert len(errors) >= 1
    if options:
        assert recorded == written
        assert len(result.puts) == 12
        assert len(errors) == 12 - len(written)
    assert all(f"answered {status}" in line for line in errors)
    assert len({line.partition("PUT ")[2].partition(":")[0] for line in errors}) == len(errors), "each names another"
    assert TOKEN not in result.output

    emulator.clear_faults()
    emulator.set_token(NEW_TOKEN, access={"*": "full"})
    ended = stack.must_up(PLUGCHOICE_TOKEN=NEW_TOKEN)
    assert len(ended.puts) == 12 - len(written), "what was written is not written again"
    assert {emulator.live(i) for i in indexes} == {("STR", 20)}
    original = {"phase_rotation": "RST", "max_amperage": 16}
    forgotten = {name for name, item in stack.resources().items() if item["outputs"]["adopted"] != original}
    assert forgotten == written - recorded
    if not options:
        return

    _declare(stack, "STR", 25, *indexes)
    emulator.fault(kind, method="PUT", skip=3)
    update = stack.up("--skip-preview", *options, PLUGCHOICE_TOKEN=NEW_TOKEN)
    assert update.code != 0
    live = {f"bay-{i}": emulator.live(i)[1] for i in indexes}
    assert {name: item["outputs"]["max_amperage"] for name, item in stack.resources().items()} == live
    assert Counter(live.values()) == {20: 9, 25: 3}
    assert len(update.lines("error: plugchoice:")) == 9
    assert NEW_TOKEN not in update.output


def test_token_of_a_client_revoked_in_mid_run_is_renewed(stack: Stack, emulator: Emulator) -> None:
    """With client credentials the run fetches one new token and goes on: no failure, no write too many."""
    emulator.reset(seed(8))
    stack.environment.pop("PLUGCHOICE_TOKEN")
    stack.environment |= {"PLUGCHOICE_CLIENT_ID": CLIENT_ID, "PLUGCHOICE_CLIENT_SECRET": CLIENT_SECRET}
    _declare(stack, "STR", 20, *range(1, 9))
    emulator.fault("revoke_token", method="PUT", skip=3)

    result = stack.must_up()

    assert {emulator.live(i) for i in range(1, 9)} == {("STR", 20)}
    assert len(result.calls.of("POST", "/oauth/token")) == 2
    assert sum(put["status"] == 200 for put in result.calls.of("PUT")) == 8


# A charger that vanishes while `pulumi up` is between its preview and its update.


def test_chargers_that_vanish_inside_of_one_up(stack: Stack, emulator: Emulator) -> None:
    """Its error tells, declared anew or not: the others are written. A new one may stop them."""
    emulator.reset(seed(5))
    _declare(stack, "RST", 16, 1, 2, 3, 4)
    stack.must_up()
    kept = [declaration(f"bay-{i}", i, phase_rotation="RST", max_amperage=20) for i in (1, 3)]
    unchanged = declaration("bay-2", 2, phase_rotation="RST", max_amperage=16)
    changed = declaration("bay-4", 4, phase_rotation="RST", max_amperage=20)
    stack.declare(*kept, unchanged, changed)

    def up_without(*gone: int) -> Result:
        def remove() -> None:
            for index in gone:
                emulator.remove(charger_uuid(index))

        # The preview has its one reading; the update, in a process of its own, makes another.
        return _while_running(
            emulator, lambda: stack.up("--continue-on-error"), lambda requests: len(requests) >= 1, remove
        )

    result = up_without(2, 4)

    assert "~ 3 to update" in result.output, "the preview was fine"
    assert result.code != 0
    for index in (2, 4):
        assert result.calls.of("GET", charger_uuid(index))[0]["status"] == 404
    assert len(result.lines("error: plugchoice:")) == 2
    for index in (2, 4):
        (error,) = result.lines(f"error: plugchoice: HRB-00{index}/1: not updated, because it cannot be read: ")
        assert charger_uuid(index) in error
        assert "answered 404" in error
    assert (emulator.live(1), emulator.live(3)) == (("RST", 20), ("RST", 20))

    stack.declare(*kept, declaration("bay-5", 5, phase_rotation="RST", max_amperage=20))
    new = up_without(5)

    assert "+ 1 to create" in new.output, "the preview was fine"
    assert new.code != 0
    assert any(charger_uuid(5) in line and "answered 404" in line for line in new.lines("error: "))

    stack.declare(*kept)
    stack.must_up()
    assert (emulator.live(1), emulator.live(3)) == (("RST", 20), ("RST", 20))
    assert set(stack.resources()) == {"bay-1", "bay-3"}


# Two at once.


@pytest.mark.long
def test_a_connector_declared_in_two_stacks_is_drift_to_each(two_stacks: list[Stack], emulator: Emulator) -> None:
    """Nothing can see it: each `up` wins, and each preview after the other's names its values. No mixture is made.

    What only one of them declares ends as it says, although both are updated at once.
    """
    left, right = two_stacks
    _declare(left, "STR", 20, 1, 2, 3, 4, 5, 6)
    _declare(right, "TRS", 25, 1, 2, 3, 4, 7, 8)

    with ThreadPoolExecutor(2) as pool:
        codes = [result.code for result in pool.map(lambda stack: stack.up("--skip-preview"), two_stacks)]

    assert codes == [0, 0]
    assert {emulator.live(i) for i in range(1, 5)} <= {("STR", 20), ("TRS", 25)}
    assert emulator.live(5) == emulator.live(6) == ("STR", 20)
    assert emulator.live(7) == emulator.live(8) == ("TRS", 25)
    alarms = [len(stack.preview().lines(": drift:")) for stack in two_stacks]
    assert sum(alarms) == 4, "of each connector exactly one of the two reports the other's value"

    left.must_up()
    assert right.preview().lines("HRB-001/1: drift") == [
        "plugchoice: HRB-001/1: drift: phase_rotation is STR live, TRS stored, TRS declared; "
        "max_amperage is 20 A live, 25 A stored, 25 A declared"
    ]
    right.must_up()
    assert left.preview().lines("HRB-001/1: drift") == [
        "plugchoice: HRB-001/1: drift: phase_rotation is TRS live, STR stored, STR declared; "
        "max_amperage is 25 A live, 20 A stored, 20 A declared"
    ]

    # The way out: the stack that shall not have them forgets them, without touching the connectors.
    assert left.run("state", "delete", "--all", "--yes").code == 0
    assert left.resources() == {}
    assert {emulator.live(i) for i in range(1, 5)} == {("TRS", 25)}
    assert right.preview("--expect-no-changes").code == 0


def test_two_stacks_that_manage_one_setting_each_do_not_fight(two_stacks: list[Stack], emulator: Emulator) -> None:
    """One has the rotation, the other the amperage of the same connectors: neither sees the other's as drift."""
    left, right = two_stacks
    left.declare(*[declaration(f"bay-{i}", i, phase_rotation="STR") for i in range(1, 5)])
    right.declare(*[declaration(f"bay-{i}", i, max_amperage=25) for i in range(1, 5)])

    left.must_up()
    right.must_up()

    assert {emulator.live(i) for i in range(1, 5)} == {("STR", 25)}
    assert left.preview("--expect-no-changes").code == 0
    assert right.preview("--expect-no-changes").code == 0


def test_an_edit_of_the_other_setting_in_the_moment_of_a_write_is_lost(stack: Stack, emulator: Emulator) -> None:
    """A write sends both settings, and the API has no conditional write: what is edited after the read is overwritten.

    By another stack, or in the portal. The stack that manages the setting sees it as drift; nobody else does.
    """
    stack.declare(declaration("bay", 1, phase_rotation="STR"))
    emulator.fault("slow", method="PUT", delay_seconds=1)

    result = _while_running(
        emulator,
        lambda: stack.up("--skip-preview"),
        _is_writing,
        lambda: emulator.edit(charger_uuid(1), max_amperage=25),
    )

    assert result.code == 0, result.output
    assert [body for _, body in result.puts] == [{"phase_rotation": "STR", "max_amperage": 16}]
    assert emulator.live(1) == ("STR", 16)


def test_a_second_up_of_the_same_stack_is_refused(stack: Stack, emulator: Emulator) -> None:
    """The engine's lock: the second one writes nothing and leaves the first one's lock alone."""
    stack.program(
        f"""
        import pathlib, time

        def hold(_):
            while not pathlib.Path("refused").exists():
                time.sleep(0.05)

        for number, charger in enumerate({[charger_uuid(i) for i in (1, 2, 3)]}):
            bay = ChargerConnector(f"bay-{{number}}", charger=charger, connector_id=1, phase_rotation="STR",
                max_amperage=20)
        bay.id.apply(hold)
        """
    )
    other = Stack(stack.folder, emulator, {**stack.environment, "PLUGCHOICE_TOKEN": NEW_TOKEN})
    refused: list[Result] = []

    def refuse() -> None:
        refused.append(other.up("--skip-preview"))
        (stack.folder / "refused").touch()

    first = _while_running(emulator, lambda: stack.up("--skip-preview"), _is_writing, refuse)

    assert first.code == 0, first.output
    assert refused[0].code != 0
    assert "the stack is currently locked" in refused[0].output
    assert {emulator.live(i) for i in (1, 2, 3)} == {("STR", 20)}


# A way out.


def test_a_stack_can_let_go_of_a_connector_that_cannot_be_restored(stack: Stack, emulator: Emulator) -> None:
    """The destroy fails and keeps the resource, every time; `pulumi state delete` lets the stack go without it."""
    _declare(stack, "STR", 20, 1, 2, on_destroy="restore")
    stack.must_up()
    emulator.fault("status", status=403, path=charger_uuid(2), times=None)

    stuck = stack.destroy("--continue-on-error")

    assert stuck.code != 0
    assert set(stack.resources()) == {"bay-2"}
    assert emulator.live(1) == ("RST", 16)
    assert any("answered 403" in line for line in stuck.lines("error: plugchoice:"))
    assert stack.run("state", "delete", stack.resources()["bay-2"]["urn"], "--yes").code == 0
    assert stack.destroy().code == 0
    assert stack.resources() == {}
    assert emulator.live(2) == ("STR", 20), "it keeps what it has"
