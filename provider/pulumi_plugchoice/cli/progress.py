"""The progress of a command that takes more than a second: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from .common import echo, is_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress

# A run that takes less shows nothing.
_PATIENCE_SECONDS: Final = 1.0
_SECONDS_BETWEEN_LINES: Final = 10.0


@contextlib.contextmanager
def show_progress(what: str, total: int, verb: tuple[str, str] = ("Reading", "read")) -> Iterator[Callable[[], None]]:
    """Show how many of `total` are done; yields what to call after each.

    Args:
        what: plural noun: `sites`.
        total: how many there are.
        verb: what is being done with them, and what has been done.
    """
    shown = _Bar(f"{verb[0]} {what}", total) if is_terminal(sys.stderr) else _Lines(f"{what} {verb[1]}", total)
    with shown:
        yield shown.advance


class _Lines:
    """Lines on standard error."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._next = time.monotonic() + _PATIENCE_SECONDS

    def __enter__(self) -> None:
        """Nothing is shown yet."""

    def __exit__(self, *error: object) -> None:
        """Nothing is left to remove."""

    def advance(self) -> None:
        """One more is done."""
        self._done += 1
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _SECONDS_BETWEEN_LINES
            echo(f"plugchoice: {self._done} of {self._total} {self._what}", is_error=True)


class _Bar:
    """A bar on the terminal, which is removed at the end."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._lock = threading.Lock()
        self._bar: Progress | None = None
        self._is_over = False
        self._timer = threading.Timer(_PATIENCE_SECONDS, self._start)
        self._timer.daemon = True

    def __enter__(self) -> None:
        """Wait for a second before anything is shown."""
        self._timer.start()

    def __exit__(self, *error: object) -> None:
        """Remove the bar."""
        self._timer.cancel()
        with self._lock:
            self._is_over = True
            if self._bar is not None:
                self._bar.stop()

    def advance(self) -> None:
        """One more is done."""
        with self._lock:
            self._done += 1
            if self._bar is not None:
                self._bar.update(self._bar.task_ids[0], completed=self._done)

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import Progress

        with self._lock:
            if not self._is_over:
                self._bar = Progress(console=Console(stderr=True), transient=True)
                self._bar.add_task(self._what, total=self._total, completed=self._done)
                self._bar.start()
