"""Currents: connectors that draw, meters that follow the real wiring, readings that are odd or missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from contract.emulator.lab import Lab

YARD = "0b6c1d2e-3f40-4a51-8b62-000000000001"


def yard(*connectors: dict[str, Any], net_type: str = "TN", **meter: Any) -> dict[str, Any]:
    """A seed with a charger for each connector, in a group below the group with the meter."""
    groups = [{"id": 1, "net_type": net_type, "meter": meter}, {"id": 2, "net_type": net_type}]
    chargers = [{"identity": f"Y-{place}", "group": 2, "connectors": [one]} for place, one in enumerate(connectors, 1)]
    return {"sites": [{"uuid": YARD, "name": "Yard", "groups": groups, "chargers": chargers}]}


def wired(rotation: str, *amps: float) -> dict[str, Any]:
    """A connector that is declared RST, whatever its wiring."""
    return {"phase_rotation": "RST", "circuit": {"wired": rotation, "amps": list(amps)}}


def lines(lab: Lab, group: int = 1) -> tuple[float, float, float]:
    """A through the meter of a group."""
    latest = lab.get(f"/v3/sites/{YARD}/groups/{group}/meter").json()["data"]["latest_data"]
    return latest["l1"] / 1000, latest["l2"] / 1000, latest["l3"] / 1000


def usage(lab: Lab, identity: str) -> tuple[str, str, str, str]:
    """L1, L2, L3 and kW of a charger's first connector."""
    reading = lab.get(f"/v3/chargers/{lab.by_identity[identity]}/connectors/1/power-usage").json()
    return reading["L1"], reading["L2"], reading["L3"], reading["kW"]


@pytest.mark.parametrize(
    ("connectors", "expected"),
    [
        ([], (0, 0, 0)),
        ([wired("RST", 16, 0, 0)], (16, 0, 0)),
        ([wired("STR", 16, 0, 0)], (0, 16, 0)),
        ([wired("TSR", 16, 10, 6)], (6, 10, 16)),
        ([wired("S", 16, 16, 16)], (0, 16, 0)),
        ([wired("TR", 0, 8, 8)], (8, 0, 0)),
        ([wired("RST", 16, 0, 0), wired("STR", 16, 0, 0), wired("TRS", 16, 0, 0)], (16, 16, 16)),
    ],
)
def test_with_a_neutral_a_terminal_loads_the_line_that_feeds_it(
    lab: Lab, connectors: list[dict[str, Any]], expected: tuple[float, ...]
) -> None:
    lab.seed(yard(*connectors, {"phase_rotation": "RST"}, base_amps=[1, 2, -3]))
    assert lines(lab) == (expected[0] + 1, expected[1] + 2, expected[2] - 3)


@pytest.mark.parametrize(
    ("connectors", "base", "expected"),
    [
        ([wired("RS", 16, 0, 0)], 0, (16, 16, 0)),
        ([wired("R", 16, 0, 0)], 0, (16, 16, 0)),
        ([wired("RST", 16, 0, 0), wired("ST", 16, 0, 0)], 0, (16, 27.71, 16)),
        ([wired("RS", 16, 0, 0), wired("ST", 16, 0, 0), wired("TR", 16, 0, 0)], 0, (27.71, 27.71, 27.71)),
        ([wired("RS", 32, 0, 0)], 16, (46.55, 46.55, 16)),
        ([wired("RS", 32, 0, 0), wired("STR", 16, 16, 16)], 0, (46.55, 46.55, 16)),
        ([wired("RS", 9.25, 0, 0), wired("ST", 9.25, 0, 0)], 0, (9.25, 16.02, 9.25)),
    ],
)
def test_without_a_neutral_a_car_is_connected_between_two_lines(
    lab: Lab, connectors: list[dict[str, Any]], base: float, expected: tuple[float, ...]
) -> None:
    """The worked examples of docs/explanation/electrical.md."""
    lab.seed(yard(*connectors, net_type="IT", base_amps=[base] * 3))
    assert lines(lab) == pytest.approx(expected, abs=0.005)


