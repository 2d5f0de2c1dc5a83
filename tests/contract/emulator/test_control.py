"""The control endpoints: what they change, show and refuse."""

from __future__ import annotations

import threading
import time

import pytest
import requests
from contract.emulator.lab import ABSENT, GOOD, HIDDEN, Lab

SMALL = {"sites": [{"name": "Yard", "chargers": [{"identity": "Y-1"}, {"identity": "Y-2", "connectors": [{}, {}]}]}]}


class TestReset:
    def test_it_restores_everything(self, lab: Lab) -> None:
        before = lab.rows()
        lab.put()
        lab.fault("status", status=500, times=None)
        lab.switch(rate_limit_per_minute=0)
        lab.control("DELETE", "/chargers/HRB-002")
        lab.control("PUT", "/tokens/demo-token", {"revoked": True})
        lab.control("POST", "/reset")
        assert lab.rows() == before
        assert lab.control("GET", "/faults") == {"faults": []}
        assert lab.control("GET", "/requests")["total"] == 0
        answer = lab.get("/v3/user")
        assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (200, "499")

    def test_to_a_given_seed_and_back_to_the_first_one(self, lab: Lab) -> None:
        lab.seed(SMALL)
        rows = [(row["identity"], row["connector_id"], row["phase_rotation"]) for row in lab.rows()]
        assert rows == [("Y-1", 1, None), ("Y-2", 1, None), ("Y-2", 2, None)]
        uuids = [row["charger"] for row in lab.rows()]
        lab.seed(SMALL)
        assert [row["charger"] for row in lab.rows()] == uuids
        assert lab.get(f"/v3/sites/{lab.site}/groups").json()["data"][0]["total_amps"] == 63
        lab.control("POST", "/reset", {})
        assert lab.rows()[0]["identity"] == "HRB-001"

    def test_a_seed_sets_switches_groups_and_clients(self, lab: Lab) -> None:
        site = {
            "name": "Yard",
            "groups": [{"id": 7, "total_amps": 80, "net_type": "IT"}, {"id": 8, "total_amps": 40}],
            "chargers": [{"identity": "Y-1", "group": 8, "max_current": 20, "pincode": "1234"}, {"identity": "Y-2"}],
        }
        lab.seed({"tokens": {"t": {"user": "u"}}, "sites": [site], "switches": {"page_size": 1}})
        groups = lab.get(f"/v3/sites/{lab.site}/groups", token="t").json()["data"]
        assert [(one["id"], one["group_id"], one["net_type"]) for one in groups] == [(7, None, "IT"), (8, 7, "TN")]
        managed = lab.get(f"/v3/sites/{lab.site}/power-management", token="t").json()
        assert {one["label"]: one["groupId"] for one in managed["allChargers"]} == {"Y-1": 8, "Y-2": 7}
        charger = lab.get(f"/v3/chargers/{lab.charger}", token="t").json()["data"]
        assert (charger["max_current"], charger["pincode"]) == (20, "1234")
        assert len(lab.get("/v3/chargers", token="t").json()["data"]) == 1

    @pytest.mark.parametrize(
        ("seed", "text"),
        [
            ({"site": []}, "seed: site: is not a known key; allowed: tokens, clients, sites, chargers, switches"),
            ({"sites": [{}]}, "seed: sites[0].name: is missing; add it"),
            ({"chargers": [{"identity": "A"}, {"identity": "A"}]}, "seed: charger identity 'A' is used 2 times"),
            (
                {"chargers": [{"identity": "A", "connectors": [{"max_amperage": "16"}]}]},
                'seed: chargers[0].connectors[0].max_amperage: is "16"; it should be a valid integer',
            ),
            ({"switches": {"speed": 1}}, "seed: switches.speed: is not a known key"),
            ([], "seed: is []; it should be a JSON object {...}"),
        ],
    )
    def test_a_bad_seed_is_refused_and_nothing_changes(self, lab: Lab, seed: object, text: str) -> None:
        before = lab.rows()
        assert lab.control("POST", "/reset", {"seed": seed}, status=422)["error"].startswith(text)
        assert lab.rows() == before


