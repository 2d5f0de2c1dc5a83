"""The sites that a change touches, as git tells it. Stacks are not asked, and not listed.

A site is touched when its file, its stack's config, the program, the project file or the locked dependencies are not as
they were. What git cannot tell counts as touched.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import printable, show_path
from pulumi_plugchoice.review.git import GitFailed, Repository
from pulumi_plugchoice.review.others import DEPENDENCIES, PROJECT_FILES, STACK_CONFIG, is_harmless
from pulumi_plugchoice.sitefile.load import SiteFileError, load_site, parse_bytes
from pulumi_plugchoice.sitefile.yaml_text import MAX_BYTES

from .selection import SelectedSite, SelectionError, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pulumi_plugchoice.sitefile.model import SiteFile

    from .selection import Layout

OPTION: Final = "--changed-since"
# A machine has written it: a push event names a commit that a forced push has removed, or zeros for a new branch.
_FULL_NAME: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass
class Touched:
    """What a change touches.

    Attributes:
        sites: to run.
        removed: sites whose file is not there any more; one line each. Their stacks are still there.
    """

    sites: list[SelectedSite] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


@dataclass
class _Changes:
    """The files that differ, by what they are."""

    sites: set[str] = field(default_factory=set)
    removed: list[str] = field(default_factory=list)
    stacks: dict[str, str] = field(default_factory=dict)
    everything: dict[str, list[str]] = field(default_factory=dict)


def find_touched(layout: Layout, sites: dict[str, Path], revision: str) -> Touched:
    """Find the sites that differ between a revision and the files on the disk.

    Args:
        layout: of the project.
        sites: the site files by name.
        revision: what was applied last, or what a change is compared with.

    Raises:
        SelectionError: the revision is a mistake: nothing is named so, in a clone that has everything.
        GitFailed: git cannot tell anything.
    """
    repository = Repository.open(OPTION, "select with --all")
    commit, doubt = _resolve(repository, revision)
    if commit is None:
        return Touched([SelectedSite(name, file, doubt) for name, file in sites.items()])
    places = {name: _locate(repository, file) for name, file in sites.items()}
    changes = _classify(repository, layout, commit, places)
    folder = _locate(repository, layout.sites / "x").rpartition("/")[0]
    before = {
        PurePosixPath(name).stem: entry.object_id
        for name, entry in repository.list_tree(commit, [folder]).items()
        if name.endswith(".yaml") and not entry.problem
    }
    gone = {name: before[name] for name in sorted(before) if name not in sites}
    old_names = _find_old_names(repository, sites, [name for name in sites if name not in before], gone)
    known = repository.list_known()
    touched = Touched()
    for name, file in sites.items():
        reasons = [f"{what} changed: {_name_some(files)}" for what, files in changes.everything.items()]
        if file.is_symlink():
            reasons.insert(0, "the site file is a link, and git does not tell whether its target changed")
        elif places[name] not in known:
            reasons.insert(0, "git does not track the site file, so a change is not told")
        elif name in old_names:
            reasons.insert(0, f"site file renamed from {old_names[name]}.yaml")
        elif name not in before:
            reasons.insert(0, "site file is new")
        elif places[name] in changes.sites:
            reasons.insert(0, "site file changed")
        if name in changes.stacks:
            reasons.append(f"stack config changed: {changes.stacks[name]}")
        if reasons:
            touched.sites.append(SelectedSite(name, file, "; ".join(reasons)))
    new_names = {old: new for new, old in old_names.items()}
    touched.removed = [_describe_removed(layout, name, new_names.get(name)) for name in gone]
    return touched


def _resolve(repository: Repository, revision: str) -> tuple[str | None, str]:
    """The commit; or None, and why all sites count."""
    try:
        commit = repository.find(OPTION, revision)
        if commit is not None:
            return commit, ""
        if not set(revision) - {"0"}:
            return None, "all sites: there is no commit before this one"
        name = printable(revision[:12] if _FULL_NAME.fullmatch(revision) else revision, 60)
        if repository.is_shallow:
            return None, f"all sites: this shallow clone does not have {name}"
        if _FULL_NAME.fullmatch(revision):
            return None, f"all sites: this clone does not have {name}"
        repository.resolve(OPTION, revision)
    except GitFailed as error:
        raise SelectionError(str(error)) from None
    raise AssertionError(revision)


def _locate(repository: Repository, file: Path) -> str:
    """The name of a file in the repository. The folder may be a link, the file is taken as it is."""
    return repository.locate(Path(os.path.realpath(file.parent), file.name))


def _classify(repository: Repository, layout: Layout, commit: str, places: dict[str, str]) -> _Changes:
    changes = _Changes()
    differing = repository.list_changed(commit)
    folder, program, configs, sites = (
        PurePosixPath(_locate(repository, path / "x")).parent
        for path in (layout.folder, layout.program, layout.configs, layout.sites)
    )
    site_files = set(places.values())
    for name in sorted(differing | repository.list_new()):
        path = PurePosixPath(name)
        config = STACK_CONFIG.fullmatch(path.name)
        if name in site_files:
            changes.sites.add(name)
        elif path.parent == sites and path.suffix == ".yaml":
            changes.removed.append(name)
        elif path.parent == configs and config:
            changes.stacks[config[1]] = path.name
        elif path.parent == folder and path.name in PROJECT_FILES:
            changes.everything.setdefault("project file", []).append(name)
        elif path.parent in {*(folder / "x").parents, *(program / "x").parents} and DEPENDENCIES.fullmatch(path.name):
            changes.everything.setdefault("dependencies", []).append(name)
        elif name not in differing and path.suffix != ".py":
            continue  # the output of another command, such as a report
        elif any(path.is_relative_to(part) and not is_harmless(path.relative_to(part)) for part in (folder, program)):
            changes.everything.setdefault("program", []).append(name)
    return changes


def _find_old_names(
    repository: Repository, sites: dict[str, Path], new: Iterable[str], gone: dict[str, str]
) -> dict[str, str]:
    """The names that new files had before: by the UUID of the site."""
    contents = repository.read(set(gone.values()), MAX_BYTES)
    old = {_read_uuid(partial(parse_bytes, contents[gone[name]], name)): name for name in gone}
    found = {name: old.get(_read_uuid(partial(load_site, sites[name]))) for name in (new if old else ())}
    return {name: before for name, before in found.items() if before is not None}


def _read_uuid(load: Callable[[], SiteFile]) -> str | object:
    """The UUID of a site; for a file with mistakes, something that is equal to nothing else."""
    try:
        return load().site.lower()
    except SiteFileError:
        return object()


def _describe_removed(layout: Layout, name: str, new_name: str | None) -> str:
    file = show_path(shorten(layout.sites / f"{name}.yaml"))
    if new_name:
        return (
            f"{file}: renamed to {new_name}.yaml; its stack is not: run `pulumi stack rename {new_name} --stack "
            f"{name}` first, or two stacks have the site"
        )
    return f"{file}: removed; its stack is not run: `pulumi destroy --stack {name} --remove` ends it"


def _name_some(files: list[str]) -> str:
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return f"{printable(files[0], 100)}{more}"


@dataclass(frozen=True)
class Source:
    """Where the files of a project come from.

    Attributes:
        revision: their commit; None when git does not tell.
        project: folder of the project, in the repository.
        sites: folder of the site files, likewise.
        differing: names of the files that are not as in the commit.
    """

    revision: str | None = None
    project: str = ""
    sites: str = ""
    differing: tuple[str, ...] = ()


def read_source(layout: Layout) -> Source:
    """Read which commit the files are of, and which files of the project differ from it.

    A stack config that is new does not count: the CLI writes it when it first uses a stack.
    """
    try:
        repository = Repository.open("--resume", "leave it out")
        commit = repository.find("--resume", "HEAD")
        if commit is None:
            return Source()
        sites = {file.stem: _locate(repository, file) for file in layout.sites.glob("*.yaml")}
        changes = _classify(repository, layout, commit, sites)
        configs = _locate(repository, layout.configs / "x").rpartition("/")[0]
        names = {f"{configs}/{name}".lstrip("/") for name in changes.stacks.values()}
        committed = repository.list_tree(commit, sorted(names)) if names else {}
        project, folder = (
            _locate(repository, path / "x").rpartition("/")[0] or "." for path in (layout.folder, layout.sites)
        )
    except GitFailed:
        return Source()
    others = (name for names in changes.everything.values() for name in names)
    differing = sorted({*changes.sites, *changes.removed, *committed, *others})
    return Source(commit, project, folder, tuple(differing))
