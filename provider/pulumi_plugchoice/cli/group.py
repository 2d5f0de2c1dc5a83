"""The group `plugchoice` and its commands."""

from __future__ import annotations

import click

from pulumi_plugchoice._version import __version__

from . import account, adopt, doctor, drift, emulator, fleet, fleet_cluster, fleet_run, forge, page, reviewed, sitefiles


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
    page.report,
    drift.drift,
    *forge.COMMANDS,
    reviewed.reviewed,
    adopt.adopt,
    fleet.fleet,
    emulator.command,
):
    plugchoice.add_command(command)
for command in (*fleet_run.COMMANDS, *fleet_cluster.COMMANDS):
    fleet.fleet.add_command(command)


def list_commands() -> dict[str, click.Command]:
    """List all commands by their whole names: `drift`, `fleet list`. Groups are left out."""
    found: dict[str, click.Command] = {}
    for name, command in plugchoice.commands.items():
        if isinstance(command, click.Group):
            found |= {f"{name} {part}": inner for part, inner in command.commands.items()}
        else:
            found[name] = command
    return found
