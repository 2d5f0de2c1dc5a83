"""load.py, mistakes.py, model.py and schema.py: the site file, its defaults, and all its mistakes with their position."""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_plugchoice._text import printable
from pulumi_plugchoice.electrical.rotations import PHASE_ROTATIONS
from pulumi_plugchoice.inputs import Mistake
from pulumi_plugchoice.sitefile import yaml_text
from pulumi_plugchoice.sitefile.assess import assess_site
from pulumi_plugchoice.sitefile.definition import format_settings, make_definition, parse_settings
from pulumi_plugchoice.sitefile.load import FileMistake, SiteFileError, build_site, load_site
from pulumi_plugchoice.sitefile.model import SiteFile
from pulumi_plugchoice.sitefile.schema import SCHEMA_FILE
from pulumi_plugchoice.sitefile.yaml_text import parse

HARBOUR = Path(__file__).parent.parent / "fixtures" / "sites" / "harbour.yaml"
SITE = "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7"


def plain() -> dict[str, Any]:
    """A site as Python objects."""
    return {
        "site": SITE,
        "supply": {"net_type": "TN", "main_fuse_amps": 125},
        "groups": [{"name": "main"}, {"name": "garage", "parent": "main", "fuse_amps": 40}],
        "chargers": [
            {
                "identity": "HRB-001",
                "connectors": [{"connector_id": 1, "phase_rotation": "RST", "max_amperage": 16}],
            },
            {"identity": "HRB-002", "group": "garage", "connectors": [{"connector_id": 1, "phase_rotation": "STR"}]},
        ],
    }


def find(definition: dict[str, Any]) -> list[str]:
    """The mistakes in a definition, one line each."""
    with pytest.raises(SiteFileError) as caught:
        build_site(definition, "here")
    assert all(line == printable(line, 2000) for line in caught.value.lines)
    return [line.removeprefix("here: ") for line in caught.value.lines]


