"""What a change to a site file amounts to: keys, settings of connectors, currents, limits, warnings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_plugchoice.electrical.limits import find_exceeded_limits
from pulumi_plugchoice.sitefile.assess import assess_site
from pulumi_plugchoice.sitefile.definition import make_definition, parse_limits

from .compare import compare_sites, pair_chargers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pulumi_plugchoice.electrical.limits import ExceededLimit
    from pulumi_plugchoice.sitefile.assess import Assessment
    from pulumi_plugchoice.sitefile.model import ChargerEntry, SiteFile

    from .compare import Change

Values = tuple["str | None", "int | None"]


@dataclass(frozen=True)
class SettingsChange:
    """A connector that is new, gone, or has another rotation or maximum current.

    Attributes:
        charger: the charger as it is declared, or was.
        connector_id: number of the connector.
        old: rotation and A before; None when it was not declared.
        new: rotation and A after; None when it is not declared.
    """

    charger: ChargerEntry
    connector_id: int
    old: Values | None
    new: Values | None


@dataclass(frozen=True)
class SiteChange:
    """A change to a site file.

    Attributes:
        before: the site before; None when it is new.
        after: the site after; None when it is removed.
        changes: every key that differs.
        settings: the connectors that differ.
        old: what the site adds up to before.
        new: what it adds up to after.
        exceeded: the limits that the site exceeds after the change, compared with it before.
    """

    before: SiteFile | None
    after: SiteFile | None
    changes: Sequence[Change]
    settings: Sequence[SettingsChange]
    old: Assessment | None
    new: Assessment | None
    exceeded: Sequence[ExceededLimit]

    @property
    def site(self) -> SiteFile:
        """The site after the change, or the removed one."""
        site = self.after or self.before
        assert site is not None  # noqa: S101 - for mypy: one of them is given
        return site

    @property
    def assessment(self) -> Assessment:
        """What that adds up to."""
        assessment = self.new or self.old
        assert assessment is not None  # noqa: S101 - as `site`
        return assessment

    @property
    def changed_chargers(self) -> int:
        """The number of chargers with a connector that differs."""
        return len({item.charger.key for item in self.settings})

    @property
    def new_warnings(self) -> list[str]:
        """Warnings that the site did not have before, or had with other figures."""
        known = set(self.old.warnings) if self.old else set()
        return [line for line in self.new.warnings if line not in known] if self.new else []

    @property
    def standing_warnings(self) -> list[str]:
        """Warnings that the site had before."""
        known = set(self.old.warnings) if self.old else set()
        return [line for line in self.new.warnings if line in known] if self.new else []


def assess_change(before: SiteFile | None, after: SiteFile | None) -> SiteChange:
    """Assess a change to a site file.

    Args:
        before: the site before; None when it is new.
        after: the site after; None when it is removed. One of the two is given.
    """
    old, new = (None if site is None else assess_site(site) for site in (before, after))
    exceeded: list[ExceededLimit] = []
    if after is not None and new is not None:
        limits = parse_limits(make_definition(after))
        exceeded = find_exceeded_limits(limits, new.figures, old.figures if old else None)
    return SiteChange(
        before,
        after,
        compare_sites(before, after),
        list(_compare_settings(before, after)),
        old,
        new,
        exceeded,
    )


def _compare_settings(before: SiteFile | None, after: SiteFile | None) -> Iterator[SettingsChange]:
    pairs = pair_chargers(before.chargers if before else (), after.chargers if after else ())
    for old, new in pairs:
        was = _read_values(before, old)
        now = _read_values(after, new)
        charger = new or old
        assert charger is not None  # noqa: S101 - for mypy: one of a pair is given
        for number in sorted({**was, **now}):
            values = (was.get(number), now.get(number))
            if values[0] != values[1]:
                yield SettingsChange(charger, number, *values)


def _read_values(site: SiteFile | None, charger: ChargerEntry | None) -> dict[int, Values]:
    """Declared rotation and A of each connector."""
    if site is None or charger is None:
        return {}
    return {item.connector_id: (item.phase_rotation, site.amps_of(charger, item)) for item in charger.connectors}
