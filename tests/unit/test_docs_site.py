"""`tools/docs_site.py`: what it finds on built pages, beyond what zensical finds itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.scripts import load

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def docs_site() -> ModuleType:
    return load("docs_site.py")


@pytest.mark.parametrize(
    ("html", "faults"),
    [
        ('<a href="../b/">x</a> <a href="../b/#two">x</a> <a href="../b/x.json">x</a> <a href="#top">x</a>', []),
        ('<a href="https://example.com/">x</a> <a href="mailto:x@example.com">x</a>', []),
        ('<a href="../c/">x</a>', ["a: dead link ../c/"]),
        ('<a href="../b/y.json">x</a>', ["a: dead link ../b/y.json"]),
        ('<a href="../b/#three">x</a>', ["a: dead anchor ../b/#three"]),
        ('<a href="#three">x</a>', ["a: dead anchor #three"]),
        ('<a href="/b/">x</a>', ["a: dead link /b/"]),
        ('<img src="../b/x.png">', ["a: dead link ../b/x.png"]),
        ('<picture><source srcset="../b/y.png"><img src="../b/x.json"></picture>', ["a: dead link ../b/y.png"]),
        (
            '<script src="https://example.com/x.js"></script>',
            ["a: loads https://example.com/x.js from another host"],
        ),
        (
            '<link rel="preconnect" href="https://example.com">',
            ["a: loads https://example.com from another host"],
        ),
        ('<link rel="canonical" href="https://example.com/a/">', []),
    ],
)
def test_a_dead_link_and_another_host_are_found(
    docs_site: ModuleType, tmp_path: Path, html: str, faults: list[str]
) -> None:
    """Pages, files, pictures, anchors; a link from the root works only where the site is at the root."""
    for name, text in (("a", f'<h1 id="top">A</h1>{html}'), ("b", '<h2 id="two">B</h2>')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text(text)
    (tmp_path / "b" / "x.json").write_text("{}")
    assert docs_site.list_faults(tmp_path) == faults


def test_each_page_is_in_the_navigation(docs_site: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And each entry has a page."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# A")
    (tmp_path / "docs" / "b.md").write_text("# B")
    (tmp_path / "zensical.toml").write_text(
        '[project]\nnav = [\n  { "A" = "docs/a.md" },\n  { "C" = [\n    { "C" = "docs/c.md" },\n  ] },\n]\n\n'
        '[project.plugins]\n"x" = "docs/b.md"\n'
    )
    monkeypatch.setattr(docs_site, "ROOT", tmp_path)
    monkeypatch.setattr(docs_site, "CONFIG", tmp_path / "zensical.toml")
    assert docs_site.list_missing_pages() == [
        "docs/b.md: not in the navigation; add it to zensical.toml",
        "zensical.toml: docs/c.md in the navigation does not exist",
    ]


def test_all_that_a_page_links_to_is_laid_out(
    docs_site: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through other pages, and out of docs/; nothing that is outside of the repository."""
    root = tmp_path / "root"
    texts = {
        "zensical.toml": '[project]\nnav = [\n  { "A" = "docs/a.md" },\n]\n',
        "docs/a.md": "[b](../examples/b/README.md#x) [out](../../secret.md) [web](https://example.com/x.md)",
        "docs/assets/site.css": "",
        "examples/b/README.md": '[file](x.yaml) <img src="x.svg"> <source srcset="dark.svg"> [folder](../c)',
        "examples/b/x.yaml": "",
        "examples/b/x.svg": "",
        "examples/b/dark.svg": "",
        "examples/c/README.md": "",
        "examples/d/README.md": "",
        "../secret.md": "",
    }
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for name, value in (
        ("ROOT", root), ("CONFIG", root / "zensical.toml"), ("PAGES", root / "build"), ("ASSETS", root / "docs/assets")
    ):  # fmt: skip
        monkeypatch.setattr(docs_site, name, value)
    docs_site.lay_out_pages()
    assert sorted(file.relative_to(root / "build").as_posix() for file in (root / "build").rglob("*.*")) == [
        "docs/a.md",
        "docs/assets/site.css",
        "examples/b/README.md",
        "examples/b/dark.svg",
        "examples/b/x.svg",
        "examples/b/x.yaml",
        "examples/c/README.md",
    ]


def test_without_zensical_it_says_what_to_run(docs_site: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not there for Python 3.10, and before the first `make docs`."""
    monkeypatch.setattr(docs_site.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(docs_site.sys, "argv", ["docs_site.py"])
    with pytest.raises(SystemExit, match=r"^zensical is not installed here; run `make docs` with Python 3\.11"):
        docs_site.main()
