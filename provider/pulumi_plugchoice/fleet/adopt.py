"""Takes the sites of an account into site files: new files, and new hardware in existing ones.

Makes texts; the command writes them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import list_some, plural, printable, show_path
from pulumi_plugchoice.api.sites import describe_sites
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.sitefile.definition import LiveValues

from .account import read_live_site
from .drift import find_drift, list_devices
from .files import load_declarations
from .labels import sort_key
from .names import name_sites
from .site_text import SiteText, extend_site, write_site
from .workers import run_each

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pulumi_plugchoice._files import Identity
    from pulumi_plugchoice.api.client import PlugchoiceClient
    from pulumi_plugchoice.api.models import Site

    from .account import LiveSite
    from .drift import SiteReport
    from .files import Declaration
    from .readiness import Readiness

_MOST_NAMES: Final = 10


@dataclass(frozen=True)
class AdoptedSite:
    """What `adopt` makes of a site.

    Attributes:
        uuid: of the site, lower case.
        name: as Plugchoice has it, printable.
        file: its site file, which may be new.
        live: as it was read; None when it could not be.
        text: the text of the file; None when there is a problem.
        before: the text that it had; None for a new file.
        seen: what `identify` returned before it was read.
        differences: what differs from the file, one line each.
        problem: why the site is not adopted.
    """

    uuid: str
    name: str
    file: Path
    live: LiveSite | None = None
    text: SiteText | None = None
    before: str | None = None
    seen: Identity | None = None
    differences: list[str] = field(default_factory=list)
    problem: str = ""

    @property
    def stack(self) -> str:
        """Name of the stack: that of the file."""
        return self.file.stem

    @property
    def values(self) -> LiveValues:
        """The live connectors."""
        return LiveValues(self.live.connectors, self.live.invalid) if self.live else LiveValues(())

    @property
    def is_empty(self) -> bool:
        """Whether the site has nothing that a new file could declare."""
        return self.before is None and self.live is not None and not self.live.connectors and not self.live.invalid

    @property
    def is_left_out(self) -> bool:
        """Whether the site has something to adopt, and is not adopted."""
        return self.text is None and not self.is_empty

    def count_states(self) -> Counter[str]:
        """Count the live connectors: those that the file manages, and why the others are not."""
        if self.live is None or self.text is None:
            return Counter()
        values = self.values
        managed = {
            id(values.get(f"{charger.second_key or charger.key}/{connector.connector_id}"))
            for charger in self.text.site.chargers
            for connector in charger.connectors
            if connector.managed
        }
        states = ((item, _STATES[self.live.judge(item)]) for item in values.all)
        return Counter("managed" if id(item) in managed else state for item, state in states)


def select_sites(account: Sequence[Site], wanted: Sequence[str]) -> list[Site]:
    """Select the sites with these UUIDs; all, by name, when none is given.

    Raises:
        PlugchoiceError: the account does not have one of them.
    """
    by_uuid = {site.uuid.lower(): site for site in account}
    for uuid in wanted:
        if uuid.lower() not in by_uuid:
            raise PlugchoiceError(
                f"--site: {printable(uuid, 60)!r} is not a site of this account{describe_sites(account)}"
            )
    if not account:
        raise PlugchoiceError("the token's user sees no site; use a token of a user who has access to one")
    chosen = [by_uuid[uuid] for uuid in dict.fromkeys(map(str.lower, wanted))]
    return chosen or sorted(account, key=lambda site: sort_key(site.name or "", site.uuid.lower()))


def adopt_sites(
    sites: Sequence[Site],
    folder: Path,
    client: PlugchoiceClient,
    *,
    net_type: str | None = None,
    main_fuse_amps: int | None = None,
    say: Callable[[str], None],
    tell: Callable[[], None] = lambda: None,
) -> list[AdoptedSite]:
    """Read sites, and make the texts of their files.

    Args:
        sites: of the account.
        folder: of the site files.
        client: the API.
        net_type: of sites whose net type Plugchoice does not tell.
        main_fuse_amps: A, of sites whose main fuse Plugchoice does not tell.
        say: prints a line to the user.
        tell: called after each site that was read.

    Raises:
        PlugchoiceError: a file of the folder cannot be used, so that nobody knows what it declares.
    """
    declarations = load_declarations(sorted(folder.glob("*.yaml")))
    problems = [declaration.problem for declaration in declarations if declaration.problem]
    problems += [
        f"{show_path(item.file)}: the name of a site file ends with .yaml; rename it"
        for item in load_declarations(sorted(folder.glob("*.yml")))
        if item.site is not None
    ]
    if problems:
        raise PlugchoiceError("\n".join(problems))
    by_site = {item.site.site.lower(): item for item in declarations if item.site is not None}
    new = [site for site in sites if site.uuid.lower() not in by_site]
    names = name_sites(new, [file.stem for file in folder.glob("*.y*ml")])
    existing = [by_site[site.uuid.lower()] for site in sites if site.uuid.lower() in by_site]
    reports = {report.declaration.file: report for report in find_drift(existing, client, say=say)} if existing else {}
    everywhere = list_devices(declarations)

    def adopt(site: Site) -> AdoptedSite:
        uuid = site.uuid.lower()
        name = printable(site.name or "", 60)
        declaration = by_site.get(uuid)
        file = declaration.file if declaration else folder / f"{names[uuid]}.yaml"
        live: LiveSite | None = None
        try:
            live = read_live_site(client, site)
            if declaration is None:
                text = write_site(live, show_path(file), net_type=net_type, main_fuse_amps=main_fuse_amps)
                return AdoptedSite(uuid, name, file, live, text)
            report = reports[declaration.file]
            text = _extend(declaration, live, report.names | everywhere)
        except PlugchoiceError as error:
            return AdoptedSite(uuid, name, file, live, problem=printable(error, 800))
        elsewhere = list_devices(item for item in declarations if item is not declaration)
        differences = _list_differences(report) + [
            f"not added: {item.name}: another site file declares it; move it to this one"
            for item in live.connectors
            if f"{item.charger}/{item.connector.connector_id}" in elsewhere
        ]
        return AdoptedSite(uuid, name, file, live, text, declaration.text, declaration.identity, differences)

    result: dict[str, AdoptedSite] = {}
    for site, adopted in run_each(sites, adopt):
        result[site.uuid.lower()] = adopted
        tell()
    return [result[site.uuid.lower()] for site in sites]


def _extend(declaration: Declaration, live: LiveSite, declared: frozenset[str]) -> SiteText:
    assert declaration.site is not None  # noqa: S101 - those that cannot be used have ended the command
    lacking = [
        item
        for item in live.connectors
        if not any(f"{charger}/{item.connector.connector_id}" in declared for charger in (item.charger, item.identity))
    ]
    return extend_site(declaration.site, declaration.text, show_path(declaration.file), live, lacking)


def _list_differences(report: SiteReport) -> list[str]:
    """The findings about a file, but for the connectors that it lacks: they are added."""
    return [f"{finding.kind}: {finding.message}" for finding in report.findings if finding.kind != "unknown"]


def describe_site(adopted: AdoptedSite) -> list[str]:
    """What there is to say about a site, one line each, the file first."""
    file = show_path(adopted.file)
    if adopted.text is None or adopted.live is None:
        what = "nothing to adopt" if adopted.is_empty else "not adopted"
        return [f"{adopted.name or 'site'} ({adopted.uuid}): {what}: {adopted.problem}"]
    live, added = adopted.live, adopted.text.added
    if adopted.before is None:
        chargers = {item.charger for item in live.connectors}
        states = adopted.count_states()
        parts = [f"{states[word]} {word}" for word in _WORDS if states[word]]
        what = f"{plural(len(chargers), 'charger')}, {plural(len(live.connectors), 'connector')}: {', '.join(parts)}"
        lines = [f"{file}: new: {what}"]
    elif added:
        lines = [f"{file}: added {list_some(added, _MOST_NAMES)}"]
    else:
        lines = [f"{file}: unchanged"]
    lines += [f"{file}: {line}" for line in (*adopted.text.notes, *adopted.differences)]
    lines += [f"{file}: left out: {name}: the API's answer is invalid ({why})" for name, why in live.invalid.items()]
    for names, what in (
        (live.list_refused(), "cannot be configured with this token"),
        (live.list_without_connector(), "no connector is known"),
    ):
        if names:
            lines.append(f"{file}: {what}: {list_some(names, _MOST_NAMES)}")
    if live.charger_problem:
        lines.append(f"{file}: what the token may configure is not known: {live.charger_problem}")
    return [printable(line, 1000) for line in lines]


_STATES: Final[dict[Readiness, str]] = {
    "set": "not managed",
    "DC": "DC",
    "not set": "not set",
    "partly set": "partly set",
}
_WORDS: Final = ("managed", *_STATES.values())


def summarize(adopted: Sequence[AdoptedSite]) -> list[str]:
    """Count what was found, in two lines: `3 sites, 60 connectors: 50 managed, 4 DC, ...`."""
    states: Counter[str] = Counter()
    chargers = refused = without = unseen = 0
    for site in adopted:
        if site.live is None or site.is_left_out:
            continue
        states += site.count_states()
        chargers += len({*site.live.chargers, *(item.charger for item in site.live.connectors)})
        refused += len(site.live.list_refused())
        without += len(site.live.list_without_connector())
        unseen += sum(charger.connection_status == "never_seen" for charger in site.live.chargers.values())
    parts = [f"{states[word]} {word}" for word in _WORDS if states[word] or word != _STATES["set"]]
    counts = {"not configurable with this token": refused, "without a connector": without, "never seen": unseen}
    return [
        f"{plural(len(adopted), 'site')}, {plural(sum(states.values()), 'connector')}: {', '.join(parts)}",
        f"{plural(chargers, 'charger')}: {', '.join(f'{count} {what}' for what, count in counts.items())}",
    ]
