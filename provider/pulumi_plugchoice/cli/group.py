"""The group `plugchoice` and its commands."""

from __future__ import annotations

import click

from pulumi_plugchoice._version import __version__

from . import account, adopt, doctor, drift, emulator, sitefiles


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="plugchoice")
def plugchoice() -> None:
    """Check, plan and review sites of Plugchoice chargers, and compare them with Plugchoice.

    The help of each command lists its exit statuses: 0 when all is well.
    """


for command in (
    doctor.command,
    *account.COMMANDS,
    *sitefiles.COMMANDS,
    drift.drift,
    adopt.adopt,
    emulator.command,
):
    plugchoice.add_command(command)
