"""A site from one file, through the real engine: amps per line in the preview, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.emulator import SITE, charger_uuid, connector, identity, seed

if TYPE_CHECKING:
    from pathlib import Path

    from support.emulator import Emulator
    from support.stack import Result, Stack

ROTATED = ("RST", "STR", "TRS")
BALANCE = "pulumi-python:dynamic/plugchoice:PhaseBalance"
PROGRAM = "from pulumi_plugchoice import ChargingSite\nChargingSite('harbour', file='sites/harbour.yaml')"


def site_yaml(chargers: list[str], *, fuse: int = 200, limits: str = "{}", more: str = "") -> str:
    """A site file with these lines of chargers."""
    return "\n".join(
        [
            f"site: {SITE}",
            "label: Harbour",
            f"supply: {{net_type: TN, main_fuse_amps: {fuse}}}",
            f"limits: {limits}",
            "groups: [{name: main, group_id: 801}]",
            *more.splitlines(),
            "chargers:",
            *chargers,
            "",
        ]
    )


def bay(index: int, rotation: str = "RST", amps: int = 16, *, label: str | None = None, more: str = "") -> str:
    """One charger's line."""
    label = f"bay-{index}" if label is None else label
    settings = f"{{connector_id: 1, phase_rotation: {rotation}, max_amperage: {amps}{more}}}"
    return f"  - {{label: {label}, identity: {identity(index)}, connectors: [{settings}]}}"


def bays(count: int, rotations: tuple[str, ...] = ("RST",), amps: int = 16) -> list[str]:
    """`count` chargers with these rotations in turn."""
    return [bay(index, rotations[(index - 1) % len(rotations)], amps) for index in range(1, count + 1)]


def write(stack: Stack, text: str, name: str = "harbour") -> Path:
    """The site file, and the program that declares it."""
    folder = stack.folder / "sites"
    folder.mkdir(exist_ok=True)
    stack.program(PROGRAM)
    file = folder / f"{name}.yaml"
    file.write_text(text)
    return file


def balance(stack: Stack) -> dict[str, Any]:
    """The stored outputs of the site's `PhaseBalance`."""
    state = json.loads(stack.state_file.read_text())["checkpoint"]["latest"]["resources"]
    found: dict[str, Any] = next(item["outputs"] for item in state if item["type"] == BALANCE)
    return found


def changes(result: Result, name: str) -> list[str]:
    """Lines of a property's change in `--diff` output."""
    return [line.strip() for line in result.output.splitlines() if line.strip().startswith(f"~ {name}:")]


def test_a_preview_shows_amps_per_line_before_and_after(stack: Stack, emulator: Emulator) -> None:
    """Nine points of 16 A, all RST and then rotated: 144/0/0 becomes 48/48/48, as ordinary property changes."""
    emulator.reset(seed(9))
    write(stack, site_yaml(bays(9)))
    first = stack.must_up()
    assert first.puts == [], "they are as declared"
    assert balance(stack)["single_phase_l1"] == 144

    write(stack, site_yaml(bays(9, ROTATED)))
    preview = stack.preview("--diff")

    assert preview.code == 0, preview.output
    assert changes(preview, "single_phase_l1") == ["~ single_phase_l1: 144 => 48"]
    assert changes(preview, "single_phase_l2") == ["~ single_phase_l2: 0 => 48"]
    assert changes(preview, "full_imbalance") == ["~ full_imbalance: 144 => 0"]
    assert changes(preview, "worst_imbalance") == ["~ worst_imbalance: 144 => 48"]
    assert changes(preview, "three_phase_l1") == []
    assert '~ HRB-002/1: "RST 16 A" => "STR 16 A"' in preview.output
    result = stack.must_up()
    assert len(result.puts) == 6
    assert stack.preview("--expect-no-changes").code == 0


