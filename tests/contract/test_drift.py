"""`plugchoice drift`: site files compared with the emulator, and the same seen by a preview.

The command runs over HTTP; the engine of the previews is `support.engine_double`.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import pytest
import yaml
from click.testing import CliRunner
from pulumi_plugchoice.api.rows import parse_site_rows
from pulumi_plugchoice.cli import progress
from pulumi_plugchoice.cli.group import plugchoice
from pulumi_plugchoice.errors import NoConnection
from pulumi_plugchoice.fleet.absorb import absorb_drift
from pulumi_plugchoice.fleet.drift import KINDS, Finding, SiteReport, find_drift
from pulumi_plugchoice.fleet.files import Declaration, load_declarations
from pulumi_plugchoice.fleet.report import SCHEMA_FILE
from pulumi_plugchoice.fleet.workers import run_each
from pulumi_plugchoice.sitefile.definition import make_definition
from pulumi_plugchoice.sitefile.load import build_site
from support import schemas
from support.drift_table import read_drift_table
from support.emulator import SITE, TOKEN, charger_uuid, connector, identity, seed
from support.engine_double import Engine
from support.loaded import list_loaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result
    from pulumi_plugchoice.api.rows import SiteListing
    from support.emulator import Emulator

QUAY: Final = "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c8"
LIST: Final = f"/v3/sites/{SITE}/connectors$"
Json = dict[str, Any]


@pytest.fixture(autouse=True)
def project(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an empty folder `sites`, and the environment of the command."""
    (tmp_path / "sites").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLUGCHOICE_BASE_URL", emulator.base_url)
    monkeypatch.setenv("PLUGCHOICE_TOKEN", TOKEN)
    monkeypatch.setenv("PLUGCHOICE_DEADLINE_SECONDS", "5")
    # The request limit counts the calls of the last minute: not those of other tests.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def account(*, moved: bool = False, **sites: list[Json]) -> Json:
    """Two sites: `Harbour` with three chargers, and `Quay` with one; a charger may have moved to `Quay`."""
    content = seed(3)
    harbour = content["sites"][0]
    quay: Json = {"uuid": QUAY, "name": "Quay", "chargers": sites.get("quay", seed(9)["sites"][0]["chargers"][8:])}
    if moved:
        quay["chargers"].append(harbour["chargers"].pop(1))
    content["sites"].append(quay)
    return content


def bay(index: int, *, by: str = "identity", number: int = 1, **more: Any) -> Json:
    """A charger of a site file, as the emulator has it."""
    names = {"identity": identity(index), "uuid": charger_uuid(index)}
    settings = more or {"phase_rotation": "RST", "max_amperage": 16}
    return {
        **{name: value for name, value in names.items() if name in by},
        "connectors": [{"connector_id": number, **settings}],
    }


def content(*chargers: Json, site: str = SITE, **more: Any) -> Json:
    """A site file as Python objects; a one-phase car on each of the three chargers makes 48 A."""
    return {
        "site": site,
        "supply": {"net_type": "TN", "main_fuse_amps": 125},
        "limits": {"single_phase_amps": 60},
        "groups": [{"name": "main", "group_id": 801}],
        "chargers": [*(chargers or (bay(1), bay(2), bay(3)))],
        **more,
    }


def write(name: str = "harbour", *chargers: Json, **more: Any) -> Path:
    """Write a site file."""
    file = Path("sites") / f"{name}.yaml"
    file.write_text(yaml.safe_dump(content(*chargers, **more), sort_keys=False), encoding="utf-8")
    return file


def run(*arguments: str) -> Result:
    """Run `plugchoice drift`."""
    return CliRunner().invoke(plugchoice, ["drift", *arguments], catch_exceptions=False)


def report(*arguments: str) -> tuple[int, Json]:
    """The exit status and the JSON, which is valid against the schema."""
    result = run("--format", "json", *arguments)
    document: Json = json.loads(result.stdout)
    schemas.validate(document, SCHEMA_FILE)
    return result.exit_code, document


def findings(document: Json) -> list[Json]:
    """The findings of all sites."""
    return [finding for site in document["sites"] for finding in site["findings"]]


def program(definition: Json) -> dict[str, Json]:
    """The same site file as a `ChargingSite`, as the engine gets it."""
    site = build_site(definition, "here")
    resources: dict[str, Json] = {"balance": make_definition(site)}
    for charger in site.chargers:
        for one in charger.connectors:
            if one.managed:
                settings = {"phase_rotation": one.phase_rotation, "max_amperage": site.amps_of(charger, one)}
                name = charger.uuid.lower() if charger.uuid else charger.key
                resources[f"{charger.key}-{one.connector_id}"] = {
                    "charger": name, "connector_id": one.connector_id, "site": SITE, **settings,
                }  # fmt: skip
    return resources