def changed(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """`plain` with one value set, or (...) removed."""
    definition = plain()
    inner: Any = definition
    for part in path[:-1]:
        inner = inner[part]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return definition


def test_a_full_site_file_loads() -> None:
    """With comments, defaults, a charger with two sockets, a charger that cannot be rewired, and a DC charger."""
    site = load_site(HARBOUR)
    bay, planned, quay, _office, dc = site.chargers
    assert (site.group_of(bay), site.breaker_of(bay), site.amps_of(bay, bay.connectors[0])) == ("garage", 20, 16)
    assert planned.connectors[0].planned_rotation == "TRS"
    assert [site.amps_of(quay, connector) for connector in quay.connectors] == [32, 32]
    assert dc.connectors[0].managed is False
    assert site.amps_of(dc, dc.connectors[0]) is None
    assessment = assess_site(site)
    assert assessment.not_counted == []
    # Building 18/11/9, DC 38 on each, RST 16+16+32, STR 32 and S 16.
    assert assessment.figures.single_phase == (18 + 38 + 64, 11 + 38 + 48, 9 + 38)


def test_the_nearest_on_destroy_and_on_adopt_apply() -> None:
    """In this order: connector, group, group above, site, default."""
    definition = changed(("groups", 0, "on_destroy"), "restore")
    site = build_site(definition, "here")
    charger = site.chargers[1]
    assert site.on_destroy_of(charger, charger.connectors[0]) == "restore"
    assert site.on_adopt_of(charger, charger.connectors[0]) == "overwrite"
    definition["on_adopt"] = "match"
    definition["chargers"][1]["connectors"][0]["on_destroy"] = "retain"
    site = build_site(definition, "here")
    charger = site.chargers[1]
    assert site.on_destroy_of(charger, charger.connectors[0]) == "retain"
    assert site.on_adopt_of(charger, charger.connectors[0]) == "match"


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        (("site",), "x", "site: 'x' is not a UUID; give the UUID of the site (location) that Plugchoice shows"),
        (("site",), ..., "site: not set; required: UUID of the site (location) in Plugchoice"),
        (("lable",), "x", "lable: unknown key; did you mean label?"),
        (("x",), "x", "x: unknown key; allowed: site, label, supply, building_peak_amps, limits, groups, defaults, chargers, "
         "on_adopt, on_destroy"),
        (("supply", "net_type"), "TNS", "supply.net_type: 'TNS' is not allowed; allowed: 'TN', 'TT' or 'IT'"),
        (("supply", "main_fuse_amps"), "125", "supply.main_fuse_amps: '125' is text, not a whole number; write 125 without quotes"),
        (("supply", "main_fuse_amps"), 12.5, "supply.main_fuse_amps: 12.5 is not a whole number"),
        (("supply", "main_fuse_amps"), True, "supply.main_fuse_amps: true is not a whole number"),
        (("supply", "main_fuse_amps"), 0,
         "supply.main_fuse_amps: 0 is out of range; allowed: at least 1 (Main fuse, A per line)"),
        (("supply", "neutral"), "yes", "supply.neutral: 'yes' is text, not true or false"),
        (("supply",), [], "supply: is a list, not a mapping (key: value)"),
        (("supply",), None, "supply: is empty; required: Supply of the site"),
        (("site",), None, "site: is empty; required: UUID of the site (location) in Plugchoice"),
        (("supply", "net_type"), None, "supply.net_type: is empty; required: Net type: TN, TT or IT"),
        (("supply", "safety_margin_percent"), None,
         "supply.safety_margin_percent: is empty; set it or leave it out: Part of each fuse to keep free, %"),
        (("chargers", 0), None, "chargers[0]: is empty; set it or remove it"),
        (("chargers", 0, "identity"), "", "chargers[0].identity: '' is empty; required: OCPP identity"),
        (("chargers",), {}, "chargers: is a mapping, not a list (lines that begin with a dash)"),
        (("chargers",), [], "chargers: is empty; at least one is required"),
        (("chargers", 0, "identity"), 12, 'chargers[0].identity: 12 is a number, not text; put it in quotes: "12"'),
        (("chargers", 0, "identity"), "x" * 46, "chargers[0].identity: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' "
         "has 46 characters; allowed: at most 45"),
        (("chargers", 0, "identity"), SITE, f"chargers[0].identity: '{SITE}' is a UUID; set it as uuid"),
        (("chargers", 0, "identity"), ..., "chargers[0]: neither identity nor uuid is set; set one of them, or both"),
        (("chargers", 1, "identity"), "HRB-001",
         "chargers[1].identity: 'HRB-001' is already the identity of chargers[0]; keep one charger with all connectors"),
        (("chargers", 0, "group"), "mian", "chargers[0].group: 'mian' is not a group of this file; did you mean main?"),
        (("defaults",), {"group": "x"}, "defaults.group: 'x' is not a group of this file; groups: main, garage"),
        (("groups", 1, "parent"), "x", "groups[1].parent: 'x' is not a group of this file; groups: main, garage"),
        (("groups", 1, "parent"), "garage", "groups[1].parent: group 'garage' is its own ancestor; set another parent"),
        (("groups", 1, "parent"), ..., "groups[1]: group 'garage' has no parent, and only the first group is the root; set "
         "parent"),
        (("groups", 0, "parent"), "garage", "groups[0].parent: 'garage' is not allowed for the first group, which is the root; leave it out"),
        (("groups", 0, "fuse_amps"), 100,
         "groups[0].fuse_amps: 100 differs from supply.main_fuse_amps, 125, which is the fuse of the root; leave it out"),
        (("groups",), [{"name": "main"}, *[{"name": "garage", "parent": "main"}] * 2], "groups[2].name: 'garage' is already the name of groups[1]; give each group its own name"),
        (("limits",), {"presets": ["DE"]}, "limits.presets[0]: 'DE' is not a preset; allowed: DE-4.6kVA, AT-16A, CH-16A"),
        (("limits",), {"presets": [{"DE-4.6kVA": True}]}, "limits.presets[0]: is a mapping, not text"),
        (("chargers", 0, "identity"), 1.5, 'chargers[0].identity: 1.5 is a number, not text; put it in quotes: "1.5"'),
        (("supply",), {"net_type": "IT", "main_fuse_amps": 9, "neutral": True},
         "supply.neutral: true does not fit net_type IT, which has no neutral; leave it out, or correct net_type"),
        (("chargers", 0, "connectors", 0, "phase_rotation"), "RTX",
         "chargers[0].connectors[0].phase_rotation: 'RTX' is not a phase rotation; did you mean 'RTS'?"),
        (("chargers", 0, "connectors", 0, "max_amperage"), 1001,
         "chargers[0].connectors[0].max_amperage: 1001 is out of range; allowed: 1 to 1000 A"),
        (("chargers", 0, "connectors", 0, "managed"), False,
         "chargers[0].connectors[0].managed: false contradicts phase_rotation; remove one of them"),
        (("chargers", 1, "connectors", 0, "phase_rotation"), ...,
         "chargers[1].connectors[0]: neither phase_rotation nor max_amperage is set; set at least one, or managed: false"),
        (("chargers", 0, "connectors", 0, "planned_rotation"), "RTS",
         "chargers[0].connectors[0].planned_rotation: 'RTS' changes the field direction or the number of lines of RST; "
         "allowed: STR or TRS"),
        (("chargers", 0, "connectors"), [{"connector_id": 1, "max_amperage": 6}] * 2,
         "chargers[0].connectors[1].connector_id: 1 is already the number of another connector of this charger; give each "
         "its own number"),
    ],
)  # fmt: skip
def test_each_mistake_is_one_line(path: tuple[str | int, ...], value: Any, line: str) -> None:
    """Path, value, reason, suggestion."""
    assert find(changed(path, value)) == [line]


