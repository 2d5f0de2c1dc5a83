"""The JSON Schema of the site file, for editors: made from the models, kept in the package, shown current by a check.

Point an editor at it with the first line of a site file, `# yaml-language-server: $schema=site.schema.json`;
`plugchoice schema` writes the file beside the site files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from .model import PARTS, SiteFile

SCHEMA_FILE: Final = Path(__file__).parent / "site.schema.json"


def site_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of `site_file.SiteFile`, with a hover text for each key."""
    made = SiteFile.model_json_schema()
    models = {model.__name__: model for model in PARTS.values()}
    for model_name, model in ((SiteFile.__name__, made), *made["$defs"].items()):
        fields = models.get(model_name, SiteFile).model_fields
        for name, field in model["properties"].items():
            field["description"] = fields[name].description
            # Titles repeat the keys, and null is not how a key is left out in YAML.
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
        **made,
        "title": "Plugchoice site file",
    }


def schema_text() -> str:
    """The schema as it is kept in the package."""
    return json.dumps(site_schema(), indent=2) + "\n"
