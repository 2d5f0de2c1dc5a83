"""`plugchoice emulator`: a local Plugchoice."""

from __future__ import annotations

import click

from .common import Command


@click.command(
    "emulator",
    cls=Command,
    statuses={  # as the help of its own parser says
        0: "Stopped with Ctrl-C or SIGTERM.",
        1: "The extra is not installed.",
        2: "A wrong option, a seed with mistakes, or an address that is not free.",
        130: "Stopped with Ctrl-C before it has started.",
    },
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def command(ctx: click.Context, arguments: tuple[str, ...]) -> None:
    """Run a local Plugchoice API for trials and tests."""
    from pulumi_plugchoice.emulator.server import main

    ctx.exit(main(list(arguments), prog="plugchoice emulator"))
