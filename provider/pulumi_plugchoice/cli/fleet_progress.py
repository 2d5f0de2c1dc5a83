"""The progress of a run of many stacks: a table on a terminal, a line an event elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import plural

from .common import echo, is_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.live import Live
    from rich.table import Table

    from pulumi_plugchoice.fleet.results import StackResult

# Of the table without its rows, and of the lines around it.
_OTHER_LINES: Final = 4
# From so many columns on there is room for several kinds of changes.
_WIDE: Final = 100
_STYLES: Final = {"failed": "bold red", "stopped": "bold red", "applied": "green", "changed": "green", "running": "dim"}


def _describe_settling(seconds: float) -> str:
    from pulumi_plugchoice.fleet.fleet_report import show_seconds

    return f"{show_seconds(seconds)} for the hardware to settle"


class Lines:
    """A line for each stack that has ended, on standard output.

    Args:
        waves: the wave of each stack that is to run.
    """

    def __init__(self, waves: Mapping[str, str]) -> None:
        self._waves = waves
        self._wave = ""
        self._done = 0

    def begin(self, name: str, wave: str) -> None:
        """Say which wave begins."""
        del name
        if wave != self._wave and len(set(self._waves.values())) > 1:
            count = sum(other == wave for other in self._waves.values())
            echo(f"wave {wave}: {plural(count, 'site')}")
        self._wave = wave

    def end(self, result: StackResult) -> None:
        """Say how a stack has ended."""
        from pulumi_plugchoice.fleet.fleet_report import show_result

        self._done += 1
        echo(f"{show_result(result)} ({self._done} of {len(self._waves)})")
        sys.stdout.flush()

    def pause(self, wave: str, seconds: float) -> None:
        """Say that the gate of a wave waits."""
        echo(f"wave {wave}: {_describe_settling(seconds)}")
        sys.stdout.flush()

    def tick(self) -> None:
        """Nothing moves."""

    def say(self, text: str) -> None:
        """Say something at once, on standard error."""
        echo(text, is_error=True)


class LiveTable:
    """A table that fills, on standard error: what failed, what runs, and what has ended last.

    Args:
        waves: the wave of each stack that is to run.
    """

    def __init__(self, waves: Mapping[str, str]) -> None:
        from rich.console import Console
        from rich.live import Live

        self._waves = waves
        self._begin = time.monotonic()
        self._running: dict[str, float] = {}
        self._ended: list[StackResult] = []
        self._settled = 0.0
        self._console = Console(stderr=True)
        self.live: Live = Live(console=self._console, auto_refresh=False, transient=True)

    def begin(self, name: str, wave: str) -> None:
        """Show a stack as running."""
        del wave
        self._running[name] = time.monotonic()

    def end(self, result: StackResult) -> None:
        """Show how a stack has ended."""
        self._running.pop(result.name, None)
        self._ended.append(result)

    def pause(self, wave: str, seconds: float) -> None:
        """Say that the gate of a wave waits."""
        del wave
        self._settled = time.monotonic() + seconds

    def tick(self) -> None:
        """Show the table as it is now."""
        self.live.update(self.draw(), refresh=True)

    def say(self, text: str) -> None:
        """Say something above the table."""
        self._console.print(text, markup=False, highlight=False)

    def draw(self) -> Table:
        """Draw the table. Its columns keep their widths, whatever is in them."""
        from rich.table import Table

        from pulumi_plugchoice.fleet.fleet_report import show_changes, show_seconds

        now = time.monotonic()
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, caption=self._describe(now))
        widths = {"State": 9, "Changes": 14 if self._console.width < _WIDE else 28, "Calls": 5, "Time": 6}
        if len(set(self._waves.values())) > 1:
            widths = {"Wave": 6, **widths}
        left = max(8, self._console.width - sum(widths.values()) - 2 * len(widths))
        widths = {"Site": min(left, max(map(len, ["Site", *self._waves]))), **widths}
        for name, width in widths.items():
            table.add_column(name, width=width, no_wrap=True, justify="right" if name in ("Calls", "Time") else "left")

        def add(name: str, state: str, changes: str, calls: str, seconds: float) -> None:
            wave = [self._waves[name].partition(":")[0]] if "Wave" in widths else []
            style = _STYLES.get(state, "")
            table.add_row(_cut(name, widths["Site"]), *wave, state, changes, calls, show_seconds(seconds), style=style)

        room = max(2, self._console.height - _OTHER_LINES)
        running = list(self._running.items())[: room - 1]
        most = room - len(running)
        ordered = [*(one for one in self._ended if one.is_good), *(one for one in self._ended if not one.is_good)]
        for result in ordered[-most:]:
            calls = "?" if result.calls is None else str(result.calls)
            add(result.name, result.state, show_changes(result), calls, result.seconds)
        for name, begin in running:
            add(name, "running", "", "", now - begin)
        return table

    def _describe(self, now: float) -> str:
        from pulumi_plugchoice.fleet.fleet_report import show_seconds

        done, count = len(self._ended), len(self._waves)
        failed = sum(result.state == "failed" for result in self._ended)
        parts = [f"{done} of {count}", *([f"{failed} failed"] if failed else [])]
        if self._settled > now:
            parts.append(_describe_settling(self._settled - now))
        elif 0 < done < count:
            parts.append(f"about {show_seconds((now - self._begin) / done * (count - done))} left")
        return ", ".join(parts)


def _cut(name: str, width: int) -> str:
    """A name without its middle, when it is too long: sites of one town differ at the end."""
    half = (width - 1) // 2
    return name if len(name) <= width else f"{name[: width - 1 - half]}…{name[-half:]}"


@contextlib.contextmanager
def watch(waves: Mapping[str, str]) -> Iterator[Lines | LiveTable]:
    """Show the progress of a run until the end of the block.

    Args:
        waves: the wave of each stack that is to run.
    """
    if not is_terminal(sys.stdout, sys.stderr):
        yield Lines(waves)
        return
    table = LiveTable(waves)
    with table.live:
        yield table
