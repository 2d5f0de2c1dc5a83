"""The chargers, sites and tokens, and who may see what. Knows nothing of HTTP."""

from __future__ import annotations

import secrets
import threading
import uuid
from dataclasses import dataclass, field, fields
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .currents import Circuit, Meter, Triple

Level = Literal["none", "basic", "sensitive", "full"]
FULL_ACCESS: dict[str, Level] = {"*": "full"}


def now() -> str:
    """The time as the API writes it: UTC, whole seconds, six decimals."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def make_uuid(kind: str, name: str) -> str:
    """The UUID of an object whose seed gives none: the same at every start."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://plugchoice.example/{kind}/{name}"))


class MissingError(Exception):
    """An object does not exist. `model` is the API's name for its kind."""

    def __init__(self, model: str, key: object) -> None:
        super().__init__(f"no {model} {key}")
        self.model = model
        self.key = key


@dataclass
class Connector:
    """The 16 fields of a connector, in the order in which the API writes them."""

    id: int
    charger_id: int
    connector_id: int
    status: str | None
    error: str | None
    error_info: str | None
    vendor_id: str | None
    vendor_error_code: str | None
    max_amperage: int | None
    max_voltage: int | None
    standard: str | None
    format: str | None
    power_type: str | None
    phase_rotation: str | None
    created_at: str
    updated_at: str


@dataclass
class Charger:
    """A charger. It does not refer to its site; the site lists its chargers."""

    uuid: str
    id: int
    identity: str
    pincode: str
    reference: str | None
    connection_status: str
    status: str | None
    error: str | None
    error_info: str | None
    vendor_id: str | None
    vendor_error_code: str | None
    firmware_version: str | None
    parsed_firmware_version: str | None
    server: str | None
    last_connection_at: str | None
    last_disconnection_at: str | None
    last_heartbeat_at: str | None
    setup_pending: bool
    setup_completed: bool
    blocked: bool
    max_current: int | None
    created_at: str
    updated_at: str
    licenses: dict[str, bool]
    model_id: int | None
    model: dict[str, Any] | None
    group: int | None = None
    connectors: list[Connector] = field(default_factory=list)

    def connector(self, number: int | str) -> Connector:
        for connector in self.connectors:
            if str(connector.connector_id) == str(number):
                return connector
        raise MissingError("Connector", number)


@dataclass
class Group:
    """A load-balancing group; the group without a parent is the building's main fuse."""

    id: int
    site_id: int
    group_id: int | None
    meter_id: int | None
    total_amps: int
    net_type: str | None
    method: str
    solar_additional_amps: int
    solar_always_charge: bool
    solar_always_charge_amps: int
    smart_charging_charge_on_solar_export: bool
    peak_shaving_enabled: bool
    peak_shaving_threshold: int | None
    created_at: str
    updated_at: str


@dataclass
class Site:
    uuid: str
    id: int
    name: str
    address: dict[str, Any]
    created_at: str
    updated_at: str
    groups: list[Group] = field(default_factory=list)
    chargers: list[Charger] = field(default_factory=list)

    def group(self, number: int | str) -> Group:
        for group in self.groups:
            if str(group.id) == str(number):
                return group
        raise MissingError("SiteGroup", number)


@dataclass
class User:
    """A user: the requests of all its tokens are counted together."""

    uuid: str
    id: int
    name: str


@dataclass
class Token:
    """What a bearer token may do: a level for a charger, for a site, or for everything (`*`)."""

    user: User
    access: dict[str, Level]
    revoked: bool = False


@dataclass
class Client:
    """An OAuth client, which gets tokens with these rights."""

    secret: str
    user: User
    access: dict[str, Level]


