"""examples/operator against the schema that the operator publishes, and against what it refers to."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pulumi_plugchoice.config import OPTIONS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "operator"
SCHEMA = ROOT / "tests" / "fixtures" / "operator" / "stack.schema.json"


def load(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def find(kind: str) -> dict[str, Any]:
    (found,) = [item for name in ("secret.yaml", "stack.yaml") for item in load(name) if item["kind"] == kind]
    return found


def close(schema: Any) -> Any:
    """No key that the schema does not name: Kubernetes drops those, and says so at most in a warning."""
    if isinstance(schema, list):
        return [close(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: close(value) for key, value in schema.items()}
    if "properties" in schema:
        closed.setdefault("additionalProperties", False)
    return closed


def validate(stack: dict[str, Any]) -> None:
    schema = close(json.loads(SCHEMA.read_text(encoding="utf-8")))
    schema["properties"]["metadata"] = {"type": "object"}  # of Kubernetes, not of the operator
    jsonschema.validate(stack, schema)


@pytest.mark.slow
def test_the_stack_is_as_the_operator_takes_it() -> None:
    stack = find("Stack")
    validate(stack)
    for key, value in (("repo", "x"), ("resyncFrequencySeconds", "600"), ("stack", None)):
        wrong = copy.deepcopy(stack)
        wrong["spec"][key] = value
        with pytest.raises(jsonschema.ValidationError):
            validate(wrong)


def test_what_it_refers_to_is_there() -> None:
    """The keys of the secret, the account, the options, and the site of the example repository."""
    stack, secret, account = find("Stack"), find("Secret"), find("ServiceAccount")
    references = stack["spec"]["envRefs"]
    assert {item["secret"]["key"] for item in references.values()} == set(secret["stringData"])
    assert {item["secret"]["name"] for item in references.values()} == {secret["metadata"]["name"]}
    assert stack["spec"]["serviceAccountName"] == account["metadata"]["name"]
    ours = {name for name in references if name.startswith("PLUGCHOICE_")}
    assert ours <= {option.environment for option in OPTIONS}
    assert (ROOT / "examples" / "gitops" / "sites" / f"{stack['spec']['stack']}.yaml").is_file()
    assert set(secret["stringData"].values()) == {""}, "no value is committed"
