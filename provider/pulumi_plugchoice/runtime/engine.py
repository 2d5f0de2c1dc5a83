"""What every provider of ours owes the engine: errors of one line, and an eye for values that are not known yet."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import pulumi

from pulumi_plugchoice.errors import PlugchoiceError

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
ResultT = TypeVar("ResultT")


def without_frames() -> None:
    """Let failed calls show no source lines: the SDK sends their traceback to the user."""
    sys.tracebacklimit = 0


def is_known(value: object) -> bool:
    """Whether a property has its value, and is not an output of a resource that is still to be made."""
    return not isinstance(value, pulumi.output.Unknown)


def for_engine(method: Callable[P, ResultT]) -> Callable[P, ResultT]:
    """Let our errors reach the engine as one line: the SDK prints an exception with all of its causes."""

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> ResultT:
        try:
            return method(*args, **kwargs)
        except PlugchoiceError as error:
            raise _OneLine(str(error)) from None

    return call


class _OneLine(Exception):
    """An error as the engine shows it."""


# The traceback of an exception starts with its class's full name, which means nothing to a user. This one's reads
# `plugchoice: …`, like our other lines.
_OneLine.__module__, _OneLine.__qualname__ = "builtins", "plugchoice"
