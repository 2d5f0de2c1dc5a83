"""One request to the API: whose token it carries, and what that token may see."""

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import Depends, Request

from .bounds import parse_json
from .faults import Fault
from .inventory import Charger, Level, Site, Token
from .paging import Page, page_number
from .problems import ProblemError, not_found
from .rate_limit import Allowance
from .world import World

SCOPE_KEY = "plugchoice.call"


@dataclass
class Call:
    """What the middleware knows about a request, and the checks that all routes share."""

    world: World
    token: Token | None
    allowance: Allowance
    body: bytes
    content_type: str
    origin: str
    path: str
    query: dict[str, str]
    fault: Fault | None

    def check_entry(self) -> None:
        """401, then 429."""
        if self.token is None:
            raise ProblemError(401)
        self.check_limit()

    def check_limit(self) -> None:
        """429 when the user has no request left in the window."""
        if self.allowance.retry_after is not None:
            raise ProblemError(429, headers=self.allowance.refusal)

    @property
    def caller(self) -> Token:
        if self.token is None:
            raise ProblemError(401)
        return self.token

    def site(self, uuid: str, *, write: bool = False) -> tuple[Site, Level]:
        """The site and what the token may do there: 404, then 403."""
        site = self.world.inventory.site(uuid)
        return site, self._check(self.world.inventory.site_level(self.caller, site), "Site", uuid, write=write)

    def charger(self, uuid: str, *, write: bool = False) -> tuple[Charger, Level]:
        """The charger and what the token may do with it: 404, then 403."""
        one = self.world.inventory.charger(uuid)
        return one, self._check(self.world.inventory.charger_level(self.caller, one), "Charger", uuid, write=write)

    def _check(self, level: Level, model: str, uuid: str, *, write: bool) -> Level:
        if level == "none" and self.world.switches.foreign_charger_status == 404:
            raise not_found(model, uuid)
        if level == "none" or (write and level != "full"):
            raise ProblemError(403)
        return level

    def visible_chargers(self, site: Site) -> list[Charger]:
        """The chargers of a site that the token may see."""
        inventory = self.world.inventory
        return [one for one in site.chargers if inventory.charger_level(self.caller, one, site) != "none"]

    @property
    def page(self) -> Page:
        """The page in the query; `per_page` is ignored, as the API does."""
        number = page_number(self.query.get("page"))
        fault = self.fault if self.fault and self.fault.kind == "page" else None
        return Page(f"{self.origin}{self.path}", number, self.world.switches.page_size, fault)

    def fields(self) -> Any:
        """The body, as JSON or as a form by its content type. Malformed JSON is a 400."""
        if "json" in self.content_type:
            if not self.body.strip():
                return {}
            try:
                return parse_json(self.body)
            except ValueError:
                raise ProblemError(400, "The request body is not valid JSON.") from None
        return self.form()

    def form(self) -> dict[str, str]:
        """The fields of a form body; empty when the body is something else."""
        if "x-www-form-urlencoded" not in self.content_type:
            return {}
        return {name: values[-1] for name, values in parse_qs(self.body.decode(errors="replace")).items()}


async def _call(request: Request) -> Call:
    call: Call = request.scope[SCOPE_KEY]
    return call


async def _checked_call(request: Request) -> Call:
    call = await _call(request)
    call.check_entry()
    return call


AnyCall = Annotated[Call, Depends(_call)]
"""A request, unchecked."""
ApiCall = Annotated[Call, Depends(_checked_call)]
"""A request with a valid token, within the rate limit."""
