"""The writes that `pulumi up` of site files will send, as Plugchoice is now, and what differs there from the base.

A connector that is no longer managed is written too, if it has `on_destroy: restore`. What it gets back is in the state
of the stack alone, which is not read here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pulumi_plugchoice._text import printable, show_path
from pulumi_plugchoice.electrical.groups import compare_groups
from pulumi_plugchoice.electrical.settings import find_changes, read_settings
from pulumi_plugchoice.errors import NotFound, PermissionDenied, PlugchoiceError
from pulumi_plugchoice.review.pending import Drift, Pending, PendingWrite, SiteAmps
from pulumi_plugchoice.reviewed import RESTORE, ReviewedWrite
from pulumi_plugchoice.runtime.adoption import find_mismatches
from pulumi_plugchoice.runtime.live import LiveConnectors
from pulumi_plugchoice.runtime.writes import body_for, describe_write
from pulumi_plugchoice.site_reading import find_exceeded
from pulumi_plugchoice.sitefile.assess import assess, assess_site
from pulumi_plugchoice.sitefile.definition import make_definition

from .survey import list_declared, survey_site
from .workers import run_each

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pulumi_plugchoice.api.client import PlugchoiceClient
    from pulumi_plugchoice.review.pending import Effect
    from pulumi_plugchoice.runtime.live import Live
    from pulumi_plugchoice.sitefile.model import ChargerEntry, ConnectorEntry, SiteFile

    from .survey import Absence, Declared, Survey

Settings = dict[str, "str | int"]
Key = tuple[str, int]

#: What follows when the version of a file before the change cannot be compared.
UNKNOWN_BASE: Final = "what has drifted is not known, and no restore is among these writes"


class FileSides(NamedTuple):
    """A site file before and after a change.

    Attributes:
        file: its path.
        before: None for a new file, or when it is not compared.
        after: None for a removed file.
        is_compared: whether what `before` does not manage becomes managed by the change.
    """

    file: Path
    before: SiteFile | None
    after: SiteFile | None
    is_compared: bool


def find_pending(
    sides: Sequence[FileSides],
    client: PlugchoiceClient,
    *,
    say: Callable[[str], None],
    tell: Callable[[], None] = lambda: None,
) -> Pending:
    """Find the writes of all connectors that are not as declared or no longer managed, and what has drifted.

    Args:
        sides: site files.
        client: the API.
        say: prints a line to the user.
        tell: called after each file whose site was read.
    """
    live = LiveConnectors(client, say)
    files = [_File(live, item) for item in sides]
    for _ in run_each(files, _File.find):
        tell()
    pending = Pending(files=len(files))
    for file in files:
        pending.amps += file.result.amps
        pending.writes += file.result.writes
        pending.drift += file.result.drift
        pending.notes += file.result.notes
        pending.problems += file.result.problems
    pending.problems += _find_conflicts(files)
    return pending


def _find_conflicts(files: Sequence[_File]) -> list[str]:
    """The connectors that are declared or restored twice, and written: nobody knows by which one last."""
    uses: dict[Key, list[tuple[str, str, str]]] = {}
    written: set[Key] = set()
    for file in files:
        for key, name in file.declared:
            uses.setdefault(key, []).append((name, file.name, "declared"))
        for item in file.result.writes:
            key = item.write.charger, item.write.connector_id
            written.add(key)
            if item.write.after == RESTORE:
                uses.setdefault(key, []).append((item.name, file.name, "restored"))
    return [
        f"{file}: {printable(name, 60)}: {verb} here and {first[2]} in {first[1]}; declare it in one file, and set "
        "on_destroy: retain before you move it"
        for key, (first, *others) in uses.items()
        for name, file, verb in others
        if key in written
    ]


def _list_wanted(site: SiteFile, charger: ChargerEntry, connector: ConnectorEntry) -> Settings:
    """The settings that a managed connector is to have."""
    if not connector.managed:
        return {}
    settings = {"phase_rotation": connector.phase_rotation, "max_amperage": site.amps_of(charger, connector)}
    return {name: value for name, value in settings.items() if value is not None}


class _File:
    """Finds what is pending of one site file.

    Attributes:
        name: of the file, for people.
        declared: charger and number of each managed connector, with its name.
        result: what is pending.
    """

    def __init__(self, live: LiveConnectors, sides: FileSides) -> None:
        self._live = live
        self._sides = sides
        self.name = show_path(sides.file)
        self.declared: list[tuple[Key, str]] = []
        self.result = Pending()
        # What the file after and before the change declares, by charger and number; and what it manages after, by name.
        self._wanted: dict[Key, Settings] = {}
        self._before: dict[Key, Settings] = {}
        self._names: set[str] = set()

    def find(self) -> None:
        """Read the site of both sides."""
        after, before = self._sides.after, self._sides.before
        new = None if after is None else self._survey(after)
        if after is not None and new is None:
            return
        old = None if before is None else self._survey(before, is_base=True)
        if after is not None and new is not None:
            self._judge_site(new, after)
        if before is not None and old is not None:
            self._note_managed(old, before)
        if after is not None and new is not None:
            for item in list_declared(after):
                self._add_declared(new, after, item)
        if before is not None and old is not None:
            for item in list_declared(before):
                self._compare_with_base(old, before, item)

    def _judge_site(self, survey: Survey, site: SiteFile) -> None:
        """Compute what a preview shows of the site, and find what it refuses."""
        definition = make_definition(site)
        assessment = assess(definition, survey.values)
        if assessment.figures != assess_site(site).figures:
            self.result.amps.append(SiteAmps(self._sides.file.as_posix(), assessment.figures))
        for limit in find_exceeded(definition, assessment.figures, survey.values):
            if not site.has_neutral:
                self._note(f"{limit.fact}; warning only: the supply has no neutral")
            elif limit.is_worse:
                self._refuse(f"a preview fails: {limit.text}")
            else:
                self._note(limit.text)
        if survey.groups is None:
            self._note(f"groups cannot be read, so their fuses are not compared: {survey.group_problem}")
        for group in () if survey.groups is None else compare_groups(assessment.installation, survey.groups):
            if group.is_refused:
                self._refuse(f"a preview fails: {group.text}")

    def _note_managed(self, survey: Survey, site: SiteFile) -> None:
        for item in list_declared(site):
            found = survey.found.get(item.name)
            if found is not None:
                key = found.charger, item.connector.connector_id
                self._before[key] = _list_wanted(site, item.charger, item.connector)

    def _survey(self, site: SiteFile, *, is_base: bool = False) -> Survey | None:
        try:
            return survey_site(self._live, site)
        except PlugchoiceError as error:
            text = f"site {site.site.lower()} cannot be read: {error}"
            if is_base and isinstance(error, NotFound | PermissionDenied):
                self._note(f"{text}; {UNKNOWN_BASE}")
            else:
                self._refuse(text)
            return None

    def _add_declared(self, survey: Survey, site: SiteFile, item: Declared) -> None:
        wanted = _list_wanted(site, item.charger, item.connector)
        if not wanted:
            return
        self._names.add(item.name)
        absence = survey.absent.get(item.name)
        if absence is not None:
            self._refuse(f"{item.name}: {absence.reason or 'the site does not list it'}")
            return
        found = survey.found[item.name]
        key = found.charger, item.connector.connector_id
        self._wanted[key] = wanted
        self.declared.append((key, item.name))
        if not find_changes(wanted, found.connector):
            return
        added = {name: value for name, value in wanted.items() if name not in self._before.get(key, ())}
        mode = {"on_adopt": site.on_adopt_of(item.charger, item.connector)} if self._sides.is_compared else {}
        for text in find_mismatches(found, mode, added).values():
            self._refuse(text)
        try:
            self._add_write(item, describe_write(found, body_for(wanted, found)))
        except PlugchoiceError as error:
            self._refuse(str(error))

    def _compare_with_base(self, survey: Survey, site: SiteFile, item: Declared) -> None:
        wanted = _list_wanted(site, item.charger, item.connector)
        if not wanted:
            return
        found = survey.found.get(item.name) or self._find_unlisted(site, survey.absent[item.name], item)
        if found is None:
            return
        key = found.charger, item.connector.connector_id
        is_restored = key not in self._wanted and site.on_destroy_of(item.charger, item.connector) == "restore"
        if is_restored:
            values = read_settings(found.connector)
            self._add_write(item, ReviewedWrite(*key, (values["phase_rotation"], values["max_amperage"]), RESTORE))
        names = find_changes(wanted, found.connector)
        if names:
            base, live = {name: wanted[name] for name in names}, read_settings(found.connector)
            effect = "restored" if is_restored else self._judge(found, names)
            now = {name: live[name] for name in names}
            self.result.drift.append(Drift(self._sides.file.as_posix(), item.name, *key, base, now, effect))

    def _find_unlisted(self, site: SiteFile, absence: Absence, item: Declared) -> Live | None:
        """A connector that the list of its site does not have; the provider writes to its charger all the same."""
        if item.name in self._names or site.on_destroy_of(item.charger, item.connector) != "restore":
            return None
        reason = absence.reason or "the site does not list it"
        if item.charger.uuid and absence.kind in ("moved", "replaced"):
            try:
                return self._live.find(item.charger.uuid.lower(), item.connector.connector_id, None)
            except PlugchoiceError as error:
                reason = str(error)
        self._note(f"{item.name}: the restore is not among these writes: {reason}")
        return None

    def _judge(self, found: Live, names: Sequence[str]) -> Effect:
        """What an update does with settings that have drifted."""
        wanted = self._wanted.get((found.charger, found.connector.connector_id), {})
        declared = {name: wanted[name] for name in names if name in wanted}
        if not declared:
            return "kept"
        return "overwritten" if find_changes(declared, found.connector) else "declared"

    def _add_write(self, item: Declared, write: ReviewedWrite) -> None:
        self.result.writes.append(PendingWrite(self._sides.file.as_posix(), item.name, write))

    def _refuse(self, text: str) -> None:
        self.result.problems.append(printable(f"{self.name}: {text}", 800))

    def _note(self, text: str) -> None:
        self.result.notes.append(printable(f"{self.name}: {text}", 800))
