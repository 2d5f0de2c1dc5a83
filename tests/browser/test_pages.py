"""The pages in a real browser: nothing is loaded, nothing is wider than a phone, and a keyboard and a screen reader do.

A module has its browser for itself: while Playwright runs its loop in a thread, other tests cannot run theirs.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright
from pulumi_plugchoice.review.markdown_page import markdown_page
from pulumi_plugchoice.review.page import Difference, LiveView, SiteView, render_page
from pulumi_plugchoice.review.run import RunRow, RunView
from pulumi_plugchoice.sitefile.assess import assess_site
from pulumi_plugchoice.sitefile.load import build_site, load_site
from support.hostile import NASTY, make_site, name_all
from support.sites import review_markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

ROOT: Final = Path(__file__).parent.parent.parent
HARBOUR: Final = ROOT / "tests" / "fixtures" / "sites" / "harbour.yaml"
PLACES: Final = (
    "Tiefgarage Quartier am Nordbahnhof, Untergeschoss 2",
    "P+R Messe Süd",
    "Kulturhuset, Bergen",
    "深圳北站",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for the tests of this file; without one they fail, they are never skipped."""
    command = [sys.executable, str(ROOT / "tools" / "browser" / "get.py"), "--check"]
    found = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    if found.returncode != 0:
        pytest.fail(f"`make test` finds or gets a browser\n{found.stderr}", pytrace=False)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found.stdout.strip())
        yield started
        started.close()


def make_view(number: int, size: int = 3) -> SiteView:
    """A site as they are: long names, identities of 40 characters, two sockets, a plan, DC."""
    chargers: list[dict[str, Any]] = [
        {
            "label": f"Stellplatz {place:03}",
            "identity": f"DESWXEVSE{number:03}{place:03}TIEFGARAGENORDALFEN{place:06}",
            "group": "Ladepark Ebene -2, hinten links",
            "connectors": [
                {
                    "connector_id": 1,
                    "phase_rotation": "RST" if place % 2 else "STR",
                    "planned_rotation": "TRS" if place == size // 2 else None,
                },
                {"connector_id": 2, "phase_rotation": "RST"},
            ],
        }
        for place in range(size)
    ]
    chargers.append(
        {
            "identity": f"DC-{number}",
            "ac_input_amps": 38,
            "connectors": [{"connector_id": 1, "managed": False, "dc": True}],
        }
    )
    site = build_site(
        {
            "site": f"0b6c1d2e-3f40-4a51-8b62-{number:012x}",
            "label": f"{PLACES[number % len(PLACES)]} {number}",
            "supply": {"net_type": "IT" if number % 7 == 6 else "TN", "main_fuse_amps": 63 + number},
            "limits": {"single_phase_amps": 100 + number},
            "groups": [{"name": "main"}, {"name": "Ladepark Ebene -2, hinten links", "parent": "main"}],
            "defaults": {"breaker_amps": 20, "max_amperage": 16},
            "chargers": chargers,
        },
        "x",
    )
    return SiteView(f"sites/site-{number}.yaml", site, assess_site(site))


def make_live() -> str:
    """A page with all that a comparison can show, and hostile names."""
    site = make_site(name_all(" ".join(NASTY[:5])), planned="TRS")
    assessment, name = assess_site(site), site.chargers[0].key
    drift = Difference(f"{name}/1", "phase_rotation", "TRS", "RST")
    live = LiveView(assessment.figures, [drift], ["unknown: HRB-009/1"], ["groups cannot be read"])
    views = [SiteView("a.yaml", site, assessment, live=live), SiteView("b.yaml", problem="b.yaml: is not a site file")]
    views.append(SiteView("c.yaml", site, assessment, live=LiveView(None, gaps=["c.yaml: cannot be read"])))
    return render_page(views, "2026-11-28 16:30 UTC")


def make_run() -> RunView:
    """A run that failed, with all that it can say."""
    cells = ("canary", "failed", "2 create, 33 update", "33", "36", "3 min")
    row = RunRow("oslo-nordre-gate-2-underground-car-park", cells, ["plugchoice: HRB-001/1: answered 422"], 1)
    return RunView("fleet up of commit 0123456789ab, ended on 2026-11-28 16:30 UTC", "0 unchanged", [row], ["no"])


def make_review() -> str:
    site = load_site(HARBOUR)
    other = make_site(name_all(" ".join(NASTY[:5])))
    return markdown_page(review_markdown(site, other) + review_markdown(other, other))


PAGES: Final[dict[str, Callable[[], str]]] = {
    "1": lambda: render_page([make_view(1)], run=make_run()),
    "3": lambda: render_page([*map(make_view, range(3))]),
    "60": lambda: render_page([make_view(number, size=1) for number in range(60)]),
    "live": make_live,
    "review": make_review,
}

#: What axe looks at, and how. On a page of 60 sites it would look at the contrast of 14,000 elements, which are alike.
AXE: Final[dict[tuple[str, str], tuple[str | None, dict[str, Any]]]] = {
    ("1", "light"): (None, {}),
    ("1", "dark"): (None, {}),
    ("live", "dark"): (None, {}),
    ("review", "light"): (None, {}),
    ("3", "light"): (".overview", {}),
    ("60", "light"): (".overview", {"rules": {"color-contrast": {"enabled": False}}}),
}


