"""One typed method for each endpoint that this package uses. Knows envelopes and pages, nothing of retries."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError

from pulumi_plugchoice._text import plural, printable
from pulumi_plugchoice.errors import InvalidResponse, NotFound

from .models import (
    Charger,
    ChargerAccess,
    Connector,
    ConnectorSettings,
    GroupMeter,
    Model,
    PowerManagement,
    PowerUsage,
    Site,
    SiteConnector,
    SiteGroup,
    User,
)
from .retry import Deadline, ResultT
from .rows import (
    ChargerListing,
    SiteListing,
    describe,
    find_doubled,
    parse_charger_rows,
    parse_site_rows,
    split_rows,
)
from .transport import SizeLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .transport import Transport, Turn

ModelT = TypeVar("ModelT", bound=Model)

# At 25 a page, more connectors than any site has: the bounds are for a server that never ends a list.
_MAX_PAGES = 2000
_MAX_ITEMS = 50_000
_MAX_LIST_BYTES = 64 << 20
_LONGEST_QUERY = 1000
# Deadlines that all pages of a list have together: any page may wait for a minute after a 429, but not every page.
_LIST_DEADLINES = 10


class PlugchoiceClient:
    """The Plugchoice API, v3. Safe to share between threads.

    All methods raise errors of `errors.py`.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def deadline(self, longest: float = math.inf) -> Deadline:
        """The time that one operation may take with all its requests, and `longest` s at most; counted from now."""
        return Deadline(min(longest, self._transport.deadline().left()))

    def retry(self, call: Callable[[], ResultT], deadline: Deadline, *, idempotent: bool) -> ResultT:
        """Call until it succeeds or the deadline comes; see `Retry.run`. All methods that read do so by themselves."""
        return self._transport.retry(call, deadline, idempotent=idempotent)

    def in_turn(self, requests: int, deadline: Deadline, work: Callable[[Turn], ResultT]) -> ResultT:
        """Call `work` when so many requests may go together; see `Transport.in_turn`."""
        return self._transport.in_turn(requests, deadline, work)

    def measure_clock(self) -> tuple[float, float] | None:
        """By how many s this machine's clock is ahead of the server's, from and to; see `ServerClock.ahead`."""
        return self._transport.clock.ahead

    def close(self) -> None:
        """Close what is open on this machine."""
        self._transport.close()

    def user(self) -> User:
        """The user that the token acts as (users/get-current-user); the cheapest check of a token."""
        path = "/v3/user"
        return _parse(User, _bare(self._transport.get(path)), "GET", path)

    def sites(self) -> list[Site]:
        """All sites that the token sees (sites/list-sites)."""
        path = "/v3/sites"
        return [_parse(Site, item, "GET", path) for page in self._pages(path) for item in page]

    def has_chargers(self) -> bool:
        """Whether the token sees any charger (chargers/list-chargers); reads one page."""
        return bool(next(self._pages("/v3/chargers")))

    def site_listing(self, site: str) -> SiteListing:
        """What a site lists of its connectors (site-connectors/list-site-connectors): one call for 25.

        A connector that comes twice tells that the list changed between two pages, so that others may be missing: the
        list is read once more.
        """
        path = f"/v3/sites/{site}/connectors"
        for _ in range(2):
            listing = parse_site_rows(list(self._pages(path)))
            doubled = find_doubled(listing)
            if doubled is None:
                return listing
        raise InvalidResponse(
            "GET", path, f"lists connector {doubled} twice, in two readings; the list changes meanwhile; run again"
        )

    def site_connectors(self, site: str) -> list[SiteConnector]:
        """All connectors of a site, each with its charger. A row that cannot be read is an error."""
        listing = self.site_listing(site)
        for row in listing.invalid:
            path = f"/v3/sites/{site}/connectors"
            raise InvalidResponse("GET", path, f"answered with an invalid SiteConnector ({row.name}: {row.reason})")
        return list(listing.connectors)

    def chargers_without_full_access(self, site: str, chargers: set[str], deadline: Deadline) -> set[str]:
        """Those of the chargers that the token's user may not change (site-chargers/list-site-chargers).

        Only those of which the answer says so: whether the real list always tells it is not documented.

        Args:
            site: UUID.
            chargers: UUIDs, lower case. The list is read as far as they are on it.
            deadline: for all of its pages.
        """
        left, refused = set(chargers), set()
        for page in self._pages(f"/v3/sites/{site}/chargers", deadline):
            for row in page:
                with contextlib.suppress(ValidationError):
                    found = ChargerAccess.model_validate(row)
                    uuid = found.uuid.lower()
                    left.discard(uuid)
                    if uuid in chargers and found.permissions and found.permissions.full is False:
                        refused.add(uuid)
            if not left:
                break
        return refused

    def site_chargers(self, site: str) -> ChargerListing:
        """The chargers of a site, also those without a connector (site-chargers/list-site-chargers): one call for 25.

        As with `site_listing`, a charger that comes twice makes the list read once more.
        """
        path = f"/v3/sites/{site}/chargers"
        for _ in range(2):
            listing = parse_charger_rows([row for page in self._pages(path) for row in page])
            uuids = Counter(charger.uuid.lower() for charger in listing.chargers)
            doubled = next((uuid for uuid, count in uuids.items() if count > 1), None)
            if doubled is None:
                return listing
        raise InvalidResponse(
            "GET", path, f"lists charger {doubled} twice, in two readings; the list changes meanwhile; run again"
        )

    def site_groups(self, site: str) -> list[SiteGroup]:
        """The load-balancing groups of a site (site-groups/list-groups).

        The documentation shows a plain list, and a group on another page in a `data` envelope. Both are read.
        """
        path = f"/v3/sites/{site}/groups"
        answer = self._transport.get(path)
        items = answer if isinstance(answer, list) else _data(answer, "GET", path)
        if not isinstance(items, list):
            raise InvalidResponse("GET", path, "answered with `data` that is not a list")
        return [_parse(SiteGroup, item, "GET", path) for item in items]

    def power_management(self, site: str) -> PowerManagement:
        """Which charger of a site is in which group (power-management/get-power-management)."""
        path = f"/v3/sites/{site}/power-management"
        return _parse(PowerManagement, _bare(self._transport.get(path)), "GET", path)

    def group_meter(self, site: str, group_id: int, deadline: Deadline | None = None) -> GroupMeter | None:
        """The meter of a group (site-groups/get-group-meter); None when it has none, which the API answers with 404.

        The documentation shows it without a `data` envelope, and a meter on an older page with one. Both are read.
        """
        path = f"/v3/sites/{site}/groups/{group_id}/meter"
        try:
            answer = self._transport.get(path, deadline)
        except NotFound:
            return None
        return _parse(GroupMeter, _bare(answer), "GET", path)

    def power_usage(self, charger: str, connector_id: int, deadline: Deadline | None = None) -> PowerUsage:
        """What a connector draws now (connectors/get-power-usage)."""
        path = f"/v3/chargers/{charger}/connectors/{connector_id}/power-usage"
        return _parse(PowerUsage, _bare(self._transport.get(path, deadline)), "GET", path)

    def charger(self, charger: str, deadline: Deadline | None = None, turn: Turn | None = None) -> Charger:
        """A charger with its connectors (chargers/get-charger). No endpoint reads one connector alone.

        With a `turn`, one request, without waiting and without retries.
        """
        path = f"/v3/chargers/{charger}"
        answer = self._transport.get(path, deadline) if turn is None else turn.get(path)
        data = _data(answer, "GET", path)
        rows = data.get("connectors") if isinstance(data, dict) else None
        if not isinstance(rows, list):
            return _parse(Charger, data, "GET", path)
        try:
            connectors, invalid = split_rows(rows)
        except ValidationError as error:
            raise InvalidResponse("GET", path, f"answered with an invalid Connector ({describe(error)})") from None
        return _parse(Charger, {**data, "connectors": connectors, "invalid": invalid}, "GET", path)

    def put_connector(
        self,
        charger: str,
        connector_id: int,
        settings: ConnectorSettings,
        deadline: Deadline | None = None,
        turn: Turn | None = None,
    ) -> Connector:
        """Set both settings of a connector (connectors/update-connector), and return it as the API answers it.

        One request, without retries: after an error the connector has to be read first. With a `turn` also without
        waiting.
        """
        path = f"/v3/chargers/{charger}/connectors/{connector_id}"
        body = settings.model_dump()
        answer = self._transport.put(path, body, deadline) if turn is None else turn.put(path, body)
        return _parse(Connector, _data(answer, "PUT", path), "PUT", path)

    def _pages(self, path: str, deadline: Deadline | None = None) -> Iterator[list[Any]]:
        """Every page of a list, to its end.

        It ends without a `links.next`: the documented lists have neither `total` nor `last_page` (guides/pagination).
        """
        asked: set[str] = set()
        count = 0
        following: str | None = path
        until = self._transport.deadline(_LIST_DEADLINES)
        size = SizeLimit(_MAX_LIST_BYTES, ", all pages of the list together")
        while following is not None:
            if following in asked or len(asked) >= _MAX_PAGES or not until.left():
                raise InvalidResponse("GET", following, f"the list does not end ({plural(len(asked), 'page')} read)")
            asked.add(following)
            answer = self._transport.get(following, deadline, size=size)
            items = _data(answer, "GET", following)
            if not isinstance(items, list):
                raise InvalidResponse("GET", following, "answered with `data` that is not a list")
            count += len(items)
            if count > _MAX_ITEMS:
                raise InvalidResponse("GET", following, f"the list does not end ({plural(count, 'item')} read)")
            yield items
            following = _next_page(answer, path, following)


