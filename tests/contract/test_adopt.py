"""`plugchoice adopt` against the emulator: the files that it writes.

The imports are run by tests/acceptance/test_adopt.py.
"""

from __future__ import annotations

import difflib
import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from pulumi_plugchoice.cli.group import plugchoice
from pulumi_plugchoice.sitefile.load import load_site
from support.account import DEPOT_1, DEPOT_2, KOELN, seed
from support.emulator import SITE, TOKEN, charger_uuid, connector
from support.emulator import seed as small_seed

if TYPE_CHECKING:
    from click.testing import Result
    from support.emulator import Emulator

Json = dict[str, Any]
KOELN_FILE = Path("sites/koeln-nord-halle-ue.yaml")


@pytest.fixture(autouse=True)
def folder(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, the account, and the environment of the command."""
    emulator.reset(seed())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLUGCHOICE_BASE_URL", emulator.base_url)
    monkeypatch.setenv("PLUGCHOICE_TOKEN", TOKEN)
    monkeypatch.setenv("PLUGCHOICE_DEADLINE_SECONDS", "5")
    monkeypatch.delenv("PLUGCHOICE_SITE", raising=False)
    return tmp_path


def adopt(*arguments: str, status: int = 0) -> Result:
    """Run the command without imports."""
    result = CliRunner().invoke(plugchoice, ["adopt", "--no-import", *arguments])
    assert result.exit_code == status, result.output
    return result


def snapshot() -> dict[str, tuple[int, bytes]]:
    """Time and content of each file below the current folder."""
    files = [path for path in Path().rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(files)}


def koeln(content: Json) -> Json:
    """The site Köln of a seed."""
    site: Json = content["sites"][0]
    return site


def one(*chargers: Json, **site: Any) -> Json:
    """An account of one small site."""
    content = small_seed(1)
    content["sites"][0] |= {"chargers": list(chargers), **site}
    return content


# New files


def test_an_account_becomes_files_a_program_and_import_files(emulator: Emulator) -> None:
    """Three sites, 60 connectors; names without umlauts and slashes, and part of the UUID where two are equal."""
    with emulator.recording() as calls:
        result = adopt("--all")

    assert [path for path in snapshot() if path.startswith(("sites", "imports"))] == [
        "imports/depot-b0000000.json",
        "imports/depot-c0000000.json",
        "imports/koeln-nord-halle-ue.json",
        "sites/depot-b0000000.yaml",
        "sites/depot-c0000000.yaml",
        "sites/koeln-nord-halle-ue.yaml",
        "sites/site.schema.json",
    ]
    assert Path("__main__.py").read_text().splitlines()[-1] == "ChargingSite.for_stack()"
    assert "imports/" in Path(".gitignore").read_text().splitlines()
    assert "runtime: python" in Path("Pulumi.yaml").read_text()
    assert calls.puts == []
    lines = result.stdout.splitlines()
    assert lines[:6] == [
        "sites/depot-b0000000.yaml: new: 19 chargers, 19 connectors: 19 managed",
        "sites/depot-b0000000.yaml: net type: Plugchoice does not tell it; TN is assumed, check the file",
        "sites/depot-c0000000.yaml: new: 10 chargers, 20 connectors: 20 managed",
        f"{KOELN_FILE}: new: 19 chargers, 21 connectors: 15 managed, 2 DC, 1 not set, 3 partly set",
        f"{KOELN_FILE}: cannot be configured with this token: NORD-07",
        f"{KOELN_FILE}: no connector is known: NORD-99 (never seen)",
    ]
    assert lines[-3:-1] == [
        "3 sites, 60 connectors: 54 managed, 2 DC, 1 not set, 3 partly set",
        "49 chargers: 1 not configurable with this token, 1 without a connector, 1 never seen",
    ]
    assert lines[-1].startswith(f"API calls: {len(calls)} ({len(calls)} reads, 0 writes)")


def test_a_new_file_has_what_plugchoice_has_and_what_is_to_be_decided() -> None:
    """Groups two deep with their fuses; a comment for each connector that is not managed."""
    adopt("--site", KOELN)

    text = KOELN_FILE.read_text()
    assert text.startswith("# yaml-language-server: $schema=site.schema.json\n")
    assert "\non_adopt: match\n" in text
    site = load_site(KOELN_FILE)
    assert (site.site, site.label) == (KOELN, "Köln/Nord, Halle Ü")
    assert (site.supply.net_type, site.supply.main_fuse_amps) == ("TN", 250)
    assert [(g.name, g.group_id, g.parent, g.fuse_amps) for g in site.groups] == [
        ("main", 801, None, None),
        ("group-812", 812, "main", 100),
        ("group-813", 813, "group-812", 63),
    ]
    chargers = {charger.identity: charger for charger in site.chargers}
    assert site.group_of(chargers["NORD-01"]) == "group-812"
    assert site.group_of(chargers["NORD-03"]) == "main"
    assert chargers["NORD-22"].label == "Tor 3: links"
    assert all(charger.uuid for charger in site.chargers)
    managed = {
        (charger.identity, each.connector_id): (each.phase_rotation, each.max_amperage)
        for charger in site.chargers
        for each in charger.connectors
        if each.managed
    }
    assert managed["NORD-40", 1] == ("S", 32)
    assert managed["NORD-50", 2] == ("STR", 32)
    assert [each.dc for each in chargers["NORD-30"].connectors] == [True, True]
    assert not {"NORD-20", "NORD-21", "NORD-22", "NORD-23", "NORD-30"} & {name for name, _ in managed}
    comments = [line.strip() for line in text.splitlines()[2:] if line.strip().startswith("#")]
    decide = "to manage it, set both as wired, and remove managed"
    assert comments == [
        "# not set in Plugchoice: to manage it, set both settings as wired, and remove managed",
        f"# phase_rotation is RST, max_amperage is not set in Plugchoice: {decide}",
        f"# phase_rotation is not set, max_amperage is 32 A in Plugchoice: {decide}",
        f"# phase_rotation is Unknown (not valid), max_amperage is 16 A in Plugchoice: {decide}",
        *["# DC: to count it, set ac_input_amps of the charger (A per line, from its data sheet)"] * 2,
    ]


def test_identities_that_cannot_name_a_charger_become_labels(emulator: Emulator) -> None:
    """One that two chargers have, and one with blanks at its end."""
    chargers = small_seed(4)["sites"][0]["chargers"]
    chargers[2]["identity"] = "HRB-003 "
    emulator.reset(one(*chargers))
    emulator.control("PATCH", f"/chargers/{charger_uuid(2)}", {"identity": "HRB-001"})

    adopt("--all")

    site = load_site("sites/harbour.yaml")
    assert {charger.uuid: (charger.identity, charger.label) for charger in site.chargers} == {
        charger_uuid(1): (None, "HRB-001"),
        charger_uuid(2): (None, "HRB-001"),
        charger_uuid(3): (None, "HRB-003"),
        charger_uuid(4): ("HRB-004", None),
    }


@pytest.mark.parametrize("name", ["a: b # c", "'\"", "- x", "::error::", "#", "ok\u202e", "null", "1e3", "[", "🚗"])
def test_names_of_people_are_text_and_nothing_else(emulator: Emulator, name: str) -> None:
    """Of a site, of a charger."""
    charger = small_seed(1)["sites"][0]["chargers"][0]
    emulator.reset(one({**charger, "reference": name, "identity": name}, name=name))

    result = adopt("--all")

    (file,) = Path("sites").glob("*.yaml")
    site = load_site(file)
    assert site.chargers[0].uuid == charger_uuid(1)
    assert len(site.chargers) == 1
    assert "\u202e" not in file.read_text() + result.output
    assert not any(line.startswith("::") for line in result.output.splitlines())


def test_what_plugchoice_does_not_tell_is_asked_for(emulator: Emulator) -> None:
    """A net type is assumed, and said; a main fuse never is."""
    content = small_seed(1)
    emulator.reset(content)
    emulator.fault("status", path="/groups$", status=200, body={"data": []}, times=None)

    refused = adopt("--all", status=1)

    text = f"Harbour ({SITE}): not adopted: Plugchoice has no main fuse of the site; give it with --main-fuse-amps\n"
    assert refused.stdout.startswith(text)
    assert not Path("sites").exists()
    adopt("--all", "--main-fuse-amps", "80", "--net-type", "IT")
    site = load_site("sites/harbour.yaml")
    assert (site.supply.net_type, site.supply.main_fuse_amps) == ("IT", 80)


@pytest.mark.parametrize("told", ["unknown", "tn", "XY", 3])
def test_a_net_type_that_a_file_cannot_have_is_assumed(emulator: Emulator, told: object) -> None:
    """`unknown` is one that a charger can be set up with, and is no difference afterwards."""
    body = [{"id": 900, "group_id": None, "total_amps": 63, "net_type": told}]
    emulator.fault("status", path="/groups$", status=200, body=body, times=None)

    result = adopt("--site", DEPOT_1, status=1 if told == 3 else 0)

    if told == 3:
        assert "answered with an invalid SiteGroup" in result.stdout
        return
    what = "Plugchoice does not tell it" if told == "unknown" else f"Plugchoice has '{told}'"
    assert f"sites/depot.yaml: net type: {what}; TN is assumed, check the file" in result.stdout.splitlines()
    assert ("fuse: " in adopt("--site", DEPOT_1).stdout) == (told != "unknown")


def test_a_fuse_that_a_file_cannot_have_is_named(emulator: Emulator) -> None:
    """Nothing is written."""
    body = [{"id": 900, "group_id": None, "total_amps": 20_000, "net_type": "TN"}]
    emulator.fault("status", path="/groups$", status=200, body=body, times=None)
    line = adopt("--site", DEPOT_1, status=1).stdout.splitlines()[0]
    assert line.startswith(f"Depot ({DEPOT_1}): not adopted: a site file cannot have what Plugchoice has: sites/depot.")
    assert "supply.main_fuse_amps: 20000 is out of range" in line
    assert snapshot() == {}


@pytest.mark.parametrize("chargers", [[], [{"identity": "N", "connection_status": "never_seen", "status": None}]])
def test_a_site_without_connectors_is_nothing_to_adopt(emulator: Emulator, chargers: list[Json]) -> None:
    """The other sites are adopted, and that is all there is: status 0."""
    content = seed()
    content["sites"][1]["chargers"] = chargers
    emulator.reset(content)

    result = adopt("--all")

    assert (
        f"Depot ({DEPOT_1}): nothing to adopt: no charger of the site has a connector yet; "
        "run this again when one has been online"
    ) in result.stdout.splitlines()
    unseen = 1 + len(chargers)
    counts = f"0 not configurable with this token, {unseen} without a connector, {unseen} never seen"
    assert result.stdout.splitlines()[-2].endswith(counts.replace("0", "1", 1))
    assert len(list(Path("sites").glob("*.yaml"))) == 2


# Run again


def test_a_second_run_writes_no_byte(emulator: Emulator) -> None:
    """With all files there."""
    adopt("--all")
    before = snapshot()

    with emulator.recording() as calls:
        result = adopt("--all")

    assert snapshot() == before
    assert calls.puts == []
    assert [line for line in result.stdout.splitlines() if line.endswith("unchanged")] == [
        "sites/depot-b0000000.yaml: unchanged",
        "sites/depot-c0000000.yaml: unchanged",
        f"{KOELN_FILE}: unchanged",
    ]


def test_new_hardware_arrives_in_its_place_and_nothing_else_changes(emulator: Emulator) -> None:
    """A second connector, a charger in a new group; comments, order and quotes stay."""
    adopt("--all")
    edited = KOELN_FILE.read_text().replace("- identity: NORD-02\n", "- identity: 'NORD-02'  # checked by Ümit\n")
    edited = edited.replace("label: ", "label:   ").replace("phase_rotation: TRS", "phase_rotation:  TRS")
    KOELN_FILE.write_text(edited)
    content = seed()
    site = koeln(content)
    site["chargers"][0]["connectors"].append(connector(2, "TRS", 16))
    site["chargers"].insert(
        3,
        {
            "identity": "NORD-60",
            "uuid": charger_uuid(60),
            "group": 814,
            "connectors": [connector(), connector(2, None, None)],
        },
    )
    site["groups"].append({"id": 814, "total_amps": 40, "group_id": 813})
    emulator.reset(content)

    result = adopt("--all")

    assert f"{KOELN_FILE}: added NORD-01/2, NORD-60/1, NORD-60/2" in result.stdout.splitlines()
    diff = list(difflib.ndiff(edited.splitlines(), KOELN_FILE.read_text().splitlines()))
    removed = [line for line in diff if line.startswith("- ")]
    assert removed == ["-     connectors: [{connector_id: 1, phase_rotation: STR, max_amperage: 16}]"]
    after = load_site(KOELN_FILE)
    assert [each.connector_id for each in after.chargers[0].connectors] == [1, 2]
    new = after.chargers[-1]
    assert (new.identity, after.group_of(new)) == ("NORD-60", "group-814")
    assert [each.managed for each in new.connectors] == [True, False]
    assert next(group for group in after.groups if group.group_id == 814).parent == "group-813"
    before = snapshot()
    adopt("--all")
    assert snapshot() == before


def test_the_counts_are_those_of_the_files(emulator: Emulator) -> None:
    """What somebody has declared as not managed is not counted as managed."""
    adopt("--site", DEPOT_1)
    file = Path("sites/depot.yaml")
    text = file.read_text()
    one = "{connector_id: 1, phase_rotation: STR, max_amperage: 20}"
    file.write_text(text.replace(one, "{connector_id: 1, managed: false}", 1))
    lines = adopt("--site", DEPOT_1).stdout.splitlines()
    assert "1 site, 19 connectors: 18 managed, 1 not managed, 0 DC, 0 not set, 0 partly set" in lines


def test_a_value_that_was_changed_in_the_portal_is_shown_and_never_taken(emulator: Emulator) -> None:
    """And the connector stays out of the import file: `pulumi up` says what it writes."""
    adopt("--site", DEPOT_1)
    file = Path("sites/depot.yaml")
    before = file.read_bytes()
    emulator.edit("5f0c3c1e-0002-4000-8000-000000000002", max_amperage=63)

    result = adopt("--site", DEPOT_1)

    assert f"{file}: drift: DEP-002/1: max_amperage is 63 A live, 20 A declared" in result.stdout.splitlines()
    assert file.read_bytes() == before
    names = {entry["name"] for entry in json.loads(Path("imports/depot.json").read_text())["resources"]}
    assert "site-DEP-002-1" not in names
    assert "site-DEP-003-1" in names


def test_a_file_of_ones_own_gets_what_it_lacks(emulator: Emulator) -> None:
    """One without groups and UUIDs, under another name: a new charger gets a group that the file did not have."""
    content = seed()
    emulator.reset(content)
    Path("sites").mkdir()
    file = Path("sites/mine.yaml")
    own = (
        f"site: {KOELN.upper()}\nsupply: {{net_type: TN, main_fuse_amps: 250}}\nchargers:\n"
        "- {identity: NORD-01, connectors: [{connector_id: 1, phase_rotation: STR, max_amperage: 16}]}\n"
    )
    file.write_text(own)

    result = adopt("--site", KOELN)

    assert not KOELN_FILE.exists()
    assert f"{file}: added NORD-02/1, " in result.stdout
    site = load_site(file)
    assert len(site.chargers) == 19
    assert [group.group_id for group in site.groups] == [801, 812, 813]
    assert site.group_of(site.chargers[1]) == "group-813"
    assert file.read_text().startswith(own.partition("chargers:")[0])


def test_new_hardware_is_told_by_its_uuid(emulator: Emulator) -> None:
    """Another site, and another charger of the site, may have the identity of a charger that is declared."""
    adopt("--all")
    content = seed()
    depot, other = (site["chargers"] for site in content["sites"][1:])
    depot.append({"identity": "X", "uuid": charger_uuid(90), "connectors": [connector()]})
    depot.append({"identity": "Y", "uuid": charger_uuid(91), "connectors": [connector(), connector(2)]})
    other[0]["connectors"].append(connector(3))
    emulator.reset(content)
    emulator.control("PATCH", f"/chargers/{charger_uuid(90)}", {"identity": "T001"})
    emulator.control("PATCH", f"/chargers/{charger_uuid(91)}", {"identity": "DEP-002"})

    result = adopt("--all")

    assert "sites/depot-b0000000.yaml: added DEP-002/1, DEP-002/2, T001/1" in result.stdout.splitlines()
    assert "sites/depot-c0000000.yaml: added T001/3" in result.stdout.splitlines()
    new = load_site("sites/depot-b0000000.yaml").chargers[-2:]
    assert [(charger.identity, charger.label, charger.uuid) for charger in new] == [
        (None, "DEP-002", charger_uuid(91)),
        ("T001", None, charger_uuid(90)),
    ]
    before = snapshot()
    adopt("--all")
    assert snapshot() == before


def test_a_charger_that_moved_is_declared_once(emulator: Emulator) -> None:
    """Both sites say so: the one that it left, and the one where it is."""
    adopt("--all")
    content = seed()
    depot, other = (site["chargers"] for site in content["sites"][1:])
    other.append(depot.pop(1))
    emulator.reset(content)
    before = snapshot()

    lines = adopt("--all").stdout.splitlines()

    name = "sites/depot-c0000000.yaml"
    assert f"{name}: not added: DEP-002/1: another site file declares it; move it to this one" in lines
    assert any(line.startswith("sites/depot-b0000000.yaml: moved: DEP-002/1: ") for line in lines)
    assert {path: one for path, one in snapshot().items() if path.startswith("sites")} == {
        path: one for path, one in before.items() if path.startswith("sites")
    }


def test_chargers_and_sites_stand_in_the_order_in_which_people_count(emulator: Emulator) -> None:
    """Whatever the order of the API."""
    chargers = small_seed(12)["sites"][0]["chargers"]
    for number, charger in enumerate(chargers, 1):
        charger["identity"] = f"P{number}"
    emulator.reset(one(*reversed(chargers)))
    adopt("--all")
    assert [charger.identity for charger in load_site("sites/harbour.yaml").chargers] == [f"P{n}" for n in range(1, 13)]


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ({"status": 403, "body": {"message": "no"}}, "NORD-01, NORD-02, "),
        ({"status": 200, "body": {"groups": [], "allChargers": []}}, "NORD-01, NORD-02, "),
        ({"status": 200, "body": [1]}, "NORD-01, NORD-02, "),
    ],
    ids=["refused", "no charger", "another shape"],
)
def test_a_group_that_is_not_told_is_to_be_set(emulator: Emulator, fault: Json, named: str) -> None:
    """The file says so at each charger, and the output names them; the rest of the site is adopted."""
    emulator.fault("status", path="/power-management$", times=None, **fault)

    result = adopt("--site", KOELN)

    note = next(line for line in result.stdout.splitlines() if "group of " in line)
    assert note.startswith(f"{KOELN_FILE}: group of {named}")
    assert note.endswith("; set group of each in the file")
    site = load_site(KOELN_FILE)
    assert [group.group_id for group in site.groups] == [801, 812, 813]
    text = KOELN_FILE.read_text()
    assert text.count("# its load-balancing group is not known: to count it there, set group") == len(site.chargers)
    assert "in no load-balancing group" not in text


def test_groups_that_no_file_can_declare_are_named(emulator: Emulator) -> None:
    """Two without a parent, and one whose parent is not there."""
    for groups, what in (
        ([{"id": 1}, {"id": 2}], "groups 1, 2 have no parent, and a site file has one root group"),
        ([{"id": 1}, {"id": 2, "group_id": 9}], "group 2 is below group 9, which leads to no root group"),
        (
            [{"id": 1}, {"id": 2, "group_id": 3}, {"id": 3, "group_id": 2}],
            "group 2 is below group 3, which leads to no root group",
        ),
    ):
        emulator.clear_faults()
        body = [{"group_id": None, "total_amps": 63, **group} for group in groups]
        emulator.fault("status", path="/groups$", status=200, body=body, times=None)
        line = adopt("--site", DEPOT_1, status=1).stdout.splitlines()[0]
        repair = "; correct the groups in Plugchoice, and run this again"
        assert line == f"Depot ({DEPOT_1}): not adopted: {what}{repair}"


def test_a_site_of_the_same_name_later_gets_another_file(emulator: Emulator) -> None:
    """The file that exists is not touched."""
    adopt("--site", DEPOT_1)
    before = Path("sites/depot.yaml").read_bytes()
    adopt("--site", DEPOT_2)
    assert Path("sites/depot.yaml").read_bytes() == before
    assert load_site("sites/depot-c0000000.yaml").site == DEPOT_2


# What can be wrong


def test_without_a_site_the_sites_are_listed(emulator: Emulator) -> None:
    """And for one that the account does not have."""
    sites = f"; the token's user sees: {KOELN} (Köln/Nord, Halle Ü), {DEPOT_1} (Depot), {DEPOT_2} (Depot)\n"
    assert adopt(status=1).stderr == f"--site: not set; give the UUID of a site, or --all{sites}"
    assert adopt("--site", SITE, status=1).stderr == f"--site: '{SITE}' is not a site of this account{sites}"
    assert adopt("--all", "--site", SITE, status=1).stderr == "--all and --site: give one of them\n"
    emulator.set_token(access={"*": "none"})
    assert adopt("--all", status=1).stderr == (
        "the token's user sees no site; use a token of a user who has access to one\n"
    )


def test_a_file_that_cannot_be_used_ends_the_command_before_anything_is_written() -> None:
    """Nobody knows which site it declares. Neither may two files declare one site."""
    Path("sites").mkdir()
    Path("sites/broken.yaml").write_text("site: x\nchargers: []\n")
    before = snapshot()
    refused = adopt("--all", status=1).stderr
    assert refused.startswith("sites/broken.yaml:1:1: supply: not set; ")
    assert refused.count("\n") == 1
    assert snapshot() == before
    Path("sites/broken.yaml").unlink()
    adopt("--site", DEPOT_1)
    Path("sites/copy.yaml").write_bytes(Path("sites/depot.yaml").read_bytes())
    before = snapshot()
    assert adopt("--all", status=1).stderr.splitlines() == [
        f"sites/copy.yaml: declares site {DEPOT_1}, as sites/depot.yaml does; keep one of them",
        f"sites/depot.yaml: declares site {DEPOT_1}, as sites/copy.yaml does; keep one of them",
    ]
    assert snapshot() == before


def test_a_site_that_cannot_be_read_leaves_the_others(emulator: Emulator) -> None:
    """One line, status 1."""
    emulator.fault("status", path=f"/sites/{DEPOT_1}/connectors", status=403, body={"message": "no"}, times=None)
    result = adopt("--all", status=1)
    assert f"Depot ({DEPOT_1}): not adopted: " in result.stdout
    assert sorted(path.name for path in Path("sites").glob("*.yaml")) == ["depot-c0000000.yaml", KOELN_FILE.name]


def test_a_connector_that_the_list_lost_is_read_by_itself(emulator: Emulator) -> None:
    """The list of chargers has it too."""
    emulator.switch(page_size=5)
    emulator.fault("page", path="/connectors", lost=[0], times=None)
    result = adopt("--site", DEPOT_1)
    assert "19 chargers, 19 connectors: 19 managed" in result.stdout


def test_rows_that_cannot_be_read_are_named_and_left_out(emulator: Emulator) -> None:
    """They are in no file and in no import file."""
    emulator.edit("5f0c3c1e-0002-4000-8000-000000000003", max_amperage=16.5)
    result = adopt("--site", DEPOT_1)
    assert "sites/depot.yaml: left out: DEP-003/1: the API's answer is invalid (in max_amperage: " in result.stdout
    assert "DEP-003" not in Path("sites/depot.yaml").read_text()


def test_permissions_that_are_not_told_prove_nothing(emulator: Emulator) -> None:
    """Only `full: false` counts; a list of chargers that is refused is said."""
    emulator.fault("status", path="/chargers$", status=403, body={"message": "no"}, times=None)
    result = adopt("--site", KOELN)
    assert "cannot be configured" not in result.stdout
    assert f"{KOELN_FILE}: what the token may configure is not known: " in result.stdout


def test_a_project_that_exists_is_left_alone(emulator: Emulator) -> None:
    """Its program may be anything."""
    Path("Pulumi.yaml").write_text("name: mine\nruntime: python\n")
    adopt("--site", DEPOT_1)
    assert Path("Pulumi.yaml").read_text() == "name: mine\nruntime: python\n"
    assert not Path("__main__.py").exists()


def test_site_files_in_another_folder_are_found_by_the_program() -> None:
    """`-o` names a folder in the project; one outside of it is refused."""
    adopt("--site", DEPOT_1, "--project", "infra", "-o", "infra/locations")
    assert 'ChargingSite.for_stack(folder="locations")' in Path("infra/__main__.py").read_text()
    assert Path("infra/locations/depot.yaml").exists()
    refused = adopt("--site", DEPOT_1, "--project", "infra", "-o", "elsewhere", status=1)
    assert refused.stderr == ("elsewhere: is not in the project infra; name a folder in it, or set --project\n")
    assert not Path("elsewhere").exists()


def test_a_folder_that_cannot_be_made_is_one_line(emulator: Emulator) -> None:
    """And nothing else is written."""
    Path("sites").write_text("mine")
    refused = adopt("--all", status=1)
    assert refused.stderr == "sites: cannot be written: File exists; name another file\n"
    assert sorted(snapshot()) == ["sites"]


def start(*arguments: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """Start the command as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "pulumi_plugchoice.cli", "adopt", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=env,
    )


