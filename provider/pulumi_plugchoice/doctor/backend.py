"""Checks the backend that keeps the stacks, the passphrase that it needs, and the stacks themselves. Writes nothing.

A folder is looked at by itself. The CLI asks any other backend; `PULUMI_DIY_BACKEND_LEGACY_LAYOUT` keeps it from
writing its `meta.yaml` to one that is still empty. Stacks are asked for by name: a list takes minutes on object stores.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from pulumi_plugchoice._text import hide, list_some, plural, printable, show_path

from .children import CannotRun, run
from .engine import QUIET
from .report import Check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .project import Project

_PHRASE: Final = "PULUMI_CONFIG_PASSPHRASE"
_PHRASE_FILE: Final = "PULUMI_CONFIG_PASSPHRASE_FILE"
_URL: Final = "PULUMI_BACKEND_URL"
_SUFFIXES: Final = (".json", ".json.gz", ".json.zst")
_RENAME: Final = "rename the file: the name of a stack has letters, digits, '.', '_' and '-'"
_STACK_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_ERROR: Final = re.compile(r"^error: (.*)", re.MULTILINE | re.DOTALL)
# Each is a start of the CLI.
_MOST_STACKS: Final = 20
_MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Backend:
    """Where the stacks are.

    Attributes:
        url: as the CLI has it; may contain a password.
        source: what names it.
    """

    url: str
    source: str

    @property
    def folder(self) -> Path | None:
        """The folder of a `file://` backend; None for another one."""
        if not self.url.startswith("file://"):
            return None
        path = unquote(self.url.removeprefix("file://").partition("?")[0])
        return Path(os.path.abspath(os.path.expanduser(path or ".")))  # noqa: PTH100, PTH111 - as the CLI does

    @property
    def is_service(self) -> bool:
        """Whether it is Pulumi Cloud, or a server of that kind, which encrypts secrets by itself."""
        return self.url.startswith(("https://", "http://"))

    @property
    def is_database(self) -> bool:
        """Whether it is one in which the CLI creates a table when it looks."""
        return self.url.startswith(("postgres://", "postgresql://"))

    @property
    def name(self) -> str:
        """For messages: without user, password and query."""
        try:
            parts = urlsplit(self.url)
            host = parts.netloc.rpartition("@")[2]
        except ValueError:
            return "an invalid URL"
        return printable(f"{parts.scheme}://{host}{parts.path}" if parts.scheme else "an invalid URL", 150)


def find_backend(project: Project | None, environment: Mapping[str, str]) -> Backend | None:
    """Find the backend as the CLI does: the environment, the project, the log-in; None when there is none."""
    hide(environment.get("PULUMI_ACCESS_TOKEN", ""))
    if environment.get(_URL):
        found = Backend(environment[_URL], _URL)
    elif project is not None and project.backend:
        found = Backend(project.backend, f"{project.file.name}")
    else:
        home = environment.get("PULUMI_CREDENTIALS_PATH") or environment.get("PULUMI_HOME") or "~/.pulumi"
        url = _read_current(Path(os.path.expanduser(home)) / "credentials.json")  # noqa: PTH111 - stays without a home
        if not url and environment.get("PULUMI_ACCESS_TOKEN"):
            url = "https://api.pulumi.com"
        if not url:
            return None
        found = Backend(url, "pulumi login")
    with contextlib.suppress(ValueError):
        hide(unquote(urlsplit(found.url).password or ""))
    return found


def _read_current(file: Path) -> str:
    try:
        if not file.is_file():
            return ""
        with file.open("rb") as content:  # a link out of the project is usual here
            current = json.loads(content.read(_MOST_BYTES))["current"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    return current if isinstance(current, str) else ""


def check_backend(backend: Backend | None, cli: Path | None, folder: Path, environment: Mapping[str, str]) -> Check:
    """Check that the backend can be reached.

    Args:
        backend: what `find_backend` returned.
        cli: one that can be used.
        folder: the current folder.
        environment: the process's.
    """
    name = "backend"
    if backend is None:
        return Check.failure(
            name,
            f"{_URL} is not set, and nobody is logged in",
            f"set {_URL}, for a folder to file:///path/of/the/folder, or run `pulumi login`",
        )
    where = f"{backend.name} ({backend.source})"
    if backend.folder is not None:
        return _check_folder(name, backend.folder, where)
    if backend.is_database:
        return Check.ok(name, f"{where}; not looked at, because the CLI creates its table when it looks")
    if cli is None:
        return Check.warning(name, f"{where}: not checked, because there is no usable CLI", "install the CLI")
    try:
        done = run([str(cli), "whoami", "--non-interactive"], folder, {**environment, **QUIET})
    except CannotRun as reason:
        return Check.failure(name, f"{where}: `pulumi whoami` {reason}", "check the URL, and the way to it")
    if done.status != 0:
        error = _ERROR.search(done.output)
        told = printable(error[1] if error else done.output, 200) or f"exit status {done.status}"
        return Check.failure(name, f"{where}: {told}", "run `pulumi whoami` to try again; check URL and credentials")
    user = done.output.strip().rpartition("\n")[2]  # warnings come first
    return Check.ok(name, f"{where}, as {printable(user, 60)}")


def _check_folder(name: str, folder: Path, where: str) -> Check:
    shown = show_path(folder)
    if not folder.is_dir():
        reason = "is not a folder" if folder.exists() else "there is no such folder"
        return Check.failure(name, f"{where}: {reason}", f"run: mkdir -p {shown}")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Check.failure(name, f"{where}: cannot be written", f"change the rights of {shown}, or name another one")
    return Check.ok(name, where)


def check_passphrase(backend: Backend | None, project: Project | None, environment: Mapping[str, str]) -> Check:
    """Check that there is a passphrase if a stack needs one. Whether it is the right one is not tried."""
    name = "passphrase"
    users = list(_find_passphrase_users(backend, project))
    if not users:
        return Check.ok(name, "not needed")
    if _PHRASE in environment:
        return Check.ok(name, f"{_PHRASE} is set" + ("" if environment[_PHRASE] else ", and empty"))
    file = environment.get(_PHRASE_FILE, "")
    if not file:
        return Check.failure(
            name,
            f"not set; {list_some(users, 3)} {'need' if len(users) > 1 else 'needs'} one",
            f"set {_PHRASE} or {_PHRASE_FILE}",
        )
    # Not opened: it may be a pipe, which can be read once.
    if not os.access(file, os.R_OK) or Path(file).is_dir():
        return Check.failure(
            name, f"{_PHRASE_FILE}: '{printable(file, 150)}' cannot be read", "name a file with the passphrase"
        )
    return Check.ok(name, f"{_PHRASE_FILE} is set")


def _find_passphrase_users(backend: Backend | None, project: Project | None) -> Iterator[str]:
    """What needs a passphrase: stacks by their config files, and new stacks of a backend that does not encrypt."""
    is_service = backend is not None and backend.is_service
    stacks = {} if project is None else project.stacks
    for name, stack in stacks.items():
        kind = stack.secrets_provider
        if kind == "passphrase" or (kind in ("", "default") and (stack.has_salt or not is_service)):
            yield f"stack {printable(name, 60)}"
    if not stacks and backend is not None and not is_service:
        yield "a stack of this backend"


def check_stacks(
    names: Sequence[str],
    backend: Backend,
    project: Project,
    cli: Path | None,
    environment: Mapping[str, str],
) -> list[Check]:
    """Check that there is a stack for each site file, by its name.

    Args:
        names: of the stacks.
        backend: one that can be reached.
        project: of the stacks.
        cli: one that can be used.
        environment: the process's.
    """
    name = "stacks"
    if backend.is_database:
        remedy = "run: pulumi stack ls"
        return [Check.warning(name, "not checked, because the CLI creates its table when it looks", remedy)]
    found: list[str] = []
    missing: list[str] = []
    unknown = list(names[_MOST_STACKS:]) if backend.folder is None else []
    for stack in names[: len(names) - len(unknown)]:
        there = _has_stack(stack, backend, project, cli, environment)
        (unknown if there is None else found if there else missing).append(printable(stack, 60))
    checks = []
    if found:
        checks.append(Check.ok(name, f"{plural(len(found), 'site file')} with a stack: {list_some(found)}"))
    if missing:
        valid = next(filter(_STACK_NAME.fullmatch, missing), None)
        remedy = f"run: pulumi stack init {'-- ' if valid.startswith('-') else ''}{valid}" if valid else _RENAME
        text = f"{plural(len(missing), 'site file')} without a stack: {list_some(missing)}"
        checks.append(Check.warning(name, text, remedy))
    if unknown:
        checks.append(Check.warning(name, f"not checked: {list_some(unknown)}", "run: pulumi stack ls"))
    return checks


def _has_stack(
    stack: str, backend: Backend, project: Project, cli: Path | None, environment: Mapping[str, str]
) -> bool | None:
    """Whether there is a stack; None when that cannot be told."""
    if not _STACK_NAME.fullmatch(stack):
        return False
    if backend.folder is not None:
        root = backend.folder / ".pulumi" / "stacks"
        own = root if not (backend.folder / ".pulumi" / "meta.yaml").exists() else root / project.name
        return any((own / f"{stack}{suffix}").is_file() for suffix in _SUFFIXES)
    command = [str(cli), "stack", "--show-name", f"--stack={stack}", "--non-interactive"]
    try:
        done = run(command, project.folder, {**environment, **QUIET})
    except CannotRun:
        return None
    if done.status == 0:
        return True
    return False if f"no stack named '{stack}' found" in done.output else None
