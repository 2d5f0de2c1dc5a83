"""The examples do what their READMEs say, against the emulator that they are seeded with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.doc_blocks import EXAMPLES
from support.emulator import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.emulator import Emulator
    from support.stack import Stack
    from support.story import Story

ROOT = Path(__file__).parent.parent.parent
SITE = ROOT / "examples" / "site"


@pytest.fixture
def sites(stack: Stack, emulator: Emulator) -> Stack:
    """examples/site, with its seed."""
    seed = json.loads((SITE / "emulator.json").read_text())
    emulator.reset({**seed, "tokens": {TOKEN: {"user": "tester"}}, "switches": {"rate_limit_per_minute": 1_000_000}})
    shutil.copytree(SITE, stack.folder, dirs_exist_ok=True)
    stack.project = "plugchoice-sites"
    stack.environment.pop("PLUGCHOICE_SITE")
    return stack


def apply(sites: Stack, name: str, writes: int, lines: list[float]) -> None:
    """Bring a site up in a stack of its name: the writes, its amps per line, and a clean preview."""
    sites.add(name)

    result = sites.must_up()

    assert len(result.puts) == writes
    latest = json.loads(sites.state_file.read_text())["checkpoint"]["latest"]["resources"]
    (balance,) = [item["outputs"] for item in latest if item["type"].endswith("PhaseBalance")]
    assert [balance[f"single_phase_l{line}"] for line in (1, 2, 3)] == lines
    assert sites.preview("--expect-no-changes").code == 0


def test_each_site_has_its_stack(sites: Stack) -> None:
    """The third one is played by the next test."""
    apply(sites, "depot", 0, [144, 0, 0])
    apply(sites, "fjord", 2, [27.71, 27.71, 27.71])


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda page: page.parent.name)
def test_the_readmes_are_what_happens(story: Story, page: Path, record_property: Callable[[str, object], None]) -> None:
    """Every command that needs no account, in order, each with success; and the outputs that are shown."""
    record_property(f"code blocks of {page.parent.name}", story.play(page))
