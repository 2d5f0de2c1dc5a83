"""The account of a charge point operator whose sites were configured by hand: three sites, 60 connectors."""

from __future__ import annotations

from typing import Any

from .emulator import TOKEN, connector

Json = dict[str, Any]

KOELN = "a0000000-0000-4000-8000-000000000001"
DEPOT_1 = "b0000000-0000-4000-8000-000000000002"
DEPOT_2 = "c0000000-0000-4000-8000-000000000003"
#: Chargers that stand for their kind.
REFUSED = "NORD-07"
UNSEEN = "NORD-99"


def _charger(name: str, *connectors: Json, **more: Any) -> Json:
    return {"identity": name, "connectors": list(connectors), **more}


def _uuid(site: int, index: int) -> str:
    return f"5f0c3c1e-000{site}-4000-8000-{index:012d}"


def seed() -> Json:
    """Köln/Nord (groups two deep, every odd kind), and two sites that are both called Depot."""
    rotations = ("RST", "STR", "TRS")
    koeln = [
        _charger(f"NORD-{i:02d}", connector(rotation=rotations[i % 3], amperage=16), group=(801, 812, 813)[i % 3])
        for i in range(1, 13)
    ]
    koeln += [
        _charger("NORD-20", connector(rotation=None, amperage=None), group=812),
        _charger("NORD-21", connector(rotation="RST", amperage=None), group=812),
        _charger("NORD-22", connector(rotation=None, amperage=32), reference="Tor 3: links"),
        _charger("NORD-23", connector(rotation="Unknown", amperage=16)),
        _charger(
            "NORD-30",
            connector(rotation=None, amperage=125, power_type="DC"),
            connector(2, None, None, power_type="DC"),
            group=801,
        ),
        _charger("NORD-40", connector(rotation="S", amperage=32, power_type="AC_1_PHASE"), group=813),
        _charger("NORD-50", connector(rotation="RST", amperage=32), connector(2, "STR", 32), group=813),
        _charger(UNSEEN, connection_status="never_seen", status=None),
    ]
    depot_1 = [_charger(f"DEP-{i:03d}", connector(rotation=rotations[i % 3], amperage=20)) for i in range(1, 20)]
    depot_2 = [
        _charger(f"T{i:03d}", connector(rotation="RST", amperage=16), connector(2, "STR", 16)) for i in range(1, 11)
    ]
    for site, chargers in enumerate((koeln, depot_1, depot_2), 1):
        for index, charger in enumerate(chargers, 1):
            charger["uuid"] = _uuid(site, index)
    refused = next(charger["uuid"] for charger in koeln if charger["identity"] == REFUSED)
    return {
        "tokens": {TOKEN: {"user": "tester", "access": {"*": "full", refused: "basic"}}},
        "sites": [
            {
                "uuid": KOELN,
                "name": "Köln/Nord, Halle Ü",
                "groups": [
                    {"id": 801, "total_amps": 250, "net_type": "TN"},
                    {"id": 812, "total_amps": 100, "group_id": 801},
                    {"id": 813, "total_amps": 63, "group_id": 812},
                ],
                "chargers": koeln,
            },
            {
                "uuid": DEPOT_1,
                "name": "Depot",
                "groups": [{"id": 900, "total_amps": 160, "net_type": None}],
                "chargers": depot_1,
            },
            {
                "uuid": DEPOT_2,
                "name": "Depot",
                "groups": [{"id": 901, "total_amps": 200, "net_type": "TT"}],
                "chargers": depot_2,
            },
        ],
        "switches": {"rate_limit_per_minute": 1_000_000},
    }