def test_mistakes_of_all_kinds_are_reported_at_once(tmp_path: Path) -> None:
    """In the order of the file, with line and column."""
    file = tmp_path / "x.yaml"
    file.write_text(f"site: {SITE}\nsupply: {{net_type: TN}}\ncharger: []\nlabel: NO\nchargers:\n  - bay\n")
    with pytest.raises(SiteFileError) as caught:
        load_site(file)
    assert [line.removeprefix(f"{file}:") for line in caught.value.lines] == [
        "2:9: supply.main_fuse_amps: not set; required: Main fuse, A per line",
        "3:1: charger: unknown key; did you mean chargers?",
        '4:8: label: NO is ambiguous: some programs read it as true or false; write true or false, or "NO" if it is text',
        "6:5: chargers[0]: 'bay' is text, not a mapping (key: value)",
    ]
    key = Mistake("charger", None, "unknown key", "did you mean chargers?")
    assert caught.value.mistakes[1] == FileMistake(str(file), key, line=3, column=1)


def test_the_suggestion_quotes_a_number_as_it_is_written(tmp_path: Path) -> None:
    """1.50 and 1.5 are different identities."""
    file = tmp_path / "x.yaml"
    file.write_text(HARBOUR.read_text().replace("identity: HRB-001", "identity: 1.50"))
    with pytest.raises(SiteFileError) as caught:
        load_site(file)
    assert caught.value.lines[0].endswith('1.50 is a number, not text; put it in quotes: "1.50"')


@pytest.mark.parametrize(
    ("yaml", "refused"),
    [
        ("chargers: [{identity: 0123, connectors: [{connector_id: 1, max_amperage: 16}]}]", "chargers[0].identity"),
        ("chargers: [{uuid: 0123, connectors: [{connector_id: 1, max_amperage: 16}]}]", "chargers[0].uuid"),
        ("chargers: [{identity: A, connectors: [{connector_id: 1, phase_rotation: NO}]}]",
         "chargers[0].connectors[0].phase_rotation"),
        ("chargers: [{identity: A, connectors: [{connector_id: 1, phase_rotation: NO, planned_rotation: STR}]}]",
         "chargers[0].connectors[0].phase_rotation"),
        ("chargers: [{identity: A, connectors: [{connector_id: 1, managed: NO}]}]", "chargers[0].connectors[0].managed"),
        ("defaults: {max_amperage: 016}\nchargers: [{identity: A, connectors: [{connector_id: 1}]}]",
         "defaults.max_amperage"),
        ("groups: [{name: main}, {name: a, parent: NO}]\n"
         "chargers: [{identity: A, connectors: [{connector_id: 1, max_amperage: 16}]}]", "groups[1].parent"),
        ("supply: {net_type: TN, main_fuse_amps: 1_25}\ngroups: [{name: main, fuse_amps: 125}]\n"
         "chargers: [{identity: A, connectors: [{connector_id: 1, max_amperage: 16}]}]", "supply.main_fuse_amps"),
    ],
)  # fmt: skip
def test_a_refused_value_causes_no_second_mistake(tmp_path: Path, yaml: str, refused: str) -> None:
    """A key with a refused value is set; no second mistake says that it is not."""
    file = tmp_path / "x.yaml"
    supply = "" if "supply" in yaml else "supply: {net_type: TN, main_fuse_amps: 125}\n"
    file.write_text(f"site: {SITE}\n{supply}{yaml}\n")
    with pytest.raises(SiteFileError) as caught:
        load_site(file)
    assert [item.mistake.place for item in caught.value.mistakes] == [refused], caught.value.lines


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", ":1:1: is empty; it needs site, supply and chargers"),
        (b"- a\n", ":1:1: is not a site file; a site file needs site, supply and chargers"),
        (b"ghp_secret\n", ":1:1: is not a site file; a site file needs site, supply and chargers"),
        (b"site: ghp_secret\n", ":1:1: is not a site file; a site file needs site, supply and chargers"),
        (b"ghp_secret: 016\n", ":1:1: is not a site file; a site file needs site, supply and chargers"),
        (
            b"a: &ghp_secret x\n",
            ":1:4: is not a site file, and not valid YAML from here on; a site file needs site, supply and chargers",
        ),
        (
            b"!ghp_secret x\n",
            ":1:1: is not a site file, and not valid YAML from here on; a site file needs site, supply and chargers",
        ),
        (b"a: \xff", ": is not UTF-8 text (byte 4); save it as UTF-8"),
        (b"#" * (2 << 20), ": is larger than 1 MiB; is it the right file?"),
    ],
    ids=["empty", "list", "token", "one key", "key", "anchor", "tag", "latin-1", "large"],
)  # fmt: skip
def test_files_that_are_not_site_files(content: bytes, line: str, tmp_path: Path) -> None:
    """One line each, which shows nothing of what may be a secret."""
    file = tmp_path / "x.yaml"
    file.write_bytes(content)
    with pytest.raises(SiteFileError) as caught:
        load_site(file)
    assert caught.value.lines == [f"{file}{line}"]


