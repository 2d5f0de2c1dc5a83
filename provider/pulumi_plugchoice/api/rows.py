"""The rows of a list of connectors: those that can be used, and those that cannot, each with the reason.

One row that cannot be read must not make a whole site unreadable. It fails where it is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from pulumi_plugchoice._text import printable

from .models import ChargerReference, Connector, SiteCharger, SiteConnector

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Of a full page (guides/pagination).
_PAGE_ROWS: Final = 25


@dataclass(frozen=True)
class InvalidRow:
    """A row that cannot be used.

    Attributes:
        place: in the list, from 1.
        charger: None when the row does not tell it.
        connector_id: None when the row does not tell it.
        reason: the first invalid field, and what is wrong with it.
    """

    place: int
    charger: ChargerReference | None
    connector_id: int | None
    reason: str

    @property
    def name(self) -> str:
        """`HRB-003/1`; without a charger, the place in the list."""
        if self.charger is None:
            return f"row {self.place} of the list"
        number = "?" if self.connector_id is None else self.connector_id
        return f"{printable(self.charger.identity or self.charger.uuid, 60)}/{number}"


@dataclass(frozen=True)
class SiteListing:
    """The connectors that a site lists. The number 0, which is the charger as a whole, is left out.

    Attributes:
        connectors: those that can be used.
        invalid: the other rows.
        chargers: identities by UUID in lower case, of all rows that tell their charger.
        may_lack_rows: whether a row may have got lost: between two pages, or behind a full page without a next one.
    """

    connectors: tuple[SiteConnector, ...]
    invalid: tuple[InvalidRow, ...] = ()
    chargers: Mapping[str, str | None] = field(default_factory=dict)
    may_lack_rows: bool = False


def parse_site_rows(pages: Sequence[Sequence[Any]]) -> SiteListing:
    """Parse the rows of `GET /v3/sites/{site}/connectors`, by page."""
    connectors: list[SiteConnector] = []
    invalid: list[InvalidRow] = []
    chargers: dict[str, str | None] = {}
    rows = [row for page in pages for row in page]
    for place, row in enumerate(rows, 1):
        try:
            connector = SiteConnector.model_validate(row)
        except ValidationError as error:
            charger, number = _parse_charger(row), _parse_number(row)
            if charger is not None:
                chargers[charger.uuid.lower()] = charger.identity
            if number != 0:
                invalid.append(InvalidRow(place, charger, number, describe(error)))
            continue
        chargers[connector.charger.uuid.lower()] = connector.charger.identity
        if connector.connector_id > 0:
            connectors.append(connector)
        elif connector.connector_id < 0:
            invalid.append(InvalidRow(place, connector.charger, connector.connector_id, "the number is below 0"))
    return SiteListing(tuple(connectors), tuple(invalid), chargers, len(pages) > 1 or len(rows) >= _PAGE_ROWS)


@dataclass(frozen=True)
class ChargerListing:
    """The chargers that a site lists, also those without a connector.

    Attributes:
        chargers: those that can be used.
        invalid: why another row cannot be used, one text each.
    """

    chargers: tuple[SiteCharger, ...]
    invalid: tuple[str, ...] = ()


def parse_charger_rows(rows: Sequence[Any]) -> ChargerListing:
    """Parse the rows of `GET /v3/sites/{site}/chargers`."""
    chargers: list[SiteCharger] = []
    invalid: list[str] = []
    for place, row in enumerate(rows, 1):
        try:
            charger = SiteCharger.model_validate(row)
        except ValidationError as error:
            invalid.append(f"row {place} of the list of chargers ({describe(error)})")
            continue
        chargers.append(charger)
    return ChargerListing(tuple(chargers), tuple(invalid))


def split_rows(rows: Sequence[Any]) -> tuple[list[Connector], dict[int, str]]:
    """Split the connectors of one charger: those that can be used, and the reason by number of those that cannot.

    Raises:
        ValidationError: a row does not tell its number, so it may be any connector of the charger.
    """
    connectors: dict[int, Connector] = {}
    invalid: dict[int, str] = {}
    for row in rows:
        try:
            connector = Connector.model_validate(row)
        except ValidationError as error:
            number = _parse_number(row)
            if number is None:
                raise
            invalid[number] = describe(error)
            continue
        number = connector.connector_id
        if connectors.setdefault(number, connector) != connector:
            invalid[number] = "listed twice, with different values"
    return [item for number, item in connectors.items() if number > 0 and number not in invalid], invalid


def find_doubled(listing: SiteListing) -> str | None:
    """The name of a connector that comes twice; None when there is none."""
    seen = set()
    rows = [(item.charger, item.connector_id) for item in listing.connectors]
    rows += [(row.charger, row.connector_id) for row in listing.invalid if row.charger and row.connector_id is not None]
    for charger, number in rows:
        key = charger.uuid.lower(), number
        if key in seen:
            return f"{printable(charger.identity or charger.uuid, 60)}/{number}"
        seen.add(key)
    return None


def describe(error: ValidationError) -> str:
    """The first mistake in one line: `in max_amperage: Input should be a valid integer`."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"in {printable(place, 80)}: {first['msg']}" if place else first["msg"]


def _parse_charger(row: Any) -> ChargerReference | None:
    try:
        return ChargerReference.model_validate(row["charger"])
    except (ValidationError, TypeError, KeyError):
        return None


def _parse_number(row: Any) -> int | None:
    number = row.get("connector_id") if isinstance(row, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None
