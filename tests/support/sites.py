"""Site files for stacks, and the sites of the emulator that they declare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_plugchoice.review.change import assess_change
from pulumi_plugchoice.review.report import files_markdown
from pulumi_plugchoice.review.sides import FileChange

from .emulator import SITE, Json, identity, seed

if TYPE_CHECKING:
    from pulumi_plugchoice.sitefile.model import SiteFile


def review_markdown(before: SiteFile | None, after: SiteFile) -> str:
    """The review of one site file; without `before` a description."""
    return files_markdown([FileChange("site.yaml", "site.yaml", assess_change(before or after, after))])


def site_yaml(
    chargers: list[str], *, site: str = SITE, fuse: int = 200, limits: str = "{}", group: int = 801, more: str = ""
) -> str:
    """A site file with these lines of chargers."""
    return "\n".join(
        [
            f"site: {site}",
            "label: Harbour",
            f"supply: {{net_type: TN, main_fuse_amps: {fuse}}}",
            f"limits: {limits}",
            f"groups: [{{name: main, group_id: {group}}}{more}]",
            "chargers:",
            *chargers,
            "",
        ]
    )


def bay(index: int, rotation: str = "RST", amps: int = 16, *, label: str | None = None, more: str = "") -> str:
    """One charger's line."""
    label = f"bay-{index}" if label is None else label
    settings = f"{{connector_id: 1, phase_rotation: {rotation}, max_amperage: {amps}{more}}}"
    return f"  - {{label: {label}, identity: {identity(index)}, connectors: [{settings}]}}"


def bays(count: int, rotations: tuple[str, ...] = ("RST",), amps: int = 16, *, first: int = 1) -> list[str]:
    """`count` chargers with these rotations in turn."""
    return [bay(first + index, rotations[index % len(rotations)], amps) for index in range(count)]


def numbered_site(number: int, chargers: dict[int, list[Json]]) -> Json:
    """A site for a seed, with these chargers and one group."""
    found: dict[str, Any] = seed(max(chargers), chargers)["sites"][0]
    kept = [charger for index, charger in enumerate(found["chargers"], 1) if index in chargers]
    groups = [{"id": 801 + number, "total_amps": 125, "net_type": "TN"}]
    return {**found, "uuid": numbered_uuid(number), "name": f"Site {number}", "groups": groups, "chargers": kept}


def numbered_uuid(number: int) -> str:
    """The UUID of that site."""
    return f"{SITE[:-2]}{number:02d}"
