"""The API's JSON shapes: each function takes an object of the inventory and returns its JSON."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from .currents import VOLTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .currents import Meter, Triple
    from .inventory import Charger, Connector, Group, Level, Site, User

Json = dict[str, Any]

_NOT_IN_SITE_CHARGERS = ("error", "error_info", "vendor_id", "vendor_error_code", "created_at", "updated_at")
_NOT_IN_CHARGERS = ("pincode", "group", "connectors")


def permissions(level: Level) -> Json:
    """The three flags of an access level."""
    return {"basic": level != "none", "sensitive": level in {"sensitive", "full"}, "full": level == "full"}


def connector(one: Connector) -> Json:
    """All 16 keys, nulls included."""
    return dict(vars(one))


def connector_of_site(charger: Charger, one: Connector) -> Json:
    """An item of /sites/{site}/connectors: the connector and its charger."""
    names = ("uuid", "id", "identity", "connection_status", "status")
    return {**connector(one), "charger": {name: getattr(charger, name) for name in names}}


def charger_in_list(one: Charger, level: Level) -> Json:
    """An item of /chargers: everything but the connectors."""
    answer: Json = {}
    for name, value in vars(one).items():
        if (name == "pincode" and level in {"sensitive", "full"}) or name not in _NOT_IN_CHARGERS:
            answer[name] = value
    if one.model is None:
        del answer["model"]
    answer["permissions"] = permissions(level)
    return answer


def charger(one: Charger, level: Level) -> Json:
    """A charger by itself, with its connectors."""
    return {**charger_in_list(one, level), "connectors": [connector(each) for each in one.connectors]}


def charger_of_site(one: Charger, level: Level) -> Json:
    """An item of /sites/{site}/chargers: connectors without their error and time fields."""
    short = [{k: v for k, v in vars(each).items() if k not in _NOT_IN_SITE_CHARGERS} for each in one.connectors]
    return {**charger_in_list(one, level), "connectors": short}


def site(one: Site, level: Level) -> Json:
    """A site. Fuse and net type belong to its root group."""
    return {
        "uuid": one.uuid,
        "id": one.id,
        "name": one.name,
        **one.address,
        "smart_charging": "disabled",
        "chargers_count": len(one.chargers),
        "capabilities": {
            "smart_charging": True,
            "load_management": {"dynamic": True, "peak_shaving": True, "solar": True},
        },
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "permissions": permissions(level),
    }


def group(one: Group) -> Json:
    """A load-balancing group."""
    return dict(vars(one))


def user(one: User) -> Json:
    """The current user, without an envelope."""
    mark = hashlib.sha256(one.uuid.encode()).hexdigest()
    return {
        "uuid": one.uuid,
        "id": one.id,
        "name": one.name,
        "email": f"{one.name}@example.com",
        "avatar": None,
        "intercom": {"hmac_web": mark, "hmac_ios": mark, "hmac_android": mark},
        "created_at": "2025-03-04T09:12:44.000000Z",
        "updated_at": "2026-01-10T01:14:32.000000Z",
    }


def power_management(one: Site, visible: Iterable[Charger], meters: Mapping[int, Meter]) -> Json:
    """The groups with their chargers, in camelCase and without an envelope."""
    chargers = [
        {
            "id": each.id,
            "uuid": each.uuid,
            "label": each.reference or each.identity,
            "status": each.status,
            "groupId": each.group,
        }
        for each in visible
    ]
    amps = {"L1": 0, "L2": 0, "L3": 0}
    root = next((each for each in one.groups if each.group_id is None), None)
    fuse = root.total_amps if root else 0
    return {
        "groups": [_managed_group(one, each, chargers, meters) for each in one.groups if each.group_id is None],
        "unattachedChargers": [each for each in chargers if each["groupId"] is None],
        "allChargers": chargers,
        "realTimeData": {"available": dict.fromkeys(amps, fuse), "requested": dict(amps), "allocated": dict(amps)},
        "meterData": None,
    }


def _managed_group(one: Site, of: Group, chargers: list[Json], meters: Mapping[int, Meter]) -> Json:
    below = [each for each in one.groups if each.group_id == of.id]
    return {
        "id": of.id,
        "isRoot": of.group_id is None,
        "totalAmps": of.total_amps,
        "netType": of.net_type,
        "method": of.method,
        "peakShaving": {"enabled": of.peak_shaving_enabled, "threshold": of.peak_shaving_threshold},
        "meter": _managed_meter(meters.get(of.meter_id or 0)),
        "solarSettings": {
            "additionalAmps": of.solar_additional_amps,
            "alwaysCharge": of.solar_always_charge,
            "alwaysChargeAmps": of.solar_always_charge_amps,
        },
        "chargers": [each for each in chargers if each["groupId"] == of.id],
        "subgroups": [_managed_group(one, each, chargers, meters) for each in below],
    }


def _managed_meter(one: Meter | None) -> Json | None:
    return {"id": one.id, "uuid": one.uuid, "type": one.type, "serialNumber": f"CT-{one.id:05}"} if one else None


def group_meter(one: Meter, amps: Triple) -> Json:
    """A meter with its latest reading; zeros, "-" and a sentence when it has none."""
    whole = {"uuid": one.uuid, "id": one.id, "type": one.type}
    dates = {"created_at": one.created_at, "updated_at": one.updated_at}
    if not one.has_readings:
        latest: Json = {"l1": 0, "l2": 0, "l3": 0, "updated_at": "-"}
        text = "Unable to retrieve power information for this meter."
        return {**whole, "latest_data": latest, "power": text, **dates}
    factor = {"A": 1, "mA": 1000, "W": VOLTS}[one.unit]
    first, second, third = (round(value * factor) for value in amps)
    watts = {f"l{place}": round(value * VOLTS) for place, value in enumerate(amps, 1)}
    latest = {"l1": first, "l2": second, "l3": third, "updated_at": _moment()}
    return {**whole, "latest_data": latest, "power": {"total": sum(watts.values()), **watts}, **dates}


def power_usage(amps: Triple | None, *, odd: bool) -> Json:
    """A live reading: strings, without an envelope; "-" where there is none. Odd: "-" on L1, padded values."""
    names = ("L1", "L2", "L3")
    if amps is None:
        return {"timestamp": _moment(), **dict.fromkeys(names, "-"), "kW": "-"}
    pad = " " if odd else ""
    texts = {name: f"{pad}{value:.1f}" for name, value in zip(names, amps, strict=True)}
    if odd:
        texts["L1"] = "-"
    return {"timestamp": _moment(), **texts, "kW": f"{pad}{sum(amps) * VOLTS / 1000:.2f}"}


def _moment() -> str:
    """The time as live readings write it: UTC, milliseconds."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
