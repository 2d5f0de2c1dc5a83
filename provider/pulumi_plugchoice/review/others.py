"""The files besides the site files that differ between two sides. A review does not cover them, so it names them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._files import FileRefused, read_file
from pulumi_plugchoice._text import printable
from pulumi_plugchoice.sitefile.yaml_text import MAX_BYTES, parse

from .markdown import code, table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from .git import Repository

PROJECT_FILES: Final = ("Pulumi.yaml", "Pulumi.yml", "Pulumi.json")
STACK_CONFIG: Final = re.compile(r"Pulumi\.(.+)\.ya?ml")
DEPENDENCIES: Final = re.compile(
    r"(.*[-_.])?requirements([-_.].*)?\.(txt|in)|constraints.*\.txt|pyproject\.toml|setup\.(cfg|py)|Pipfile(\.lock)?"
    r"|(uv|poetry|pdm)\.lock|pylock(\..+)?\.toml|\.python-version"
)
# What no program needs in order to run.
_HARMLESS: Final = re.compile(r"\..*|.*\.(md|rst|svg|png|html)|LICENSE.*|CODEOWNERS|.*\.schema\.json")
_HARMLESS_FOLDERS: Final = ("docs", "tests", "imports")
_WORKFLOW: Final = re.compile(r"\.github/(workflows|actions)/.+|\.gitlab-ci\.yml|\.gitlab/.+")

#: What each kind of file can change, in the order in which they are listed.
KINDS: Final = {
    "stack config": "options of a stack",
    "project file": "how the program is run, and options of all stacks",
    "workflow": "what a job does, and with which secrets",
    "dependencies": "which code is run, the provider too",
    "site file": "its site; it is not among the reviewed files",
    "program": "what is declared besides the site files",
}
#: The title of the part of a review that names them.
OTHER_FILES: Final = "**Other files changed; the review and its digest do not cover them**"
_MOST_ROWS: Final = 50
_NAMESPACE: Final = "plugchoice:"
_NOT_SHOWN: Final = "a value that is not shown"
_ADDRESS: Final = "plugchoice:baseUrl"
# Not a credential. The value of another option is not shown.
_SHOWN: Final = (_ADDRESS, "plugchoice:site", "plugchoice:clientId")


@dataclass(frozen=True)
class Option:
    """An option of the provider that a stack config sets to another value.

    Attributes:
        name: as in `plugchoice:baseUrl`.
        old: for people; None when it was not set.
        new: for people; None when it is not set.
    """

    name: str
    old: str | None
    new: str | None


@dataclass(frozen=True)
class OtherFile:
    """A file that can change what an update does.

    Attributes:
        path: its name from the root of the repository.
        kind: a key of `KINDS`.
        options: of a stack config; those of the provider that differ. None when they cannot be read.
    """

    path: str
    kind: str
    options: tuple[Option, ...] | None = ()


@dataclass(frozen=True)
class Others:
    """The files besides the site files that differ.

    Attributes:
        files: those that can change what an update does.
        more: the number of all others: documents, tests, hidden files, other folders.
    """

    files: tuple[OtherFile, ...] = ()
    more: int = 0


def find_others(
    repository: Repository, base: str, head: str | None, places: Sequence[str], reviewed: Collection[str]
) -> Others:
    """Find the files that differ and are not reviewed.

    Args:
        repository: with both sides.
        base: commit of the one side.
        head: commit of the other; None for the files on the disk.
        places: where site files were looked for, by their names in the repository.
        reviewed: the names of all site files that were found there.

    Raises:
        GitFailed: the sides cannot be read.
    """
    names = repository.list_changed(base, head) - set(reviewed)
    new = set() if head is not None else repository.list_new() - names - set(reviewed)
    projects = {_find_project(repository, place) for place in (repository.locate(Path()), *places)}
    folders = {name.rpartition("/")[0] for name in reviewed}
    kinds: dict[str, str] = {}
    more = 0
    for name in sorted(names | new):
        kind = _classify(PurePosixPath(name), projects, folders)
        if kind is None or (name in new and kind == "program" and not name.endswith(".py")):
            more += name not in new  # the output of another command, such as a report, is none
        else:
            kinds[name] = kind
    configs = [name for name, kind in kinds.items() if kind == "stack config"]
    old = _read_commit(repository, base, configs)
    new_texts = _read_disk(repository, configs) if head is None else _read_commit(repository, head, configs)
    found = [
        OtherFile(name, kind, _compare_options(old[name], new_texts[name]) if name in old else ())
        for name, kind in kinds.items()
    ]
    return Others(tuple(sorted(found, key=_rank)), more)


def _rank(file: OtherFile) -> tuple[int, int]:
    """The order of reading: no flood of files hides one that sends the token elsewhere."""
    options = file.options
    urgency = 1 if options is None else 0 if any(item.name == _ADDRESS for item in options) else 2 if options else 3
    return list(KINDS).index(file.kind), urgency


def _find_project(repository: Repository, place: str) -> PurePosixPath:
    """The nearest folder above with a project file; without one, the root of the repository."""
    folder = PurePosixPath(place)
    for path in (folder, *folder.parents):
        if any(os.path.lexists(repository.root / path / name) for name in PROJECT_FILES):
            return path
    return PurePosixPath()


def _classify(path: PurePosixPath, projects: Collection[PurePosixPath], folders: Collection[str]) -> str | None:
    above = {folder for project in projects for folder in (project, *project.parents)}
    if _WORKFLOW.fullmatch(path.as_posix()):
        return "workflow"
    if path.parent in above and DEPENDENCIES.fullmatch(path.name):
        return "dependencies"
    inside = [path.relative_to(project) for project in projects if path.is_relative_to(project)]
    if path.name in PROJECT_FILES and inside:
        return "project file"
    if STACK_CONFIG.fullmatch(path.name) and inside:
        return "stack config"
    if path.suffix == ".yaml" and path.as_posix().rpartition("/")[0] in folders:
        return "site file"
    return "program" if any(not is_harmless(part) for part in inside) else None


def is_harmless(path: PurePosixPath) -> bool:
    """Whether no program needs a file of the project in order to run: documents, tests, hidden files."""
    is_hidden = any(part.startswith(".") for part in path.parts)
    return is_hidden or path.parts[0] in _HARMLESS_FOLDERS or bool(_HARMLESS.fullmatch(path.name))


def _compare_options(before: bytes | None, after: bytes | None) -> tuple[Option, ...] | None:
    old, new = _read_options(before), _read_options(after)
    if old is None or new is None:
        return None
    keys = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    return tuple(Option(printable(key, 80), _show(key, old.get(key)), _show(key, new.get(key))) for key in keys)


def _read_commit(repository: Repository, commit: str, names: Sequence[str]) -> dict[str, bytes | None]:
    """The contents of files in a commit: empty for one that is not there, None for one that is not read."""
    entries = repository.list_tree(commit, sorted({name.rpartition("/")[0] for name in names}))
    found = {name: entries[name] for name in names if name in entries}
    contents = repository.read({entry.object_id for entry in found.values() if not entry.problem}, MAX_BYTES)
    return {name: contents.get(found[name].object_id) if name in found else b"" for name in names}


def _read_disk(repository: Repository, names: Sequence[str]) -> dict[str, bytes | None]:
    contents: dict[str, bytes | None] = {}
    for name in names:
        path = repository.root / name
        try:
            contents[name] = read_file(path, MAX_BYTES) if os.path.lexists(path) else b""
        except (OSError, FileRefused):
            contents[name] = None
    return contents


def _read_options(content: bytes | None) -> dict[str, object] | None:
    """The options of the provider in a stack config; None when it cannot be read."""
    document = parse((content or b"").decode(errors="replace"))
    if content is None or not document.is_complete or document.findings:
        return None
    config = document.data.get("config") if isinstance(document.data, dict) else None
    # The engine also reads the older spelling, `plugchoice:config:baseUrl`.
    options = {
        key.replace(":config:", ":", 1): value for key, value in (config if isinstance(config, dict) else {}).items()
    }
    return {key: value for key, value in options.items() if key.startswith(_NAMESPACE)}


def _show(key: str, value: object) -> str | None:
    if value is None:
        return None
    return printable(value, 200) if key in _SHOWN and isinstance(value, str) else _NOT_SHOWN


def describe_others(others: Others) -> list[str]:
    """The lines of the part of a review about them, with an empty line at the end."""
    lines = []
    if others.files:
        rows = [(code(file.path, 300), file.kind, _describe(file)) for file in others.files[:_MOST_ROWS]]
        if len(others.files) > _MOST_ROWS:
            rows.append((f"and {len(others.files) - _MOST_ROWS} more", "", ""))
        lines += [OTHER_FILES, "", *table(("File", "What", "It can change"), rows), ""]
    if others.more:
        verb = "file differs" if others.more == 1 else "files differ"
        lines += [f"{others.more} more {verb}: documents, tests, hidden files, other folders.", ""]
    return lines


def _describe(file: OtherFile) -> str:
    return "; ".join([KINDS[file.kind], *_describe_options(file)])


def _describe_options(file: OtherFile) -> Iterator[str]:
    if file.options is None:
        yield "it cannot be read here"
    for option in file.options or ():
        where = ", where the token is sent" if option.name == _ADDRESS else ""
        old, new = (
            value if value == _NOT_SHOWN else code(value or "") or "not set" for value in (option.old, option.new)
        )
        yield f"{code(option.name)} {old} → {new}{where}"
