"""A Pulumi program run in this process against the SDK's mocks: what it registers, and how it ends."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

import pulumi
from pulumi.runtime import mocks

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Ran:
    """What became of a program.

    Attributes:
        inputs: of each registered resource, by its name.
        types: likewise.
        error: what the language host would print, or None.
    """

    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    error: BaseException | None = None

    @property
    def message(self) -> str:
        """The error that a program ends with."""
        assert isinstance(self.error, pulumi.RunError), self.error
        return str(self.error)


class _Mocks(mocks.Mocks):
    def __init__(self) -> None:
        self.ran = Ran()

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise AssertionError(args.token)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.ran.inputs[args.name] = dict(args.inputs)
        self.ran.types[args.name] = args.typ
        return f"{args.name}-id", dict(args.inputs)


def run(program: Callable[[], object], *, preview: bool = False) -> Ran:
    """Run a program in a stack of its own, as the Automation API does: in a thread, with a root resource of its own."""
    (ran,) = run_on_one_stack(program, preview=preview)
    return ran


def run_on_one_stack(*programs: Callable[[], object], preview: bool = False) -> list[Ran]:
    """Run programs one after the other after one `set_mocks`, as the tests of a user's test file do."""
    results: list[Ran] = []
    loops: list[asyncio.AbstractEventLoop] = []
    new_event_loop = asyncio.new_event_loop

    def tracked() -> asyncio.AbstractEventLoop:
        loop = new_event_loop()
        # The SDK leaves failed tasks behind, for a process that ends then.
        loop.set_exception_handler(lambda *_: None)
        loops.append(loop)
        return loop

    def work() -> None:
        loop = tracked()
        asyncio.set_event_loop(loop)
        recorder = _Mocks()
        mocks.set_mocks(recorder, preview=preview)
        for program in programs:
            recorder.ran = Ran()
            results.append(recorder.ran)
            try:
                pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]  # the SDK has no types here
            except Exception as error:  # noqa: BLE001 - the test looks at it
                recorder.ran.error = error.with_traceback(None)
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_default_executor())

    thread = threading.Thread(target=work)
    with mock.patch("asyncio.new_event_loop", tracked):
        thread.start()
        thread.join(60)
    assert not thread.is_alive()
    for loop in loops:
        loop.close()
    return results