def list_leftovers() -> list[str]:
    """The files that no run leaves behind."""
    return [path for path in snapshot() if ".plugchoice-" in path]


@pytest.mark.slow
@pytest.mark.parametrize(
    "what", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()], ids=["full disk", "Ctrl-C"]
)
def test_at_no_file_does_the_end_leave_half_of_it(monkeypatch: pytest.MonkeyPatch, what: BaseException) -> None:
    """At the first file, the second, and so on to the last: one line, and not one file."""
    real = os.fsync
    for good in range(20):
        left = [good]

        def fsync(descriptor: int, left: list[int] = left) -> None:
            if not left[0]:
                raise what
            left[0] -= 1
            real(descriptor)

        monkeypatch.setattr(os, "fsync", fsync)
        result = CliRunner().invoke(plugchoice, ["adopt", "--all", "--no-import"])
        if result.exit_code == 0:
            break
        if isinstance(what, OSError):
            assert "cannot be written: No space left on device; free space on the disk" in result.stderr
            assert result.stderr.count("\n") == 1
        assert snapshot() == {}
    assert good == len(snapshot()), "each file was the last one once"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_real_ctrl_c_leaves_whole_files(emulator: Emulator) -> None:
    """While it reads, or while it writes; the next run completes them."""
    emulator.switch(latency_seconds=0.1)
    for seconds in (0.0, 0.6):
        emulator.clear_requests()
        process = start("--all", "--no-import")
        while not emulator.requests():  # Python itself has started by then
            time.sleep(0.02)
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert "Traceback" not in err, err
        assert list_leftovers() == []
        for file in Path("sites").glob("*.yaml"):
            load_site(file)
    emulator.switch(latency_seconds=0)
    adopt("--all")
    assert len(list(Path("sites").glob("*.yaml"))) == 3


