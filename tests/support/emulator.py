"""Seeds for the emulator, and names for what tests do to it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi_plugchoice.emulator import testing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SITE = "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7"
TOKEN = "emulator-token-that-nobody-may-see"
CLIENT_ID = "emulator-client"
CLIENT_SECRET = "emulator-secret-that-nobody-may-see"
PINCODE = "4711-pincode-that-nobody-may-see"

Json = dict[str, Any]


def charger_uuid(index: int) -> str:
    """The UUID of the seeded charger `HRB-{index}`."""
    return f"5f0c3c1e-0000-4000-8000-{index:012d}"


def identity(index: int) -> str:
    """The OCPP identity of that charger."""
    return f"HRB-{index:03d}"


def connector(number: int = 1, rotation: str | None = "RST", amperage: int | None = 16, **more: Any) -> Json:
    """A connector for a seed."""
    return {"connector_id": number, "phase_rotation": rotation, "max_amperage": amperage, **more}


def seed(
    chargers: int = 3, connectors: Mapping[int, list[Json]] | None = None, *, off_site: tuple[int, ...] = ()
) -> Json:
    """A seed with one site and `chargers` chargers numbered from 1, one connector each (RST, 16 A) unless given."""
    given = connectors or {}

    def charger(index: int) -> Json:
        return {
            "uuid": charger_uuid(index),
            "identity": identity(index),
            "pincode": PINCODE,
            "connectors": given.get(index, [connector()]),
        }

    return {
        "tokens": {TOKEN: {"user": "tester"}},
        "clients": {CLIENT_ID: {"client_secret": CLIENT_SECRET, "user": "tester"}},
        "sites": [
            {
                "uuid": SITE,
                "name": "Harbour",
                "groups": [{"id": 801, "total_amps": 125, "net_type": "TN"}],
                "chargers": [charger(index) for index in range(1, chargers + 1)],
            }
        ],
        "chargers": [charger(index) for index in off_site],
        # Tests that are not about the quota do not wait for it.
        "switches": {"rate_limit_per_minute": 1_000_000},
    }


@dataclass(frozen=True)
class Calls:
    """What was asked of the emulator, in order."""

    requests: list[Json]

    def __len__(self) -> int:
        return len(self.requests)

    def of(self, method: str, path: str = "") -> list[Json]:
        """The requests with that method whose path holds `path`."""
        return [request for request in self.requests if request["method"] == method and path in request["path"]]

    @property
    def puts(self) -> list[tuple[str, Json]]:
        """Path and body of each PUT."""
        return [(request["path"], request["json"]) for request in self.of("PUT")]


class Emulator(testing.Emulator):
    """An emulator, with names for what these tests do to it."""

    def circuit(self, index: int, number: int = 1, **fields: Any) -> None:
        """Let a car draw `amps` on terminals L1, L2, L3 of `HRB-{index}`, or change how that connector is `wired`."""
        self.control("PATCH", f"/chargers/{charger_uuid(index)}/connectors/{number}/circuit", fields)

    def meter(self, group: int, **fields: Any) -> None:
        """Give a group of the site a meter, or change what the building draws besides (`base_amps`)."""
        self.control("PUT", f"/sites/{SITE}/groups/{group}/meter", fields)

    def no_meter(self, group: int) -> None:
        """Take the meter of a group away."""
        self.control("DELETE", f"/sites/{SITE}/groups/{group}/meter")

    def leave_group(self, index: int) -> None:
        """Take `HRB-{index}` out of its group."""
        self.control("PATCH", f"/chargers/{charger_uuid(index)}", {"group": None})

    def remove(self, charger: str) -> None:
        """Let a charger vanish."""
        self.control("DELETE", f"/chargers/{charger}")

    def remove_connector(self, charger: str, number: int) -> None:
        """Let one connector of a charger vanish."""
        self.control("DELETE", f"/chargers/{charger}/connectors/{number}")

    def edit_group(self, group: int, site: str = SITE, **fields: Any) -> None:
        """Change a load-balancing group as somebody in the portal would."""
        self.control("PATCH", f"/sites/{site}/groups/{group}", fields)

    def switch(self, **switches: Any) -> None:
        """Set switches such as `latency_seconds`."""
        self.control("PUT", "/switches", switches)

    def set_token(self, token: str = TOKEN, **fields: Any) -> None:
        """Set what a token may do."""
        self.control("PUT", f"/tokens/{token}", {"user": "tester", **fields})

    def values(self) -> dict[tuple[str, int], tuple[str | None, int | None]]:
        """Rotation and amperage by charger UUID and number."""
        return {
            (row["charger"], row["connector_id"]): (row["phase_rotation"], row["max_amperage"])
            for row in self.connectors()
        }

    def live(self, index: int, number: int = 1) -> tuple[str | None, int | None]:
        """Rotation and amperage of the charger `HRB-{index}`."""
        return self.values()[charger_uuid(index), number]

    def puts_seen(self) -> int:
        """PUTs since the log was last cleared."""
        return sum(1 for request in self.requests() if request["method"] == "PUT")

    @contextlib.contextmanager
    def recording(self) -> Iterator[Calls]:
        """The requests made inside of the block."""
        self.clear_requests()
        calls = Calls([])
        yield calls
        calls.requests.extend(self.requests())


@contextlib.contextmanager
def running() -> Iterator[Emulator]:
    """An emulator with these names."""
    with testing.running() as started:
        yield Emulator(started.base_url, started.control_url)