def test_an_exceeded_limit_fails_before_any_write(stack: Stack, emulator: Emulator) -> None:
    """When the change makes the site worse: one line with the values, in a preview and in an `up` without preview."""
    emulator.reset(seed(9, {index: [connector(rotation=ROTATED[(index - 1) % 3])] for index in range(1, 10)}))
    write(stack, site_yaml(bays(9), limits="{single_phase_amps: 118}"))

    for result in (stack.preview(), stack.up("--skip-preview")):
        assert result.code != 0
        assert result.puts == []
        lines = result.lines("limit single_phase_amps")
        assert len(lines) == 1, result.output
        assert (
            "limit single_phase_amps (118 A) exceeded: 144 A on L1 when every connector charges a one-phase car, 48 A "
            "live; this makes the site worse: change the connectors or the limit"
        ) in lines[0]
    assert stack.resources() == {}


def test_an_exceeded_limit_that_does_not_get_worse_is_a_warning(stack: Stack, emulator: Emulator) -> None:
    """A site that is wired 144/0/0 can be declared as it is, and an improvement is applied."""
    emulator.reset(seed(9))
    write(stack, site_yaml([bay(1, "STR"), *bays(9)[1:]], limits="{single_phase_amps: 118}"))

    result = stack.must_up()

    assert len(result.puts) == 1
    assert result.lines("limit single_phase_amps (118 A) exceeded: 128 A on L1")[0].endswith(
        "144 A live; allowed, because the change does not make it worse"
    )


def test_live_values_that_were_never_set_make_nothing_worse(stack: Stack, emulator: Emulator) -> None:
    """Without live values a site can be declared as it is wired."""
    emulator.reset(seed(9, {index: [connector(rotation=None, amperage=None)] for index in range(1, 10)}))
    write(stack, site_yaml(bays(9), limits="{single_phase_amps: 118}"))

    result = stack.must_up()

    assert len(result.puts) == 9
    assert any("the change does not make it worse" in line for line in result.lines("limit single_phase_amps"))


def test_a_live_fuse_above_the_declared_one_is_refused(stack: Stack, emulator: Emulator) -> None:
    """Load balancing would let chargers draw more than the fuse carries. A lower live fuse is a warning."""
    write(stack, site_yaml(bays(3), fuse=125))
    stack.must_up()
    emulator.edit_group(801, total_amps=160)
    write(stack, site_yaml(bays(3, amps=20), fuse=125))

    for result in (stack.preview(), stack.up("--skip-preview")):
        assert result.code != 0
        assert result.puts == []
        assert len(result.lines("group main (801): 160 A in Plugchoice, the declared fuse is 125 A; load")) == 1

    emulator.edit_group(801, total_amps=100, net_type="IT")
    noticed = stack.preview()
    assert noticed.code == 0
    assert noticed.lines("group main (801): 100 A in Plugchoice, the declared fuse is 125 A")
    assert noticed.lines("group main (801): net type is IT in Plugchoice, TN is declared")


def test_all_mistakes_of_a_file_are_reported_with_their_position(stack: Stack) -> None:
    """Before anything is registered, and together with the mistakes of other resources."""
    good = bays(3)
    text = site_yaml(
        [good[0], good[1].replace("RST", "RTX"), good[2].replace("max_amperage: 16", "max_amperage: 1600")]
    )
    text = text.replace("label: Harbour", "lable: Harbour")
    write(stack, text)
    rtx, amps = (line.index(value) + 1 for line, value in zip(text.splitlines()[7:], ("RTX", "1600"), strict=False))
    stack.program(PROGRAM + "\nChargerConnector('other', charger='HRB-003', connector_id=0, max_amperage=16)")

    for result in (stack.preview(), stack.up("--skip-preview")):
        assert result.code != 0
        assert len(result.calls) == 0
        found = [line.strip() for line in result.output.splitlines() if "yaml:" in line or "__main__" in line]
        assert found[:3] == [
            "sites/harbour.yaml:2:1: lable: unknown key; did you mean label?",
            f"sites/harbour.yaml:8:{rtx}: chargers[1].connectors[0].phase_rotation: 'RTX' is not a phase rotation; "
            "did you mean 'RTS'?",
            f"sites/harbour.yaml:9:{amps}: chargers[2].connectors[0].max_amperage: 1600 is out of range; allowed: 1 to "
            "1000 A",
        ]
        assert "connector_id: 0 is out of range; allowed: an OCPP connector number, 1 and up" in found[3]
        assert "4 problems in this program; no connector was written" in result.output
        assert "Traceback" not in result.output
    assert "resources" not in json.loads(stack.state_file.read_text())["checkpoint"]["latest"] or not stack.resources()


