"""A Plugchoice in memory, behind the client's own methods, and clocks that a test moves."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from pulumi_plugchoice.api.client import PlugchoiceClient
from pulumi_plugchoice.api.models import Charger, ChargerReference, Connector, ConnectorSettings, SiteConnector
from pulumi_plugchoice.api.rows import SiteListing
from pulumi_plugchoice.api.transport import Transport, Turn
from pulumi_plugchoice.config import Options, Token
from pulumi_plugchoice.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_plugchoice.api.retry import Backoff, Deadline

Values = tuple[str | None, int | None]
ResultT = TypeVar("ResultT")


class Clock:
    """Seconds; each look at it takes a microsecond."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time."""
        self.now += 1e-6
        return self.now


class SleepingClock:
    """Time that passes only by sleeping."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        """The time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class FakeClient(PlugchoiceClient):
    """Chargers by UUID with rotation and amperage by number; sites by UUID with their chargers.

    Attributes:
        calls: what was asked, in order: `GET site …`, `GET charger …`, `PUT …/1 STR 20`.
        before: called with each call's line before it is answered; raises, waits, or changes values.
        put: answers a PUT in place of the default, which stores and answers what was sent.
        waited: s that each turn says to have waited, if not None.
        turn_sizes: how many requests each turn was asked for.
        calls_in_turn: those of `calls` that came with a turn.
        read_deadlines: of each read of a charger.
    """

    chargers: dict[str, dict[int, Values]] = field(default_factory=dict)
    chargers_on: dict[str, list[str]] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    before: Callable[[str], None] = lambda _: None
    put: Callable[[str, int, ConnectorSettings], Connector] | None = None
    deadline_seconds: float = 60.0
    backoff: Backoff | None = None
    waited: float | None = None
    turn_sizes: list[int] = field(default_factory=list)
    calls_in_turn: list[str] = field(default_factory=list)
    read_deadlines: list[Deadline | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Nothing is ever sent with this transport; it knows the deadline and the retries."""
        options = Options("http://localhost:1", Token("t"), deadline=self.deadline_seconds)
        self._transport = Transport(options, backoff=self.backoff)
        self._lock = threading.Lock()

    def site_listing(self, site: str) -> SiteListing:
        """Every connector of the site's chargers."""
        self._note(f"GET site {site}")
        if site not in self.chargers_on:
            raise NotFound("GET", f"/v3/sites/{site}/connectors", 404)
        rows = tuple(
            SiteConnector(
                connector_id=number,
                phase_rotation=rotation,
                max_amperage=amperage,
                charger=ChargerReference(uuid=charger, identity=self.identities.get(charger)),
            )
            for charger in self.chargers_on[site]
            for number, (rotation, amperage) in self.chargers[charger].items()
        )
        return SiteListing(rows, chargers={row.charger.uuid.lower(): row.charger.identity for row in rows})

    def charger(
        self,
        charger: str,
        deadline: Deadline | None = None,
        turn: Turn | None = None,
    ) -> Charger:
        """The charger with its connectors."""
        self.read_deadlines.append(deadline)
        self._note(f"GET charger {charger}", turn)
        if charger not in self.chargers:
            raise NotFound("GET", f"/v3/chargers/{charger}", 404)
        connectors = tuple(
            Connector(connector_id=number, phase_rotation=rotation, max_amperage=amperage)
            for number, (rotation, amperage) in self.chargers[charger].items()
        )
        return Charger(uuid=charger, identity=self.identities.get(charger), connectors=connectors)

    def put_connector(
        self,
        charger: str,
        connector_id: int,
        settings: ConnectorSettings,
        deadline: Deadline | None = None,  # noqa: ARG002 - as the real one
        turn: Turn | None = None,
    ) -> Connector:
        """Store, and answer what is stored."""
        self._note(f"PUT {charger}/{connector_id} {settings.phase_rotation} {settings.max_amperage}", turn)
        if self.put is not None:
            return self.put(charger, connector_id, settings)
        return self.store(charger, connector_id, settings)

    def store(self, charger: str, connector_id: int, settings: ConnectorSettings) -> Connector:
        """As a PUT that works."""
        self.chargers[charger][connector_id] = (settings.phase_rotation, settings.max_amperage)
        return Connector(connector_id=connector_id, **settings.model_dump())

    def of(self, kind: str) -> list[str]:
        """The calls that start with `kind`."""
        return [call for call in self.calls if call.startswith(kind)]

    def in_turn(self, requests: int, deadline: Deadline, work: Callable[[Turn], ResultT]) -> ResultT:
        """The real one; the turn may say that it had to wait."""
        self.turn_sizes.append(requests)

        def after_a_wait(turn: Turn) -> ResultT:
            turn.waited = turn.waited if self.waited is None else self.waited
            return work(turn)

        return super().in_turn(requests, deadline, after_a_wait)

    def _note(self, call: str, turn: Turn | None = None) -> None:
        with self._lock:
            self.calls.append(call)
            if turn is not None:
                self.calls_in_turn.append(call)
        self.before(call)
