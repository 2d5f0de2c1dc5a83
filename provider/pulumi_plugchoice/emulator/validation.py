"""Validation as Laravel does it: trimmed strings, the loose integer rule, the stock texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from .problems import InvalidError

if TYPE_CHECKING:
    from collections.abc import Mapping

THREE_PHASE = ("RST", "RTS", "SRT", "STR", "TRS", "TSR")
TWO_PHASE = ("RS", "RT", "SR", "ST", "TR", "TS")
ONE_PHASE = ("R", "S", "T")
_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*)")


@dataclass(frozen=True)
class Rule:
    """The rules of one field."""

    kind: Literal["string", "integer", "boolean"]
    required: bool = False
    nullable: bool = False
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None


def validated(body: Any, rules: Mapping[str, Rule]) -> dict[str, Any]:
    """The fields that were sent, in their right types. Raises `InvalidError` with every text for every field."""
    sent = body if isinstance(body, dict) else {}
    errors: dict[str, list[str]] = {}
    values: dict[str, Any] = {}
    for name, rule in rules.items():
        value = sent.get(name)
        value = value.strip() or None if isinstance(value, str) else value
        texts = _texts(name, value, rule, given=name in sent)
        if texts:
            errors[name] = texts
        elif name in sent:
            values[name] = _typed(value, rule)
    if errors:
        raise InvalidError(errors)
    return values


def integer(value: Any) -> int | None:
    """PHP's FILTER_VALIDATE_INT: 16, "16" and 16.0 are integers; 16.5, "16.0" and "016" are not."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else None
    if isinstance(value, bool):
        return 1 if value else None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and _INTEGER.fullmatch(value) else None


def _typed(value: Any, rule: Rule) -> Any:
    if value is None:
        return None
    if rule.kind == "integer":
        return integer(value)
    if rule.kind == "boolean":
        return value in (True, 1, "1")
    return value


def _texts(name: str, value: Any, rule: Rule, *, given: bool) -> list[str]:
    label = name.replace("_", " ")
    if rule.required and (value is None or value in ([], {})):
        return [f"The {label} field is required."]
    if not given or (value is None and rule.nullable):
        return []
    texts = []
    if rule.kind == "string" and not isinstance(value, str):
        texts.append(f"The {label} field must be a string.")
    if rule.kind == "integer" and integer(value) is None:
        texts.append(f"The {label} field must be an integer.")
    if rule.kind == "boolean" and value not in (True, False, 0, 1, "0", "1"):
        texts.append(f"The {label} field must be true or false.")
    if rule.choices and (isinstance(value, (dict, list)) or _as_text(value) not in rule.choices):
        texts.append(f"The selected {label} is invalid.")
    size = _size(value)
    if rule.minimum is not None and size < rule.minimum:
        texts.append(f"The {label} field must be at least {rule.minimum}.")
    if rule.maximum is not None and size > rule.maximum:
        texts.append(f"The {label} field must not be greater than {rule.maximum}.")
    return texts


def _as_text(value: Any) -> str:
    number = None if isinstance(value, str) else integer(value)
    return str(value if number is None else number)


def _size(value: Any) -> float:
    """Numbers count as themselves, everything else by its length."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return len(value)
    return len(value) if isinstance(value, (list, dict)) else len(_as_text(value))
