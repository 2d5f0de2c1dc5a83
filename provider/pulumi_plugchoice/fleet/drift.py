"""Compares site files with Plugchoice: no engine, no state, and no write.

`find_drift` reads all sites, several at a time. What it finds is of a few kinds, see `KINDS`; a site of which any part
could not be looked at is `unreadable`, whatever else was found there.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from pulumi_plugchoice._text import printable, show_path
from pulumi_plugchoice.electrical.figures import compute_figures
from pulumi_plugchoice.electrical.groups import compare_groups
from pulumi_plugchoice.electrical.limits import find_exceeded_limits
from pulumi_plugchoice.electrical.settings import find_changes, read_settings, show
from pulumi_plugchoice.errors import (
    AuthenticationFailed,
    NotFound,
    PermissionDenied,
    PlugchoiceError,
    RateLimited,
    RouteNotFound,
    ServerError,
    TransportError,
)
from pulumi_plugchoice.runtime.live import LiveConnectors
from pulumi_plugchoice.sitefile.assess import assess, assess_site
from pulumi_plugchoice.sitefile.definition import format_settings, make_definition, parse_limits

from .amps import build_live_installation, show_amps
from .locate import Whereabouts
from .survey import list_declared, survey_site
from .workers import run_each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pulumi_plugchoice.api.client import PlugchoiceClient
    from pulumi_plugchoice.electrical.figures import Figures
    from pulumi_plugchoice.sitefile.assess import Assessment
    from pulumi_plugchoice.sitefile.model import SiteFile
    from pulumi_plugchoice.sitefile.yaml_text import KeyPath

    from .amps import Amps
    from .files import Declaration
    from .survey import Absence, Declared, Survey

Kind = Literal["drift", "missing", "moved", "replaced", "unknown", "limit", "fuse", "unreadable"]
Status = Literal["clean", "findings", "unreadable"]

#: What a finding of each kind means.
KINDS: Final[dict[Kind, str]] = {
    "drift": "a managed setting differs",
    "missing": "the charger or its connector is gone",
    "moved": "the charger is not on the declared site any more",
    "replaced": "the identity belongs to another device",
    "unknown": "a live connector is in no file",
    "limit": "the live connectors exceed a declared limit",
    "fuse": "a group, its fuse or the net type differs",
    "unreadable": "could not be compared",
}

# Not about one site: when the first sites fail with one of these, the others are not tried.
_OUTAGES: Final = (TransportError, AuthenticationFailed, RateLimited, ServerError, RouteNotFound)


@dataclass(frozen=True)
class Finding:
    """A difference between a site file and Plugchoice.

    Attributes:
        kind: see `KINDS`.
        message: one line that names the connector and both values.
        connector: its name in the site file; None when the finding is about the site.
        setting: the key of the site file that differs.
        declared: its value there.
        live: its value in Plugchoice; of an unknown connector both settings.
        path: its place in the file; empty for the whole file.
    """

    kind: Kind
    message: str
    connector: str | None = None
    setting: str | None = None
    declared: Any = None
    live: Any = None
    path: KeyPath = ()


@dataclass(frozen=True)
class SiteReport:
    """What was found about a site file.

    Attributes:
        declaration: the file.
        findings: in the order of the file, those about the whole site last.
        assessment: what the declared connectors add up to; None for a file that cannot be used.
        live_figures: what the live connectors add up to; None when they cannot be read.
        names: of the live connectors that are taken for declared ones: `HRB-001/1`, or with the UUID.
    """

    declaration: Declaration
    findings: tuple[Finding, ...] = ()
    assessment: Assessment | None = None
    live_figures: Figures | None = None
    names: frozenset[str] = frozenset()

    @property
    def declared(self) -> Amps | None:
        """A per line of the declared connectors; None for a file that cannot be used."""
        return None if self.assessment is None else show_amps(self.assessment.figures)

    @property
    def live(self) -> Amps | None:
        """A per line of the live connectors; None when they cannot be read."""
        return None if self.live_figures is None else show_amps(self.live_figures)

    @property
    def status(self) -> Status:
        """`unreadable` when any part could not be looked at."""
        if any(finding.kind == "unreadable" for finding in self.findings):
            return "unreadable"
        return "findings" if self.findings else "clean"


def find_drift(
    declarations: Sequence[Declaration],
    client: PlugchoiceClient,
    *,
    say: Callable[[str], None],
    tell: Callable[[], None] = lambda: None,
) -> list[SiteReport]:
    """Compare site files with Plugchoice.

    Args:
        declarations: the files.
        client: the API.
        say: prints a line to the user.
        tell: called after each site that was read.

    Returns:
        One report a file, in their order.

    Raises:
        PlugchoiceError: no site could be read, because of the token, the network or Plugchoice itself.
    """
    places = Whereabouts(client)
    surveys = _survey_all(declarations, LiveConnectors(client, say), tell)
    for declaration, survey in surveys:
        site = declaration.site
        if site is not None and not isinstance(survey, PlugchoiceError):
            names = [name for item in survey.values.all for name in (item.charger, item.identity)]
            places.add(site.site.lower(), site.label or show_path(declaration.file), names)
    wanted = {
        _search_key(item)
        for declaration, survey in surveys
        if declaration.site is not None and not isinstance(survey, PlugchoiceError)
        for item in list_declared(declaration.site)
        if item.name in survey.absent and survey.absent[item.name].kind == "moved"
    }
    places.search(wanted)
    everywhere = list_devices(declarations) | _list_moved(surveys)
    reports = {declaration.file: _report(declaration, survey, places, everywhere) for declaration, survey in surveys}
    return [reports.get(declaration.file) or _report_file(declaration) for declaration in declarations]


def _survey_all(
    declarations: Iterable[Declaration], live: LiveConnectors, tell: Callable[[], None]
) -> list[tuple[Declaration, Survey | PlugchoiceError]]:
    """Read all sites, several at a time, each with its groups beside its list. Until one is read, an outage ends it."""
    is_up = False
    outage: PlugchoiceError | None = None

    def read(declaration: Declaration) -> Survey | PlugchoiceError:
        nonlocal is_up, outage
        if outage is not None and not is_up:
            return outage
        try:
            assert declaration.site is not None  # noqa: S101 - of those that are given
            survey = survey_site(live, declaration.site)
        except PlugchoiceError as error:
            if isinstance(error, _OUTAGES):
                outage = outage or error
            else:
                is_up = True
            return error
        is_up = True
        return survey

    def work(step: tuple[Declaration, bool]) -> Survey | PlugchoiceError | None:
        declaration, is_groups = step
        if not is_groups:
            return read(declaration)
        if declaration.site is not None and (outage is None or is_up):
            with contextlib.suppress(PlugchoiceError):  # `live` keeps the result, or the error, for the survey
                live.list_groups(declaration.site.site.lower())
        return None

    surveys = []
    steps = [(item, is_groups) for item in declarations if item.site is not None for is_groups in (True, False)]
    for (declaration, _), survey in run_each(steps, work):
        if survey is not None:
            surveys.append((declaration, survey))
            tell()
    if surveys and outage is not None and not is_up:
        raise outage
    return surveys


def _search_key(item: Declared) -> str:
    return item.charger.uuid.lower() if item.charger.uuid else item.charger.key


def list_devices(declarations: Iterable[Declaration]) -> frozenset[str]:
    """The connectors of all files whose chargers are declared by UUID: `UUID/1`.

    An identity is not enough: chargers of two sites may have the same one.
    """
    return frozenset(
        f"{item.charger.uuid.lower()}/{item.connector.connector_id}"
        for declaration in declarations
        if declaration.site is not None
        for item in list_declared(declaration.site)
        if item.charger.uuid
    )


def _list_moved(surveys: Iterable[tuple[Declaration, Survey | PlugchoiceError]]) -> frozenset[str]:
    """The connectors that are declared by identity alone, and that their site does not have: they may be on another."""
    return frozenset(
        item.name
        for declaration, survey in surveys
        if declaration.site is not None and not isinstance(survey, PlugchoiceError)
        for item in list_declared(declaration.site)
        if item.charger.uuid is None and item.name in survey.absent
    )


def _list_names(site: SiteFile, survey: Survey) -> frozenset[str]:
    """The names of live connectors that a site file declares.

    A charger with a UUID is that device. Another one with its identity is one more charger, unless it has replaced it.
    """
    return frozenset(
        f"{charger}/{item.connector.connector_id}"
        for item in list_declared(site)
        for charger in (
            item.charger.uuid and item.charger.uuid.lower(),
            item.charger.identity if item.charger.uuid is None or item.name in survey.absent else None,
        )
        if charger
    )


def _report_file(declaration: Declaration) -> SiteReport:
    return SiteReport(declaration, (Finding("unreadable", declaration.problem),))


def _report(
    declaration: Declaration, survey: Survey | PlugchoiceError, places: Whereabouts, everywhere: frozenset[str]
) -> SiteReport:
    site = declaration.site
    if site is None:
        return _report_file(declaration)
    if isinstance(survey, PlugchoiceError):
        text = f"{show_path(declaration.file)}: site {site.site.lower()} cannot be read: {survey}"
        if isinstance(survey, NotFound | PermissionDenied):
            text += places.describe_sites()
        return SiteReport(
            declaration, (Finding("unreadable", printable(text, 1500), path=("site",)),), assess_site(site)
        )
    findings: list[Finding] = []
    gone: set[str] = set()
    for item in list_declared(site):
        if item.name in survey.absent:
            finding = _explain_absence(site, item, survey.absent[item.name], places)
            findings.append(finding)
            if finding.kind != "unreadable" and survey.values.get(item.name) is None:
                gone.add(item.name)
        else:
            findings += _compare_settings(site, item, survey)
    names = _list_names(site, survey) | everywhere
    findings += _list_unknown(survey, names)
    definition = make_definition(site)
    assessment = assess(definition, survey.values)
    live = compute_figures(build_live_installation(definition, survey.values, gone).installation)
    for limit in find_exceeded_limits(parse_limits(definition), live, None):
        text = f"{limit.fact}, with the live values"
        text += "" if definition["neutral"] else "; an estimate, because the supply has no neutral"
        place = ("limits", limit.limit)
        findings.append(Finding("limit", text, None, limit.limit, limit.allowed, limit.value, place))
    if survey.groups is None:
        findings.append(Finding("unreadable", printable(f"groups cannot be read: {survey.group_problem}", 600)))
    groups = [] if survey.groups is None else compare_groups(assessment.installation, survey.groups)
    for group in groups:
        at: KeyPath = ("supply", group.key) if group.key in ("main_fuse_amps", "net_type") else ("groups",)
        findings.append(Finding("fuse", printable(group.text), None, group.key, group.declared, group.live, at))
    return SiteReport(declaration, tuple(findings), assessment, live, names)


def _explain_absence(site: SiteFile, item: Declared, absence: Absence, places: Whereabouts) -> Finding:
    name = printable(item.name, 60)
    kind, reason, setting = absence.kind, absence.reason, absence.setting
    declared, live = absence.declared, absence.live
    if kind == "moved":
        place = places.find(_search_key(item))
        is_there = item.charger.uuid is not None  # it has answered by its UUID
        if place:
            reason, live = f"the charger is on site {place} now", place.partition(" ")[0]
        elif is_there:
            more = f" ({places.gap})" if places.gap else ""
            reason = f"the charger answers, but the site does not list it, and neither does another one{more}"
        elif places.gap:
            kind, reason = "unreadable", f"not found, but {places.gap}"
        else:
            kind, reason = "missing", "no charger of the account's sites has this identity"
        if kind == "moved":
            reason += "; move it to that site's file, or remove it from this one"
            setting, declared = "site", site.site.lower()
    text = printable(f"{name}: {reason}" if not reason.startswith(f"{name}: ") else reason, 600)
    return Finding(kind, text, name, setting, declared, live and printable(live, 60), item.path)


def _compare_settings(site: SiteFile, item: Declared, survey: Survey) -> Iterator[Finding]:
    connector = survey.found[item.name].connector
    declared = {"phase_rotation": item.connector.phase_rotation, "max_amperage": site.amps_of(*item[1:3])}
    wanted = {name: value for name, value in declared.items() if value is not None}
    current = read_settings(connector)
    name = printable(item.name, 60)
    for setting in find_changes(wanted, connector):
        live = current[setting]
        text = f"{name}: {setting} is {show(setting, live)} live, {show(setting, wanted[setting])} declared"
        value = printable(live) if isinstance(live, str) else live
        yield Finding("drift", text, name, setting, wanted[setting], value, (*item.path, setting))


def _list_unknown(survey: Survey, declared: frozenset[str]) -> Iterator[Finding]:
    """The live connectors that no file declares, and the rows of the list that cannot be used."""
    compared = {id(live) for live in survey.found.values()}
    for live in survey.values.all:
        number = live.connector.connector_id
        names = {f"{charger}/{number}" for charger in (live.charger, live.identity) if charger}
        if id(live) in compared or names & declared:
            continue
        values: dict[str, Any] = {
            name: printable(value, 30) if isinstance(value, str) else value
            for name, value in read_settings(live.connector).items()
        }
        shown = format_settings(values["phase_rotation"], values["max_amperage"]) or "never set"
        text = (
            f"{live.name}: on the site, but in no file: {shown}; declare it, with managed: false to leave it as it is"
        )
        yield Finding("unknown", text, live.name, None, None, values)
    for name, reason in survey.invalid.items():
        text = printable(f"{name}: the API's answer about this connector is invalid ({reason})", 600)
        yield Finding("unreadable", text, name)