RED: Final = "fails"
GREEN: Final = "passes"


class Case(NamedTuple):
    """What happens to the site, and who sees it.

    Attributes:
        spoil: what happens.
        expected: kind, connector, setting, declared and live value of each finding.
        said: part of the first message.
        preview: whether `pulumi preview --expect-no-changes` fails or passes.
        site: the site file.
        status: exit status.
    """

    spoil: Callable[[Emulator], object]
    expected: list[tuple[str, str | None, str | None, Any, Any]]
    said: str
    preview: str
    site: Json = content()
    status: int = 2


def hide(emulator: Emulator, status: int) -> None:
    """Take the access to HRB-002 from the token, which the list of the site then does not show either."""
    emulator.switch(foreign_charger_status=status)
    emulator.set_token(access={"*": "full", charger_uuid(2): "none"})


def replace_device(emulator: Emulator) -> None:
    """Another device reports with the identity HRB-002."""
    changed = account()
    changed["sites"][0]["chargers"][1]["uuid"] = charger_uuid(77)
    emulator.reset(changed)


def add_invalid(emulator: Emulator) -> None:
    """A fourth charger, with a value that is none."""
    emulator.reset(seed(4))
    emulator.edit(identity(4), max_amperage=16.5)


BY_UUID: Final = content(bay(1, by="uuid"), bay(2, by="uuid"), bay(3, by="uuid"))
BOTH: Final = content(bay(1), bay(2, by="identity uuid"), bay(3))
UNMANAGED: Final = content(bay(1), bay(2), bay(3, managed=False))
U2: Final = f"{charger_uuid(2)}/1"

