"""Runs the stacks of a fleet in waves, and stops when something goes wrong. What is done is noted at once."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

from pulumi_plugchoice._text import plural
from pulumi_plugchoice.errors import PlugchoiceError

from .health import find_new_problems
from .results import StackResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future

    from .executors import StackExecutor
    from .health import Health
    from .manifest import Manifest
    from .results import StackTask
    from .waves import Wave

_TICK_SECONDS: Final = 0.2


class Gate(Protocol):
    """Looks at the hardware between waves.

    Attributes:
        seconds: how long it settles.
    """

    seconds: float

    def read(self, sites: Sequence[str]) -> dict[str, Health]:
        """Read the hardware of sites."""

    def wait(self, is_over: Callable[[], bool]) -> bool:
        """Let the hardware settle; return whether the time has passed, and it was not over before."""


class Watcher(Protocol):
    """Is told what happens."""

    def begin(self, name: str, wave: str) -> None:
        """A stack begins."""

    def end(self, result: StackResult) -> None:
        """A stack has ended."""

    def pause(self, wave: str, seconds: float) -> None:
        """A wave is done, and its gate waits for the hardware."""

    def tick(self) -> None:
        """Time goes by."""

    def say(self, text: str) -> None:
        """Something has to be known now."""


@dataclass
class FleetRun:
    """A run of many stacks.

    Attributes:
        executor: where they run.
        manifest: where what is done is noted.
        watcher: is told what happens.
        gate: between waves; None: only the stacks count.
        stops_at_failure: whether nothing more starts after a stack that failed.
        results: by name.
        problems: what has stopped the run beside the stacks, one line each.
        is_stopped: whether the user has stopped it.
    """

    executor: StackExecutor
    manifest: Manifest
    watcher: Watcher
    gate: Gate | None = None
    stops_at_failure: bool = True
    results: dict[str, StackResult] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    is_stopped: bool = False
    _is_stop_said: bool = False
    _kinds_said: set[str] = field(default_factory=set)
    _running: dict[Future[StackResult], str] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether everything has been done."""
        return not self.problems and not self.is_stopped and all(result.is_good for result in self.results.values())

    def stop(self) -> None:
        """Let the running stacks end, and start no more. May be called by the handler of a signal."""
        self.is_stopped = True
        self.executor.stop()

    def run(self, waves: Sequence[Wave], tasks: Mapping[str, StackTask]) -> None:
        """Run the stacks that are not done yet. Afterwards each has a result."""
        self.watcher.tick()
        for wave in waves:
            todo = []
            for name in wave.sites:
                if name in self.manifest.done:
                    self.results[name] = self.manifest.done[name]
                else:
                    self.results[name] = StackResult(name, "waiting", wave=wave.name)
                    todo.append(name)
            if self._is_over:
                continue
            # Of an earlier run whose gate has not held: it was interrupted, or the gate has failed.
            open_before = [name for name in wave.sites if name in self.manifest.before]
            if self.gate and not self._note_health(self.gate, [name for name in todo if name not in open_before]):
                continue
            try:
                self._run_wave(wave, todo, tasks)
            except BaseException:  # such as standard output that nobody reads: what runs is not left alone
                self._end_all(wave)
                raise
            # Not by the number of writes: the provider tells it in its last line, which can get lost.
            touched = [name for name in todo if self.results[name].state != "unchanged" and name not in open_before]
            if self.gate and not self._is_over:
                self._hold_gate(self.gate, wave, [*open_before, *touched])

    @property
    def _is_over(self) -> bool:
        has_failed = any(result.state in ("failed", "stopped") for result in self.results.values())
        return self.is_stopped or bool(self.problems) or (self.stops_at_failure and has_failed)

    def _note_health(self, gate: Gate, names: Sequence[str]) -> bool:
        """Note the hardware before a wave; return whether all of it could be read."""
        found = gate.read(names) if names else {}
        lines = [
            f"{name}: cannot be read before the update: {one.problem}" for name, one in found.items() if one.problem
        ]
        self.problems += lines
        if found and not lines:
            self.manifest.before |= found
            self._save()
        return not self._is_over

    def _hold_gate(self, gate: Gate, wave: Wave, names: Sequence[str]) -> None:
        """Let the hardware of a wave settle, and look whether it is as well as before."""
        if names:
            self.watcher.pause(wave.name, gate.seconds)
            if not gate.wait(self._is_stopped_now):
                return
            self.problems += find_new_problems(self.manifest.before, gate.read(names))
        if not self.problems:
            for name in wave.sites:
                self.manifest.before.pop(name, None)
            self._save()

    def _is_stopped_now(self) -> bool:
        self.watcher.tick()
        return self.is_stopped

    def _save(self) -> None:
        try:
            self.manifest.save()
        except PlugchoiceError as error:
            self.problems.append(str(error))

    def _run_wave(self, wave: Wave, names: Sequence[str], tasks: Mapping[str, StackTask]) -> None:
        left = list(names)
        while self._running or (left and not self._is_over):
            # One at a time for each slot, so that nothing has to be called back.
            while left and len(self._running) < self.executor.slots and not self._is_over:
                name = left.pop(0)
                self.watcher.begin(name, wave.name)
                self._running[self.executor.submit(tasks[name])] = name
            done, _ = wait(self._running, timeout=_TICK_SECONDS, return_when=FIRST_COMPLETED)
            if self.is_stopped and self._running and not self._is_stop_said:
                self._is_stop_said = True  # not in the handler of a signal, which may interrupt another line
                self.watcher.say(
                    f"stopping: waiting for {plural(len(self._running), 'stack')}; press Ctrl-C again to end sooner"
                )
            for future in done:
                self._finish(replace(future.result(), wave=wave.name), self._running.pop(future))
            if self.executor.problem and self.executor.problem not in self.problems:
                self.problems.append(self.executor.problem)
            self.watcher.tick()

    def _end_all(self, wave: Wave) -> None:
        self.stop()
        for future, name in self._running.items():
            self._note(replace(future.result(), wave=wave.name), name)

    def _finish(self, result: StackResult, name: str) -> None:
        self._note(result, name)
        self.watcher.end(result)
        for notice in result.notices:  # each kind once; the reason in parentheses may differ
            kind = notice.partition("(")[0]
            if kind not in self._kinds_said:
                self._kinds_said.add(kind)
                self.watcher.say(f"{name}: {notice}")

    def _note(self, result: StackResult, name: str) -> None:
        self.results[name] = result
        if result.is_good:
            self.manifest.done[name] = result
            self._save()
