"""The emulator's answers have the keys, types, nulls and envelopes of the examples in tests/fixtures/api."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from contract.emulator.lab import READ_ONLY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract.emulator.lab import Lab

FOLDER = Path(__file__).parents[2] / "fixtures" / "api"
NAMES = sorted(file.stem for file in FOLDER.glob("*.json"))
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
LIVE_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def differences(recorded: Any, actual: Any, free: set[str], where: str = "") -> Iterator[str]:
    """
    Where an answer has other keys or types than the recorded one. `free` holds the places that may be null or missing;
    of a list, the first item recorded stands for all.
    """
    if actual is None:
        if where not in free and recorded is not None:
            yield f"{where} is null"
    elif isinstance(recorded, dict) and isinstance(actual, dict):
        missing = {key for key in set(recorded) - set(actual) if f"{where}.{key} missing" not in free}
        if missing:
            yield f"{where} lacks {sorted(missing)}"
        if surplus := set(actual) - set(recorded):
            yield f"{where} has {sorted(surplus)} in addition"
        for key in set(recorded) & set(actual):
            yield from differences(recorded[key], actual[key], free, f"{where}.{key}" if where else key)
    elif isinstance(recorded, list) and isinstance(actual, list):
        for item in actual if recorded else []:
            yield from differences(recorded[0], item, free, f"{where}[]")
        if actual and not recorded:
            yield f"{where} should be empty"
    elif recorded is not None and type(recorded) is not type(actual):
        yield f"{where} is {actual!r}, recorded is {recorded!r}"
    elif where.endswith("_at") and not (LIVE_STAMP if "latest_data." in where else STAMP).fullmatch(str(actual)):
        yield f"{where} is no timestamp: {actual!r}"
    elif recorded is None and where not in free:
        yield f"{where} is {actual!r}, recorded is null"


def placeholders(lab: Lab, text: str) -> str:
    """The path of a recorded request with this emulator's ids."""
    never_seen = next(row for row in lab.get("/v3/chargers").json()["data"] if row["connection_status"] == "never_seen")
    names = {"site": lab.site, "charger": lab.charger, "read_only": READ_ONLY}
    return re.sub(r"\{(\w+)\}", lambda found: {**names, "never_seen": never_seen["uuid"]}[found[1]], text)


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_has_the_shape_of_the_recorded_one(lab: Lab, name: str) -> None:
    recorded = json.loads((FOLDER / f"{name}.json").read_text())
    request = recorded["request"]
    path = placeholders(lab, request["path"])
    lab.switch(**request.get("switches", {}))
    if "fault" in request:
        lab.fault(**request["fault"])
    more = {"params": request.get("query"), "json": request.get("json"), "data": request.get("form")}
    answer = lab.api(request["method"], path, token=request.get("token", "demo-token"), **more)
    assert answer.status_code == recorded["status"], answer.text
    assert answer.headers["Content-Type"].startswith("application/json")
    free = {*recorded["nullable"], *(f"{place} missing" for place in recorded["optional"])}
    assert list(differences(recorded["body"], answer.json(), free)) == []
    for header, pattern in recorded["headers"].items():
        assert re.fullmatch(pattern, answer.headers[header]), header
    assert recorded["source"]


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name.startswith("error_") or name == "oauth_invalid_client"]
)
def test_an_error_has_the_recorded_text(lab: Lab, name: str) -> None:
    recorded = json.loads((FOLDER / f"{name}.json").read_text())
    request = recorded["request"]
    path = placeholders(lab, request["path"])
    expected = json.loads(json.dumps(recorded["body"]).replace("{charger}", lab.charger))
    lab.switch(**request.get("switches", {}))
    if "fault" in request:
        lab.fault(**request["fault"])
    more = {"json": request.get("json"), "data": request.get("form")}
    assert lab.api(request["method"], path, token=request.get("token", "demo-token"), **more).json() == expected


def test_the_comparison_finds_each_kind_of_difference() -> None:
    recorded = {"data": [{"id": 1, "max_amperage": 16, "created_at": "2026-01-10T01:14:32.000000Z"}]}
    actual = {"data": [{"id": "1", "max_amperage": None, "created_at": "yesterday", "new": 1}], "total": 1}
    assert sorted(differences(recorded, actual, set())) == [
        " has ['total'] in addition",
        "data[] has ['new'] in addition",
        "data[].created_at is no timestamp: 'yesterday'",
        "data[].id is '1', recorded is 1",
        "data[].max_amperage is null",
    ]
    assert list(differences(recorded, {"data": []}, set())) == []
    assert list(differences(recorded, recorded["data"], set())) != []
