"""The form in which a connector is stored in the state: its id, inputs and outputs. A public format.

Later versions must read what this one wrote; tests/fixtures/state keeps a state of each released version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._text import is_uuid, printable
from pulumi_plugchoice.electrical.settings import SETTING_NAMES, read_settings
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.inputs import INPUT_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .live import Live

Props = dict[str, Any]

#: Live facts that do not change by themselves: they are stored as outputs, for programs and policies to use.
FACTS: Final = ("power_type", "standard", "format", "max_voltage")
#: Outputs that are no inputs.
COMPUTED: Final = ("managed", "adopted", "identity", *FACTS)
#: How `check` remembers that `charger` was declared by identity; lets an offline run know the UUID it found earlier.
BY_IDENTITY: Final = "charger_identity"
#: The inputs as `check` leaves them.
STORED_INPUTS: Final = (*INPUT_NAMES, BY_IDENTITY)


def connector_key(charger: str, connector_id: int) -> str:
    """The resource id: `{charger uuid, lower case}/{connector_id}`."""
    return f"{charger.lower()}/{connector_id}"


def split_id(id_: str) -> tuple[str, int]:
    """Charger UUID and connector number of a resource id.

    Raises:
        PlugchoiceError: it is not of that form; users write ids for `get` and in import files.
    """
    charger, slash, number = id_.partition("/")
    if not slash or not is_uuid(charger) or not number.isdecimal() or int(number) < 1:
        raise PlugchoiceError(
            f"the id {printable(id_, 80)!r} is not a connector's: it is the charger's UUID, a slash and the OCPP "
            "connector number, as in 5f0c3c1e-0000-4000-8000-000000000001/1"
        )
    return charger.lower(), int(number)


def whole_numbers(props: Mapping[str, Any]) -> Props:
    """The properties with their numbers as they were before the engine made them floats."""
    return {
        name: whole_numbers(value)
        if isinstance(value, dict)
        else int(value)
        if isinstance(value, float) and value.is_integer()
        else value
        for name, value in props.items()
    }


def declared_settings(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The declared settings: the managed ones."""
    return {name: inputs[name] for name in SETTING_NAMES if inputs.get(name) is not None}


def without_none(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that have a value; the engine's wire format has no None."""
    return {name: value for name, value in settings.items() if value is not None}


def inputs_of(props: Mapping[str, Any]) -> Props:
    """The inputs among stored outputs."""
    return {name: props[name] for name in STORED_INPUTS if props.get(name) is not None}


def facts_of(live: Live) -> Props:
    """What is known of a connector besides its settings, and does not change by itself."""
    return {"identity": live.identity, **{name: getattr(live.connector, name) for name in FACTS}}


def outputs_of(inputs: Mapping[str, Any], live: Live, adopted: Mapping[str, Any]) -> Props:
    """What goes to state: the inputs, what was found when adopting, and facts that do not change by themselves.

    `status`, `error` and timestamps stay out: every refresh would show them as changes. Unmanaged settings likewise.
    """
    return {**inputs, "managed": list(declared_settings(inputs)), "adopted": dict(adopted), **facts_of(live)}


def originals_of(found: Live, names: list[str]) -> dict[str, Any]:
    """The live values of settings that become managed. None cannot be stored: a missing name was unset."""
    return {
        name: value for name, value in read_settings(found.connector).items() if name in names and value is not None
    }


def charger_name(props: Mapping[str, Any], charger: str) -> str:
    """What messages call a stored connector's charger: its identity, or its UUID when that is not known."""
    identity = props.get("identity") or props.get(BY_IDENTITY)
    return printable(identity, 60) if identity else charger
