"""Builds the inventory from a seed: integer ids in the order of the seed, defaults for the rest."""

from __future__ import annotations

import hashlib
from itertools import count
from typing import TYPE_CHECKING, Any

from .currents import Circuit, Meter
from .inventory import Charger, Client, Connector, Group, Inventory, Site, Token, make_uuid
from .validation import ROTATIONS

if TYPE_CHECKING:
    from .seed import ChargerSeed, CircuitSeed, ConnectorSeed, GroupSeed, MeterSeed, Seed, SiteSeed

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


def build_inventory(seed: Seed) -> Inventory:
    """A new inventory; two of one seed are equal."""
    return _Builder(seed).inventory


class _Builder:
    def __init__(self, seed: Seed) -> None:
        self.inventory = Inventory()
        self._charger_ids = count(1)
        self._connector_ids = count(1)
        self._group_ids = count(1)
        for text, token in seed.tokens.items():
            user = self.inventory.user(token.user)
            self.inventory.tokens[text] = Token(user, dict(token.access), token.revoked)
        for name, client in seed.clients.items():
            user = self.inventory.user(client.user)
            self.inventory.clients[name] = Client(client.client_secret, user, dict(client.access))
        for number, site in enumerate(seed.sites, 1):
            self._site(number, site)
        for charger in seed.chargers:
            self._charger(charger, None)

    def _site(self, number: int, seed: SiteSeed) -> None:
        site = Site(str(seed.uuid), number, seed.name, dict(_ADDRESS), _CREATED, _CREATED)
        for group in seed.groups:
            site.groups.append(self._group(group, site))
        site.chargers = [self._charger(charger, site) for charger in seed.chargers]
        self.inventory.sites[site.uuid] = site

    def _group(self, seed: GroupSeed, site: Site) -> Group:
        root = site.groups[0].id if site.groups else None
        group = Group(
            id=next(self._group_ids) if seed.id is None else seed.id,
            site_id=site.id,
            group_id=root if seed.group_id is None else seed.group_id,
            meter_id=None,
            total_amps=seed.total_amps,
            net_type=seed.net_type,
            method="boost",
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
            group.meter_id = len(self.inventory.meters) + 1
            self.inventory.meters[group.meter_id] = build_meter(seed.meter, group.meter_id)
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
            firmware_version="6.5.0-4208" if seen else None,
            parsed_firmware_version="6.5.0" if seen else None,
            server="ocpp-1" if seen else None,
            last_connection_at=seen,
            last_disconnection_at=seen if seed.connection_status == "offline" else None,
            last_heartbeat_at=seen,
            setup_pending=False,
            setup_completed=seen is not None,
            blocked=False,
            max_current=seed.max_current,
            created_at=_CREATED,
            updated_at=_CREATED,
            licenses={"smart": True, "pro": True},
            model_id=None if seed.model is None else 1,
            model=seed.model,
            group=seed.group if "group" in given else root,
        )
        charger.connectors = [self._connector(connector, charger) for connector in seed.connectors or []]
        self.inventory.chargers[charger.uuid] = charger
        return charger

    def _connector(self, seed: ConnectorSeed, charger: Charger) -> Connector:
        one = Connector(
            id=next(self._connector_ids),
            charger_id=charger.id,
            error="NoError",
            error_info=None,
            vendor_id=None,
            vendor_error_code=None,
            created_at=_CREATED,
            updated_at=_CREATED,
            **{**seed.model_dump(exclude={"circuit"}), "connector_id": seed.connector_id or 0},
        )
        self.inventory.circuits[one.id] = build_circuit(seed.circuit, one)
        return one


def build_circuit(seed: CircuitSeed, one: Connector) -> Circuit:
    """The circuit of a connector: wired as its phase rotation says, unless the seed gives another wiring."""
    declared = one.phase_rotation if one.phase_rotation in ROTATIONS else None
    return Circuit(seed.wired or declared or "RST", seed.amps, seed.reports, seed.has_readings)


def build_meter(seed: MeterSeed, number: int) -> Meter:
    uuid = make_uuid("meter", str(number))
    return Meter(number, uuid, "ct_meter", _CREATED, _CREATED, seed.base_amps, seed.unit, seed.has_readings)


def _pincode(identity: str) -> str:
    return f"{int(hashlib.sha256(identity.encode()).hexdigest(), 16) % 10**6:06}"
