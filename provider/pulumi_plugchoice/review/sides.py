"""The site files that differ between two commits, or between a commit and the files on the disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._files import FileRefused, read_file
from pulumi_plugchoice._text import printable, show_path
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.sitefile.load import SiteFileError, parse_bytes
from pulumi_plugchoice.sitefile.yaml_text import MAX_BYTES

from .change import assess_change
from .git import Repository
from .others import Others, find_others

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pulumi_plugchoice.sitefile.model import SiteFile

    from .change import SiteChange

#: Where a project keeps its site files.
FOLDER: Final = Path("sites")
_ENDING: Final = ".yaml"


@dataclass(frozen=True)
class FileChange:
    """A site file that differs.

    Attributes:
        path: its name from the root of the repository; the one before, when it is removed.
        old_path: its name before; None when it is new.
        change: what changes; None when the file after it cannot be read, or a removed one could not.
        problems: why the file after the change cannot be read, one line each.
        old_problems: why the file before the change cannot be read; everything then counts as new.
    """

    path: str
    old_path: str | None
    change: SiteChange | None = None
    problems: tuple[str, ...] = ()
    old_problems: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """`unreadable`, `added`, `removed`, `renamed`, `changed`, or `layout` when no value differs."""
        if self.problems:
            return "unreadable"
        if self.change is None or self.change.after is None:
            return "removed"
        if self.old_path is None or self.change.before is None:
            return "added"
        if self.old_path != self.path:
            return "renamed"
        return "changed" if self.change.changes else "layout"


@dataclass(frozen=True)
class Comparison:
    """What differs between two sides.

    Attributes:
        base: commit of the one side.
        head: commit of the other; None for the files on the disk.
        files: the site files that differ, by name.
        same: those that do not differ and are named one by one, if they were asked for.
        others: other files that differ.
        paths: all site files of both sides, on the disk.
        is_behind: whether the base has commits that the head does not have.
    """

    base: str
    head: str | None
    files: tuple[FileChange, ...]
    paths: tuple[Path, ...]
    is_behind: bool
    same: tuple[FileChange, ...] = ()
    others: Others = field(default_factory=Others)

    @property
    def problems(self) -> list[str]:
        """Why files after the change cannot be read, one line each."""
        return [line for file in self.files for line in file.problems]


@dataclass
class _Side:
    """The site files of one side.

    Attributes:
        object_ids: of each file, as git names its content.
        problems: why a file is not read, by name.
        contents: the content of those that were read; None for one that is too large.
    """

    object_ids: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    contents: dict[str, bytes | None] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        return {*self.object_ids, *self.problems}


def compare_revisions(base: str, head: str | None, files: Sequence[Path], *, with_same: bool = False) -> Comparison:
    """Compare the site files of two commits.

    Args:
        base: revision before the change.
        head: revision after it; None for the files on the disk.
        files: site files, or folders of them; by default `sites/*.yaml` of the current folder.
        with_same: also load those of `files` that do not differ.

    Raises:
        PlugchoiceError: git, a revision or one of `files` is not there.
    """
    repository = Repository.open()
    base_commit = repository.resolve("--base", base)
    head_commit = None if head is None else repository.resolve("--head", head)
    places = {repository.locate(path): path for path in files or (FOLDER,)}
    old = _list_commit(repository, base_commit, list(places))
    if head_commit is None:
        new = _read_disk(repository, list(places), len(base_commit))
    else:
        new = _list_commit(repository, head_commit, list(places))
    names = old.names | new.names
    for place, path in places.items():
        if not any(name == place or name.rpartition("/")[0] == place for name in names):
            raise PlugchoiceError(f"{show_path(path)}: has no site file (*.yaml) on either side; name the site files")
    differing = {
        name
        for name in names
        if name in new.problems or (old.object_ids.get(name), name in old.problems) != (new.object_ids.get(name), False)
    }
    named = set(places) & new.object_ids.keys() if with_same else set()
    for side in (old, new):
        wanted = {
            name: side.object_ids[name]
            for name in differing | named
            if name in side.object_ids and name not in side.contents
        }
        contents = repository.read(set(wanted.values()), MAX_BYTES)
        side.contents |= {name: contents[object_id] for name, object_id in wanted.items()}
    changes = sorted(_pair(old, new, differing), key=lambda item: item.path)
    others = find_others(repository, base_commit, head_commit, list(places), names)
    is_behind = bool(changes or others.files) and not repository.is_ancestor(base_commit, head_commit or "HEAD")
    paths = tuple(repository.root / name for name in sorted(names))
    same = tuple(_load_same(new, name) for name in sorted(named - {item.path for item in changes}))
    return Comparison(base_commit, head_commit, tuple(changes), paths, is_behind, same, others)


def _load_same(side: _Side, name: str) -> FileChange:
    site, problems = _load(side, name)
    return FileChange(name, name, assess_change(site, site) if site else None, problems)


def _list_commit(repository: Repository, commit: str, places: Sequence[str]) -> _Side:
    side = _Side()
    for name, entry in repository.list_tree(commit, places).items():
        if name in places or name.endswith(_ENDING):
            if entry.problem:
                side.problems[name] = entry.problem
            else:
                side.object_ids[name] = entry.object_id
    return side


def _read_disk(repository: Repository, places: Sequence[str], digits: int) -> _Side:
    """Read the files on the disk; `digits` tell with which function git names contents."""
    side = _Side()
    for place in places:
        path = repository.root / place
        is_folder = path.is_dir() and not path.is_symlink()
        for file in sorted(path.glob(f"*{_ENDING}")) if is_folder else (path,):
            name = f"{place}/{file.name}".lstrip("/") if is_folder else place
            if file.is_symlink():
                side.problems[name] = "is a link; the review reads regular files only: name the file itself"
            elif file.exists() and not file.is_dir():
                _read_one(side, name, file, digits)
    return side


def _read_one(side: _Side, name: str, file: Path, digits: int) -> None:
    try:
        content = read_file(file, MAX_BYTES)
    except FileRefused as refused:
        side.problems[name] = str(refused)
    except OSError as error:
        side.problems[name] = f"cannot be read ({printable(error.strerror or error, 100)})"
    else:
        digest = hashlib.new("sha1" if digits == 40 else "sha256", usedforsecurity=False)
        digest.update(b"blob %d\0" % len(content) + content)
        side.object_ids[name], side.contents[name] = digest.hexdigest(), content


def _pair(old: _Side, new: _Side, names: set[str]) -> Iterator[FileChange]:
    """Pair the files that differ: by name, then those with another name by the UUID of their site."""
    before = {name: _load(old, name) for name in names if name in old.names}
    after = {name: _load(new, name) for name in names if name in new.names}
    gone = {site.site.lower(): name for name, (site, _) in before.items() if site is not None and name not in after}
    for name, (site, problems) in after.items():
        old_name = name if name in before else gone.pop(site.site.lower(), None) if site is not None else None
        old_site, old_problems = (None, ()) if old_name is None else before.pop(old_name)
        if site is None:
            yield FileChange(name, old_name, None, problems, old_problems)
        elif old_name == name and _normalize(old.contents.get(name)) == _normalize(new.contents.get(name)):
            continue  # git converts line ends when it checks a file out
        else:
            yield FileChange(name, old_name, assess_change(old_site, site), (), old_problems)
    for name, (site, problems) in before.items():
        yield FileChange(name, name, assess_change(site, None) if site else None, (), problems)


def _load(side: _Side, name: str) -> tuple[SiteFile | None, tuple[str, ...]]:
    source = show_path(name)
    if name in side.problems:
        return None, (f"{source}: {side.problems[name]}",)
    try:
        return parse_bytes(side.contents[name], source), ()
    except SiteFileError as error:
        return None, tuple(error.lines)


def _normalize(content: bytes | None) -> bytes | None:
    return content and content.replace(b"\r\n", b"\n")
