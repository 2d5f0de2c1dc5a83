"""Reads what a site has for a list: connectors, and chargers without one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import plural, printable
from pulumi_plugchoice.api.sites import describe_sites
from pulumi_plugchoice.errors import InvalidResponse, NotFound, PermissionDenied, PlugchoiceError
from pulumi_plugchoice.runtime.live import Live, LiveConnectors
from pulumi_plugchoice.sitefile.definition import LiveValues

from .survey import survey_site
from .workers import run_each

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pulumi_plugchoice.api.client import PlugchoiceClient
    from pulumi_plugchoice.api.models import Site, SiteCharger, SiteGroup
    from pulumi_plugchoice.sitefile.model import SiteFile

    from .survey import Absence

#: How many lists `read_content` reads.
LISTS: Final = 3
# Chargers without a connector that are read by themselves.
_MOST_READ: Final = 50


@dataclass
class SiteContent:
    """What Plugchoice has of a site.

    Attributes:
        values: the live connectors.
        chargers: all chargers by UUID in lower case; empty when they cannot be read.
        groups: the load-balancing groups, of a site without a site file.
        invalid: why other rows of the list cannot be used, by name.
        found: the live connector of each declared one, by name.
        absent: why there is none, by name.
        empty: the chargers without a connector, by UUID.
        problems: what could not be read, one line each.
    """

    values: LiveValues
    chargers: dict[str, SiteCharger]
    groups: Sequence[SiteGroup]
    invalid: Mapping[str, str]
    found: Mapping[str, Live] = field(default_factory=dict)
    absent: Mapping[str, Absence] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_content(
    client: PlugchoiceClient,
    uuid: str,
    site: SiteFile | None,
    say: Callable[[str], None],
    tell: Callable[[], None],
) -> tuple[list[Site], SiteContent]:
    """Read the connectors, the chargers and the sites of the account, at the same time.

    Args:
        client: the API.
        uuid: of the site, lower case.
        site: its site file.
        say: prints a line to the user.
        tell: called after each of `LISTS` lists.

    Returns:
        The sites of the account, and what the site has.

    Raises:
        PlugchoiceError: the connectors cannot be read.
    """
    live = LiveConnectors(client, say)
    content = SiteContent(LiveValues(()), {}, (), {})
    account: list[Site] = []

    def read_sites() -> None:
        account.extend(client.sites())

    def read_chargers() -> None:
        listing = client.site_chargers(uuid)
        content.chargers = {charger.uuid.lower(): charger for charger in listing.chargers}
        content.problems += [f"{row}; it is left out" for row in listing.invalid]

    def read_connectors() -> None:
        if site is not None:
            survey = survey_site(live, site)
            content.found, content.absent = survey.found, survey.absent
            content.values, content.invalid = survey.values, survey.invalid
        else:
            listed = live.read_site(uuid)
            content.values, content.invalid = LiveValues(listed.connectors, listed.invalid), listed.invalid
            try:
                content.groups = live.list_groups(uuid)
            except (NotFound, PermissionDenied, InvalidResponse) as error:
                content.problems.append(f"the groups cannot be read, so the net type is taken for TN: {error}")

    errors: dict[str, PlugchoiceError] = {}
    work = {"connectors": read_connectors, "chargers": read_chargers, "sites": read_sites}

    def run(what: str) -> None:
        try:
            work[what]()
        except PlugchoiceError as error:
            errors[what] = error

    for _ in run_each(work, run):
        tell()
    failure = errors.pop("connectors", None)
    if failure is not None:
        if isinstance(failure, NotFound | PermissionDenied):
            sees = describe_sites(account) if "sites" not in errors else ""
            raise PlugchoiceError(
                f"site {uuid}: cannot be read (answered {failure.status}); check the UUID and the token{sees}"
            )
        raise failure
    content.problems += [f"the list of {what} cannot be read: {error}" for what, error in sorted(errors.items())]
    _find_lost(client, content)
    return account, content


def _find_lost(client: PlugchoiceClient, content: SiteContent) -> None:
    """Read the chargers by themselves whose connectors are not on the list; a list in pages can lose rows."""
    known: dict[str, set[int]] = {}
    for live in content.values.all:
        known.setdefault(live.charger, set()).add(live.connector.connector_id)
    lacking = []
    for uuid, charger in content.chargers.items():
        told = {item.connector_id for item in charger.connectors or () if item.connector_id > 0}
        lost = told - known.get(uuid, set())
        names = {f"{printable(charger.identity or uuid, 60)}/{number}" for number in lost}
        if uuid not in known:
            content.empty.append(uuid)
        is_told = charger.connectors is not None or charger.connection_status == "never_seen"
        if (lost and not names <= content.values.invalid.keys()) or (uuid not in known and not is_told):
            lacking.append(uuid)
    more: list[Live] = []
    for uuid in lacking[:_MOST_READ]:
        try:
            found = client.charger(uuid)
        except PlugchoiceError as error:
            content.problems.append(f"charger {uuid}: {error}")
            continue
        numbers = known.get(uuid, set())
        more += [Live(uuid, found.identity, item) for item in found.connectors if item.connector_id not in numbers]
    if len(lacking) > _MOST_READ:
        content.problems.append(
            f"{plural(len(lacking) - _MOST_READ, 'charger')} not on the list of connectors left out"
        )
    found_now = {live.charger for live in more}
    invalid = {name.rpartition("/")[0] for name in content.values.invalid}
    content.empty = [
        uuid
        for uuid in content.empty
        if uuid not in found_now and not invalid & {uuid, printable(content.chargers[uuid].identity or uuid, 60)}
    ]
    content.values = LiveValues((*content.values.all, *more), content.values.invalid)
