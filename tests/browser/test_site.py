"""The docs site in a real browser, served on loopback: `tools/docs_site.py` builds it, and finds dead links.

Colours are looked at on a sample, because axe takes seconds for each page: `make soak` shows it every page, with
EVERY_PAGE=1.
"""

from __future__ import annotations

import functools
import http.server
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page, Response

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.skipif(sys.version_info < (3, 11), reason="zensical, which builds the site, needs Python 3.11"),
]

ROOT: Final = Path(__file__).parent.parent.parent
SITE: Final = ROOT / "build" / "site"
Settings = tuple[tuple[Literal["light", "dark"], int], ...]  # and width, px
SETTINGS: Final[Settings] = (("dark", 360), ("light", 1280))
#: Code, a wide table, links: shown to axe.
SAMPLE: Final = {"docs/guide/try", "docs/reference/connector"}


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a log."""

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name of the base class
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The site, built and served on a free port."""
    built = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "docs_site.py")], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(SITE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser_path() -> str:
    """As in test_pages.py: without a browser the tests fail."""
    command = [sys.executable, str(ROOT / "tools" / "browser" / "get.py"), "--check"]
    found = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    if found.returncode != 0:
        pytest.fail(f"`make test` finds or gets a browser\n{found.stderr}", pytrace=False)
    return found.stdout.strip()


def list_pages() -> list[str]:
    """The paths of all pages below the site's address."""
    return [file.parent.relative_to(SITE).as_posix() for file in sorted(SITE.glob("?*/**/index.html"))]


def find_violations(page: Page) -> list[tuple[str, str]]:
    """What axe finds that keeps people from reading or using the page, with the first place of each."""
    violations = Axe().run(page).response["violations"]
    serious = [item for item in violations if item["impact"] in {"serious", "critical"}]
    return [(item["id"], item["nodes"][0]["html"][:200]) for item in serious]


@dataclass
class Faults:
    """What goes wrong on the pages that are opened one after the other."""

    address: str
    found: list[tuple[str, object]] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Note errors, failed requests, and requests to other hosts."""
        page.on("console", lambda message: self.found.append((page.url, message.text)))
        page.on("pageerror", lambda error: self.found.append((page.url, str(error))))
        page.on("response", lambda answer: self.note_status(page.url, answer))
        page.on("request", lambda request: self.note_host(page.url, request.url))

    def note_status(self, where: str, answer: Response) -> None:
        """A file that is missing; 304 is one that the browser has."""
        if answer.status >= 400:
            self.found.append((where, answer.url))

    def note_host(self, where: str, url: str) -> None:
        """Only the site itself may be asked."""
        if not url.startswith((self.address, "data:", "blob:")):
            self.found.append((where, url))

    def look(self, page: Page, settings: Settings, *, is_sample: bool) -> None:
        """Note what a reader sees on a phone and on a screen; of a sample also the colours, in both schemes."""
        if is_sample:  # a colour that is on its way to the other scheme has neither contrast
            page.add_style_tag(content="*, *::before, *::after { transition: none !important }")
        for scheme, width in settings:
            page.set_viewport_size({"width": width, "height": 800})
            if page.evaluate("document.documentElement.scrollWidth") > width:
                self.found.append((page.url, (scheme, width)))
            if is_sample:
                page.emulate_media(color_scheme=scheme)
                name = {"light": "default", "dark": "slate"}[scheme]
                page.wait_for_function("name => document.body.dataset.mdColorScheme === name", arg=name)  # by a script
                self.found += [(page.url, (scheme, *item)) for item in find_violations(page)]


@pytest.mark.timeout(900)
def test_every_page_is_readable_on_a_screen_and_on_a_phone(address: str, browser_path: str) -> None:
    """No error, no request to another host, no page wider than the window; search works without a network."""
    pages = list_pages()
    assert len(pages) > 40
    faults = Faults(address)
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=browser_path) as browser:
        page = browser.new_page()
        faults.watch(page)
        for number, name in enumerate(pages):
            page.goto(f"{address}{name}/")
            settings = SETTINGS[:: 1 if number % 2 else -1]  # it begins with the width that the page before ended with
            faults.look(page, settings, is_sample=name in SAMPLE or "EVERY_PAGE" in os.environ)
        page.goto(address)
        page.wait_for_url(f"{address}docs/")
        page.wait_for_load_state("networkidle")  # the index is there
        page.keyboard.press("Control+k")
        for word, result in (("PhaseBalance", "docs/reference/site/"), ("drift", "docs/guide/watch/")):
            page.locator("dialog input").first.fill(word)
            page.locator(f"dialog ol a[href*='{result}']").first.wait_for()
    assert faults.found == []
