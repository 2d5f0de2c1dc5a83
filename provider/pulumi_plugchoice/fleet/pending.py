"""The writes that `pulumi up` of site files will send, as Plugchoice is now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pulumi_plugchoice._text import printable, show_path
from pulumi_plugchoice.electrical.settings import find_changes
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.runtime.live import LiveConnectors
from pulumi_plugchoice.runtime.writes import body_for, describe_write

from .survey import list_declared, survey_site
from .workers import run_each

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pulumi_plugchoice.api.client import PlugchoiceClient
    from pulumi_plugchoice.reviewed import ReviewedWrite
    from pulumi_plugchoice.sitefile.model import ChargerEntry, ConnectorEntry, SiteFile

    from .files import Declaration


@dataclass
class Pending:
    """What an update would send.

    Attributes:
        writes: with the name of each connector and its file, in the order of the files.
        problems: why it is not known, or why a write would fail; one line each.
    """

    writes: list[tuple[Path, str, ReviewedWrite]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def find_pending(
    declarations: Sequence[Declaration],
    client: PlugchoiceClient,
    *,
    say: Callable[[str], None],
    tell: Callable[[], None] = lambda: None,
) -> Pending:
    """Find the writes of all managed connectors that differ from what is declared.

    Args:
        declarations: site files.
        client: the API.
        say: prints a line to the user.
        tell: called after each site that was read.
    """
    live = LiveConnectors(client, say)
    pending = Pending(problems=[item.problem for item in declarations if item.site is None])
    found = {}
    for declaration, result in run_each(
        [item for item in declarations if item.site is not None], lambda item: _find(live, item)
    ):
        found[declaration.file] = result
        tell()
    for declaration in declarations:
        result = found.get(declaration.file, Pending())
        pending.writes += result.writes
        pending.problems += result.problems
    return pending


def _list_wanted(site: SiteFile, charger: ChargerEntry, connector: ConnectorEntry) -> dict[str, str | int]:
    """The settings that a managed connector is to have."""
    if not connector.managed:
        return {}
    amps = site.amps_of(charger, connector)
    settings = {"phase_rotation": connector.phase_rotation, "max_amperage": amps}
    return {name: value for name, value in settings.items() if value is not None}


def _find(live: LiveConnectors, declaration: Declaration) -> Pending:
    site, file = declaration.site, show_path(declaration.file)
    if site is None:
        return Pending()
    result = Pending()
    try:
        survey = survey_site(live, site)
    except PlugchoiceError as error:
        return Pending(problems=[f"{file}: site {site.site.lower()} cannot be read: {printable(error, 600)}"])
    for item in list_declared(site):
        wanted = _list_wanted(site, item.charger, item.connector)
        if not wanted:
            continue
        name = printable(item.name, 60)
        absence = survey.absent.get(item.name)
        if absence is not None:
            reason = absence.reason or "the site does not list it"
            result.problems.append(printable(f"{file}: {name}: {reason}", 800))
            continue
        found = survey.found[item.name]
        if not find_changes(wanted, found.connector):
            continue
        try:
            write = describe_write(found, body_for(wanted, found))
        except PlugchoiceError as error:
            result.problems.append(printable(f"{file}: {error}", 800))
            continue
        result.writes.append((declaration.file, name, write))
    return result
