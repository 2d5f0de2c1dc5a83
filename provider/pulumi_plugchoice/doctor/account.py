"""Checks the options, the token, what it may see and change, the request limit and the clock. Only reads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice import config
from pulumi_plugchoice._text import clean, list_some, plural, printable, show_path
from pulumi_plugchoice.api import connect
from pulumi_plugchoice.api.budget import Budget
from pulumi_plugchoice.config import ClientCredentials, Options, Token
from pulumi_plugchoice.errors import (
    ApiError,
    AuthenticationFailed,
    ConfigError,
    InvalidResponse,
    NotFound,
    PermissionDenied,
    PlugchoiceError,
    RateLimited,
    ServerError,
)
from pulumi_plugchoice.fleet.workers import run_each
from pulumi_plugchoice.identities import list_identities
from pulumi_plugchoice.quota.pacer import NoSlotInTime
from pulumi_plugchoice.runtime.notices import Notices

from .report import Check, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from pulumi_plugchoice.api.client import PlugchoiceClient
    from pulumi_plugchoice.api.models import Site
    from pulumi_plugchoice.api.rows import ChargerListing
    from pulumi_plugchoice.fleet.files import Declaration

    from .project import Project

#: s for the first answer, with its retries: an API that is down is told soon.
FIRST_ANSWER: float = 10.0
# A call for 25 chargers: more sites would take more of the request limit than a look is worth.
_MOST_SITES: Final = 50
_CLOCK_SECONDS: Final = 5.0
_FEW: Final = 0.1


def check_options(project: Project | None, environment: Mapping[str, str]) -> tuple[list[Check], Options | None]:
    """Check the options of the environment; return them if a request can be sent.

    Args:
        project: of the current folder.
        environment: the process's.
    """
    checks: list[Check] = []
    offline = True
    try:
        offline = config.is_offline(environment)
        if offline:
            checks.append(
                Check.warning(
                    "offline",
                    f"{config.OFFLINE.environment} is on, so token, access, request limit and clock are not checked",
                    f"unset {config.OFFLINE.environment}",
                )
            )
    except ConfigError as error:
        checks.append(Check.of("offline", error))
    url = _check_base_url(project, environment, checks)
    credentials = _check_credentials(project, environment, checks)
    others = (config.REQUESTS, config.QUOTA, config.TIMEOUT, config.DEADLINE)
    rest = {option.environment: environment.get(option.environment, "") for option in others}
    options = None
    try:
        site = config.find_site({}, environment)
        options = Options.load({}, {**rest, config.TOKEN.environment: "any"})
    except ConfigError as error:
        checks.append(Check.of("options", error))
    if offline or options is None or url is None or credentials is None:
        return checks, None
    return checks, replace(options, base_url=url, credentials=credentials, site=site)


def _check_base_url(project: Project | None, environment: Mapping[str, str], checks: list[Check]) -> str | None:
    name = "base-url"
    option = config.BASE_URL
    try:
        url = config.find_base_url({}, environment)
    except ConfigError as error:
        checks.append(Check.of(name, error))
        return None
    is_set = config.find_value(option, {}, environment) is not None
    others = [] if is_set else _find_stacks_with(project, option.config)
    if others:
        checks.append(
            Check.warning(
                name,
                f"{printable(url)} is the default and is checked here; `pulumi` uses another one from the config of "
                f"{list_some(others, 3)}",
                f"set {option.environment} to it, and run this again",
            )
        )
    else:
        checks.append(Check.ok(name, f"{printable(url)} ({option.environment if is_set else 'default'})"))
    return url


def _check_credentials(
    project: Project | None, environment: Mapping[str, str], checks: list[Check]
) -> Token | ClientCredentials | None:
    name = "token"
    try:
        return config.find_credentials({}, environment)
    except ConfigError as error:
        keys = (config.TOKEN.config, config.CLIENT_SECRET.config)
        others = sorted({stack for key in keys for stack in _find_stacks_with(project, key)})
        if others and not any(
            config.find_value(option, {}, environment)
            for option in (config.TOKEN, config.CLIENT_ID, config.CLIENT_SECRET)
        ):
            checks.append(
                Check.warning(
                    name,
                    f"not in the environment, so it is not checked; the config of {list_some(others, 3)} has one",
                    f"set {config.TOKEN.environment} to check it; the environment is the better place for it",
                )
            )
        else:
            checks.append(Check.of(name, error))
        return None


def _find_stacks_with(project: Project | None, key: str) -> list[str]:
    stacks = {} if project is None else project.stacks
    return [f"stack {printable(name, 60)}" for name, stack in stacks.items() if key in stack.keys]


def check_account(
    options: Options,
    declarations: Sequence[Declaration],
    progress: Callable[[str, int], AbstractContextManager[Callable[[], None]]],
) -> Iterator[Check]:
    """Check what the API answers.

    Args:
        options: of the environment.
        declarations: the site files.
        progress: shows how many of something are done.
    """
    notices = Notices()
    budget = Budget()
    clients: list[PlugchoiceClient] = []
    try:
        first = connect(replace(options, deadline=min(options.deadline, FIRST_ANSWER)), notices.say_once, budget)
        clients.append(first)
        with progress("checks", 1):
            token, sites = _check_token(first, options)
        yield from token
        if sites is not None:
            client = connect(options, notices.say_once, budget)
            clients.append(client)
            yield from _check_access(client, sites, _find_declared(options, declarations), progress)
        yield from _check_limit(budget)
        yield from _check_clock(clients)
    except ConfigError as error:  # of a proxy, or of CA certificates
        yield Check.of("api", error)
    finally:
        notices.close()
        for client in clients:
            client.close()


def _check_token(client: PlugchoiceClient, options: Options) -> tuple[list[Check], list[Site] | None]:
    """Whose token it is, and the sites that it sees; None when it cannot be used."""
    whose = ""
    is_client = isinstance(options.credentials, ClientCredentials)
    try:
        user = client.user()
        name = clean(user.name or "")
        whose = f"of {printable(name, 60)!r}" if name else "of a user without a name"
        whose += f" ({user.uuid})" if user.uuid else ""
    except (ApiError, InvalidResponse) as error:
        # Which user a client's token acts as is not documented; the list of sites tells whether it is good.
        is_token_refused = isinstance(error, ApiError) and error.path.startswith("/oauth/")
        is_tolerable = not isinstance(error, (AuthenticationFailed, RateLimited, ServerError))
        if is_token_refused or not (is_tolerable or is_client):
            return [Check.of(_name_of(error), error)], None
    except PlugchoiceError as error:
        return [Check.of(_name_of(error), error)], None
    try:
        sites = client.sites()
    except PlugchoiceError as error:
        return [Check.of(_name_of(error), error)], None
    kind = "client credentials" if is_client else "personal access token"
    return [Check.ok("token", f"{kind} {whose or 'of a user whom the API does not tell'}")], sites


def _name_of(error: PlugchoiceError) -> str:
    if isinstance(error, (RateLimited, NoSlotInTime)):
        return "request-limit"
    return "token" if isinstance(error, AuthenticationFailed) else "api"


def _find_declared(options: Options, declarations: Sequence[Declaration]) -> dict[str, str]:
    """The sites that `pulumi` will read, each with what names it."""
    found = {} if options.site is None else {options.site: config.SITE.environment}
    found.update({item.site.site.lower(): show_path(item.file) for item in declarations if item.site is not None})
    return found


def _check_access(
    client: PlugchoiceClient,
    sites: Sequence[Site],
    declared: Mapping[str, str],
    progress: Callable[[str, int], AbstractContextManager[Callable[[], None]]],
) -> Iterator[Check]:
    """What the token may see and change: a line for each site, the declared ones first."""
    listed = {site.uuid.lower(): site for site in sites}
    # A list in pages can lose a row, so a declared site that is not on it is asked for, too.
    every = [*declared, *(uuid for uuid in listed if uuid not in declared)]
    if not every:
        yield Check.warning("access", "the token sees no site", "ask the site's owner for access for its user")
    chosen = every[: max(_MOST_SITES, len(declared))]

    def read(uuid: str) -> ChargerListing | PlugchoiceError:
        try:
            return client.site_chargers(uuid)
        except PlugchoiceError as error:
            return error

    results: dict[str, ChargerListing | PlugchoiceError] = {}
    with progress("sites", len(chosen)) as tell:
        for uuid, result in run_each(chosen, read):
            results[uuid] = result
            tell()
    for uuid in chosen:
        yield _describe_access(uuid, listed.get(uuid), declared.get(uuid), results[uuid])
    if len(every) > len(chosen):
        yield Check.ok("access", f"{plural(len(every) - len(chosen), 'more site')} of the account, not looked at")


def _describe_access(
    uuid: str, site: Site | None, origin: str | None, result: ChargerListing | PlugchoiceError
) -> Check:
    name = printable(clean((site.name if site else None) or ""), 60)
    what = f"site {uuid}" + (f" {name!r}" if name else "") + (f", {origin}" if origin else "")
    if isinstance(result, PlugchoiceError):
        status: Status = "failure" if origin else "warning"
        if isinstance(result, (NotFound, PermissionDenied)):
            message = f"{what}: does not exist, or the token's user may not see it (answered {result.status})"
            return Check("access", status, message, "check the UUID and the token, or ask the site's owner for access")
        return Check.of("access", result, status, f"{what}: ")
    told = [charger.permissions.full if charger.permissions else None for charger in result.chargers]
    refused = [
        charger.identity or charger.uuid for charger, full in zip(result.chargers, told, strict=True) if full is False
    ]
    parts = [plural(len(result.chargers), "charger")]
    if None in told:
        parts.append(f"for {told.count(None)} the API does not tell whether the token may change them")
    if result.invalid:
        parts.append(f"{plural(len(result.invalid), 'row')} of the list cannot be read")
    text = f"{what}: {', '.join(parts)}"
    if refused:
        names = list_identities(refused, 5)
        return Check.warning(
            "access",
            f"{text}; the token may not change {len(refused)} of them: {names}",
            "ask the site's owner for full access, or leave their connectors out",
        )
    if result.invalid:
        return Check.warning("access", f"{text}; {printable(result.invalid[0], 150)}", "correct it in Plugchoice")
    if site is not None and site.permissions and site.permissions.full is False and (None in told or not told):
        return Check.warning("access", f"{text}; no full access to the site", "ask the site's owner for full access")
    return Check.ok("access", text if None in told else f"{text}, all may be changed")


def _check_limit(budget: Budget) -> Iterator[Check]:
    name = "request-limit"
    if budget.left is None:
        return
    left, limit = budget.left
    text = f"{left} of {limit} requests left this minute"
    if left < limit * _FEW:
        yield Check.warning(name, text, "wait a minute; find out what else uses the limit of this user")
    else:
        yield Check.ok(name, text)


def _check_clock(clients: Sequence[PlugchoiceClient]) -> Iterator[Check]:
    """Compare the clocks. The slower the answer, the less it tells; so only what is certain is a warning."""
    name = "clock"
    measured = [ahead for ahead in (client.measure_clock() for client in clients) if ahead is not None]
    if not measured:
        return
    low, high = min(measured, key=lambda bounds: bounds[1] - bounds[0])
    certain = max(0.0, low, -high)
    if certain > _CLOCK_SECONDS:
        direction = "ahead of" if low > 0 else "behind"
        yield Check.warning(
            name,
            f"{abs(low + high) / 2:.0f} s {direction} Plugchoice's",
            "set the clock of this machine, for example with NTP",
        )
    else:
        yield Check.ok(name, "as Plugchoice's, within some seconds")
