"""`plugchoice sites` and `plugchoice connectors`: an account over HTTP, with and without site files."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import pytest
import yaml
from click.testing import CliRunner
from pulumi_plugchoice.api.models import Charger
from pulumi_plugchoice.api.rows import parse_charger_rows, parse_site_rows
from pulumi_plugchoice.cli.group import plugchoice
from pulumi_plugchoice.cli.run import run as run_process
from pulumi_plugchoice.fleet.inventory import MARKS, take_inventory
from pulumi_plugchoice.fleet.listing import CONNECTORS_SCHEMA, SITES_SCHEMA
from support import schemas
from support.emulator import SITE, TOKEN, charger_uuid, connector, identity, seed
from support.loaded import list_loaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result
    from pulumi_plugchoice.api.rows import ChargerListing, SiteListing
    from support.emulator import Emulator

QUAY: Final = "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c8"
NOWHERE: Final = "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6ff"
Json = dict[str, Any]


@pytest.fixture(autouse=True)
def project(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without site files, and the environment of the commands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLUGCHOICE_BASE_URL", emulator.base_url)
    monkeypatch.setenv("PLUGCHOICE_TOKEN", TOKEN)
    monkeypatch.setenv("PLUGCHOICE_DEADLINE_SECONDS", "5")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(plugchoice, arguments, catch_exceptions=False)


def report(*arguments: str, status: int = 0) -> Json:
    """The JSON, which is valid against its schema."""
    result = run(*arguments, "--format", "json")
    assert result.exit_code == status, result.output
    document: Json = json.loads(result.stdout)
    schema = {"sites": SITES_SCHEMA, "connectors": CONNECTORS_SCHEMA}[arguments[0]]
    schemas.validate(document, schema)
    return document


def table(*arguments: str) -> list[list[str]]:
    """The rows of the CSV."""
    return list(csv.reader(io.StringIO(run(*arguments, "--format", "csv").stdout)))


def bay(index: int, rotation: str | None = "RST", amps: int | None = 16, **more: Any) -> Json:
    """A charger of a site file."""
    values = {"phase_rotation": rotation, "max_amperage": amps}
    one = {"connector_id": 1, **{key: value for key, value in values.items() if value is not None}}
    return {"identity": identity(index), "connectors": [{**one, **more}]}


def write(name: str = "harbour", *chargers: Json, site: str = SITE) -> Path:
    """Write a site file."""
    Path("sites").mkdir(exist_ok=True)
    file = Path("sites") / f"{name}.yaml"
    supply = {"net_type": "TN", "main_fuse_amps": 125}
    content = {"site": site, "supply": supply, "chargers": [*(chargers or (bay(1), bay(2), bay(3)))]}
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return file


def add_site(content: Json, name: str = "Quay", uuid: str = QUAY, **more: Any) -> Json:
    content["sites"].append({"uuid": uuid, "name": name, "chargers": [], **more})
    return content


def marks(document: Json) -> dict[str, list[str]]:
    return {row["name"]: row["marks"] for row in document["connectors"] if row["marks"]}


# What they list


def test_sites_lists_the_account_with_the_files_that_declare_it(emulator: Emulator) -> None:
    """In one call; a site that the token may only see says so."""
    emulator.reset(add_site(seed(3)))
    emulator.set_token(access={"*": "full", QUAY: "basic"})
    write()
    with emulator.recording() as calls:
        document = report("sites")
    assert len(calls) == document["calls"] == 1
    assert document["sites"] == [
        {"site": SITE, "name": "Harbour", "chargers": 3, "configurable": True, "file": "sites/harbour.yaml"},
        {"site": QUAY, "name": "Quay", "chargers": 0, "configurable": False, "file": None},
    ]
    lines = run("sites").output.splitlines()
    assert lines[:3] == [
        "SITE                                  NAME     CHARGERS  MAY CHANGE  FILE",
        f"{SITE}  Harbour  3         yes         sites/harbour.yaml",
        f"{QUAY}  Quay     0         no          -",
    ]
    assert lines[3].startswith("2 sites; API calls: 1 (1 read, 0 writes), ")
    assert table("sites") == [
        ["site", "name", "chargers", "configurable", "file"],
        [SITE, "Harbour", "3", "yes", "sites/harbour.yaml"],
        [QUAY, "Quay", "0", "no", ""],
    ]


def test_sites_needs_no_site_files_and_no_site(emulator: Emulator) -> None:
    """Neither a folder nor files in it; the column for them is left out."""
    assert "FILE" not in run("sites").output
    Path("sites").mkdir()
    assert run("sites").exit_code == 0
    emulator.reset({"tokens": {TOKEN: {}}, "sites": []})
    assert run("sites").output.startswith("0 sites; API calls: 1 ")
    assert report("sites")["sites"] == []


def test_sites_are_listed_to_the_last_page(emulator: Emulator) -> None:
    """By name, with numbers in the order in which people count."""
    content = seed(1)
    for number in range(2, 41):
        add_site(content, f"Dock {number}", f"0b6c1d2e-3f40-4a51-8b62-{number:012d}")
    emulator.reset(content)
    names = [site["name"] for site in report("sites")["sites"]]
    assert names == [*(f"Dock {number}" for number in range(2, 41)), "Harbour"]


ODD: Final[dict[int, list[Json]]] = {
    2: [connector(rotation=None, amperage=None)],
    3: [connector(rotation="STR", amperage=None)],
    4: [connector(rotation="Unknown", amperage=16)],
    5: [connector(rotation=None, amperage=125, power_type="DC"), connector(2, None, None, power_type="DC")],
    6: [connector(rotation="S", amperage=32, power_type="AC_1_PHASE")],
    7: [connector(rotation="TRS", amperage=0)],
    10: [connector(1, "RST", 16), connector(2, "STR", 10)],
}


def odd_account() -> Json:
    """A site with connectors of each kind; charger 8 was never seen, charger 9 has reported none."""
    content = seed(10, ODD)
    chargers = content["sites"][0]["chargers"]
    chargers[7] |= {"connection_status": "never_seen", "connectors": []}
    chargers[8]["connectors"] = []
    return content


def test_connectors_marks_what_stands_against_managing_one(emulator: Emulator) -> None:
    """Without a site file: the live values and their sums."""
    emulator.reset(odd_account())
    emulator.set_token(access={"*": "full", charger_uuid(1): "basic"})
    document = report("connectors", "--site", SITE.upper())
    assert marks(document) == {
        "HRB-001/1": ["not_configurable"],
        "HRB-002/1": ["never_set"],
        "HRB-003/1": ["partly_set"],
        "HRB-004/1": ["partly_set"],
        "HRB-005/1": ["dc"],
        "HRB-005/2": ["dc"],
        "HRB-007/1": ["partly_set"],
        "HRB-008": ["never_seen"],
        "HRB-009": ["no_connector"],
    }
    assert document["connectors"][0] == {
        "name": "HRB-001/1",
        "charger": charger_uuid(1),
        "identity": "HRB-001",
        "connector_id": 1,
        "power_type": "AC_3_PHASE",
        "connection_status": "online",
        "configurable": False,
        "live": {"phase_rotation": "RST", "max_amperage": 16},
        "declared": None,
        "marks": ["not_configurable"],
        "reason": "",
    }
    assert document["name"] == "Harbour"
    assert document["amps"] == {
        "declared": None,
        "live": {
            "single_phase": {"L1": 32, "L2": 42, "L3": 0},
            "three_phase": {"L1": 42, "L2": 74, "L3": 42},
        },
    }
    assert len(document["not_counted"]) == 5
    lines = run("connectors", "--site", SITE).output.splitlines()
    assert lines[0] == f"site {SITE} (Harbour)"
    assert lines[1] == "TYPE     CONNECTOR  LIVE          NOTE"
    assert "3-phase  HRB-004/1  Unknown 16 A  partly set" in lines
    assert "-        HRB-008    -             never seen" in lines
    assert "L1/L2/L3 32/42/0 A live, one-phase cars" in lines
    text = "10 connectors: 2 DC, 1 never set, 3 partly set, 1 not configurable with this token, 1 never seen, 1 no "
    assert lines[-2] == f"{text}connector reported"


@pytest.mark.parametrize("site", ["sites/harbour.yaml", SITE])
def test_connectors_shows_what_the_site_file_declares(emulator: Emulator, site: str) -> None:
    """The file that is named, or the one that declares the UUID; with the same amps as `drift`."""
    emulator.reset(odd_account())
    write("other", bay(1), site=QUAY)
    write("harbour", bay(1, "RST", 20), bay(2), bay(10), bay(3, None, None, managed=False), bay(77))
    document = report("connectors", "--site", site)
    assert document["file"] == "sites/harbour.yaml"
    rows = {row["name"]: row for row in document["connectors"]}
    assert rows["HRB-001/1"]["marks"] == ["differs"]
    assert rows["HRB-001/1"]["declared"] == {"managed": True, "phase_rotation": "RST", "max_amperage": 20}
    assert rows["HRB-002/1"]["marks"] == ["never_set", "differs"]
    assert rows["HRB-003/1"]["marks"] == ["partly_set"]
    assert rows["HRB-010/1"]["marks"] == []
    assert rows["HRB-010/2"]["marks"] == ["undeclared"]
    assert rows["HRB-077/1"]["marks"] == ["missing"]
    assert rows["HRB-077/1"]["live"] is None
    drift: Json = json.loads(run("drift", "sites/harbour.yaml", "--format", "json").stdout)
    assert document["amps"] == drift["sites"][0]["amps"]
    lines = run("connectors", "--site", site).output.splitlines()
    assert lines[0] == f"site {SITE} (Harbour), sites/harbour.yaml"
    assert "3-phase  HRB-001/1  RST 16 A      RST 20 A     differs from the file" in lines
    assert "3-phase  HRB-003/1  STR           not managed  partly set" in lines
    assert any(line.startswith("L1/L2/L3 68/42/0 A declared, ") for line in lines)


def test_connectors_takes_the_site_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the provider does."""
    monkeypatch.setenv("PLUGCHOICE_SITE", SITE)
    assert report("connectors")["site"] == SITE


