"""What each test costs (`pytest --cost`): `pulumi` commands, and the time of this process and of those it started.

The CPU time of a language host and provider is not in it where the warm process (support/warm.py) forks them.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_COST = "cost"


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
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return _Cost(time.monotonic(), sum(each.ru_utime + each.ru_stime for each in used), self._commands)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Iterator[None]:
        self._start = self._now()
        yield

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Iterator[None]:
        yield
        now = self._now()
        cost = _Cost(now.wall - self._start.wall, now.cpu - self._start.cpu, now.commands - self._start.commands)
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
        total = _Cost(*(sum(figures) for figures in zip(*costs.values(), strict=True)))
        terminalreporter.section("cost: wall s, CPU s, pulumi commands")
        for test, cost in [*sorted(costs.items(), key=lambda item: item[1].wall, reverse=True), ("all", total)]:
            terminalreporter.write_line(f"{cost.wall:7.1f} {cost.cpu:7.1f} {cost.commands:4} {test}")
