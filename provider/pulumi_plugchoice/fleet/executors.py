"""Where the stacks of a fleet run: threads of this process. Others can stand behind the same two calls."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from .stack_run import Control, run_stack

if TYPE_CHECKING:
    from concurrent.futures import Future

    from .results import StackResult, StackTask


class StackExecutor(Protocol):
    """Runs tasks, several at a time.

    Attributes:
        problem: why nothing runs any more; empty as long as it does.
    """

    problem: str

    @property
    def slots(self) -> int:
        """How many. It may change."""

    def submit(self, task: StackTask) -> Future[StackResult]:
        """Run a task as soon as there is a slot."""

    def stop(self) -> None:
        """Let the running tasks end, and start no more."""


class ThreadExecutor:
    """Runs tasks in threads; each waits for its own CLI process.

    Args:
        slots: how many at a time.
    """

    problem = ""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._control = Control()
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="stack")

    def submit(self, task: StackTask) -> Future[StackResult]:
        """Run a task as soon as a thread is free."""
        return self._pool.submit(run_stack, task, self._control)

    def stop(self) -> None:
        """Let the running processes end, and start no more; each further call is less patient."""
        self._control.stop()
