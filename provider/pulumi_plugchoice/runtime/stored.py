"""The form in which a connector is stored in the state: its id, inputs and outputs. A public format.

Later versions must read what this one wrote; tests/fixtures/state keeps a state of each released version.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from pulumi.runtime import rpc

from pulumi_plugchoice._text import is_uuid, printable
from pulumi_plugchoice.electrical.settings import SETTING_NAMES, read_settings
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.inputs import CHOICES, DEFAULTS, INPUT_NAMES, is_accepted, judge

from .engine import is_known

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from .live import Live

Props = dict[str, Any]

#: Live facts that do not change by themselves. They are outputs, for programs and policies to use.
FACTS: Final = ("power_type", "standard", "format", "max_voltage")
#: Outputs that are not inputs.
COMPUTED: Final = ("managed", "adopted", "identity", *FACTS)
#: The identity that the program declares as `charger`; an offline run takes the UUID found earlier from beside it.
BY_IDENTITY: Final = "charger_identity"
#: The inputs as `check` returns them.
STORED_INPUTS: Final = (*INPUT_NAMES, BY_IDENTITY)


def make_id(charger: str, connector_id: int) -> str:
    """The resource id: `{charger uuid, lower case}/{connector_id}`."""
    return f"{charger.lower()}/{connector_id}"


def parse_id(id_: str) -> tuple[str, int]:
    """Charger UUID and connector number of a resource id.

    Raises:
        PlugchoiceError: it has another form; users write ids for `get` and in import files.
    """
    charger, slash, number = id_.partition("/")
    is_number = number.isascii() and number.isdecimal() and len(number) <= 10
    if not slash or not is_uuid(charger) or not is_number or int(number) < 1:
        raise PlugchoiceError(
            f"id {printable(id_, 80)!r} is not a connector id; give the charger's UUID, a slash and the OCPP connector "
            "number, such as 5f0c3c1e-0000-4000-8000-000000000001/1"
        )
    return charger.lower(), int(number)


def is_managed(props: Mapping[str, Any]) -> bool:
    """Whether stored outputs are of a connector that a resource manages; those of `ChargerConnector.get` are not.

    Also when some are missing. `get` stores no input but charger and number, and its first read has only inputs.
    """
    has_inputs = any(name in props for name in ("site", *DEFAULTS, BY_IDENTITY))
    has_facts = any(name in props for name in ("identity", *FACTS))
    return "managed" in props or "adopted" in props or (has_inputs and has_facts)


def find_damage(id_: str, props: Mapping[str, Any]) -> str | None:
    """What is wrong with the stored outputs of a managed connector, as a line; None when nothing is.

    A state may have been edited, or exported, cut and imported. Its original values are never made up.

    Args:
        id_: resource id.
        props: the stored outputs, with whole numbers.
    """
    reason = _find_damage(id_, props)
    if reason is None:
        return None
    return (
        f"{format_name(props, *parse_id(id_))}: the stored state is damaged: {reason}; import a state from before "
        "(`pulumi stack import`), or run `pulumi state delete` with its URN: the next `pulumi up` then adopts the "
        "connector again"
    )


def refuse_damage(id_: str, props: Mapping[str, Any]) -> None:
    """Raise PlugchoiceError when the stored outputs are damaged; see `find_damage`."""
    reason = find_damage(id_, props)
    if reason:
        raise PlugchoiceError(reason)


def _find_damage(id_: str, props: Mapping[str, Any]) -> str | None:
    charger, number = props.get("charger"), props.get("connector_id")
    # In lower case, or it would look like another charger: the resource would be replaced, and its originals lost.
    if not isinstance(charger, str) or type(number) is not int or f"{charger}/{number}" != id_.lower():
        return "`charger` and `connector_id` are not those of its id"
    managed, adopted = props.get("managed"), props.get("adopted")
    if not isinstance(managed, list) or not managed or not set(map(str, managed)) <= set(SETTING_NAMES):
        return "`managed` is missing" if managed is None else "`managed` is not a list of settings"
    if not isinstance(adopted, dict) or not adopted.keys() <= set(SETTING_NAMES):
        return "`adopted` is missing" if adopted is None else "`adopted` does not hold settings"
    for name in SETTING_NAMES:
        if name in props and name not in managed:
            return f"{name} is stored, and `managed` does not name it"
        for place, values in ((name, props), (f"{name} in `adopted`", adopted)):
            if values.get(name) is not None and not _is_setting(name, values[name]):
                return f"{place} is not {'text' if name == 'phase_rotation' else 'a whole number'}"
    for name, allowed in CHOICES.items():
        if props.get(name) is not None and props[name] not in allowed:
            return f"{name} is not {' or '.join(allowed)}"
    if props.get("site") is not None and judge("site", props["site"]):
        return "site is not a UUID"
    return None


def _is_setting(name: str, value: object) -> bool:
    """Whether a value is of a setting's type; a live one may be any of it."""
    if name == "phase_rotation":
        return isinstance(value, str)
    return isinstance(value, int) and not isinstance(value, bool)