CASES: Final[dict[str, Case]] = {
    "drift of the current": Case(
        lambda emulator: emulator.edit(identity(1), max_amperage=20),
        [("drift", "HRB-001/1", "max_amperage", 16, 20)],
        "HRB-001/1: max_amperage is 20 A live, 16 A declared", RED,
    ),
    "drift of the rotation": Case(
        lambda emulator: emulator.edit(identity(1), phase_rotation="STR"),
        [("drift", "HRB-001/1", "phase_rotation", "RST", "STR")],
        "HRB-001/1: phase_rotation is STR live, RST declared", RED,
    ),
    "drift to a value that was never set": Case(
        lambda emulator: emulator.edit(identity(1), max_amperage=None),
        [("drift", "HRB-001/1", "max_amperage", 16, None)],
        "HRB-001/1: max_amperage is not set live, 16 A declared", RED,
    ),
    "missing charger": Case(
        lambda emulator: emulator.remove(identity(2)), [("missing", "HRB-002/1", None, None, None)],
        "HRB-002/1: no charger of the account's sites has this identity", RED,
    ),
    "missing charger, by UUID": Case(
        lambda emulator: emulator.remove(identity(2)), [("missing", U2, None, None, None)],
        "is gone: it answers 404, and its site is there", RED, BY_UUID,
    ),
    "missing number": Case(
        lambda emulator: emulator.control("DELETE", f"/chargers/{charger_uuid(2)}/connectors/1"),
        [("missing", U2, None, None, None)],
        "has no connector 1; it has not reported any connector yet", RED, BY_UUID,
    ),
    "missing, unmanaged": Case(
        lambda emulator: emulator.remove(identity(3)), [("missing", "HRB-003/1", None, None, None)],
        "HRB-003/1: no charger", GREEN, UNMANAGED,
    ),
    "moved": Case(
        lambda emulator: emulator.reset(account(moved=True)), [("moved", "HRB-002/1", "site", SITE, QUAY)],
        f"HRB-002/1: the charger is on site {QUAY} (Quay) now; ", RED,
    ),
    "moved, by UUID": Case(
        lambda emulator: emulator.reset(account(moved=True)), [("moved", U2, "site", SITE, QUAY)],
        f"the charger is on site {QUAY} (Quay) now; ", RED, BY_UUID,
    ),
    "moved to no site": Case(
        lambda emulator: emulator.control("DELETE", f"/sites/{SITE}/chargers/{charger_uuid(2)}"),
        [("moved", U2, "site", SITE, None)],
        "the charger answers, but the site does not list it, and neither does another one", RED, BY_UUID,
    ),
    "replaced": Case(
        replace_device, [("replaced", "HRB-002/1", "uuid", charger_uuid(2), charger_uuid(77))],
        "HRB-002/1: another device has the identity HRB-002 now", RED, BOTH,
    ),
    "another identity": Case(
        lambda emulator: emulator.control("PATCH", f"/chargers/{charger_uuid(2)}", {"identity": "HRB-020"}),
        [("replaced", "HRB-002/1", "identity", "HRB-002", "HRB-020")],
        "has the identity HRB-020 now", RED, BOTH,
    ),
    "unknown": Case(
        lambda emulator: emulator.reset(seed(4, {4: [connector(1, "TRS", 10)]})),
        [("unknown", "HRB-004/1", None, None, {"phase_rotation": "TRS", "max_amperage": 10})],
        "HRB-004/1: on the site, but in no file: TRS 10 A", RED,
    ),
    "limit": Case(
        lambda emulator: emulator.edit(identity(3), max_amperage=40),
        [("limit", None, "single_phase_amps", 60, 72)],
        "limit single_phase_amps (60 A) exceeded: 72 A on L1 when every connector", GREEN, UNMANAGED,
    ),
    "larger fuse": Case(
        lambda emulator: emulator.edit_group(801, total_amps=160), [("fuse", None, "main_fuse_amps", 125, 160)],
        "group main (801): 160 A in Plugchoice, the declared fuse is 125 A", RED,
    ),
    "smaller fuse": Case(
        lambda emulator: emulator.edit_group(801, total_amps=100), [("fuse", None, "main_fuse_amps", 125, 100)],
        "group main (801): 100 A in Plugchoice", GREEN,
    ),
    "net type": Case(
        lambda emulator: emulator.edit_group(801, net_type="TT"), [("fuse", None, "net_type", "TN", "TT")],
        "group main (801): net type is TT in Plugchoice, TN is declared", GREEN,
    ),
    "no such group": Case(
        lambda emulator: emulator.edit_group(801, id=802), [("fuse", None, "group_id", 801, None)],
        "the site has no group 801 in Plugchoice; its groups: 802", RED,
    ),
    "forbidden": Case(
        lambda emulator: hide(emulator, 403), [("unreadable", U2, None, None, None)],
        "answered 403", RED, BY_UUID, 1,
    ),
    "invalid value": Case(
        lambda emulator: emulator.edit(identity(2), max_amperage=16.5), [("unreadable", "HRB-002/1", None, None, None)],
        "HRB-002/1: the API's answer about this connector is invalid (in max_amperage: ", RED, content(), 1,
    ),
    "invalid value of an unknown connector": Case(
        add_invalid,
        [("unreadable", "HRB-004/1", None, None, None)],
        "HRB-004/1: the API's answer about this connector is invalid (in max_amperage: ", RED, content(), 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
def test_every_kind_of_finding_and_what_a_preview_sees_of_it(emulator: Emulator, what: str) -> None:
    """The table in docs/reference/cli.md."""
    case = CASES[what]
    emulator.reset(account())
    Path("sites/harbour.yaml").write_text(json.dumps(case.site))
    engine = Engine({**os.environ, "PLUGCHOICE_SITE": SITE})
    resources = program(case.site)
    assert engine.up(resources).went_well
    assert engine.preview(resources).changes == {}
    assert report()[0] == 0

    case.spoil(emulator)

    status, document = report()
    fields = ("kind", "connector", "setting", "declared", "live")
    assert [tuple(finding[name] for name in fields) for finding in findings(document)] == case.expected
    assert case.said in findings(document)[0]["message"]
    assert status == case.status
    assert document["sites"][0]["status"] == {1: "unreadable", 2: "findings"}[status]
    preview = engine.preview(resources)
    assert (RED if preview.errors or preview.changes else GREEN) == case.preview
    assert not [call for call in emulator.requests() if call["method"] != "GET"]


def test_the_table_of_the_docs_has_a_row_for_each_case() -> None:
    """And every kind has a case. tests/acceptance/test_drift.py plays each row with the real engine."""
    table = read_drift_table()
    assert [row for row in table if row.status != {"unreadable": 1, "none": 0}.get(row.kind, 2)] == []
    rows = {(row.kind, row.status, row.preview) for row in table}
    cases = {(case.expected[0][0], case.status, case.preview) for case in CASES.values()}
    assert cases - rows == set()
    assert {kind for kind, *_ in cases} == set(KINDS)


def test_a_clean_site_of_forty_takes_three_calls(emulator: Emulator) -> None:
    """Two pages and the groups."""
    emulator.reset(seed(40))
    write("harbour", *map(bay, range(1, 41)), limits={}, supply={"net_type": "TN", "main_fuse_amps": 125}, label="Dock")
    with emulator.recording() as calls:
        status, document = report()
    assert status == 0
    assert len(calls) == document["calls"] == 3
    lines = {"single_phase": {"L1": 640, "L2": 0, "L3": 0}, "three_phase": {"L1": 640, "L2": 640, "L3": 640}}
    assert document["sites"] == [
        {
            "file": "sites/harbour.yaml",
            "site": SITE,
            "label": "Dock",
            "status": "clean",
            "findings": [],
            "amps": {"declared": lines, "live": lines},
        }
    ]
    assert run().output.startswith("sites/harbour.yaml: clean, 40 connectors (Dock)\n1 site: 1 clean; API calls: 3 ")


def test_five_sites_of_forty_take_three_calls_each(emulator: Emulator) -> None:
    """Read at the same time, within a limit of 500 a minute (`make drift` does it with fifty)."""
    content = seed(0)
    content["switches"]["rate_limit_per_minute"] = 500
    for number in range(1, 6):
        uuid = f"0b6c1d2e-3f40-4a51-8b62-{number:012d}"
        names = [f"S{number}-{place:03d}" for place in range(40)]
        chargers = [{"identity": name, "connectors": [connector()]} for name in names]
        content["sites"].append({"uuid": uuid, "name": f"Site {number}", "chargers": chargers})
        supply = {"net_type": "TN", "main_fuse_amps": 63}
        declared = [bay(1) | {"identity": name} for name in names]
        write(f"site-{number}", *declared, site=uuid, limits={}, groups=[], supply=supply)
    emulator.reset(content)
    with emulator.recording() as calls:
        status, document = report()
    assert status == 0
    assert len(calls) == document["calls"] == 15
    assert {call["status"] for call in calls.requests} == {200}


def test_the_groups_are_read_beside_the_list(emulator: Emulator) -> None:
    """One site takes two round trips, not three."""
    emulator.reset(seed(40))
    write("harbour", *map(bay, range(1, 41)), limits={})
    emulator.fault("slow", path=LIST, delay_seconds=2, times=1)
    with emulator.recording() as calls:
        assert report()[0] == 0
    assert len(calls) == 3
    assert calls.requests[-1]["query"] == "page=2"


def test_a_lost_row_is_no_finding(emulator: Emulator) -> None:
    """A connector that the list has lost is read by itself; one that comes twice makes the list be read again."""
    emulator.reset(seed(40))
    write("harbour", *(bay(index, by="uuid") for index in range(1, 41)), limits={})
    emulator.fault("page", path=LIST, page=2, lost=[30])
    assert report()[0] == 0
    emulator.fault("page", path=LIST, page=2, doubled=[30])
    assert report()[0] == 0


def test_a_list_that_has_lost_one_row_is_read_again_for_others(emulator: Emulator) -> None:
    """An unknown connector may be lost together with a declared one."""
    emulator.reset(seed(40))
    write("harbour", *map(bay, range(1, 40)), limits={})
    emulator.fault("page", path=LIST, page=2, lost=[38, 39])
    assert [finding["connector"] for finding in findings(report()[1])] == ["HRB-040/1"]


def test_sites_are_reported_in_the_order_of_their_files(emulator: Emulator) -> None:
    """Those of `sites/`, or those that are named; the same file counts once."""
    emulator.reset(account())
    write("quay", bay(9), site=QUAY, groups=[], supply={"net_type": "TN", "main_fuse_amps": 63})
    write("harbour")
    Path("link.yaml").symlink_to("sites/quay.yaml")
    emulator.edit(identity(9), max_amperage=10)

    status, document = report()
    assert status == 2
    assert [(site["file"], site["status"]) for site in document["sites"]] == [
        ("sites/harbour.yaml", "clean"),
        ("sites/quay.yaml", "findings"),
    ]
    assert [site["file"] for site in report("sites/quay.yaml", "sites", "link.yaml")[1]["sites"]] == [
        "sites/quay.yaml",
        "sites/harbour.yaml",
    ]
    assert run("sites/harbour.yaml").exit_code == 0


def test_a_charger_that_another_file_declares_is_not_unknown(emulator: Emulator) -> None:
    """It has moved, which is one finding, and the other file's label names its site. No other site is read."""
    emulator.reset(account(moved=True))
    write("quay", bay(9), site=QUAY, groups=[], supply={"net_type": "TN", "main_fuse_amps": 63}, label="Q1")
    write("harbour")
    with emulator.recording() as calls:
        document = report()[1]
    (finding,) = findings(document)
    assert finding["kind"] == "moved"
    assert f"is on site {QUAY} (Q1) now" in finding["message"]
    assert len(calls) == 4


@pytest.mark.parametrize("by", ["identity", "uuid", "identity uuid"])
def test_an_identity_says_nothing_about_a_charger_of_another_site(emulator: Emulator, by: str) -> None:
    """Each site may have its own `HRB-001`."""
    emulator.reset(account(quay=seed(9)["sites"][0]["chargers"][7:]))
    emulator.control("PATCH", f"/chargers/{charger_uuid(8)}", {"identity": identity(1)})
    write("harbour", bay(1, by=by), bay(2), bay(3))
    write("quay", bay(9), site=QUAY, groups=[], supply={"net_type": "TN", "main_fuse_amps": 63})
    assert [(item["kind"], item["connector"]) for item in findings(report()[1])] == [("unknown", "HRB-001/1")]


def test_a_second_device_with_the_identity_of_a_declared_one_is_unknown(emulator: Emulator) -> None:
    """The declared one is there: it was not replaced."""
    emulator.control("PATCH", f"/chargers/{charger_uuid(3)}", {"identity": identity(1)})
    write("harbour", bay(1, by="identity uuid"), bay(2))
    assert [(item["kind"], item["connector"]) for item in findings(report()[1])] == [("unknown", "HRB-001/1")]


def test_the_text_has_one_block_a_site(emulator: Emulator) -> None:
    """With the amps per line on both sides."""
    write()
    emulator.edit(identity(2), phase_rotation="STR", max_amperage=32)
    result = run()
    assert result.exit_code == 2
    first, *lines, last = result.output.splitlines()
    assert first == "sites/harbour.yaml: 2 findings, 3 connectors"
    assert lines == [
        "  drift: HRB-002/1: phase_rotation is STR live, RST declared",
        "  drift: HRB-002/1: max_amperage is 32 A live, 16 A declared",
        "  amps: L1/L2/L3 48/0/0 A declared, 32/32/0 A live, one-phase cars",
        "  amps: L1/L2/L3 48/48/48 A declared, 64/64/64 A live, three-phase cars",
    ]
    assert last.startswith("1 site: 1 with findings; API calls: 2 (2 reads, 0 writes), ")


# What could not be looked at


def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLUGCHOICE_TOKEN")
    write()


def wrong_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUGCHOICE_TOKEN", "token-of-nobody")
    write()


def api_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUGCHOICE_BASE_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("PLUGCHOICE_DEADLINE_SECONDS", "1")
    write()
    write("quay", site=QUAY)


def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUGCHOICE_OFFLINE", "1")
    write()


def broken_yaml(_: pytest.MonkeyPatch) -> None:
    Path("sites/harbour.yaml").write_text("site: [\nsupply: 1\nchargers: {")


def wrong_values(_: pytest.MonkeyPatch) -> None:
    write("harbour", bay(1, phase_rotation="XYZ"), bay(2, phase_rotation="ABC"))


def no_site(_: pytest.MonkeyPatch) -> None:
    write(site="0b6c1d2e-3f40-4a51-8b62-7c8394a5b6ff")


def no_folder(_: pytest.MonkeyPatch) -> None:
    Path("sites").rmdir()


ERRORS: Final = {
    no_token: ["credentials: not set; set PLUGCHOICE_TOKEN to a personal access token"],
    wrong_token: ["answered 401 (Unauthenticated.): the credentials are wrong"],
    api_down: ["cannot connect to http://127.0.0.1:9 (Connection refused)"],
    offline: ["drift: nothing is read, because PLUGCHOICE_OFFLINE is on"],
    broken_yaml: ["sites/harbour.yaml:3:9: is not a site file, and not valid YAML from here on", "1 site: 1 not read"],
    wrong_values: ["sites/harbour.yaml:14:21: chargers[0].connectors[0].phase_rotation", "1 site: 1 not read"],
    no_site: [
        "sites/harbour.yaml: site 0b6c1d2e-3f40-4a51-8b62-7c8394a5b6ff cannot be read: GET /v3/sites/",
        "1 site: 1 not read completely; API calls: 3",
    ],
    no_folder: ["sites: there is no such folder here; name the site files, or run this where `sites/` is"],
    lambda _: None: ["sites: has no site file (*.yaml); name the site files, or run this where `sites/` is"],
}


@pytest.mark.parametrize(("spoil", "expected"), ERRORS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_what_cannot_be_looked_at_is_one_line_and_status_1(
    monkeypatch: pytest.MonkeyPatch, spoil: Callable[[pytest.MonkeyPatch], None], expected: list[str]
) -> None:
    """And, where there is a report, its last line."""
    spoil(monkeypatch)
    result = run()
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert len(lines) == len(expected), result.output
    for line, part in zip(lines, expected, strict=True):
        assert part in line


@pytest.mark.parametrize("wrong", [["--format", "xml"], ["--absorbe"]])
def test_a_wrong_option_is_no_finding(wrong: list[str]) -> None:
    """Status 2, which it has elsewhere, would look like one."""
    write()
    assert run(*wrong).exit_code == 1


def test_no_such_site_names_the_sites_of_the_token() -> None:
    """So that the UUID can be corrected."""
    write(site="0b6c1d2e-3f40-4a51-8b62-7c8394a5b6ff")
    assert f"; the token's user sees: {SITE} (Harbour)" in run().output


def test_two_files_of_one_site_are_not_compared_and_the_others_are(emulator: Emulator) -> None:
    """Nobody could tell which of them is right."""
    emulator.reset(account())
    write()
    write("old")
    write("quay", bay(9), site=QUAY, groups=[], supply={"net_type": "TN", "main_fuse_amps": 63})
    status, document = report()
    assert status == 1
    assert [site["status"] for site in document["sites"]] == ["unreadable", "unreadable", "clean"]
    text = f"sites/harbour.yaml: declares site {SITE}, as sites/old.yaml does; keep one of them"
    assert findings(document)[0]["message"] == text


def test_status_1_wins(emulator: Emulator) -> None:
    """A green run has looked at everything; one site that fails does not hide the others."""
    emulator.reset(account())
    write()
    write("quay", bay(9), site=QUAY, groups=[], supply={"net_type": "TN", "main_fuse_amps": 63})
    emulator.edit(identity(9), max_amperage=10)
    emulator.fault("status", path=LIST, status=403, times=None)
    status, document = report()
    assert status == 1
    assert [site["status"] for site in document["sites"]] == ["unreadable", "findings"]
    assert document["sites"][0]["amps"]["live"] is None


def test_groups_that_cannot_be_read_are_said(emulator: Emulator) -> None:
    """The connectors are compared all the same."""
    write()
    emulator.edit(identity(1), max_amperage=20)
    emulator.fault("status", path=f"/v3/sites/{SITE}/groups$", status=403, times=None)
    status, document = report()
    assert status == 1
    assert [finding["kind"] for finding in findings(document)] == ["drift", "unreadable"]
    assert findings(document)[1]["message"].startswith("groups cannot be read: ")


def test_an_identity_is_gone_only_if_all_sites_were_read(emulator: Emulator) -> None:
    """Otherwise it may be on one that was not."""
    emulator.reset(account(moved=True))
    write()
    emulator.fault("status", path=f"/v3/sites/{QUAY}/connectors$", status=403, times=None)
    status, document = report()
    assert status == 1
    (finding,) = findings(document)
    assert finding["kind"] == "unreadable"
    assert finding["message"].startswith("HRB-002/1: not found, but a site was not read: ")


class Listing:
    """A client of an account whose only site lists these rows."""

    def __init__(self, *rows: Json) -> None:
        self._rows = rows

    def site_listing(self, _: str) -> SiteListing:
        """The rows."""
        return parse_site_rows([self._rows])

    def site_groups(self, _: str) -> list[object]:
        """None."""
        return []

    def sites(self) -> list[object]:
        """None besides."""
        return []


class NoNetwork(Listing):
    """A client that cannot connect."""

    tries = 0

    def site_listing(self, _: str) -> SiteListing:
        """Fails."""
        self.tries += 1
        time.sleep(0.02)
        raise NoConnection("GET", "/v3", "cannot connect")


def test_an_outage_is_not_tried_for_each_of_many_sites() -> None:
    """Each try may take two minutes."""
    places = [
        Declaration(Path(f"{index}.yaml"), build_site(content(site=charger_uuid(index)), "here")) for index in range(50)
    ]
    client = NoNetwork()
    with pytest.raises(NoConnection):
        find_drift(places, cast("Any", client), say=print)
    assert client.tries <= 8


def row(index: int, name: str | None, **more: Any) -> Json:
    """A row of the list of a site."""
    return {**connector(), "charger": {"uuid": charger_uuid(index), "identity": name}, **more}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [row(1, "HRB-001"), row(2, "HRB-001")],
            "HRB-001/1: 2 chargers of the site have this identity; add the uuid: "
            f"{charger_uuid(1)} or {charger_uuid(2)}",
        ),
        ([row(1, None, charger={})], "HRB-001/1: row 1 of the list does not tell its charger, which may be this one"),
    ],
)
def test_a_charger_that_may_be_another_row_is_not_called_missing(rows: list[Json], said: str) -> None:
    """It could not be looked at."""
    declaration = Declaration(Path("a.yaml"), build_site(content(bay(1), groups=[]), "here"))
    (found,) = find_drift([declaration], cast("Any", Listing(*rows)), say=print)
    assert found.status == "unreadable"
    assert found.findings[0].message == said


