"""From a validated seed to the state: integer ids in the order of the seed, everything left out derived."""

from __future__ import annotations

import hashlib
from itertools import count
from typing import TYPE_CHECKING, Any

from .electric import Circuit, Meter
from .inventory import Charger, Client, Connector, Group, Site, State, Token, User
from .seeding import derived_uuid
from .validation import ONE_PHASE, THREE_PHASE, TWO_PHASE

if TYPE_CHECKING:
    from .inventory import Level
    from .seeding import ChargerSeed, CircuitSeed, ConnectorSeed, GroupSeed, MeterSeed, Seed, SiteSeed

_CREATED = "2026-01-10T01:14:32.000000Z"
_SEEN = "2026-01-10T01:20:05.000000Z"
_ADDRESS: dict[str, Any] = {
    "address": "Kade 12, 3011 AB Rotterdam",
    "street": "Kade",
    "postal_code": "3011 AB",
    "house_number": 12,
    "house_number_addition": None,
    "city": "Rotterdam",
    "country": "NL",
}


def build(seed: Seed) -> State:
    """A state of its own; building twice from one seed gives equal states."""
    return _Builder(seed).state


class _Builder:
    def __init__(self, seed: Seed) -> None:
        team = {"uuid": derived_uuid("team", "demo"), "id": 1, "name": "Demo team"}
        self.state = State(team={**team, "created_at": _CREATED, "updated_at": _CREATED})
        self._charger_ids = count(1)
        self._connector_ids = count(1)
        self._group_ids = count(1)
        for text, token in seed.tokens.items():
            self.state.tokens[text] = Token(user_called(self.state, token.user), dict(token.access), token.revoked)
        for name, client in seed.clients.items():
            self.state.clients[name] = Client(
                client.client_secret,
                user_called(self.state, client.user),
                dict(client.access),
                client.token_lifetime_seconds,
                set(client.refresh_tokens),
            )
        for number, site in enumerate(seed.sites, 1):
            self._site(number, site)
        for charger in seed.chargers:
            self._charger(charger, None)

    def _site(self, number: int, seed: SiteSeed) -> None:
        site = Site(str(seed.uuid), number, seed.name, dict(_ADDRESS), _CREATED, _CREATED)
        for group in seed.groups:
            site.groups.append(self._group(group, site))
        site.chargers = [self._charger(charger, site) for charger in seed.chargers]
        self.state.sites[site.uuid] = site

    def _group(self, seed: GroupSeed, site: Site) -> Group:
        root = site.groups[0].id if site.groups else None
        group = Group(
            id=next(self._group_ids) if seed.id is None else seed.id,
            site_id=site.id,
            group_id=root if seed.group_id is None else seed.group_id,
            meter_id=None,
            total_amps=seed.total_amps,
            net_type=seed.net_type,
            method=seed.method,
            solar_additional_amps=0,
            solar_always_charge=False,
            solar_always_charge_amps=6,
            smart_charging_charge_on_solar_export=False,
            peak_shaving_enabled=False,
            peak_shaving_threshold=None,
            created_at=_CREATED,
            updated_at=_CREATED,
        )
        if seed.meter is not None:
            group.meter_id = len(self.state.meters) + 1
            self.state.meters[group.meter_id] = meter_of(seed.meter, group.meter_id)
        return group

    def _charger(self, seed: ChargerSeed, site: Site | None) -> Charger:
        seen = None if seed.connection_status == "never_seen" else _SEEN
        given = seed.model_fields_set
        root = site.groups[0].id if site else None
        charger = Charger(
            uuid=str(seed.uuid),
            id=next(self._charger_ids),
            identity=seed.identity,
            pincode=seed.pincode or _pincode(seed.identity),
            reference=seed.reference,
            connection_status=seed.connection_status,
            status=seed.status if seen or "status" in given else None,
            error="NoError" if seen else None,
            error_info=None,
            vendor_id=None,
            vendor_error_code=None,
            firmware_version=seed.firmware_version if seen else None,
            parsed_firmware_version=(seed.firmware_version or "").partition("-")[0] or None if seen else None,
            server="ocpp-1" if seen else None,
            last_connection_at=seen,
            last_disconnection_at=seen if seed.connection_status == "offline" else None,
            last_heartbeat_at=seen,
            setup_pending=seed.setup_pending,
            setup_completed=seed.setup_completed,
            blocked=seed.blocked,
            max_current=seed.max_current,
            created_at=_CREATED,
            updated_at=_CREATED,
            licenses={"smart": True, "pro": True},
            model_id=None if seed.model is None else 1,
            model=seed.model,
            group=seed.group if "group" in given else root,
        )
        charger.connectors = [self._connector(connector, charger) for connector in seed.connectors or []]
        self.state.chargers[charger.uuid] = charger
        return charger

    def _connector(self, seed: ConnectorSeed, charger: Charger) -> Connector:
        one = Connector(
            id=next(self._connector_ids),
            charger_id=charger.id,
            created_at=_CREATED,
            updated_at=_CREATED,
            **{**seed.model_dump(exclude={"circuit"}), "connector_id": seed.connector_id or 0},
        )
        self.state.circuits[one.id] = circuit_of(seed.circuit, one)
        return one


def circuit_of(seed: CircuitSeed, one: Connector) -> Circuit:
    """The circuit of a connector: wired as declared, unless the seed says otherwise."""
    declared = one.phase_rotation if one.phase_rotation in THREE_PHASE + TWO_PHASE + ONE_PHASE else None
    return Circuit(seed.wired or declared or "RST", seed.amps, seed.reports, seed.has_readings)


def meter_of(seed: MeterSeed, number: int) -> Meter:
    """The meter with that id."""
    uuid = derived_uuid("meter", str(number))
    return Meter(number, uuid, seed.type, _CREATED, _CREATED, seed.base_amps, seed.unit, seed.has_readings)


def user_called(state: State, name: str) -> User:
    """The user of that name, made when there is none yet: tokens of one user share its rate limit."""
    if name not in state.users:
        state.users[name] = User(derived_uuid("user", name), len(state.users) + 1, name)
    return state.users[name]


def set_token(state: State, text: str, user: str, access: dict[str, Level], *, revoked: bool) -> None:
    """Let a token have these rights from now on."""
    with state.lock:
        state.tokens[text] = Token(user_called(state, user), access, revoked)


def set_client(state: State, name: str, client: Client) -> None:
    """Let a client, and the tokens it was given, have these rights from now on."""
    with state.lock:
        state.clients[name] = client
        for token in state.tokens.values():
            if token.client_id == name:
                token.access, token.user = dict(client.access), client.user


def _pincode(identity: str) -> str:
    return f"{int(hashlib.sha256(identity.encode()).hexdigest(), 16) % 10**6:06}"