def test_every_mark_has_its_words_and_its_place_in_the_schema() -> None:
    schema = json.loads(CONNECTORS_SCHEMA.read_text(encoding="utf-8"))
    assert schema["$defs"]["connector"]["properties"]["marks"]["items"]["enum"] == list(MARKS)


@pytest.mark.parametrize("declared", [True, False])
def test_connectors_hides_no_connector_that_a_list_has_lost(emulator: Emulator, *, declared: bool) -> None:
    """A charger of which the list of chargers tells more is read by itself; one that was never seen is not."""
    content = seed(40, {5: [connector(), connector(2)]})
    content["sites"][0]["chargers"][2] |= {"connection_status": "never_seen", "connectors": []}
    emulator.reset(content)
    if declared:
        write("harbour", *(bay(index) for index in range(1, 41) if index not in (3, 31)))
    # HRB-005/2 and HRB-031/1, which are on no page.
    emulator.fault("page", path=f"/v3/sites/{SITE}/connectors$", lost=[4, 30], times=None)
    with emulator.recording() as calls:
        document = report("connectors", "--site", SITE)
    assert len(document["connectors"]) == 41
    assert {"HRB-005/2", "HRB-031/1"} <= {row["name"] for row in document["connectors"]}
    assert {name for name, found in marks(document).items() if found != ["undeclared"]} == {"HRB-003"}
    assert len(calls.of("GET", "/v3/chargers/")) == 2
    assert document["calls"] == len(calls)


