"""The examples do what their READMEs say, against the emulator that they are seeded with."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.emulator import TOKEN, charger_uuid

if TYPE_CHECKING:
    from support.emulator import Emulator
    from support.stack import Stack

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"


def commands(page: Path, heading: str) -> list[str]:
    """The lines of the code blocks below a heading that run `pulumi` or `plugchoice`."""
    _, _, section = page.read_text(encoding="utf-8").partition(f"## {heading}\n")
    section = section.partition("\n## ")[0]
    found: list[str] = re.findall(r"^ *((?:pulumi|plugchoice) .*?) *(?:#.*)?$", section, re.MULTILINE)
    return found


def run_lines(stack: Stack, lines: list[str]) -> None:
    """Run lines of a README in the project, in order; each must succeed, and a preview must show no change."""
    for line in lines:
        words = shlex.split(line)
        if words[0] == "plugchoice":
            command = [sys.executable, "-m", "pulumi_plugchoice.cli", *words[1:]]
            subprocess.run(command, cwd=stack.folder, env={**os.environ, **stack.environment}, check=True)
            continue
        more = {"up": ["--yes", "--skip-preview"], "preview": ["--expect-no-changes"]}
        result = stack.run(*words[1:], *more.get(words[1], []))
        assert result.code == 0, f"{line}: {result.output}"


def fresh_project(stack: Stack, example: str) -> Stack:
    """An example in the place of the fixture's project, without a stack."""
    shutil.rmtree(stack.folder)
    shutil.copytree(EXAMPLES / example, stack.folder)
    stack.project = f"plugchoice-{example}"
    stack.environment.pop("PULUMI_STACK")
    return stack


@pytest.fixture
def sites(stack: Stack, emulator: Emulator) -> Stack:
    """examples/site, with its seed."""
    seed = json.loads((EXAMPLES / "site" / "emulator.json").read_text())
    emulator.reset({**seed, "tokens": {TOKEN: {"user": "tester"}}, "switches": {"rate_limit_per_minute": 1_000_000}})
    shutil.copytree(EXAMPLES / "site", stack.folder, dirs_exist_ok=True)
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
    """The third one is the next test's."""
    apply(sites, "depot", 0, [144, 0, 0])
    apply(sites, "fjord", 2, [27.71, 27.71, 27.71])


def test_the_readme_of_the_sites_shows_what_happens(sites: Stack) -> None:
    """Turning one bay is shown in amps, turning another is refused by the owner's limit."""
    apply(sites, "harbour", 4, [88, 97, 63])
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
    assert refused.lines("limit single_phase_amps (118 A) exceeded: 129 A on L2")


def test_the_commands_of_the_quickstart_work(stack: Stack, emulator: Emulator) -> None:
    """They end with six connectors as declared."""
    seed = json.loads((EXAMPLES / "quickstart" / "emulator.json").read_text())
    emulator.reset({**seed, "tokens": {TOKEN: {"user": "tester"}}})
    project = fresh_project(stack, "quickstart")

    run_lines(project, commands(EXAMPLES / "quickstart" / "README.md", "With the local Plugchoice"))

    assert len(project.resources()) == 6


def test_the_commands_of_the_single_connector_work(stack: Stack) -> None:
    """With the UUID of a charger in the place of `UUID`."""
    project = fresh_project(stack, "single-connector")
    lines = commands(EXAMPLES / "single-connector" / "README.md", "With the local Plugchoice")

    run_lines(project, [line.replace("UUID", charger_uuid(1)) for line in lines])

    assert set(project.resources()) == {"bay-1"}


def test_the_commands_of_the_readme_adopt_an_account(stack: Stack, emulator: Emulator) -> None:
    """In an empty folder: `doctor` is content, and neither the previews nor `drift` find anything."""
    shutil.rmtree(stack.folder)
    stack.folder.mkdir()
    for name in ("PLUGCHOICE_SITE", "PULUMI_STACK"):
        stack.environment.pop(name)
    lines = commands(ROOT / "README.md", "Use it on your account")
    assert [line.split()[1] for line in lines] == ["doctor", "adopt", "preview", "drift"]

    run_lines(stack, lines)

    stack.project, stack.name = stack.folder.name, "harbour"
    assert len(stack.resources()) == 3
    assert emulator.puts_seen() == 0
