"""Reads what Plugchoice has of a declared site: every declared connector, or why it has none.

A site is read as a list, 25 connectors a call. A list in pages can lose a row, so a declared connector that is not on
it is asked for by itself; what its charger answers tells whether it is gone, moved, or not to be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.errors import (
    ConnectorMoved,
    ConnectorNotFound,
    IdentityNotFound,
    InvalidConnector,
    InvalidResponse,
    NotFound,
    PermissionDenied,
)
from pulumi_plugchoice.runtime.live import SiteReading, is_about_site
from pulumi_plugchoice.sitefile.definition import LiveValues

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pulumi_plugchoice.api.models import SiteGroup
    from pulumi_plugchoice.runtime.live import Live, LiveConnectors
    from pulumi_plugchoice.sitefile.model import ChargerEntry, ConnectorEntry, SiteFile
    from pulumi_plugchoice.sitefile.yaml_text import KeyPath

#: A charger that the site does not list any more, one that is gone, another device, and one that cannot be read.
AbsenceKind = Literal["moved", "missing", "replaced", "unreadable"]


class Declared(NamedTuple):
    """A connector of a site file.

    Attributes:
        name: in the site file: `HRB-001/1`.
        charger: its charger.
        connector: the connector.
        path: its place in the file.
    """

    name: str
    charger: ChargerEntry
    connector: ConnectorEntry
    path: KeyPath


@dataclass(frozen=True)
class Absence:
    """Why a declared connector is not compared.

    Attributes:
        kind: what has become of it.
        reason: for people.
        setting: of a replaced device, the key of the site file that differs.
        declared: its value there.
        live: its value in Plugchoice.
    """

    kind: AbsenceKind
    reason: str = ""
    setting: str | None = None
    declared: str | None = None
    live: str | None = None


@dataclass(frozen=True)
class Survey:
    """What Plugchoice has of a site.

    Attributes:
        values: the live connectors, those that were asked for by themselves included.
        found: the live connector of each declared one, by name.
        absent: why there is none, by name.
        invalid: why other rows of the list cannot be used, by name.
        groups: the load-balancing groups; None when they cannot be read.
        group_problem: why they cannot be read.
    """

    values: LiveValues
    found: Mapping[str, Live]
    absent: Mapping[str, Absence]
    invalid: Mapping[str, str]
    groups: list[SiteGroup] | None
    group_problem: str = ""


def list_declared(site: SiteFile) -> Iterator[Declared]:
    """List the connectors of a site file in its order."""
    for place, charger in enumerate(site.chargers):
        for number, connector in enumerate(charger.connectors):
            name = f"{charger.key}/{connector.connector_id}"
            yield Declared(name, charger, connector, ("chargers", place, "connectors", number))


def survey_site(live: LiveConnectors, site: SiteFile) -> Survey:
    """Read a site and all of its declared connectors.

    Raises:
        PlugchoiceError: the site cannot be read.
    """
    uuid = site.site.lower()
    reading = _read_list(live, site)
    groups, problem = None, ""
    try:
        groups = live.list_groups(uuid)
    except (NotFound, PermissionDenied, InvalidResponse) as error:
        problem = str(error)
    search = _Search(live, uuid, reading)
    found: dict[str, Live] = {}
    absent: dict[str, Absence] = {}
    for item in list_declared(site):
        result = search.find(item.charger, item.connector.connector_id)
        if isinstance(result, Absence):
            absent[item.name] = result
        else:
            found[item.name] = result
    listed = {(item.charger, item.connector.connector_id): item for item in (*reading.connectors, *found.values())}
    said = [absence.reason for absence in absent.values() if absence.kind == "unreadable"]
    invalid = {
        name: reason
        for name, reason in reading.invalid.items()
        if not any(text.startswith(f"{name}: ") for text in said)
    }
    values = LiveValues(listed.values(), reading.invalid)
    return Survey(values, found, absent, invalid, groups, problem)


# How a row that does not tell its charger is not called: see `InvalidRow.name`.
_NAME_MARK: Final = "/"


def _read_list(live: LiveConnectors, site: SiteFile) -> SiteReading:
    """Read the list of a site. One that lacks a declared connector is read twice: it may have lost others as well."""
    uuid = site.site.lower()
    reading = live.read_site(uuid)
    values = LiveValues(reading.connectors)
    if not reading.may_lack_rows or all(values.get(item.name) for item in list_declared(site)):
        return reading
    again = live.read_site_again(uuid)
    rows = {(item.charger, item.connector.connector_id): item for item in (*reading.connectors, *again.connectors)}
    return SiteReading(list(rows.values()), {**reading.invalid, **again.invalid}, may_lack_rows=True)


class _Search:
    """Finds the declared connectors of one site."""

    def __init__(self, live: LiveConnectors, site: str, reading: SiteReading) -> None:
        self._live = live
        self._site = site
        self._values = LiveValues(reading.connectors)
        self._identities = {item.charger: item.identity for item in reading.connectors}
        self._devices: dict[str, set[str]] = {}
        for charger, identity in self._identities.items():
            if identity:
                self._devices.setdefault(identity, set()).add(charger)
        self._nameless = next((name for name in reading.invalid if _NAME_MARK not in name), None)

    def find(self, charger: ChargerEntry, number: int) -> Live | Absence:
        other = self._find_other_device(charger)
        if other is not None:
            return other
        devices = sorted(self._devices.get(charger.identity or "", ()))
        if charger.uuid is None and len(devices) > 1:
            reason = f"{len(devices)} chargers of the site have this identity; add the uuid: {' or '.join(devices)}"
            return Absence("unreadable", reason)
        found = self._values.get(f"{charger.uuid.lower() if charger.uuid else charger.key}/{number}")
        result = found or self._ask(charger, number)
        if isinstance(result, Absence) or charger.second_key is None or result.identity == charger.identity:
            return result
        return _rename(charger, result.identity) or result

    def _find_other_device(self, charger: ChargerEntry) -> Absence | None:
        """Whether the identity and the UUID of a charger are those of two devices."""
        uuid = charger.second_key
        if uuid is None or charger.identity is None or self._identities.get(uuid) == charger.identity:
            return None
        others = self._devices.get(charger.identity, set()) - {uuid}
        if others:
            reason = f"another device has the identity {charger.identity} now: {min(others)}, declared is {uuid}"
            return Absence("replaced", f"{reason}; check how it is wired", "uuid", uuid, min(others))
        return _rename(charger, self._identities.get(uuid))

    def _ask(self, charger: ChargerEntry, number: int) -> Live | Absence:
        """Read a connector that is not on the list by itself."""
        uuid = charger.uuid.lower() if charger.uuid else None
        try:
            if uuid is None:
                uuid = self._live.find_charger(charger.key, self._site)
            return self._live.find(uuid, number, self._site, is_of_site=True)
        except ConnectorMoved:
            return Absence("moved")
        except ConnectorNotFound as error:
            return Absence("missing", str(error))
        except IdentityNotFound as error:
            if self._nameless is None:
                return Absence("moved", str(error))  # or gone: the other sites tell
            return Absence("unreadable", f"{self._nameless} does not tell its charger, which may be this one")
        except NotFound as error:
            if is_about_site(error) or uuid is None:
                raise
            if self._live.is_gone(uuid, self._site):
                return Absence("missing", f"charger {uuid} is gone: it answers {error.status}, and its site is there")
            return Absence("unreadable", str(error))
        except PermissionDenied as error:
            if is_about_site(error):
                raise
            return Absence("unreadable", str(error))
        except InvalidConnector as error:
            return Absence("unreadable", str(error))


def _rename(charger: ChargerEntry, identity: str | None) -> Absence | None:
    """The absence of a charger whose device has another identity now; None when the API does not tell it."""
    if identity is None:
        return None
    reason = f"the charger {charger.second_key} has the identity {printable(identity, 60)} now"
    return Absence("replaced", f"{reason}; check which device it is", "identity", charger.identity, identity)
