"""Reads a site of the account with everything that a site file can say about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import list_some, printable
from pulumi_plugchoice.errors import InvalidResponse, NotFound, PermissionDenied, PlugchoiceError
from pulumi_plugchoice.runtime.live import Live

from .labels import sort_key
from .readiness import Readiness, judge_readiness

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pulumi_plugchoice.api.client import PlugchoiceClient
    from pulumi_plugchoice.api.models import Site, SiteCharger, SiteGroup


_REPAIR: Final = "; correct the groups in Plugchoice, and run this again"


@dataclass(frozen=True)
class LiveSite:
    """What Plugchoice has of a site.

    Attributes:
        uuid: lower case.
        name: as people gave it, printable.
        connectors: those that can be used, by charger and number.
        invalid: why the others cannot, by name.
        chargers: all chargers by UUID in lower case, also those without a connector; empty when they cannot be read.
        charger_problem: why the list of chargers is not known, or not whole.
        groups: the load-balancing groups, a parent before its children.
        group_of: number of the group by charger; None: in no group. Empty for a site with one group. A charger that is
            missing is in a group that is not known.
        group_problem: why none of them is known.
    """

    uuid: str
    name: str
    connectors: list[Live]
    invalid: Mapping[str, str]
    chargers: Mapping[str, SiteCharger]
    charger_problem: str
    groups: list[SiteGroup]
    group_of: Mapping[str, int | None]
    group_problem: str = ""

    def judge(self, item: Live) -> Readiness:
        """Tell whether one of its connectors can be managed as it is."""
        return judge_readiness(item.connector, self.chargers.get(item.charger))

    def has_known_group(self, charger: str) -> bool:
        """Whether the group of a charger is known, or cannot be another than the only one."""
        return len(self.groups) < 2 or charger in self.group_of

    def list_refused(self) -> list[str]:
        """The chargers that this token may not configure, by name; only those of which the API says so."""
        return [
            name_charger(charger)
            for charger in self.chargers.values()
            if charger.permissions is not None and charger.permissions.full is False
        ]

    def list_without_connector(self) -> list[str]:
        """The chargers that list no connector: most have never been seen online."""
        there = {item.charger for item in self.connectors}
        rows = {name.rpartition("/")[0] for name in self.invalid}
        return [
            name_charger(charger) + (" (never seen)" if charger.connection_status == "never_seen" else "")
            for uuid, charger in self.chargers.items()
            if uuid not in there and not rows & {uuid, name_charger(charger)}
        ]


def name_charger(charger: SiteCharger) -> str:
    """The charger in messages: by identity, or by UUID when it has none."""
    return printable(charger.identity or charger.uuid, 60)


def read_live_site(client: PlugchoiceClient, site: Site) -> LiveSite:
    """Read a site: a call for 25 connectors, one for 25 chargers, and one or two for the groups.

    Raises:
        PlugchoiceError: the connectors or the groups cannot be read, or do not fit together.
    """
    uuid = site.uuid.lower()
    listing = client.site_listing(uuid)
    connectors = [Live(item.charger.uuid.lower(), item.charger.identity, item) for item in listing.connectors]
    invalid = {row.name: row.reason for row in listing.invalid}
    chargers: dict[str, SiteCharger] = {}
    problem = ""
    try:
        rows = client.site_chargers(uuid)
        chargers = {charger.uuid.lower(): charger for charger in rows.chargers}
        problem = list_some(list(rows.invalid), 3) if rows.invalid else ""
    except (NotFound, PermissionDenied) as error:
        problem = str(error)
    connectors += _find_lost(client, connectors, invalid, chargers)
    connectors.sort(key=lambda live: (sort_key(live.identity or "", live.charger), live.connector.connector_id))
    groups = _sort_groups(client.site_groups(uuid))
    group_of, group_problem = _find_groups(client, uuid, groups)
    name = printable(site.name or "", 60)
    return LiveSite(uuid, name, connectors, invalid, chargers, problem, groups, group_of, group_problem)


def _find_groups(client: PlugchoiceClient, site: str, groups: list[SiteGroup]) -> tuple[dict[str, int | None], str]:
    """Find the group of each charger, and why none is known. A site with one group needs no answer."""
    if len(groups) < 2:
        return {}, ""
    try:
        chargers = client.power_management(site).chargers
    except (NotFound, PermissionDenied, InvalidResponse) as error:
        return {}, str(error)
    listed = {None, *(group.id for group in groups)}
    return {item.uuid.lower(): item.group_id for item in chargers if item.group_id in listed}, ""


def _find_lost(
    client: PlugchoiceClient,
    connectors: list[Live],
    invalid: Mapping[str, str],
    chargers: Mapping[str, SiteCharger],
) -> Iterator[Live]:
    """Read the connectors by themselves that the list of chargers has and the list of connectors lost between pages."""
    known = {f"{live.charger}/{live.connector.connector_id}" for live in connectors}
    for uuid, charger in chargers.items():
        names = {f"{uuid}/{item.connector_id}": item.connector_id for item in charger.connectors or ()}
        lost = {
            number
            for name, number in names.items()
            if number > 0 and name not in known and f"{name_charger(charger)}/{number}" not in invalid
        }
        if lost:
            found = client.charger(uuid)
            yield from (Live(uuid, found.identity, item) for item in found.connectors if item.connector_id in lost)


def _sort_groups(groups: list[SiteGroup]) -> list[SiteGroup]:
    """Sort groups: the root first, each before those below it."""
    roots = [group for group in groups if group.group_id is None]
    if len(roots) > 1:
        numbers = list_some([str(group.id) for group in roots])
        raise PlugchoiceError(f"groups {numbers} have no parent, and a site file has one root group{_REPAIR}")
    result: list[SiteGroup] = []
    level = roots
    while level:
        result += level
        above = {group.id for group in level}
        level = sorted((group for group in groups if group.group_id in above), key=lambda group: group.id)
        if len(result) + len(level) > len(groups):
            break
    if len(result) != len(groups):
        lost = next(group for group in groups if group not in result)
        raise PlugchoiceError(f"group {lost.id} is below group {lost.group_id}, which leads to no root group{_REPAIR}")
    return result
