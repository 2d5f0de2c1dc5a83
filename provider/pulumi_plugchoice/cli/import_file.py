"""`plugchoice import-file`: a file for `pulumi import --file` from a site's live connectors."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from pulumi_plugchoice._files import exists, identify, write_files
from pulumi_plugchoice._text import plural, printable, show_path

from .common import Command, Failure, echo, is_same


@click.command("import-file", cls=Command)
@click.option("--site", envvar="PLUGCHOICE_SITE", help="UUID of the site; default: PLUGCHOICE_SITE.")
@click.option("--charger", "chargers", multiple=True, help="Only this charger (UUID or identity); may be repeated.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="import.json",
    show_default=True,
    help="The import file.",
)
@click.option(
    "--program",
    type=click.Path(path_type=Path),
    help="Also write a Pulumi program that declares the same connectors.",
)
@click.option("--force", is_flag=True, help="Replace files that exist.")
def command(site: str | None, chargers: tuple[str, ...], output: Path, program: Path | None, *, force: bool) -> None:
    """Write an import file from a site's live connectors.

    `pulumi import --file` then takes the connectors into the stack with their present values. Neither step writes to
    Plugchoice.
    Credentials and base URL come from the environment, as for the provider: PLUGCHOICE_TOKEN and so on.
    """
    from pulumi_plugchoice.lookup import describe_sites, list_site

    from . import import_content

    if not site:
        raise Failure(f"--site: not set; give it, or set PLUGCHOICE_SITE{describe_sites()}")
    for path in (output, program):
        if path is not None and exists(path) and not force:
            raise Failure(f"{show_path(path)}: exists already; name another file, or add --force to replace it")
        if path is not None and not exists(path.parent):
            raise Failure(f"{show_path(path)}: the folder {show_path(path.parent)} does not exist; create it first")
    if program is not None and is_same(program, output):
        raise Failure(f"{show_path(output)}: is named for the import file and for the program; name two files")
    seen = {path: identify(path) for path in (output, program) if path is not None}
    found = list_site(site)
    listed = import_content.select_connectors(list(found.connectors), site, chargers)
    connectors = [connector for connector in listed if import_content.select_settings(connector)]
    without = [connector for connector in listed if not import_content.select_settings(connector)]
    for name in import_content.name_resources(without):
        echo(f"left out: {name}; it has no value to manage yet", is_error=True)
    for row in found.invalid:
        echo(f"left out: {row.name}; the API's answer about it is invalid ({row.reason})", is_error=True)
    if not connectors:
        raise Failure(f"site {site}: no connector has a value to manage; set the values in Plugchoice first")
    contents = {output: import_content.format_import_file(site.lower(), connectors).encode()}
    if program is not None:
        contents[program] = import_content.format_program(site.lower(), connectors).encode()
    write_files(contents, seen)
    echo(f"{show_path(output)}: {plural(len(connectors), 'connector')}")
    if program is not None:
        echo(f"{show_path(program)}: declares {plural(len(connectors), 'connector')}")
    echo("Next, in the folder of your Pulumi project:")
    file = shlex.quote(printable(output))
    echo(f"  pulumi import --file {file} --generate-code=false --protect=false --yes && pulumi preview")