class SparseClient:
    """An API that tells of a charger only what is documented for each list: no permissions, no connectors."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def sites(self) -> list[object]:
        """None: the site may be on no page."""
        return []

    def site_listing(self, _: str) -> SiteListing:
        """Without the connector of the second charger."""
        return parse_site_rows([[{**connector(), "charger": {"uuid": charger_uuid(1), "identity": "HRB-001"}}]])

    def site_groups(self, _: str) -> list[object]:
        """None."""
        return []

    def site_chargers(self, _: str) -> ChargerListing:
        """Three chargers; the last was never seen."""
        rows: list[Json] = [{"uuid": charger_uuid(index), "identity": identity(index)} for index in (1, 2, 3)]
        return parse_charger_rows([*rows[:2], {**rows[2], "connection_status": "never_seen"}])

    def charger(self, uuid: str) -> Charger:
        """A charger by itself."""
        self.asked.append(uuid)
        return Charger.model_validate({"uuid": uuid, "identity": "HRB-002", "connectors": [connector()]})


def test_what_the_api_does_not_tell_is_not_known() -> None:
    """Neither permissions nor the number of a charger's connectors is taken for granted."""
    client = SparseClient()
    found = take_inventory(cast("Any", client), SITE, None, say=print)
    assert [(entry.name, entry.configurable, entry.marks) for entry in found.connectors] == [
        ("HRB-001/1", None, ()),
        ("HRB-002/1", None, ()),
        ("HRB-003", None, ("never_seen",)),
    ]
    assert client.asked == [charger_uuid(2)]
    assert (found.name, found.configurable, found.problems) == (None, None, [])


