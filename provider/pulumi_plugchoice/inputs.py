"""The inputs of a `ChargerConnector`: their names, and what is wrong with a value.

One set of rules for both places that need it: the constructor, for what the program knows, and `check`, for what was an
output of another resource until now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ._text import is_uuid, printable
from .electrical.rotations import MAX_AMPERAGE, MIN_AMPERAGE, PHASE_ROTATIONS, closest_rotation
from .electrical.settings import SETTING_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

INPUT_NAMES: Final = ("charger", "connector_id", *SETTING_NAMES, "site", "on_adopt", "on_destroy")

#: Inputs that are not sent when they hold these values, so that a later version's new input changes nobody's state.
DEFAULTS: Final[Mapping[str, str]] = {"on_adopt": "overwrite", "on_destroy": "retain"}

_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "on_adopt": ("overwrite", "match"),
    "on_destroy": ("retain", "restore"),
}
_LONGEST_IDENTITY: Final = 45


@dataclass(frozen=True)
class Problem:
    """An input that cannot be right.

    Attributes:
        name: the input.
        text: one line: the value, why it is wrong, what is allowed.
    """

    name: str
    text: str


def default_of(name: str) -> str | None:
    """The value an input has when it is not given."""
    return DEFAULTS.get(name)


def problems(
    inputs: Mapping[str, Any], is_known: Callable[[Any], bool], *, has_default_site: bool = False
) -> list[Problem]:
    """All that is wrong with the known values among `inputs`; None and missing count as not given.

    Args:
        inputs: by name.
        is_known: whether a value is there to be judged, or an output that is still to come.
        has_default_site: whether a resource without `site` gets one from the settings.
    """
    given = {name: value for name, value in inputs.items() if value is not None}
    known = {name: value for name, value in given.items() if is_known(value)}
    found = [Problem(name, text) for name, text in ((name, judge(name, known[name])) for name in known) if text]
    found += [Problem(name, f"{name} is missing: {wanted}") for name, wanted in _WANTED.items() if name not in given]
    if not any(name in given for name in SETTING_NAMES):
        found.append(
            Problem(
                SETTING_NAMES[0],
                "neither phase_rotation nor max_amperage is given: declare at least one, or remove the resource",
            )
        )
    charger = known.get("charger")
    if (
        isinstance(charger, str)
        and not judge("charger", charger)
        and not is_uuid(charger)
        and not has_default_site
        and "site" not in given
    ):
        found.append(
            Problem(
                "charger",
                f"charger {printable(charger, 60)!r} is no UUID, and an OCPP identity needs a site to be looked up in: "
                "give site=, or set plugchoice:site or PLUGCHOICE_SITE",
            )
        )
    return found


_WANTED: Final[Mapping[str, str]] = {
    "charger": "give the charger's UUID, or its OCPP identity",
    "connector_id": "give the OCPP connector number, 1 for the first",
}


def judge(name: str, value: Any) -> str | None:
    """What is wrong with one value, or None."""
    if name == "charger":
        return _charger_problem(value)
    if name == "connector_id":
        if _is_whole(value) and value >= 1:
            return None
        return f"connector_id {_shown(value)} is not an OCPP connector number: a whole number from 1{_as_number(value)}"
    if name == "phase_rotation":
        return _rotation_problem(value)
    if name == "max_amperage":
        if _is_whole(value) and MIN_AMPERAGE <= value <= MAX_AMPERAGE:
            return None
        return (
            f"max_amperage {_shown(value)} is not allowed: a whole number of amps from {MIN_AMPERAGE} to "
            f"{MAX_AMPERAGE}{_as_number(value)}"
        )
    if name == "site":
        if isinstance(value, str) and is_uuid(value):
            return None
        return f"site {_shown(value)} is not a UUID: give the UUID of the site (location) as Plugchoice shows it"
    if name in _CHOICES and value not in _CHOICES[name]:
        return f"{name} {_shown(value)} is not allowed: {' or '.join(repr(choice) for choice in _CHOICES[name])}"
    return None


def _charger_problem(value: Any) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return f"charger {_shown(value)} names no charger: {_WANTED['charger']}"
    if value != value.strip() or printable(value, 1000) != value:
        return f"charger {_shown(value)} has blanks or control characters around or in it: give it without"
    if not is_uuid(value) and len(value) > _LONGEST_IDENTITY:
        return (
            f"charger {_shown(value)} is neither a UUID nor an OCPP identity "
            f"(those have at most {_LONGEST_IDENTITY} characters)"
        )
    return None


def _rotation_problem(value: Any) -> str | None:
    if isinstance(value, str) and value in PHASE_ROTATIONS:
        return None
    close = closest_rotation(value) if isinstance(value, str) else None
    meant = f"; did you mean {close!r}?" if close else "."
    return f"phase_rotation {_shown(value)} is not a phase rotation{meant} Allowed: {' '.join(PHASE_ROTATIONS)}"


def _is_whole(value: Any) -> bool:
    """Whether `value` is a whole number. The engine turns 16 into 16.0, so that is one; True is not."""
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())


def _as_number(value: Any) -> str:
    return " (a number, not text)" if isinstance(value, str) else ""


def _shown(value: Any) -> str:
    return printable(repr(value), 60)