@pytest.mark.parametrize(
    ("what", "text", "expected"),
    [
        (
            "a duplicate key",
            "label: Harbour",
            "label: Harbour\nlabel: Port|label: key is set twice, first in line 2",
        ),
        ("a tab", "label: Harbour", "label: Harbour\n\tx: 1|tab in the indentation; indent YAML with spaces only"),
        ("an anchor", "label: Harbour", "label: &a Harbour|label: anchor (&a) is not supported; write the value out"),
        ("a Norwegian", "label: Harbour", "label: NO|label: NO is ambiguous"),
        ("an octal", "main_fuse_amps: 200", "main_fuse_amps: 016|supply.main_fuse_amps: 016 is ambiguous"),
        ("a large file", "label: Harbour", "label: " + "x" * (10 << 20) + "|is larger than 1 MiB"),
        (
            "laughs",
            "label: Harbour",
            "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\nlabel: x|a: anchor (&a) is not supported; write the value out",
        ),
    ],
    ids=lambda value: value if len(value) < 20 else "",
)
def test_refused_yaml_is_one_line(stack: Stack, what: str, text: str, expected: str) -> None:
    """Without a traceback or a long wait."""
    new, _, line = expected.partition("|")
    write(stack, site_yaml(bays(1)).replace(text, new))

    result = stack.preview()

    assert result.code != 0
    found = [item for item in result.output.splitlines() if "sites/harbour.yaml:" in item]
    assert len(found) == 1, result.output
    assert line in found[0]
    assert "1 problem in this program" in result.output


def test_a_missing_file_is_one_line(stack: Stack) -> None:
    """With the files that exist."""
    write(stack, site_yaml(bays(1)))
    stack.program("pulumi_plugchoice.ChargingSite.for_stack()")

    result = stack.preview()

    assert result.code != 0
    assert "sites/dev.yaml: there is no such file; sites has harbour.yaml" in result.output
    assert "Traceback" not in result.output


def test_order_and_labels_change_nothing(stack: Stack, emulator: Emulator) -> None:
    """Names and stored values go by charger: a re-ordered file with other labels previews clean, with three calls."""
    emulator.reset(seed(40))
    write(stack, site_yaml(bays(40, ROTATED)))
    stack.must_up()
    assert set(stack.resources()) == {f"harbour-{identity(index)}-1" for index in range(1, 41)}
    assert all("plugchoice:index:ChargingSite$" in item["urn"] for item in stack.resources().values())

    lines = [line.replace("label: bay-", "label: place ") for line in reversed(bays(40, ROTATED))]
    write(stack, site_yaml(lines).replace("label: Harbour", "label: Port"))
    preview = stack.preview("--expect-no-changes")

    assert preview.code == 0, preview.output
    assert len(preview.calls) <= 3


def test_drift_shows_as_amps(stack: Stack, emulator: Emulator) -> None:
    """As one line in a plain preview; with a refresh as a change of the figures."""
    emulator.reset(seed(3))
    write(stack, site_yaml(bays(3, ROTATED)))
    stack.must_up()
    emulator.edit(charger_uuid(2), phase_rotation="RST", max_amperage=32)

    plain = stack.preview()
    refreshed = stack.preview("--refresh", "--diff")

    assert plain.lines("amps per line L1/L2/L3: one-phase cars 48/0/16 A live, 16/16/16 A stored")
    assert plain.lines("HRB-002/1: drift")
    assert "~ single_phase_l1: 48 => 16" in refreshed.output
    assert "~ single_phase_l2: 0 => 16" in refreshed.output
    stack.must_up()
    assert emulator.live(2) == ("STR", 16)
    assert stack.preview("--expect-no-changes", "--refresh").code == 0


