"""Words that no text about a site may contain: docs/explanation/electrical.md lists what the product never claims."""

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
# Other meanings of the words: threads, printing, an option of git, and protected resources in Pulumi.
OTHER = re.compile(r"safe\.directory|[Ss]afe to (share|print)|--protect|protect=|`protect`|thread-safe", re.IGNORECASE)
ABOUT_SITES = ("electrical", "sitefile", "review", "wiring", "cli", "site.py", "balance.py")
FILES = [
    file.relative_to(PACKAGE).as_posix()
    for part in ABOUT_SITES
    for file in ([PACKAGE / part] if part.endswith(".py") else sorted((PACKAGE / part).rglob("*.py")))
]


def texts(file: Path) -> list[str]:
    """Every text of a module, docstrings included, because editors show them."""
    return [
        node.value
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def claims(text: str) -> list[str]:
    return [match.group() for match in NEVER.finditer(OTHER.sub("", text))]


@pytest.mark.parametrize("file", FILES)
def test_no_text_in_the_code_makes_a_forbidden_claim(file: str) -> None:
    """Each text by itself; f-strings in parts."""
    assert [found for text in texts(PACKAGE / file) for found in claims(text)] == []


def test_every_part_about_sites_is_read() -> None:
    """A folder that is renamed would be missed."""
    assert {file.partition("/")[0] for file in FILES} == set(ABOUT_SITES)


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "CHANGELOG.md",
        "docs/explanation/electrical.md",
        "docs/index.md",
        "docs/guide",
        "docs/how-to/wiring.md",
        "docs/how-to/fleet.md",
        "docs/how-to/air-gapped.md",
        "docs/how-to/several-accounts.md",
        "docs/reference/cli.md",
        "examples/site",
        "tests/fixtures/site-reports",
        "provider/pulumi_plugchoice/sitefile/site.schema.json",
    ],
)
def test_no_document_or_report_makes_a_forbidden_claim(path: str) -> None:
    """Sentences that list what is never claimed are between marks and left out."""
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


def test_the_pattern_finds_forbidden_claims() -> None:
    """With a pattern that finds nothing, the other tests would pass."""
    for text in ("this is safe", "Balanced load", "meets VDE", "it will not trip", "rotates phases", "wiring verified"):
        assert claims(text)
    assert claims("load balancing, safe to share between threads") == []
