"""Reports as GitHub and GitLab render them: text of a file is text, whatever is in it."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pulumi_plugchoice import plan_rotation
from pulumi_plugchoice._text import clean, is_uuid, printable
from pulumi_plugchoice.inputs import judge
from pulumi_plugchoice.review.plan import plan_markdown
from pulumi_plugchoice.review.sheet import installer_sheet
from pulumi_plugchoice.sitefile.assess import assess_site
from pulumi_plugchoice.sitefile.load import build_site
from support.sites import review_markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token
    from pulumi_plugchoice.sitefile.model import SiteFile

#: Renders as GitHub does: tables, HTML, links without brackets.
RENDERER: Final = MarkdownIt("commonmark", {"html": True, "linkify": True}).enable(
    ["table", "linkify", "strikethrough"]
)
#: Stands for the names in the reports that others are compared with: as a label, as a group, as an identity.
MARKS: Final = ("Qlabel", "Qgroup", "Qidentity")

NASTY: Final = (
    "<!--",
    "-->",
    "</details>",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](https://evil.example/x.png)",
    "[x](https://evil.example)",
    "[x]: https://evil.example",
    "https://evil.example www.evil.example a@evil.example",
    "@octocat @org/team #12 org/repo#12 GH-12 !12 ~label %milestone &epic 0123456789abcdef",
    ":rotating_light: $x$ $`x`$ [^1] - [ ] x",
    "| a | b |",
    "\\| \\\\| \\",
    "|\\",
    "`",
    "``` ` ``",
    "`code` **bold** _x_ ~~gone~~",
    "a\n\n# heading\n\n- list\n\n    code",
    "&lt;b&gt; &#64; &#x202e;",
    "\u202eevil\u2066 \u200b\ufeff\U000e0041",
    "@\u200boctocat",
    "- x",
    "1. x",
    "> x",
    "---",
    "===",
    "/close",
)


def name_all(name: str) -> tuple[str, str, str]:
    """A label, a group and an identity with this text, as far as a site file takes it."""
    label, other = name[:60], clean(name)[:45].strip()
    while len(printable(label, 1000)) > 60:  # escapes are longer; no report cuts a label of 60
        label = label[:-1]
    return (
        label if printable(label) else "-",
        other or "garage",
        other if judge("charger", other) is None and not is_uuid(other) else "HRB-001",
    )


def make_site(names: tuple[str, str, str], rotation: str = "RST", fuse: int = 63) -> SiteFile:
    """A site with a foreign text wherever one can stand, and with several warnings about it."""
    label, group, identity = names
    connectors: list[dict[str, Any]] = [
        {"connector_id": 1, "phase_rotation": rotation, "max_amperage": 63},
        {"connector_id": 2, "phase_rotation": rotation, "max_amperage": 5},
        {"connector_id": 3, "managed": False},
    ]
    charger = {"label": label, "identity": identity, "group": group, "breaker_amps": 16, "max_current": 16}
    return build_site(
        {
            "site": "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7",
            "label": label,
            "supply": {"net_type": "TN", "main_fuse_amps": fuse},
            "limits": {"single_phase_amps": 40, "full_imbalance_amps": 20},
            "groups": [{"name": "main"}, {"name": group, "parent": "main", "fuse_amps": 16}],
            "chargers": [charger | {"connectors": connectors}],
        },
        "x",
    )


def render_all(names: tuple[str, str, str]) -> list[str]:
    """Every report in Markdown: a review of a site, of a change, of an edited name; the plan; the sheet."""
    site, other = make_site(names), make_site(("new", "newer", "HRB-009"))
    return [
        review_markdown(None, site),
        review_markdown(site, make_site(names, "TRS", 50)),
        review_markdown(other, site),
        review_markdown(site, other),
        plan_markdown(site, plan_rotation(site), assess_site(site).not_counted),
        installer_sheet(site),
    ]


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


def fill(content: str, names: Sequence[str]) -> str:
    """The text with names in place of the marks."""
    return re.sub("|".join(MARKS), lambda match: names[MARKS.index(match[0])], content)


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