def test_the_sums_of_a_supply_without_neutral_are_by_angle(emulator: Emulator) -> None:
    """The net type is that of the root group when no file declares the site."""
    emulator.reset(seed(2, {2: [connector(rotation="STR", amperage=16)]}))
    emulator.edit_group(801, net_type="IT")
    lines = report("connectors", "--site", SITE)["amps"]["live"]["single_phase"]
    assert lines == {"L1": 16, "L2": 27.71, "L3": 16}


def test_two_chargers_of_one_identity_are_told_apart(emulator: Emulator) -> None:
    """By UUID."""
    emulator.control("PATCH", f"/chargers/{charger_uuid(2)}", {"identity": "HRB-001"})
    names = [row["name"] for row in report("connectors", "--site", SITE)["connectors"]]
    assert names == [f"{charger_uuid(1)} (HRB-001)/1", f"{charger_uuid(2)} (HRB-001)/1", "HRB-003/1"]


# Names from Plugchoice

LONG: Final = "EVSE-ÜBERGANGSPARKHAUS-SÜD-EBENE-3-PLATZ-0451"
NAMES: Final = {
    "=1+cmd|' /C calc'!A0": "=1+cmd|' /C calc'!A0",
    "::error::x": "::error::x",
    "##[error]x": "# #[error]x",
    "bay\x1b[2J": "bay\\x1b[2J",
    "a\nb": "a\\nb",
    "HRB-003 ": "HRB-003\\x20",
    "港-1": "港-1",
    LONG: LONG,
}


