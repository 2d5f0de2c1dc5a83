"""Builds the docs site into build/site, and fails on a warning, a dead link and a page that is not in the navigation.

    python tools/docs_site.py           # build and check
    python tools/docs_site.py --serve   # show it on http://localhost:8000, and again after each change

zensical takes pages from one folder, and ours link to files outside docs/: examples, schemas, the changelog. So the
pages and all that they link to are laid out below build/pages as in the repository, as links to the files. Every link
then works on the site as it does on the forge, no text is rewritten, and an edit shows while the site is served.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

ROOT: Final = Path(__file__).resolve().parent.parent
PAGES: Final = ROOT / "build" / "pages"
SITE: Final = ROOT / "build" / "site"
CONFIG: Final = ROOT / "zensical.toml"
ASSETS: Final = ROOT / "docs" / "assets"
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
_LINK: Final = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)|(?:src|srcset|href)=\"(?!\w+:|#)([^\"#]+)")
#: What a browser loads by itself. Other links may lead to other hosts.
_LOADED: Final = {"script", "img", "iframe", "source", "video", "object"}
_LOADED_LINKS: Final = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch", "manifest"}


def read_navigation() -> list[str]:
    """The pages of zensical.toml, in their order, by their paths in the repository."""
    navigation = CONFIG.read_text(encoding="utf-8").partition("\nnav = [")[2].partition("\n]\n")[0]
    return re.findall(r"= \"([\w./-]+\.md)\"", navigation)


def lay_out_pages() -> None:
    """Fill build/pages with the pages of the navigation, and with all that they link to."""
    shutil.rmtree(PAGES, ignore_errors=True)
    waiting = [ROOT / name for name in read_navigation()] + sorted(ASSETS.iterdir())
    done: set[Path] = set()
    while waiting:
        file = waiting.pop()
        if file.is_dir():
            file /= "README.md"
        if file in done or not file.is_file() or not file.is_relative_to(ROOT):
            continue  # zensical and the check below report dead links
        done.add(file)
        place = PAGES / file.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(file)
        if file.suffix == ".md":
            text = file.read_text(encoding="utf-8")
            waiting += [(file.parent / (one or other)).resolve() for one, other in _LINK.findall(text)]


def build() -> None:
    """Make the site anew, and stop at a warning of zensical."""
    lay_out_pages()
    shutil.rmtree(SITE, ignore_errors=True)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "--config-file", str(CONFIG)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = _COLOUR.sub("", done.stdout + done.stderr).partition("Traceback")[0]
        sys.exit(f"{said}\nthe docs site has warnings: correct them, and run `make docs` again")


class _Page(HTMLParser):
    """The links and the anchors of a page, and what it loads."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what the element names."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and _LOADED_LINKS & set(given.get("rel", "").split()):
            self.loaded.append(given.get("href", ""))
        elif tag in _LOADED:
            self.loaded += [given[name] for name in ("src", "srcset", "data") if name in given]


def list_faults(site: Path) -> list[str]:
    """What zensical does not look for: dead files, pictures and folders, other hosts, pages outside the navigation.

    Args:
        site: the folder with the built site.
    """
    pages = {file: _Page(file) for file in sorted(site.rglob("*.html")) if file.name != "404.html"}
    faults: list[str] = []
    for file, page in pages.items():
        name = file.parent.relative_to(site).as_posix()
        faults += [f"{name}: loads {url} from another host" for url in page.loaded if urlsplit(url).netloc]
        for url in [*page.links, *page.loaded]:
            parts = urlsplit(url)
            if parts.scheme or parts.netloc:
                continue
            target = file if not parts.path else (file.parent / unquote(parts.path)).resolve()
            target = target / "index.html" if target.is_dir() else target
            if parts.path.startswith("/") or not target.is_file():
                faults.append(f"{name}: dead link {url}")
            elif target in pages and parts.fragment and unquote(parts.fragment) not in pages[target].anchors:
                faults.append(f"{name}: dead anchor {url}")
    return faults


def list_missing_pages() -> list[str]:
    """Pages that are not in the navigation, and entries without a page."""
    named = read_navigation()
    pages = [file.relative_to(ROOT).as_posix() for file in sorted((ROOT / "docs").rglob("*.md"))]
    return [f"{name}: not in the navigation; add it to zensical.toml" for name in pages if name not in named] + [
        f"zensical.toml: {name} in the navigation does not exist" for name in named if not (ROOT / name).is_file()
    ]


def main() -> None:
    """Build and check, or serve."""
    if importlib.util.find_spec("zensical") is None:
        sys.exit("zensical is not installed here; run `make docs` with Python 3.11 or newer")
    if "--serve" in sys.argv[1:]:
        lay_out_pages()
        sys.exit(subprocess.run([sys.executable, "-m", "zensical", "serve"], cwd=ROOT, check=False).returncode)
    faults = list_missing_pages()
    build()
    faults += list_faults(SITE)
    print(*faults, sep="\n", end="\n" if faults else "")
    if faults:
        sys.exit(f"the docs site has {len(faults)} faults")
    print(f"{len(read_navigation())} pages: {(SITE / 'index.html').relative_to(ROOT)}")


if __name__ == "__main__":
    main()
