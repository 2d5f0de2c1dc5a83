"""Sites from files, through the real engine: amps per line in the preview, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.emulator import SITE, charger_uuid, connector, identity, seed
from support.sites import bay, bays, numbered_site, numbered_uuid, site_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from support.emulator import Emulator, Json
    from support.stack import Result, Stack

ROTATED = ("RST", "STR", "TRS")
BALANCE = "pulumi-python:dynamic/plugchoice:PhaseBalance"
PROGRAM = "from pulumi_plugchoice import ChargingSite, SiteFile\nChargingSite('harbour', file='sites/harbour.yaml')\n"


def write(stack: Stack, text: str, name: str = "harbour") -> Path:
    """The site file, and the program that declares the site `harbour`."""
    folder = stack.folder / "sites"
    folder.mkdir(exist_ok=True)
    stack.program(PROGRAM)
    file = folder / f"{name}.yaml"
    file.write_text(text)
    return file


def balance(stack: Stack, name: str = "harbour") -> dict[str, Any]:
    """The stored outputs of a site's `PhaseBalance`."""
    state = json.loads(stack.state_file.read_text())["checkpoint"]["latest"]["resources"]
    found: dict[str, Any] = next(
        item["outputs"] for item in state if item["type"] == BALANCE and item["urn"].endswith(f"::{name}-balance")
    )
    return found


def figures(stack: Stack, name: str = "harbour") -> list[float]:
    """The stored amps per line with one-phase cars."""
    stored = balance(stack, name)
    return [stored[f"single_phase_l{line}"] for line in (1, 2, 3)]


def changes(result: Result, name: str) -> list[str]:
    """Lines of a property's change in `--diff` output."""
    return [line.strip() for line in result.output.splitlines() if line.strip().startswith(f"~ {name}:")]


@pytest.mark.long
def test_a_site_is_declared_rotated_relabelled_and_watched(stack: Stack, emulator: Emulator) -> None:
    """27 points of 16 A, first all RST and then in turn; one more that the file does not name counts as it is.

    The preview shows amps per line before and after, as ordinary property changes.
    """
    emulator.reset(seed(28))
    write(stack, site_yaml(bays(27), fuse=500))
    first = stack.must_up()
    assert first.puts == [], "they are as declared"
    assert figures(stack) == [448, 0, 0]
    assert set(stack.resources()) == {f"harbour-{identity(index)}-1" for index in range(1, 28)}
    assert all("plugchoice:index:ChargingSite$" in item["urn"] for item in stack.resources().values())

    offline = stack.preview("--expect-no-changes", PLUGCHOICE_OFFLINE="1")
    assert offline.code == 0, "the stored figures include the live values of the last run"
    assert len(offline.calls) == 0

    write(stack, site_yaml(bays(27, ROTATED), fuse=500))
    before = balance(stack)
    refused = stack.up("--skip-preview", PLUGCHOICE_OFFLINE="1")
    assert refused.code != 0
    assert refused.lines(f"site {SITE}: not updated, because PLUGCHOICE_OFFLINE is on")
    assert balance(stack) == before, "an offline up stores no figures"

    preview = stack.preview("--diff")
    assert preview.code == 0, preview.output
    assert changes(preview, "single_phase_l1") == ["~ single_phase_l1: 448 => 160"]
    assert changes(preview, "single_phase_l2") == ["~ single_phase_l2: 0 => 144"]
    assert changes(preview, "full_imbalance") == ["~ full_imbalance: 448 => 16"]
    assert changes(preview, "worst_imbalance") == ["~ worst_imbalance: 448 => 160"]
    assert changes(preview, "three_phase_l1") == []
    assert '~ HRB-002/1: "RST 16 A" => "STR 16 A"' in preview.output
    for unchanged in ("HRB-001/1:", "usable_amps:", "main_fuse_amps:"):
        assert unchanged not in preview.output
    assert len(stack.must_up().puts) == 18

    relabelled = [line.replace("label: bay-", "label: place ") for line in reversed(bays(27, ROTATED))]
    write(stack, site_yaml(relabelled, fuse=500).replace("label: Harbour", "label: Port"))
    same = stack.preview("--expect-no-changes")
    assert same.code == 0, same.output
    assert len(same.calls) <= 3, "two pages of the site's list, and its groups"

    emulator.edit(charger_uuid(2), phase_rotation="RST", max_amperage=32)
    plain = stack.preview()
    refreshed = stack.preview("--refresh", "--diff")
    assert plain.lines("amps per line L1/L2/L3: one-phase cars 192/128/144 A live, 160/144/144 A stored")
    assert plain.lines("HRB-002/1: drift")
    assert changes(refreshed, "single_phase_l1")[-1] == "~ single_phase_l1: 192 => 160"
    assert changes(refreshed, "single_phase_l2")[-1] == "~ single_phase_l2: 128 => 144"
    stack.must_up()
    assert emulator.live(2) == ("STR", 16)
    assert stack.preview("--expect-no-changes", "--refresh").code == 0


