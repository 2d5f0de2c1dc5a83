"""The comparison of two versions of a site file: no key is left out, and the dangerous ones come first."""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pulumi_plugchoice.review.compare import RANKS, compare_sites
from pulumi_plugchoice.sitefile.load import build_site, load_site
from pulumi_plugchoice.sitefile.model import PARTS, SiteFile
from support.sites import review_markdown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi_plugchoice.review.compare import Change
    from pydantic import BaseModel

SITE = "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7"
OTHER_SITE = "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c8"

#: A site with every key. What a key is mutated to below is another value that is valid here.
FULL: dict[str, Any] = {
    "site": SITE,
    "label": "Harbour",
    "supply": {"net_type": "TN", "neutral": True, "main_fuse_amps": 250, "safety_margin_percent": 5},
    "building_peak_amps": {"L1": 18, "L2": 11, "L3": 9},
    "limits": {
        "single_phase_amps": 200,
        "three_phase_amps": 200,
        "full_imbalance_amps": 200,
        "worst_imbalance_amps": 200,
        "presets": ["DE-4.6kVA"],
    },
    "groups": [
        {"name": "main", "group_id": 801},
        {"name": "garage", "group_id": 812, "parent": "main", "fuse_amps": 40},
        {"name": "deck", "group_id": 813, "parent": "main", "fuse_amps": 63},
        {"name": "roof", "group_id": 814, "parent": "garage", "on_adopt": "match", "on_destroy": "restore"},
    ],
    "defaults": {"group": "garage", "breaker_amps": 20, "max_amperage": 16},
    "chargers": [
        {
            "label": "bay-1",
            "identity": "HRB-001",
            "uuid": "5f0c3c1e-0000-4000-8000-000000000001",
            "group": "roof",
            "breaker_amps": 40,
            "max_current": 32,
            "rewirable": False,
            "connectors": [
                {
                    "connector_id": 1,
                    "phase_rotation": "RST",
                    "planned_rotation": "STR",
                    "max_amperage": 16,
                    "managed": True,
                    "on_adopt": "match",
                    "on_destroy": "restore",
                },
                {"connector_id": 2, "phase_rotation": "RST", "max_amperage": 16},
            ],
        },
        {
            "identity": "HRB-002",
            "ac_input_amps": 38,
            "connectors": [{"connector_id": 1, "managed": False, "dc": True}],
        },
        {"identity": "HRB-003", "connectors": [{"connector_id": 1, "phase_rotation": "TRS"}]},
    ],
    "on_adopt": "match",
    "on_destroy": "restore",
}
#: Where the mutated part of each model is.
PLACES: dict[str, tuple[Any, ...]] = {
    "SiteFile": (),
    "supply": ("supply",),
    "building_peak_amps": ("building_peak_amps",),
    "limits": ("limits",),
    "groups": ("groups", 3),
    "defaults": ("defaults",),
    "chargers": ("chargers", 0),
    "connectors": ("chargers", 0, "connectors", 0),
}
#: Another value, where a higher number or the other truth value is none.
OTHERS: dict[str, Any] = {
    "site": OTHER_SITE,
    "label": "Another name",
    "net_type": "TT",
    "presets": ["AT-16A"],
    "name": "attic",
    "parent": "deck",
    "group": "deck",
    "identity": "HRB-009",
    "uuid": "5f0c3c1e-0000-4000-8000-000000000009",
    "phase_rotation": "TRS",
    "planned_rotation": "TRS",
    "on_adopt": "overwrite",
    "on_destroy": "retain",
    "connector_id": 9,
}
#: Keys that cannot be left out here.
REQUIRED = {"site", "net_type", "main_fuse_amps", "L1", "L2", "L3", "name", "parent", "connector_id"}


def fields() -> Iterator[tuple[str, str]]:
    """Every key of every model."""
    models: dict[str, type[BaseModel]] = {"SiteFile": SiteFile, **PARTS}
    for part, model in models.items():
        for name in model.model_fields:
            if name not in PARTS:
                yield part, name


