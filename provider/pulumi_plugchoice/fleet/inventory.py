"""The live connectors of a site beside what its site file declares."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.electrical.figures import compute_figures
from pulumi_plugchoice.electrical.settings import find_changes
from pulumi_plugchoice.sitefile.assess import assess
from pulumi_plugchoice.sitefile.definition import make_definition

from .amps import build_live_installation, show_amps
from .content import SiteContent, read_content
from .labels import show_name, sort_key
from .readiness import Readiness, judge_readiness
from .survey import list_declared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pulumi_plugchoice.api.client import PlugchoiceClient
    from pulumi_plugchoice.api.models import SiteGroup
    from pulumi_plugchoice.runtime.live import Live
    from pulumi_plugchoice.sitefile.model import SiteFile

    from .amps import Amps
    from .files import Declaration
    from .survey import Absence, Declared

Mark = Literal[
    "never_set",
    "partly_set",
    "dc",
    "differs",
    "undeclared",
    "missing",
    "not_configurable",
    "never_seen",
    "no_connector",
    "unreadable",
]
#: What a mark on a connector means.
MARKS: Final[dict[Mark, str]] = {
    "dc": "DC",
    "never_set": "never set",
    "partly_set": "partly set",
    "differs": "differs from the file",
    "undeclared": "not in the file",
    "missing": "missing from the site",
    "unreadable": "cannot be read",
    "not_configurable": "not configurable with this token",
    "never_seen": "never seen",
    "no_connector": "no connector reported",
}


_READINESS: Final[dict[Readiness, Mark]] = {"DC": "dc", "not set": "never_set", "partly set": "partly_set"}


@dataclass(frozen=True)
class Settings:
    """Both settings of a connector; None: not set, or not declared.

    Attributes:
        phase_rotation: printable.
        max_amperage: A.
    """

    phase_rotation: str | None
    max_amperage: int | None


@dataclass(frozen=True)
class ConnectorEntry:
    """A connector of a site; or a charger without one.

    Attributes:
        charger: UUID, lower case; None when it is not known.
        identity: OCPP identity of the charger, printable; None when it is not known.
        connector_id: OCPP connector number; None for a charger without a connector.
        name: `HRB-001/1`, or the charger alone; with the UUID when two chargers have one identity.
        power_type: as Plugchoice has it, printable.
        connection_status: of the charger, as Plugchoice has it, printable.
        configurable: whether the token may change the charger; None when Plugchoice does not tell.
        live: None when there is no live connector.
        declared: None when the site file does not declare it.
        managed: whether the site file manages it; None when it does not declare it.
        marks: see `MARKS`.
        reason: why it is missing or cannot be read.
    """

    charger: str | None
    identity: str | None
    connector_id: int | None
    name: str
    power_type: str | None = None
    connection_status: str | None = None
    configurable: bool | None = None
    live: Settings | None = None
    declared: Settings | None = None
    managed: bool | None = None
    marks: tuple[Mark, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Inventory:
    """The connectors of a site.

    Attributes:
        uuid: of the site, lower case.
        name: as people gave it, printable; None when it is not known.
        configurable: whether the token may change the site; None when Plugchoice does not tell.
        file: the site file that declares it.
        connectors: by charger and number.
        declared: A per line of the declared connectors; None without a site file.
        live: A per line of the live connectors.
        not_counted: the connectors that do not count in `live`, each with the reason.
        problems: what could not be read, one line each.
    """

    uuid: str
    name: str | None
    configurable: bool | None
    file: Path | None
    connectors: list[ConnectorEntry]
    declared: Amps | None
    live: Amps
    not_counted: list[str]
    problems: list[str]

    @property
    def is_whole(self) -> bool:
        """Whether everything could be read."""
        return not self.problems and not any("unreadable" in entry.marks for entry in self.connectors)


def take_inventory(
    client: PlugchoiceClient,
    uuid: str,
    declaration: Declaration | None,
    *,
    say: Callable[[str], None],
    tell: Callable[[], None] = lambda: None,
) -> Inventory:
    """List the connectors of a site.

    Args:
        client: the API.
        uuid: of the site, lower case.
        declaration: its site file.
        say: prints a line to the user.
        tell: called after each of `LISTS` lists.

    Raises:
        PlugchoiceError: the site cannot be read.
    """
    site_file = declaration.site if declaration else None
    account, content = read_content(client, uuid, site_file, say, tell)
    site = next((site for site in account if site.uuid.lower() == uuid), None)
    entries = _list_entries(content, site_file)
    definition = _define(uuid, content.groups, site_file)
    gone = {
        name
        for name, absence in content.absent.items()
        if absence.kind != "unreadable" and content.values.get(name) is None
    }
    tally = build_live_installation(definition, content.values, gone)
    return Inventory(
        uuid,
        show_name(site.name) if site else None,
        site.permissions.full if site and site.permissions else None,
        declaration.file if declaration and site_file else None,
        entries,
        show_amps(assess(definition, content.values).figures) if site_file else None,
        show_amps(compute_figures(tally.installation)),
        tally.not_counted,
        content.problems,
    )


def _define(uuid: str, groups: Sequence[SiteGroup], site: SiteFile | None) -> dict[str, Any]:
    """The definition of the site file; without one, that of a site with no other loads than its connectors."""
    if site is not None:
        return make_definition(site)
    root = next((group for group in groups if group.group_id is None), None)
    net_type = root.net_type if root else None
    return {
        "site": uuid,
        "net_type": net_type or "TN",
        "neutral": net_type != "IT",
        "main_fuse_amps": root.total_amps if root else None,
        "groups": {"main": {}},
        "chargers": {},
        "connectors": {},
        "unmanaged": [],
    }


def _list_entries(content: SiteContent, site: SiteFile | None) -> list[ConnectorEntry]:
    declared = {item.name: item for item in list_declared(site)} if site else {}
    by_live = {id(live): declared[name] for name, live in content.found.items()}
    shared = _find_shared_identities(content)

    def enter(charger: str, identity: str | None, live: Live | None) -> ConnectorEntry:
        known = content.chargers.get(charger)
        item = by_live.get(id(live))
        shown = show_name(identity)
        name = f"{charger} ({shown})" if identity in shared else shown or charger
        connector = live.connector if live else None
        wanted = _read_declared(site, item)
        readiness = judge_readiness(connector, known) if connector is not None else "set"
        marks: list[Mark] = [_READINESS[readiness]] if readiness in _READINESS else []
        if connector is not None and item is None and site is not None:
            marks.append("undeclared")
        elif connector is not None and wanted is not None and item is not None and item.connector.managed:
            values = {key: value for key, value in vars(wanted).items() if value is not None}
            marks += ["differs"] if find_changes(values, connector) else []
        full = known.permissions.full if known and known.permissions else None
        marks += ["not_configurable"] if full is False else []
        marks += ["never_seen"] if known and known.connection_status == "never_seen" else []
        marks += ["no_connector"] if connector is None and "never_seen" not in marks else []
        return ConnectorEntry(
            charger,
            shown,
            connector.connector_id if connector else None,
            f"{name}/{connector.connector_id}" if connector else name,
            _show_word(connector.power_type) if connector else None,
            _show_word(known.connection_status) if known else None,
            full,
            Settings(_show_word(connector.phase_rotation), connector.max_amperage) if connector else None,
            wanted,
            item.connector.managed if item else None,
            tuple(marks),
        )

    entries = [enter(live.charger, live.identity, live) for live in content.values.all]
    entries += [enter(uuid, content.chargers[uuid].identity, None) for uuid in content.empty]
    entries += [_enter_absent(declared[name], absence, site) for name, absence in content.absent.items()]
    entries += [
        ConnectorEntry(None, None, None, show_name(name) or "", marks=("unreadable",), reason=printable(reason, 300))
        for name, reason in content.invalid.items()
    ]
    return sorted(entries, key=lambda entry: sort_key(entry.name, entry.charger or ""))


def _enter_absent(item: Declared, absence: Absence, site: SiteFile | None) -> ConnectorEntry:
    return ConnectorEntry(
        item.charger.uuid and item.charger.uuid.lower(),
        show_name(item.charger.identity),
        item.connector.connector_id,
        f"{show_name(item.charger.key)}/{item.connector.connector_id}",
        declared=_read_declared(site, item),
        managed=item.connector.managed,
        marks=("unreadable" if absence.kind == "unreadable" else "missing",),
        # Where a charger has moved is for `drift` to tell.
        reason="" if absence.kind == "moved" else printable(absence.reason, 300),
    )


def _read_declared(site: SiteFile | None, item: Declared | None) -> Settings | None:
    if site is None or item is None:
        return None
    return Settings(item.connector.phase_rotation, site.amps_of(item.charger, item.connector))


def _find_shared_identities(content: SiteContent) -> set[str | None]:
    """The identities that more than one charger of the site has."""
    pairs = {(live.charger, live.identity) for live in content.values.all}
    pairs |= {(uuid, content.chargers[uuid].identity) for uuid in content.empty}
    counts = Counter(identity for _, identity in pairs if identity)
    return {identity for identity, count in counts.items() if count > 1}


def _show_word(text: str | None) -> str | None:
    return None if text is None else printable(text, 60)
