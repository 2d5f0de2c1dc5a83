"""The seed: sites, chargers and tokens as a person writes them in JSON, checked and completed."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from .bounds import MAX_SEED, ExcessError, one_line, parse_json
from .currents import ZERO, Triple, Unit
from .inventory import FULL_ACCESS, Level, make_uuid
from .switches import Switches
from .validation import ROTATIONS

if TYPE_CHECKING:
    from pathlib import Path


class SeedError(Exception):
    """What is wrong with a seed, in one line."""

    def __init__(self, text: str) -> None:
        super().__init__(one_line(text))


def _parse_uuid(value: Any) -> Any:
    try:
        return str(uuid.UUID(value))
    except (ValueError, AttributeError, TypeError):
        raise ValueError(
            "is not a UUID; write one such as 5f0c3c1e-0000-4000-8000-000000000001, or leave it out to get one"
        ) from None


Uuid = Annotated[str, BeforeValidator(_parse_uuid)]


def _parse_wiring(value: Any) -> Any:
    if value is None or value in ROTATIONS:
        return value
    raise ValueError("is not one of the 15 rotations; write the lines that feed terminals L1, L2, L3, such as STR")


Wiring = Annotated[str | None, BeforeValidator(_parse_wiring)]


def _parse_amps(value: Any) -> Any:
    if value is None:
        return None
    numbers = value if isinstance(value, list) else []
    if len(numbers) != 3 or not all(type(one) in (int, float) and abs(one) < 100_000 for one in numbers):
        raise ValueError("is not three numbers; write the A on L1, L2, L3, such as [16, 0, 0]")
    return tuple(float(one) for one in numbers)


Amps = Annotated[Triple, BeforeValidator(_parse_amps)]
MaybeAmps = Annotated[Triple | None, BeforeValidator(_parse_amps)]


def _parse_access(value: Any) -> Any:
    return {str(key).lower(): level for key, level in value.items()} if isinstance(value, dict) else value


Access = Annotated[dict[str, Level], BeforeValidator(_parse_access)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class TokenSeed(_Part):
    """A bearer token. `access`: a level for a charger UUID, for a site UUID, or for everything (`*`)."""

    user: str = "demo"
    access: Access = Field(default_factory=FULL_ACCESS.copy)
    revoked: bool = False


class ClientSeed(_Part):
    client_secret: str
    user: str = "demo"
    access: Access = Field(default_factory=FULL_ACCESS.copy)


class CircuitSeed(_Part):
    """How a connector is wired and what a car draws. `wired` defaults to the phase rotation, then to RST."""

    wired: Wiring = None
    amps: MaybeAmps = None
    reports: Literal["terminals", "lines"] = "terminals"
    has_readings: bool = True


class ConnectorSeed(_Part):
    """A connector. Its number defaults to its place in the list. Rotation and amperage may be null or odd."""

    connector_id: int | None = Field(None, ge=0)
    phase_rotation: str | None = None
    max_amperage: int | None = None
    status: str | None = "Available"
    max_voltage: int | None = 230
    standard: str | None = "IEC 62196"
    format: str | None = "Socket"
    power_type: str | None = "AC_3_PHASE"
    circuit: CircuitSeed = Field(default_factory=CircuitSeed)


class ChargerSeed(_Part):
    """A charger. `connectors` defaults to one without values, or to none for a charger that was never seen."""

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
    connectors: list[ConnectorSeed] | None = None

    @model_validator(mode="after")
    def _complete(self) -> ChargerSeed:
        if self.connectors is None:
            self.connectors = [] if self.connection_status == "never_seen" else [ConnectorSeed()]
        for place, connector in enumerate(self.connectors, 1):
            if connector.connector_id is None:
                connector.connector_id = place
        numbers = [connector.connector_id for connector in self.connectors]
        if len(set(numbers)) < len(numbers):
            raise ValueError(f"charger {self.identity!r} has a connector_id twice: {numbers}; make them different")
        self.uuid = self.uuid or make_uuid("charger", self.identity)
        return self


class MeterSeed(_Part):
    """The meter of a group. `base_amps`: what the rest of the building draws."""

    base_amps: Amps = ZERO
    unit: Unit = "mA"
    has_readings: bool = True


class GroupSeed(_Part):
    """A load-balancing group. The first group of a site is its root. `name` is only a comment."""

    id: int | None = None
    name: str | None = None
    total_amps: int = Field(63, ge=1)
    net_type: str | None = "TN"
    group_id: int | None = None
    meter: MeterSeed | None = None


class SiteSeed(_Part):
    """A site. `groups` defaults to one of 63 A."""

    uuid: Uuid | None = None
    name: str = Field(min_length=1)
    groups: list[GroupSeed] = Field(default_factory=lambda: [GroupSeed()], min_length=1)
    chargers: list[ChargerSeed] = Field(default_factory=list)


class Seed(_Part):
    """The whole seed. `chargers` are those on no site."""

    tokens: dict[str, TokenSeed] = Field(default_factory=lambda: {"demo-token": TokenSeed()})
    clients: dict[str, ClientSeed] = Field(default_factory=dict)
    sites: list[SiteSeed] = Field(default_factory=list)
    chargers: list[ChargerSeed] = Field(default_factory=list)
    switches: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> Seed:
        try:
            Switches(**self.switches)
        except ValidationError as error:
            raise ValueError(f"switches.{describe_error(error, Switches)}") from None
        chargers = [*self.chargers, *(charger for site in self.sites for charger in site.chargers)]
        for site in self.sites:
            site.uuid = site.uuid or make_uuid("site", site.name)
            groups = [group.id for group in site.groups if group.id is not None]
            _check_unique(f"group id of site {site.name!r}", list(groups))
            for charger in site.chargers:
                if charger.group is not None and charger.group not in groups:
                    raise ValueError(f"charger {charger.identity!r}: site {site.name!r} has no group {charger.group}")
        _check_unique("charger identity", [charger.identity for charger in chargers])
        _check_unique("charger uuid", [charger.uuid for charger in chargers])
        _check_unique("site uuid", [site.uuid for site in self.sites])
        return self


def _check_unique(what: str, values: list[Any]) -> None:
    for value, times in Counter(values).items():
        if times > 1:
            raise ValueError(f"{what} {value!r} is used {times} times; make them different")


def parse_seed(data: Any, source: str) -> Seed:
    """The seed in decoded JSON. `source` names it in the error."""
    try:
        return Seed.model_validate(data)
    except ValidationError as error:
        raise SeedError(f"{source}: {describe_error(error, Seed)}") from None


def read_seed(file: Path) -> Seed:
    try:
        # A pipe would wait for a writer, and a device may not end.
        if file.exists() and not file.is_file():
            raise SeedError(f"{file}: is not a regular file; name a JSON file")
        with file.open("rb") as stream:
            content = stream.read(MAX_SEED + 1)
        if len(content) > MAX_SEED:
            raise SeedError(f"{file}: is larger than {MAX_SEED >> 20} MiB; use a smaller seed")
        data = parse_json(content.decode())
    except OSError as error:
        raise SeedError(f"{file}: cannot be read: {error.strerror}; check the path") from None
    except UnicodeDecodeError:
        raise SeedError(f"{file}: is not UTF-8 text; save it as UTF-8") from None
    except json.JSONDecodeError as error:
        raise SeedError(f"{file}:{error.lineno}:{error.colno}: is not valid JSON: {error.msg}") from None
    except ExcessError as error:
        raise SeedError(f"{file}: {error}") from None
    return parse_seed(data, str(file))


def describe_error(error: ValidationError, model: type[BaseModel]) -> str:
    """The first problem, in one line: where, what is wrong, what to do."""
    first, *more = error.errors(include_url=False)
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    value = json.dumps(first["input"], default=str)
    value = value if len(value) <= 40 else f"{value[:37]}..."
    text = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        text = f"is not a known key; allowed: {', '.join(_keys(first['loc'], model))}"
    elif first["type"] == "missing":
        text = "is missing; add it"
    elif first["type"] in {"model_type", "dict_type"}:
        text = f"is {value}; it should be a JSON object {{...}}"
    elif first["type"] != "value_error":
        text = f"is {value}; {text[0].lower()}{text[1:]}".replace("; input should", "; it should")
    tail = f" (and {len(more)} more)" if more else ""
    return f"{place}{': ' if place else ''}{text}{tail}"


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


def _keys(place: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    """The keys that are allowed beside the last part of a place."""
    for part in place[:-1]:
        model = _PARTS.get(str(part), model)
    return list(model.model_fields)
