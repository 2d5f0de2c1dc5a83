"""What both providers need from and for the engine: errors of one line, unknown values, an end when the engine ends."""

from __future__ import annotations

import functools
import os
import select
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import pulumi

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.errors import PlugchoiceError

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
ResultT = TypeVar("ResultT")


def is_known(value: object) -> bool:
    """Whether a property has its value; otherwise it is an output of a resource that does not exist yet."""
    return not isinstance(value, pulumi.output.Unknown)


def hide_tracebacks() -> None:
    """Leave the source lines out of tracebacks in this process: the SDK sends them to the user."""
    sys.tracebacklimit = 0


_this_call = threading.local()


def note_write() -> None:
    """Note that the present call of the engine sends a write."""
    _this_call.has_written = True


def for_engine(method: Callable[P, ResultT]) -> Callable[P, ResultT]:
    """Decorate a method that the engine calls: it raises every error as one line.

    The SDK prints an exception with all of its causes. One that is not ours is a fault of this package: its line tells
    where, and whether a write was sent.
    """

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> ResultT:
        _this_call.has_written = False
        try:
            return method(*args, **kwargs)
        except PlugchoiceError as error:
            raise _OneLine(str(error)) from None
        except Exception as error:  # noqa: BLE001 - any other one
            raise _OneLine(_describe_fault(method.__name__, error)) from None

    return call


def _describe_fault(call: str, error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__, limit=-1)[0]
    written = "a write was sent, and may have taken effect" if _this_call.has_written else "no write was sent"
    return (
        f"{call}: internal error: {type(error).__name__}: {printable(error)} ({Path(place.filename).name}:"
        f"{place.lineno}); {written}; please report this line"
    )


class _OneLine(Exception):
    """An error as the engine prints it."""


# A traceback begins with the full name of the exception's class. With this one it reads `plugchoice: …`, as our other
# lines do.
_OneLine.__module__, _OneLine.__qualname__ = "builtins", "plugchoice"


def end_with_engine() -> None:
    """From now on, exit as soon as nobody reads this process's stderr: the engine reads it as long as it lives.

    The engine starts its plugins in process groups of their own and ends them with a signal. When the engine is killed
    (SIGKILL, a lost runner), nobody sends that signal. The provider would live on, and repeat a write that gets no
    answer, minutes later, over what somebody has set since (seen with the real engine).

    Where the system has no poll(2), or stderr is not a pipe, nothing is watched.
    """
    if hasattr(select, "poll"):
        threading.Thread(target=_wait_and_exit, name="engine-watch", daemon=True).start()


def _wait_and_exit() -> None:
    try:
        poll = select.poll()
        # Asks for no event: the error that the other end of the pipe is closed is always reported.
        poll.register(sys.__stderr__.fileno() if sys.__stderr__ else 2, 0)
        poll.poll()
    except (OSError, ValueError):
        return
    # No clean-up: nobody is there to read a last line, and another thread may be about to write.
    os._exit(1)
