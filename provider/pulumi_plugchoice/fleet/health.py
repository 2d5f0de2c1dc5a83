"""What a wave of updates may have done to hardware: connectors that report a fault, chargers that are offline."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.errors import PlugchoiceError

from .workers import run_each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pulumi_plugchoice.api.client import PlugchoiceClient

_TICK_SECONDS: Final = 0.2
_ADVICE: Final = "look at the charger, and run this again when it is well"


@dataclass(frozen=True)
class Health:
    """The state of a site's hardware.

    Attributes:
        faulted: connectors that report a fault: `HRB-001/1`.
        offline: chargers that are offline.
        problem: why the site could not be read; empty when it was.
    """

    faulted: frozenset[str] = frozenset()
    offline: frozenset[str] = frozenset()
    problem: str = ""

    def to_json(self) -> dict[str, list[str]]:
        """As it stands in `fleet.json`."""
        return {"faulted": sorted(self.faulted), "offline": sorted(self.offline)}

    @staticmethod
    def parse(content: Any) -> Health:
        """Parse what `to_json` made.

        Raises:
            TypeError, KeyError: it is something else.
        """
        return Health(frozenset(map(str, content["faulted"])), frozenset(map(str, content["offline"])))


def read_health(client: PlugchoiceClient, names: Iterable[str], uuids: Mapping[str, str]) -> dict[str, Health]:
    """Read the hardware of sites: one call for 25 connectors.

    Args:
        client: the API.
        names: of the sites.
        uuids: of all sites, by name.
    """

    def read(name: str) -> Health:
        try:
            rows = client.site_listing(uuids[name]).connectors
        except PlugchoiceError as error:
            return Health(problem=printable(error, 400))
        labels = {row.charger.uuid: printable(row.charger.identity or row.charger.uuid, 60) for row in rows}
        return Health(
            frozenset(f"{labels[row.charger.uuid]}/{row.connector_id}" for row in rows if row.status == "Faulted"),
            frozenset(labels[row.charger.uuid] for row in rows if row.charger.connection_status == "offline"),
        )

    return dict(run_each(names, read))


def find_new_problems(before: Mapping[str, Health], after: Mapping[str, Health]) -> list[str]:
    """Find what was well before and is not now; one line each, by site."""
    lines = []
    for name, now in after.items():
        then = before.get(name, Health())
        if now.problem:
            lines.append(f"{name}: cannot be read after the update: {now.problem}")
            continue
        new = [f"{connector}: Faulted" for connector in sorted(now.faulted - then.faulted)]
        new += [f"{charger}: offline" for charger in sorted(now.offline - then.offline)]
        lines += [f"{name}: {what} since the update; {_ADVICE}" for what in new]
    return lines


@dataclass
class SettleGate:
    """Lets hardware settle after a wave, and looks at it.

    Attributes:
        client: the API.
        uuids: of the sites, by name.
        seconds: how long to wait.
    """

    client: PlugchoiceClient
    uuids: Mapping[str, str]
    seconds: float

    def read(self, sites: Sequence[str]) -> dict[str, Health]:
        """Read the hardware of sites."""
        return read_health(self.client, sites, self.uuids)

    def wait(self, is_over: Callable[[], bool]) -> bool:
        """Let the hardware settle; return whether the time has passed, and it was not over before."""
        end = time.monotonic() + self.seconds
        while not is_over():
            if time.monotonic() >= end:
                return True
            time.sleep(min(_TICK_SECONDS, self.seconds))
        return False