def connectors(count: int) -> list[dict[str, Any]]:
    return [{"connector_id": number, "phase_rotation": "RST", "max_amperage": 16} for number in range(1, count + 1)]


def test_a_file_has_at_most_500_groups_and_5000_connectors() -> None:
    """Counted before anything that takes longer the more there are; exactly as many are accepted."""
    groups = [{"name": f"g{number}", "parent": f"g{number - 1}"} for number in range(501)]
    groups[0].pop("parent")
    chargers = [{"identity": "A", "connectors": connectors(4000)}, {"identity": "B", "connectors": connectors(1000)}]
    site = build_site({**plain(), "groups": groups[:500], "chargers": chargers}, "here")
    assert len(assess_site(site).figures.groups) == 500
    assert find({**plain(), "groups": groups}) == ["groups: has 501 groups; allowed: at most 500 in a file"]
    chargers[1]["connectors"] = connectors(1001)
    assert find({**plain(), "chargers": chargers}) == ["chargers: has 5001 connectors; allowed: at most 5000 in a file"]
    empty: list[dict[str, Any]] = [{}] * 5001
    assert find({**plain(), "chargers": empty}) == ["chargers: has 5001 connectors; allowed: at most 5000 in a file"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("chargers: {" + ", ".join(f"k{n}: {n}" for n in range(200)) + "}", "more than 100 keys"),
        ("chargers: [" + "1, " * 999 + "]", "more than 500 entries"),
        ("chargers: [" + "[1, 2, 3, 4, 5, 6, 7, 8, 9], " * 120 + "]", "more than 1,000 values"),
        ("chargers: [" + "016, " * 1000 + "]", "more than 100 mistakes"),
        ("chargers: " + "[" * 100_000, "nested more than 20 levels deep"),
    ],
    ids=["keys", "entries", "values", "mistakes", "levels"],
)
def test_reading_stops_where_no_site_file_is(
    text: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the first of too many, and not at the end of the file. The real bounds are larger."""
    assert (yaml_text._MAX_VALUES, yaml_text._MOST_KEYS, yaml_text._MOST_ENTRIES) == (80_000, 100, 10_000)
    monkeypatch.setattr(yaml_text, "_MAX_VALUES", 1000)
    monkeypatch.setattr(yaml_text, "_MOST_ENTRIES", 500)
    file = tmp_path / "x.yaml"
    file.write_text(text)
    with pytest.raises(SiteFileError) as caught:
        load_site(file)
    assert any(f": {reason}" in line for line in caught.value.lines)
    assert len(caught.value.lines) <= 102


def test_of_thousands_of_mistakes_a_hundred_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The closest word is looked for a hundred times, not thousands of times."""
    looked: list[str] = []
    closest = difflib.get_close_matches

    def look(word: str, known: list[str], n: int) -> list[str]:
        looked.append(word)
        return closest(word, known, n)

    monkeypatch.setattr(difflib, "get_close_matches", look)
    wrong = [{"identity": f"A{n}", "conectors": [], "group": "mian", "connectors": connectors(1)} for n in range(2000)]
    lines = find({**plain(), "chargers": wrong})
    assert "chargers[0].conectors: unknown key; did you mean connectors?" in lines
    assert "chargers[0].group: 'mian' is not a group of this file; did you mean main?" in lines
    assert 100 <= len(lines) <= 210
    assert len(looked) <= 210


def test_on_destroy_is_found_through_500_groups() -> None:
    """Each group's value, or that of the nearest group above, whatever the order of the file is."""
    groups = [{"name": f"g{number}", "parent": f"g{number + 1}"} for number in range(499)]
    groups[250]["on_destroy"] = "restore"
    groups = [{"name": "g499"}, *groups]
    chargers = [{"identity": f"A{n}", "group": f"g{n}", "connectors": connectors(1)} for n in range(499)]
    site = build_site({**plain(), "groups": groups, "chargers": chargers, "on_destroy": "retain"}, "here")
    for number, charger in enumerate(site.chargers):
        expected = "restore" if number <= 250 else "retain"
        assert site.on_destroy_of(charger, charger.connectors[0]) == expected
        assert site.on_adopt_of(charger, charger.connectors[0]) == "overwrite"


def test_a_path_without_a_file(tmp_path: Path) -> None:
    """The message names the files that are there."""
    (tmp_path / "b.yaml").touch()
    (tmp_path / "a.yml").touch()
    for path, text in (
        (tmp_path, "is a folder; name the site file in it"),
        (tmp_path / "x.yaml", f"there is no such file; {tmp_path} has a.yml, b.yaml"),
        (tmp_path / "sites" / "x.yaml", "there is no such file; create it"),
    ):
        with pytest.raises(SiteFileError) as caught:
            load_site(path)
        assert caught.value.lines == [f"{path}: {text}"]


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path) -> None:
    """Some editors write them."""
    file = tmp_path / "x.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + HARBOUR.read_bytes().replace(b"\n", b"\r\n"))
    assert load_site(file) == load_site(HARBOUR)


