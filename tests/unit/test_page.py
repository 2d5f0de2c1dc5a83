"""Pages in HTML, read by a parser as browsers have it: text of a file is text, whatever is in it."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import html5lib
import pulumi_plugchoice
import pytest
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pulumi_plugchoice._text import printable
from pulumi_plugchoice.cli.group import plugchoice
from pulumi_plugchoice.review.html import element, read_own
from pulumi_plugchoice.review.markdown_page import markdown_page
from pulumi_plugchoice.review.page import Difference, LiveView, SiteView, render_page
from pulumi_plugchoice.review.sheet import list_rows
from pulumi_plugchoice.sitefile.assess import assess_site
from pulumi_plugchoice.sitefile.load import build_site, load_site
from pulumi_plugchoice.sitefile.plan import read_plan
from support.hostile import MARKS, NASTY, fill, make_site, name_all
from support.sites import review_markdown

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result
    from pulumi_plugchoice.sitefile.model import SiteFile

HARBOUR: Final = Path(__file__).parent.parent / "fixtures" / "sites" / "harbour.yaml"
#: An element or a text: its kind, its attributes, its text.
Node = tuple[str, dict[str, str], str]


def read_tree(text: str) -> list[Node]:
    """Every element and every text of a page in its order."""
    found: list[Node] = []

    def walk(node: Any) -> None:
        found.append((str(node.tag), dict(node.attrib), ""))
        if node.text:
            found.append(("text", {}, node.text))
        for child in node:
            walk(child)
            if child.tail:
                found.append(("text", {}, child.tail))

    walk(html5lib.parse(text, namespaceHTMLElements=False))
    return found


def show(text: str) -> list[str]:
    """What a reader sees: each text by itself."""
    tags = [tag for tag, _, _ in read_tree(text)]
    nodes = zip([None, *tags], read_tree(text), strict=False)
    return [words for above, (tag, _, words) in nodes if tag == "text" and above not in ("style", "script")]


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(plugchoice, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def view(names: tuple[str, str, str], live: LiveView | None = None) -> SiteView:
    site = make_site(names, planned="TRS")
    return SiteView(f"{printable(names[0], 60)}.yaml", site, assess_site(site), live=live)


def render_all(names: tuple[str, str, str]) -> str:
    """A page with a text wherever a foreign one can stand: offline, live, not read, not usable."""
    label, identity = printable(names[0], 60), names[2]  # as fleet/views.py makes them
    drift = Difference(f"{identity}/1", "phase_rotation", label, "RST")
    live = LiveView(assess_site(make_site(names)).figures, [drift], [f"unknown: {label}"], [f"{identity}: {label}"])
    views = [
        view(names),
        view(names, live),
        view(names, LiveView(None, gaps=[label])),
        SiteView(f"{label}.yaml", problem=label),
    ]
    return render_page(views, "2026-11-28 16:30 UTC")


def render_reviews(names: tuple[str, str, str]) -> str:
    """Reviews of a site, of a change to it and of other names, on one page."""
    site, other = make_site(names), make_site(("new", "newer", "HRB-009"))
    pairs = [(None, site), (site, make_site(names, "TRS", 50)), (other, site)]
    return markdown_page("\n".join(review_markdown(*pair) for pair in pairs))


def split_page(text: str) -> tuple[str, str, str]:
    """The head with its style, the body, and the script: a parser in Python takes long for the two."""
    head, style, rest = text.partition("</style>")
    script = text.rpartition("<script>")[2] if text.endswith("</script></body></html>\n") else ""
    return head + style, rest.removesuffix(script), script


@functools.cache
def read_harmless(render: Callable[[tuple[str, str, str]], str]) -> tuple[str, list[Node], str]:
    head, body, script = split_page(render(MARKS))
    return head, read_tree(body), script


def compare_with_harmless(name: str) -> None:
    names = name_all(name)
    shown = [printable(text, 60) for text in names]
    for render in (render_all, render_reviews):
        head, body, script = split_page(render(names))
        harmless = read_harmless(render)
        assert (head, script) == (harmless[0], harmless[2])
        assert read_tree(body) == [(tag, attributes, fill(words, shown)) for tag, attributes, words in harmless[1]]


@pytest.mark.parametrize("name", NASTY)
def test_a_page_shows_a_hostile_name_as_it_is(name: str) -> None:
    """No element, attribute or text more or less than on a page with harmless names."""
    compare_with_harmless(name)


@pytest.mark.slow
@given(st.text(min_size=1, max_size=60) | st.lists(st.sampled_from(NASTY), min_size=1, max_size=3).map(" ".join))
@example("</script></style></title><svg onload=alert(1)>")
@settings(max_examples=200 if settings.get_current_profile_name() == "long" else 10)
def test_a_page_shows_any_name_as_it_is(name: str) -> None:
    """As above."""
    compare_with_harmless(name)


def test_a_page_has_every_warning_and_no_reference_to_anything() -> None:
    """Whatever the names are."""
    names = name_all("<!-- <script>alert(1)</script> \u202e https://evil.example")
    text = render_all(names)
    warnings = assess_site(make_site(names, planned="TRS")).warnings
    assert any(names[2] in line for line in warnings)
    assert {printable(line, 1000) for line in warnings} <= set(show(text))
    tree = read_tree(text)
    assert not {"link", "img", "iframe", "object", "base", "form"} & {tag for tag, _, _ in tree}
    for _, attributes, _ in tree:
        assert not {name for name in attributes if name.startswith("on") or name in ("src", "style")}
        assert attributes.get("href", "#").startswith("#")
    assert [tag for tag, _, _ in tree].count("script") == 1


def test_only_an_element_is_markup() -> None:
    """Anything that is added to it is a text again."""
    assert element("p", "<b>", element("i", "&"), None, ["'", 5]) == "<p>&lt;b&gt;<i>&amp;</i>&#x27;5</p>"
    assert element("p", title='"><script>', hidden=True, id=None) == '<p title="&quot;&gt;&lt;script&gt;" hidden></p>'
    assert element("p", f"{element('b')}") == "<p>&lt;b&gt;&lt;/b&gt;</p>"
    assert element("p", element("b") + "<i>") == "<p>&lt;b&gt;&lt;/b&gt;&lt;i&gt;</p>"
    with pytest.raises(TypeError, match="no markup for dict"):
        element("p", {"a": 1})


def test_nothing_is_markup_but_what_html_makes() -> None:
    """The one module that may say so is review/html.py."""
    package = Path(pulumi_plugchoice.__file__).parent
    users = [file.name for file in package.rglob("*.py") if re.search(r"\bHtml\(", file.read_text(encoding="utf-8"))]
    assert users == ["html.py"]


def test_a_page_of_a_review_has_its_words_and_no_other_markup(tmp_path: Path) -> None:
    """HTML in Markdown that is not a fold is text; `--format html` is the page of the Markdown."""
    tree = read_tree(
        markdown_page("<details><summary>2 warnings as before</summary>\n\n- `a`\n\n</details>\n\n**Title**")
    )
    assert [tag for tag, _, _ in tree if tag in ("details", "summary", "li", "h3")] == [
        "details",
        "summary",
        "li",
        "h3",
    ]
    hostile = "<details open onload=x><summary>a</summary>\n\nx\n\n</details>\n\n<script>alert(1)</script>\n\n![a](x)"
    tree = read_tree(markdown_page(hostile))
    assert not {"details", "script", "img"} & {tag for tag, _, _ in tree}
    after = tmp_path / "after.yaml"
    after.write_text(HARBOUR.read_text().replace("main_fuse_amps: 125", "main_fuse_amps: 100"))
    text = run("review", after, "--before", HARBOUR, "--format", "html").stdout
    assert text == markdown_page(run("review", after, "--before", HARBOUR).stdout)
    seen = show(text)
    assert {"Look at these first", "supply.main_fuse_amps", "125 A", "100 A", "Largest difference"} <= set(seen)


def test_no_line_has_the_colour_of_the_neutral_or_of_the_protective_earth() -> None:
    """Brown, black and grey: none is rather blue or green than red, light or dark."""
    rules = re.findall(r"\.([RST]) \{ fill: #(..)(..)(..) \}", read_own("lines.css"))
    assert [rule[0] for rule in rules] == ["R", "S", "T"] * 2
    for _, *channels in rules:
        red, green, blue = (int(channel, 16) for channel in channels)
        assert red > blue or max(red, green, blue) - min(red, green, blue) <= 20
        assert green <= max(red, blue)


# ---------------------------------------------------------------- the sheet


def planned_site(net_type: str = "TN") -> SiteFile:
    """Three chargers to rewire, of which one does not count, and one that stays."""

    def charger(name: str, *connectors: dict[str, Any], **more: Any) -> dict[str, Any]:
        given = [{"connector_id": number, **item} for number, item in enumerate(connectors, 1)]
        return {"identity": name, "connectors": given, **more}

    turned = {"phase_rotation": "RST", "planned_rotation": "STR"}
    return build_site(
        {
            "site": "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7",
            "supply": {"net_type": net_type, "main_fuse_amps": 63},
            "groups": [{"name": "main"}, {"name": "deck", "parent": "main"}],
            "chargers": [
                charger("STAYS", {"phase_rotation": "RST", "max_amperage": 16}),
                charger("UNCOUNTED", turned),
                charger("SMALL", {**turned, "max_amperage": 6}, breaker_amps=16, group="deck"),
                charger("LARGE", {**turned, "max_amperage": 32}, {"phase_rotation": "TRS", "max_amperage": 6}),
                charger("SAME", {**turned, "planned_rotation": "RST", "max_amperage": 16}),
            ],
        },
        "x",
    )


@pytest.mark.parametrize("net_type", ["TN", "IT"])
def test_the_sheet_is_in_the_order_of_visits(net_type: str) -> None:
    """The one that helps most first; one that does not count last; a plan that is as wired is none."""
    site = planned_site(net_type)
    assessment = assess_site(site)
    plan = read_plan(site, assessment.installation)
    rows = [(row.visit, row.charger.key, row.connector_id, row.wiring) for row in list_rows(site, plan)]
    assert rows == [
        (1, "LARGE", 1, "now L1/L2/L3 → to L2/L3/L1"),
        (1, "LARGE", 2, "L3/L1/L2"),
        (2, "SMALL", 1, "now L1/L2/L3 → to L2/L3/L1"),
        (3, "UNCOUNTED", 1, "now L1/L2/L3 → to L2/L3/L1"),
        (None, "STAYS", 1, "L1/L2/L3"),
        (None, "SAME", 1, "L1/L2/L3"),
    ]
    assert plan.before == assessment.figures
    if net_type == "TN":
        assert [*plan.before.single_phase] == [70, 0, 6]
        assert [*plan.after.single_phase] == [32, 38, 6]
        assert [visit.worst_single_phase for visit in plan.visits] == [38, 38]


# ---------------------------------------------------------------- the command


def test_report_writes_a_page_of_all_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default of sites/*.yaml, to report.html; the site file is never replaced."""
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / "harbour.yaml").write_bytes(HARBOUR.read_bytes())
    monkeypatch.chdir(tmp_path)
    result = run("report")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "report.html: written\n")
    text = (tmp_path / "report.html").read_text()
    assert run("report", "-o", "-").stdout == text
    seen = show(text)
    assert {"Harbour", "118 A", "120 A on L1", ", 2 A above usable", "73 A", "2 of 2 exceeded", "1 charger"} <= set(
        seen
    )
    assert {"now L1/L2/L3 → to L3/L1/L2", "L1 → L3", "RST → TRS", "104 A"} <= set(seen)
    assert "Figures are computed from site files. Plugchoice was not read." in seen
    result = run("report", "-o", "sites/harbour.yaml")
    assert (result.exit_code, result.stderr) == (1, "sites/harbour.yaml: is the site file itself; name another file\n")


