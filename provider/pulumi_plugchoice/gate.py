"""The mistakes of a whole program, reported together and before anything is written.

A constructor that raises does not stop the resources declared before it: the engine carries out what is registered. So
constructors only note mistakes. An input of every resource is a coroutine of the gate. Coroutines run when the
program's code has run; by then all mistakes are known, and one error lists them.

A gate belongs to a stack run and not to this module: the Automation API can run two programs in one process. Tests with
the SDK's mocks run many, on one stack and without an end that could be seen: there a gate ends when it has reported, or
when all that was declared has passed it.
"""

from __future__ import annotations

import os
import sys
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

import pulumi
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.settings import get_monitor

from ._text import is_uuid, plural, printable
from .config import SITE, find_value
from .electrical.settings import SETTING_NAMES
from .inputs import DEFAULTS, Mistake, find_mistakes, quote

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping

ValueT = TypeVar("ValueT")
# Charger, connector number, and the site in which an identity is looked up (None: the default site).
Claim = tuple[str, int, "str | None"]
_PACKAGE_FOLDER = str(Path(__file__).parent)


class _Place(NamedTuple):
    """Where a resource is declared."""

    line: str
    name: str

    def __str__(self) -> str:
        return f"{self.line}: {self.name}"


class ProgramRefused(pulumi.RunError):
    """A program has mistakes; the message lists them."""

    # The SDK raises the error of a registration from itself. Whatever walks along causes would not come to an end.
    @property
    def __cause__(self) -> BaseException | None:  # type: ignore[override] # a plain attribute of the base
        cause: BaseException | None = super().__cause__
        return None if cause is self else cause