def normalize_numbers(props: Mapping[str, Any]) -> Props:
    """The properties with whole numbers as int; the engine makes 16.0 of 16."""
    return {
        name: normalize_numbers(value)
        if isinstance(value, dict)
        else int(value)
        if isinstance(value, float) and value.is_integer()
        else value
        for name, value in props.items()
    }


def normalize_inputs(inputs: Mapping[str, Any], default_site: str | None) -> Props:
    """Valid inputs in the form in which they are stored: without defaults, with a site, UUIDs in lower case."""
    # An output may have held the default.
    props = {k: v for k, v in normalize_numbers(inputs).items() if not is_known(v) or v != DEFAULTS.get(k)}
    if default_site:
        props.setdefault("site", default_site)
    for name in ("charger", "site"):
        if is_known(props.get(name)) and is_uuid(props.get(name, "")):
            props[name] = props[name].lower()
    return props


def pick_settings(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The settings among inputs: those that the resource manages."""
    return {name: inputs[name] for name in SETTING_NAMES if inputs.get(name) is not None}


def drop_none(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that have a value; the engine's wire format has no None."""
    return {name: value for name, value in settings.items() if value is not None}


def pick_inputs(props: Mapping[str, Any]) -> Props:
    """The inputs among stored outputs."""
    return {name: props[name] for name in STORED_INPUTS if props.get(name) is not None}


def read_facts(live: Live) -> Props:
    """What is stored of a connector besides its settings."""
    return {"identity": live.identity, **{name: getattr(live.connector, name) for name in FACTS}}


def make_outputs(inputs: Mapping[str, Any], live: Live, adopted: Mapping[str, Any]) -> Props:
    """The outputs: the inputs, the original values, and facts that do not change by themselves.

    `status`, `error`, timestamps and unmanaged settings are left out: every refresh would show them as changes.
    """
    return {**inputs, "managed": list(pick_settings(inputs)), "adopted": dict(adopted), **read_facts(live)}


def prove_storable(name: str, outputs: Props) -> None:
    """Let the SDK store the outputs and read them back. To be called before a write: after it would be too late.

    Args:
        name: of the connector, for messages.
        outputs: complete.

    Raises:
        PlugchoiceError: the state cannot hold them.
    """
    loop = asyncio.new_event_loop()
    try:
        struct = loop.run_until_complete(rpc.serialize_properties(outputs, {}))
        stored = normalize_numbers(rpc.deserialize_properties(struct, keep_unknowns=True))
        reason = "" if stored == drop_none(outputs) else "it comes back changed"
    except (ValueError, TypeError, OverflowError) as error:
        reason = type(error).__name__
    finally:
        loop.close()
    if reason:
        raise PlugchoiceError(
            f"{name}: not written, because the state cannot hold what Plugchoice tells about this connector "
            f"({reason}); correct its texts and numbers in Plugchoice"
        )


def refresh_props(props: Mapping[str, Any], live: Live) -> tuple[Props, Props]:
    """Stored outputs with live values, as new outputs and inputs."""
    kept = {name: value for name, value in props.items() if name not in SETTING_NAMES}
    kept |= drop_none(
        {name: value for name, value in read_settings(live.connector).items() if name in props["managed"]}
    )
    return kept | read_facts(live), pick_inputs(kept)


def read_originals(live: Live, names: Collection[str]) -> dict[str, Any]:
    """The live values of settings that become managed; a missing name has none that the API would take back."""
    live_values = read_settings(live.connector)
    return {name: value for name, value in live_values.items() if name in names and is_accepted(name, value)}


def format_name(props: Mapping[str, Any], charger: str, connector_id: int) -> str:
    """A stored connector in messages: `HRB-003/1`, or with the UUID when the identity is not known."""
    return f"{printable(props.get('identity') or props.get(BY_IDENTITY) or charger, 60)}/{connector_id}"
