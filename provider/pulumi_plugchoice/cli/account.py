"""The commands that list what an account has: sites, connectors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pulumi_plugchoice._text import is_uuid, plural, printable

from .common import Command, Failure, connect, echo

if TYPE_CHECKING:
    from pulumi_plugchoice.api.client import PlugchoiceClient
    from pulumi_plugchoice.fleet.files import Declaration

_PROBLEM = 1

_format_option = click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "csv"]),
    default="text",
    show_default=True,
    help="A table, JSON or CSV.",
)


@click.command(
    "sites",
    cls=Command,
    statuses={
        0: "The sites are listed.",
        _PROBLEM: "A site file cannot be used, or is of a site that the token's user does not see; or another error.",
    },
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@_format_option
@click.pass_context
def sites(ctx: click.Context, files: tuple[Path, ...], style: str) -> None:
    """List the sites of the account.

    For each site: its UUID and name, the number of its chargers, whether the token may change it, and the site file
    that declares it. FILES are site files or folders of them; default: sites/*.yaml, if there are any. Credentials and
    base URL come from the environment: PLUGCHOICE_TOKEN and so on.
    """
    from pulumi_plugchoice.fleet import listing
    from pulumi_plugchoice.fleet.files import find_files_at_hand, load_declarations
    from pulumi_plugchoice.fleet.sites import list_account

    from .progress import show_progress
    from .table import print_table

    declarations = load_declarations(find_files_at_hand(files))
    with connect("sites") as (client, budget, _), show_progress("lists", 1) as tell:
        account = list_account(client, declarations)
        tell()
    if style == "json":
        echo(listing.format_sites_json(account, budget.calls), end="")
    elif style == "csv":
        echo(listing.format_sites_csv(account), end="")
    else:
        if account.sites:
            print_table(listing.tabulate_sites(account, with_files=bool(declarations)))
        echo(f"{plural(len(account.sites), 'site')}; {budget.summarize()}")
    for problem in account.problems:
        echo(printable(problem, 1000), is_error=True)
    ctx.exit(_PROBLEM if account.problems else 0)


@click.command(
    "connectors",
    cls=Command,
    statuses={
        0: "The connectors are listed.",
        _PROBLEM: "Something could not be read, which is named; or another error.",
    },
)
@click.option("--site", metavar="UUID|FILE", help="UUID of the site, or its site file. Default: PLUGCHOICE_SITE.")
@_format_option
@click.pass_context
def connectors(ctx: click.Context, site: str | None, style: str) -> None:
    """List the connectors of a site.

    For each connector: its live values, those that the site file declares, and a note: never set, partly set, DC, not
    configurable with this token, never seen. Below are the amps per line when every connector
    charges, as `plugchoice drift` shows them. The site file is FILE, or the one in sites/*.yaml that declares the UUID.
    Credentials and base URL come from the environment: PLUGCHOICE_TOKEN and so on.
    """
    from pulumi_plugchoice.fleet import listing
    from pulumi_plugchoice.fleet.content import LISTS
    from pulumi_plugchoice.fleet.inventory import take_inventory

    from .progress import show_progress
    from .table import print_table

    declaration, uuid, problems = _find_site(site)
    with connect("connectors") as (client, budget, notices):
        if uuid is None:
            raise Failure(_ask_for_site(site, client))
        with show_progress("lists", LISTS) as tell:
            found = take_inventory(
                client,
                uuid,
                declaration,
                say=lambda line: notices.say(line, kind="chargers not listed"),
                tell=tell,
            )
    found.problems[:0] = problems
    if style == "json":
        echo(listing.format_connectors_json(found, budget.calls), end="")
    elif style == "csv":
        echo(listing.format_connectors_csv(found), end="")
    else:
        echo(listing.title_inventory(found))
        if found.connectors:
            print_table(listing.tabulate_connectors(found))
        for line in listing.summarize_inventory(found):
            echo(line)
        echo(budget.summarize() or "")
    for problem in found.problems:
        echo(printable(problem, 1000), is_error=True)
    ctx.exit(0 if found.is_whole else _PROBLEM)


def _find_site(site: str | None) -> tuple[Declaration | None, str | None, list[str]]:
    """The site file, the UUID, and why a site file could not be used. No UUID: none is given, or it is none."""
    from pulumi_plugchoice import config
    from pulumi_plugchoice.fleet.files import find_files_at_hand, load_declaration, pick_declaration

    uuid = config.find_site({}, os.environ) if site is None else site.lower() if is_uuid(site) else None
    if uuid is not None:
        declaration, problems = pick_declaration(find_files_at_hand(), uuid)
        return declaration, uuid, problems
    if site and (os.path.lexists(site) or site.endswith((".yaml", ".yml")) or os.sep in site):
        declaration = load_declaration(Path(site))
        return declaration, declaration.site.site.lower() if declaration.site else None, []
    return None, None, []


def _ask_for_site(site: str | None, client: PlugchoiceClient) -> str:
    """An error with the sites that the token's user sees."""
    from pulumi_plugchoice.api.sites import describe_sites

    sees = describe_sites(client.sites())
    if site is None:
        return f"--site: not set; give the UUID of a site or a site file, or set PLUGCHOICE_SITE{sees}"
    return f"--site: {printable(site, 60)!r} is neither a UUID nor a file{sees}"


COMMANDS = (sites, connectors)
