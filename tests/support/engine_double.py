"""The engine's part in the provider's calls: their order, sessions, the wire's conversions, what is recorded.

It stands in for the engine where a test needs thousands of deployments. It does not replace tests/acceptance: what the
real engine does is seen there, and this follows it (one call at a time, which the real one does for `check` and `diff`
only). The values pass through the SDK's own serialisation, as in `pulumi.dynamic.__main__`.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import io
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from unittest import mock

from pulumi.runtime import rpc
from pulumi_plugchoice.balance import PhaseBalanceProvider
from pulumi_plugchoice.connector import ChargerConnectorProvider
from pulumi_plugchoice.runtime import session as sessions
from pulumi_plugchoice.runtime.engine import _OneLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pulumi.dynamic import CheckResult
    from pulumi_plugchoice.runtime.session import Session

P = ParamSpec("P")
ResultT = TypeVar("ResultT")
Props = dict[str, Any]


def wire(props: Mapping[str, Any], *, keep_unknowns: bool = False) -> Props:
    """The properties as they arrive on the other side: numbers as floats, entries with None gone."""
    loop = asyncio.new_event_loop()
    try:
        struct = loop.run_until_complete(rpc.serialize_properties(dict(props), {}))
    finally:
        loop.close()
    arrived: Props = rpc.deserialize_properties(struct, keep_unknowns)
    return arrived


@dataclass(frozen=True)
class Stored:
    """A resource in the state."""

    id: str
    inputs: Props
    outputs: Props


@dataclass
class Report:
    """What a deployment did.

    Attributes:
        ops: what was found to do, by resource name: `create`, `update`, `replace`, `same`, `delete`, `read`, `gone`.
        errors: one line each; a CheckFailure as `property: text`.
        lines: what the provider printed, by line.
        calls: calls of the provider that were begun.
        is_killed: whether it was cut short.
    """

    ops: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    calls: int = 0
    is_killed: bool = False

    @property
    def went_well(self) -> bool:
        """Whether it ran to its end without an error."""
        return not self.errors and not self.is_killed

    @property
    def changes(self) -> dict[str, str]:
        """What is not as declared."""
        return {name: op for name, op in self.ops.items() if op != "same"}


def _provider(props: Props) -> ChargerConnectorProvider | PhaseBalanceProvider:
    """The provider of a resource with these properties."""
    return PhaseBalanceProvider() if "net_type" in props else ChargerConnectorProvider()


class _StopError(Exception):
    """The deployment ends here."""


@dataclass
class Engine:
    """One stack.

    Attributes:
        environment: what the provider's process gets, on top of this one's.
        state: the stack's resources by name.
        pending: replaced resources whose deletion has not happened yet.
    """

    environment: Mapping[str, str]
    state: dict[str, Stored] = field(default_factory=dict)
    pending: list[tuple[str, Stored]] = field(default_factory=list)

    def preview(self, program: Mapping[str, Props]) -> Report:
        """`pulumi preview`: `check` and `diff` of each declared resource, the state untouched."""
        with self._deployment() as run:
            run.plan(program)
        return run.report

    def up(
        self, program: Mapping[str, Props], *, kill_after: int | None = None, continue_on_error: bool = False
    ) -> Report:
        """`pulumi up --skip-preview`.

        Args:
            program: inputs by resource name.
            kill_after: let the process die after this many provider calls, the last one carried out but not recorded.
            continue_on_error: as the option of that name.
        """
        with self._deployment(kill_after, continue_on_error=continue_on_error) as run:
            run.up(program)
        return run.report

    def refresh(self) -> Report:
        """`pulumi refresh`: what is gone leaves the state, the others are stored as read."""
        with self._deployment() as run:
            run.refresh()
        return run.report

    def destroy(self, *, kill_after: int | None = None) -> Report:
        """`pulumi destroy`: no program runs."""
        with self._deployment(kill_after) as run:
            run.delete(dict.fromkeys(self.state))
        return run.report

    @contextlib.contextmanager
    def _deployment(self, kill_after: int | None = None, *, continue_on_error: bool = False) -> Iterator[_Deployment]:
        run = _Deployment(self, kill_after, continue_on_error=continue_on_error)
        printed = io.StringIO()
        with provider_process(self.environment, printed), contextlib.suppress(_StopError):
            yield run
        run.report.lines = printed.getvalue().splitlines()


@contextlib.contextmanager
def provider_process(environment: Mapping[str, str], printed: io.StringIO | None = None) -> Iterator[Session]:
    """A session as a provider's process has it from `configure` to its exit; what it prints goes to `printed`."""
    with (
        mock.patch.dict(os.environ, environment),
        mock.patch.object(sessions, "_current", None),
        contextlib.redirect_stderr(printed or io.StringIO()),
    ):
        sessions.open_session(lambda _: None)
        session = sessions.current_session()
        atexit.unregister(session.close)
        try:
            yield session
        finally:
            session.close()
            client = vars(session).get("_client")
            if client is not None:
                client.close()


