"""From a short seed, written by hand, to the state."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from .electric import ZERO, Triple, Unit
from .inventory import FULL_ACCESS, TOKEN_LIFETIME_SECONDS, Level
from .switches import Switches
from .validation import ONE_PHASE, THREE_PHASE, TWO_PHASE

if TYPE_CHECKING:
    from pathlib import Path


class SeedError(Exception):
    """A seed that cannot be used, in one line."""


def derived_uuid(kind: str, name: str) -> str:
    """The UUID of a thing whose seed gives none: the same at every start."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://plugchoice.example/{kind}/{name}"))


def _uuid(value: Any) -> Any:
    try:
        return str(uuid.UUID(value))
    except (ValueError, AttributeError, TypeError):
        raise ValueError(
            "should be a UUID such as 5f0c3c1e-0000-4000-8000-000000000001; leave it out to have one made"
        ) from None


Uuid = Annotated[str, BeforeValidator(_uuid)]


def _wired(value: Any) -> Any:
    if value is None or value in THREE_PHASE + TWO_PHASE + ONE_PHASE:
        return value
    raise ValueError("should be one of the 15 rotations, such as STR: the lines that feed terminals L1, L2, L3")


Wired = Annotated[str | None, BeforeValidator(_wired)]


def _amps(value: Any) -> Any:
    if value is None:
        return None
    numbers = value if isinstance(value, list) else []
    if len(numbers) != 3 or not all(type(one) in (int, float) and abs(one) < 100_000 for one in numbers):
        raise ValueError("should be three numbers, A on L1, L2, L3, such as [16, 0, 0]")
    return tuple(float(one) for one in numbers)


Amps = Annotated[Triple, BeforeValidator(_amps)]
MaybeAmps = Annotated[Triple | None, BeforeValidator(_amps)]


def _access(value: Any) -> Any:
    return {str(key).lower(): level for key, level in value.items()} if isinstance(value, dict) else value


