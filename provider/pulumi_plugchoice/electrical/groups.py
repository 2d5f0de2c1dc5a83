"""The declared load-balancing groups, compared with those in Plugchoice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .figures import Installation


class LiveGroup(Protocol):
    """A load-balancing group as Plugchoice has it (`api.models.SiteGroup`)."""

    @property
    def id(self) -> int: ...
    @property
    def group_id(self) -> int | None:
        """Number of the parent group; None for the root."""

    @property
    def total_amps(self) -> int | None: ...
    @property
    def net_type(self) -> str | None: ...


@dataclass(frozen=True)
class GroupMismatch:
    """A difference between a declared group and the group in Plugchoice.

    Attributes:
        key: key of the site file that differs: `group_id`, `fuse_amps`, `main_fuse_amps` or `net_type`.
        text: one line with both values.
        is_refused: whether it fails the preview.
        declared: the value of the site file.
        live: the value in Plugchoice; None when the group is not there.
    """

    key: str
    text: str
    is_refused: bool
    declared: int | str
    live: int | str | None


def compare_groups(installation: Installation, live: Iterable[LiveGroup]) -> list[GroupMismatch]:
    """Compare the declared groups, their fuses and the net type with those in Plugchoice.

    Args:
        installation: as declared.
        live: the site's groups in Plugchoice.

    Returns:
        One for each difference, in the order of the declared groups.
    """
    by_id = {group.id: group for group in live}
    mismatches = []
    for group in installation.groups:
        is_root = group.parent is None
        if group.group_id is not None:
            found = by_id.get(group.group_id)
        else:
            found = next((item for item in by_id.values() if item.group_id is None), None) if is_root else None
        if found is None:
            if group.group_id is not None:
                others = ", ".join(map(str, sorted(by_id))) or "none"
                text = f"group {group.name}: the site has no group {group.group_id} in Plugchoice; its groups: {others}"
                mismatches.append(GroupMismatch("group_id", text, is_refused=True, declared=group.group_id, live=None))
            continue
        place = f"group {group.name} ({found.id})"
        if group.fuse_amps is not None and found.total_amps not in (None, group.fuse_amps):
            key = "main_fuse_amps" if is_root else "fuse_amps"
            mismatches.append(_compare_fuse(key, place, group.fuse_amps, found.total_amps or 0))
        if is_root and found.net_type not in (None, installation.net_type):
            text = f"{place}: net type is {found.net_type} in Plugchoice, {installation.net_type} is declared"
            declared = installation.net_type
            mismatches.append(GroupMismatch("net_type", text, is_refused=False, declared=declared, live=found.net_type))
    return mismatches


def _compare_fuse(key: str, place: str, declared: int, live: int) -> GroupMismatch:
    text = f"{place}: {live} A in Plugchoice, the declared fuse is {declared} A"
    if live < declared:
        return GroupMismatch(key, text, is_refused=False, declared=declared, live=live)
    # Load balancing goes by the live value.
    text = f"{text}; load balancing would let chargers draw more than the fuse carries: correct the wrong value"
    return GroupMismatch(key, text, is_refused=True, declared=declared, live=live)
