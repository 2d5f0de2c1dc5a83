"""docs/reference/site-file.md: the keys of a site file, from its JSON Schema, with an example for each."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from pulumi_plugchoice.sitefile.load import load_site
from pulumi_plugchoice.sitefile.model import MOST_CONNECTORS, MOST_GROUPS, PARTS
from pulumi_plugchoice.sitefile.schema import generate_schema

from .tables import code, table

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A site with every key. The examples are its values.
EXAMPLE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "every-key.yaml"

_DEFAULT: Final = re.compile(r"\s*(?:Default|Not set): (.*?)\.(?= |$)")
_UNIT: Final = re.compile(r"\bA per (?:line|phase)\b|%|\bA\b")
_KINDS: Final = {
    "object": "mapping",
    "array": "list",
    "string": "text",
    "integer": "whole number",
    "boolean": "boolean",
}
_INTRO: Final = f"""\
# Site file

Made from the JSON Schema of the file, which `plugchoice schema` prints and `plugchoice adopt` writes beside the files.
An editor with a YAML language server checks a file against it, if the first line of the file is
`# yaml-language-server: $schema=site.schema.json`.

- A key can be left out, unless it is required.
- An unknown key, a key that comes twice, and a value of the wrong type are mistakes. So are `yes` and `no`: write
  `true` and `false`.
- A file has at most 1 MiB, {MOST_GROUPS} groups and {MOST_CONNECTORS:,} connectors.
- A change of `label`, of comments and of the order of entries changes no resource.

[electrical.md](../explanation/electrical.md) says how the figures are computed.
"""


def render() -> str:
    """The page."""
    schema = generate_schema()
    load_site(EXAMPLE)  # a mistake in the example is an error
    text = EXAMPLE.read_text(encoding="utf-8")
    values = _collect(yaml.safe_load(text))
    parts = [_INTRO.rstrip(), "## A file with every key", f"```yaml\n{text.rstrip()}\n```"]
    for path, name in (("", ""), *((key, model.__name__) for key, model in PARTS.items())):
        model = schema["$defs"][name] if name else schema
        parts += [f"## `{path}`" if path else "## Top level"]
        parts += [model["description"]] if name else []
        parts += [table(["Key", "Type, unit", "Default", "Allowed", "Example", "Meaning"], _rows(model, values[path]))]
    return "\n\n".join(parts) + "\n"


def _rows(model: dict[str, Any], examples: dict[str, Any]) -> Iterator[list[str]]:
    for key, field in model["properties"].items():
        part = key in PARTS
        name = f"[`{key}`](#{key})" if part else code(key)
        text = field["description"]
        found = _DEFAULT.search(text)
        default = code(_write(field["default"])) if _has_default(field) else found[1] if found else "not set"
        default = "required" if key in model.get("required", ()) else default
        meaning = _DEFAULT.sub("", text).strip()
        unit = _find_unit(field, text)
        kind = _KINDS[field.get("type", "object")]
        if not part and key not in examples:
            sys.exit(f"docs/reference/{EXAMPLE.name}: no value for {key!r}; add one as an example")
        example = "" if part else code(_write(examples[key]))
        yield [name, f"{kind}, {unit}" if unit else kind, default, _allowed(field), example, meaning]


def _has_default(field: dict[str, Any]) -> bool:
    return field.get("default") not in (None, {}, [])


def _find_unit(field: dict[str, Any], text: str) -> str:
    found = _UNIT.search(text)
    return found[0] if found and field.get("type") == "integer" else ""


def _allowed(field: dict[str, Any]) -> str:
    if choices := field.get("enum") or field.get("items", {}).get("enum"):
        return " ".join(map(code, choices))
    if "pattern" in field:
        return "a UUID"
    if "maxLength" in field:
        return f"{field['minLength']} to {field['maxLength']} characters"
    if "minItems" in field:
        return "one entry or more"
    if "minimum" in field:
        return f"{field['minimum']} to {field['maximum']:,}" if "maximum" in field else f"{field['minimum']} and up"
    return "`true` `false`" if field.get("type") == "boolean" else ""


def _write(value: Any) -> str:
    """A value as it stands in a file."""
    return str(yaml.safe_dump(value, default_flow_style=True)).removesuffix("...\n").strip()


def _collect(content: Any, path: str = "") -> dict[str, dict[str, Any]]:
    """The first value of each key, by the part of the file that it belongs to."""
    found: dict[str, dict[str, Any]] = {path: {}}
    for entry in content if isinstance(content, list) else [content]:
        for key, value in entry.items():
            found[path].setdefault(key, value)
            if key in PARTS:
                for part, values in _collect(value, key).items():
                    for name, first in values.items():
                        found.setdefault(part, {}).setdefault(name, first)
    return found
