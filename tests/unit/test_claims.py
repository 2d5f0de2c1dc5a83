"""Words that no output of ours may hold: the electrical notes list what must never be claimed."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pulumi_plugchoice
import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = Path(pulumi_plugchoice.__file__).parent
NEVER = re.compile(
    r"\bsafe(ly)?\b|\bcompliant\b|\bcomplian(ce|t)\b|\bmeets (VDE|TOR|WV)|\bwill not trip\b|\b(un)?balanced\b"
    r"|\bwiring (is )?verified\b|\brotates? phases?\b|\bprotects?\b|\bguarantee",
    re.IGNORECASE,
)
# What the words mean elsewhere: memory, threads and the printing of text are safe, state can be protected in Pulumi.
OTHER = re.compile(r"[Ss]afe to (share|print)|--protect|protect=|`protect`|thread-safe", re.IGNORECASE)
ABOUT_SITES = ("electrical", "sitefile", "review", "wiring", "cli", "site.py", "balance.py")
FILES = [
    file.relative_to(PACKAGE).as_posix()
    for part in ABOUT_SITES
    for file in ([PACKAGE / part] if part.endswith(".py") else sorted((PACKAGE / part).rglob("*.py")))
]


def texts(file: Path) -> list[str]:
    """Every text of a module, docstrings included: editors show those."""
    return [
        node.value
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def claims(text: str) -> list[str]:
    return [match.group() for match in NEVER.finditer(OTHER.sub("", text))]


@pytest.mark.parametrize("file", FILES)
def test_no_text_of_the_code_claims_it(file: str) -> None:
    """Each text alone; f-strings by their parts."""
    assert [found for text in texts(PACKAGE / file) for found in claims(text)] == []


def test_every_part_about_sites_is_looked_at() -> None:
    """A folder that was renamed would not be."""
    assert {file.partition("/")[0] for file in FILES} == set(ABOUT_SITES)


@pytest.mark.parametrize(
    "path",
    [
        "docs/electrical.md",
        "docs/wiring.md",
        "docs/cli.md",
        "examples/site",
        "tests/fixtures/site-reports",
        "provider/pulumi_plugchoice/sitefile/site.schema.json",
    ],
)
def test_no_document_or_report_claims_it(path: str) -> None:
    """What users read; a sentence that says what is never claimed is marked as such."""
    files = (
        [ROOT / path]
        if (ROOT / path).is_file()
        else sorted(item for item in (ROOT / path).rglob("*") if item.is_file())
    )
    assert files
    for file in files:
        if file.suffix not in {".md", ".svg", ".yaml", ".json", ".py"}:
            continue
        text = re.sub(r"<!-- never claimed -->.*?<!-- /never claimed -->", "", file.read_text(), flags=re.DOTALL)
        assert claims(text) == [], file


def test_the_words_are_found() -> None:
    """The other tests here would be green with a pattern that finds nothing."""
    for text in ("this is safe", "Balanced load", "meets VDE", "it will not trip", "rotates phases", "wiring verified"):
        assert claims(text)
    assert claims("load balancing, safe to share between threads") == []
