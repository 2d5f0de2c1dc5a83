"""The help of the command and its subcommands, and what their exit statuses mean."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

import click
from pulumi_plugchoice.cli.common import Command
from pulumi_plugchoice.cli.group import list_commands, plugchoice

from .tables import code, table

#: Of a command that says nothing of its own about them.
USUAL: Final = {2: "A wrong option.", 130: "Stopped with Ctrl-C."}


def commands() -> str:
    """The help text of the command and its subcommands."""
    parts = []
    context = plugchoice.make_context("plugchoice", [], resilient_parsing=True, terminal_width=100)
    named = list_commands()
    for group in (name for name, command in plugchoice.commands.items() if isinstance(command, click.Group)):
        named[group] = plugchoice.commands[group]
    for name in ["", *sorted(named)]:
        command = named.get(name, plugchoice)
        own = context
        for part in name.split():
            inner = own.command.commands[part] if isinstance(own.command, click.Group) else command
            own = inner.make_context(part, [], parent=own, resilient_parsing=True)
        text = _emulator_help() if name == "emulator" else command.get_help(own)
        parts.append(f"## `{f'plugchoice {name}'.strip()}`\n\n```text\n{text.rstrip()}\n```")
    return "\n\n".join(parts)


def statuses() -> str:
    """What the exit statuses of all commands mean, but for the usual ones."""
    rows = [
        [code(name), str(status), text]
        for name, command in list_commands().items()
        if isinstance(command, Command)
        for status, text in command.statuses.items()
        if USUAL.get(status) != text
    ]
    return table(["Command", "Status", "Meaning"], rows)


def _emulator_help() -> str:
    # argparse takes the width from the terminal: fixed here.
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "pulumi_plugchoice.cli", "emulator", "--help"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
