"""The objects of the API, as it sends and takes them.

Responses are read tolerantly: unknown fields are dropped (a new API field breaks nobody, and a `pincode` never enters
the process's objects), and only the fields that this package needs are required. But what is read can be stored: texts
and numbers are bounded, and a text that Pulumi's state cannot hold is refused here, before anything is written.
Requests are validated strictly.
Sources of the fields: API pages chargers/get-charger, site-connectors/list-site-connectors, site-groups/list-groups,
connectors/get-power-usage, site-groups/get-group-meter, power-management/get-power-management.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from pulumi_plugchoice._text import UUID_PATTERN, is_storable, parse_decimal
from pulumi_plugchoice.electrical.rotations import MAX_AMPERAGE, MIN_AMPERAGE, PhaseRotation

ValueT = TypeVar("ValueT")


# Whole numbers up to this are exact in a double, which is all that Pulumi's state has for numbers.
_LARGEST = 2**53 - 1
# The documented texts have a few dozen characters; `error_info` is the charger's own words.
_LONGEST = 1000
# A charger has a few connectors, and a site a few groups within each other.
_MOST = 1000
# As text; pydantic would also read 1_000, blanks, and digits of other scripts.
_WHOLE: Final = re.compile(r"[+-]?[0-9]+(\.0+)?")


def _refuse_unclear(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("bool", "Input should be a number, not true or false")
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise PydanticCustomError("number", "Input should be a whole number")
    return value


def _refuse_unstorable(value: str) -> str:
    if not is_storable(value):
        raise PydanticCustomError("text", "Input should be text that Pulumi can store")
    return value


#: A whole number; also one written as text, or as 16.0.
WholeNumber = Annotated[int, BeforeValidator(_refuse_unclear), Field(ge=-_LARGEST, le=_LARGEST)]
#: Text without lone surrogates, which is none of Pulumi's own markers.
Text = Annotated[str, AfterValidator(_refuse_unstorable), Field(max_length=_LONGEST)]
#: A UUID in its usual form. Paths and resource ids are made of it.
Uuid = Annotated[str, AfterValidator(_refuse_unstorable), Field(pattern=f"^{UUID_PATTERN}$")]


def _or_none(value: Any, parse: ValidatorFunctionWrapHandler) -> Any:
    try:
        return parse(value)
    except ValidationError:
        return None


#: A field for information only: an invalid value in it counts as None, and does not make a whole site unreadable.
Detail = Annotated[ValueT | None, WrapValidator(_or_none)]


def _parse_measurement(value: Any) -> float | None:
    """A number. The API writes them as text, some with leading blanks (`" 0.0"`), and `"-"` for no reading."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        number = parse_decimal(value.strip(" ")) if isinstance(value, str) else float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _refuse_number(value: Any) -> Any:
    if isinstance(value, int | float):
        raise PydanticCustomError("time", "Input should be a time")
    return value


def _in_utc(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)


#: A time; a number would be read as seconds since 1970, which this API never sends.
Time = Annotated[datetime, BeforeValidator(_refuse_number)]
#: A number that was measured; None for no reading, whatever the API writes in its place.
Measurement = Annotated[float | None, BeforeValidator(_parse_measurement)]
#: When something was measured. A time without an offset is UTC, as all times of this API. None for `"-"`.
MeasuringTime = Annotated[Annotated[Time, AfterValidator(_in_utc)] | None, WrapValidator(_or_none)]


class Model(BaseModel):
    """A response. Unknown fields are ignored, and values cannot be changed."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Connector(Model):
    """A live connector, with the 16 documented fields.

    Attributes:
        id: database number; paths do not use it.
        charger_id: database number of the charger.
        connector_id: OCPP connector number, 1 and up; paths use this one.
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
        phase_rotation: one of `rotations.PHASE_ROTATIONS`; None until first set. Any text: a charger may report others.
        created_at: UTC.
        updated_at: UTC.
    """

    id: Detail[WholeNumber] = None
    charger_id: Detail[WholeNumber] = None
    connector_id: WholeNumber
    status: Detail[Text] = None
    error: Detail[Text] = None
    error_info: Detail[Text] = None
    vendor_id: Detail[Text] = None
    vendor_error_code: Detail[Text] = None
    # Required, if only as null: a missing one does not prove that it was never set.
    max_amperage: WholeNumber | None
    max_voltage: Detail[WholeNumber] = None
    standard: Detail[Text] = None
    format: Detail[Text] = None
    power_type: Detail[Text] = None
    phase_rotation: Text | None
    created_at: Detail[Time] = None
    updated_at: Detail[Time] = None


class ChargerReference(Model):
    """The charger in a site's list of connectors."""

    uuid: Uuid
    identity: Detail[Text] = None
    connection_status: Detail[Text] = None
    status: Detail[Text] = None


class SiteConnector(Connector):
    """A connector in the list of a site (`GET /v3/sites/{site}/connectors`), with its charger."""

    charger: ChargerReference


class Permissions(Model):
    """What the token's user may do; anything but true and false counts as None, and None proves nothing."""

    full: Detail[StrictBool] = None


class ChargerAccess(Model):
    """A charger in the list of a site's chargers, of which only the permissions are needed."""

    uuid: Uuid
    permissions: Detail[Permissions] = None


class Charger(ChargerReference):
    """A charger.

    Attributes:
        permissions: what the token's user may do with it, None when unknown.
        max_current: A per phase, None when unknown.
        connectors: those that can be used.
        invalid: why another connector cannot be used, by number.
    """

    id: Detail[WholeNumber] = None
    max_current: Detail[WholeNumber] = None
    connectors: Annotated[
        tuple[Connector, ...], Field(max_length=_MOST)
    ]  # required: a missing list does not prove that there are none
    permissions: Detail[Permissions] = None
    invalid: dict[int, str] = Field(default_factory=dict)