def test_unmanaged_connectors_count_with_live_values(stack: Stack, emulator: Emulator) -> None:
    """Those in the file and those that it does not name. One that was never set is reported."""
    more = {3: [connector(rotation="STR", amperage=10)], 4: [connector(rotation=None, amperage=None)]}
    emulator.reset(seed(4, more))
    unmanaged = f"  - {{identity: {identity(2)}, connectors: [{{connector_id: 1, managed: false}}]}}"
    write(stack, site_yaml([bay(1), unmanaged]))

    result = stack.must_up()

    stored = balance(stack)
    assert (stored["single_phase_l1"], stored["single_phase_l2"]) == (32, 10)
    assert stored["counted_live"] == {"HRB-002/1": "RST 16 A", "HRB-003/1": "STR 10 A"}
    assert result.lines("not counted in the amps per line: HRB-004/1 (never set in Plugchoice)")
    assert set(stack.resources()) == {"harbour-HRB-001-1"}
    emulator.edit(charger_uuid(3), max_amperage=20)
    plain = stack.preview("--expect-no-changes")
    assert plain.code == 0, "nothing of this stack's has changed"
    assert plain.lines("amps per line L1/L2/L3: one-phase cars 32/20/0 A live, 32/10/0 A stored")
    assert changes(stack.preview("--diff", "--refresh"), "single_phase_l2") == ["~ single_phase_l2: 10 => 20"]
    write(stack, site_yaml([bay(1, "TRS"), unmanaged]))
    assert changes(stack.preview("--diff"), "single_phase_l2") == ["~ single_phase_l2: 10 => 20"]


def test_on_destroy_and_on_adopt_come_from_connector_group_and_site(stack: Stack, emulator: Emulator) -> None:
    """The nearest one applies."""
    emulator.reset(seed(3))
    text = site_yaml(
        [
            bay(1, "STR"),
            bay(2, "STR").replace("connectors", "group: east, connectors"),
            bay(3, "STR", more=", on_destroy: retain").replace("connectors", "group: east, connectors"),
        ]
    )
    text = text.replace(
        "groups: [{name: main, group_id: 801}]",
        "groups: [{name: main, group_id: 801}, {name: east, parent: main, on_destroy: restore}]",
    )
    write(stack, text)
    stack.must_up()

    assert stack.destroy().code == 0

    assert [emulator.live(index)[0] for index in (1, 2, 3)] == ["STR", "RST", "STR"]


def test_chargers_by_uuid_python_objects_and_a_site_for_each_stack(stack: Stack, emulator: Emulator) -> None:
    """The same definition as dicts, with a UUID; and `for_stack` takes the file of the stack's name."""
    definition = {
        "site": SITE,
        "supply": {"net_type": "TN", "main_fuse_amps": 125},
        "chargers": [
            {"uuid": charger_uuid(1).upper(), "connectors": [{"connector_id": 1, "phase_rotation": "STR"}]},
        ],
    }
    stack.program(f"from pulumi_plugchoice import ChargingSite\nChargingSite('harbour', definition={definition!r})")
    result = stack.must_up()
    assert [body for _, body in result.puts] == [{"phase_rotation": "STR", "max_amperage": 16}]
    assert set(stack.resources()) == {f"harbour-{charger_uuid(1)}-1"}
    assert balance(stack)["single_phase_l2"] == 16

    stack.program(
        f"from pulumi_plugchoice import ChargingSite\nChargingSite('harbour', definition={ {**definition, 'x': 1}!r})"
    )
    wrong = stack.preview()
    assert wrong.code != 0
    assert "ChargingSite harbour: x: unknown key" in wrong.output

    write(stack, site_yaml(bays(1)), "dev")
    stack.program("from pulumi_plugchoice import ChargingSite\nChargingSite.for_stack()")
    assert stack.must_up().code == 0
    assert set(stack.resources()) == {"dev-HRB-001-1"}


def test_offline_the_stored_figures_stay(stack: Stack, emulator: Emulator) -> None:
    """No API call. The stored figures include the live values of the last run."""
    emulator.reset(seed(3))
    write(stack, site_yaml(bays(2)))
    stack.must_up()

    result = stack.preview("--expect-no-changes", PLUGCHOICE_OFFLINE="1")

    assert result.code == 0, result.output
    assert len(result.calls) == 0