def test_the_schema_and_the_models_agree() -> None:
    """On a full site file, and on each single mistake that a schema can express."""
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text()))
    validator.check_schema(validator.schema)
    assert validator.is_valid(parse(HARBOUR.read_text()).data)
    assert validator.is_valid(plain())
    for path, value in (
        (("site",), "x"),
        (("lable",), "x"),
        (("supply", "main_fuse_amps"), "125"),
        (("supply", "main_fuse_amps"), 0),
        (("chargers",), []),
        (("chargers", 0, "connectors", 0, "phase_rotation"), "RTX"),
        (("chargers", 0, "connectors", 0, "max_amperage"), 1001),
    ):
        assert not validator.is_valid(changed(path, value)), path
        assert find(changed(path, value))


def test_every_key_of_the_schema_has_a_hover_text() -> None:
    """Currents have their unit."""
    schema = json.loads(SCHEMA_FILE.read_text())
    count = 0
    for model in (schema, *schema["$defs"].values()):
        for name, field in model["properties"].items():
            count += 1
            assert field.get("description"), name
            if "amps" in name or name == "max_amperage":
                assert re.search(r"\bA\b", field["description"]), name
    assert count > 40


@given(st.one_of(st.none(), st.sampled_from(PHASE_ROTATIONS)), st.one_of(st.none(), st.integers(1, 1000)))
def test_settings_survive_their_stored_form(rotation: str | None, amps: int | None) -> None:
    """`RST 16 A`, `RST`, `16 A`."""
    assert parse_settings(format_settings(rotation, amps)) == (rotation, amps)


def test_order_and_labels_are_not_stored() -> None:
    """Nor is a plan: two files that differ only in these have the same definition."""
    site = load_site(HARBOUR)
    other = site.model_dump(exclude_none=True)
    other["chargers"].reverse()
    other["label"] = "Port"
    for charger in other["chargers"]:
        charger["label"] = "x"
        for connector in charger["connectors"]:
            connector.pop("planned_rotation", None)
    assert make_definition(SiteFile.model_validate(other)) == make_definition(site)


junk: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["site", "supply", "groups", "chargers", "connectors", "name", "identity", "limits", "x"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@given(junk)
def test_any_data_is_a_site_or_has_mistakes(data: Any) -> None:
    """It raises no other exception."""
    with pytest.raises(SiteFileError) as caught:
        build_site(data, "here")
    assert caught.value.lines
    assert all(line.startswith("here: ") and line == printable(line, 3000) for line in caught.value.lines)