@pytest.mark.parametrize("name", NAMES)
def test_names_are_printed_whole_and_drive_nothing(emulator: Emulator, name: str) -> None:
    """Neither a terminal nor a log, in all formats; no line begins with one."""
    emulator.reset(add_site(seed(1), name=name))
    emulator.control("PATCH", f"/chargers/{charger_uuid(1)}", {"identity": name})
    shown = NAMES[name]
    document = report("connectors", "--site", SITE)
    assert [row["name"] for row in document["connectors"]] == [f"{shown}/1"]
    assert document["connectors"][0]["identity"] == shown
    assert shown in {site["name"] for site in report("sites")["sites"]}
    for words in (["sites"], ["connectors", "--site", SITE]):
        for style in ("text", "csv"):
            output = run(*words, "--format", style).stdout
            assert shown in output.replace('""', '"').replace("'=", "=")
            assert "\x1b" not in output
            assert not re.search(rf"^\s*{re.escape(shown[:3])}", output, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\uff1d1", "'\uff1d1"),
        ("x;=1+1", "x;'=1+1"),
        ('x";"=1+1', 'x";"\'=1+1'),
        ("x, =1", "x, '=1"),
        ("HRB-001", "HRB-001"),
        ("a=b", "a=b"),
    ],
)
def test_no_spreadsheet_runs_a_name(emulator: Emulator, name: str, cell: str) -> None:
    """Neither one that separates cells by a comma, nor one that does it by a semicolon."""
    emulator.reset(add_site(seed(1), name=name))
    emulator.control("PATCH", f"/chargers/{charger_uuid(1)}", {"identity": name})
    assert cell in [row[1] for row in table("sites")]
    assert table("connectors", "--site", SITE)[1][2] == cell


def test_a_token_that_comes_back_as_a_name_is_hidden(emulator: Emulator) -> None:
    """In all formats."""
    emulator.reset(add_site(seed(1), name=f"x {TOKEN}"))
    for style in ("text", "json", "csv"):
        result = run("sites", "--format", style)
        assert "[hidden]" in result.output
        assert TOKEN not in result.output


def measure(line: str) -> int:
    """The columns of a line on a terminal."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


class Terminal(io.TextIOWrapper):
    """Standard output as a terminal has it."""

    def isatty(self) -> bool:
        """As it says."""
        return True


@pytest.mark.parametrize("columns", [80, 40])
def test_a_terminal_shows_a_table_without_cutting(
    emulator: Emulator, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names go on in the next line of their cell; in 80 columns everything fits."""
    name = "Parkhaus Süd, Kai 12 am Ende der sehr langen Hafenstraße (Parkdeck 3)"
    emulator.reset(add_site(seed(2), name=name))
    emulator.control("PATCH", f"/chargers/{charger_uuid(1)}", {"identity": LONG})
    write("harbour-with-a-long-name-of-its-own", bay(2, amps=20))
    monkeypatch.setenv("COLUMNS", str(columns))
    for words, parts in ((["sites"], [name, SITE]), (["connectors", "--site", SITE], [f"{LONG}/1"])):
        buffer = io.BytesIO()
        terminal = Terminal(buffer, "utf-8")
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", terminal)
            patch.setattr(sys, "argv", ["plugchoice", *words])
            assert run_process(plugchoice) == 0
        terminal.flush()
        lines = re.sub(r"\x1b\[[0-9;]*m", "", buffer.getvalue().decode()).splitlines()
        rows = [line for line in lines if not line.startswith(("site ", "L1/", "2 ", "API"))]
        assert max(map(measure, rows)) <= max(columns, 78)
        # The texts without their breaks, column by column; the heads show where they begin.
        head = next(line for line in lines if "TYPE" in line or "SITE" in line)
        starts = [match.start() for match in re.finditer(r"(?<![^ ] )\b(?=\S)", head)]
        cells = [
            "".join(row[start:end] for row in rows).replace(" ", "")
            for start, end in zip(starts, [*starts[1:], None], strict=True)
        ]
        assert all(any(part.replace(" ", "") in cell for cell in cells) for part in parts)


@pytest.mark.slow
@pytest.mark.parametrize("words", [["sites"], ["connectors", "--site", SITE], ["drift"]], ids=" ".join)
def test_what_only_reads_starts_without_the_sdk(words: list[str]) -> None:
    """Importing `pulumi` takes as long as all the rest."""
    write()
    modules = list_loaded(*words)
    assert "requests" in modules
    assert not {"pulumi", "grpc", "rich"} & modules


# What goes wrong


def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLUGCHOICE_TOKEN")