def test_a_charger_whose_identity_the_api_does_not_tell_is_compared_by_its_uuid() -> None:
    """And is not taken for another device."""
    declaration = Declaration(Path("a.yaml"), build_site(content(bay(1, by="identity uuid"), groups=[]), "here"))
    (found,) = find_drift([declaration], cast("Any", Listing(row(1, None))), say=print)
    assert found.status == "clean"


# --absorb

COMMENTED: Final = f"""\
# yaml-language-server: $schema=site.schema.json
site: {SITE}
supply: {{net_type: TN, main_fuse_amps: 125}}   # measured 2025
defaults: {{max_amperage: 16}}
chargers:
  - identity: HRB-001
    connectors:
      - connector_id: 1
        phase_rotation: RST  # by Jan
        planned_rotation: STR
  - {{identity: HRB-002, connectors: [{{connector_id: 1, phase_rotation: "RST", max_amperage: 16}}]}}  # flow
  - {{identity: HRB-003, connectors: [{{connector_id: 1, phase_rotation: RST}}]}}
"""


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_absorb_writes_the_live_values_and_keeps_all_else(emulator: Emulator, line_end: str) -> None:
    """Comments, quotes, order and line ends stay; the diff is printed; the next run is clean."""
    file = Path("sites/harbour.yaml")
    file.write_bytes(COMMENTED.replace("\n", line_end).encode())
    emulator.edit(identity(1), phase_rotation="STR", max_amperage=20)
    emulator.edit(identity(2), max_amperage=10)

    result = run("--absorb")

    assert result.exit_code == 2
    after = COMMENTED.replace(
        "phase_rotation: RST  # by Jan\n        planned_rotation: STR\n",
        "phase_rotation: STR  # by Jan\n        max_amperage: 20\n",
    )
    after = after.replace('"RST", max_amperage: 16', '"RST", max_amperage: 10')
    assert file.read_bytes().decode() == after.replace("\n", line_end)
    assert "--- sites/harbour.yaml\n+++ sites/harbour.yaml\n@@ " in result.output
    assert "\n-        phase_rotation: RST  # by Jan\n" in result.output
    assert "\n+        phase_rotation: STR  # by Jan\n" in result.output
    before = file.stat().st_mtime_ns
    assert run("--absorb").exit_code == 0
    assert file.stat().st_mtime_ns == before


