"""`plugchoice doctor`: whether this machine and this account are ready."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import click

from .common import Command, echo

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable


@click.command(
    "doctor", cls=Command, statuses={0: "No failure; there may be warnings.", 1: "A failure; or another error."}
)
@click.option(
    "--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True, help="text or JSON."
)
@click.pass_context
def command(ctx: click.Context, style: str) -> None:
    """Check the set-up: Pulumi, Python, backend, token, sites.

    Each line is ok, a warning or a failure, with what to do. It is about the project in the current folder, and about
    the account of PLUGCHOICE_TOKEN (or of the client credentials). Nothing is written to Plugchoice or to the backend.
    """
    from pulumi_plugchoice.doctor.checks import run_checks
    from pulumi_plugchoice.doctor.report import format_json, format_text

    checks = run_checks(os.environ, _show_progress)
    if style == "json":
        echo(format_json(checks), end="")
    else:
        columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        for line in format_text(checks, columns):
            echo(line)
    ctx.exit(any(check.status == "failure" for check in checks))


def _show_progress(what: str, total: int) -> contextlib.AbstractContextManager[Callable[[], None]]:
    from .progress import show_progress

    return show_progress(what, total, ("Running", "done") if what == "checks" else ("Reading", "read"))
