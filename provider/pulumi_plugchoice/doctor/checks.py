"""Runs all checks, in order. One that fails does not keep the others from running, unless they need its result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import hide, printable, show_path
from pulumi_plugchoice.config import OPTIONS
from pulumi_plugchoice.errors import PlugchoiceError

from .account import check_account, check_options
from .backend import check_backend, check_passphrase, check_stacks, find_backend
from .engine import check_cli, check_language_host, find_cli
from .interpreters import check_interpreters
from .machine import check_cache, check_quota_database, check_site_files, find_declarations
from .project import Project, ProjectError, find_project
from .report import Check

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

# Groups of checks before those that read from the API.
_GROUPS: Final = 4


def run_checks(
    environment: Mapping[str, str], progress: Callable[[str, int], AbstractContextManager[Callable[[], None]]]
) -> list[Check]:
    """Check everything that `pulumi up` needs, for the project in the current folder.

    Args:
        environment: the process's.
        progress: shows how many of something are done.

    Raises:
        PlugchoiceError: there is no current folder.
    """
    for option in OPTIONS:
        if option.secret:
            hide(environment.get(option.environment, "").strip())
    try:
        folder = Path.cwd()
    except OSError:
        raise PlugchoiceError("the current folder: is gone; go to one that exists") from None
    declarations = find_declarations()
    with progress("checks", _GROUPS) as tell:
        checks, project, cli = _check_cli(folder, environment)
        tell()
        checks += check_interpreters(project, folder, environment)
        tell()
        backend = find_backend(project, environment)
        reached = check_backend(backend, cli, folder, environment)
        checks += [reached, check_passphrase(backend, project, environment)]
        tell()
        checks += [*check_site_files(declarations)]
        names = [item.file.stem for item in declarations]
        if names and project is not None and backend is not None and reached.status == "ok":
            checks += check_stacks(names, backend, project, cli, environment)
        tell()
        checks.append(check_cache())
    more, options = check_options(project, environment)
    checks += more
    if options is not None and options.quota_url is not None:
        checks.append(check_quota_database(options))
        if checks[-1].status != "ok":
            options = replace(options, quota_url=None)  # or the account would be asked after a minute
    if options is not None:
        checks += check_account(options, declarations, progress)
    return checks


def _check_cli(folder: Path, environment: Mapping[str, str]) -> tuple[list[Check], Project | None, Path | None]:
    """Check the CLI, its language host and the project; return the project, and the CLI if it can be used."""
    cli = find_cli(environment)
    checks = [check_cli(cli, folder, environment)]
    if checks[0].status != "ok":
        cli = None
    if cli is not None:
        checks.append(check_language_host(cli, environment))
    project = None
    try:
        project = find_project(folder)
    except ProjectError as error:
        checks.append(Check.of("project", error))
    else:
        if project is None:
            remedy = "run this in the folder of Pulumi.yaml; `plugchoice adopt` makes a project"
            checks.append(Check.warning("project", "there is no Pulumi.yaml here", remedy))
        else:
            checks.append(Check.ok("project", f"{printable(project.name, 60)!r}, {show_path(project.file)}"))
    return checks, project, cli