def _data(answer: Any, method: str, path: str) -> Any:
    if not isinstance(answer, dict) or "data" not in answer:
        raise InvalidResponse(method, path, "answered with JSON without `data`; check the base URL")
    return answer["data"]


def _bare(answer: Any) -> Any:
    """An answer that is documented without a `data` envelope, taken out of one if it comes in one."""
    return answer["data"] if isinstance(answer, dict) and isinstance(answer.get("data"), dict) else answer


def _next_page(answer: dict[str, Any], path: str, page: str) -> str | None:
    """The path and query of the next page, or None at the end of a list.

    Only the query of the link is used, at the path of the list: a server behind a gateway does not know the scheme, the
    host and the prefix under which it is reached, and the token must not go anywhere else.

    Args:
        answer: the parsed page.
        path: of the list.
        page: path and query of this page, for messages.
    """
    links = answer.get("links")
    link = links.get("next") if isinstance(links, dict) else None
    if link in (None, ""):
        return None
    if not isinstance(link, str):
        raise InvalidResponse("GET", page, "answered with a next-page link that is not text")
    try:
        query = urlsplit(link).query
        is_valid = len(query) <= _LONGEST_QUERY and query.isascii() and query.isprintable() and " " not in query
    except ValueError:
        is_valid = False
    if not is_valid:
        raise InvalidResponse("GET", page, f"the next-page link is {printable(link, 100)!r}, which is not a valid link")
    # Without a query it is the list's first page, which has been read: the list does not end.
    return f"{path}?{query}" if query else path


def _parse(model: type[ModelT], item: Any, method: str, path: str) -> ModelT:
    try:
        return model.model_validate(item)
    except ValidationError as error:
        raise InvalidResponse(method, path, f"answered with an invalid {model.__name__} ({describe(error)})") from None
