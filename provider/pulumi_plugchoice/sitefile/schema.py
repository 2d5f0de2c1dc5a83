"""The JSON Schema of the site file, for editors. Generated from the models and kept in the package.

`plugchoice schema` prints it. An editor finds it through the first line of a site file,
`# yaml-language-server: $schema=site.schema.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from .model import PARTS, SiteFile

SCHEMA_FILE: Final = Path(__file__).parent / "site.schema.json"


def generate_schema() -> dict[str, Any]:
    """Generate the schema (draft 2020-12) of `SiteFile`, with a description for each key."""
    schema = SiteFile.model_json_schema()
    models = {model.__name__: model for model in PARTS.values()}
    for model_name, model in ((SiteFile.__name__, schema), *schema["$defs"].items()):
        fields = models.get(model_name, SiteFile).model_fields
        for name, field in model["properties"].items():
            field["description"] = fields[name].description
            # Titles repeat the keys. In YAML a key is left out, not set to null.
            field.pop("title", None)
            choices = [choice for choice in field.get("anyOf", ()) if choice != {"type": "null"}]
            if len(choices) == 1:
                field.pop("anyOf")
                field.update({**choices[0], **field})
            if field.get("default", 0) is None:
                field.pop("default")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:pulumi-plugchoice:site-file",
        **schema,
        "title": "Plugchoice site file",
    }


def schema_text() -> str:
    """Return the schema as the package keeps it."""
    return json.dumps(generate_schema(), indent=2) + "\n"
