"""What the commands share: arguments, options, output, and errors of one line each."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO

import click

from pulumi_plugchoice._files import exists, write_files
from pulumi_plugchoice._text import show_path
from pulumi_plugchoice.errors import PlugchoiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pulumi_plugchoice.api.budget import Budget
    from pulumi_plugchoice.api.client import PlugchoiceClient
    from pulumi_plugchoice.runtime.notices import Notices

site_file = click.argument("file", type=click.Path(path_type=Path))


class OutputFile(click.Path):
    """A file or folder to write, as a Path; `./-` is one called `-`.

    Args:
        is_all: whether the content is all that the command prints. Then `-` is standard output, which is None, and else
            it is refused.
    """

    def __init__(self, *, is_all: bool = False) -> None:
        super().__init__(path_type=Path)
        self._is_all = is_all

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, or None for standard output."""
        if value != "-":
            return super().convert(value, param, ctx)
        if not self._is_all:
            self.fail("'-' is standard output, where other lines go; give a name, such as ./-")
        return None


class WholeNumber(click.IntRange):
    """A whole number in digits. Python also reads `1_000`, blanks, and digits of other scripts."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number."""
        if isinstance(value, str) and not (value.isascii() and value.isdigit()):
            self.fail(f"{value!r} is not a whole number in digits; write one such as {self.min}", param, ctx)
        return super().convert(value, param, ctx)


output_option = click.option(
    "-o",
    "--output",
    type=OutputFile(is_all=True),
    help="Write to this file instead of standard output, which is `-`.",
)


class Failure(click.ClickException):
    """A command that cannot do its work. Prints the lines as they are: each begins with what it is about."""

    def show(self, file: object = None) -> None:
        """Print the lines to stderr."""
        del file
        echo(self.format_message(), is_error=True)


# Exit status of a wrong option; and what ends every command.
_USAGE: Final = 2


class Refusal(Failure):
    """An option or argument that has no meaning here, found after the arguments were parsed."""

    exit_code = _USAGE


_STOPPED: Final = {130: "Stopped with Ctrl-C."}


class Command(click.Command):
    """A command that reports an error of this package in one line for each problem, with exit status 1.

    Its help ends with its exit statuses. A command whose status 2 has a meaning of its own ends with status 1 after a
    wrong option.

    Args:
        statuses: a sentence for each exit status; by default those of a command that does its work or fails.
    """

    def __init__(self, *args: Any, statuses: Mapping[int, str] | None = None, **more: Any) -> None:
        super().__init__(*args, **more)
        given = statuses or {0: "Done.", 1: "An error."}
        self._usage_status = 1 if _USAGE in given else _USAGE
        self.statuses: dict[int, str] = dict(sorted({_USAGE: "A wrong option.", **_STOPPED, **given}.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit statuses."""
        super().format_epilog(ctx, formatter)
        with formatter.section("Exit status"):
            formatter.write_dl([(str(status), text) for status, text in self.statuses.items()])

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse the arguments."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            vars(error)["exit_code"] = self._usage_status
            raise

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except PlugchoiceError as error:
            raise Failure("\n".join(getattr(error, "lines", ())) or str(error)) from None


class OutputLost(Exception):
    """Standard output or standard error cannot be written.

    Attributes:
        reason: why; empty when its reader has gone, which needs no message.
    """

    def __init__(self, error: OSError) -> None:
        self.reason = "" if error.errno == errno.EPIPE else str(error.strerror)
        super().__init__(self.reason)


class Connection(NamedTuple):
    """The API as a command uses it.

    Attributes:
        client: the API.
        budget: counts the calls.
        notices: says what the user has to know meanwhile.
    """

    client: PlugchoiceClient
    budget: Budget
    notices: Notices


@contextlib.contextmanager
def connect(command: str) -> Iterator[Connection]:
    """Open the API with the options of the environment; close it at the end of the block.

    Args:
        command: its name, for a message.

    Raises:
        PlugchoiceError: an option is missing or wrong, or PLUGCHOICE_OFFLINE is on.
    """
    from pulumi_plugchoice import api, config
    from pulumi_plugchoice.api.budget import Budget
    from pulumi_plugchoice.config import Options
    from pulumi_plugchoice.errors import OfflineError
    from pulumi_plugchoice.runtime.notices import Notices

    if config.is_offline(os.environ):
        raise OfflineError(f"{command}: nothing is read, because PLUGCHOICE_OFFLINE is on; unset it and run again")
    budget, notices = Budget(), Notices()
    client = api.connect(Options.load({}, os.environ), notices.say_once, budget)
    try:
        yield Connection(client, budget, notices)
    finally:
        notices.close()
        client.close()


def echo(text: str, *, is_error: bool = False, end: str = "\n") -> None:
    """Print text that is safe to print, and a line end.

    Raises:
        OutputLost: the stream cannot be written.
    """
    stream = sys.stderr if is_error else sys.stdout
    if stream is None:  # closed before the command started
        return
    try:
        stream.write(text + end)
        if is_error or not end:
            stream.flush()
    except OSError as error:
        raise OutputLost(error) from None


def is_terminal(*streams: TextIO | None) -> bool:
    """Whether something can move there: not in CI, where each picture of it would stay in the log."""
    return (
        all(stream is not None and stream.isatty() for stream in streams)
        and not os.environ.get("CI")
        and os.environ.get("TERM") != "dumb"
    )


def write_output(text: str, output: Path | None, *sources: Path | None) -> None:
    """Print `text`, or write it to the file that `--output` names.

    Raises:
        Failure: the file is one of `sources`, which were read.
        WriteFailed: the file cannot be written.
    """
    if output is None:
        echo(text, end="")
    else:
        refuse_source(output, *sources)
        write_files({output: text.encode()})
        echo(f"{show_path(output)}: written", is_error=True)


def refuse_source(output: Path, *sources: Path | None) -> None:
    """Refuse to replace a file that a command reads.

    Raises:
        Failure: `output` is one of `sources`, perhaps under another name.
    """
    for source in sources:
        if source is not None and exists(output) and is_same(output, source):
            raise Failure(f"{show_path(output)}: is the site file itself; name another file")


def is_same(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, which need not exist."""
    with contextlib.suppress(OSError):
        return os.path.samefile(one, other)  # noqa: PTH121 - also true for a hard link and another case
    return os.path.realpath(one) == os.path.realpath(other)
