"""Trouble in the middle of a run, two runs at once, and the documented ways out of stuck states."""

from __future__ import annotations

import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from support.emulator import TOKEN, charger_uuid, seed
from support.stack import Stack, declaration, environment_for

if TYPE_CHECKING:
    from pathlib import Path

    from support.emulator import Emulator


def _declare(stack: Stack, amps: int, *indexes: int) -> None:
    stack.declare(*[declaration(f"bay-{i}", i, phase_rotation="RST", max_amperage=amps) for i in indexes])


@pytest.mark.parametrize("kind", ["revoke_token", "lose_permission"])
def test_access_lost_in_the_middle_of_an_update(stack: Stack, emulator: Emulator, kind: str) -> None:
    """What was written is in the state, what was not is not; one line for each; the next `up` ends it."""
    emulator.reset(seed(8))
    _declare(stack, 16, *range(1, 9))
    stack.must_up()
    _declare(stack, 20, *range(1, 9))
    emulator.fault(kind, method="PUT", skip=3)

    result = stack.up("--skip-preview", "--continue-on-error")

    assert result.code != 0
    live = {f"bay-{i}": emulator.live(i)[1] for i in range(1, 9)}
    stored = {name: item["outputs"]["max_amperage"] for name, item in stack.resources().items()}
    assert stored == live
    assert Counter(live.values()) == {16: 5, 20: 3}
    assert len(result.lines("error: plugchoice:")) == 5
    assert TOKEN not in result.output

    emulator.clear_faults()
    emulator.set_token(access={"*": "full"}, revoked=False)
    stack.must_up()
    assert {emulator.live(i) for i in range(1, 9)} == {("RST", 20)}


def test_two_stacks_that_share_a_site_are_updated_at_once(emulator: Emulator, pulumi_cli: str, tmp_path: Path) -> None:
    """Each ends as declared; a connector that both declare is reported as drift by the one that came first."""
    emulator.reset(seed(8))
    stacks = []
    for name, indexes in (("left", range(1, 5)), ("right", range(5, 9))):
        stack = Stack(tmp_path / name, emulator, environment_for(emulator, tmp_path, sys.executable), project=name)
        stacks.append(stack.init())
        _declare(stack, 20, *indexes)

    with ThreadPoolExecutor(2) as pool:
        codes = [result.code for result in pool.map(lambda stack: stack.up("--skip-preview"), stacks)]

    assert codes == [0, 0]
    assert {emulator.live(i) for i in range(1, 9)} == {("RST", 20)}

    _declare(stacks[1], 25, 4, 5, 6, 7, 8)
    stacks[1].must_up()
    preview = stacks[0].preview()

    assert preview.lines("drift") == [
        "plugchoice: HRB-004/1: drift: max_amperage is 25 A live, 20 A stored, 20 A declared"
    ]


def test_charger_that_vanishes_between_preview_and_update(stack: Stack, emulator: Emulator) -> None:
    """The update says so, and writes the others."""
    _declare(stack, 16, 1, 2, 3)
    stack.must_up()
    _declare(stack, 20, 1, 2, 3)
    assert "~ 3 to update" in stack.preview().output
    emulator.remove(charger_uuid(2))

    result = stack.up("--skip-preview", "--continue-on-error")

    assert result.code != 0
    assert (emulator.live(1), emulator.live(3)) == (("RST", 20), ("RST", 20))
    (line,) = result.lines("error: plugchoice:")
    assert "answered 404" in line


def test_way_out_when_a_refreshing_stack_cannot_reach_plugchoice(stack: Stack) -> None:
    """`refresh: always` fails even a destroy that would write nothing; --refresh=false is the way out."""
    project = stack.folder / "Pulumi.yaml"
    project.write_text(project.read_text() + "options:\n  refresh: always\n")
    _declare(stack, 16, 1, 2)
    stack.must_up()
    unreachable = {"PLUGCHOICE_BASE_URL": "http://127.0.0.1:9/api", "PLUGCHOICE_DEADLINE_SECONDS": "1"}

    stuck = stack.destroy(**unreachable)
    out = stack.destroy("--refresh=false", **unreachable)

    assert stuck.code != 0
    assert out.code == 0, out.output
    assert stack.resources() == {}


def test_way_out_for_a_charger_that_is_gone_without_proof(stack: Stack, emulator: Emulator) -> None:
    """The line names `pulumi state delete`, and that works."""
    stack.environment.pop("PLUGCHOICE_SITE")
    _declare(stack, 16, 1)
    stack.must_up()
    emulator.remove(charger_uuid(1))
    assert stack.refresh().lines("pulumi state delete")

    deleted = stack.run("state", "delete", stack.resources()["bay-1"]["urn"], "--yes")

    assert deleted.code == 0
    assert stack.resources() == {}
