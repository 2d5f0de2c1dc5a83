"""The program on its way to other machines: an archive of a commit, unpacked once on each under its hash."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import tarfile
import time
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._files import make_folder
from pulumi_plugchoice._text import list_some, printable, show_path
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.quota.pacer import find_cache_folder
from pulumi_plugchoice.review.git import Repository

if TYPE_CHECKING:
    from pulumi_plugchoice.fleet.selection import Layout

OPTION: Final = "--scheduler"
_MOST_BYTES: Final = 256 << 20
_DAYS: Final = 14
_PARTIAL: Final = ".partial-"
# Before Python 3.10.12 nothing looks at what a link leads to when it is used.
_HAS_FILTER: Final = hasattr(tarfile, "data_filter")


class ProgramRefused(PlugchoiceError):
    """A program that cannot be sent or unpacked."""


@dataclass(frozen=True)
class Program:
    """What is run on other machines.

    Attributes:
        archive: of the commit.
        name: hash of its content.
        project: folder of the project in it.
        configs: folder of the stacks' config files in it.
        reviewed: content of the file of reviewed writes; None: there is none.
    """

    archive: bytes
    name: str
    project: str
    configs: str
    reviewed: bytes | None = None


def pack_program(layout: Layout, apart: list[Path], reviewed: Path | None = None) -> Program:
    """Pack the commit of a project.

    Args:
        layout: of the project.
        apart: files that are not a part of it, such as the report that is written.
        reviewed: file of reviewed writes.

    Raises:
        ProgramRefused: something is not committed, or it is too large.
        GitFailed: git cannot tell.
        OSError: the file of reviewed writes cannot be read.
    """
    repository = Repository.open(OPTION, "run without --scheduler")
    commit = repository.resolve(OPTION, "HEAD")
    left_out = {os.path.realpath(file) for file in apart}
    differing = repository.list_changed(commit) | repository.list_new()
    changed = sorted(name for name in differing if os.path.realpath(repository.root / name) not in left_out)
    if changed:
        names = list_some([show_path(name) for name in changed], 3)
        raise ProgramRefused(
            f"{OPTION}: workers get the commit, and files are not as in it: {names}; "
            "commit them, or let git ignore them"
        )
    content = repository.archive(commit)
    if len(content) > _MOST_BYTES:
        raise ProgramRefused(f"{OPTION}: the commit has more than {_MOST_BYTES >> 20} MiB; keep large files elsewhere")
    _open(content).close()
    return Program(
        zlib.compress(content),
        hashlib.sha256(content).hexdigest(),
        repository.locate(layout.folder),
        repository.locate(layout.configs),
        None if reviewed is None else reviewed.read_bytes(),
    )


def find_folder() -> Path:
    """The folder of this machine for programs and runs of clusters."""
    return find_cache_folder() / "fleet"


def find_program(name: str) -> Path | None:
    """Find a program that has been unpacked here; None when it has not."""
    folder = find_folder() / "programs" / name
    if not folder.is_dir():
        return None
    os.utime(folder)  # it is not old
    return folder


def unpack(archive: bytes, name: str) -> Path:
    """Unpack a program, whole or not at all, and remove those that nobody has used for long.

    Args:
        archive: from `pack_program`.
        name: its hash.

    Raises:
        ProgramRefused: it is another one, or it would write outside of its folder.
        OSError: it cannot be written.
    """
    content = zlib.decompressobj().decompress(archive, _MOST_BYTES + 1)
    if hashlib.sha256(content).hexdigest() != name:
        raise ProgramRefused("the program that came is not the one that was sent; run this again")
    programs = find_folder() / "programs"
    _make_private(programs)
    prune(programs)
    partial = programs / f"{_PARTIAL}{os.urandom(6).hex()}"
    partial.mkdir()
    try:
        with _open(content) as file:
            if _HAS_FILTER:
                file.extractall(partial, filter="data")
            else:
                file.extractall(partial)  # noqa: S202 - checked, and without links
        os.utime(partial)
        partial.rename(programs / name)
    except (tarfile.TarError, ValueError) as error:
        raise ProgramRefused(f"the program cannot be unpacked: {printable(error, 150)}") from None
    except OSError:
        if not (programs / name).is_dir():  # else another process was faster
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return programs / name


def _open(content: bytes) -> tarfile.TarFile:
    """Open an archive; refuse what git never packs, and links that lead out."""
    file = tarfile.open(fileobj=io.BytesIO(content))  # noqa: SIM115 - the caller closes it
    for member in file.getmembers():
        path = PurePosixPath(member.name)
        is_inside = not path.is_absolute() and ".." not in path.parts and ".git" not in path.parts
        if member.issym():
            target = PurePosixPath(os.path.normpath(path.parent / member.linkname))
            is_inside = is_inside and _HAS_FILTER and not target.is_absolute() and ".." not in target.parts
        if not is_inside or not (member.issym() or member.isreg() or member.isdir()):
            raise ProgramRefused(f"{printable(member.name, 100)}: leads out of the program; commit the file itself")
    return file


def _make_private(folder: Path) -> None:
    make_folder(folder)
    folder.chmod(0o700)


def prune(folder: Path) -> None:
    """Remove what nobody has used for long from a folder."""
    oldest = time.time() - _DAYS * 86_400
    for entry in folder.iterdir():
        with contextlib.suppress(OSError):  # another process was faster
            if entry.stat().st_mtime < oldest:
                shutil.rmtree(entry)