def test_an_offline_up_stores_no_figures(stack: Stack, emulator: Emulator) -> None:
    """It fails, like the writes of the connectors."""
    emulator.reset(seed(3))
    write(stack, site_yaml(bays(2)))
    stack.must_up()
    before = balance(stack)
    write(stack, site_yaml(bays(2, ROTATED)))

    result = stack.up("--skip-preview", PLUGCHOICE_OFFLINE="1")

    assert result.code != 0
    assert result.lines(f"site {SITE}: not updated, because PLUGCHOICE_OFFLINE is on")
    assert balance(stack) == before
    preview = stack.preview("--diff")
    assert changes(preview, "single_phase_l1") == ["~ single_phase_l1: 48 => 32"]
    assert changes(preview, "single_phase_l2") == ["~ single_phase_l2: 0 => 16"]


def test_sockets_that_the_file_leaves_out_count_with_their_charger(stack: Stack, emulator: Emulator) -> None:
    """In its group, and on its breaker."""
    emulator.reset(seed(1, {1: [connector(1), connector(2, amperage=32)]}))
    text = site_yaml([bay(1).replace("connectors:", "group: east, breaker_amps: 20, connectors:")])
    groups = "{name: main, group_id: 801}, {name: east, parent: main, fuse_amps: 25}"
    write(stack, text.replace("{name: main, group_id: 801}", groups))

    result = stack.must_up()

    assert balance(stack)["group_amps"] == {"east": "one-phase 48/0/0 A, three-phase 48/48/48 A of 25 A usable"}
    assert result.lines("fuse of group east: 48 A on L1 when every connector charges a one-phase car, 25 A usable")
    assert result.lines("HRB-001: two sockets, 48 A in total, but the breaker is 20 A")


def test_an_ac_socket_of_a_dc_charger_counts(stack: Stack, emulator: Emulator) -> None:
    """With its rotation. The DC connector counts as the AC input of the charger."""
    emulator.reset(seed(1, {1: [connector(1, None, None, power_type="DC"), connector(2, amperage=32)]}))
    connectors = "[{connector_id: 1, managed: false}, {connector_id: 2, phase_rotation: RST, max_amperage: 32}]"
    write(stack, site_yaml([f"  - {{identity: {identity(1)}, ac_input_amps: 38, connectors: {connectors}}}"]))

    stack.must_up()

    stored = balance(stack)
    assert [stored[f"single_phase_l{line}"] for line in (1, 2, 3)] == [70, 38, 38]
    assert stored["not_counted"] == []


def test_a_connector_that_will_be_restored_is_reported(stack: Stack, emulator: Emulator) -> None:
    """Its values after the update are not in the file."""
    emulator.reset(seed(2))
    restore = bay(2, "STR", more=", on_destroy: restore")
    write(stack, site_yaml([bay(1), restore]))
    stack.must_up()
    write(stack, site_yaml([bay(1)]))

    preview = stack.preview()

    assert preview.lines("HRB-002/1: not declared any more, so it will be restored")


def test_without_a_neutral_an_exceeded_limit_is_a_warning(stack: Stack, emulator: Emulator) -> None:
    """The figures rest on an assumption about cars."""
    emulator.reset(seed(3))
    text = site_yaml(bays(3, amps=20), limits="{single_phase_amps: 20}").replace("net_type: TN", "net_type: IT")
    write(stack, text)

    result = stack.must_up()

    assert len(result.puts) == 3
    assert any("warning only: the supply has no neutral" in line for line in result.lines("limit single_phase_amps"))


def test_a_model_built_in_the_program_is_checked(stack: Stack) -> None:
    """Like a file: one line, nothing registered."""
    stack.program(
        """
        from pulumi_plugchoice import ChargingSite, SiteFile
        site = SiteFile.model_validate({
            "site": "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7",
            "supply": {"net_type": "TN", "main_fuse_amps": 100},
            "chargers": [
                {"identity": "A", "group": "x", "connectors": [{"connector_id": 1, "phase_rotation": "RST"}]}
            ],
        })
        ChargingSite("harbour", definition=site)
        """
    )

    result = stack.preview()

    assert result.code != 0
    assert "ChargingSite harbour: chargers[0].group: 'x' is not a group of this file; groups: main" in result.output
    assert "Traceback" not in result.output