def wrong_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUGCHOICE_TOKEN", "token-of-nobody")


def api_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUGCHOICE_BASE_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("PLUGCHOICE_DEADLINE_SECONDS", "1")


def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUGCHOICE_OFFLINE", "1")


def nothing(_: pytest.MonkeyPatch) -> None:
    """All is well."""


def broken_yaml(_: pytest.MonkeyPatch) -> None:
    Path("sites").mkdir()
    Path("sites/harbour.yaml").write_text("site: [\nsupply: 1\nchargers: {")


def two_files(_: pytest.MonkeyPatch) -> None:
    write()
    write("old")


def other_account(_: pytest.MonkeyPatch) -> None:
    write("quay", site=NOWHERE)


def empty_folder(_: pytest.MonkeyPatch) -> None:
    Path("sites").mkdir()


SEES: Final = f"; the token's user sees: {SITE} (Harbour)\n"
NO_TOKEN: Final = "credentials: not set; set PLUGCHOICE_TOKEN to a personal access token"
BROKEN: Final = "sites/harbour.yaml:3:9: is not a site file, and not valid YAML from here on"
ERRORS: Final[list[tuple[Callable[[pytest.MonkeyPatch], None], list[str], str]]] = [
    (no_token, ["sites"], NO_TOKEN),
    (no_token, ["connectors"], NO_TOKEN),
    (no_token, ["connectors", "--site", SITE], NO_TOKEN),
    (wrong_token, ["sites"], "GET /v3/sites: answered 401 (Unauthenticated.): the credentials are wrong"),
    (wrong_token, ["connectors", "--site", SITE], "answered 401 (Unauthenticated.): the credentials are wrong"),
    (api_down, ["sites"], "cannot connect to http://127.0.0.1:9 (Connection refused)"),
    (api_down, ["connectors"], "cannot connect to http://127.0.0.1:9 (Connection refused)"),
    (api_down, ["connectors", "--site", SITE], "cannot connect to http://127.0.0.1:9 (Connection refused)"),
    (offline, ["sites"], "sites: nothing is read, because PLUGCHOICE_OFFLINE is on"),
    (offline, ["connectors", "--site", SITE], "connectors: nothing is read, because PLUGCHOICE_OFFLINE is on"),
    (nothing, ["connectors"], "--site: not set; give the UUID of a site or a site file, or set PLUGCHOICE_SITE" + SEES),
    (nothing, ["connectors", "--site", "Harbour"], "--site: 'Harbour' is neither a UUID nor a file" + SEES),
    (nothing, ["connectors", "--site", NOWHERE], f"site {NOWHERE}: cannot be read (answered 404); check the" ),
    (other_account, ["connectors", "--site", "sites/quay.yaml"], f"site {NOWHERE}: cannot be read (answered 404)"),
    (nothing, ["connectors", "--site", "no.yaml"], "no.yaml: there is no such file"),
    (empty_folder, ["connectors", "--site", "sites"], "sites: is a folder; name the site file in it"),
    (empty_folder, ["sites", "sites"], "sites: has no site file (*.yaml)"),
    (nothing, ["sites", "nowhere"], "nowhere: there is no such file"),
    (broken_yaml, ["connectors", "--site", "sites/harbour.yaml"], BROKEN),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "words", "line"), ERRORS, ids=lambda value: getattr(value, "__name__", str(value)))
def test_what_is_wrong_is_one_line_and_status_1(
    monkeypatch: pytest.MonkeyPatch, spoil: Callable[[pytest.MonkeyPatch], None], words: list[str], line: str
) -> None:
    """And nothing is listed."""
    spoil(monkeypatch)
    result = run(*words)
    assert result.exit_code == 1
    assert line in result.stderr
    assert result.stderr.count("\n") == 1
    if words != ["sites", "nowhere"]:
        assert result.stdout == ""


