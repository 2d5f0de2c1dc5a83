"""typed_dicts.py: the types of `definition=` have the fields of the site file's models, and no others."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

import pytest
from pulumi_plugchoice import inputs
from pulumi_plugchoice.electrical.rotations import PhaseRotation
from pulumi_plugchoice.sitefile import typed_dicts
from pulumi_plugchoice.sitefile.model import (
    ChargerEntry,
    ConnectorEntry,
    Defaults,
    GroupEntry,
    LimitsEntry,
    LineAmps,
    SiteFile,
    Supply,
)
from typing_extensions import NotRequired, get_type_hints

if TYPE_CHECKING:
    from pydantic import BaseModel

PAIRS: dict[type[BaseModel], Any] = {
    SiteFile: typed_dicts.SiteDefinition,
    Supply: typed_dicts.SupplyDefinition,
    LineAmps: typed_dicts.LineAmpsDefinition,
    LimitsEntry: typed_dicts.LimitsDefinition,
    GroupEntry: typed_dicts.GroupDefinition,
    Defaults: typed_dicts.DefaultsDefinition,
    ChargerEntry: typed_dicts.ChargerDefinition,
    ConnectorEntry: typed_dicts.ConnectorDefinition,
}
NAMES = {**vars(inputs), "NotRequired": NotRequired, "PhaseRotation": PhaseRotation}
# The model takes any text here, so that a mistake gets a message of ours; a type checker can be stricter.
STRICTER = {"phase_rotation", "planned_rotation"}


def describe(type_: Any) -> Any:
    """A type in a form that can be compared: models as their TypedDict, unions as sets, bounds left out."""
    if type_ in PAIRS:
        return PAIRS[type_]
    if hasattr(type_, "__metadata__"):
        return describe(type_.__origin__)
    arguments = get_args(type_)
    if not arguments:
        return type_
    is_union = get_origin(type_) is Union or type(type_).__name__ == "UnionType"
    parts = tuple(describe(argument) for argument in arguments)
    return frozenset(parts) if is_union else (get_origin(type_), parts)


@pytest.mark.parametrize("model", PAIRS, ids=lambda model: model.__name__)
def test_a_typed_dict_has_the_fields_of_its_model(model: type[BaseModel]) -> None:
    """Names, types, and which are required; and its docstring names each."""
    hints = get_type_hints(PAIRS[model], localns=NAMES, include_extras=True)

    assert set(hints) == set(model.model_fields)
    for name, hint in hints.items():
        field = model.model_fields[name]
        can_be_left_out = getattr(hint, "__origin__", None) is NotRequired
        assert can_be_left_out is not field.is_required(), name
        type_ = get_args(hint)[0] if can_be_left_out else hint
        if name in STRICTER:
            assert describe(type_) == describe(PhaseRotation | None), name
            assert describe(field.annotation) == describe(str | None), name
        else:
            assert describe(type_) == describe(field.annotation), name
        assert f"\n    {name}: " in inspect.cleandoc(PAIRS[model].__doc__)  # Python 3.13 has taken the indent away


def test_every_definition_has_a_model() -> None:
    """And every model a definition."""
    defined = {item for name, item in vars(typed_dicts).items() if name.endswith("Definition")}
    assert defined == set(PAIRS.values())


def test_a_program_can_import_them_without_pydantic() -> None:
    """It takes a tenth of a second to import."""
    code = "import sys, pulumi_plugchoice.sitefile.typed_dicts; print('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
