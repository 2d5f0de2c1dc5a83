"""Imports adopted sites into their stacks, and proves it: the preview afterwards changes nothing."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_plugchoice._files import exists, identify, make_folder, write_files
from pulumi_plugchoice._text import list_some, plural, printable
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.site import COMPONENT, name_balance

from .import_file import format_import_file, list_entries
from .project import IMPORT_FOLDER
from .stacks import CommandFailed, name_resource

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .adopt import AdoptedSite
    from .import_file import Entry
    from .stacks import Stacks


@dataclass(frozen=True)
class Imported:
    """What an import has done.

    Attributes:
        text: one line that begins with the stack.
        is_proven: whether nothing is left to do, or a preview has shown what was expected.
    """

    text: str
    is_proven: bool = True


def make_import_file(project: Path, adopted: AdoptedSite) -> tuple[Path, bytes]:
    """Make the import file of a whole site: its path and content."""
    assert adopted.text is not None  # noqa: S101 - of sites without a problem
    return _locate(project, adopted), format_import_file(list_entries(adopted.text.site, adopted.values)).encode()


def _locate(project: Path, adopted: AdoptedSite) -> Path:
    return project / IMPORT_FOLDER / f"{adopted.stack}.json"


def import_site(stacks: Stacks, adopted: AdoptedSite, others: Iterable[str] = ()) -> Imported:
    """Import what the stack of a site lacks, creating the stack if there is none, and run a preview of it.

    Args:
        stacks: the stacks of the project.
        adopted: the site.
        others: stacks without a site file; one of them may have the site, if its file was renamed.

    Raises:
        PlugchoiceError: the CLI or the file system refuses something.
    """
    assert adopted.text is not None  # noqa: S101 - of sites without a problem
    stack = adopted.stack
    resources = stacks.read(stack)
    if resources is None:
        for other in sorted(others):
            if any(item.get("id") == adopted.uuid for item in stacks.read(other) or ()):
                raise PlugchoiceError(
                    f"the stack {other} has this site; run `pulumi stack rename {stack} --stack {other}`, or name the "
                    f"file {other}.yaml"
                )
        stacks.create(stack)
        resources = []
    urns = {name_resource(str(item.get("urn"))): str(item.get("urn")) for item in resources}
    ids = {str(item["id"]): name_resource(str(item.get("urn"))) for item in resources if "id" in item}
    balance = ids.get(adopted.uuid)
    if balance not in (None, name_balance(COMPONENT)):
        raise PlugchoiceError(
            f"the stack has this site as {printable(balance, 80)}; its program is not `ChargingSite.for_stack()`"
        )
    entries = list_entries(adopted.text.site, adopted.values)
    lacking = [entry for entry in entries if entry["name"] not in urns and entry.get("id") not in ids]
    file = _locate(stacks.project, adopted)
    if not lacking:
        # Its import file is still there: an earlier run was stopped, or its preview was not good.
        result = _prove_again(stacks, stack) if exists(file) else Imported(f"{stack}: nothing to import")
    else:
        result = _import(stacks, stack, file, lacking, {COMPONENT: urns[COMPONENT]} if COMPONENT in urns else {})
    if result.is_proven:
        with contextlib.suppress(OSError):
            file.unlink()
            file.parent.rmdir()  # unless it has another site's
    return result


def _import(stacks: Stacks, stack: str, file: Path, lacking: list[Entry], names: dict[str, str]) -> Imported:
    content = format_import_file(lacking, names).encode()
    make_folder(file.parent)
    write_files({file: content}, {file: identify(file)})
    stacks.take(stack, file)
    try:
        changes = stacks.list_changes(stack)
    except CommandFailed as error:
        return Imported(f"{stack}: imported {_count(lacking)}; its preview fails: {error}", is_proven=False)
    return _prove(stack, lacking, changes, is_first=not names)


def _prove_again(stacks: Stacks, stack: str) -> Imported:
    """Run the preview of a stack that lacks nothing, and that no preview has proven."""
    changes = stacks.list_changes(stack)
    if not changes:
        return Imported(f"{stack}: nothing to import; preview: no changes")
    return Imported(f"{stack}: nothing to import; preview: {_show(stack, changes)}", is_proven=False)


def _show(stack: str, changes: list[tuple[str, str]]) -> str:
    return f"{_list_changes(changes)}; run `pulumi preview --stack {stack} --diff`"


def _list_changes(changes: list[tuple[str, str]]) -> str:
    return list_some([f"{operation} {printable(name, 60)}" for operation, name in changes], 10)


def _count(lacking: list[Entry]) -> str:
    names = {entry["name"] for entry in lacking}
    return plural(len(names - {COMPONENT, name_balance(COMPONENT)}), "connector")


def _prove(stack: str, lacking: list[Entry], changes: list[tuple[str, str]], *, is_first: bool) -> Imported:
    """Judge the preview after an import: nothing changes, or only what was in the stack before."""
    names = {entry["name"] for entry in lacking}
    done = f"{stack}: imported {_count(lacking)}"
    if not changes:
        return Imported(f"{done}; preview: no changes")
    if is_first or any(name in names for _, name in changes):
        return Imported(f"{done}; preview: {_show(stack, changes)}", is_proven=False)
    return Imported(f"{done}; preview: they are unchanged; `pulumi up` does the rest: {_list_changes(changes)}")