def test_a_site_whose_limit_or_fuse_is_exceeded_fails_before_any_write(stack: Stack, emulator: Emulator) -> None:
    """When the change makes the site worse: one line with the values, in a preview and in an `up` without preview.

    A live fuse above the declared one would let chargers draw more than the fuse carries; test_drift.py has lower ones.
    """
    emulator.reset(seed(9, {index: [connector(rotation=ROTATED[(index - 1) % 3])] for index in range(1, 10)}))
    write(stack, site_yaml(bays(9), limits="{single_phase_amps: 118}"))

    for result in (stack.preview(), stack.up("--skip-preview")):
        assert result.code != 0
        assert result.puts == []
        (line,) = result.lines("limit single_phase_amps")
        assert (
            "limit single_phase_amps (118 A) exceeded: 144 A on L1 when every connector charges a one-phase car, 48 A "
            "live; this makes the site worse: change the connectors or the limit"
        ) in line
    assert stack.resources() == {}

    write(stack, site_yaml(bays(9, ROTATED), fuse=125))
    stack.must_up()
    emulator.edit_group(801, total_amps=160)
    write(stack, site_yaml(bays(9, ROTATED, amps=10), fuse=125))
    refused = stack.up("--skip-preview")
    assert refused.code != 0
    assert refused.puts == []
    assert len(refused.lines("group main (801): 160 A in Plugchoice, the declared fuse is 125 A; load")) == 1


REFUSED_YAML = {
    "twice": ("label: Harbour", "label: Harbour\nlabel: Port", "label: key is set twice, first in line 2"),
    "tab": ("limits: {}", "limits: {}\n\tx: 1", "tab in the indentation; indent YAML with spaces only"),
    "anchor": ("limits: {}", "limits: &a {}", "limits: anchor (&a) is not supported; write the value out"),
    "other": ("label: Harbour", "label: &a Harbour", "is not a site file, and not valid YAML from here on"),
    "norwegian": ("label: Harbour", "label: NO", "label: NO is ambiguous"),
    "octal": ("main_fuse_amps: 200", "main_fuse_amps: 016", "supply.main_fuse_amps: 016 is ambiguous"),
    "large": ("label: Harbour", "label: " + "x" * (10 << 20), "is larger than 1 MiB"),
    "laughs": (
        "limits: {}",
        "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\nlimits: x",
        "a: anchor (&a) is not supported; write the value out",
    ),
}