FIELDS = list(fields())


def mutate(part: str, name: str, *, unset: bool = False) -> tuple[dict[str, Any], Any, Any]:
    """A file in which one key has another value, or is not set; with the values before and after."""
    definition = copy.deepcopy(FULL)
    place = PLACES[part]
    if name == "ac_input_amps":
        place = ("chargers", 1)
    elif name == "dc":
        place = ("chargers", 1, "connectors", 0)
    elif name == "fuse_amps":
        place = ("groups", 1)
    entry = definition
    for key in place:
        entry = entry[key]
    if name == "managed":
        for setting in ("phase_rotation", "max_amperage", "planned_rotation"):
            entry.pop(setting, None)
    if unset and name == "phase_rotation":
        del entry["planned_rotation"]
    old = entry[name]
    if unset:
        del entry[name]
        return definition, old, None
    new = OTHERS[name] if name in OTHERS else not old if isinstance(old, bool) else old + 1
    entry[name] = new
    if name == "name":
        definition["chargers"][0]["group"] = new
    return definition, old, new


def compare(definition: dict[str, Any], before: dict[str, Any] = FULL) -> list[Change]:
    return compare_sites(build_site(before, "x"), build_site(definition, "x"))


def render(definition: dict[str, Any], before: dict[str, Any] = FULL) -> str:
    return review_markdown(build_site(before, "x"), build_site(definition, "x"))


@pytest.mark.parametrize(("part", "name"), FIELDS, ids=[".".join(field) for field in FIELDS])
def test_every_key_of_a_site_file_has_a_line_in_the_review(part: str, name: str) -> None:
    """With the value before and after. A key that a later version adds is found here, too."""
    for unset in (False, True)[: 1 if name in REQUIRED else 2]:
        definition, old, new = mutate(part, name, unset=unset)
        changes = [change for change in compare(definition) if change.path[-1] == name]
        if name in {"name", "connector_id"}:  # an entry is found by it: the old one is gone, another one is new
            changes = [change for change in compare(definition) if change.key in {"whole group", "whole connector"}]
            assert {change.path[-1] for change in changes} == {str(old), str(new)}
        elif (name, unset) != ("identity", True):
            assert len(changes) == 1
        text = render(definition)
        assert "no change" not in text
        rows = "\n".join(line for line in text.splitlines() if line.startswith("| "))
        for value in (old, new):
            shown = value[0] if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else value
            assert str("not set" if value is None else shown) in rows, f"{part}.{name}: {value} is not in a table"


def test_every_key_has_a_rank() -> None:
    """A new one has to be ranked; until then it stands among those to look at first."""
    assert {name for _, name in FIELDS} == set(RANKS)


def test_order_layout_and_comments_are_no_change() -> None:
    """Chargers, groups and keys in another order."""
    definition = copy.deepcopy(FULL)
    definition["chargers"].reverse()
    definition["groups"][1:] = reversed(definition["groups"][1:])
    shuffled = dict(reversed(definition.items()))
    assert compare(shuffled) == []
    assert ": no change; TN with neutral" in render(shuffled)


def test_a_default_that_is_written_out_is_listed_without_effect() -> None:
    """The file says more than before, and the site stays the same."""
    for path, value in (
        (("chargers", 2, "rewirable"), True),
        (("chargers", 2, "connectors", 0, "managed"), True),
        (("chargers", 2, "connectors", 0, "max_amperage"), 16),
        (("chargers", 2, "breaker_amps"), 20),
        (("chargers", 2, "group"), "garage"),
        (("chargers", 2, "connectors", 0, "on_destroy"), "restore"),
    ):
        definition = copy.deepcopy(FULL)
        entry: Any = definition
        for key in path[:-1]:
            entry = entry[key]
        entry[path[-1]] = value
        (change,) = compare(definition)
        assert (change.key, change.old) == (path[-1], None)
        assert change.meaning.startswith("no effect: ")
        assert "no effect: " in render(definition)