class Gate:
    """The mistakes and the connectors of one stack run.

    Args:
        monitor: what the resources of the run are registered with.
    """

    def __init__(self, monitor: object = None) -> None:
        self.monitor = monitor
        self._lines: list[str] = []
        self._claims: dict[Claim, _Place] = {}
        self._waiting = 0
        self._has_run = False
        self._has_opened = False
        self._has_reported = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more waits for it. A program may still declare more, inside `apply` or after an `await`."""
        return self._has_reported or (self._has_run and not self._waiting)

    def admit(
        self, resource_name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None
    ) -> Awaitable[str]:
        """Note the mistakes of a `ChargerConnector`, and return its `charger` input.

        Args:
            resource_name: name of the resource.
            inputs: as declared, by name.
            opts: Pulumi's resource options, as declared.
        """
        place = _Place(program_line(), printable(resource_name, 80))
        mistakes = find_mistakes(inputs, is_plain, has_default_site=self._has_default_site)
        mistakes += _find_ignored_settings(opts) + find_skipped_restore(inputs["on_destroy"], opts)
        self.refuse(f"{place}: {mistake}" for mistake in mistakes)
        charger, number = inputs["charger"], inputs["connector_id"]
        site = inputs["site"] if isinstance(inputs["site"], str) else None
        if not mistakes and is_plain(charger) and is_plain(number):
            line = self._claim((charger, int(number), site), place)
            self.refuse([line] if line else [])
        self._waiting += 1
        return self._open(inputs, site, place, opts)

    def refuse(self, lines: Iterable[str]) -> None:
        """Note mistakes; each line begins with its place."""
        self._lines.extend(lines)

    async def hold(self, value: ValueT) -> ValueT:
        """Return `value` when the whole program is known to be good; for an input of any resource.

        Raises:
            pulumi.RunError: the program has mistakes; the message lists all of them.
        """
        if self._lines:
            # A program that waits for something, or declares inside `apply`, goes on while the engine is at work.
            written = (
                "connectors declared before may have been written" if self._has_opened else "no connector was written"
            )
            head = f"plugchoice: {plural(len(self._lines), 'problem')} in this program; {written}:"
            self._has_reported = True
            raise ProgramRefused("\n".join([head, *(f"  {line}" for line in self._lines)]))
        return value

    @cached_property
    def _has_default_site(self) -> bool:
        config = {SITE.config: pulumi.Config("plugchoice").get("site")}
        return find_value(SITE, config, os.environ) is not None

    async def _open(
        self, inputs: Mapping[str, Any], site: str | None, place: _Place, opts: pulumi.ResourceOptions | None
    ) -> Any:
        try:
            await self.hold(None)
            await _judge_outputs(inputs, place, opts)
            charger, connector_id = inputs["charger"], inputs["connector_id"]
            if isinstance(charger, pulumi.Output) or isinstance(connector_id, pulumi.Output):
                # None while an output is unknown; then the update finds out, before this resource is registered.
                values = await pulumi.Output.all(charger, connector_id).future()
                if values is not None and isinstance(values[0], str) and isinstance(values[1], int | float):
                    line = self._claim((values[0], int(values[1]), site), place)
                    if line:
                        self._has_reported = True
                        raise ProgramRefused(f"plugchoice: {line}")
            self._has_opened = True
        finally:
            self._waiting -= 1
            self._has_run = True
        return charger

    def _claim(self, claim: Claim, place: _Place) -> str | None:
        """Note that the resource at `place` declares a connector; the mistake when another one already does."""
        charger, connector_id, _ = claim
        # UUIDs are the same in upper and lower case and on every site, identities are not.
        key = (charger.lower(), connector_id, None) if is_uuid(charger) else claim
        other = self._claims.setdefault(key, place)
        if other == place:
            return None
        return (
            f"{place}: connector {connector_id} of charger {printable(charger, 60)} is already declared by "
            f"{other.name} ({other.line}); keep one, because two resources would overwrite each other's values"
        )


_gates: WeakKeyDictionary[pulumi.Resource, Gate] = WeakKeyDictionary()


def gate() -> Gate:
    """The gate of the current stack run."""
    stack = pulumi.runtime.get_root_resource()
    if stack is None:
        raise pulumi.RunError("plugchoice resources can only be declared in a Pulumi program")
    monitor = get_monitor()
    found = _gates.get(stack)
    is_new_test = isinstance(monitor, MockMonitor) and found and (found.monitor is not monitor or found.is_over)
    if found is None or is_new_test:
        found = _gates[stack] = Gate(monitor)
    return found


def program_line() -> str:
    """`file.py:12`: where the program calls this package."""
    frame = sys._getframe(1)  # noqa: SLF001 - inspect.stack() would read every source file on the way
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE_FOLDER):
        frame = frame.f_back
    return f"{_shorten(frame.f_code.co_filename, Path.cwd())}:{frame.f_lineno}"


@cache
def _shorten(filename: str, folder: Path) -> str:
    file = Path(filename)
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else file.name


def is_plain(value: object) -> bool:
    """Whether the program knows the value of an input now; an output gets its value later."""
    return not isinstance(value, pulumi.Output) and not hasattr(value, "__await__")


async def _judge_outputs(inputs: Mapping[str, Any], place: _Place, opts: pulumi.ResourceOptions | None) -> None:
    """Warn of outputs that turn out to be None: the engine drops them, and the default counts instead."""
    for name, effect in _EFFECTS_OF_NONE.items():
        value = inputs[name]
        if not isinstance(value, pulumi.Output) or not await value.is_known():
            continue
        resolved = await value.future()
        if resolved is None:
            pulumi.log.warn(
                f"plugchoice: {place}: {name}: the output has no value (None), so {effect}; to require a value, use "
                "`require_output` of the StackReference, or declare one"
            )
        elif name == "on_destroy":
            for mistake in find_skipped_restore(resolved, opts):
                raise ProgramRefused(f"plugchoice: {place}: {mistake}")


#: What an optional input that is None does.
_EFFECTS_OF_NONE: Final = {
    "phase_rotation": "this setting is not managed",
    "max_amperage": "this setting is not managed",
    "site": "the default site counts",
    **{name: f"it is {default!r}" for name, default in DEFAULTS.items()},
}


def find_skipped_restore(on_destroy: object, opts: pulumi.ResourceOptions | None) -> list[Mistake]:
    """Options with which the engine deletes a resource without calling the provider, so that nothing is restored."""
    if on_destroy != "restore" or opts is None:
        return []
    skipping = {"retain_on_delete": bool(opts.retain_on_delete), "deleted_with": opts.deleted_with is not None}
    return [
        Mistake(
            "on_destroy",
            quote(on_destroy),
            f"does nothing with {name}: the engine then does not call the provider",
            "remove one of the two",
        )
        for name, is_set in skipping.items()
        if is_set
    ]


def _find_ignored_settings(opts: pulumi.ResourceOptions | None) -> list[Mistake]:
    """`ignore_changes` on a setting: the engine would pass the old value as if it were declared."""
    names = set(opts.ignore_changes or ()) if opts else set()
    return [
        Mistake(
            name,
            None,
            "ignore_changes would write the old value back over an edit made in the portal",
            f"declare {name}=None, which leaves the setting as it is",
        )
        for name in SETTING_NAMES
        if name in names or "*" in names
    ]
