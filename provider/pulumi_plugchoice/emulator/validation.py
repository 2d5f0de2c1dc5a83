"""Validation of a body as Laravel does it: trimmed strings, the loose integer rule, the stock texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from .problems import InvalidError

if TYPE_CHECKING:
    from collections.abc import Mapping

ROTATIONS = ("RST", "RTS", "SRT", "STR", "TRS", "TSR", "RS", "RT", "SR", "ST", "TR", "TS", "R", "S", "T")
_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class Rule:
    """The rules of one required field."""

    kind: Literal["string", "integer"]
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None


def validate_fields(body: Any, rules: Mapping[str, Rule]) -> dict[str, Any]:
    """The fields of a body in their types. Raises `InvalidError` with all texts for all fields."""
    fields = body if isinstance(body, dict) else {}
    errors: dict[str, list[str]] = {}
    values: dict[str, Any] = {}
    for name, rule in rules.items():
        value = fields.get(name)
        value = value.strip() or None if isinstance(value, str) else value
        texts = _texts(name.replace("_", " "), value, rule)
        if texts:
            errors[name] = texts
        else:
            values[name] = parse_integer(value) if rule.kind == "integer" else value
    if errors:
        raise InvalidError(errors)
    return values


def parse_integer(value: Any) -> int | None:
    """PHP's FILTER_VALIDATE_INT: 16, "16" and 16.0 are integers; 16.5, "16.0" and "016" are not."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else None
    if isinstance(value, bool):
        return 1 if value else None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and _INTEGER.fullmatch(value) else None


def _texts(label: str, value: Any, rule: Rule) -> list[str]:
    if value is None or value in ([], {}):
        return [f"The {label} field is required."]
    texts = []
    if rule.kind == "string" and not isinstance(value, str):
        texts.append(f"The {label} field must be a string.")
    if rule.kind == "integer" and parse_integer(value) is None:
        texts.append(f"The {label} field must be an integer.")
    if rule.choices and value not in rule.choices:
        texts.append(f"The selected {label} is invalid.")
    size = _size(value)
    if rule.minimum is not None and size < rule.minimum:
        texts.append(f"The {label} field must be at least {rule.minimum}.")
    if rule.maximum is not None and size > rule.maximum:
        texts.append(f"The {label} field must not be greater than {rule.maximum}.")
    return texts


def _size(value: Any) -> float:
    """What minimum and maximum look at: a number itself, of everything else the length."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return len(value)
    return len(value) if isinstance(value, (list, dict)) else 1