def test_without_a_site_that_can_be_adopted_nothing_is_said_about_the_program(emulator: Emulator) -> None:
    """Only what is wrong with the sites, and the counts."""
    emulator.fault("status", path="/connectors$", status=403, body={"message": "no"}, times=None)
    result = CliRunner().invoke(plugchoice, ["adopt", "--all"], env={"PATH": str(fake_cli("exit 1"))})
    assert result.exit_code == 1
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert ["not adopted" in line for line in lines] == [True, True, True, False, False, False]


def fake_cli(script: str) -> Path:
    """A folder with a `pulumi` that runs a script."""
    folder = Path("bin")
    folder.mkdir(exist_ok=True)
    program = folder / "pulumi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return folder.resolve()


_SCRIPT = """echo "$*" >> calls
case "$*" in
"stack export --stack before "*) echo '{"deployment": {"resources": [{"urn": "urn:x::p::t::site", "id": "%s"}]}}';;
"stack export "*) echo "error: no stack named 'x' found" >&2; exit 1;;
"import "*) %s;;
"preview "*) echo '%s'; exit 1;;
esac"""
_FAILED = json.dumps({"diagnostics": [{"severity": "info", "message": "x"}, {"severity": "error", "message": "boom"}]})


def run_with(script: str, *arguments: str) -> Result:
    """Run the command with a CLI that is a script."""
    path = f"{fake_cli(script)}{os.pathsep}{os.environ['PATH']}"
    return CliRunner().invoke(plugchoice, ["adopt", "--site", DEPOT_1, *arguments], env={"PATH": path})


