"""Reports as GitHub and GitLab render them: text of a file is text, whatever is in it."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pulumi_plugchoice import plan_rotation
from pulumi_plugchoice._text import printable
from pulumi_plugchoice.review.pending import Drift, Pending, PendingWrite, describe_pending
from pulumi_plugchoice.review.plan import plan_markdown
from pulumi_plugchoice.review.sheet import installer_sheet
from pulumi_plugchoice.reviewed import RESTORE, ReviewedWrite
from pulumi_plugchoice.sitefile.assess import assess_site
from support.hostile import MARKS, NASTY, fill, make_site, name_all
from support.sites import review_markdown

if TYPE_CHECKING:
    from markdown_it.token import Token

#: Renders as GitHub does: tables, HTML, links without brackets.
RENDERER: Final = MarkdownIt("commonmark", {"html": True, "linkify": True}).enable(
    ["table", "linkify", "strikethrough"]
)


def render_all(names: tuple[str, str, str]) -> list[str]:
    """Every report in Markdown: reviews of a site, a change, an edited name, what is pending; the plan; the sheet."""
    site, other = make_site(names), make_site(("new", "newer", "HRB-009"))
    return [
        review_markdown(None, site),
        review_markdown(site, make_site(names, "TRS", 50)),
        review_markdown(other, site),
        review_markdown(site, other),
        *("\n".join(describe_pending(make_pending(printable(names[2], 60), problems))) for problems in (0, 1)),
        plan_markdown(site, plan_rotation(site), assess_site(site).not_counted),
        installer_sheet(site),
    ]


def make_pending(name: str, problems: int) -> Pending:
    """What a live review finds, with a name wherever there is one, or a text of the server."""
    write = ReviewedWrite("5f0c3c1e-0000-4000-8000-000000000001", 1, ("RST", 16), ("STR", 20))
    writes = [PendingWrite(name, name, write), PendingWrite(name, name, write._replace(after=RESTORE))]
    drift = Drift(name, name, write.charger, 1, {"max_amperage": 16}, {"max_amperage": 31}, "overwritten")
    line = f"sites/x.yaml: {name}: y"
    return Pending(writes, [drift], [line], [line] * problems, files=1)


@pytest.mark.parametrize("name", NASTY)
def test_a_live_value_is_shown_as_text(name: str) -> None:
    """The server may send any."""
    write = ReviewedWrite("5f0c3c1e-0000-4000-8000-000000000001", 1, (name, 16), ("STR", 20))
    drift = Drift("x", "y", write.charger, 1, {"phase_rotation": "RST"}, {"phase_rotation": name}, "kept")
    tokens = parse("\n".join(describe_pending(Pending([PendingWrite("x", "y", write)], [drift], files=1))))
    assert {token.content for token in tokens if token.type == "code_inline"} >= {
        printable(name, 30),
        f"{printable(name, 30)}, 16 A",
    }
    assert not [token for token in tokens if token.type.startswith("html") or token.type in {"link_open", "image"}]


def parse(text: str) -> list[Token]:
    """All tokens of a text, those within lines too."""
    return [inner for token in RENDERER.parse(text) for inner in [token, *(token.children or ())]]


def show(text: str) -> list[tuple[str, str]]:
    """What a reader sees: each piece of text with the way it is shown."""
    return [(token.type, token.content) for token in parse(text) if token.type != "inline"]


@functools.cache
def show_harmless() -> list[list[tuple[str, str]]]:
    return [show(text) for text in render_all(MARKS)]


@pytest.mark.slow
@given(st.text(min_size=1, max_size=60) | st.lists(st.sampled_from(NASTY), min_size=1, max_size=3).map(" ".join))
@example("<!-- @octocat |`#1 https://evil.example")
@settings(max_examples=3_000 if settings.get_current_profile_name() == "long" else 20)
def test_a_name_is_shown_as_it_is_and_does_nothing_else(name: str) -> None:
    """Piece by piece as in a report with harmless names; so nothing is added, hidden or shown in another way."""
    names = name_all(name)
    shown = [printable(text, 60) for text in names]
    for text, harmless in zip(render_all(names), show_harmless(), strict=True):
        assert show(text) == [(kind, fill(content, shown)) for kind, content in harmless]


@pytest.mark.parametrize("name", NASTY)
def test_a_report_has_no_link_image_html_or_mention_and_every_warning(name: str) -> None:
    """Whatever the names are. The only HTML folds standing warnings."""
    names = name_all(name)
    shown = [printable(text, 60) for text in names]
    for text, harmless in zip(render_all(names), show_harmless(), strict=True):
        assert show(text) == [(kind, fill(content, shown)) for kind, content in harmless]
        tokens = parse(text)
        html = [line for token in tokens if token.type.startswith("html") for line in token.content.split("\n") if line]
        assert all(re.fullmatch(r"<details><summary>[\w ]+</summary>|</details>", line) for line in html)
        assert not [token for token in tokens if token.type in {"link_open", "image", "fence", "code_block"}]
        # GitLab obeys a line that begins with a slash.
        assert not [line for line in text.splitlines() if line.startswith("/")]
        plain = " ".join(token.content for token in tokens if token.type == "text")
        assert not re.search(r"@\w|#\d|https?:|www\.", plain)
    site = make_site(names)
    seen = {content for kind, content in show(review_markdown(None, site)) if kind == "code_inline"}
    warnings = assess_site(site).warnings
    assert any(names[2] in line for line in warnings)
    assert any(names[1] in line for line in warnings)
    assert {printable(line, 1000) for line in warnings} <= seen


@pytest.mark.parametrize(
    "name", ["<img src=x>", "https://evil.example", "[x](https://evil.example)", "`x`", "<!-- x -->"]
)
def test_the_comparison_sees_what_is_not_escaped(name: str) -> None:
    """As a plain text and as a code span with too few backticks."""
    for raw in ("- warning about {}\n", "- `warning` about {} `\n"):
        assert show(raw.format(name)) != [(kind, text.replace("Q", name)) for kind, text in show(raw.format("Q"))]