def test_a_meter_measures_its_group_and_those_below_it(lab: Lab) -> None:
    lab.seed(yard(wired("RST", 16, 0, 0)))
    lab.control("PUT", f"/sites/{YARD}/groups/2/meter", {})
    assert (lines(lab, 1), lines(lab, 2)) == ((16, 0, 0), (16, 0, 0))
    lab.control("PATCH", "/chargers/Y-1", {"group": 1})
    assert (lines(lab, 1), lines(lab, 2)) == ((16, 0, 0), (0, 0, 0))
    lab.control("PATCH", "/chargers/Y-1", {"group": None})
    assert lines(lab, 1) == (0, 0, 0)


def test_a_group_that_is_its_own_ancestor_is_measured_once(lab: Lab) -> None:
    lab.seed(yard(wired("RST", 16, 0, 0)))
    lab.control("PATCH", f"/sites/{YARD}/groups/1", {"group_id": 2})
    assert lines(lab, 1) == (16, 0, 0)


def test_a_put_of_the_rotation_rewires_nothing(lab: Lab) -> None:
    lab.seed(yard({"phase_rotation": "STR", "circuit": {"amps": [16, 0, 0]}}))
    assert lines(lab) == (0, 16, 0)
    assert lab.put({"phase_rotation": "TRS", "max_amperage": 16}).status_code == 200
    assert lines(lab) == (0, 16, 0)
    changed = lab.control("PATCH", "/chargers/Y-1/connectors/1/circuit", {"wired": "TRS"})
    assert (changed["wired"], changed["amps"]) == ("TRS", [16, 0, 0])
    assert lines(lab) == (0, 0, 16)


def test_a_car_comes_and_goes(lab: Lab) -> None:
    lab.seed(yard({"phase_rotation": "RST", "max_amperage": 20}))
    circuit = "/chargers/Y-1/connectors/1/circuit"
    assert lab.control("PATCH", circuit, {"amps": [16, 0, 0]})["status"] == "Charging"
    assert (usage(lab, "Y-1"), lines(lab)) == (("16.0", "0.0", "0.0", "3.68"), (16, 0, 0))
    assert lab.get(f"/v3/sites/{YARD}/connectors").json()["data"][0]["status"] == "Charging"
    assert lab.control("PATCH", circuit, {"amps": [0, 0, 0]})["status"] == "Available"
    assert (usage(lab, "Y-1"), lines(lab)) == (("0.0", "0.0", "0.0", "0.00"), (0, 0, 0))
    lab.control("PATCH", circuit, {"amps": None})
    lab.control("PATCH", "/chargers/Y-1/connectors/1", {"status": "Charging"})
    assert (usage(lab, "Y-1"), lines(lab)) == (("20.0", "20.0", "20.0", "13.80"), (20, 20, 20))
    lab.control("POST", "/reset")
    assert lab.get(f"/v3/sites/{YARD}").status_code == 404


def test_a_charger_reports_by_terminal_or_by_line(lab: Lab) -> None:
    lab.seed(yard(wired("STR", 16, 6, 0)))
    assert usage(lab, "Y-1")[:3] == ("16.0", "6.0", "0.0")
    lab.control("PATCH", "/chargers/Y-1/connectors/1/circuit", {"reports": "lines"})
    assert usage(lab, "Y-1")[:3] == ("0.0", "16.0", "6.0")
    assert lines(lab) == (0, 16, 6)


def test_readings_may_be_odd_or_missing(lab: Lab) -> None:
    lab.seed(yard(wired("RST", 16, 16, 0)))
    lab.switch(odd_readings=True)
    assert usage(lab, "Y-1") == ("-", " 16.0", " 0.0", " 7.36")
    lab.control("PATCH", "/chargers/Y-1/connectors/1/circuit", {"has_readings": False})
    assert usage(lab, "Y-1") == ("-", "-", "-", "-")
    assert lines(lab) == (16, 16, 0)


def test_a_meter_without_readings_answers_zeros_and_a_sentence(lab: Lab) -> None:
    lab.seed(yard(wired("RST", 16, 0, 0), has_readings=False))
    meter = lab.get(f"/v3/sites/{YARD}/groups/1/meter").json()["data"]
    assert meter["latest_data"] == {"l1": 0, "l2": 0, "l3": 0, "updated_at": "-"}
    assert meter["power"] == "Unable to retrieve power information for this meter."