class ChargerModel(Model):
    """The model of a charger; the API leaves it out when it is not known."""

    vendor: Detail[Text] = None
    name: Detail[Text] = None
    is_dc: Detail[StrictBool] = None


class ConnectorNumber(Model):
    """A connector of a charger in the list of a site, of which only the number is needed."""

    connector_id: WholeNumber


class SiteCharger(ChargerReference):
    """A charger in the list of a site (`GET /v3/sites/{site}/chargers`); one that was never seen has no connectors.

    Attributes:
        reference: a name that people gave it.
        connectors: None when they are not told.
        max_current: A per phase, None when unknown.
        model: None when unknown.
        permissions: what the token's user may do with it, None when unknown.
    """

    reference: Detail[Text] = None
    connectors: Detail[tuple[ConnectorNumber, ...]] = None
    max_current: Detail[WholeNumber] = None
    model: Detail[ChargerModel] = None
    permissions: Detail[Permissions] = None


class Site(Model):
    """A location with chargers.

    Attributes:
        chargers_count: number of its chargers, None when unknown.
        permissions: what the token's user may do with it, None when unknown.
    """

    uuid: Uuid
    id: Detail[WholeNumber] = None
    name: Detail[Text] = None
    chargers_count: Detail[WholeNumber] = None
    permissions: Detail[Permissions] = None


def _drop_unknown(value: Any) -> Any:
    # A charger can be set up with this net type (chargers/setup-charger).
    return None if value == "unknown" else value


class SiteGroup(Model):
    """A load-balancing group; the root group (no `group_id`) is the building's main fuse.

    Attributes:
        total_amps: A per phase.
        net_type: `TN`, `TT`, `IT`, or None when unknown.
    """

    id: WholeNumber
    group_id: WholeNumber | None = None
    total_amps: WholeNumber | None = None
    net_type: Annotated[Text | None, BeforeValidator(_drop_unknown)] = None


class PowerUsage(Model):
    """What a connector draws, as its charger last reported it (connectors/get-power-usage).

    The names L1, L2, L3 are the charger's: terminals of the connector, or lines in an order of its own. Never take them
    for the building's lines.

    Attributes:
        timestamp: when it was measured, UTC.
        L1: A; None: no reading.
        L2: A; None: no reading.
        L3: A; None: no reading.
        kW: total, kW; None: no reading.
    """

    timestamp: MeasuringTime = None
    L1: Measurement = None
    L2: Measurement = None
    L3: Measurement = None
    kW: Measurement = None  # noqa: N815 - as the API writes it


class MeterLines(Model):
    """The latest reading of a meter, for each building line (`latest_data`).

    The names are documented. Assumed: the unit is mA (the vendor's sample of a CT meter reads 4800, 2200, -19000, which
    as W would be 83 A fed in on one line); a negative value is fed into the grid; `updated_at` is the time of the
    measurement, and "-" beside zeros means never (so does the vendor's sample of a new meter).

    Attributes:
        l1: on building line L1; None: no reading.
        l2: on building line L2; None: no reading.
        l3: on building line L3; None: no reading.
        updated_at: UTC; None: no reading was ever taken.
    """

    l1: Measurement = Field(None, validation_alias=AliasChoices("l1", "L1"))
    l2: Measurement = Field(None, validation_alias=AliasChoices("l2", "L2"))
    l3: Measurement = Field(None, validation_alias=AliasChoices("l3", "L3"))
    updated_at: MeasuringTime = None


class GroupMeter(Model):
    """The meter of a load-balancing group (site-groups/get-group-meter).

    Its `power` ("calculated", of an unknown unit, and a sentence instead of numbers when there is none) is not read.

    Attributes:
        id: number of the meter.
        type: such as `ct_meter`.
        latest_data: None when it is missing or has another shape.
    """

    id: Detail[WholeNumber] = None
    type: Detail[Text] = None
    latest_data: Detail[MeterLines] = None


class ManagedCharger(Model):
    """A charger as power management lists it.

    Attributes:
        uuid: of the charger.
        group_id: number of its group; None: in no group.
    """

    uuid: Uuid
    group_id: WholeNumber | None = Field(None, validation_alias="groupId")


def _read_number(value: Any) -> Any:
    return {"id": value} if isinstance(value, int | str) else value


class ManagedGroup(Model):
    """A group as power management lists it: with the groups below it, in full or by number."""

    id: WholeNumber
    subgroups: Annotated[
        tuple[Annotated[ManagedGroup, BeforeValidator(_read_number)], ...], Field(max_length=_MOST)
    ] = ()


class PowerManagement(Model):
    """Which charger is in which group (power-management/get-power-management). No other answer tells it.

    Attributes:
        groups: the groups without a parent, or all groups.
        chargers: all chargers of the site.
    """

    groups: tuple[ManagedGroup, ...]
    chargers: tuple[ManagedCharger, ...] = Field(validation_alias="allChargers")


class User(Model):
    """The user a token acts as."""

    uuid: Detail[Uuid] = None
    id: Detail[WholeNumber] = None
    name: Detail[Text] = None


class ConnectorSettings(BaseModel):
    """Body of the PUT: both settings, always (API page connectors/update-connector).

    Attributes:
        phase_rotation: one of the 15 values.
        max_amperage: A, 1..1000.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    phase_rotation: PhaseRotation
    max_amperage: Annotated[int, Field(ge=MIN_AMPERAGE, le=MAX_AMPERAGE)]
