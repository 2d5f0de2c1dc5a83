"""What the commands share: arguments, options, errors of one line each, and writing to a file."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

import click

from pulumi_plugchoice.errors import PlugchoiceError

site_file = click.argument("file", type=click.Path(path_type=Path))
output_option = click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file instead of the screen."
)

_ADVICE = {
    errno.ENOENT: "name a file in a folder that exists",
    errno.ENOSPC: "free space on the disk, or name a file on another one",
    errno.EACCES: "name a file that you may write",
    errno.EISDIR: "name a file, not a folder",
}


class Failure(click.ClickException):
    """A command that cannot do its work. Prints the lines as they are: each begins with what it is about."""

    def show(self, file: object = None) -> None:
        """Print the lines to stderr."""
        del file
        click.echo(self.format_message(), file=sys.stderr)


class Command(click.Command):
    """A command that reports an error of this package in one line for each problem, with exit status 1."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except PlugchoiceError as error:
            raise Failure("\n".join(getattr(error, "lines", ())) or str(error)) from None


def write_output(text: str, output: Path | None, source: Path | None = None) -> None:
    """Print `text`, or write it to the file that `--output` names.

    Raises:
        Failure: the file cannot be written, or it is `source`, which was read.
    """
    if output is None:
        click.echo(text, nl=False)
    elif source is not None and output.exists() and output.samefile(source):
        raise Failure(f"{output}: is the site file itself; name another file")
    else:
        write_file(output, text)
        click.echo(f"{output}: written", err=True)


def write_file(file: Path, text: str) -> None:
    """Write `text` to a file, with the line ends that it has.

    Raises:
        Failure: the file cannot be written.
    """
    try:
        file.write_bytes(text.encode())
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "name another file")
        raise Failure(f"{file}: cannot be written: {error.strerror}; {advice}") from None
