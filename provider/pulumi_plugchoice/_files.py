"""Files: reading one that somebody else wrote, and writing without ever leaving half of one.

A checkout of a fork's pull request can contain links to anything. So a link is followed only within the project, which
is the folder with `.git`; without one it is the folder with `Pulumi.yaml`, else the current folder or, for a file
elsewhere, the file's own folder.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from ._text import printable, show_path
from .errors import PlugchoiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Windows has none of these, and opens files as text without the last.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)

Identity = tuple[int, int, int, int]

_ADVICE = {
    errno.ENOENT: "name a file in a folder that exists",
    errno.ENOSPC: "free space on the disk, or name a file on another one",
    errno.EACCES: "name a file that you may write",
    errno.EISDIR: "name a file, not a folder",
}
# For files that the user has not named.
_OWN_ADVICE = {
    errno.ENOSPC: "free space on the disk",
    errno.EACCES: "let this user write there",
    errno.EROFS: "let this user write there",
}


class WriteFailed(PlugchoiceError):
    """A file cannot be written; the message names it."""


class FileRefused(PlugchoiceError):
    """A file that is not read or written.

    Attributes:
        reason: why, without the name of the file.
        suggestion: what to do.
    """

    def __init__(self, reason: str, suggestion: str) -> None:
        self.reason = reason
        self.suggestion = suggestion
        super().__init__(f"{reason}; {suggestion}")


def resolve(path: Path) -> Path:
    """Return the real path of a file.

    Raises:
        FileRefused: a link leads out of the project, or into its .git folder.
        OSError: the path cannot be resolved.
    """
    real = Path(os.path.realpath(path))
    for project in _find_projects(path):
        if not real.is_relative_to(os.path.realpath(project)):
            raise FileRefused("is a link that leads out of the project", "name a file that is in the project")
    # What is in there may hold a token, or run with git's next command.
    if _is_in_git(real) and not _is_in_git(Path(os.path.abspath(path))):  # noqa: PTH100 - as below
        raise FileRefused("is a link that leads into a .git folder", "name a file that is in the project")
    return real


def _is_in_git(path: Path) -> bool:
    return any(part.lower() == ".git" for part in path.parts)


def _find_projects(path: Path) -> list[Path]:
    """Find the folders that a link must not leave: one as a rule, more for a checkout inside of another."""
    # Not resolved: a link must not choose its project. `..` is taken out as it is written, for the same reason.
    folder = Path(os.path.abspath(path)).parent  # noqa: PTH100 - Path.resolve() follows links
    folders = [folder, *folder.parents]
    for mark in (".git", "Pulumi.yaml"):
        marked = [above for above in folders if os.path.lexists(above / mark)]
        if marked:
            return marked
    with contextlib.suppress(OSError):  # the current folder may have been deleted
        if Path.cwd() in folders:
            return [Path.cwd()]
    return [folder]


def exists(path: Path) -> bool:
    """Whether there is anything with that path; False for one that there cannot be."""
    return os.path.lexists(path)


def read_file(path: Path, most_bytes: int) -> bytes:
    """Read a regular file, without waiting for it and without more memory than `most_bytes`.

    Raises:
        FileRefused: it is not a regular file, is larger, or a link leads out of the project.
        OSError: it cannot be read.
    """
    descriptor = os.open(resolve(path), _READ)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileRefused("is not a regular file", "name a file")
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise FileRefused(f"is larger than {most_bytes >> 20} MiB", "is it the right file?")
    return content


def identify(path: Path) -> Identity | None:
    """Return what changes with each change of a file; None when there is no such file."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def write_files(
    contents: Mapping[Path, bytes], seen: Mapping[Path, Identity | None] | None = None, *, is_own: bool = False
) -> None:
    """Write files, each as a whole: neither a reader nor a full disk leaves half of one.

    All contents are on the disk before the first file is replaced. A link stays, and so do mode and owner of a file.

    Args:
        contents: by path.
        seen: what `identify` returned before the contents were made. Nothing is written if somebody else has changed
            one of these files since then.
        is_own: whether these are files of ours, so that the user cannot name another one.

    Raises:
        WriteFailed: a file cannot be written. None has changed, unless the last step, a rename, failed.
    """
    written: list[tuple[Path, Path, Path]] = []
    try:
        for path, content in contents.items():
            with name_errors(path, is_own=is_own):
                real = resolve(path)
                new = real.parent / f".plugchoice-{os.urandom(6).hex()}"
                written.append((path, new, real))  # before it exists: whatever happens then, it is removed
                descriptor = _create(new, real)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(descriptor)
        for path, identity in (seen or {}).items():
            if identify(path) != identity:
                raise WriteFailed(f"{show_path(path)}: changed while the command ran; run it again")
        for path, new, real in written:
            with name_errors(path, is_own=is_own):
                new.replace(real)
    finally:
        for _, new, _ in written:
            with contextlib.suppress(OSError):
                new.unlink()


def make_folder(path: Path, *, is_own: bool = False) -> None:
    """Make a folder, and those above it, if they are not there.

    Args:
        path: of the folder.
        is_own: as in `write_files`.

    Raises:
        WriteFailed: it cannot be made.
    """
    with name_errors(path, is_own=is_own):
        path.mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def name_errors(path: Path, *, is_own: bool = False) -> Iterator[None]:
    """Name a file or folder, and what to do, in an error.

    Args:
        path: what is written in the block.
        is_own: as in `write_files`.

    Raises:
        WriteFailed: it cannot be written.
    """
    try:
        yield
    except FileRefused as refused:
        raise WriteFailed(f"{show_path(path)}: {refused}") from None
    except (OSError, ValueError) as error:
        number = getattr(error, "errno", None) or 0
        advice = (
            _OWN_ADVICE.get(number, "look at what is there") if is_own else _ADVICE.get(number, "name another file")
        )
        reason = getattr(error, "strerror", None) or error
        raise WriteFailed(f"{show_path(path)}: cannot be written: {printable(reason, 100)}; {advice}") from None


def _create(new: Path, real: Path) -> int:
    """Open a file that will replace `real`, with its mode and owner."""
    try:
        old = real.stat()
    except FileNotFoundError:
        return os.open(new, _CREATE, 0o666)
    if stat.S_ISDIR(old.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(old.st_mode):
        raise FileRefused("is not a regular file", "name a file")
    if not os.access(real, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    descriptor = os.open(new, _CREATE, 0o600)
    with contextlib.suppress(PermissionError, AttributeError):  # only root may give a file away; Windows has no owners
        os.chown(new, old.st_uid, old.st_gid)
    new.chmod(stat.S_IMODE(old.st_mode))
    return descriptor