def test_absorb_takes_nothing_but_drift(emulator: Emulator) -> None:
    """Not a value that a file cannot have, and no new connector. JSON stays JSON."""
    emulator.reset(seed(4))
    write()
    before = Path("sites/harbour.yaml").read_bytes()
    emulator.edit(identity(1), max_amperage=None)
    emulator.edit(identity(2), phase_rotation="Unknown")
    result = run("--absorb", "--format", "json")
    assert result.exit_code == 2
    assert len(findings(json.loads(result.stdout))) == 3
    first, second = result.stderr.splitlines()
    assert first.startswith("sites/harbour.yaml: HRB-001/1: max_amperage is not set live, which a site file cannot ")
    assert second.startswith("sites/harbour.yaml: HRB-002/1: phase_rotation is Unknown live, which ")
    assert Path("sites/harbour.yaml").read_bytes() == before


def test_absorb_makes_no_mistakes() -> None:
    """No file becomes one that cannot be read."""
    file = write("harbour", bay(1, phase_rotation="RST", planned_rotation="TRS"))
    (declaration,) = load_declarations([file])
    path = ("chargers", 0, "connectors", 0, "phase_rotation")
    found = SiteReport(declaration, (Finding("drift", "", "HRB-001/1", "phase_rotation", "RST", "RTS", path),))
    absorbed = absorb_drift([found])
    assert absorbed.contents == {}
    assert absorbed.left[0].endswith("; the live values are not taken: edit the file by hand")


