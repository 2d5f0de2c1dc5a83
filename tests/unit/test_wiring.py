"""wiring.sampling: how it reads answers, without calls. tests/contract/test_wiring.py tests the sampling."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_plugchoice.api.models import GroupMeter, PowerManagement, PowerUsage
from pulumi_plugchoice.wiring.evidence import LineReading, Reading
from pulumi_plugchoice.wiring.sampling import _Groups, _parse_meter, _parse_usage

CHARGER = "5f0c3c1e-0000-4000-8000-00000000000a"
AT = "2025-10-28T16:26:14Z"
SECONDS = 1761668774.0


def groups(tree: list[dict[str, Any]], group: int | None) -> _Groups:
    """A site with one charger in a group."""
    charger = {"uuid": CHARGER.upper(), "groupId": group}
    return _Groups(PowerManagement.model_validate({"groups": tree, "allChargers": [charger]}))


@pytest.mark.parametrize(
    ("tree", "group", "expected"),
    [
        ([{"id": 1, "subgroups": [{"id": 2, "subgroups": [{"id": 3}]}, {"id": 4}]}], 3, [3, 2, 1]),
        ([{"id": 1, "subgroups": [{"id": 2}]}], 1, [1]),
        ([{"id": 1}], None, []),
        # Groups by number, in a list of all.
        ([{"id": 1, "subgroups": [2]}, {"id": 2, "subgroups": [3]}, {"id": 3}], 3, [3, 2, 1]),
        ([{"id": 3}, {"id": 2, "subgroups": [3]}, {"id": 1, "subgroups": [2]}], 3, [3, 2, 1]),
        # Answers that cannot be right: a group that is not listed, and a group that is its own ancestor.
        ([{"id": 1}], 9, [9]),
        ([{"id": 1, "subgroups": [{"id": 2, "subgroups": [{"id": 1, "subgroups": []}]}]}], 2, [2, 1]),
    ],
)
def test_the_groups_of_a_charger_go_from_its_own_to_the_root(
    tree: list[dict[str, Any]], group: int | None, expected: list[int]
) -> None:
    """By UUID in lower case; a charger that is not listed is in none."""
    found = groups(tree, group)
    assert found.of(CHARGER) == expected
    assert found.of("5f0c3c1e-0000-4000-8000-00000000000b") == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"timestamp": AT, "L1": "16.0", "L2": " 0.0", "L3": "-", "kW": "3.68"}, Reading(16, SECONDS, "12")),
        ({"timestamp": AT, "L1": "0", "L2": "-", "L3": "-"}, Reading(0, SECONDS, "1")),
        ({"timestamp": AT, "L1": 6, "L2": 6.5, "L3": "6"}, Reading(18.5, SECONDS, "123")),
        ({"timestamp": AT, "L1": "-", "L2": "-", "L3": "-", "kW": "3.68"}, None),
        ({"timestamp": "-", "L1": "16.0"}, None),
        ({}, None),
    ],
)
def test_a_reading_is_a_sum_with_its_time(answer: dict[str, Any], expected: Reading | None) -> None:
    """The reading names the terminals with a value, so that sums over different ones are not compared."""
    assert _parse_usage(PowerUsage.model_validate(answer)) == expected


@pytest.mark.parametrize(
    ("latest", "expected"),
    [
        ({"l1": 4800, "l2": 2200, "l3": -19000, "updated_at": AT}, LineReading((4.8, 2.2, -19.0), SECONDS)),
        ({"l1": 0, "l2": 0, "l3": 0, "updated_at": "-"}, None),
        ({"l1": 4800, "l2": "-", "l3": 0, "updated_at": AT}, None),
        (None, None),
    ],
)
def test_a_meter_reading_has_three_lines_and_a_time_or_is_none(
    latest: dict[str, Any] | None, expected: LineReading | None
) -> None:
    """The values of the vendor's sample, read as mA."""
    found = _parse_meter(GroupMeter.model_validate({"latest_data": latest}), 0.001)
    assert (found and (found.at, found.amps)) == (expected and (expected.at, pytest.approx(expected.amps)))
    assert _parse_meter(None, 0.001) is None
