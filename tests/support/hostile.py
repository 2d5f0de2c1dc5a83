"""Texts that try to be more than text, and a site file with them wherever one can stand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._text import clean, is_uuid, printable
from pulumi_plugchoice.inputs import judge
from pulumi_plugchoice.sitefile.load import build_site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_plugchoice.sitefile.model import SiteFile

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


def make_site(
    names: tuple[str, str, str], rotation: str = "RST", fuse: int = 63, planned: str | None = None
) -> SiteFile:
    """A site with a foreign text wherever one can stand, and with several warnings about it."""
    label, group, identity = names
    connectors: list[dict[str, Any]] = [
        {"connector_id": 1, "phase_rotation": rotation, "max_amperage": 63, "planned_rotation": planned},
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


def fill(content: str, names: Sequence[str]) -> str:
    """The text with names in place of the marks."""
    return re.sub("|".join(MARKS), lambda match: names[MARKS.index(match[0])], content)