def test_all_mistakes_of_all_sites_are_reported_with_their_position(stack: Stack) -> None:
    """Before anything is registered, one line each, together with the mistakes of other resources."""
    good = bays(3)
    text = site_yaml(
        [good[0], good[1].replace("RST", "RTX"), good[2].replace("max_amperage: 16", "max_amperage: 1600")]
    )
    text = text.replace("label: Harbour", "lable: Harbour")
    write(stack, text)
    rtx, amps = (line.index(value) + 1 for line, value in zip(text.splitlines()[7:], ("RTX", "1600"), strict=False))
    declared: Json = {"site": SITE, "supply": {"net_type": "TN", "main_fuse_amps": 100}}
    one: Json = {"identity": "A", "connectors": [{"connector_id": 1, "phase_rotation": "RST"}]}
    for name, (old, new, _) in REFUSED_YAML.items():
        write(stack, site_yaml(bays(1)).replace(old, new), name)
    with_group = {**declared, "chargers": [{**one, "group": "x"}]}
    with_unknown = {**declared, "chargers": [one], "x": 1}
    stack.program(
        PROGRAM
        + "".join(f"ChargingSite('{name}', file='sites/{name}.yaml')\n" for name in REFUSED_YAML)
        + "ChargingSite.for_stack()\n"
        + f"ChargingSite('model', definition=SiteFile.model_validate({with_group}))\n"
        + f"ChargingSite('dict', definition={with_unknown})\n"
        + "ChargerConnector('other', charger='HRB-003', connector_id=0, max_amperage=16)\n"
    )

    result = stack.up("--skip-preview")

    assert result.code != 0
    assert len(result.calls) == 0
    expected = [
        "sites/harbour.yaml:2:1: lable: unknown key; did you mean label?",
        f"sites/harbour.yaml:8:{rtx}: chargers[1].connectors[0].phase_rotation: 'RTX' is not a phase rotation; "
        "did you mean 'RTS'?",
        f"sites/harbour.yaml:9:{amps}: chargers[2].connectors[0].max_amperage: 1600 is out of range; allowed: 1 to "
        "1000 A",
        *[said for _, _, said in REFUSED_YAML.values()],
        "sites/dev.yaml: there is no such file; sites has anchor.yaml, harbour.yaml",
        "ChargingSite model: chargers[0].group: 'x' is not a group of this file; groups: main",
        "ChargingSite dict: x: unknown key",
        "other: connector_id: 0 is out of range; allowed: an OCPP connector number, 1 and up",
    ]
    _, _, found = result.output.rpartition(f"{len(expected)} problems in this program; no connector was written:\n")
    lines = found.partition("\n\n")[0].splitlines()
    assert len(lines) == len(expected), result.output
    for line, said in zip(lines, expected, strict=True):
        assert said in line
    for line, name in zip(lines[3:], REFUSED_YAML, strict=False):
        assert line.strip().startswith(f"sites/{name}.yaml:")
    assert "Traceback" not in result.output
    assert stack.resources() == {}