@pytest.mark.parametrize(("unit", "expected"), [("A", 16), ("mA", 16000), ("W", 3680)])
def test_a_meter_counts_in_the_given_unit(lab: Lab, unit: str, expected: int) -> None:
    lab.seed(yard(wired("RST", 16, 0, 0), unit=unit))
    meter = lab.get(f"/v3/sites/{YARD}/groups/1/meter").json()["data"]
    assert (meter["latest_data"]["l1"], meter["power"]["l1"], meter["power"]["total"]) == (expected, 3680, 3680)


def test_a_meter_is_attached_changed_and_detached(lab: Lab) -> None:
    lab.seed(yard(wired("RST", 16, 0, 0)))
    path = f"/sites/{YARD}/groups/2/meter"
    assert lab.get(f"/v3{path}").status_code == 404
    first = lab.control("PUT", path, {"base_amps": [1, 1, 1]})
    assert lines(lab, 2) == (17, 1, 1)
    assert lab.control("PUT", path, {"base_amps": [0, 0, 9]})["id"] == first["id"]
    assert lines(lab, 2) == (16, 0, 9)
    group = lab.get(f"/v3/sites/{YARD}/groups").json()["data"][1]
    managed = lab.get(f"/v3/sites/{YARD}/power-management").json()["groups"][0]
    assert group["meter_id"] == managed["subgroups"][0]["meter"]["id"] == first["id"]
    assert set(managed["meter"]) == {"id", "uuid", "type", "serialNumber"}
    lab.control("DELETE", path)
    assert lab.get(f"/v3{path}").status_code == 404
    assert lab.get(f"/v3/sites/{YARD}/groups").json()["data"][1]["meter_id"] is None
    assert lab.control("DELETE", path, status=404)["error"] == "no Meter 2"


def test_a_meter_is_visible_to_those_who_see_the_site(lab: Lab) -> None:
    lab.seed(yard(wired("RST", 16, 0, 0)))
    lab.control("PUT", "/tokens/guest", {"user": "guest", "access": {YARD: "none"}})
    assert lab.get(f"/v3/sites/{YARD}/groups/1/meter", token="guest").status_code == 403
    assert lab.get(f"/v3/sites/{YARD}/groups/9/meter").status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        ("circuit", {"amps": [16]}, "amps: is not three numbers; write the A on L1, L2, L3, such as [16, 0, 0]"),
        ("circuit", {"amps": "16"}, "amps: is not three numbers"),
        ("circuit", {"amps": [16, 0, True]}, "amps: is not three numbers"),
        ("circuit", {"wired": "rst"}, "wired: is not one of the 15 rotations; write the lines that feed"),
        ("circuit", {"reports": "phases"}, "reports: is \"phases\"; it should be 'terminals' or 'lines'"),
        ("circuit", {"speed": 1}, "speed: is not a known key; allowed: wired, amps, reports, has_readings"),
        ("meter", {"unit": "kA"}, "unit: is \"kA\"; it should be 'A', 'mA' or 'W'"),
        ("meter", {"base_amps": None}, "base_amps: "),
        ("meter", {"speed": 1}, "speed: is not a known key; allowed: base_amps, unit, has_readings"),
    ],
)
def test_wrong_currents_are_refused(lab: Lab, path: str, body: dict[str, Any], text: str) -> None:
    lab.seed(yard(wired("RST", 16, 0, 0)))
    if path == "circuit":
        refused = lab.control("PATCH", "/chargers/Y-1/connectors/1/circuit", body, status=422)
    else:
        refused = lab.control("PUT", f"/sites/{YARD}/groups/1/meter", body, status=422)
    assert refused["error"].startswith(text), refused["error"]
    assert lines(lab) == (16, 0, 0)


def test_a_seed_with_a_wrong_circuit_is_refused(lab: Lab) -> None:
    refused = lab.control("POST", "/reset", {"seed": yard(wired("RRR", 16, 0, 0))}, status=422)
    assert refused["error"].startswith("seed: sites[0].chargers[0].connectors[0].circuit.wired: is not one of the 15")


def test_the_default_site_has_a_meter_on_its_main_fuse(lab: Lab) -> None:
    latest = lab.get(f"/v3/sites/{lab.site}/groups/801/meter").json()["data"]["latest_data"]
    assert (latest["l1"], latest["l2"], latest["l3"]) == (34000, 27000, 25000)
