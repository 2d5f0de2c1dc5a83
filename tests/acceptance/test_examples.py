"""The examples do what their READMEs say, against the emulator that they are seeded with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.emulator import TOKEN

if TYPE_CHECKING:
    from support.emulator import Emulator
    from support.stack import Stack

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


@pytest.fixture
def sites(stack: Stack, emulator: Emulator) -> Stack:
    """examples/site, with its seed."""
    seed = json.loads((EXAMPLES / "site" / "emulator.json").read_text())
    emulator.reset({**seed, "tokens": {TOKEN: {"user": "tester"}}, "switches": {"rate_limit_per_minute": 1_000_000}})
    shutil.copytree(EXAMPLES / "site", stack.folder, dirs_exist_ok=True)
    stack.project = "plugchoice-sites"
    stack.environment.pop("PLUGCHOICE_SITE")
    return stack


@pytest.mark.parametrize(
    ("name", "writes", "lines"),
    [("harbour", 4, [88, 97, 63]), ("depot", 0, [144, 0, 0]), ("fjord", 2, [27.71, 27.71, 27.71])],
)
def test_each_site_has_its_stack(sites: Stack, name: str, writes: int, lines: list[float]) -> None:
    """Applied, it previews clean."""
    sites.name = name
    assert sites.run("stack", "init", name).code == 0

    result = sites.must_up()

    assert len(result.puts) == writes
    latest = json.loads(sites.state_file.read_text())["checkpoint"]["latest"]["resources"]
    (balance,) = [item["outputs"] for item in latest if item["type"].endswith("PhaseBalance")]
    assert [balance[f"single_phase_l{line}"] for line in (1, 2, 3)] == lines
    assert sites.preview("--expect-no-changes").code == 0


def test_what_the_readme_of_the_sites_shows(sites: Stack) -> None:
    """Turning one bay is shown in amps, turning another is refused by the owner's limit."""
    sites.name = "harbour"
    assert sites.run("stack", "init", "harbour").code == 0
    sites.must_up()
    file = sites.folder / "sites" / "harbour.yaml"
    text = file.read_text()
    once = text.replace(
        "HRB-001, connectors: [{connector_id: 1, phase_rotation: RST}]",
        "HRB-001, connectors: [{connector_id: 1, phase_rotation: STR}]",
    )
    file.write_text(once)
    preview = sites.preview("--diff")
    assert preview.code == 0
    assert "~ single_phase_l1: 88 => 72" in preview.output
    assert "~ single_phase_l2: 97 => 113" in preview.output

    file.write_text(once.replace("{connector_id: 1, phase_rotation: RST}", "{connector_id: 1, phase_rotation: STR}"))
    refused = sites.preview()
    assert refused.code != 0
    assert refused.lines("limit single_phase_amps 118 A: 129 A on L2")