def test_many_sites_of_one_stack_have_figures_and_warnings_of_their_own(stack: Stack, emulator: Emulator) -> None:
    """Each way to declare a site, and each special case of what is counted and only warned of."""
    never_set = connector(rotation=None, amperage=None)
    given: list[dict[int, list[Json]]] = [
        {index: [connector()] for index in range(1, 10)},
        {index: [never_set] for index in range(11, 20)},
        {21: [connector(1), connector(2, amperage=32)]},
        {31: [connector(1, None, None, power_type="DC"), connector(2, amperage=32)]},
        {index: [connector()] for index in (41, 42, 43)},
        {51: [connector()], 52: [connector()], 53: [connector(rotation="STR", amperage=10)], 54: [never_set]},
        {61: [connector()]},
        {71: [connector()]},
    ]
    emulator.reset({**seed(1), "sites": [numbered_site(number, chargers) for number, chargers in enumerate(given)]})
    unmanaged = f"  - {{identity: {identity(52)}, connectors: [{{connector_id: 1, managed: false}}]}}"
    sockets = bay(21).replace("connectors:", "group: east, breaker_amps: 20, connectors:")
    inputs = "[{connector_id: 1, managed: false}, {connector_id: 2, phase_rotation: RST, max_amperage: 32}]"
    files: dict[str, dict[str, Any]] = {
        "as-wired": {"chargers": [bay(1, "STR"), *bays(8, first=2)], "limits": "{single_phase_amps: 118}"},
        "never-set": {"chargers": bays(9, first=11), "limits": "{single_phase_amps: 117}"},
        "sockets": {"chargers": [sockets], "more": ", {name: east, parent: main, fuse_amps: 25}"},
        "dc": {"chargers": [f"  - {{identity: {identity(31)}, ac_input_amps: 38, connectors: {inputs}}}"]},
        "no-neutral": {"chargers": bays(3, amps=20, first=41), "limits": "{single_phase_amps: 20}"},
        "unmanaged": {"chargers": [bay(51), unmanaged]},
        "dev": {"chargers": bays(1, first=71)},
    }

    def text(name: str) -> str:
        number = [*files].index(name) + (name == "dev")
        return site_yaml(**files[name], site=numbered_uuid(number), group=801 + number).replace(
            "net_type: TN", f"net_type: {'IT' if name == 'no-neutral' else 'TN'}"
        )

    for name in files:
        write(stack, text(name), name)
    definition = {
        "site": numbered_uuid(6),
        "supply": {"net_type": "TN", "main_fuse_amps": 125},
        "chargers": [
            {"uuid": charger_uuid(61).upper(), "connectors": [{"connector_id": 1, "phase_rotation": "STR"}]},
        ],
    }
    stack.program(
        "from pulumi_plugchoice import ChargingSite\n"
        + "".join(f"ChargingSite('{name}', file='sites/{name}.yaml')\n" for name in files if name != "dev")
        + f"ChargingSite('dicts', definition={definition})\nChargingSite.for_stack()\n"
    )

    result = stack.must_up()

    written = sorted(int(path.split("/")[3][-12:]) for path, _ in result.puts)
    assert written == [1, *range(11, 20), 41, 42, 43, 61]
    # A limit that is exceeded and does not get worse: declared as wired, an improvement, and live values never set.
    (line,) = result.lines("limit single_phase_amps (118 A) exceeded: 128 A on L1")
    assert line.endswith("144 A live; allowed, because the change does not make it worse")
    assert all("the change does not make it worse" in line for line in result.lines("single_phase_amps (117 A)"))
    # Sockets that a file leaves out count with their charger, in its group and on its breaker.
    group = {"east": "one-phase 48/0/0 A, three-phase 48/48/48 A of 25 A usable"}
    assert balance(stack, "sockets")["group_amps"] == group
    assert result.lines("fuse of group east: 48 A on L1 when every connector charges a one-phase car, 25 A usable")
    assert result.lines("HRB-021: two sockets, 48 A in total, but the breaker is 20 A")
    # An AC socket of a DC charger counts with its rotation, the DC connector as the AC input of the charger.
    assert figures(stack, "dc") == [70, 38, 38]
    assert balance(stack, "dc")["not_counted"] == []
    # Without a neutral the figures rest on an assumption about cars.
    warned = result.lines("limit single_phase_amps (20 A)")
    assert len(warned) == 2
    assert all("warning only: the supply has no neutral" in line for line in warned)
    # Unmanaged connectors count with live values: those in the file, and those that it does not name.
    assert figures(stack, "unmanaged")[:2] == [32, 10]
    assert balance(stack, "unmanaged")["counted_live"] == {"HRB-052/1": "RST 16 A", "HRB-053/1": "STR 10 A"}
    assert result.lines("not counted in the amps per line: HRB-054/1 (never set in Plugchoice)")
    # Python objects with a UUID; and `for_stack` takes the file of the stack's name.
    assert [body for path, body in result.puts if charger_uuid(61) in path] == [
        {"phase_rotation": "STR", "max_amperage": 16}
    ]
    assert figures(stack, "dicts")[1] == 16
    of_one = {name for name in stack.resources() if name.startswith(("unmanaged", "dicts", "site-"))}
    assert of_one == {"unmanaged-HRB-051-1", f"dicts-{charger_uuid(61)}-1", "site-HRB-071-1"}

    emulator.edit(charger_uuid(53), max_amperage=20)
    plain = stack.preview("--expect-no-changes")
    assert plain.code == 0, "nothing of this stack's has changed"
    assert plain.lines("amps per line L1/L2/L3: one-phase cars 32/20/0 A live, 32/10/0 A stored")
    assert changes(stack.preview("--diff", "--refresh"), "single_phase_l2") == ["~ single_phase_l2: 10 => 20"]
    files["unmanaged"]["chargers"] = [bay(51, "TRS"), unmanaged]
    (stack.folder / "sites" / "unmanaged.yaml").write_text(text("unmanaged"))
    assert changes(stack.preview("--diff"), "single_phase_l2") == ["~ single_phase_l2: 10 => 20"]


