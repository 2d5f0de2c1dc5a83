"""The subcommands of `plugchoice`: they read options, call the library, and print."""

from __future__ import annotations

import os
from pathlib import Path

import click

from pulumi_plugchoice._text import printable
from pulumi_plugchoice._version import __version__

from .site_commands import COMMANDS, Command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="plugchoice")
def plugchoice() -> None:
    """Connectors of Plugchoice chargers as code: helpers beside `pulumi`."""


@plugchoice.command(
    "emulator",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def emulator(ctx: click.Context, arguments: tuple[str, ...]) -> None:
    """Run a local Plugchoice to try things on (`plugchoice emulator --help` lists its options)."""
    from pulumi_plugchoice.emulator.server import main

    ctx.exit(main(list(arguments)))


@plugchoice.command("import-file", cls=Command)
@click.option("--site", envvar="PLUGCHOICE_SITE", required=True, help="UUID of the site; default: PLUGCHOICE_SITE.")
@click.option("--charger", "chargers", multiple=True, help="Only this charger, by UUID or identity; may be repeated.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default="import.json",
    show_default=True,
    help="The file to write.",
)
@click.option(
    "--program",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the program that declares these connectors.",
)
@click.option("--force", is_flag=True, help="Write over files that exist.")
def import_file(site: str, chargers: tuple[str, ...], output: Path, program: Path | None, *, force: bool) -> None:
    """Write a file for `pulumi import --file` from a site's live connectors.

    The connectors enter the stack as they are; nothing is written to Plugchoice, now or by the import. Credentials and
    base URL come from the environment (PLUGCHOICE_TOKEN and so on).
    """
    from pulumi_plugchoice._text import is_uuid
    from pulumi_plugchoice.cli import import_file as files
    from pulumi_plugchoice.lookup import get_site_connectors

    for path in (output, program):
        if path is not None and path.exists() and not force:
            raise click.ClickException(f"{path} exists: name another file, or use --force to write over it")
        if path is not None and not path.parent.is_dir():
            raise click.ClickException(f"{path.parent} is no folder: make it first")
    found = get_site_connectors(site)
    wanted = {charger.lower() if is_uuid(charger) else charger for charger in chargers}
    if wanted:
        listed = {name for item in found for name in (item.charger.uuid.lower(), item.charger.identity)}
        for charger in sorted(wanted - listed):
            raise click.ClickException(f"site {site} lists no charger {printable(charger, 60)}")
        found = [item for item in found if {item.charger.uuid.lower(), item.charger.identity} & wanted]
    taken = [connector for connector in found if files.importable(connector)]
    left_out = [connector for connector in found if connector not in taken]
    for name in files.resource_names(left_out):
        click.echo(f"left out: {name}, which has nothing that could be managed yet", err=True)
    if not taken:
        raise click.ClickException(f"site {site} lists no connector with a value that could be managed")
    output.write_text(files.import_json(site.lower(), taken), encoding="utf-8")
    if program is not None:
        program.write_text(files.import_program(site.lower(), taken), encoding="utf-8")
        click.echo(f"{program} declares {len(taken)} connectors.")
    click.echo(f"{output} holds {len(taken)} connectors. Next, in the folder of your Pulumi project:")
    shown = os.path.relpath(output)
    click.echo(f"  pulumi import --file {shown} --generate-code=false --protect=false --yes && pulumi preview")


for command in COMMANDS:
    plugchoice.add_command(command)
