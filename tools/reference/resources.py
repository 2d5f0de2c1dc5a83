"""The tables of docs/reference/connector.md and site.md: inputs and outputs of the resources, from their docstrings."""

from __future__ import annotations

import re
from typing import Final

from pulumi_plugchoice.electrical.rotations import MAX_AMPERAGE, MIN_AMPERAGE, PHASE_ROTATIONS
from pulumi_plugchoice.inputs import CHOICES, DEFAULTS, INPUT_NAMES, REPLACING

from .docstrings import find, read_items
from .tables import code, table

_UNITS: Final = {"max_amperage": "A per phase", "max_voltage": "V", "cars_at_6_amps": "cars"}
_REQUIRED: Final = ("charger", "connector_id")
_ALLOWED: Final = {
    "charger": "a UUID, or an OCPP identity of at most 45 characters",
    "connector_id": "1 and up",
    "phase_rotation": " ".join(map(code, PHASE_ROTATIONS)),
    "max_amperage": f"{MIN_AMPERAGE} to {MAX_AMPERAGE}",
    "site": "a UUID",
    **{name: " ".join(f'`"{choice}"`' for choice in choices) for name, choices in CHOICES.items()},
}
_WRAPPED: Final = re.compile(r"pulumi\.(?:Input|Output)\[(.*?)\](?= \| None$|$)")


def connector_inputs() -> str:
    """Every input of a `ChargerConnector`."""
    start = find("ChargerConnector.__init__")
    rows = []
    for name, annotation, text in read_items(start, "parameters"):
        if name in INPUT_NAMES:
            default = "required" if name in _REQUIRED else f'`"{DEFAULTS[name]}"`' if name in DEFAULTS else "`None`"
            change = "replaces" if name in REPLACING else "updates"
            kind = code(_unwrap(annotation).removesuffix(" | None"))
            rows.append([code(name), _join(kind, _UNITS.get(name, "")), default, change, _ALLOWED[name], _begin(text)])
    return table(["Input", "Type, unit", "Default", "A change", "Allowed", "Meaning"], rows)


def connector_outputs() -> str:
    """Every output of a `ChargerConnector`."""
    return _outputs("ChargerConnector")


def site_inputs() -> str:
    """Every argument of a `ChargingSite`."""
    start = find("ChargingSite.__init__")
    rows = [
        [code(name), code(_unwrap(kind)), _begin(text)]
        for name, kind, text in read_items(start, "parameters")
        if name != "opts"
    ]
    return table(["Argument", "Type", "Meaning"], rows)


def balance_outputs() -> str:
    """Every output of a `PhaseBalance`."""
    return _outputs("PhaseBalance")


def _outputs(resource: str) -> str:
    rows = [
        [code(name), _join(code(_unwrap(kind)), _find_unit(name)), _begin(text)]
        for name, kind, text in read_items(find(resource), "attributes")
    ]
    return table(["Output", "Type, unit", "Meaning"], rows)


def _find_unit(name: str) -> str:
    is_amps = name.startswith(("single_phase_", "three_phase_")) or name.endswith(("_amps", "_imbalance"))
    return _UNITS.get(name, "A" if is_amps and name not in {"building_amps", "group_amps"} else "")


def _join(kind: str, unit: str) -> str:
    return f"{kind}, {unit}" if unit else kind


def _unwrap(annotation: str) -> str:
    """The type without `pulumi.Input[…]`: each input may be an output of another resource."""
    return _WRAPPED.sub(r"\1", annotation)


def _begin(text: str) -> str:
    return text if text.startswith(("`", "None")) else text[:1].upper() + text[1:]


GENERATORS: Final = {
    "connector_inputs": connector_inputs,
    "connector_outputs": connector_outputs,
    "site_inputs": site_inputs,
    "balance_outputs": balance_outputs,
}