def test_what_stops_all_stacks_is_said_once(emulator: Emulator) -> None:
    """With the names of the others; a stack with a reason of its own has a line of its own."""
    script = """case "$*" in
"stack export "*) echo "error: no stack named 'x' found" >&2; exit 1;;
*depot-b*) echo "error: of its own" >&2; exit 1;;
*) echo "error: stack $3: passphrase must be set" >&2; exit 1;;
esac"""
    path = f"{fake_cli(script)}{os.pathsep}{os.environ['PATH']}"
    result = CliRunner().invoke(plugchoice, ["adopt", "--all"], env={"PATH": path})
    assert result.exit_code == 1
    assert [line for line in result.stderr.splitlines() if "not imported" in line] == [
        "depot-b0000000: not imported: pulumi stack init depot-b0000000: exit status 1: of its own",
        "depot-c0000000: not imported: pulumi stack init depot-c0000000: exit status 1: stack depot-c0000000: "
        "passphrase must be set",
        "koeln-nord-halle-ue: not imported, for the same reason as depot-c0000000",
    ]


@pytest.mark.parametrize(
    ("content", "is_told"), [(None, True), (".venv/\n", True), ("/imports\n", False), ("imports/\n", False)]
)
def test_a_project_of_ones_own_is_told_what_git_need_not_keep(
    emulator: Emulator, content: str | None, is_told: bool
) -> None:
    """Its .gitignore is not changed."""
    Path("Pulumi.yaml").write_text("name: mine\nruntime: python\n")
    if content is not None:
        Path(".gitignore").write_text(content)
    lines = adopt("--site", DEPOT_1, "--no-import").stdout.splitlines()
    told = ".gitignore: add imports/: import files are needed once, and not in git"
    assert (told in lines) is is_told
    assert (Path(".gitignore").read_text() if content is not None else None) == content