Access = Annotated[dict[str, Level], BeforeValidator(_access)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class TokenSeed(_Part):
    """A bearer token."""

    user: str = "demo"
    access: Access = Field(default_factory=FULL_ACCESS.copy)
    revoked: bool = False


class ClientSeed(_Part):
    """An OAuth client."""

    client_secret: str
    user: str = "demo"
    access: Access = Field(default_factory=FULL_ACCESS.copy)
    token_lifetime_seconds: float = Field(TOKEN_LIFETIME_SECONDS, gt=0)
    refresh_tokens: list[str] = Field(default_factory=list)


class CircuitSeed(_Part):
    """How a connector is wired and what is drawn. Without `wired` its phase rotation is true, RST if it has none."""

    wired: Wired = None
    amps: MaybeAmps = None
    reports: Literal["terminals", "lines"] = "terminals"
    has_readings: bool = True


class ConnectorSeed(_Part):
    """A connector; without a number it takes its place in the list. Rotation and amperage are free: null, or odd."""

    connector_id: int | None = Field(None, ge=0)
    phase_rotation: str | None = None
    max_amperage: int | None = None
    status: str | None = "Available"
    error: str | None = "NoError"
    error_info: str | None = None
    vendor_id: str | None = None
    vendor_error_code: str | None = None
    max_voltage: int | None = 230
    standard: str | None = "IEC 62196"
    format: str | None = "Socket"
    power_type: str | None = "AC_3_PHASE"
    circuit: CircuitSeed = Field(default_factory=CircuitSeed)


class ChargerSeed(_Part):
    """A charger. Without `connectors` it has one, unset; one that was never seen has none."""

    uuid: Uuid | None = None
    identity: str = Field(min_length=1, max_length=45)
    pincode: str | None = None
    reference: str | None = None
    group: int | None = None
    connection_status: str = "online"
    status: str | None = "Available"
    max_current: int | None = 32
    model: dict[str, Any] | None = Field(
        default_factory=lambda: {"vendor": "Alfen", "name": "Eve Single", "is_dc": False}
    )
    firmware_version: str | None = "6.5.0-4208"
    setup_pending: bool = False
    setup_completed: bool = True
    blocked: bool = False
    connectors: list[ConnectorSeed] | None = None

    @model_validator(mode="after")
    def _numbers(self) -> ChargerSeed:
        if self.connectors is None:
            self.connectors = [] if self.connection_status == "never_seen" else [ConnectorSeed()]
        for place, connector in enumerate(self.connectors, 1):
            if connector.connector_id is None:
                connector.connector_id = place
        numbers = [connector.connector_id for connector in self.connectors]
        if len(set(numbers)) < len(numbers):
            raise ValueError(f"charger {self.identity!r} has a connector_id twice: {numbers}; give each its own")
        self.uuid = self.uuid or derived_uuid("charger", self.identity)
        return self


class MeterSeed(_Part):
    """The meter of a group. `base_amps`: what the building draws besides the group's connectors."""

    type: str = "ct_meter"
    base_amps: Amps = ZERO
    unit: Unit = "mA"
    has_readings: bool = True


class GroupSeed(_Part):
    """A load-balancing group; `name` is for the reader of the seed only. The first group of a site is its root."""

    id: int | None = None
    name: str | None = None
    total_amps: int = Field(63, ge=1)
    net_type: str | None = "TN"
    group_id: int | None = None
    method: str = "boost"
    meter: MeterSeed | None = None


class SiteSeed(_Part):
    """A location. Without `groups` it has one, of 63 A."""

    uuid: Uuid | None = None
    name: str = Field(min_length=1)
    groups: list[GroupSeed] = Field(default_factory=lambda: [GroupSeed()], min_length=1)
    chargers: list[ChargerSeed] = Field(default_factory=list)


class Seed(_Part):
    """The whole seed."""

    tokens: dict[str, TokenSeed] = Field(default_factory=lambda: {"demo-token": TokenSeed()})
    clients: dict[str, ClientSeed] = Field(default_factory=dict)
    sites: list[SiteSeed] = Field(default_factory=list)
    chargers: list[ChargerSeed] = Field(default_factory=list)
    switches: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Seed:
        try:
            Switches(**self.switches)
        except ValidationError as error:
            raise ValueError(f"switches.{problem_in(error, Switches)}") from None
        chargers = [*self.chargers, *(charger for site in self.sites for charger in site.chargers)]
        for site in self.sites:
            site.uuid = site.uuid or derived_uuid("site", site.name)
            groups = [group.id for group in site.groups if group.id is not None]
            _once(f"group id of site {site.name!r}", list(groups))
            for charger in site.chargers:
                if charger.group is not None and charger.group not in groups:
                    raise ValueError(f"charger {charger.identity!r}: site {site.name!r} has no group {charger.group}")
        _once("charger identity", [charger.identity for charger in chargers])
        _once("charger uuid", [charger.uuid for charger in chargers])
        _once("site uuid", [site.uuid for site in self.sites])
        return self


def _once(what: str, values: list[Any]) -> None:
    for value, times in Counter(values).items():
        if times > 1:
            raise ValueError(f"{what} {value!r} is used {times} times; each must be its own")


def seed_from(data: Any, source: str) -> Seed:
    """The seed in parsed JSON. `source` names it in the error."""
    try:
        return Seed.model_validate(data)
    except ValidationError as error:
        raise SeedError(f"{source}: {problem_in(error, Seed)}") from None


def read_seed(file: Path) -> Seed:
    """The seed in a file."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SeedError(f"{file}: cannot be read ({error.strerror}); check the path after --seed") from None
    except UnicodeDecodeError:
        raise SeedError(f"{file}: is not UTF-8 text; save it as UTF-8") from None
    except json.JSONDecodeError as error:
        raise SeedError(f"{file}, line {error.lineno}, column {error.colno}: no valid JSON ({error.msg})") from None
    return seed_from(data, str(file))


def problem_in(error: ValidationError, model: type[BaseModel]) -> str:
    """The first problem, in one line: place, what, what to do."""
    first, *more = error.errors(include_url=False)
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    given = json.dumps(first["input"], default=str)
    text = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        text = f"unknown key; {_known_keys(first['loc'], model)}"
    elif first["type"] == "missing":
        text = "is missing; add it"
    elif first["type"] in {"model_type", "dict_type"}:
        text = f"should be a JSON object {{...}}, but it is {given if len(given) <= 40 else given[:37] + '...'}"
    elif first["type"] != "value_error":
        text = f"{text[0].lower()}{text[1:]}, but it is {given if len(given) <= 40 else given[:37] + '...'}"
    tail = f" (and {len(more)} more)" if more else ""
    return f"{place + ': ' if place else ''}{text}{tail}"


_PARTS: dict[str, type[BaseModel]] = {
    "tokens": TokenSeed,
    "clients": ClientSeed,
    "sites": SiteSeed,
    "groups": GroupSeed,
    "chargers": ChargerSeed,
    "connectors": ConnectorSeed,
    "circuit": CircuitSeed,
    "meter": MeterSeed,
}


def _known_keys(place: tuple[int | str, ...], inside: type[BaseModel]) -> str:
    """The keys that may stand where an unknown one was found."""
    for part in place[:-1]:
        inside = _PARTS.get(str(part), inside)
    return f"known here: {', '.join(inside.model_fields)}"
