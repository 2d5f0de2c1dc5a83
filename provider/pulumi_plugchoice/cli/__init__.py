"""The command `plugchoice`. What it is made of is imported when it runs, so that it starts fast."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the command."""
    try:
        from .commands import plugchoice
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        sys.exit("plugchoice: the command needs its extra: pip install 'pulumi-plugchoice[cli]'")
    plugchoice()
