"""The command `plugchoice`. Its modules import what a command needs only when it runs, so that help is fast."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command."""
    try:
        from .group import plugchoice
        from .run import run

        status = run(plugchoice)
    except KeyboardInterrupt:  # before click, which reports the others, has begun
        sys.stderr.write("plugchoice: stopped\n")
        status = 130
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        sys.exit(f"plugchoice: {error.name} is not installed; run: pip install 'pulumi-plugchoice[cli]'")
    sys.exit(status)
