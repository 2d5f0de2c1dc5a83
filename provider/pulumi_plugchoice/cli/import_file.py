"""`plugchoice import-file`: a file for `pulumi import --file` from a site's live connectors."""

from __future__ import annotations

import os
from pathlib import Path

import click

from pulumi_plugchoice._text import plural

from .common import Command, Failure, write_file


@click.command("import-file", cls=Command)
@click.option("--site", envvar="PLUGCHOICE_SITE", required=True, help="UUID of the site; default: PLUGCHOICE_SITE.")
@click.option("--charger", "chargers", multiple=True, help="Only this charger (UUID or identity); may be repeated.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default="import.json",
    show_default=True,
    help="The import file.",
)
@click.option(
    "--program",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write a Pulumi program that declares the same connectors.",
)
@click.option("--force", is_flag=True, help="Replace files that exist.")
def command(site: str, chargers: tuple[str, ...], output: Path, program: Path | None, *, force: bool) -> None:
    """Write an import file from a site's live connectors.

    `pulumi import --file` then takes the connectors into the stack with their present values. Neither step writes to
    Plugchoice.
    Credentials and base URL come from the environment, as for the provider: PLUGCHOICE_TOKEN and so on.
    """
    from pulumi_plugchoice.lookup import get_site_connectors

    from . import import_content

    for path in (output, program):
        if path is not None and path.exists() and not force:
            raise Failure(f"{path}: exists already; name another file, or add --force to replace it")
        if path is not None and not path.parent.is_dir():
            raise Failure(f"{path}: the folder {path.parent} does not exist; create it first")
    if program is not None and program.resolve() == output.resolve():
        raise Failure(f"{output}: is named for the import file and for the program; name two files")
    listed = import_content.select_connectors(get_site_connectors(site), site, chargers)
    connectors = [connector for connector in listed if import_content.select_settings(connector)]
    for name in import_content.name_resources([connector for connector in listed if connector not in connectors]):
        click.echo(f"{name}: left out; it has no value to manage yet", err=True)
    if not connectors:
        raise Failure(f"site {site}: no connector has a value to manage; set the values in Plugchoice first")
    write_file(output, import_content.format_import_file(site.lower(), connectors))
    click.echo(f"{output}: {plural(len(connectors), 'connector')}")
    if program is not None:
        write_file(program, import_content.format_program(site.lower(), connectors))
        click.echo(f"{program}: declares {plural(len(connectors), 'connector')}")
    click.echo("Next, in the folder of your Pulumi project:")
    file = os.path.relpath(output)
    click.echo(f"  pulumi import --file {file} --generate-code=false --protect=false --yes && pulumi preview")
