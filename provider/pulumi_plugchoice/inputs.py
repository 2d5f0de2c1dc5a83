"""The inputs of a `ChargerConnector`: their names, their defaults, and the rules for their values.

The constructor applies the rules to what the program knows, and `check` to what was an output of another resource.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from ._text import clean, is_storable, is_uuid, printable
from .electrical.rotations import MAX_AMPERAGE, MIN_AMPERAGE, PHASE_ROTATIONS, suggest_rotation
from .electrical.settings import SETTING_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OnAdopt = Literal["overwrite", "match"]
OnDestroy = Literal["retain", "restore"]

INPUT_NAMES: Final = ("charger", "connector_id", *SETTING_NAMES, "site", "on_adopt", "on_destroy")

#: Another value of one of these is another connector, and so another resource.
REPLACING: Final = ("charger", "connector_id")

#: Inputs with these values are not sent, so that a new input of a later version changes nobody's state.
DEFAULTS: Final[Mapping[str, str]] = {"on_adopt": "overwrite", "on_destroy": "retain"}

#: The values of the inputs that have a few.
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {"on_adopt": get_args(OnAdopt), "on_destroy": get_args(OnDestroy)}
_REQUIRED: Final[Mapping[str, str]] = {
    "charger": "give the charger's UUID or its OCPP identity",
    "connector_id": "give the OCPP connector number, 1 for the first",
}
_LONGEST_IDENTITY: Final = 45
_UNREADABLE: Final = 10**60  # Python refuses to write out one of thousands of digits
_HIGHEST_NUMBER: Final = 2**31 - 1


@dataclass(frozen=True)
class Mistake:
    """Something wrong with a declaration. As text: `place: value reason; suggestion`.

    Attributes:
        place: the input, or the place in a site file; empty for a declaration as a whole.
        value: the wrong value as text that is safe to print; None when no single value is wrong.
        reason: why it is wrong.
        suggestion: what to do; empty when there is nothing to add.
    """

    place: str
    value: str | None
    reason: str
    suggestion: str = ""

    @property
    def text(self) -> str:
        """The line without its place."""
        statement = self.reason if self.value is None else f"{self.value} {self.reason}"
        return f"{statement}; {self.suggestion}" if self.suggestion else statement

    def __str__(self) -> str:
        return f"{self.place}: {self.text}" if self.place else self.text


def find_mistakes(
    inputs: Mapping[str, Any], is_known: Callable[[Any], bool], *, has_default_site: bool = False
) -> list[Mistake]:
    """Every mistake in the inputs of one resource.

    Args:
        inputs: by name; None counts as not set.
        is_known: whether a value is known now; an unknown one is not judged.
        has_default_site: whether a resource without `site` gets one from the configuration.
    """
    given = {name: value for name, value in inputs.items() if value is not None}
    known = {name: value for name, value in given.items() if is_known(value)}
    found = {name: mistake for name, value in known.items() if (mistake := judge(name, value))}
    mistakes = list(found.values())
    mistakes += [Mistake(name, None, "not set", wanted) for name, wanted in _REQUIRED.items() if name not in given]
    if not any(name in given for name in SETTING_NAMES):
        reason = "neither phase_rotation nor max_amperage is set"
        mistakes.append(Mistake("", None, reason, "set at least one, or remove the resource"))
    charger = known.get("charger")
    if charger and "charger" not in found and not is_uuid(charger) and "site" not in given and not has_default_site:
        suggestion = "to use an OCPP identity, set site, plugchoice:site or PLUGCHOICE_SITE"
        mistakes.append(Mistake("charger", quote(charger), "is not a UUID", suggestion))
    return mistakes


def judge(name: str, value: Any) -> Mistake | None:
    """The mistake in one value of an input, or None.

    Args:
        name: of the input.
        value: anything; the engine hands over 16 as 16.0, which is a whole number.
    """
    problem = _problem(name, value)
    return Mistake(name, quote(value), *problem) if problem else None


def is_accepted(name: str, value: Any) -> bool:
    """Whether the API would take a live value of a setting back; `Unknown` and 0 A are read, and never written."""
    return value is not None and judge(name, value) is None


def quote(value: Any) -> str:
    """A value in a message: as Python writes it, short and safe to print."""
    # The engine makes 0.0 of 0.
    is_whole = isinstance(value, float) and value.is_integer()
    if (is_whole or isinstance(value, int)) and abs(value) >= _UNREADABLE:
        return "a number of more than 60 digits"
    return printable(repr(int(value) if is_whole else value), 60)


def _problem(name: str, value: Any) -> tuple[str, str] | None:
    """Reason and suggestion."""
    if isinstance(value, str) and is_uuid(value) and not is_storable(value):
        return "is a UUID that Pulumi reserves for itself", "give the UUID that Plugchoice shows"
    if name == "charger":
        return _charger_problem(value)
    if name == "connector_id":
        return _number_problem(value, 1, _HIGHEST_NUMBER, "an OCPP connector number, 1 and up")
    if name == "phase_rotation":
        if isinstance(value, str) and value in PHASE_ROTATIONS:
            return None
        closest = suggest_rotation(value) if isinstance(value, str) else None
        suggestion = f"did you mean {closest!r}?" if closest else f"allowed: {' '.join(PHASE_ROTATIONS)}"
        return "is not a phase rotation", suggestion
    if name == "max_amperage":
        return _number_problem(value, MIN_AMPERAGE, MAX_AMPERAGE, f"{MIN_AMPERAGE} to {MAX_AMPERAGE} A")
    if name == "site" and not (isinstance(value, str) and is_uuid(value)):
        return "is not a UUID", "give the UUID of the site (location) that Plugchoice shows"
    if name in CHOICES and value not in CHOICES[name]:
        return "is not allowed", f"allowed: {' or '.join(repr(choice) for choice in CHOICES[name])}"
    return None


def _charger_problem(value: Any) -> tuple[str, str] | None:
    if not isinstance(value, str):
        return "is not text", _REQUIRED["charger"]
    if not clean(value):
        return "is empty", _REQUIRED["charger"]
    if not is_uuid(value) and len(value) > _LONGEST_IDENTITY:
        reason = f"is not a UUID and, with {len(value)} characters, not an OCPP identity"
        return reason, f"an identity has at most {_LONGEST_IDENTITY}"
    if clean(value) != value:
        return "has extra blanks or invisible characters", f"did you mean {quote(clean(value))}?"
    return None


def _number_problem(value: Any, lowest: int, highest: int, allowed: str) -> tuple[str, str] | None:
    if isinstance(value, str):
        return "is text, not a number", f"allowed: {allowed}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "is not a number", f"allowed: {allowed}"
    if isinstance(value, float) and not value.is_integer():
        return "is not a whole number", f"allowed: {allowed}"
    if not lowest <= value <= highest:
        return "is out of range", f"allowed: {allowed}"
    return None