class TestEdits:
    def test_connectors(self, lab: Lab) -> None:
        row = lab.rows()[0]
        assert list(row) == ["site", "charger", "identity", "connector_id", "phase_rotation", "max_amperage"]
        lab.control("PATCH", f"/chargers/{lab.charger}/connectors/1", {"max_amperage": None, "power_type": "DC"})
        shown = lab.get(f"/v3/chargers/{lab.charger}").json()["data"]["connectors"][0]
        assert (shown["max_amperage"], shown["power_type"]) == (None, "DC")
        assert lab.rows()[-1]["site"] is None

    def test_chargers_and_groups(self, lab: Lab) -> None:
        lab.control("PATCH", "/chargers/HRB-001", {"connection_status": "offline", "max_current": 10})
        charger = lab.get(f"/v3/chargers/{lab.charger}").json()["data"]
        assert (charger["connection_status"], charger["max_current"]) == ("offline", 10)
        lab.control("PATCH", f"/sites/{lab.site}/groups/801", {"total_amps": 50})
        assert lab.get(f"/v3/sites/{lab.site}/groups").json()["data"][0]["total_amps"] == 50

    def test_a_charger_is_removed(self, lab: Lab) -> None:
        lab.control("DELETE", "/chargers/HRB-001")
        assert lab.get(f"/v3/chargers/{lab.charger}").status_code == 404
        first = lab.get(f"/v3/sites/{lab.site}/connectors").json()["data"][0]
        assert first["charger"]["identity"] == "HRB-002"

    def test_a_connector_is_removed(self, lab: Lab) -> None:
        lab.control("DELETE", "/chargers/HRB-011/connectors/1")
        charger = lab.get(f"/v3/chargers/{lab.by_identity['HRB-011']}").json()["data"]
        assert [one["connector_id"] for one in charger["connectors"]] == [2]
        assert lab.put(charger=charger["uuid"]).status_code == 404

    def test_a_charger_leaves_its_site(self, lab: Lab) -> None:
        lab.control("DELETE", f"/sites/{lab.site}/chargers/{lab.charger}")
        assert lab.get(f"/v3/chargers/{lab.charger}").status_code == 200
        listed = [row["uuid"] for page in lab.pages(f"/v3/sites/{lab.site}/chargers") for row in page["data"]]
        assert lab.charger not in listed
        assert lab.put().status_code == 200

    @pytest.mark.parametrize(
        ("method", "path", "status", "text"),
        [
            ("PATCH", "/chargers/HRB-001", 422, "speed: is not a known key; allowed: "),
            ("PATCH", "/chargers/HRB-001/connectors/1", 422, "speed: is not a known key; allowed: charger_id, "),
            ("PATCH", "/chargers/nobody", 404, "no Charger nobody"),
            ("DELETE", f"/chargers/{ABSENT}", 404, f"no Charger {ABSENT}"),
            ("DELETE", "/chargers/HRB-011/connectors/3", 404, "charger HRB-011 has no connector 3; it has: 1, 2"),
            ("DELETE", f"/sites/{ABSENT}/chargers/HRB-001", 404, f"charger HRB-001 is not on site {ABSENT}"),
            ("PATCH", f"/sites/{ABSENT}/groups/801", 404, f"no Site {ABSENT}"),
            ("PUT", "/switches", 422, "speed: is not a known key; allowed: rate_limit_per_minute, "),
            ("POST", "/reset", 422, "speed: is not a known key; allowed: seed"),
        ],
    )
    def test_a_wrong_request_is_refused(self, lab: Lab, method: str, path: str, status: int, text: str) -> None:
        assert lab.control(method, path, {"speed": 1}, status=status)["error"].startswith(text)

    def test_a_body_that_is_not_a_json_object_is_refused(self, lab: Lab) -> None:
        for body in ("[]", "x"):
            url = f"{lab.emulator.control_url}/switches"
            answer = requests.put(url, data=body, headers={"Content-Type": "application/json"}, timeout=5)
            assert answer.status_code == 422
            assert "send a JSON object" in answer.json()["error"]


class TestAccess:
    def test_a_token_can_be_revoked_and_restored(self, lab: Lab) -> None:
        lab.control("PUT", "/tokens/new", {"user": "guest"})
        assert lab.get("/v3/user", token="new").json()["name"] == "guest"
        lab.control("PUT", "/tokens/new", {"user": "guest", "revoked": True})
        assert lab.get("/v3/user", token="new").status_code == 401
        lab.control("PUT", "/tokens/new", {"user": "guest"})
        assert lab.get("/v3/user", token="new").status_code == 200

    def test_access_by_site_and_by_charger(self, lab: Lab) -> None:
        lab.control("PUT", "/tokens/t", {"user": "u", "access": {lab.site.upper(): "basic", HIDDEN: "full"}})
        assert lab.put(charger=HIDDEN, token="t").status_code == 200
        assert lab.put(token="t").status_code == 403
        assert [one["name"] for one in lab.get("/v3/sites", token="t").json()["data"]] == ["Harbour"]
        assert lab.get(f"/v3/chargers/{lab.by_identity['DEP-001']}", token="t").status_code == 403


