"""Runs the command: whatever its environment is, what goes wrong is one line and an exit status."""

from __future__ import annotations

import codecs
import contextlib
import gc
import io
import os
import sys
from pathlib import Path
from typing import Final

import click

from pulumi_plugchoice._text import printable

from .common import Failure, OutputLost, echo

# What reports contain, in ASCII.
_REPLACEMENTS: Final = {"→": ">", "☐": "[ ]", "…": "..."}


def run(command: click.Command) -> int:
    """Run the command with the arguments of the process; return its exit status."""
    # A large site is many objects without a cycle; to look for one again and again takes a third more time.
    gc.set_threshold(100_000)
    codecs.register_error("plugchoice", _replace)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plugchoice")
    if sys.stdout is None:
        _report("standard output: is closed; open it, or redirect it to /dev/null")
        return 1
    try:
        return _invoke(command)
    except OutputLost as lost:
        _report_lost_output(lost.reason)
    except OSError as error:
        if error.filename is None:  # of click and rich, which write to it as well
            _report_lost_output(str(error.strerror))
        else:
            _report(f"plugchoice: {printable(error, 200)}")
    except Exception as error:  # noqa: BLE001 - the last line of defence of a program
        import traceback

        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(frame.filename).name}:{frame.lineno}"
        _report(f"plugchoice: unexpected {type(error).__name__} in {where}: {printable(error, 200)}; please report it")
    _close_output()
    return 1


def _invoke(command: click.Command) -> int:
    try:
        try:
            status = command.main(standalone_mode=False)
        except SystemExit as leaving:  # of the emulator's own parser of arguments
            status = leaving.code
        echo("", end="")  # what others have printed is written now
    except click.Abort:
        _report("plugchoice: stopped")
        return 130
    except click.ClickException as error:
        if not isinstance(error, Failure) and not error.message.startswith("Usage:"):
            vars(error)["message"] = printable(error.message)  # it may quote an argument, such as a file's name
        error.show()
        return error.exit_code
    return status if isinstance(status, int) else 0


def _report_lost_output(reason: str) -> None:
    if reason:  # without one, the reader has gone and wants no more
        _report(f"standard output: cannot be written: {reason}; redirect it to another file")


def _report(line: str) -> None:
    with contextlib.suppress(OutputLost):
        echo(line, is_error=True)


def _close_output() -> None:
    """Let the interpreter not try again to write what is left."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _replace(error: UnicodeError) -> tuple[str, int]:
    """Stand for a character that the terminal's encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_REPLACEMENTS.get(letter) or letter.encode("unicode_escape").decode() for letter in text), error.end