def test_on_destroy_comes_from_connector_group_and_site(stack: Stack, emulator: Emulator) -> None:
    """The nearest one applies. A connector that leaves the file is reported when it will be restored."""
    emulator.reset(seed(3))
    east = [bay(2, "STR"), bay(3, "STR", more=", on_destroy: retain")]
    chargers = [bay(1, "STR"), *[line.replace("connectors", "group: east, connectors") for line in east]]
    more = ", {name: east, parent: main, on_destroy: restore}"
    write(stack, site_yaml(chargers, more=more))
    stack.must_up()
    write(stack, site_yaml([chargers[0], chargers[2]], more=more))

    preview = stack.preview()
    destroyed = stack.destroy()

    assert preview.lines("HRB-002/1: not declared any more, so it will be restored"), "its values are not in the file"
    assert destroyed.code == 0
    assert [emulator.live(index)[0] for index in (1, 2, 3)] == ["STR", "RST", "STR"]


def test_other_names_replace_nothing_and_lose_no_original(stack: Stack, emulator: Emulator) -> None:
    """The component was called as the stack; a charger gets a second name; the stack is renamed. Restored at last."""
    emulator.reset(seed(2))
    one, two = (f"connectors: [{{connector_id: 1, phase_rotation: {new}}}]" for new in ("STR", "TRS"))
    by_uuid = f"  - {{uuid: {charger_uuid(2)}, {two}}}"
    restoring = "on_destroy: restore\n"
    write(stack, restoring + site_yaml([f"  - {{identity: {identity(1)}, {one}}}", by_uuid]), "dev")
    stack.program(f"{PROGRAM.splitlines()[0]}\nChargingSite('dev', file='sites/dev.yaml')")
    stack.must_up()
    assert set(stack.resources()) == {"dev-HRB-001-1", f"dev-{charger_uuid(2)}-1"}
    both = [
        f"  - {{identity: {identity(index)}, uuid: {charger_uuid(index)}, {connectors}}}"
        for index, connectors in ((1, one), (2, two))
    ]
    file = write(stack, restoring + site_yaml(both), "dev")
    stack.program(f"{PROGRAM.splitlines()[0]}\nChargingSite.for_stack()")

    result = stack.must_up()

    assert result.puts == []
    assert not {"created", "deleted", "replaced"} & set(result.output.split()), result.output
    assert not result.lines("not declared any more")
    assert set(stack.resources()) == {"site-HRB-001-1", "site-HRB-002-1"}

    assert stack.run("stack", "rename", "quay").code == 0
    stack.name = stack.environment["PULUMI_STACK"] = "quay"
    file.rename(file.with_name("quay.yaml"))
    file.with_name("quay.yaml").write_text(
        restoring + site_yaml([both[0], both[1].replace(f"uuid: {charger_uuid(2)}, ", "")])
    )
    quiet = stack.preview("--expect-no-changes")
    assert quiet.code == 0, quiet.output

    file.with_name("quay.yaml").write_text(restoring + site_yaml([both[0], by_uuid]))
    refused = stack.preview()
    assert refused.code != 0
    (line,) = refused.lines("now declared as")
    assert line.endswith(
        f"property site value {{{SITE}}} has a problem: HRB-002/1: now declared as {charger_uuid(2)}/1, and as another "
        'resource it would lose the original values for on_destroy="restore"; keep identity: HRB-002 as well'
    )

    assert stack.destroy().code == 0
    assert emulator.values() == {(charger_uuid(index), 1): ("RST", 16) for index in (1, 2)}
