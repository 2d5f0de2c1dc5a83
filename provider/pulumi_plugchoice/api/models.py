"""What travels over the wire, and nothing of how.

Responses are read tolerantly: unknown fields are dropped (a new API field breaks nobody, and a `pincode` never enters
the process's objects), and only what this package cannot do without is required. Requests are checked strictly.
Source of the fields: API pages chargers/get-charger, site-connectors/list-site-connectors, site-groups/list-groups,
connectors/get-power-usage, site-groups/get-group-meter, power-management/get-power-management.
"""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from pulumi_plugchoice.electrical.rotations import MAX_AMPERAGE, MIN_AMPERAGE, PhaseRotation

ValueT = TypeVar("ValueT")


def _or_none(value: Any, parse: ValidatorFunctionWrapHandler) -> Any:
    try:
        return parse(value)
    except ValidationError:
        return None


#: A field that is only shown: one odd value in it must not make a whole site unreadable.
Shown = Annotated[ValueT | None, WrapValidator(_or_none)]


def _measured(value: Any) -> float | None:
    """A measured number. The API writes them as text, some with leading blanks (`" 0.0"`), and `"-"` for no reading."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _in_utc(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)


#: A reading that may be missing, whatever stands in its place.
Measured = Annotated[float | None, BeforeValidator(_measured)]
#: When something was measured; a time without an offset is UTC, as all others of this API. None for `"-"`.
MeasuredAt = Annotated[Annotated[datetime, AfterValidator(_in_utc)] | None, WrapValidator(_or_none)]


class Model(BaseModel):
    """A response: unknown fields are ignored, values do not change once read."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Connector(Model):
    """A live connector, with the 16 documented fields.

    Attributes:
        id: database number; not the one that paths use.
        charger_id: numeric id of the charger.
        connector_id: OCPP connector number, 1 and up; the one that paths use.
        status: OCPP status such as `Available` or `Charging`.
        error: OCPP 1.6 error code, `NoError` when there is none.
        error_info: the charger's own words.
        vendor_id: as sent by the charger.
        vendor_error_code: as sent by the charger.
        max_amperage: A per phase; None until first set.
        max_voltage: V.
        standard: such as `IEC 62196`.
        format: `Socket` or `Cable`.
        power_type: `AC_1_PHASE`, `AC_3_PHASE`, `DC`; other OCPI values are possible.
        phase_rotation: one of `phases.PHASE_ROTATIONS`; None until first set. A free string: a charger may report more.
        created_at: UTC.
        updated_at: UTC.
    """

    id: Shown[int] = None
    charger_id: Shown[int] = None
    connector_id: int
    status: Shown[str] = None
    error: Shown[str] = None
    error_info: Shown[str] = None
    vendor_id: Shown[str] = None
    vendor_error_code: Shown[str] = None
    # Both have to be there, if only as null: a missing one is no proof that it was never set.
    max_amperage: int | None
    max_voltage: Shown[int] = None
    standard: Shown[str] = None
    format: Shown[str] = None
    power_type: Shown[str] = None
    phase_rotation: str | None
    created_at: Shown[datetime] = None
    updated_at: Shown[datetime] = None


class ChargerReference(Model):
    """The charger as a site's list of connectors names it."""

    uuid: str
    identity: Shown[str] = None
    connection_status: Shown[str] = None
    status: Shown[str] = None


class SiteConnector(Connector):
    """A connector as `GET /v3/sites/{site}/connectors` lists it: with its charger."""

    charger: ChargerReference


class Charger(ChargerReference):
    """A charger. `max_current` is A per phase, None when unknown."""

    id: Shown[int] = None
    reference: Shown[str] = None
    max_current: Shown[int] = None
    connectors: tuple[Connector, ...]  # required: a missing list is no proof that there are none


class Site(Model):
    """A location with chargers."""

    uuid: str
    id: int | None = None
    name: str | None = None


class SiteGroup(Model):
    """A load-balancing group; the root group (no `group_id`) is the building's main fuse.

    Attributes:
        total_amps: A per phase.
        net_type: `TN`, `TT`, `IT`, or None when unknown.
    """

    id: int
    site_id: int | None = None
    group_id: int | None = None
    total_amps: int | None = None
    net_type: str | None = None


class PowerUsage(Model):
    """What a connector draws, as its charger last reported it (connectors/get-power-usage).

    The names L1, L2, L3 are the charger's: terminals of the connector, or lines in an order of its own. They are never
    to be taken for the building's lines.

    Attributes:
        timestamp: when it was measured, UTC.
        L1: A; None: no reading.
        L2: A; None: no reading.
        L3: A; None: no reading.
        kW: kW in all; None: no reading.
    """

    timestamp: MeasuredAt = None
    L1: Measured = None
    L2: Measured = None
    L3: Measured = None
    kW: Measured = None  # noqa: N815 - as the API writes it


class MeterLines(Model):
    """The latest reading of a meter, for each building line (`latest_data`).

    Documented: the names. ASSUMED: the unit is mA (the vendor's sample of a CT meter reads 4800, 2200, -19000; as W
    that would be 83 A fed in on one line); a negative value is fed into the grid; `updated_at` is when it was measured,
    and "-", beside zeros, stands for never (so does the vendor's sample of a new meter).

    Attributes:
        l1: on building line L1; None: no reading.
        l2: on building line L2; None: no reading.
        l3: on building line L3; None: no reading.
        updated_at: UTC; None: no reading was ever taken.
    """

    l1: Measured = Field(None, validation_alias=AliasChoices("l1", "L1"))
    l2: Measured = Field(None, validation_alias=AliasChoices("l2", "L2"))
    l3: Measured = Field(None, validation_alias=AliasChoices("l3", "L3"))
    updated_at: MeasuredAt = None


class GroupMeter(Model):
    """The meter of a load-balancing group (site-groups/get-group-meter).

    Its `power` ("calculated", of an unknown unit, and a sentence instead of numbers when there is none) is not read.

    Attributes:
        id: number of the meter.
        type: such as `ct_meter`.
        latest_data: None when it is missing or has another shape.
    """

    id: Shown[int] = None
    type: Shown[str] = None
    latest_data: Shown[MeterLines] = None


class ManagedCharger(Model):
    """A charger as power management lists it.

    Attributes:
        uuid: of the charger.
        group_id: number of its group; None: in no group.
    """

    uuid: str
    group_id: int | None = Field(None, validation_alias="groupId")


class ManagedGroup(Model):
    """A group as power management lists it: with the groups below it."""

    id: int
    subgroups: tuple[ManagedGroup, ...] = ()


class PowerManagement(Model):
    """Which charger is in which group (power-management/get-power-management); the only answer that tells.

    Attributes:
        groups: the groups without a parent.
        chargers: all chargers of the site.
    """

    groups: tuple[ManagedGroup, ...]
    chargers: tuple[ManagedCharger, ...] = Field(validation_alias="allChargers")


class User(Model):
    """The user a token acts as."""

    uuid: str | None = None
    id: int | None = None
    name: str | None = None


class ConnectorSettings(BaseModel):
    """Body of the PUT: both settings, always (API page connectors/update-connector).

    Attributes:
        phase_rotation: one of the 15 values.
        max_amperage: A, 1..1000.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    phase_rotation: PhaseRotation
    max_amperage: Annotated[int, Field(ge=MIN_AMPERAGE, le=MAX_AMPERAGE)]
