"""Experimental. Samples the currents of a site's connectors and group meters, for `evidence.py` to assess.

Somebody plugs in a one-phase car at one connector after the other meanwhile. Nothing is written.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice import lookup
from pulumi_plugchoice._text import printable
from pulumi_plugchoice.errors import ConfigError, InvalidResponse, NotFound, PermissionDenied, ServerError

from .evidence import (
    IDLE,
    IN_AMPS,
    Evidence,
    LineReading,
    Reading,
    Rules,
    Sample,
    Subject,
    explain_no_evidence,
)
from .steps import find_evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pulumi_plugchoice.api.client import PlugchoiceClient
    from pulumi_plugchoice.api.models import GroupMeter, ManagedGroup, PowerManagement, PowerUsage, SiteConnector
    from pulumi_plugchoice.api.retry import Deadline
    from pulumi_plugchoice.sitefile.model import ChargerEntry, SiteFile

    from .evidence import MeterUnit

# A connector: the UUID of its charger, in lower case, and its number.
Key = tuple[str, int]

# No current flows in these states of OCPP 1.6. An idle connector in one of them is not read again.
_NOT_CHARGING: Final = frozenset(
    ("Available", "Preparing", "SuspendedEV", "SuspendedEVSE", "Finishing", "Reserved", "Unavailable", "Faulted")
)
# One reading is missing after one of these errors. Any other error ends the sampling.
_NO_READING: Final = (PermissionDenied, NotFound, ServerError, InvalidResponse)
# Seconds for one reading with its retries.
_LONGEST_READING: Final = 5.0


def check_wiring(
    site: SiteFile | str | Path,
    *,
    samples: int = 12,
    interval: float = 15.0,
    meter_unit: MeterUnit = "mA",
    lag: float = 20.0,
    longest: float = 180.0,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Evidence]:
    """Compare the declared phase rotations of a site with current steps on its group meters. Experimental.

    Start it, wait two intervals, then let a one-phase car begin to charge at one connector after the other, a minute
    apart. Only a step that appears on a group meter's line at the same moment is evidence, and it is not proof.

    API calls. First sample: one for the groups, one for each group that is asked for a meter, one for 25 connectors,
    one for each connector behind a meter. Every other sample: one for 25 connectors, one for each meter, one for each
    connector that charges. Forty connectors behind one meter, three of them charging, cost 110 calls in twelve
    samples. Without a meter, nothing is sampled.

    Args:
        site: a site file, or its path.
        samples: number of samples, 2 or more.
        interval: seconds between two samples.
        meter_unit: what the site's meters count in. The API does not say; mA is assumed. With the wrong unit there is
            no evidence, and the text names the unit that fits.
        lag: seconds that a meter reading is away from a step, at least, on either side.
        longest: seconds between the meter's two readings around a step, at most.
        clock: returns the seconds since 1970.
        sleep: waits a number of seconds.

    Returns:
        One `Evidence` for each connector of the site file, in its order. For a connector without a declared rotation
        the live one is compared, and the text says so.

    Raises:
        PlugchoiceError: the file has mistakes, options are missing, or the API gives an unexpected answer.
    """
    from pulumi_plugchoice.sitefile.load import load_site
    from pulumi_plugchoice.sitefile.model import SiteFile

    for name, value, is_right, allowed in (
        ("samples", samples, samples >= 2, "2 or more"),
        ("interval", interval, interval >= 0, "0 s or more"),
        ("lag", lag, lag >= 0, "0 s or more"),
        ("longest", longest, longest > 0, "more than 0 s"),
        ("meter_unit", meter_unit, meter_unit in IN_AMPS, f"one of {', '.join(IN_AMPS)}"),
    ):
        if not is_right:
            raise ConfigError(f"check_wiring: {name} is {printable(repr(value), 20)}; use {allowed}")
    file = site if isinstance(site, SiteFile) else load_site(site)
    with contextlib.closing(lookup.open_client()) as client:
        sampler = _Sampler(client, file, meter_unit, clock)
        readings = list(sampler.sample(samples, lambda: sleep(interval)))
    rules = Rules(lag=lag, longest=longest, unit=meter_unit)
    return [
        one
        if isinstance(one, Evidence)
        else find_evidence(replace(one, failure=sampler.failures.get(one.connector)), readings, rules)
        for one in sampler.subjects
    ]


class _Groups:
    """The groups of a site: the group of each charger, and the parent of each group."""

    def __init__(self, power: PowerManagement) -> None:
        self._of = {charger.uuid.lower(): charger.group_id for charger in power.chargers}
        self._parents: dict[int, int | None] = {}
        waiting: list[tuple[ManagedGroup, int | None]] = [(group, None) for group in power.groups]
        while waiting:
            group, parent = waiting.pop()
            # A list of all groups has those below another one twice.
            self._parents[group.id] = self._parents.get(group.id) if parent is None else parent
            waiting += [(below, group.id) for below in group.subgroups]

    def of(self, charger: str) -> list[int]:
        """The group of a charger and those above it, nearest first; empty when it is in none."""
        groups: list[int] = []
        group = self._of.get(charger)
        while group is not None and group not in groups:
            groups.append(group)
            group = self._parents.get(group)
        return groups


class _Sampler:
    """Reads the connectors and meters of one site.

    Attributes:
        subjects: the connectors of the file, in its order; `Evidence` for those that cannot have any.
        failures: the last error of reading a connector, by its name.
    """

    def __init__(self, client: PlugchoiceClient, file: SiteFile, unit: MeterUnit, clock: Callable[[], float]) -> None:
        self._client = client
        self._site = file.site.lower()
        self._unit = unit
        self._clock = clock
        self._groups = _Groups(client.power_management(self._site))
        self._live = self._read_list()
        self._meters: dict[int, GroupMeter | None] = {}
        self._usages: dict[Key, Reading | None] = {}
        # Connectors that the file does not name get their UUID, which no other connector can have as a name.
        self._names = {key: f"{key[0]}/{key[1]}" for key in self._live}
        entries = [
            (f"{charger.key}/{entry.connector_id}", charger, entry, self._find(charger.key, entry.connector_id))
            for charger in file.chargers
            for entry in charger.connectors
        ]
        self._names |= {key: name for name, _, _, key in entries if key is not None}
        self.failures: dict[str, str] = {}
        self.subjects: list[Subject | Evidence] = [
            self._build_subject(key, charger, entry.phase_rotation, neutral=file.has_neutral)
            if key is not None
            else explain_no_evidence(
                name, entry.phase_rotation, "not on the site", f"site {self._site} has no such connector"
            )
            for name, charger, entry, key in entries
        ]

    def sample(self, samples: int, wait: Callable[[], None]) -> Iterator[Sample]:
        """Take the samples; none when no connector has a meter."""
        meters = sorted({one.meter for one in self.subjects if isinstance(one, Subject) and one.meter is not None})
        keys = [key for key in self._names if any(self._measures(meter, key) for meter in meters)]
        for number in range(samples if meters else 0):
            if number:
                wait()
                self._live |= self._read_list()
                # The meters before the connectors, so that their reading before a step is older than the step.
                self._meters |= {meter: self._read_meter(meter) for meter in meters}
            lines = {meter: _parse_meter(self._meters[meter], IN_AMPS[self._unit]) for meter in meters}
            self._usages |= {key: self._read_usage(key) for key in keys}
            yield Sample(
                {self._names[key]: reading for key in keys if (reading := self._usages[key]) is not None},
                {meter: reading for meter, reading in lines.items() if reading is not None},
            )

    def _read_list(self) -> dict[Key, SiteConnector]:
        self._list_time = self._clock()
        listed = self._client.site_listing(self._site).connectors
        return {(item.charger.uuid.lower(), item.connector_id): item for item in listed}

    def _find(self, charger: str, number: int) -> Key | None:
        """Find the live connector of a charger by UUID or identity; None when the site has none."""
        matches = (
            key for key, item in self._live.items() if key[1] == number and charger in (key[0], item.charger.identity)
        )
        return next(matches, None)

    def _build_subject(
        self, key: Key, charger: ChargerEntry, declared: str | None, *, neutral: bool
    ) -> Subject | Evidence:
        name, live, groups = self._names[key], self._live[key], self._groups.of(key[0])
        subject = Subject(
            name,
            declared or live.phase_rotation,
            None,
            source="declared" if declared else "live",
            neutral=neutral,
            power_type=live.power_type or ("DC" if charger.ac_input_amps else None),
        )
        if not subject.has_terminals:
            return subject
        if not groups:
            why = "its charger is in no group, so no meter is known to measure it"
            return explain_no_evidence(name, subject.rotation, "no group", why)
        meter = next((group for group in groups if self._has_meter(group)), None)
        if meter is None:
            return subject
        neighbours = frozenset(
            self._names[other] for other in self._live if other != key and self._measures(meter, other)
        )
        return replace(subject, meter=meter, neighbours=neighbours)

    def _has_meter(self, group: int) -> bool:
        """Whether a group has a meter. Each group is asked once; the answer is its first reading."""
        if group not in self._meters:
            self._meters[group] = self._client.group_meter(self._site, group)
        return self._meters[group] is not None

    def _measures(self, meter: int, key: Key) -> bool:
        """Whether a meter measures a connector's current, or may do so: for a charger in no group it may."""
        groups = self._groups.of(key[0])
        return not groups or meter in groups

    def _read_meter(self, group: int) -> GroupMeter | None:
        try:
            return self._client.group_meter(self._site, group, self._deadline())
        except _NO_READING:
            return None

    def _deadline(self) -> Deadline:
        """A short deadline: one reading that fails for long would delay all others of the same moment."""
        return self._client.deadline(_LONGEST_READING)

    def _read_usage(self, key: Key) -> Reading | None:
        """What a connector draws: the last reading when nothing can have changed, else a new one."""
        live, last = self._live[key], self._usages.get(key)
        is_idle = live.charger.connection_status == "online" and live.status in _NOT_CHARGING
        if key in self._usages and is_idle and (last is None or last.amps < IDLE):
            return last and replace(last, at=self._list_time)
        try:
            return _parse_usage(self._client.power_usage(*key, self._deadline()))
        except _NO_READING as error:
            self.failures[self._names[key]] = str(error)
            return None


def _parse_usage(usage: PowerUsage) -> Reading | None:
    """The sum of what a charger reports; None when there is no value or no time of measurement."""
    values = {"1": usage.L1, "2": usage.L2, "3": usage.L3}
    known = {terminal: amps for terminal, amps in values.items() if amps is not None}
    if not known or usage.timestamp is None:
        return None
    return Reading(sum(known.values()), usage.timestamp.timestamp(), "".join(known))


def _parse_meter(meter: GroupMeter | None, factor: float) -> LineReading | None:
    """The A that a meter reports on the three lines; None when a line or the time of measurement is missing."""
    latest = meter and meter.latest_data
    if not latest or latest.updated_at is None or latest.l1 is None or latest.l2 is None or latest.l3 is None:
        return None
    return LineReading((latest.l1 * factor, latest.l2 * factor, latest.l3 * factor), latest.updated_at.timestamp())
