"""Plans, pictures, reports and the commands that print them. Snapshots: tests/fixtures/site-reports."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from pulumi_plugchoice import plan_rotation
from pulumi_plugchoice.cli.group import plugchoice
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.review.svg import draw_amps_per_line, draw_chargers
from pulumi_plugchoice.sitefile.load import build_site, load_site
from pulumi_plugchoice.sitefile.plan import insert_plan, mark_rewired
from support.sites import review_markdown

if TYPE_CHECKING:
    from click.testing import Result
    from pulumi_plugchoice.sitefile.model import SiteFile

FIXTURES = Path(__file__).parent.parent / "fixtures"
HARBOUR = FIXTURES / "sites" / "harbour.yaml"
TURNED = "HRB-001, connectors: [{{connector_id: 1, phase_rotation: TRS}}]"
HOSTILE = "<!-- @octocat |`#1 https://evil.example"
SNAPSHOTS = FIXTURES / "site-reports"


@pytest.fixture
def harbour(tmp_path: Path) -> Path:
    """A copy of the site file that a test can change."""
    file = tmp_path / "harbour.yaml"
    file.write_bytes(HARBOUR.read_bytes())
    return file


def many(count: int, *, net_type: str = "TN") -> SiteFile:
    """A site with this number of chargers, every third with two sockets and a plan."""
    rotations = ("RST", "STR", "TRS")
    chargers = []
    for number in range(count):
        connectors = [{"connector_id": 1, "phase_rotation": rotations[number % 3 // 2], "max_amperage": 16}]
        if number % 3 == 0:
            connectors.append(
                {"connector_id": 2, "phase_rotation": "STR", "max_amperage": 16, "planned_rotation": "TRS"}
            )
        chargers.append({"label": f"bay {number}", "identity": f"DEP-{number:03}", "connectors": connectors})
    supply = {"net_type": net_type, "main_fuse_amps": 25 * count}
    return build_site({"site": "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7", "supply": supply, "chargers": chargers}, "x")


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(plugchoice, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


# ---------------------------------------------------------------- plans in files


def test_a_plan_is_written_and_nothing_else_changes(harbour: Path) -> None:
    """`planned_rotation` only; comments, order and layout stay, and so does `phase_rotation`."""
    plan = plan_rotation(harbour)
    before = harbour.read_text()

    after = insert_plan(harbour, plan)

    assert re.sub(r", planned_rotation: [RST]+", "", after) == re.sub(r", planned_rotation: [RST]+", "", before)
    harbour.write_text(after)
    planned = {
        charger.key: {item.connector_id: item.planned_rotation for item in charger.connectors if item.planned_rotation}
        for charger in load_site(harbour).chargers
    }
    assert {key: value for key, value in planned.items() if value} == {
        visit.charger: dict(visit.after) for visit in plan.visits
    }
    assert "HRB-005" not in {visit.charger for visit in plan.visits}, "rewirable: false"
    assert insert_plan(harbour, plan_rotation(harbour)) == after, "planning again changes nothing"


def test_only_the_rewired_charger_takes_over_its_plan(harbour: Path) -> None:
    """By identity or label; the others keep their plan."""
    harbour.write_text(insert_plan(harbour, plan_rotation(harbour)))
    planned = {charger.key: charger for charger in load_site(harbour).chargers}["HRB-004"]

    harbour.write_text(mark_rewired(harbour, "quay"))

    chargers = {charger.key: charger for charger in load_site(harbour).chargers}
    assert [item.phase_rotation for item in chargers["HRB-004"].connectors] == [
        item.planned_rotation for item in planned.connectors
    ]
    assert all(item.planned_rotation is None for item in chargers["HRB-004"].connectors)
    assert chargers["HRB-003"].connectors[0].phase_rotation == "RST"
    assert chargers["HRB-003"].connectors[0].planned_rotation is not None
    for name, words in (
        ("quay", "has no planned_rotation"),
        ("nope", "no charger is called 'nope'; chargers with plan"),
        ("Bay-3", "no charger is called 'Bay-3'; closest: 'bay-3'; chargers with plan"),
    ):
        with pytest.raises(PlugchoiceError, match=words):
            mark_rewired(harbour, name)


def test_a_twin_is_planned_as_a_whole(harbour: Path) -> None:
    """Also a socket that is not counted: both are on one cable. The plan names what is not counted."""
    text = harbour.read_text().replace("breaker_amps: 20, max_amperage: 16}", "breaker_amps: 20}")
    text = text.replace("phase_rotation: STR, max_amperage: 32", "phase_rotation: STR")
    harbour.write_text(text.replace("phase_rotation: RST, max_amperage: 32", "phase_rotation: S, max_amperage: 32"))
    plan = plan_rotation(harbour)
    assert "HRB-004" in {visit.charger for visit in plan.visits}
    harbour.write_text(insert_plan(harbour, plan))
    quay = next(charger for charger in load_site(harbour).chargers if charger.key == "HRB-004")
    assert all(connector.planned_rotation for connector in quay.connectors)
    assert "not counted: HRB-004/2 (live values not known)" in run("plan", harbour).output
    assert "- not counted: `HRB-004/2" in run("plan", "--markdown", harbour).output


def test_a_review_lists_removed_chargers_and_no_live_values(harbour: Path, tmp_path: Path) -> None:
    """It compares two files. Only a preview sees live values."""
    after = tmp_path / "after.yaml"
    lines = [line for line in harbour.read_text().splitlines() if "HRB-003" not in line]
    after.write_text("\n".join(lines).replace("main_fuse_amps: 125", "main_fuse_amps: 100") + "\n")
    text = run("review", after, "--before", harbour).output
    assert "1 charger changed" in text
    assert "RST 16 A → no longer declared" in text
    assert "| `site` | supply.main_fuse_amps | `125 A` | `100 A` | 118 → 95 A usable per line; " in text
    assert "| `bay-3 (HRB-003)` | whole charger | `label: bay-3, identity: HRB-003` | not set |" in text
    assert "refused" not in text
    assert " now" not in text.partition("Letters are declared")[0]


# ---------------------------------------------------------------- pictures and reports


def pictures() -> dict[str, str]:
    """Every picture, small and large, with and without neutral."""
    harbour = load_site(HARBOUR)
    plan, large = plan_rotation(harbour), plan_rotation(many(60, net_type="IT"))
    return {
        "amps.svg": draw_amps_per_line("Harbour: amps per line", plan.before, plan.after),
        "amps-after.svg": draw_amps_per_line("Harbour: amps per line", None, plan.after),
        "amps-60.svg": draw_amps_per_line("Depot: amps per line", large.before, large.after),
        "chargers-3.svg": draw_chargers(many(3)),
        "chargers-5.svg": draw_chargers(harbour),
        "chargers-60.svg": draw_chargers(many(60)),
    }


def reports(folder: Path) -> dict[str, str]:
    """Every report, as the commands print them."""
    planned = folder / "planned.yaml"
    planned.write_text(insert_plan(HARBOUR, plan_rotation(HARBOUR)))
    for visit in plan_rotation(HARBOUR).visits:
        planned.write_text(mark_rewired(planned, visit.charger))
    return {
        "plan.md": run("plan", "--markdown", HARBOUR).output,
        "sheet.md": run("sheet", HARBOUR).output,
        "review.md": run("review", planned, "--before", HARBOUR).output,
        "review-site.md": run("review", HARBOUR).output,
        **{f"review-{name}.md": text for name, text in reviews(folder).items()},
    }


def reviews(folder: Path) -> dict[str, str]:
    """Reviews of edits to the same file."""
    edits = {
        "no-change": (("# without chargers", "# elsewhere"),),
        "one-bay": (("HRB-001, connectors: [{connector_id: 1, phase_rotation: RST}]", TURNED),),
        "another-site": (("site: 0b6c1d2e", "site: 0b6c1d2f"),),
        "limits": (
            ("single_phase_amps: 118", "three_phase_amps: 150, single_phase_amps: 100"),
            ("full_imbalance_amps: 20", "{}: 90"),
        ),
        "hostile": (("bay-3", f"'{HOSTILE}'"), ("name: garage", f"name: '{HOSTILE}'"), ("garage,", f"'{HOSTILE}',")),
    }
    texts = {}
    for name, replacements in edits.items():
        text = HARBOUR.read_text()
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new.format("full_imbalance_amps"))
        after = folder / f"{name}.yaml"
        after.write_text(text)
        texts[name] = run("review", after, "--before", HARBOUR).output
    return texts


def test_pictures_and_reports_equal_their_snapshots(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """`--write-snapshots` writes new ones: render and look at each, in light and dark, before you commit it."""
    made = pictures() | reports(tmp_path)
    if request.config.getoption("--write-snapshots"):
        SNAPSHOTS.mkdir(exist_ok=True)
        for name, text in made.items():
            (SNAPSHOTS / name).write_text(text)
    # test_review_git.py, test_review_live.py
    elsewhere = {"review-30-sites.md", "review-removed-site.md", "review-too-long.md", "review-drift-only.md"}
    assert {file.name for file in SNAPSHOTS.iterdir()} - elsewhere == set(made)
    for name, text in made.items():
        assert text == (SNAPSHOTS / name).read_text(), f"{name} differs from its snapshot"


@pytest.mark.parametrize("name", ["amps.svg", "chargers-60.svg"])
def test_a_picture_is_well_formed_and_has_a_description(name: str) -> None:
    """With title and description, without scripts and links."""
    root = ET.fromstring(pictures()[name])  # noqa: S314 - our own text
    assert root.get("role") == "img"
    assert [root.find(f"{{*}}{part}") is not None for part in ("title", "desc")] == [True, True]
    desc = root.findtext("{*}desc") or ""
    assert "L1" in desc
    assert not {"script", "image", "a"} & {element.tag.rpartition("}")[2] for element in root.iter()}
    assert "prefers-color-scheme: dark" in (root.findtext("{*}style") or "")


@pytest.mark.parametrize(("before", "after"), [("uuid", "both"), ("identity", "both"), ("both", "uuid")])
def test_a_second_name_of_a_charger_is_no_change_in_a_review(before: str, after: str) -> None:
    """It is still the same charger."""
    uuid = {"uuid": "5f0c3c1e-0000-4000-8000-000000000001"}
    names = {"uuid": uuid, "identity": {"identity": "A"}, "both": {"identity": "A", **uuid}}

    def site(given: str, rotation: str) -> SiteFile:
        connectors = [{"connector_id": 1, "phase_rotation": rotation, "max_amperage": 16}]
        content = {"supply": {"net_type": "TN", "main_fuse_amps": 63}, "site": "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7"}
        return build_site({**content, "chargers": [{**names[given], "connectors": connectors}]}, "x")

    named = review_markdown(site(before, "RST"), site(after, "RST"))
    assert named.startswith("### `0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7`: 1 change to look at first; ")
    meaning = (
        "now the UUID decides which charger it is; " if before == "identity" else "a second name of the same charger |"
    )
    assert f" | {meaning}" in named
    changed = review_markdown(site(before, "RST"), site(after, "STR"))
    assert "1 charger changed" in changed
    assert "RST 16 A → STR 16 A" in changed


def test_markup_in_names_is_escaped() -> None:
    """In pictures. For Markdown, see test_markdown.py."""
    definition = many(1).model_dump(exclude_none=True)
    definition["label"] = "</title><script>\x1b[2J & \"'"
    definition["chargers"][0]["label"] = "a|b <b>*x*</b>"
    site = build_site(definition, "x")
    root = ET.fromstring(draw_chargers(site))  # noqa: S314 - our own text
    assert not [element for element in root.iter() if element.tag.endswith("script")]


@pytest.mark.parametrize("letter", ["\uffff", "\ufffe", "\x00", "\ud800", "\x0b", "\U000e0041", "\u200b"])
def test_a_label_with_any_character_gives_a_valid_picture(letter: str) -> None:
    """XML does not allow them all; what nobody sees is visible."""
    definition = many(1).model_dump(exclude_none=True)
    definition["label"] = definition["chargers"][0]["label"] = f"A{letter}B"
    site = build_site(definition, "x")
    plan = plan_rotation(site)
    for svg in (draw_chargers(site), draw_amps_per_line(f"A{letter}B", plan.before, plan.after)):
        ET.fromstring(svg.encode())  # noqa: S314 - our own text
        escape = "A B" if letter.isspace() else "A\\" + ascii(letter)[2:-1] + "B"
        assert escape in svg


# ---------------------------------------------------------------- commands


def test_chargers_are_marked_as_rewired_together_or_not_at_all(harbour: Path) -> None:
    """A name that is wrong is found before the file is written."""
    run("plan", harbour, "--write")
    planned = harbour.read_bytes()
    for names in (["HRB-003", "WRONG"], ["WRONG", "HRB-003"], ["HRB-003", "HRB-005"]):
        result = run("wired", harbour, *names)
        assert result.exit_code == 1
        assert result.stderr.startswith(f"{harbour}: ")
        assert result.stderr.count("\n") == 1
        assert result.stdout == ""
        assert harbour.read_bytes() == planned
    assert run("wired", harbour, "HRB-003", "quay", "HRB-003").exit_code == 0
    site = load_site(harbour)
    left = [charger.key for charger in site.chargers if any(item.planned_rotation for item in charger.connectors)]
    assert left == ["HRB-001"]


def test_a_plan_that_replaces_another_says_so(harbour: Path) -> None:
    """Somebody may have agreed on it with an installer."""
    harbour.write_text(insert_plan(harbour, plan_rotation(harbour)))
    result = run("plan", harbour, "--write")
    assert "replaced" not in result.stderr, "the same plan"
    text = harbour.read_text()
    key = next(
        charger.key for charger in load_site(harbour).chargers if charger.connectors[0].planned_rotation == "TRS"
    )
    harbour.write_text(text.replace("planned_rotation: TRS", "planned_rotation: STR", 1))
    result = run("plan", harbour, "--write")
    assert f"{harbour}: replaced the plan of {key}/1: STR, now TRS\n" in result.stderr
    assert harbour.read_text() == text

    harbour.write_text(text.replace("identity: HRB-003,", "identity: HRB-003, rewirable: false,"))
    result = run("plan", harbour, "--write")
    assert f"{harbour}: replaced the plan of HRB-003/1: TRS, now not rewired\n" in result.stderr


def test_check_prints_figures_and_fails_on_mistakes(harbour: Path, tmp_path: Path) -> None:
    """It checks all files."""
    bad = tmp_path / "bad.yaml"
    bad.write_text("site: x\nchargers: []\n")
    result = run("check", bad, harbour)
    assert result.exit_code == 1
    assert (
        f"{harbour}: 5 chargers; L1/L2/L3 120/97/47 A when every connector charges a one-phase car, 118 A usable"
        in result.output
    )
    assert f"{bad}:1:7: site: 'x' is not a UUID" in result.output
    assert run("check", harbour).exit_code == 0


def test_plan_prints_the_visits_and_writes_on_request(harbour: Path, tmp_path: Path) -> None:
    """Without --write the file stays as it is."""
    before = harbour.read_bytes()
    result = run("plan", harbour, "--svg", tmp_path / "x.svg")
    assert result.exit_code == 0
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in result.stdout.splitlines() if "│" in line]
    assert [(row[0], row[2], *row[4:]) for row in rows if row[4]] == [
        ("", "", "120", "97", "47"),
        ("1", "HRB-003", "104", "97", "63"),
        ("2", "HRB-004", "104", "65", "95"),
        ("3", "HRB-001", "88", "81", "95"),
    ]
    garage = "group garage (38 A usable): L1/L2/L3 32/0/0 A as declared, 0/16/16 A after all visits"
    assert result.stdout.splitlines()[-1] == garage
    assert (tmp_path / "x.svg").read_text().startswith("<svg")
    assert harbour.read_bytes() == before
    assert run("plan", harbour, "--write").exit_code == 0
    assert harbour.read_bytes() != before
    assert run("wired", harbour, "HRB-003").exit_code == 0
    assert run("wired", harbour, "HRB-003").exit_code == 1


def test_schema_and_picture_are_written_to_a_file(harbour: Path, tmp_path: Path) -> None:
    """Without --output they are printed."""
    assert run("schema", "-o", tmp_path / "s.json").exit_code == 0
    assert (tmp_path / "s.json").read_text() == run("schema").output
    assert run("picture", harbour, "-o", tmp_path / "p.svg").exit_code == 0
    assert (tmp_path / "p.svg").read_text() == draw_chargers(load_site(harbour))


def test_a_mistake_in_a_file_is_one_line_in_every_command(tmp_path: Path) -> None:
    """Without a traceback."""
    bad = tmp_path / "bad.yaml"
    bad.write_text("chargers: NO\n")
    for command in ("plan", "sheet", "picture", "review", "check"):
        result = run(command, bad)
        assert result.exit_code == 1
        assert f"{bad}:1:11: chargers: NO is ambiguous" in result.output
