"""The commands on many stacks: which sites a change touches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pulumi_plugchoice._text import printable, show_path

from .common import Command, Failure, Refusal, WholeNumber, echo

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_plugchoice.fleet.selection import Layout, SelectedSite

# The most legs that a matrix of a forge may have.
_MOST_LEGS: Final = {"github": 256, "gitlab": 200}


@dataclass(frozen=True)
class Selection:
    """The options that select sites."""

    names: tuple[str, ...]
    is_all: bool
    revision: str | None
    project: Path
    folder: Path | None


def selection_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that select sites."""
    for option in (
        click.option(
            "--folder",
            type=click.Path(path_type=Path),
            help="Folder of the site files. Default: the folder sites beside the program.",
        ),
        click.option(
            "--project",
            type=click.Path(path_type=Path),
            default=".",
            show_default=True,
            help="Folder of the Pulumi project.",
        ),
        click.option("--all", "is_all", is_flag=True, help="All sites."),
        click.option(
            "--changed-since",
            "revision",
            metavar="REV",
            help="The sites that differ between this branch, tag or commit and the files on the disk.",
        ),
        click.argument("names", metavar="[SITES]...", nargs=-1),
    ):
        function = option(function)
    return function


def select(selection: Selection) -> list[SelectedSite]:
    """Select the sites, and name those whose file is not there any more on standard error.

    Raises:
        Refusal: the selection cannot be.
        PlugchoiceError: there is no project, no site file, or git cannot tell.
    """
    from pulumi_plugchoice.fleet.changed import find_touched
    from pulumi_plugchoice.fleet.selection import SelectionError, find_sites, select_all, select_named

    given = (bool(selection.names), selection.is_all, selection.revision is not None)
    if sum(given) != 1:
        raise Refusal("SITES, --all or --changed-since: give one of them")
    layout = find_layout(selection)
    sites = find_sites(layout.sites)
    try:
        if selection.revision is not None:
            touched = find_touched(layout, sites, selection.revision)
            for line in touched.removed:
                echo(line, is_error=True)
            return touched.sites
        return select_all(sites) if selection.is_all else select_named(sites, selection.names)
    except SelectionError as error:
        raise Refusal(str(error)) from None


def find_layout(selection: Selection) -> Layout:
    """Find where the project has its files.

    Raises:
        PlugchoiceError: there is no project.
    """
    from pulumi_plugchoice.doctor.project import find_project
    from pulumi_plugchoice.fleet.selection import Layout

    try:
        start = selection.project.absolute()
    except FileNotFoundError:
        raise Failure("the current folder is gone; run this in the folder of a project") from None
    found = find_project(start)
    if found is None:
        raise Failure(
            f"{show_path(selection.project)}: there is no Pulumi.yaml here or above; run this in the folder of a "
            "project, or name it with --project"
        )
    return Layout(found.folder, found.program, found.configs, selection.folder or found.program / "sites")


@click.group("fleet")
def fleet() -> None:
    """Work on the stacks of many sites.

    Each site has a stack of its own, with the name of its site file. Sites are selected by their names or files, all
    of them with --all, or those that a change touches with --changed-since. Stacks are never listed at the backend.
    """


@fleet.command("list", cls=Command)
@selection_options
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "names", "github"]),
    default="text",
    show_default=True,
    help="A line for each site; JSON; only the names; or the outputs `canary` (the first site) and `rest` (a JSON "
    "list of the others) for a step of GitHub Actions.",
)
@click.option("--canary", metavar="SITE", default="", help="The site that comes first, if it is selected.")
def list_command(style: str, canary: str, **selection: Any) -> None:
    """List sites, each with the reason why it is selected.

    SITES are names of sites, or site files. With --changed-since, a site is selected when its file, its stack's
    config, the program, the project file or the locked dependencies differ, also in what is not committed. When git
    cannot tell, as in a shallow clone without REV, all sites are selected. A site file that was removed is named on
    standard error: its stack is still there.
    """
    from pulumi_plugchoice.fleet.selection import (
        describe_unknown,
        find_sites,
        format_outputs,
        format_sites_json,
        format_sites_text,
        put_first,
    )

    chosen = Selection(**selection)
    known = find_sites(find_layout(chosen).sites) if canary else {}
    if canary and canary not in known:
        raise Refusal(f"--canary: {printable(canary, 60)}: {describe_unknown(canary, known)}")
    sites = put_first(select(chosen), canary)
    if style == "json":
        echo(format_sites_json(sites), end="")
    else:
        styles = {"names": lambda sites: [site.name for site in sites], "github": format_outputs}
        for line in styles.get(style, format_sites_text)(sites):
            echo(line)


@fleet.command("matrix", cls=Command)
@selection_options
@click.option(
    "--shards",
    type=WholeNumber(1, max(_MOST_LEGS.values())),
    required=True,
    metavar="N",
    help="How many jobs at most: GitHub allows 256, GitLab 200.",
)
@click.option(
    "--format",
    "style",
    type=click.Choice([*_MOST_LEGS]),
    default="github",
    show_default=True,
    help="An object for strategy.matrix of GitHub Actions, or a list for parallel:matrix of GitLab.",
)
def matrix_command(shards: int, style: str, **selection: Any) -> None:
    """Print a CI matrix that deals sites to jobs.

    The JSON is one line. Each job has `shard`, such as 1/4, and `sites`, the names with blanks between them. Without a
    site there is no job: {"include":[]}, or [] for GitLab.
    """
    from pulumi_plugchoice.fleet.selection import format_matrix

    if shards > _MOST_LEGS[style]:
        raise Refusal(f"--shards {shards}: GitLab allows {_MOST_LEGS[style]} jobs; give a smaller number")
    echo(format_matrix(select(Selection(**selection)), shards, style))
