"""Makes the pictures of the docs anew: real commands against a local Plugchoice, shown in a real browser.

    make pictures   # writes docs/pictures/*.png, each light and dark; look at them before you commit them

The sites are those of examples/site. No test compares the pictures: another browser draws other pixels.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from playwright.sync_api import sync_playwright
from pulumi_plugchoice.emulator.testing import Emulator, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FloatRect

ROOT: Final = Path(__file__).resolve().parent.parent
EXAMPLE: Final = ROOT / "examples" / "site"
PICTURES: Final = ROOT / "docs" / "pictures"
WIDTH: Final = 1000  # px; the tables of a narrower page are those for a phone
MARGIN: Final = 4  # px
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")


class Shot(NamedTuple):
    """The part of a page that a picture shows, from one element to another."""

    name: str
    first: str
    last: str


SHOTS: Final = (
    Shot("plan", "#site-1", ".plan"),
    Shot("review", "h2:nth-of-type(2)", "main"),
    Shot("drift", "#site-1", ".changes"),
    Shot("fleet", "h1", ".overview"),
)


class Desk:
    """A copy of the example as a git repository, and the environment of its commands."""

    def __init__(self, folder: Path, base_url: str) -> None:
        """Copy it."""
        self.project = folder / "charging"
        shutil.copytree(EXAMPLE, self.project)
        (folder / "state").mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PLUGCHOICE_", "GIT_"))},
            "PLUGCHOICE_BASE_URL": base_url,
            "PLUGCHOICE_TOKEN": "demo-token",
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_HOME": str(folder / "pulumi-home"),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "PULUMI_CONFIG_PASSPHRASE": "pictures",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_PYTHON_CMD": sys.executable,
            "GIT_CONFIG_GLOBAL": os.devnull,
            **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "Ada"),
            **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "ada@example.com"),
        }

    def run(self, line: str) -> None:
        """Run a command; one that fails ends everything."""
        done = subprocess.run(
            shlex.split(line),
            cwd=self.project,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            sys.exit(f"{done.stdout}\npictures: `{line}` failed; its output is above")


def write_pages(desk: Desk, local: Emulator) -> None:
    """From the first update, over a portal edit, a plan and the review of two visits, to the next update."""
    desk.run("git init --quiet --initial-branch main")
    for stack in ("depot", "fjord", "harbour"):
        desk.run(f"pulumi stack init {stack}")
    desk.run("git add --all")
    desk.run("git commit --quiet --message 'Three sites'")
    desk.run("plugchoice fleet up --all")
    local.edit("DEP-005", max_amperage=32)
    desk.run("plugchoice report --live -o drift.html")
    local.edit("DEP-005", max_amperage=16)
    desk.run("plugchoice plan sites/depot.yaml --write")
    desk.run("plugchoice report -o plan.html")
    desk.run("git commit --quiet --all --message 'A plan'")
    desk.run("plugchoice wired sites/depot.yaml bay-2 bay-3")
    desk.run("plugchoice review --base main --live --format html -o review.html")
    desk.run("git commit --quiet --all --message 'Two bays are rewired'")
    local.edit("HRB-003", max_amperage=32)
    desk.run("plugchoice fleet up --all --wave canary:harbour --wave rest --gate-seconds 0 --page fleet.html")


def take(browser: Browser, shot: Shot, page: Path) -> None:
    """Write the picture in each scheme."""
    for scheme in SCHEMES:
        with browser.new_context(color_scheme=scheme, viewport={"width": WIDTH, "height": 800}) as context:
            opened = context.new_page()
            opened.goto(page.as_uri())
            first, last = (opened.locator(place).first.bounding_box() for place in (shot.first, shot.last))
            if first is None or last is None:
                sys.exit(f"pictures: {page.name} has no {shot.first} or no {shot.last}; correct SHOTS")
            top = first["y"] - MARGIN
            clip: FloatRect = {"x": 0, "y": top, "width": WIDTH, "height": last["y"] + last["height"] + MARGIN - top}
            file = PICTURES / f"{shot.name}-{scheme}.png"
            opened.screenshot(path=file, full_page=True, clip=clip)
            print(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1000} kB")


def main() -> None:
    """Make all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="plugchoice-pictures-") as name:
        with running(EXAMPLE / "emulator.json") as local:
            desk = Desk(Path(name), local.base_url)
            write_pages(desk, local)
        with (
            sync_playwright() as playwright,
            playwright.chromium.launch(executable_path=os.environ["PLUGCHOICE_BROWSER"]) as browser,
        ):
            for shot in SHOTS:
                take(browser, shot, desk.project / f"{shot.name}.html")


if __name__ == "__main__":
    main()
