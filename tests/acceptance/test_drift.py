"""What `plugchoice drift` finds and what a preview sees of it, row by row of the table in docs/reference/cli.md.

tests/contract/test_drift.py has each variant of each row, with an engine double.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
from click.testing import CliRunner
from pulumi_plugchoice.cli.group import plugchoice
from support.drift_table import find_row, read_drift_table
from support.emulator import charger_uuid, connector, identity, seed
from support.sites import bay, numbered_site, numbered_uuid, site_yaml

if TYPE_CHECKING:
    from support.emulator import Emulator, Json
    from support.stack import Result, Stack

# A file for each site. Their chargers are numbered from ten times the number of the site.
FILES: Final = ("harbour", "limit", "fuse", "unmanaged", "twice", "unknown", "invalid", "state")
Findings = dict[str, list[dict[str, Any]]]


class Sight(NamedTuple):
    """Where a row of the table is seen.

    Attributes:
        file: whose report has the finding.
        connector: what the finding is about; None for the site.
        preview: the resource that the preview updates, or what it says; empty when it says nothing.
    """

    file: str
    connector: str | None
    preview: str


# By a text of the row's second column.
PASSES: Final = {
    "connector with `managed: false`": Sight("unmanaged", "HRB-040/1", ""),
    "exceed a limit": Sight("limit", None, "limit single_phase_amps (40 A) exceeded: 46 A on L1"),
    "is smaller, or the net type": Sight("fuse", None, "group main (804): 100 A in Plugchoice, the declared fuse is"),
    "Two files declare one site": Sight("twice", None, ""),
}
CHANGES: Final = {
    "A managed setting": Sight("harbour", "HRB-001/1", "harbour-HRB-001-1"),
    "The charger answers 404": Sight("harbour", "HRB-002/1", "harbour-HRB-002-1"),
    "on another site of the account": Sight("harbour", "HRB-003/1", "harbour-HRB-003-1"),
    "A declared connector cannot be read": Sight("harbour", "HRB-004/1", "harbour-HRB-004-1"),
    "is in none of the files": Sight("unknown", "HRB-069/1", "unknown-balance"),
    "in no file has an invalid value": Sight("invalid", "HRB-079/1", "invalid-balance"),
    "The state is not as": Sight("state", None, "state-HRB-080-1"),
}
STOPS: Final = {
    "Another device": Sight("twice", "HRB-050/1", f"but in Plugchoice HRB-050 has the UUID {charger_uuid(77)}"),
    "The site cannot be read": Sight("fuse", None, "/connectors: answered 403"),
    "The groups of a site": Sight("fuse", None, "/groups: answered 403"),
    "The group is not there": Sight("fuse", None, "group main: the site has no group 804 in Plugchoice"),
    "The site file has mistakes": Sight("fuse", None, "sites/fuse.yaml:2:1: lable: unknown key"),
}


def number_of(file: str) -> int:
    """The number of its site."""
    return FILES.index(file) + 1


def site_of(file: str) -> str:
    """The UUID of its site."""
    return numbered_uuid(number_of(file))


def chargers_of(file: str) -> list[int]:
    """The chargers that it declares."""
    first = 10 * number_of(file)
    return {"harbour": [1, 2, 3, 4], "limit": [first, first + 1]}.get(file, [first])


def account(*, changed: bool = False) -> Json:
    """All sites, and one that no file declares; `changed` has what the rows of `CHANGES` tell about."""
    given = {file: {index: [connector()] for index in chargers_of(file)} for file in FILES}
    quay = numbered_site(90, {99: [connector()]})
    if changed:
        given["harbour"] = {1: [connector(amperage=20)], 3: [connector()], 4: [connector()]}
        given["unknown"][69] = given["invalid"][79] = [connector()]
    sites = [numbered_site(number_of(file), given[file]) for file in FILES]
    if changed:
        quay["chargers"].append(sites[0]["chargers"].pop(1))
    return {**seed(1), "sites": [*sites, quay]}


def write_files(stack: Stack) -> None:
    """A file for each site, and the program that declares all of them."""
    folder = stack.folder / "sites"
    folder.mkdir(exist_ok=True)
    for file in FILES:
        chargers = [bay(index) for index in chargers_of(file)]
        if file in ("harbour", "twice"):
            chargers[-1] = chargers[-1].replace("identity:", f"uuid: {charger_uuid(chargers_of(file)[-1])}, identity:")
        if file in ("limit", "unmanaged"):
            chargers[-1] = re.sub(r"phase_rotation: .* 16", "managed: false", chargers[-1])
        limits = "{single_phase_amps: 40}" if file == "limit" else "{}"
        text = site_yaml(chargers, site=site_of(file), fuse=125, limits=limits, group=801 + number_of(file))
        (folder / f"{file}.yaml").write_text(text)
    stack.program(
        "from pulumi_plugchoice import ChargingSite\n"
        + "".join(f"ChargingSite('{file}', file='sites/{file}.yaml')\n" for file in FILES)
    )


def run_drift(stack: Stack) -> tuple[int, Findings]:
    """`plugchoice drift` in the project's folder: the exit status, and the findings of each file."""
    environment = {name: value for name, value in stack.environment.items() if name.startswith("PLUGCHOICE_")}
    folder = str(stack.folder / "sites")
    result = CliRunner().invoke(plugchoice, ["drift", "--format", "json", folder], env=environment)
    return result.exit_code, {Path(site["file"]).stem: site["findings"] for site in json.loads(result.stdout)["sites"]}


