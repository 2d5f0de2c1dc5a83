"""The seed of an emulator that is started without one: two sites, and one charger of every unusual kind."""

from __future__ import annotations

from typing import Any

TOKEN = "demo-token"  # noqa: S105 - a token of the emulator is no secret
HIDDEN, READ_ONLY = "5f0c3c1e-0000-4000-8000-000000000027", "5f0c3c1e-0000-4000-8000-000000000028"

_DC = {"vendor": "Alpitronic", "name": "HYC50", "is_dc": True}
_ODD: dict[int, dict[str, Any]] = {
    7: {"connectors": [{"phase_rotation": None, "max_amperage": None}]},
    10: {"connection_status": "never_seen", "connectors": []},
    11: {"connectors": [{"phase_rotation": "RST", "max_amperage": 16}, {"phase_rotation": "STR", "max_amperage": 16}]},
    12: {
        "model": _DC,
        "max_current": 80,
        "connectors": [{"power_type": "DC", "standard": "IEC 62196 COMBO", "format": "Cable", "max_voltage": 1000}],
    },
    13: {"connectors": [{"phase_rotation": "R", "max_amperage": 32, "power_type": "AC_1_PHASE"}]},
    14: {"connection_status": "offline", "status": "Unavailable", "connectors": [{"status": "Unavailable"}]},
    15: {"connectors": [{"phase_rotation": "RST", "max_amperage": 16, "status": "Charging"}]},
    27: {"uuid": HIDDEN},
    28: {"uuid": READ_ONLY},
}


def _charger(number: int) -> dict[str, Any]:
    plain = {
        "identity": f"HRB-{number:03}",
        "group": 801 if number <= 20 else 802,
        "connectors": [{"phase_rotation": "RST", "max_amperage": 16}],
    }
    return {**plain, **_ODD.get(number, {})}


def _bay(number: int, rotation: str) -> dict[str, Any]:
    return {"identity": f"DEP-{number:03}", "connectors": [{"phase_rotation": rotation, "max_amperage": 16}]}


DEFAULT_SEED: dict[str, Any] = {
    "tokens": {TOKEN: {"user": "demo", "access": {"*": "full", HIDDEN: "none", READ_ONLY: "basic"}}},
    "clients": {"demo-client": {"client_secret": "demo-secret", "user": "demo"}},
    "sites": [
        {
            "name": "Harbour",
            "groups": [
                {
                    "id": 801,
                    "name": "Main fuse",
                    "total_amps": 125,
                    "net_type": "TN",
                    "meter": {"base_amps": [18, 11, 9]},
                },
                {"id": 802, "name": "East quay", "total_amps": 63, "net_type": "TN"},
            ],
            "chargers": [_charger(number) for number in range(1, 29)],
        },
        {
            "name": "Depot",
            "groups": [{"id": 811, "total_amps": 80, "net_type": "IT"}],
            "chargers": [_bay(number, rotation) for number, rotation in enumerate(("RS", "ST", "TR"), 1)],
        },
    ],
    "chargers": [{"identity": "SPARE-01"}],
}
