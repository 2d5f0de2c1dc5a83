"""Bad inputs of a whole program, refused together and before anything is written.

A constructor that raises does not stop the resources declared before it: the engine carries out what is registered. So
constructors only collect. The `charger` input of every resource passes through `Gate.open`, a coroutine, and coroutines
run once the program's code has: by then all problems are known, and one error names them all.

The collection belongs to the stack run and not to this module: the Automation API can run two programs in one process.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

import pulumi

from ._text import is_uuid, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .inputs import Mistake

ValueT = TypeVar("ValueT")
Connector = tuple[str, int, "str | None"]
_PACKAGE_FOLDER = str(Path(__file__).parent)


class Gate:
    """The problems and the declared connectors of one stack run."""

    def __init__(self) -> None:
        self._problems: list[str] = []
        self._declared: dict[Connector, str] = {}
        self._has_opened = False

    def refuse(self, resource: str, line: str, mistakes: Iterable[Mistake]) -> None:
        """Note what is wrong with a resource. `line` is where the program declares it."""
        self.refuse_lines(f"{line}: {printable(resource, 80)}: {mistake}" for mistake in mistakes)

    def refuse_lines(self, lines: Iterable[str]) -> None:
        """Note problems that say themselves where they are, as those of a site file do."""
        self._problems.extend(lines)

    def claim(self, connector: Connector, resource: str, line: str) -> str | None:
        """Note that a resource declares a connector; returns the problem when another one does so already.

        Args:
            connector: charger, connector number, and the site that an identity is looked up in (None: the default).
            resource: its name.
            line: where the program declares it.
        """
        charger, connector_id, _ = connector
        mine = f"{printable(resource, 80)} ({line})"
        # UUIDs are the same in either case and on every site, identities are not.
        key = (charger.lower(), connector_id, None) if is_uuid(charger) else connector
        other = self._declared.setdefault(key, mine)
        if other == mine:
            return None
        return (
            f"{line}: {printable(resource, 80)}: connector {connector_id} of charger {printable(charger, 60)} is "
            f"already declared by {other}: two resources would overwrite each other's values; keep one"
        )

    def claim_or_refuse(self, connector: Connector, resource: str, line: str) -> None:
        """As `claim`, the problem being noted."""
        problem = self.claim(connector, resource, line)
        if problem:
            self._problems.append(problem)

    async def open(
        self,
        charger: pulumi.Input[str],
        connector_id: pulumi.Input[int],
        site: str | None,
        resource: str,
        line: str,
    ) -> Any:
        """The `charger` input, once the whole program is known to be good.

        Raises:
            pulumi.RunError: the program has problems; the message lists all of them.
        """
        await self.hold(None)
        if isinstance(charger, pulumi.Output) or isinstance(connector_id, pulumi.Output):
            # None while an output is unknown: then the update will find out, before this resource is registered.
            values = await pulumi.Output.all(charger, connector_id).future()
            if values is not None and isinstance(values[0], str) and isinstance(values[1], int | float):
                problem = self.claim((values[0], int(values[1]), site), resource, line)
                if problem:
                    raise pulumi.RunError(f"plugchoice: {problem}")
        self._has_opened = True
        return charger

    async def hold(self, value: ValueT) -> ValueT:
        """`value`, once the whole program is known to be good; for an input of any resource.

        Raises:
            pulumi.RunError: the program has problems; the message lists all of them.
        """
        if self._problems:
            raise pulumi.RunError(self._message())
        return value

    def _message(self) -> str:
        count = len(self._problems)
        head = "1 problem" if count == 1 else f"{count} problems"
        # A program that waits for something, or declares inside of `apply`, goes on while the engine is at work.
        written = "connectors declared before may have been written" if self._has_opened else "no connector was written"
        return "\n".join([f"plugchoice: {head} in this program; {written}:", *(f"  {text}" for text in self._problems)])


_gates: WeakKeyDictionary[pulumi.Resource, Gate] = WeakKeyDictionary()


def gate() -> Gate:
    """The gate of the stack run that is going on."""
    stack = pulumi.runtime.get_root_resource()
    if stack is None:
        raise pulumi.RunError("plugchoice resources can only be declared in a Pulumi program")
    return _gates.setdefault(stack, Gate())


def program_line() -> str:
    """`file.py:12`: where the program calls into this package."""
    frame = sys._getframe(1)  # noqa: SLF001 - the stack's own module would read every source file on the way
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE_FOLDER):
        frame = frame.f_back
    file = Path(frame.f_code.co_filename)
    folder = Path.cwd()
    shown = file.relative_to(folder) if file.is_relative_to(folder) else file.name
    return f"{shown}:{frame.f_lineno}"
