"""The live connectors of one run: read once, shared by all resources.

The engine asks for one connector at a time, from four threads, in no particular order. With a site, the first question
reads the whole site (25 connectors a call); the others wait for that read and share its result or its error. Without a
site each charger is read once. A reading is used for a minute at most, and our own writes update it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.errors import (
    ConnectorMoved,
    ConnectorNotFound,
    IdentityNotFound,
    InvalidConnector,
    NotFound,
    PermissionDenied,
    PlugchoiceError,
    RouteNotFound,
)
from pulumi_plugchoice.identities import describe_closest, list_identities, show_identity

from .single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pulumi_plugchoice.api.client import PlugchoiceClient
    from pulumi_plugchoice.api.models import Connector, SiteGroup
    from pulumi_plugchoice.api.retry import Deadline
    from pulumi_plugchoice.api.transport import Turn

LIFETIME_SECONDS: Final = 60.0
# How long a charger's 404 waits for another charger's answer, which proves that the token has access. The engine reads
# four at once, so the other chargers of a stack answer within this time, or something is wrong with them too.
PROOF_SECONDS: Final = 3.0
# How long such an answer proves it.
PROOF_LIFETIME_SECONDS: Final = 5.0
# The engine gives a process 5 s to end, and a preview asks for permissions in them.
_ACCESS_SECONDS: Final = 3.0
#: Errors about one connector, which do not tell that others cannot be read either; see `is_about_site`.
UNREADABLE: Final = (NotFound, PermissionDenied, ConnectorNotFound, InvalidConnector, ConnectorMoved)


@dataclass(frozen=True)
class Live:
    """A live connector and its charger.

    Attributes:
        charger: UUID, lower case.
        identity: the charger's OCPP identity, or None when the API does not tell it.
        connector: as the API returns it.
    """

    charger: str
    identity: str | None
    connector: Connector

    @property
    def name(self) -> str:
        """The connector in messages: `HRB-003/1`, or with the UUID when the identity is not known."""
        return f"{printable(self.identity or self.charger, 60)}/{self.connector.connector_id}"


@dataclass(frozen=True)
class SiteReading:
    """What a site lists.

    Attributes:
        connectors: those that can be used.
        invalid: why the others cannot, by name.
        may_lack_rows: whether a row may have got lost; see `api.rows.SiteListing`.
    """

    connectors: list[Live]
    invalid: Mapping[str, str]
    may_lack_rows: bool


@dataclass(frozen=True)
class _Reading:
    """The result of one read: connectors by charger and number, and why others cannot be used."""

    started: float
    identities: Mapping[str, str | None]
    connectors: Mapping[tuple[str, int], Connector]
    invalid: Mapping[tuple[str, int], str]
    invalid_names: Mapping[str, str] = field(default_factory=dict)
    may_lack_rows: bool = False
    has_nameless_rows: bool = False

    def __contains__(self, key: tuple[str, int]) -> bool:
        return key in self.connectors or key in self.invalid

    def numbers(self, charger: str) -> list[int]:
        return sorted(number for uuid, number in {*self.connectors, *self.invalid} if uuid == charger)


class LiveConnectors:
    """The live connectors that a run has asked for. Safe to share between threads.

    Args:
        client: where to read.
        say: prints a line to the user.
        clock: seconds, monotonic.
        proof_seconds: see `PROOF_SECONDS`.
    """

    def __init__(
        self,
        client: PlugchoiceClient,
        say: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        proof_seconds: float = PROOF_SECONDS,
    ) -> None:
        self._client = client
        self._say = say
        self._clock = clock
        self._proof_seconds = proof_seconds
        self._sites: SingleFlight[str, _Reading] = SingleFlight(LIFETIME_SECONDS, clock)
        self._sites_again: SingleFlight[str, _Reading] = SingleFlight(LIFETIME_SECONDS, clock)
        self._chargers: SingleFlight[str, _Reading] = SingleFlight(LIFETIME_SECONDS, clock)
        self._any_charger: SingleFlight[str, bool] = SingleFlight(LIFETIME_SECONDS, clock)
        self._groups: SingleFlight[str, list[SiteGroup]] = SingleFlight(LIFETIME_SECONDS, clock)
        self._refused: set[str] = set()
        self._updates: dict[tuple[str, int], tuple[float, Connector]] = {}
        self._answers = threading.Condition()
        # When each was last read.
        self._seen_sites: dict[str, float] = {}
        self._seen_chargers: dict[str, float] = {}
        self._unlisted: set[str] = set()

    def find(self, charger: str, connector_id: int, site: str | None, *, is_of_site: bool = False) -> Live:
        """The connector, from the reading of its site; without a site, or not on its list, of its charger.

        A list that comes in pages can lose a row, so a connector that is not on it is read by itself.

        Args:
            charger: UUID, lower case.
            connector_id: OCPP connector number.
            site: UUID of the site to read, or None.
            is_of_site: the program names this site for the connector: it has to be on the site's list, in one of two
                readings. Else its site is only the default, and a line says that the list does not have it.

        Raises:
            ConnectorNotFound: the charger answers without that number.
            InvalidConnector: the answer about this connector cannot be used.
            ConnectorMoved: the charger answers, and is not on the list of the site that is named for it.
            PlugchoiceError: the site, or the charger, cannot be read.
        """
        reading = self._site(site) if site else self._charger(charger)
        if not site or (charger, connector_id) in reading:
            return self._pick(reading, charger, connector_id)
        live = self._pick(self._charger(charger), charger, connector_id)
        if is_of_site and charger not in reading.identities:
            reading = self._site_again(site)
            if (charger, connector_id) in reading:
                return self._pick(reading, charger, connector_id)
            if charger not in reading.identities and not reading.has_nameless_rows:
                raise ConnectorMoved(live.name, site)
        # Once a charger: the others of its connectors are missing for the same reason.
        self._say_not_listed(live, f"charger {charger}" if charger not in reading.identities else live.name, site)
        return live

    def read_now(
        self, charger: str, connector_id: int, deadline: Deadline | None = None, turn: Turn | None = None
    ) -> Live:
        """The connector, read anew; with a `turn`, by one request that neither waits nor is tried again.

        Raises:
            ConnectorNotFound: the charger answers without that number.
            PlugchoiceError: the charger cannot be read.
        """
        reading = self._read_charger(charger, deadline, turn)
        live = self._pick(reading, charger, connector_id)
        self.update(charger, live.connector)
        return live

    def update(self, charger: str, connector: Connector) -> None:
        """Use this connector in place of any reading that was started before now."""
        with self._answers:
            self._updates[charger, connector.connector_id] = (self._clock(), connector)

    def read_site(self, site: str) -> SiteReading:
        """All connectors that a site lists.

        Raises:
            PlugchoiceError: the site cannot be read.
        """
        return self._show(self._site(site))

    def read_site_again(self, site: str) -> SiteReading:
        """All connectors that a site lists, from a second reading; shared, as the first one is.

        Raises:
            PlugchoiceError: the site cannot be read.
        """
        return self._show(self._site_again(site))

    def read_site_now(self, site: str) -> SiteReading:
        """All connectors that a site lists, from a reading of this moment, which is not shared.

        Raises:
            PlugchoiceError: the site cannot be read.
        """
        return self._show(self._read_site(site))

    def list_groups(self, site: str) -> list[SiteGroup]:
        """The load-balancing groups of a site: their fuses and net types.

        Raises:
            PlugchoiceError: they cannot be read.
        """
        return self._groups.get(site, lambda: self._client.site_groups(site))

    def find_refused(self, writes: Iterable[tuple[str, str | None]]) -> tuple[set[str], list[PlugchoiceError]]:
        """The chargers of these that the API says the token may not write to. Reads the lists of their sites' chargers.

        What the API does not say proves nothing.

        Args:
            writes: charger and site of each.

        Returns:
            The chargers, and why the list of a site could not be read within 3 s for all.
        """
        chargers: dict[str, set[str]] = {}
        refused: set[str] = set()
        errors: list[PlugchoiceError] = []
        for charger, site in writes:
            if charger in self._refused:
                refused.add(charger)
            elif site:
                chargers.setdefault(site, set()).add(charger)
        until = self._client.deadline(_ACCESS_SECONDS)
        for site, wanted in chargers.items():
            try:
                refused |= self._client.chargers_without_full_access(site, wanted, until)
            except PlugchoiceError as error:  # noqa: PERF203 - the lists of other sites count
                errors.append(error)
        return refused, errors

    def find_charger(self, identity: str, site: str) -> str:
        """The UUID of the site's charger with that OCPP identity.

        Raises:
            IdentityNotFound: there is none, or more than one.
            PlugchoiceError: the site cannot be read.
        """
        reading = self._site(site)
        if reading.may_lack_rows and identity not in reading.identities.values():
            reading = self._site_again(site)
        identities = reading.identities
        found = [uuid for uuid, name in identities.items() if name == identity]
        if len(found) == 1:
            return found[0]
        what = f"charger '{show_identity(identity)}'"
        if found:
            raise IdentityNotFound(
                f"{what}: {len(found)} chargers of site {site} have this identity; declare the UUID instead: "
                + " or ".join(sorted(found))
            )
        closest = describe_closest(identity, [(name, uuid) for uuid, name in identities.items()])
        listed = list_identities(identities.values()) or "no charger with a connector"
        raise IdentityNotFound(f"{what}: not found on site {site}; {closest}it lists {listed}")

    def is_gone(self, charger: str, site: str | None) -> bool:
        """Whether a charger that answers 404 is gone; otherwise the token may have no access to it.

        The proof is that this run has just read the charger's site, or another charger, with the same token. The engine
        asks in no particular order, so this waits a moment for another charger's answer. An older answer proves
        nothing, as a token may lose its access while a run waits: then one of the two is read again.
        """

        def find_proofs() -> dict[tuple[str, str], float]:
            proofs = {("charger", other): at for other, at in self._seen_chargers.items() if other != charger}
            return proofs | {("site", name): at for name, at in self._seen_sites.items() if name == site}

        with self._answers:
            if not self._answers.wait_for(find_proofs, self._proof_seconds):
                return False
            (kind, name), at = max(find_proofs().items(), key=lambda proof: (proof[1], proof[0]))
        if self._clock() - at <= PROOF_LIFETIME_SECONDS:
            return True
        try:
            _ = self._read_site(name) if kind == "site" else self._read_charger(name)
        except PlugchoiceError:
            return False
        return True

    def sees_no_charger(self) -> bool:
        """Whether this run has read nothing, and the token has no charger in its list either.

        Asks for that list when the run has not read any charger or site yet.
        """
        with self._answers:
            if self._seen_sites or self._seen_chargers:
                return False
        try:
            return not self._any_charger.get("", self._client.has_chargers)
        except (NotFound, PermissionDenied, RouteNotFound):
            return False

    def _pick(self, reading: _Reading, charger: str, connector_id: int) -> Live:
        key = (charger, connector_id)
        identity = reading.identities.get(charger)
        connector = reading.connectors.get(key)
        if key in reading.invalid:
            raise InvalidConnector(f"{printable(identity or charger, 60)}/{connector_id}", reading.invalid[key])
        with self._answers:
            updated_at, update = self._updates.get(key, (0.0, None))
        if update is not None and updated_at >= reading.started:
            connector = update
        if connector is None:
            raise ConnectorNotFound(identity or charger, connector_id, reading.numbers(charger))
        return Live(charger, identity, connector)

    def _show(self, reading: _Reading) -> SiteReading:
        connectors = [self._pick(reading, charger, number) for charger, number in reading.connectors]
        return SiteReading(connectors, reading.invalid_names, reading.may_lack_rows)

    def _site(self, site: str) -> _Reading:
        return self._sites.get(site, lambda: self._read_site(site))

    def _site_again(self, site: str) -> _Reading:
        return self._sites_again.get(site, lambda: self._read_site(site))

    def _charger(self, charger: str) -> _Reading:
        return self._chargers.get(charger, lambda: self._read_charger(charger))

    def _read_site(self, site: str) -> _Reading:
        started = self._clock()
        listed = self._client.site_listing(site)
        self._note_answers(listed.chargers, site)
        invalid = {
            (row.charger.uuid.lower(), row.connector_id): row.reason
            for row in listed.invalid
            if row.charger and row.connector_id is not None
        }
        return _Reading(
            started,
            listed.chargers,
            {(item.charger.uuid.lower(), item.connector_id): item for item in listed.connectors},
            invalid,
            {row.name: row.reason for row in listed.invalid},
            listed.may_lack_rows,
            has_nameless_rows=len(invalid) < len(listed.invalid),
        )

    def _read_charger(self, charger: str, deadline: Deadline | None = None, turn: Turn | None = None) -> _Reading:
        started = self._clock()
        found = self._client.charger(charger, deadline, turn)
        if found.uuid.lower() != charger:
            # A proxy between us and the API may mix up answers; resources must not mix up their values.
            raise PlugchoiceError(
                f"charger {charger}: the answer is about charger {printable(found.uuid, 60)} and is not used"
            )
        self._note_answers([charger])
        if found.permissions and found.permissions.full is False:
            self._refused.add(charger)
        return _Reading(
            started,
            {charger: found.identity},
            {(charger, connector.connector_id): connector for connector in found.connectors},
            {(charger, number): reason for number, reason in found.invalid.items()},
        )

    def _note_answers(self, chargers: Mapping[str, object] | list[str], site: str | None = None) -> None:
        with self._answers:
            now = self._clock()
            self._seen_chargers.update(dict.fromkeys(chargers, now))
            if site:
                self._seen_sites[site] = now
            self._answers.notify_all()

    def _say_not_listed(self, live: Live, what: str, site: str) -> None:
        with self._answers:
            if live.charger in self._unlisted:
                return
            self._unlisted.add(live.charger)
        self._say(f"{what}: not on the list of site {site}; read separately")


def is_about_site(error: PlugchoiceError) -> bool:
    """Whether a 403 or 404 is the site's: then no connector of it can be read, and one error says so for all."""
    return isinstance(error, NotFound | PermissionDenied) and error.path.startswith("/v3/sites/")
