"""Finds the site files that a command of many sites works on, and loads them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._files import Identity, identify
from pulumi_plugchoice._text import show_path
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.sitefile.load import SiteFileError, load_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pulumi_plugchoice.sitefile.model import SiteFile

#: Where a project keeps its site files.
FOLDER: Final = Path("sites")


@dataclass(frozen=True)
class Declaration:
    """A site file.

    Attributes:
        file: its path.
        site: what it declares; None when it cannot be used.
        text: as it was read.
        identity: what `identify` returned before it was read.
        problem: why it cannot be used; one line that begins with the file.
    """

    file: Path
    site: SiteFile | None = None
    text: str = ""
    identity: Identity | None = None
    problem: str = ""


def find_site_files(paths: Sequence[Path]) -> list[Path]:
    """Find the site files among files and folders; `sites/*.yaml` when none is named. Each file comes once.

    Raises:
        PlugchoiceError: a folder has no site file.
    """
    found: dict[str, Path] = {}
    for path in paths or (FOLDER,):
        for file in _list_folder(path) if path.is_dir() or not paths else (path,):
            found.setdefault(os.path.realpath(file), file)
    return list(found.values())


def find_files_at_hand(paths: Sequence[Path] = ()) -> list[Path]:
    """Find the site files as `find_site_files` does; none is needed when none is named.

    Raises:
        PlugchoiceError: a folder that is named has no site file.
    """
    return find_site_files(paths) if paths or any(FOLDER.glob("*.yaml")) else []


def pick_declaration(files: Iterable[Path], site: str) -> tuple[Declaration | None, list[str]]:
    """Pick the site file that declares a site.

    Args:
        files: site files.
        site: UUID, lower case.

    Returns:
        The file, or None; and why it is not known which one it is, one line each.
    """
    declarations = [_load(file) for file in files]
    found = [item for item in declarations if item.site is not None and item.site.site.lower() == site]
    if len(found) > 1:
        return None, [_refuse_second(found[0], {site: [item.file for item in found]}).problem]
    return (found[0], []) if found else (None, [item.problem for item in declarations if item.problem])


def _list_folder(folder: Path) -> list[Path]:
    files = sorted(file for file in folder.glob("*.yaml") if not file.is_dir())
    if not files:
        reason = "has no site file (*.yaml)" if folder.is_dir() else "there is no such folder here"
        raise PlugchoiceError(f"{show_path(folder)}: {reason}; name the site files, or run this where `sites/` is")
    return files


def load_declarations(files: Iterable[Path]) -> list[Declaration]:
    """Load the site files. One with mistakes, and two that declare the same site, cannot be used."""
    loaded: list[Declaration] = []
    by_site: dict[str, list[Path]] = {}
    for declaration in map(_load, files):
        loaded.append(declaration)
        if declaration.site is not None:
            by_site.setdefault(declaration.site.site.lower(), []).append(declaration.file)
    return [_refuse_second(declaration, by_site) for declaration in loaded]


def load_declaration(file: Path) -> Declaration:
    """Load a site file.

    Raises:
        SiteFileError: it cannot be used.
    """
    identity = identify(file)
    site, text = load_text(file)
    return Declaration(file, site, text, identity)


def _load(file: Path) -> Declaration:
    try:
        return load_declaration(file)
    except SiteFileError as error:
        return Declaration(file, problem=str(error))


def _refuse_second(declaration: Declaration, by_site: dict[str, list[Path]]) -> Declaration:
    if declaration.site is None:
        return declaration
    site = declaration.site.site.lower()
    others = [file for file in by_site[site] if file != declaration.file]
    if not others:
        return declaration
    problem = f"{show_path(declaration.file)}: declares site {site}, as {show_path(others[0])} does; keep one of them"
    return Declaration(declaration.file, problem=problem)