def spoil(text: str, stack: Stack, emulator: Emulator) -> None:
    """All as declared, but for what this row of `STOPS` tells about."""
    write_files(stack)
    emulator.reset(account())
    if text == "Another device":
        changed = account()
        changed["sites"][FILES.index("twice")]["chargers"][0]["uuid"] = charger_uuid(77)
        emulator.reset(changed)
    elif text == "The group is not there":
        emulator.edit_group(804, site=site_of("fuse"), id=900)
    elif text == "The site file has mistakes":
        file = stack.folder / "sites" / "fuse.yaml"
        file.write_text(file.read_text().replace("label:", "lable:", 1))
    else:
        part = "connectors" if text == "The site cannot be read" else "groups"
        emulator.fault("status", path=f"/v3/sites/{site_of('fuse')}/{part}$", status=403, times=None)


def expect(sights: dict[str, Sight], status: int, findings: Findings) -> None:
    """`drift` finds what the rows of these sights say, in these files alone."""
    rows = [(find_row(text), sight) for text, sight in sights.items()]
    expected = {(sight.file, row.kind, sight.connector) for row, sight in rows if row.drift != "not seen"}
    assert status == (1 if any(row.drift == "status 1" for row, _ in rows) else 2)
    found = {(file, one["kind"], one["connector"]) for file, list_ in findings.items() for one in list_}
    assert found == expected


def updates(result: Result) -> set[str]:
    """The resources that a preview would update."""
    return set(re.findall(r"^ *~ +pulumi-python:\S+ (\S+) update", result.output, re.MULTILINE))


@pytest.mark.long
def test_drift_and_a_preview_see_what_the_table_says(stack: Stack, emulator: Emulator) -> None:
    """Rows that pass together, rows that are changes together, and each that stops a preview by itself."""
    texts = [*PASSES, *CHANGES, *STOPS]
    assert sorted(map(find_row, texts)) == sorted(read_drift_table()), "each row has its sight"
    assert {find_row(text).preview for text in PASSES} == {"passes"}
    assert {find_row(text).preview for text in (*CHANGES, *STOPS)} == {"fails"}
    emulator.reset(account())
    write_files(stack)
    stack.must_up()
    assert run_drift(stack) == (0, {file: [] for file in FILES})

    sites = stack.folder / "sites"
    emulator.edit(identity(21), max_amperage=30)
    emulator.edit_group(804, site=site_of("fuse"), total_amps=100, net_type="TT")
    emulator.remove(identity(40))
    copy = sites / "twice-again.yaml"
    shutil.copy(sites / "twice.yaml", copy)
    status, findings = run_drift(stack)
    assert findings.pop("twice-again") != []
    expect(PASSES, status, findings)
    passes = stack.preview("--expect-no-changes")
    assert passes.code == 0, passes.output
    assert [sight.preview for sight in PASSES.values() if not passes.lines(sight.preview)] == []
    assert passes.lines("group main (804): net type is TT in Plugchoice, TN is declared")

    copy.unlink()
    emulator.reset(account(changed=True))
    emulator.edit(identity(79), max_amperage=16.5)
    emulator.switch(foreign_charger_status=403)
    emulator.set_token(access={"*": "full", charger_uuid(4): "none"})
    state = sites / "state.yaml"
    state.write_text(f"on_destroy: restore\n{state.read_text()}")
    expect(CHANGES, *run_drift(stack))
    preview = stack.preview("--expect-no-changes")
    assert preview.code != 0
    expected = {sight.preview for sight in CHANGES.values()} | {"state-balance"}  # which lists what is restored
    assert updates(preview) == expected, preview.output

    for text, sight in STOPS.items():
        spoil(text, stack, emulator)
        expect({text: sight}, *run_drift(stack))
        stopped = stack.preview("--expect-no-changes")
        assert stopped.code != 0, text
        assert sight.preview in stopped.output, stopped.output
        assert updates(stopped) == set()