class TestRequests:
    def test_the_log(self, lab: Lab) -> None:
        lab.get(f"/v3/sites/{lab.site}/connectors?page=2")
        lab.fault("status", status=500)
        lab.put()
        lab.get("/v3/user", token="wrong-token")
        report = lab.control("GET", "/requests")
        assert report["total"] == 3
        first, second, third = report["requests"]
        assert abs(first.pop("time") - time.time()) < 30
        assert first == {
            "n": 1,
            "method": "GET",
            "path": f"/v3/sites/{lab.site}/connectors",
            "query": "page=2",
            "status": 200,
            "user": "demo",
            "fault": None,
            "json": None,
            "remaining": 499,
        }
        assert (second["json"], second["status"], second["fault"], second["remaining"]) == (GOOD, 500, "status", 498)
        assert (third["user"], third["status"]) == (None, 401)
        lab.control("DELETE", "/requests")
        assert lab.control("GET", "/requests") == {"total": 0, "requests": []}

    def test_it_holds_no_token_and_no_secret(self, lab: Lab) -> None:
        form = {"grant_type": "client_credentials", "client_id": "demo-client", "client_secret": "demo-secret"}
        token = lab.api("POST", "/oauth/token", token=None, data=form).json()["access_token"]
        lab.get("/v3/user", token=token)
        report = lab.control("GET", "/requests")
        assert report["requests"][0]["json"] == {"grant_type": "client_credentials", "client_id": "demo-client"}
        assert not [secret for secret in ("demo-secret", token, "demo-token") if secret in str(report)]

    def test_control_requests_are_neither_logged_nor_counted(self, lab: Lab) -> None:
        lab.switch(rate_limit_per_minute=1, latency_seconds=30)
        for _ in range(5):
            assert lab.control("GET", "/requests")["total"] == 0


class TestSwitches:
    def test_they_have_defaults_and_are_set_one_by_one(self, lab: Lab) -> None:
        start = lab.control("PUT", "/switches", {})
        assert start == {
            "rate_limit_per_minute": 500,
            "rate_window_seconds": 60,
            "latency_seconds": 0,
            "error_style": "guide",
            "foreign_charger_status": 403,
            "require_accept": False,
            "page_size": 25,
            "extra_keys": False,
            "odd_readings": False,
            "odd_status": False,
        }
        assert lab.control("PUT", "/switches", {"page_size": 7}) == {**start, "page_size": 7}
        lab.control("PUT", "/switches", {"page_size": 0}, status=422)
        assert lab.control("PUT", "/switches", {})["page_size"] == 7

    def test_requests_with_latency_run_at_the_same_time(self, lab: Lab) -> None:
        lab.switch(latency_seconds=0.4)
        statuses: list[int] = []
        threads = [threading.Thread(target=lambda: statuses.append(lab.get("/v3/user").status_code)) for _ in range(30)]
        start = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [200] * 30
        assert 0.4 <= time.monotonic() - start < 11  # one after the other: 12 s

    def test_parallel_writes_are_all_stored(self, lab: Lab) -> None:
        chargers = [row["charger"] for row in lab.rows() if row["identity"].startswith("DEP-")]

        def write(charger: str, amperage: int) -> None:
            body = {"phase_rotation": "RS", "max_amperage": amperage}
            assert lab.put(body, charger=charger).json()["data"]["max_amperage"] == amperage

        def many(charger: str) -> None:
            for amperage in range(1, 21):
                write(charger, amperage)

        threads = [threading.Thread(target=many, args=[charger]) for charger in chargers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {row["max_amperage"] for row in lab.rows() if row["charger"] in chargers} == {20}
        assert [entry["n"] for entry in lab.log()] == list(range(1, 61))


def test_the_endpoints_are_listed(lab: Lab) -> None:
    endpoints = lab.control("GET", "")
    assert "POST /_emulator/faults" in endpoints
    assert endpoints == sorted(endpoints)
