"""What a wave of updates may have done to hardware: connectors that report a fault, chargers that are offline."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.errors import PlugchoiceError

from .workers import run_each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pulumi_plugchoice.api.client import PlugchoiceClient

_TICK_SECONDS: Final = 0.2


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
        lines += [f"{name}: {connector}: Faulted since the update" for connector in sorted(now.faulted - then.faulted)]
        lines += [f"{name}: {charger}: offline since the update" for charger in sorted(now.offline - then.offline)]
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
    _before: Mapping[str, Health] = field(default_factory=dict)

    def before(self, sites: Sequence[str]) -> None:
        """Read the hardware before the wave."""
        self._before = read_health(self.client, sites, self.uuids)

    def after(self, sites: Sequence[str], is_over: Callable[[], bool]) -> list[str]:
        """Wait, unless all is over, and compare."""
        end = time.monotonic() + self.seconds
        while time.monotonic() < end and not is_over():
            time.sleep(min(_TICK_SECONDS, self.seconds))
        return [] if is_over() else find_new_problems(self._before, read_health(self.client, sites, self.uuids))
