"""The live connectors of a site for its figures: a list that comes in pages can lose rows, and with them currents."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from ._text import is_uuid
from .electrical.figures import compute_figures
from .electrical.limits import find_exceeded_limits
from .electrical.settings import read_settings
from .errors import PlugchoiceError
from .sitefile.assess import assess
from .sitefile.definition import LiveValues, build_installation, parse_limits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .electrical.figures import Figures
    from .electrical.limits import ExceededLimit
    from .runtime.live import Live, SiteReading
    from .runtime.session import Session
    from .sitefile.definition import Props

# Readings of a list in pages, after the first one, until two agree.
_MOST_READINGS: Final = 3


def complete_site(session: Session, definition: Props, reading: SiteReading) -> LiveValues:
    """Return the live connectors of a site with those of the definition that a reading in pages has lost."""
    found = _by_key(reading.connectors)
    values = LiveValues(found.values(), reading.invalid)
    if reading.may_lack_rows and any(
        not values.get(name) for name in (*definition["connectors"], *definition["unmanaged"])
    ):
        again = session.live.read_site_again(definition["site"])
        found |= _by_key(again.connectors)
        values = LiveValues(found.values(), {**reading.invalid, **again.invalid})
    for name in definition["connectors"]:
        if not values.get(name):
            # One that cannot be read is reported by its own resource, and counts with its declared values.
            with contextlib.suppress(PlugchoiceError):
                found |= _by_key([_find_alone(session, name, definition)])
    return LiveValues(found.values(), values.invalid)


def _by_key(connectors: Iterable[Live]) -> dict[tuple[str, int], Live]:
    return {(live.charger, live.connector.connector_id): live for live in connectors}


def _find_alone(session: Session, name: str, definition: Props) -> Live:
    charger, _, number = name.rpartition("/")
    site, second = definition["site"], definition["chargers"].get(charger, {}).get("uuid")
    uuid = charger if is_uuid(charger) else second or session.live.find_charger(charger, site)
    return session.live.find(uuid.lower(), int(number), site, is_of_site=True)


def find_exceeded(definition: Props, figures: Figures, live: LiveValues) -> list[ExceededLimit]:
    before = compute_figures(build_installation(definition, live, prefer_live=True).installation)
    return find_exceeded_limits(parse_limits(definition), figures, before)


def confirm_limits(session: Session, definition: Props, reading: SiteReading) -> None:
    """Judge the limits once more before the first write, on two readings of the list that agree.

    Between two pages a row can get lost, and with it the current of a connector.

    Raises:
        PlugchoiceError: the readings do not agree, or the change exceeds a limit and makes the site worse.
    """
    site = definition["site"]
    for _ in range(_MOST_READINGS):
        again = session.live.read_site_now(site)
        if _list_values(again) == _list_values(reading):
            break
        reading = again
    else:
        raise PlugchoiceError(
            f"site {site}: not updated, because its list of connectors was different in each of "
            f"{_MOST_READINGS + 1} readings, so its limits cannot be checked; run `pulumi up` again"
        )
    live = complete_site(session, definition, again)
    for limit in find_exceeded(definition, assess(definition, live).figures, live):
        if limit.is_worse:
            raise PlugchoiceError(f"site {site}: not updated: {limit.text}")


def _list_values(reading: SiteReading) -> tuple[object, ...]:
    """What the figures of a site depend on."""
    rows = {
        (live.charger, live.connector.connector_id): (
            *read_settings(live.connector).values(),
            live.connector.power_type,
        )
        for live in reading.connectors
    }
    return rows, reading.invalid
