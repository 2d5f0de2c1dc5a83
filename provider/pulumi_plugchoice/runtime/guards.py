"""Checks that come before the first write of a run on a site."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pulumi_plugchoice.errors import PlugchoiceError

if TYPE_CHECKING:
    from collections.abc import Callable


class Guards:
    """The checks of one run by site, each made once, when it is first needed. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._guards: dict[str, dict[str, _Guard]] = {}

    def add(self, site: str, name: str, check: Callable[[], object]) -> None:
        """Let `check` stop the writes on a site with a PlugchoiceError; the same name replaces an earlier one."""
        with self._lock:
            self._guards.setdefault(site, {})[name] = _Guard(check)

    def check(self, site: str | None) -> None:
        """Make the checks of a site, unless they were made before.

        Raises:
            PlugchoiceError: the result of a check, now or before.
        """
        with self._lock:
            guards = list(self._guards.get(site or "", {}).values())
        for guard in guards:
            guard.run()


class _Guard:
    def __init__(self, check: Callable[[], object]) -> None:
        self._check = check
        self._lock = threading.Lock()
        self._is_done = False
        self._error: PlugchoiceError | None = None

    def run(self) -> None:
        with self._lock:  # the others wait for the result
            if not self._is_done:
                try:
                    self._check()
                except PlugchoiceError as error:
                    self._error = error
                self._is_done = True
        if self._error is not None:
            raise self._error