def test_a_preview_that_fails_after_an_import_is_told_apart_from_an_import_that_fails(emulator: Emulator) -> None:
    """With the error from the JSON of the preview; and where to look for more."""
    result = run_with(_SCRIPT % ("-", ":", _FAILED))
    assert result.exit_code == 1
    assert "depot: imported 19 connectors; its preview fails: pulumi preview --stack depot: exit status 1: boom" in (
        result.stdout.splitlines()
    )
    assert list(Path("imports").iterdir()) == [Path("imports/depot.json")]
    result = run_with(_SCRIPT % ("-", "echo 'error: unknown flag: --skip-preview' >&2; exit 1", "{}"))
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "depot: not imported: pulumi import --stack depot: exit status 1: unknown flag: --skip-preview",
        "pulumi: has failed; correct what it says, and run this again; `plugchoice doctor` helps",
    ]


def test_a_stack_is_green_only_when_a_preview_has_proven_it(emulator: Emulator) -> None:
    """A run that was stopped before its preview, or had a bad one, leaves the import file; the next run looks again."""
    adopt("--site", DEPOT_1)
    file = Path("imports/depot.json")
    content = json.loads(file.read_text())["resources"]
    state = [{"urn": f"urn:pulumi:depot::p::t::{entry['name']}", "id": entry.get("id", "")} for entry in content]
    script = """case "$*" in
"stack export "*) echo '%s';;
"preview "*) echo previewed >> calls; cat steps;;
*) exit 9;;
esac"""
    script %= json.dumps({"deployment": {"resources": state}})
    step = {"op": "update", "urn": "urn:pulumi:depot::p::t::site-DEP-001-1"}
    Path("steps").write_text(json.dumps({"steps": [step]}))
    result = run_with(script)
    assert result.exit_code == 1
    line = "depot: nothing to import; preview: update site-DEP-001-1; run `pulumi preview --stack depot --diff`"
    assert line in result.stdout.splitlines()
    Path("steps").write_text(json.dumps({"steps": [{**step, "op": "same"}]}))
    result = run_with(script)
    assert result.exit_code == 0
    assert "depot: nothing to import; preview: no changes" in result.stdout.splitlines()
    assert not file.exists()
    result = run_with(script)
    assert result.exit_code == 0
    assert "depot: nothing to import" in result.stdout.splitlines()
    assert Path("calls").read_text().split() == ["previewed", "previewed"]


