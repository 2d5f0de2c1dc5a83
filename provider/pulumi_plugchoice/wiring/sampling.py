"""Sampling a site's connectors and group meters for evidence about their wiring. `evidence.py` says what counts.

Somebody has to make a step: plug in a one-phase car, one connector at a time, while this samples. Nothing is written.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice import lookup
from pulumi_plugchoice._text import printable
from pulumi_plugchoice.errors import ConfigError, InvalidResponse, NotFound, PermissionDenied, ServerError

from .evidence import IDLE, IN_AMPS, Evidence, LineReading, Reading, Rules, Sample, Subject, judge, nothing

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

# OCPP 1.6: no energy flows in these. While an online charger keeps one of them, an idle connector is not read again.
_NOT_CHARGING: Final = frozenset(
    ("Available", "Preparing", "SuspendedEV", "SuspendedEVSE", "Finishing", "Reserved", "Unavailable", "Faulted")
)
# What cannot be read with one of these is no reading of one connector in one round; all other errors end the whole.
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
    """What current steps say about the declared phase rotations of a site: contradicts, consistent, or none.

    Let it run, wait two intervals, then let a one-phase car begin to charge at one connector after the other, a minute
    apart. Only a step that appears on a group meter's line at the same moment is evidence, and no proof.

    API calls: in the first sample one for the groups, one for each group that is asked for a meter, one for 25
    connectors, one for each connector behind a meter; in every other sample one for 25 connectors, one for each meter,
    one for each connector that charges. Forty connectors behind one meter, three of them charging, cost 110 calls in
    twelve samples. Where no group has a meter, nothing is sampled.

    Args:
        site: a site file, or its path.
        samples: how many times to look, 2 or more.
        interval: seconds between two looks.
        meter_unit: what the site's meters count in; the API does not say, and mA is assumed. With the wrong one there
            is no evidence, and the texts name the unit that would fit.
        lag: seconds that a reading keeps away from a step on either side.
        longest: seconds that the meter's two readings around a step may be apart.
        clock: seconds since 1970.
        sleep: waits so many seconds.

    Returns:
        One for each connector of the site file, in its order. A connector without a declared rotation is judged by the
        live one, as its text says.

    Raises:
        PlugchoiceError: the file is wrong, settings are missing, or the API does not answer as it should.
    """
    from pulumi_plugchoice.sitefile.load import load_site
    from pulumi_plugchoice.sitefile.model import SiteFile

    if samples < 2 or not (interval >= 0 and lag >= 0 and longest > 0) or meter_unit not in IN_AMPS:
        raise ConfigError(
            f"check_wiring: samples={samples}, interval={interval}, lag={lag}, longest={longest}, "
            f"meter_unit={printable(repr(meter_unit), 20)}: samples are 2 or more, seconds are not negative, and "
            f"meter_unit is one of {', '.join(IN_AMPS)}"
        )
    file = site if isinstance(site, SiteFile) else load_site(site)
    watch = _Watch(lookup.open_client(), file, meter_unit, clock)
    taken = list(watch.rounds(samples, lambda: sleep(interval)))
    rules = Rules(lag=lag, longest=longest, unit=meter_unit)
    return [
        one
        if isinstance(one, Evidence)
        else judge(replace(one, failure=watch.failures.get(one.connector)), taken, rules)
        for one in watch.asked
    ]


class _Groups:
    """Which charger is in which group, and which group is below which."""

    def __init__(self, power: PowerManagement) -> None:
        self._of = {charger.uuid.lower(): charger.group_id for charger in power.chargers}
        self._parents: dict[int, int | None] = {}
        waiting: list[tuple[ManagedGroup, int | None]] = [(group, None) for group in power.groups]
        while waiting:
            group, parent = waiting.pop()
            self._parents[group.id] = parent
            waiting += [(below, group.id) for below in group.subgroups]

    def of(self, charger: str) -> list[int]:
        """The group of a charger, the one above it, and so on; empty when it is in none."""
        found: list[int] = []
        group = self._of.get(charger)
        while group is not None and group not in found:
            found.append(group)
            group = self._parents.get(group)
        return found


class _Watch:
    """A site that is being sampled.

    Attributes:
        asked: the connectors of the file, in its order; evidence already where there is nothing to look at.
        failures: by a connector's name, the last error of reading it.
    """

    def __init__(self, client: PlugchoiceClient, file: SiteFile, unit: MeterUnit, clock: Callable[[], float]) -> None:
        self._client = client
        self._site = file.site.lower()
        self._unit = unit
        self._clock = clock
        self._groups = _Groups(client.power_management(self._site))
        self._live = self._listed()
        self._meters: dict[int, GroupMeter | None] = {}
        self._usages: dict[Key, Reading | None] = {}
        # As the file names them, and otherwise by UUID, which no other connector can be named by.
        self._names = {key: f"{key[0]}/{key[1]}" for key in self._live}
        found = [
            (f"{charger.key}/{entry.connector_id}", charger, entry, self._find(charger.key, entry.connector_id))
            for charger in file.chargers
            for entry in charger.connectors
        ]
        self._names |= {key: name for name, _, _, key in found if key is not None}
        self.failures: dict[str, str] = {}
        self.asked: list[Subject | Evidence] = [
            self._subject(key, charger, entry.phase_rotation, neutral=file.has_neutral)
            if key is not None
            else nothing(name, entry.phase_rotation, "not on the site", f"site {self._site} lists no such connector")
            for name, charger, entry, key in found
        ]

    def rounds(self, samples: int, wait: Callable[[], None]) -> Iterator[Sample]:
        """The samples; none when no connector has a meter that could tell something."""
        meters = sorted({one.meter for one in self.asked if isinstance(one, Subject) and one.meter is not None})
        watched = [key for key in self._names if any(self._sees(meter, key) for meter in meters)]
        for number in range(samples if meters else 0):
            if number:
                wait()
                self._live |= self._listed()
                # The meters before the connectors: the reading before a step is to be the older one.
                self._meters |= {meter: self._meter(meter) for meter in meters}
            lines = {meter: _lines(self._meters[meter], IN_AMPS[self._unit]) for meter in meters}
            self._usages |= {key: self._usage(key) for key in watched}
            yield Sample(
                {self._names[key]: reading for key in watched if (reading := self._usages[key]) is not None},
                {meter: reading for meter, reading in lines.items() if reading is not None},
            )

    def _listed(self) -> dict[Key, SiteConnector]:
        self._looked = self._clock()
        listed = self._client.site_connectors(self._site)
        return {(item.charger.uuid.lower(), item.connector_id): item for item in listed}

    def _find(self, charger: str, number: int) -> Key | None:
        """The connector of a charger that is named by UUID or identity; None when the site does not list it."""
        matches = (
            key for key, item in self._live.items() if key[1] == number and charger in (key[0], item.charger.identity)
        )
        return next(matches, None)

    def _subject(self, key: Key, charger: ChargerEntry, declared: str | None, *, neutral: bool) -> Subject | Evidence:
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
            why = "its charger is in no group, so that no meter is known to see it"
            return nothing(name, subject.rotation, "no group", why)
        meter = next((group for group in groups if self._has_meter(group)), None)
        if meter is None:
            return subject
        beside = frozenset(self._names[other] for other in self._live if other != key and self._sees(meter, other))
        return replace(subject, meter=meter, beside=beside)

    def _has_meter(self, group: int) -> bool:
        """Each group is asked once; what it answers is its first reading."""
        if group not in self._meters:
            self._meters[group] = self._client.group_meter(self._site, group)
        return self._meters[group] is not None

    def _sees(self, meter: int, key: Key) -> bool:
        """Whether a meter sees a connector's current, or may: that of a charger in no group too."""
        groups = self._groups.of(key[0])
        return not groups or meter in groups

    def _meter(self, group: int) -> GroupMeter | None:
        try:
            return self._client.group_meter(self._site, group, self._deadline())
        except _NO_READING:
            return None

    def _deadline(self) -> Deadline:
        """One reading that fails for long would hold up all others, and the moment would be gone."""
        return self._client.deadline(_LONGEST_READING)

    def _usage(self, key: Key) -> Reading | None:
        """What a connector draws: read, or as before when nothing can have changed."""
        live, last = self._live[key], self._usages.get(key)
        is_idle = live.charger.connection_status == "online" and live.status in _NOT_CHARGING
        if key in self._usages and is_idle and (last is None or last.amps < IDLE):
            return last and replace(last, at=self._looked)
        try:
            return _reading(self._client.power_usage(*key, self._deadline()))
        except _NO_READING as error:
            self.failures[self._names[key]] = str(error)
            return None


def _reading(usage: PowerUsage) -> Reading | None:
    """What a charger reports, as a sum; None without a value, or without the time at which it was measured."""
    values = {"1": usage.L1, "2": usage.L2, "3": usage.L3}
    known = {terminal: amps for terminal, amps in values.items() if amps is not None}
    if not known or usage.timestamp is None:
        return None
    return Reading(sum(known.values()), usage.timestamp.timestamp(), "".join(known))


def _lines(meter: GroupMeter | None, factor: float) -> LineReading | None:
    """What a meter reports, as A on the three lines; None when one is missing, or the time of measuring is."""
    latest = meter and meter.latest_data
    if not latest or latest.updated_at is None or latest.l1 is None or latest.l2 is None or latest.l3 is None:
        return None
    return LineReading((latest.l1 * factor, latest.l2 * factor, latest.l3 * factor), latest.updated_at.timestamp())
