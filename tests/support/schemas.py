"""Whether a document is as a JSON schema says. A schema is read and checked once, which takes up to 80 ms."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from jsonschema.validators import validator_for

if TYPE_CHECKING:
    from pathlib import Path


def validate(document: object, schema: Path) -> None:
    """Raise `jsonschema.ValidationError` for a document that is not as the schema in this file says."""
    _read(schema).validate(document)


@functools.cache
def _read(file: Path) -> Any:
    schema = json.loads(file.read_text(encoding="utf-8"))
    kind = validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)
