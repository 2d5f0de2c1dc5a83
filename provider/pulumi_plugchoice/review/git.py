"""Reads files from git as they are in a commit, without a checkout. Nothing is written, and links are not followed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import printable, show_path
from pulumi_plugchoice.errors import PlugchoiceError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

#: s that one command may take. A partial clone may have to fetch what is read.
PATIENCE: Final = 60.0
_ENVIRONMENT: Final = {
    "LC_ALL": "C",  # its messages are read
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "1",
}
_NOT_PASSED_ON: Final = ("PLUGCHOICE_TOKEN", "PLUGCHOICE_CLIENT_SECRET", "PULUMI_CONFIG_PASSPHRASE")
_FOREIGN: Final = re.compile(r"dubious ownership in repository at '(.*)'")
_LINK: Final = "120000"
_FILES: Final = ("100644", "100755", "100664")


class GitFailed(PlugchoiceError):
    """git cannot tell what is asked; one line."""


@dataclass(frozen=True)
class TreeEntry:
    """A file as a commit has it.

    Attributes:
        mode: as git writes it, such as `100644`.
        object_id: of its content.
    """

    mode: str
    object_id: str

    @property
    def problem(self) -> str:
        """Why it is not read; empty for a regular file."""
        if self.mode in _FILES:
            return ""
        what = "a link" if self.mode == _LINK else "not a file"
        return f"is {what} in git; the review reads regular files only: commit the file itself"


@dataclass(frozen=True)
class Repository:
    """The repository of the current folder.

    Attributes:
        program: path of git.
        root: folder of the work tree.
        is_shallow: whether commits are missing, as in most checkouts of continuous integration.
    """

    program: str
    root: Path
    is_shallow: bool

    @staticmethod
    def open(option: str = "--base", instead: str = "compare two files with --before") -> Repository:
        """Find git, and the repository of the current folder.

        Args:
            option: what needs it, for a message.
            instead: what works without it, for a message.

        Raises:
            GitFailed: there is none.
        """
        program = shutil.which("git")
        if program is None:
            raise GitFailed(f"git: not found on PATH; install it, or {instead}")
        repository = Repository(program, Path(), is_shallow=False)
        done = repository._run("rev-parse", "--show-toplevel", "--is-shallow-repository")
        if done.returncode != 0:
            if b"not a git repository" in done.stderr:
                raise GitFailed(
                    f"{option}: the current folder is not in a git repository; run this in one, or {instead}"
                )
            foreign = _FOREIGN.search(os.fsdecode(done.stderr))
            if foreign:
                raise GitFailed(
                    f"{option}: git does not read this repository, because its folder belongs to another user; if it "
                    f"is yours: git config --global --add safe.directory {show_path(foreign[1])}"
                )
            raise _explain("rev-parse", done)
        root, shallow = os.fsdecode(done.stdout).rsplit("\n", 2)[:2]
        return Repository(program, Path(root), is_shallow=shallow == "true")

    def resolve(self, option: str, revision: str) -> str:
        """Return the commit that a revision names.

        Args:
            option: with which it was given, for a message.
            revision: a branch, tag or commit.

        Raises:
            GitFailed: there is no such commit here.
        """
        name = f"{option} {printable(revision, 100)}"
        commit = self.find(option, revision)
        if commit is not None:
            return commit
        if self.is_shallow:
            raise GitFailed(
                f"{name}: there is no such commit in this shallow clone; fetch it (git fetch --depth=1 origin "
                f"{printable(revision, 100)}), or clone with the whole history (actions/checkout: fetch-depth: 0; "
                "GitLab: GIT_DEPTH: 0)"
            )
        remote = f"origin/{revision}"
        advice = (
            f"did you mean {printable(remote, 100)}?" if self._find_commit(remote) else "name one of this repository"
        )
        raise GitFailed(f"{name}: there is no such branch, tag or commit here; {advice}")

    def find(self, option: str, revision: str) -> str | None:
        """Return the commit that a revision names; None when there is none here.

        Raises:
            GitFailed: nothing could ever be named so.
        """
        if revision.startswith("-") or not revision.strip() or "\0" in revision:
            given = printable(revision, 100) or "''"  # a variable that is not set
            raise GitFailed(f"{option} {given}: is not a revision; name a branch, tag or commit")
        return self._find_commit(revision)

    def _find_commit(self, revision: str) -> str | None:
        done = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        text = done.stdout.decode(errors="replace").strip()
        return text if done.returncode == 0 and text.isalnum() else None

    def is_ancestor(self, base: str, head: str) -> bool:
        """Whether the head contains all commits of the base; True as well when a shallow clone cannot tell."""
        return self.is_shallow or self._run("merge-base", "--is-ancestor", base, head).returncode != 1

    def locate(self, path: Path) -> str:
        """Return the name of a path in the repository: from its root, with slashes.

        Raises:
            GitFailed: it is outside.
        """
        # Not resolved: git knows a link as such.
        absolute = os.path.abspath(path)  # noqa: PTH100 - see above
        for given in (absolute, os.path.join(os.path.realpath(os.path.dirname(absolute)), os.path.basename(absolute))):  # noqa: PTH118, PTH119, PTH120 - as text
            name = os.path.relpath(given, self.root)
            if name != ".." and not name.startswith(f"..{os.sep}"):
                return "" if name == "." else name.replace(os.sep, "/")
        raise GitFailed(f"{show_path(path)}: is not in the git repository of the current folder; name files that are")

    def list_changed(self, commit: str, other: str | None = None) -> set[str]:
        """List the files of two commits that differ.

        Args:
            commit: the one.
            other: the other; None for the work tree, staged or not, without the files of `list_new`.

        Raises:
            GitFailed: a commit cannot be read.
        """
        commits = [commit] if other is None else [commit, other]
        options = ("--no-renames", "--ignore-submodules=none")  # whatever the user's own settings are
        differing = self._check("diff", "--name-only", "-z", *options, *commits, "--", folder=self.root)
        return {os.fsdecode(name) for name in differing.split(b"\0") if name}

    def list_new(self) -> set[str]:
        """List the files of the work tree that nobody has added to git, and that it is not told to ignore.

        Raises:
            GitFailed: they cannot be listed.
        """
        return {os.fsdecode(name) for name in self._list("--others") if name}

    def list_known(self) -> set[str]:
        """List the files of the work tree that git knows, or would add.

        Raises:
            GitFailed: they cannot be listed.
        """
        return {os.fsdecode(name) for name in self._list("--cached", "--others") if name}

    def _list(self, *options: str) -> list[bytes]:
        return self._check("ls-files", "-z", "--exclude-standard", *options, folder=self.root).split(b"\0")

    def list_tree(self, commit: str, paths: Sequence[str]) -> dict[str, TreeEntry]:
        """List what a commit has at these paths and, for a folder, directly in it. Folders are left out.

        Raises:
            GitFailed: the commit cannot be read.
        """
        found: dict[str, TreeEntry] = {}
        for path in paths:
            # A folder is listed with all that is below it, but not the whole repository.
            place = ("-r", commit, "--", path) if path else (commit,)
            done = self._check("ls-tree", "-z", "--full-tree", *place)
            for line in done.split(b"\0"):
                description, _, name = line.partition(b"\t")
                fields = description.decode(errors="replace").split()
                file = os.fsdecode(name)
                if len(fields) == 3 and fields[1] != "tree" and (file == path or file.rpartition("/")[0] == path):
                    found[file] = TreeEntry(fields[0], fields[2])
        return found

    def read(self, object_ids: Collection[str], most_bytes: int) -> dict[str, bytes | None]:
        """Read the contents of files; None for one that is larger than `most_bytes`.

        Raises:
            GitFailed: one of them is not here.
        """
        sizes: dict[str, int] = {}
        for line in self._ask("--batch-check", object_ids).decode(errors="replace").splitlines():
            object_id, _, rest = line.partition(" ")
            kind, _, size = rest.partition(" ")
            if kind != "blob":
                raise GitFailed(
                    f"git: a file of the commit is not here ({object_id[:12]} {kind}); fetch the commit again"
                )
            sizes[object_id] = int(size)
        contents: dict[str, bytes | None] = dict.fromkeys(sizes)
        small = [object_id for object_id, size in sizes.items() if size <= most_bytes]
        output = self._ask("--batch", small)
        place = 0
        for object_id in small:
            place = output.index(b"\n", place) + 1
            contents[object_id] = output[place : place + sizes[object_id]]
            place += sizes[object_id] + 1
        return contents

    def archive(self, commit: str) -> bytes:
        """Pack all files of a commit as a tar archive.

        Raises:
            GitFailed: the commit cannot be read.
        """
        return self._check("archive", "--format=tar", commit, folder=self.root)

    def _ask(self, option: str, object_ids: Iterable[str]) -> bytes:
        text = "".join(f"{object_id}\n" for object_id in object_ids)
        return self._check("cat-file", option, content=text.encode()) if text else b""

    def _check(self, *arguments: str, content: bytes = b"", folder: Path | None = None) -> bytes:
        done = self._run(*arguments, content=content, folder=folder)
        if done.returncode != 0:
            raise _explain(arguments[0], done)
        return done.stdout

    def _run(
        self, *arguments: str, content: bytes = b"", folder: Path | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        variables = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
        try:
            return subprocess.run(  # noqa: S603 - git as found on PATH; a revision never begins with `-`
                [self.program, "--no-pager", *arguments],
                cwd=folder,
                env={**variables, **_ENVIRONMENT},
                input=content,
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise GitFailed(f"git {arguments[0]}: does not end within {PATIENCE:g} s; try it by hand") from None
        except (OSError, ValueError) as error:
            reason = printable(getattr(error, "strerror", None) or error, 100)
            raise GitFailed(f"git: cannot be started ({reason}); install it") from None


def _explain(command: str, done: subprocess.CompletedProcess[bytes]) -> GitFailed:
    """Make an error of what git printed: its first line with `fatal:`, or else its last line."""
    lines = [line.strip() for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    reason = (fatal or lines[-1:] or ["no output"])[0]
    return GitFailed(
        printable(f"git {command}: exit status {done.returncode}: {reason}; run it by hand to see more", 500)
    )