@dataclass
class Inventory:
    """Everything the API knows. All changes go through a method here, under one lock."""

    users: dict[str, User] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    chargers: dict[str, Charger] = field(default_factory=dict)
    circuits: dict[int, Circuit] = field(default_factory=dict)
    meters: dict[int, Meter] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    # Finding

    def charger(self, uuid: str) -> Charger:
        found = self.chargers.get(uuid.lower())
        if found is None:
            raise MissingError("Charger", uuid)
        return found

    def find_charger(self, name: str) -> Charger:
        """The charger with that UUID or identity."""
        found = self.chargers.get(name.lower())
        found = found or next((charger for charger in self.chargers.values() if charger.identity == name), None)
        if found is None:
            raise MissingError("Charger", name)
        return found

    def site(self, uuid: str) -> Site:
        found = self.sites.get(uuid.lower())
        if found is None:
            raise MissingError("Site", uuid)
        return found

    def site_of(self, charger: Charger) -> Site | None:
        """The site that lists a charger, if any."""
        return next((site for site in self.sites.values() if any(one is charger for one in site.chargers)), None)

    def by_site(self) -> Iterator[tuple[Site | None, Charger]]:
        """Every charger with its site, sites first, in the order of the seed."""
        placed: set[str] = set()
        for site in self.sites.values():
            for charger in site.chargers:
                placed.add(charger.uuid)
                yield site, charger
        for charger in self.chargers.values():
            if charger.uuid not in placed:
                yield None, charger

    def meter_of(self, group: Group) -> Meter:
        found = self.meters.get(group.meter_id or 0)
        if found is None:
            raise MissingError("Meter", group.id)
        return found

    # Access

    def site_level(self, token: Token, site: Site) -> Level:
        """What a token may do on a site."""
        access = token.access
        return access.get(site.uuid, access.get("*", "none"))

    def charger_level(self, token: Token, charger: Charger, site: Site | None = None) -> Level:
        """What a token may do with a charger. Give the site when it is known, to save the search."""
        access = token.access
        if len(access) == 1 and "*" in access:
            return access["*"]
        if charger.uuid in access:
            return access[charger.uuid]
        site = site or self.site_of(charger)
        return self.site_level(token, site) if site else access.get("*", "none")

    def user(self, name: str) -> User:
        """The user of that name, added if it is new."""
        with self.lock:
            if name not in self.users:
                self.users[name] = User(make_uuid("user", name), len(self.users) + 1, name)
            return self.users[name]

    def issue_token(self, client: Client) -> str:
        """A new token for an OAuth client."""
        text = f"issued-{secrets.token_hex(20)}"
        self.set_token(text, Token(client.user, dict(client.access)))
        return text

    def set_token(self, text: str, token: Token) -> None:
        """Add a token, or replace it."""
        with self.lock:
            self.tokens[text] = token

    # Changing

    def edit(self, thing: Connector | Charger | Group, values: dict[str, Any]) -> bool:
        """Set fields and `updated_at`; equal values change nothing. Unknown fields raise KeyError."""
        known = {one.name for one in fields(thing)} - {"connectors"}
        unknown = sorted(set(values) - known)
        if unknown:
            raise KeyError(unknown[0], sorted(known))
        with self.lock:
            changed = any(getattr(thing, name) != value for name, value in values.items())
            if changed:
                thing.updated_at = now()
                for name, value in values.items():
                    setattr(thing, name, value)
        return changed

    def draw(self, connector: Connector, amps: Triple | None) -> None:
        """Let a car draw these amps on terminals L1, L2, L3; None: the connector's status decides. Sets the status."""
        with self.lock:
            self.circuits[connector.id].amps = amps
            if amps is not None:
                self.edit(connector, {"status": "Charging" if any(amps) else "Available"})

    def attach_meter(self, group: Group, meter: Meter) -> None:
        with self.lock:
            self.meters[meter.id] = meter
            self.edit(group, {"meter_id": meter.id})

    def detach_meter(self, group: Group) -> None:
        """Take the meter of a group away."""
        with self.lock:
            del self.meters[self.meter_of(group).id]
            self.edit(group, {"meter_id": None})

    def remove_charger(self, charger: Charger) -> None:
        """Remove a charger, from its site too."""
        with self.lock:
            self.leave_site(charger)
            del self.chargers[charger.uuid]

    def leave_site(self, charger: Charger) -> None:
        """Take a charger off its site; the charger still exists."""
        with self.lock:
            for site in self.sites.values():
                site.chargers = [one for one in site.chargers if one is not charger]
            charger.group = None

    def remove_connector(self, charger: Charger, connector: Connector) -> None:
        with self.lock:
            charger.connectors = [one for one in charger.connectors if one is not connector]
