"""The live connectors of a site beside what its site file declares."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from pulumi_plugchoice._text import plural, printable
from pulumi_plugchoice.api.sites import describe_sites
from pulumi_plugchoice.electrical.figures import compute_figures
from pulumi_plugchoice.electrical.settings import find_changes
from pulumi_plugchoice.errors import InvalidResponse, NotFound, PermissionDenied, PlugchoiceError
from pulumi_plugchoice.runtime.live import Live, LiveConnectors
from pulumi_plugchoice.sitefile.assess import assess
from pulumi_plugchoice.sitefile.definition import LiveValues, make_definition

from .amps import build_live_installation, show_amps
from .labels import show_name, sort_key
from .readiness import Readiness, judge_readiness
from .survey import list_declared, survey_site
from .workers import run_each

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pulumi_plugchoice.api.client import PlugchoiceClient
    from pulumi_plugchoice.api.models import Site, SiteCharger, SiteGroup
    from pulumi_plugchoice.sitefile.model import SiteFile

    from .amps import Amps
    from .files import Declaration
    from .survey import Absence, Declared

# Chargers without a connector that are read by themselves.
_MOST_READ: Final = 50

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


@dataclass
class _Reading:
    """What the calls about a site have found."""

    values: LiveValues
    chargers: dict[str, SiteCharger]
    groups: Sequence[SiteGroup]
    invalid: Mapping[str, str]
    found: Mapping[str, Live] = field(default_factory=dict)
    absent: Mapping[str, Absence] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


#: How many lists `take_inventory` reads.
LISTS: Final = 3


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
        tell: called after each of `LISTS` lists that was read.

    Raises:
        PlugchoiceError: the site cannot be read.
    """
    account, reading = _read(client, uuid, declaration, say, tell)
    site = next((site for site in account if site.uuid.lower() == uuid), None)
    entries = _list_entries(reading, declaration)
    definition = _define(uuid, reading.groups, declaration)
    gone = {
        name
        for name, absence in reading.absent.items()
        if absence.kind != "unreadable" and reading.values.get(name) is None
    }
    tally = build_live_installation(definition, reading.values, gone)
    is_declared = declaration is not None and declaration.site is not None
    return Inventory(
        uuid,
        show_name(site.name) if site else None,
        site.permissions.full if site and site.permissions else None,
        declaration.file if declaration and is_declared else None,
        entries,
        show_amps(assess(definition, reading.values).figures) if is_declared else None,
        show_amps(compute_figures(tally.installation)),
        tally.not_counted,
        reading.problems,
    )


def _read(
    client: PlugchoiceClient,
    uuid: str,
    declaration: Declaration | None,
    say: Callable[[str], None],
    tell: Callable[[], None],
) -> tuple[list[Site], _Reading]:
    """Read the three lists at the same time."""
    live = LiveConnectors(client, say)
    reading = _Reading(LiveValues(()), {}, (), {})
    account: list[Site] = []

    def read_sites() -> None:
        account.extend(client.sites())

    def read_chargers() -> None:
        listing = client.site_chargers(uuid)
        reading.chargers = {charger.uuid.lower(): charger for charger in listing.chargers}
        reading.problems += [f"{row}; it is left out" for row in listing.invalid]

    def read_connectors() -> None:
        if declaration is not None and declaration.site is not None:
            survey = survey_site(live, declaration.site)
            reading.found, reading.absent = survey.found, survey.absent
            reading.values, reading.invalid = survey.values, survey.invalid
        else:
            listed = live.read_site(uuid)
            reading.values, reading.invalid = LiveValues(listed.connectors, listed.invalid), listed.invalid
            try:
                reading.groups = live.list_groups(uuid)
            except (NotFound, PermissionDenied, InvalidResponse) as error:
                reading.problems.append(f"the groups cannot be read, so the net type is taken for TN: {error}")

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
    reading.problems += [f"the list of {what} cannot be read: {error}" for what, error in sorted(errors.items())]
    _find_lost(client, reading)
    return account, reading


def _find_lost(client: PlugchoiceClient, reading: _Reading) -> None:
    """Read the chargers by themselves whose connectors are not on the list; a list in pages can lose rows."""
    known: dict[str, set[int]] = {}
    for live in reading.values.all:
        known.setdefault(live.charger, set()).add(live.connector.connector_id)
    lacking = []
    for uuid, charger in reading.chargers.items():
        told = {item.connector_id for item in charger.connectors or () if item.connector_id > 0}
        lost = told - known.get(uuid, set())
        names = {f"{printable(charger.identity or uuid, 60)}/{number}" for number in lost}
        if uuid not in known:
            reading.empty.append(uuid)
        if (lost and not names <= reading.values.invalid.keys()) or (uuid not in known and charger.connectors is None):
            lacking.append(uuid)
    more: list[Live] = []
    for uuid in lacking[:_MOST_READ]:
        try:
            found = client.charger(uuid)
        except PlugchoiceError as error:
            reading.problems.append(f"charger {uuid}: {error}")
            continue
        numbers = known.get(uuid, set())
        more += [Live(uuid, found.identity, item) for item in found.connectors if item.connector_id not in numbers]
    if len(lacking) > _MOST_READ:
        reading.problems.append(
            f"{plural(len(lacking) - _MOST_READ, 'charger')} not on the list of connectors left out"
        )
    found_now = {live.charger for live in more}
    invalid = {name.rpartition("/")[0] for name in reading.values.invalid}
    reading.empty = [
        uuid
        for uuid in reading.empty
        if uuid not in found_now and not invalid & {uuid, printable(reading.chargers[uuid].identity or uuid, 60)}
    ]
    reading.values = LiveValues((*reading.values.all, *more), reading.values.invalid)


def _define(uuid: str, groups: Sequence[SiteGroup], declaration: Declaration | None) -> dict[str, Any]:
    """The definition of the site file; without one, that of a site with no other loads than its connectors."""
    if declaration is not None and declaration.site is not None:
        return make_definition(declaration.site)
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


def _list_entries(reading: _Reading, declaration: Declaration | None) -> list[ConnectorEntry]:
    site = declaration.site if declaration else None
    declared = {item.name: item for item in list_declared(site)} if site else {}
    by_live = {id(live): declared[name] for name, live in reading.found.items()}
    shared = _find_shared_identities(reading)

    def enter(charger: str, identity: str | None, live: Live | None) -> ConnectorEntry:
        known = reading.chargers.get(charger)
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

    entries = [enter(live.charger, live.identity, live) for live in reading.values.all]
    entries += [enter(uuid, reading.chargers[uuid].identity, None) for uuid in reading.empty]
    entries += [_enter_absent(declared[name], absence, site) for name, absence in reading.absent.items()]
    entries += [
        ConnectorEntry(None, None, None, show_name(name) or "", marks=("unreadable",), reason=printable(reason, 300))
        for name, reason in reading.invalid.items()
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


def _find_shared_identities(reading: _Reading) -> set[str | None]:
    """The identities that more than one charger of the site has."""
    pairs = {(live.charger, live.identity) for live in reading.values.all}
    pairs |= {(uuid, reading.chargers[uuid].identity) for uuid in reading.empty}
    counts = Counter(identity for _, identity in pairs if identity)
    return {identity for identity, count in counts.items() if count > 1}


def _show_word(text: str | None) -> str | None:
    return None if text is None else printable(text, 60)