def test_absorb_loses_no_edit(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of somebody who saved the file while Plugchoice was read."""
    file = write()
    emulator.edit(identity(1), max_amperage=20)

    def edit(*reports: Any) -> Any:
        file.write_text(file.read_text() + "# more\n")
        return absorb_drift(*reports)

    monkeypatch.setattr("pulumi_plugchoice.fleet.absorb.absorb_drift", edit)
    result = run("--absorb")
    assert result.exit_code == 1
    assert result.stderr == "sites/harbour.yaml: changed while the command ran; run it again\n"
    assert file.read_text().endswith("# more\n")
    assert "20" not in file.read_text()


# Texts of others


def test_foreign_text_begins_no_line_and_is_escaped(emulator: Emulator) -> None:
    """An identity, a label and a comment that a log would read as commands."""
    changed = seed(3)
    changed["sites"][0]["chargers"][2]["identity"] = "::error::x%0A\n::stop-commands::y"
    emulator.reset(changed)
    write("harbour", bay(1), bay(2), label="::notice::z", limits={})
    file = Path("sites/harbour.yaml")
    text = file.read_text().replace("max_amperage: 16\n", "max_amperage: 16\n  label: a\n   ::stop-commands::z\n", 1)
    file.write_text(text.replace("TN", "TN\n  # ##[c]"))
    emulator.edit(identity(1), max_amperage=20)
    for style in ("text", "github"):
        result = run("--format", style, "--absorb")
        commands = [line for line in result.output.splitlines() if line.lstrip().startswith(("::", "##"))]
        assert len(commands) == (2 if style == "github" else 0)
        assert all(line.startswith(("::error file=sites/", "::warning file=sites/")) for line in commands)
        assert "##[" not in result.output
        emulator.edit(identity(1), max_amperage=30)
    assert "x%250A ::stop-commands::y" in commands[1]
    assert commands[0].startswith("::error file=sites/harbour.yaml,line=")


def test_github_gets_ten_annotations_of_a_level(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the line of the value; the others are counted, and listed in the text."""
    emulator.reset(seed(12))
    write("harbour", *map(bay, range(1, 13)), limits={})
    for index in range(1, 13):
        emulator.edit(identity(index), max_amperage=20)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    lines = run("--format", "github").output.splitlines()
    errors = [line for line in lines if line.startswith("::error ")]
    assert len(errors) == 10
    number = Path("sites/harbour.yaml").read_text().splitlines().index("    max_amperage: 16") + 1
    expected = (
        f"::error file=sites/harbour.yaml,line={number},col=19,title=drift::HRB-001/1: max_amperage is 20 A live, 16 A "
    )
    assert errors[0].startswith(expected)
    assert lines[10] == "plugchoice: 2 findings without an annotation, listed below and in the job summary"
    assert sum(line.startswith("  drift: ") for line in lines) == 12
    summary = Path("summary.md").read_text().split("\n\n")
    assert summary[0] == "### plugchoice drift: 2 findings without an annotation"
    assert summary[1].startswith("- error: `sites/harbour.yaml:")
    assert [name in text for name, text in zip(("HRB-011/1", "HRB-012/1"), summary[1:3], strict=True)] == [True, True]


def test_gitlab_gets_a_report_with_stable_fingerprints(emulator: Emulator) -> None:
    """No two are equal, and another live value does not make another finding."""
    write(limits={"single_phase_amps": 30})
    emulator.edit(identity(1), max_amperage=20)
    emulator.edit(identity(2), max_amperage=63, phase_rotation="STR")
    entries = json.loads(run("--format", "gitlab").stdout)
    assert [entry["check_name"] for entry in entries] == ["plugchoice-drift"] * 3 + ["plugchoice-limit"] * 2
    assert entries[0]["location"]["path"] == "sites/harbour.yaml"
    assert len({entry["fingerprint"] for entry in entries}) == 5
    emulator.edit(identity(1), max_amperage=21)
    again = json.loads(run("--format", "gitlab").stdout)
    assert [entry["fingerprint"] for entry in again] == [entry["fingerprint"] for entry in entries]


# How it runs


@pytest.mark.slow
def test_it_needs_neither_the_engine_nor_its_sdk() -> None:
    """Which take most of the time of a preview."""
    write()
    assert not {"pulumi", "grpc", "rich", "fastapi"} & list_loaded("drift")


def test_a_fault_of_one_site_stops_the_others() -> None:
    """The first error is raised, and nothing else is begun."""

    def work(item: int) -> int:
        return 1 // item

    with pytest.raises(ZeroDivisionError):
        list(run_each([0] * 100, work))
    assert sorted(run_each([1, 2], work)) == [(1, 1), (2, 0)]
    assert list(run_each([], work)) == []


class Terminal(io.StringIO):
    """A terminal that keeps what it gets."""

    def isatty(self) -> bool:
        """It is one."""
        return True


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere(
    monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO]
) -> None:
    """After a second; here, after none."""
    shown = stream()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("TERM", "xterm")
    with progress.show_progress("sites", 2) as tell:
        tell()
    assert shown.getvalue() == ""
    monkeypatch.setattr(progress, "_PATIENCE_SECONDS", 0.0)
    with progress.show_progress("sites", 2) as tell:
        if stream is Terminal:
            for _ in range(500):
                if "Reading sites" in shown.getvalue():
                    break
                time.sleep(0.01)
        tell()
    text = "Reading sites" if stream is Terminal else "plugchoice: 1 of 2 sites read\n"
    assert text in shown.getvalue()
