"""`plugchoice emulator`: a local Plugchoice."""

from __future__ import annotations

import click


@click.command(
    "emulator",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def command(ctx: click.Context, arguments: tuple[str, ...]) -> None:
    """Run a local Plugchoice API for trials and tests."""
    from pulumi_plugchoice.emulator.server import main

    ctx.exit(main(list(arguments), prog="plugchoice emulator"))
