"""What each test and each file of tests costs (`pytest --cost`): time, CPU time with all processes, `pulumi` commands.

What a fixture of a session or module costs counts for the test that sets it up, and the shortest tests for the next
one that takes longer: a look at all processes takes 30 ms.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_COST = "cost"
_SHORT = 0.25  # s
_TICKS = os.sysconf("SC_CLK_TCK")


class _Cost(NamedTuple):
    wall: float  # s
    cpu: float  # s
    commands: int


class Meter:
    """A plugin that measures each test, from set-up to teardown, and prints them with the longest first."""

    def __init__(self) -> None:
        self._commands = 0
        self._start = self._now()
        sys.addaudithook(self._count)

    def _count(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook: it also sees the commands that a test starts without `Stack`."""
        if event == "subprocess.Popen" and Path(str(arguments[0])).name == "pulumi":
            self._commands += 1

    def _now(self) -> _Cost:
        return _Cost(time.monotonic(), _cpu_seconds(), self._commands)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Iterator[None]:
        yield
        if time.monotonic() - self._start.wall < _SHORT:
            return
        now = self._now()
        cost = _Cost(now.wall - self._start.wall, now.cpu - self._start.cpu, now.commands - self._start.commands)
        self._start = now
        item.user_properties.append((_COST, list(cost)))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """With the tests of other workers: their costs come with their reports."""
        costs = {
            report.nodeid: _Cost(*value)
            for reports in terminalreporter.stats.values()
            for report in reports
            for name, value in getattr(report, "user_properties", ())
            if name == _COST
        }
        if not costs:
            return
        files: dict[str, list[_Cost]] = defaultdict(list)
        for test, cost in costs.items():
            files[test.partition("::")[0]].append(cost)
            files["all"].append(cost)
        sums = {file: _Cost(*(sum(figures) for figures in zip(*each, strict=True))) for file, each in files.items()}
        terminalreporter.section("cost: wall s, CPU s, pulumi commands")
        for rows in (costs, sums):
            for test, cost in sorted(rows.items(), key=lambda item: item[1].wall, reverse=True):
                terminalreporter.write_line(f"{cost.wall:7.1f} {cost.cpu:7.1f} {cost.commands:4} {test}")


def _cpu_seconds() -> float:
    """The CPU time of this process and all below it, also of those that ended: each parent has what it waited for."""
    parents = {}
    used = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended
            text = file.read_text(errors="replace")
            fields = text.rpartition(")")[2].split()  # the name before may hold anything
            process = int(file.parent.name)
            parents[process] = int(fields[1])
            used[process] = sum(map(int, fields[11:15]))
    ours = [os.getpid()]
    for process in ours:
        ours += [child for child, parent in parents.items() if parent == process]
    return sum(used[process] for process in ours) / _TICKS