def test_a_file_that_was_renamed_does_not_get_a_second_stack(emulator: Emulator) -> None:
    """The stack of its old name has the site: nothing is created, and the line says how to go on."""
    adopt("--site", DEPOT_1)
    for name in ("before", "other", "depot"):
        Path(f"Pulumi.{name}.yaml").write_text("config: {}\n")
    result = run_with(_SCRIPT % (DEPOT_1, ":", "{}"))
    assert result.exit_code == 1
    assert result.stderr == (
        "depot: not imported: the stack before has this site; run `pulumi stack rename depot --stack before`, "
        "or name the file before.yaml\n"
    )
    assert "init" not in Path("calls").read_text()


def test_files_go_where_the_program_is(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """`main` names its folder. In a folder below, the command does not make a project within the project."""
    Path("Pulumi.yaml").write_text("name: mine\nruntime: python\nmain: infra/\n")
    Path("infra").mkdir()
    adopt("--site", DEPOT_1)
    assert Path("infra/sites/depot.yaml").exists()
    before = snapshot()
    top = Path.cwd()
    monkeypatch.chdir("infra")
    refused = adopt("--site", DEPOT_1, status=1).stderr
    assert refused == (
        f"{top / 'Pulumi.yaml'}: is the project of this folder; run this in its folder, or name a folder for a project "
        "with --project\n"
    )
    monkeypatch.chdir("..")
    assert snapshot() == before
    adopt("--site", DEPOT_1, "--project", "infra")
    assert Path("infra/Pulumi.yaml").exists()


def test_a_site_file_with_another_ending_is_not_overlooked(emulator: Emulator) -> None:
    """The program reads `.yaml`. Other files may end as they like."""
    adopt("--site", DEPOT_1)
    Path("sites/depot.yaml").rename("sites/depot.yml")
    Path("sites/other.yml").write_text("a: b\n")
    before = snapshot()
    assert adopt("--site", DEPOT_1, status=1).stderr == (
        "sites/depot.yml: the name of a site file ends with .yaml; rename it\n"
    )
    assert snapshot() == before


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_lets_an_import_end(emulator: Emulator) -> None:
    """Interrupted, `pulumi import` can leave the lock of its stack. The stack's program does not get the signal."""
    script = _SCRIPT % ("-", "echo begun >> calls; sleep 1; echo ended >> calls", "{}")
    path = f"{fake_cli(script)}{os.pathsep}{os.environ['PATH']}"
    process = start("--site", DEPOT_1, env={**os.environ, "PATH": path})
    calls = Path("calls")
    deadline = time.monotonic() + 60
    while not (calls.exists() and "begun" in calls.read_text()):
        assert time.monotonic() < deadline, process.poll()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, calls.read_text().splitlines()[-1]) == (130, "ended"), err
    assert "plugchoice: waiting for `pulumi import`, up to 30 s; Ctrl-C again ends it now" in err.splitlines()


def test_without_the_cli_the_command_says_so_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it reads or writes anything."""
    monkeypatch.setenv("PATH", "")
    result = CliRunner().invoke(plugchoice, ["adopt", "--all"])
    assert (result.exit_code, result.stderr) == (
        1,
        "pulumi: not found on PATH; install the Pulumi CLI, or add --no-import and import later\n",
    )
    assert snapshot() == {}