def test_a_file_that_cannot_be_used_is_named_on_the_page(tmp_path: Path) -> None:
    """The rest is shown, and the exit status is 1."""
    bad = tmp_path / "bad.yaml"
    bad.write_text(HARBOUR.read_text().replace("site: 0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7", "site: x"))
    result = run("report", bad, HARBOUR, "-o", tmp_path / "r.html")
    assert result.exit_code == 1
    assert f"{bad}:1:7: site: 'x' is not a UUID" in result.stderr
    seen = show((tmp_path / "r.html").read_text())
    assert seen.count("cannot be read") == 6
    assert any(text.startswith(f"{bad}:1:7: site: 'x' is not a UUID") for text in seen)
    assert "Harbour" in seen


def test_an_identity_is_shown_in_full(tmp_path: Path) -> None:
    """On the page, in the sheet and in the picture: chargers often differ in their last letters only."""
    identity = "DE-SWX-EVSE-TIEFGARAGE-NORD-ALFEN-0000017"
    file = tmp_path / "site.yaml"
    file.write_text(HARBOUR.read_text().replace("identity: HRB-003", f"identity: {identity}"))
    assert identity in show(run("report", file, "-o", "-").stdout)
    assert f"`{identity}`" in run("sheet", file).stdout
    picture = run("picture", file).stdout
    parts = re.findall(r'<text class="name"[^>]*>([^<]*)<', picture)
    assert identity in "".join(parts)


def test_a_page_of_two_sites_names_each_figure_of_the_plan() -> None:
    """Bars have names for screen readers, and a table beside them."""
    text = render_page([SiteView("h.yaml", load_site(HARBOUR), assess_site(load_site(HARBOUR)))])
    labels = [attributes["aria-label"] for _, attributes, _ in read_tree(text) if "aria-label" in attributes]
    assert labels == [
        "When every connector charges a one-phase car, planned: L1 104 A, L2 97 A, L3 63 A; difference 41 A. "
        "Wired: L1 120 A, L2 97 A, L3 47 A; difference 73 A. 118 A per line are usable."
    ]