HARBOUR = Path(__file__).parent.parent / "fixtures" / "sites" / "harbour.yaml"
#: Edits that `review` once called "no charger changed": the text before and after, and the row that shows it.
HIDDEN = {
    "site UUID": (
        "site: 0b6c1d2e-3f40",
        "site: 0b6c1d2e-3f41",
        "| `site` | site | `0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7` | `0b6c1d2e-3f41-4a51-8b62-7c8394a5b6c7` | another "
        "site: chargers are looked up there; limits and fuses are compared with it |",
    ),
    "rewirable": (
        "rewirable: false, ",
        "",
        "| `office (HRB-005)` | rewirable | `false` | not set | a plan may rewire it |",
    ),
    "on_destroy": (
        "label: Harbour",
        "label: Harbour\non_destroy: restore",
        "| `site` | on_destroy | not set | `restore` | 5 connectors when no longer managed: get back the values from "
        "before they were managed |",
    ),
    "breaker": (
        "breaker_amps: 40",
        "breaker_amps: 63",
        "| `quay (HRB-004)` | breaker_amps | `40 A` | `63 A` | Plugchoice recommends at most 80 % of it, 50 A |",
    ),
    "ac_input_amps": (
        "ac_input_amps: 38",
        "ac_input_amps: 12",
        "| `dc-1 (HRB-006)` | ac_input_amps | `38 A` | `12 A` | counted on each line as a DC charger, 38 A before |",
    ),
    "group": (
        "identity: HRB-005, group: main",
        "identity: HRB-005, group: garage",
        "| `office (HRB-005)` | group | `main` | `garage` | counts for the fuse of that group |",
    ),
    "limit": (
        "single_phase_amps: 118",
        "single_phase_amps: 110",
        "| `site` | limits.single_phase_amps | `118 A` | `110 A` | exceeded, as before: 120 A on L1 |",
    ),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_an_edit_that_moves_no_letter_has_its_line(name: str, tmp_path: Path) -> None:
    """Each of them changes what an apply does, or what a reviewer relies on."""
    old, new, row = HIDDEN[name]
    text = HARBOUR.read_text()
    assert old in text
    file = tmp_path / "after.yaml"
    file.write_text(text.replace(old, new, 1))
    lines = review_markdown(load_site(HARBOUR), load_site(file)).splitlines()
    assert row in lines
    assert "no change" not in lines[0]
    assert ("Look at these first" in "\n".join(lines)) is (name != "rewirable")


def test_a_limit_says_whether_it_is_exceeded_at_once() -> None:
    """Lower, higher, gone, new."""
    definition = copy.deepcopy(FULL)
    for amps, meaning in ((40, "exceeded at once: "), (190, "not exceeded"), (None, "no limit any more")):
        definition["limits"]["single_phase_amps"] = amps
        if amps is None:
            del definition["limits"]["single_phase_amps"]
        (change,) = compare(definition)
        assert change.meaning.startswith(meaning)


def test_a_limit_without_a_neutral_only_warns() -> None:
    """As a preview says."""
    definition = copy.deepcopy(FULL)
    definition["limits"] = {"single_phase_amps": 40, "worst_imbalance_amps": 500}
    assert "- limit worst_imbalance_amps (500 A): not exceeded" in render(definition)
    assert "**; a preview fails if this makes the live site worse" in render(definition)
    definition["supply"] = {"net_type": "IT", "main_fuse_amps": 250}
    text = render(definition)
    assert "a preview fails" not in text.replace("a preview fails if live values differ", "")
    assert "**; warning only: the supply has no neutral" in text
    not_computed = "not computed, because the supply has no neutral"
    assert f"- limit worst_imbalance_amps (500 A): {not_computed}" in text
    assert f"| limits.worst_imbalance_amps | `200 A` | `500 A` | {not_computed} |" in text


@pytest.mark.parametrize("given", [{"net_type": "IT"}, {"net_type": "TN", "neutral": False}], ids=["net", "neutral"])
def test_a_supply_without_neutral_takes_the_effect_from_the_limits(given: dict[str, Any]) -> None:
    """No limit changes, and none fails a preview any more."""
    before, after = ({**FULL, "supply": {**supply, "main_fuse_amps": 250}} for supply in ({"net_type": "TN"}, given))
    (change,) = compare(after, before)
    assert change.meaning.endswith(" without neutral; limits only warn now")
    (change,) = compare(before, after)
    assert change.meaning.endswith(" with neutral; an exceeded limit can fail a preview now")
    assert compare({**FULL, "supply": {"net_type": "TT", "main_fuse_amps": 250}}, before)[0].meaning.endswith(
        "TN with neutral → TT with neutral"
    )


def test_the_most_dangerous_change_comes_first() -> None:
    """Everything at once."""
    definition = copy.deepcopy(FULL)
    definition |= {"site": OTHER_SITE, "label": "New", "on_destroy": "retain", "on_adopt": "overwrite"}
    definition["supply"]["safety_margin_percent"] = 0
    definition["groups"][2]["fuse_amps"] = 50
    definition["limits"]["three_phase_amps"] = 100
    definition["defaults"] = {"group": "deck", "breaker_amps": 25, "max_amperage": 10}
    definition["chargers"][0] |= {"identity": "HRB-009", "rewirable": True, "group": "main"}
    definition["chargers"][2]["connectors"][0] = {"connector_id": 1, "managed": False}
    keys = [change.key for change in compare(definition)]
    assert keys == [
        "site",
        "supply.safety_margin_percent",
        "fuse_amps",
        "defaults.breaker_amps",
        "limits.three_phase_amps",
        "defaults.group",
        "group",
        "managed",
        "on_destroy",
        "on_adopt",
        "identity",
        "defaults.max_amperage",
        "phase_rotation",
        "rewirable",
        "label",
    ]
    text = render(definition)
    places = [text.index(f"| {key} |") for key in keys if key != "phase_rotation"]
    assert places == sorted(places)


def test_a_charger_that_is_gone_is_named_with_what_becomes_of_its_values() -> None:
    """One of the entries of a list, with all its keys."""
    definition = copy.deepcopy(FULL)
    del definition["chargers"][0]["connectors"][1]
    del definition["chargers"][2]
    changes = {change.place: change for change in compare(definition)}
    assert set(changes) == {"bay-1 (HRB-001), connector 2", "HRB-003", "HRB-003, connector 1"}
    assert changes["HRB-003"].old == "identity: HRB-003"
    assert changes["HRB-003, connector 1"].old == "connector_id: 1, phase_rotation: TRS"
    assert {change.new for change in changes.values()} == {None}
    assert all(change.is_dangerous for change in changes.values())
    assert changes["HRB-003"].meaning == "no longer declared; gets back the values from before it was managed"
    added = {change.place: change for change in compare(FULL, definition)}
    assert added["HRB-003, connector 1"].new == "connector_id: 1, phase_rotation: TRS"
    assert not any(change.is_dangerous for change in added.values())


def test_a_charger_keeps_its_line_under_another_name() -> None:
    """By identity first, which is its name in the stack, then by UUID."""
    uuid = FULL["chargers"][0]["uuid"]
    for given, key, meaning in (
        ({"uuid": "5f0c3c1e-0000-4000-8000-00000000000a"}, "uuid", "another charger: its connectors are replaced"),
        ({"uuid": uuid.upper()}, "uuid", "the same UUID, written differently"),
        ({"uuid": None}, "uuid", "now the identity decides which charger it is; if that is another one, its"),
        ({"identity": None}, "identity", "a second name of the same charger"),
        ({"identity": "HRB-9"}, "identity", "the same UUID under another identity: its connectors have another name"),
    ):
        definition = copy.deepcopy(FULL)
        charger = {name: value for name, value in {**definition["chargers"][0], **given}.items() if value is not None}
        definition["chargers"][0] = charger
        (change,) = compare(definition)
        assert change.key == key
        assert change.meaning.startswith(meaning)
        assert change.is_dangerous


def test_a_uuid_beside_an_identity_may_be_that_of_another_charger() -> None:
    """Nobody knows without asking Plugchoice, so the review does not say that it is the same one."""
    definition = copy.deepcopy(FULL)
    definition["chargers"][2]["uuid"] = definition["chargers"][0].pop("uuid")  # of another charger of this file
    meanings = {change.place: change.meaning for change in compare(definition)}
    assert meanings == {
        "bay-1 (HRB-001)": "now the identity decides which charger it is; if that is another one, its connectors are "
        "replaced",
        "HRB-003": "now the UUID decides which charger it is; if that is another one, its connectors are replaced",
    }


def test_a_setting_that_is_no_longer_managed_has_its_line() -> None:
    """In the table of connectors only half of a cell is gone."""
    definition = copy.deepcopy(FULL)
    for setting in ("phase_rotation", "planned_rotation"):
        del definition["chargers"][0]["connectors"][0][setting]
    text = render(definition)
    assert "| `bay-1 (HRB-001)` | 1 | L1 | RST 16 A → 16 A |  |" in text
    assert "| `bay-1 (HRB-001), connector 1` | phase_rotation | `RST` | not set | rotation no longer managed |" in text


def test_what_connectors_inherit_is_counted() -> None:
    """`on_destroy` of a group, of the site, and through another group."""
    definition = copy.deepcopy(FULL)
    definition["groups"][3]["on_destroy"] = "retain"
    (change,) = compare(definition)
    assert change.meaning == "1 connector when no longer managed: Plugchoice keeps its values"
    definition = copy.deepcopy(FULL)
    definition["on_destroy"] = "retain"
    (change,) = compare(definition)
    assert change.meaning == "1 connector when no longer managed: Plugchoice keeps its values"
    definition = copy.deepcopy(FULL)
    definition["on_destroy"] = "retain"
    definition["groups"][3]["on_destroy"] = "restore"
    before = copy.deepcopy(definition)
    definition["chargers"][0]["group"] = "main"
    (change,) = compare(definition, before)
    assert change.meaning == "counts for the fuse of that group; on_destroy is now retain for 1 connector"


@pytest.mark.parametrize(
    ("edits", "meanings"),
    [
        (
            {"defaults": {"group": "west"}},
            {"defaults.group": "counts for 2 chargers; on_destroy is now restore for 2 connectors; on_adopt is now"},
        ),
        (
            {"groups": [{"name": "hall", "on_destroy": "restore"}]},
            {
                "main": "no longer a group; 2 chargers count elsewhere; on_destroy is now restore for 2 connectors",
                "hall": "2 chargers count for it; on_destroy is now restore for 2 connectors",
            },
        ),
        (
            {"groups": [{"name": "main"}, {"name": "north", "parent": "main", "on_adopt": "match"}]}
            | {"defaults": {"group": "north"}},
            {"north": "2 chargers count for it; on_adopt is now match for 2 connectors"},
        ),
    ],
    ids=["default group", "another root", "new group"],
)
def test_what_a_default_or_new_group_brings_with_it_is_said(edits: dict[str, Any], meanings: dict[str, str]) -> None:
    """Chargers that name no group get another one, and its `on_destroy` and `on_adopt`, without a line of their own."""
    before = {
        "site": SITE,
        "supply": {"net_type": "TN", "main_fuse_amps": 100},
        "groups": [
            {"name": "main"},
            {"name": "west", "parent": "main", "on_destroy": "restore", "on_adopt": "match"},
        ],
        "chargers": [
            {"identity": name, "connectors": [{"connector_id": 1, "phase_rotation": "RST"}]} for name in ("A", "B")
        ],
    }
    after = {key: value for key, value in (before | edits).items() if value is not None}
    found = {
        change.path[-1] if change.key == "whole group" else change.key: change for change in compare(after, before)
    }
    for key, meaning in meanings.items():
        assert found[key].meaning.startswith(meaning)
        assert found[key].is_dangerous


def test_a_label_of_blanks_is_shown_in_quotes() -> None:
    """It is set, and nobody would see it; the site is then called by its UUID."""
    definition = copy.deepcopy(FULL)
    definition["label"] = definition["chargers"][0]["label"] = " "
    text = render(definition)
    assert text.startswith(f"### `{SITE}`: ")
    assert "| `site` | label | `Harbour` | `' '` |" in text
    assert "| `HRB-001` | label | `bay-1` | `' '` |" in text


def test_what_several_keys_change_is_counted_where_it_belongs() -> None:
    """A group and those below it; a connector alone; all of the site."""
    definition = copy.deepcopy(FULL)
    definition["groups"][1]["on_destroy"] = "retain"
    definition["on_adopt"] = "overwrite"
    connectors = definition["chargers"][0]["connectors"]
    connectors[0]["on_destroy"] = "retain"
    connectors[1]["on_adopt"] = "overwrite"
    meanings = {(change.place, change.key): change.meaning for change in compare(definition)}
    keeps, overwrites = "Plugchoice keeps its values", "live values that differ are overwritten"
    assert meanings == {
        # `roof`, which is below, sets its own.
        ("group garage", "on_destroy"): f"2 connectors when no longer managed: {keeps.replace('its', 'their')}",
        ("bay-1 (HRB-001), connector 1", "on_destroy"): f"1 connector when no longer managed: {keeps}",
        ("bay-1 (HRB-001), connector 2", "on_adopt"): f"1 connector when first managed: {overwrites}",
        ("site", "on_adopt"): f"2 connectors when first managed: {overwrites}",
    }


def test_a_maximum_current_in_place_of_the_default_is_listed_beside_the_connector() -> None:
    """The table of connectors shows what counts; the file has another key."""
    definition = copy.deepcopy(FULL)
    definition["chargers"][2]["connectors"][0] |= {"phase_rotation": "RST", "max_amperage": 10}
    text = render(definition)
    assert "| `HRB-003` | 1 | L3 → L1 | TRS 16 A → RST 10 A | ☐ |" in text
    assert "| `HRB-003, connector 1` | max_amperage | not set | `10 A` | 10 A count |" in text
    definition["chargers"][2]["connectors"][0]["max_amperage"] = 16
    assert "| max_amperage | not set | `16 A` | no effect: the value that counts stays the same |" in render(definition)


def test_a_large_site_takes_seconds() -> None:
    """Every connector with another `on_destroy` of its own, in groups that all have another parent."""

    def make(policy: str, parent: str) -> dict[str, Any]:
        return {
            "site": SITE,
            "supply": {"net_type": "TN", "main_fuse_amps": 9000},
            "groups": [
                {"name": "main"},
                *({"name": name, "parent": "main"} for name in ("east", "west")),
                *({"name": f"g{number}", "parent": parent} for number in range(60)),
            ],
            "chargers": [
                {
                    "identity": f"C-{number}",
                    "group": f"g{number % 60}",
                    "connectors": [
                        {"connector_id": 1, "phase_rotation": "RST", "max_amperage": 16, "on_destroy": policy}
                    ],
                }
                for number in range(600)
            ],
        }

    before, after = build_site(make("retain", "east"), "x"), build_site(make("restore", "west"), "x")
    start = time.process_time()
    changes = compare_sites(before, after)
    assert len(changes) == 660
    assert time.process_time() - start < 2