PARTLY: Final[list[tuple[Callable[[pytest.MonkeyPatch], None], list[str], str]]] = [
    (broken_yaml, ["sites"], BROKEN),
    (broken_yaml, ["connectors", "--site", SITE], BROKEN),
    (two_files, ["connectors", "--site", SITE], f"sites/harbour.yaml: declares site {SITE}, as sites/old.yaml does"),
    (other_account, ["sites"], f"sites/quay.yaml: declares site {NOWHERE}, which the token's user does not see"),
]


@pytest.mark.parametrize(("spoil", "words", "line"), PARTLY, ids=lambda value: getattr(value, "__name__", str(value)))
def test_a_site_file_that_cannot_be_used_is_named_beside_the_list(
    monkeypatch: pytest.MonkeyPatch, spoil: Callable[[pytest.MonkeyPatch], None], words: list[str], line: str
) -> None:
    """In all formats: the account can be listed without it. The status is 1."""
    spoil(monkeypatch)
    for style in ("text", "csv"):
        result = run(*words, "--format", style)
        assert result.exit_code == 1
        assert line in result.stderr
        assert result.stderr.count("\n") == 1
        assert SITE in result.stdout
    assert line in report(*words, status=1)["problems"][0]


def test_sites_names_both_of_two_files_of_one_site(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is taken for the right one."""
    two_files(monkeypatch)
    document = report("sites", status=1)
    assert len(document["problems"]) == 2
    assert document["sites"][0]["file"] is None


def test_a_broken_file_of_another_site_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the site's own file can be read."""
    broken_yaml(monkeypatch)
    write("own")
    assert report("connectors", "--site", SITE)["file"] == "sites/own.yaml"


def test_what_cannot_be_read_beside_the_connectors_is_named(emulator: Emulator) -> None:
    """The connectors are listed; the status is 1."""
    emulator.fault("status", path=f"/v3/sites/{SITE}/chargers$", status=403, times=None)
    document = report("connectors", "--site", SITE, status=1)
    assert document["problems"][0].startswith("the list of chargers cannot be read: ")
    assert len(document["connectors"]) == 3
    assert {row["configurable"] for row in document["connectors"]} == {None}


def test_groups_that_cannot_be_read_are_named(emulator: Emulator) -> None:
    """The sums are those of a supply with a neutral then."""
    emulator.fault("status", path=f"/v3/sites/{SITE}/groups$", status=403, times=None)
    document = report("connectors", "--site", SITE, status=1)
    assert document["problems"][0].startswith("the groups cannot be read, so the net type is taken for TN: ")
    assert document["amps"]["live"]["single_phase"] == {"L1": 48, "L2": 0, "L3": 0}


def test_an_invalid_row_is_named(emulator: Emulator) -> None:
    """The others are listed; the status is 1."""
    emulator.edit(identity(2), max_amperage=16.5)
    for arguments in ((), ("sites/harbour.yaml",)):
        if arguments:
            write()
        document = report("connectors", "--site", *(arguments or (SITE,)), status=1)
        assert marks(document) == {"HRB-002/1": ["unreadable"]}
        assert len(document["connectors"]) == 3
        assert "in max_amperage: " in document["connectors"][1]["reason"]


def test_the_docs_explain_every_mark() -> None:
    """In the words of the table, and in those of JSON."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    assert [mark for mark, text in MARKS.items() if f"| {text} | `{mark}` |" not in page] == []


@pytest.mark.parametrize(
    "name",
    [name for name, command in plugchoice.commands.items() if any("--site" in one.opts for one in command.params)],
)
def test_every_command_that_needs_a_site_lists_those_of_the_token(emulator: Emulator, name: str) -> None:
    """When none is given: one line, status 1."""
    emulator.reset(add_site(seed(3)))
    result = run(name, *(["--no-import"] if name == "adopt" else []))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("--site: not set; ")
    assert f"{SITE} (Harbour), {QUAY} (Quay)" in result.stderr
    assert result.stderr.count("\n") == 1
