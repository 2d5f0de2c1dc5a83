"""What travels over the wire, and nothing of how.

Responses are read tolerantly: unknown fields are dropped (a new API field breaks nobody, and a `pincode` never enters
the process's objects), and only what this package cannot do without is required. Requests are checked strictly.
Source of the fields: API pages chargers/get-charger, site-connectors/list-site-connectors, site-groups/list-groups.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from .phases import MAX_AMPERAGE, MIN_AMPERAGE, PhaseRotation

ValueT = TypeVar("ValueT")


def _or_none(value: Any, parse: ValidatorFunctionWrapHandler) -> Any:
    try:
        return parse(value)
    except ValidationError:
        return None


#: A field that is only shown: one odd value in it must not make a whole site unreadable.
Shown = Annotated[ValueT | None, WrapValidator(_or_none)]


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
