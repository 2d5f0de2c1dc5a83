"""Checks site files without an account: mistakes, the owner's limits, fuses, and what else a reviewer needs to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from pulumi_plugchoice._text import printable, show_path
from pulumi_plugchoice.electrical.limits import find_exceeded_limits
from pulumi_plugchoice.electrical.site_warnings import find_overloaded_fuses
from pulumi_plugchoice.sitefile.assess import Assessment, assess_site
from pulumi_plugchoice.sitefile.definition import make_definition, parse_limits
from pulumi_plugchoice.sitefile.load import SiteFileError, load_text
from pulumi_plugchoice.sitefile.yaml_text import BYTE_ORDER_MARK, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pulumi_plugchoice.sitefile.model import SiteFile
    from pulumi_plugchoice.sitefile.yaml_text import Document, KeyPath

Kind = Literal["mistake", "limit", "fuse", "warning", "not-counted"]

#: What a finding of each kind means.
KINDS: Final[dict[Kind, str]] = {
    "mistake": "The file cannot be used.",
    "limit": "The declared connectors exceed one of the owner's limits.",
    "fuse": "All connectors together exceed a fuse; the site relies on load balancing.",
    "warning": "A reviewer should know it.",
    "not-counted": "A connector is not counted in the amps per line.",
}
#: What each choice of `--fail-on` fails on.
FAILURES: Final[dict[str, frozenset[Kind]]] = {
    "mistakes": frozenset({"mistake"}),
    "limits": frozenset({"mistake", "limit"}),
    "fuses": frozenset({"mistake", "limit", "fuse"}),
    "none": frozenset(),
}


@dataclass(frozen=True)
class Finding:
    """Something about a site file.

    Attributes:
        kind: see `KINDS`.
        text: one line, without the position.
        line: from 1; None for a file that cannot be read.
        column: from 1; None likewise.
        key: what stays the same when the text changes.
    """

    kind: Kind
    text: str
    line: int | None
    column: int | None
    key: str


@dataclass
class CheckedFile:
    """A site file and what was found about it.

    Attributes:
        file: its path.
        site: what it declares; None when it has mistakes.
        assessment: its figures; None likewise.
        findings: in the order of `KINDS`, then of the file.
    """

    file: Path
    site: SiteFile | None = None
    assessment: Assessment | None = None
    findings: list[Finding] = field(default_factory=list)

    def fails(self, fail_on: str) -> bool:
        """Whether it has a finding of those that `--fail-on` names."""
        return any(finding.kind in FAILURES[fail_on] for finding in self.findings)


def check_files(files: Iterable[Path]) -> list[CheckedFile]:
    """Check site files, each by itself and against the others: a site and a charger are declared once."""
    checked: list[CheckedFile] = []
    documents: dict[Path, Document] = {}
    for file in files:
        try:
            site, text = load_text(file)
        except SiteFileError as error:
            checked.append(CheckedFile(file, findings=[*_list_mistakes(error)]))
            continue
        documents[file] = parse(text.removeprefix(BYTE_ORDER_MARK))
        assessment = assess_site(site)
        findings = [*_judge(site, assessment, documents[file])]
        checked.append(CheckedFile(file, site, assessment, findings))
    _find_doubles(checked, documents)
    return checked


def _list_mistakes(error: SiteFileError) -> Iterator[Finding]:
    for mistake in error.mistakes:
        text = str(mistake.mistake)
        yield Finding("mistake", text, mistake.line, mistake.column, text)


def _judge(site: SiteFile, assessment: Assessment, document: Document) -> Iterator[Finding]:
    def find(kind: Kind, path: KeyPath, text: str, key: str = "") -> Finding:
        position = document.locate(path)
        return Finding(kind, printable(text, 1000), position.line, position.column, key or text)

    definition = make_definition(site)
    for limit in find_exceeded_limits(parse_limits(definition), assessment.figures, None):
        text = f"{limit.fact}{'' if definition['neutral'] else '; an estimate, because the supply has no neutral'}"
        yield find("limit", ("limits", limit.limit), text, f"{limit.limit} {limit.line}")
    groups = {group.name: place for place, group in enumerate(site.groups)}
    fuses = list(find_overloaded_fuses(assessment.figures))
    for fuse in fuses:
        place: KeyPath = ("supply", "main_fuse_amps") if fuse.is_main else ("groups", groups[fuse.group], "fuse_amps")
        yield find("fuse", place, fuse.text, fuse.group)
    places = _list_places(site)
    known = {fuse.text for fuse in fuses}
    for text in assessment.warnings:
        if text not in known:
            yield find("warning", _find_place(text, places), text)
    for text in assessment.not_counted:
        yield find("not-counted", _find_place(text, places), f"not counted in the amps per line: {text}", text)


def _list_places(site: SiteFile) -> dict[str, KeyPath]:
    """The places of chargers and connectors by their names in warnings."""
    places: dict[str, KeyPath] = {}
    for place, charger in enumerate(site.chargers):
        places[printable(charger.key, 60)] = ("chargers", place)
        for number, connector in enumerate(charger.connectors):
            name = printable(f"{charger.key}/{connector.connector_id}", 60)
            places[name] = ("chargers", place, "connectors", number)
    return places


def _find_place(text: str, places: dict[str, KeyPath]) -> KeyPath:
    """The place of the first charger or connector that a warning names at its start; else the whole file."""
    for separator in (", ", ": ", " ("):
        name, found, _ = text.partition(separator)
        if found and name in places:
            return places[name]
    return ()


def _find_doubles(checked: Sequence[CheckedFile], documents: dict[Path, Document]) -> None:
    """Add a mistake for each site and each charger that an earlier file declares, too."""
    first: dict[str, Path] = {}
    for item in checked:
        if item.site is None:
            continue
        site = item.site.site.lower()
        named: list[tuple[str, str, KeyPath]] = [(f"site {site}", site, ("site",))]
        for place, charger in enumerate(item.site.chargers):
            names = [name for name in (charger.identity, charger.uuid and charger.uuid.lower()) if name]
            named += [(f"charger {printable(name, 60)}", name, ("chargers", place)) for name in names]
        others: set[KeyPath] = set()
        for what, key, path in named:
            other = first.setdefault(key, item.file)
            if other != item.file and path not in others:
                others.add(path)
                position = documents[item.file].locate(path)
                text = f"{what} is declared in {show_path(other)}, too; keep one of them"
                item.findings.insert(0, Finding("mistake", text, position.line, position.column, what))
                if path == ("site",):
                    break  # its chargers are the same ones