@dataclass
class Opened:
    """A page that is shown, and what went wrong on it."""

    page: Page
    url: str
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextlib.contextmanager
def show(browser: Browser, file: Path, **options: Any) -> Iterator[Opened]:
    with browser.new_context(**options) as context:
        opened = Opened(context.new_page(), file.as_uri())
        opened.page.on("console", lambda message: opened.errors.append(message.text))
        opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
        opened.page.on("dialog", lambda dialog: opened.errors.append(dialog.message))
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.goto(opened.url)
        yield opened


def write(folder: Path, name: str) -> Path:
    file = folder / f"{name}.html"
    file.write_text(PAGES[name](), encoding="utf-8")
    return file


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_readable_for_everybody(browser: Browser, tmp_path: Path, name: str) -> None:
    """No violation of axe, nothing wider than the window, no error, and nothing is loaded.

    axe takes seconds for each site, so it sees every part and each scheme once.
    """
    file = write(tmp_path, name)
    for scheme, width in (("light", 1280), ("dark", 360)):
        with show(browser, file, color_scheme=scheme, viewport={"width": width, "height": 800}) as opened:
            if (name, scheme) in AXE:
                found = Axe().run(opened.page, *AXE[name, scheme]).response["violations"]
                assert [(item["id"], [node["html"] for node in item["nodes"]][:3]) for item in found] == []
            for narrower in (width, 1000, 750) if width > 360 else (width,):  # rows become blocks at 992
                opened.page.set_viewport_size({"width": narrower, "height": 800})
                assert opened.page.evaluate("document.documentElement.scrollWidth") <= narrower
            assert opened.errors == []
            assert opened.requests == [opened.url]


def test_everything_is_reached_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    """In the order of the page, with a visible focus; a table is sorted and filtered without a mouse."""
    with show(browser, write(tmp_path, "3")) as opened:
        page = opened.page
        wanted = page.locator("a[href], button, input, summary").count()
        assert wanted == 8 - 1 + 1 + 3 + 3 + 3  # columns, filter, links to the sites and back, sheets
        places = []
        for _ in range(wanted):
            page.keyboard.press("Tab")
            places.append(
                page.evaluate(
                    """() => {
                        const node = document.activeElement, style = getComputedStyle(node);
                        const all = [...document.querySelectorAll("a[href], button, input, summary")];
                        return [all.indexOf(node), style.outlineStyle, parseFloat(style.outlineWidth) >= 2];
                    }"""
                )
            )
        assert places == [[place, "solid", True] for place in range(wanted)]

        def names() -> list[str]:
            return page.locator(".overview tbody th:visible").all_inner_texts()

        given = names()
        column = page.locator(".overview thead th").nth(1)
        column.locator("button").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        assert column.get_attribute("aria-sort") == "descending"
        assert names() == given[::-1]
        page.get_by_label("Show sites with").focus()
        page.keyboard.type("messe")
        assert names() == ["P+R Messe Süd 1"]
        page.locator(".overview tbody a:visible").focus()
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.textContent") == "P+R Messe Süd 1"
        assert opened.errors == []


def test_a_page_without_script_says_the_same(browser: Browser, tmp_path: Path) -> None:
    """The script adds ways to sort, to filter and to print; nothing that is read."""
    file = write(tmp_path, "3")
    with show(browser, file, java_script_enabled=False) as plain, show(browser, file) as full:
        assert plain.page.locator("button, input").count() == 0
        words = [" ".join(text.split()) for text in plain.page.locator("main section").all_inner_texts()]
        assert words == [
            " ".join(text.replace("Print this sheet", "").split())
            for text in full.page.locator("main section").all_inner_texts()
        ]
        assert len(words) == 3
        identity = "DESWXEVSE001001TIEFGARAGENORDALFEN000001"
        assert plain.page.get_by_text(identity, exact=True).first.is_visible()


def test_a_page_is_printed(browser: Browser, tmp_path: Path) -> None:
    """Each site and each sheet begins a page, in black on white; one sheet can be printed alone."""
    with show(browser, write(tmp_path, "3"), color_scheme="dark") as opened:
        page = opened.page
        document = page.pdf(prefer_css_page_size=True)
        assert document.startswith(b"%PDF")
        assert 1 + 3 * 2 <= document.count(b"/Type /Page\n") <= 1 + 3 * 3
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(23, 25, 28)"
        assert not page.locator("button.print").first.is_visible()
        assert page.evaluate("getComputedStyle(document.querySelector('.lines')).breakInside") == "avoid"
        assert page.locator(".sheet .box").count() == 3 * 2 * 2
        page.emulate_media(media="screen")
        page.evaluate(
            """window.print = () => { window.printed = [...document.querySelectorAll("main section, .sheet")]
                .map((node) => document.body.className + " " + node.className); }"""
        )
        page.locator("button.print").nth(1).click()
        assert page.evaluate("window.printed") == [
            "one site", "one sheet", "one site chosen", "one sheet", "one site", "one sheet"
        ]  # fmt: skip
        assert page.evaluate("document.body.className + document.querySelectorAll('.chosen').length") == "0"
        page.evaluate(
            "document.body.classList.add('one'); document.querySelectorAll('.site')[1].classList.add('chosen')"
        )
        page.emulate_media(media="print")
        seen = page.locator("main h2, main h3, header, footer, .sheet")
        shown = [text for text in seen.all() if text.is_visible()]
        assert [node.evaluate("node => node.tagName") for node in shown] == ["DIV", "H3"]
        assert shown[1].inner_text() == "Installer sheet: P+R Messe Süd 1"