class _Deployment:
    """One run of the engine over one stack."""

    def __init__(self, engine: Engine, kill_after: int | None, *, continue_on_error: bool) -> None:
        self._engine = engine
        self._kill_after = kill_after
        self._continue_on_error = continue_on_error
        self.report = Report()

    def plan(self, program: Mapping[str, Props]) -> None:
        for name, declared in program.items():
            self._planned(name, declared)
        self.report.ops |= {name: "delete" for name in self._engine.state if name not in program}

    def up(self, program: Mapping[str, Props]) -> None:
        left = dict.fromkeys(self._engine.state)
        for name, declared in program.items():
            left.pop(name, None)
            inputs = self._planned(name, declared)
            with self._step():
                self._carry_out(name, inputs)
        if not self.report.errors:
            # After an error nothing is deleted.
            self.delete(left)

    def delete(self, names: Mapping[str, object]) -> None:
        """What was replaced, then what is declared no more, latest first."""
        engine = self._engine
        for name, old in list(engine.pending):
            with self._step():
                self._call(_provider(old.outputs).delete, old.id, wire(old.outputs))
                engine.pending.remove((name, old))
        for name in reversed(list(names)):
            self.report.ops[name] = "delete"
            gone = engine.state[name]
            with self._step():
                self._call(_provider(gone.outputs).delete, gone.id, wire(gone.outputs))
                del engine.state[name]

    def refresh(self) -> None:
        for name, old in list(self._engine.state.items()):
            with self._step():
                found = self._call(_provider(old.outputs).read, old.id, wire(old.outputs))
                if not found.id:
                    self.report.ops[name] = "gone"
                    del self._engine.state[name]
                else:
                    self.report.ops[name] = "read"
                    inputs = old.inputs if found.inputs is None else wire(found.inputs)
                    self._engine.state[name] = Stored(found.id, inputs, wire(found.outs or {}))

    def _planned(self, name: str, declared: Props) -> Props:
        """Check and diff; the checked inputs. An error of either ends the deployment."""
        old = self._engine.state.get(name)
        if old is None:
            inputs = self._checked({}, declared)
            self.report.ops[name] = "create"
            return inputs
        inputs = self._checked(old.inputs, declared)
        found = self._call(_provider(inputs).diff, old.id, wire(old.outputs), wire(inputs))
        if found.replaces:
            self.report.ops[name] = "replace"
            return self._checked({}, declared)
        # None: the engine compares the inputs.
        changes = wire(inputs) != old.inputs if found.changes is None else found.changes
        self.report.ops[name] = "update" if changes else "same"
        return inputs

    def _checked(self, olds: Props, declared: Props) -> Props:
        result: CheckResult = self._call(_provider(declared).check, wire(olds), wire(declared))
        if result.failures:
            self.report.errors += [f"{failure.property}: {failure.reason}" for failure in result.failures]
            raise _StopError
        return wire(result.inputs)

    def _carry_out(self, name: str, inputs: Props) -> None:
        engine = self._engine
        old = engine.state.get(name)
        op = self.report.ops[name]
        if op == "same":
            return
        if op == "update" and old is not None:
            updated = self._call(_provider(inputs).update, old.id, wire(old.outputs), wire(inputs))
            engine.state[name] = Stored(old.id, inputs, wire(updated.outs or {}))
            return
        made = self._call(_provider(inputs).create, wire(inputs))
        if old is not None:
            engine.pending.append((name, old))
        engine.state[name] = Stored(made.id, inputs, wire(made.outs or {}))

    def _call(self, call: Callable[P, ResultT], *args: P.args, **kwargs: P.kwargs) -> ResultT:
        self.report.calls += 1
        try:
            result = call(*args, **kwargs)
        except _OneLine as error:
            if "internal error" in str(error):
                raise  # a fault of ours: the test fails
            self.report.errors.append(str(error))
            raise _StopError from None
        if self.report.calls == self._kill_after:
            self.report.is_killed = True
            raise _StopError
        return result

    @contextlib.contextmanager
    def _step(self) -> Iterator[None]:
        """A step whose error leaves the other steps to go on, when they are asked to."""
        try:
            yield
        except _StopError:
            if self.report.is_killed or not self._continue_on_error:
                raise
