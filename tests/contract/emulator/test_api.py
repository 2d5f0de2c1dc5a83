"""The emulated API: addresses, rights, order of checks, envelopes, pages, connectors, the PUT, the rate limit."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests
from contract.emulator.lab import ABSENT, GOOD, HIDDEN, READ_ONLY, TOKEN, Lab

KEYS = [
    "id",
    "charger_id",
    "connector_id",
    "status",
    "error",
    "error_info",
    "vendor_id",
    "vendor_error_code",
    "max_amperage",
    "max_voltage",
    "standard",
    "format",
    "power_type",
    "phase_rotation",
    "created_at",
    "updated_at",
]
CREDENTIALS = {"grant_type": "client_credentials", "client_id": "demo-client", "client_secret": "demo-secret"}


class TestAddresses:
    def test_the_api_is_below_api_v3_and_tokens_come_from_the_root(self, lab: Lab) -> None:
        assert lab.get("/v3/user").status_code == 200
        assert requests.get(f"{lab.origin}/v3/user", timeout=5).status_code == 404
        answer = lab.api("POST", "/oauth/token", token=None, data=CREDENTIALS).json()
        assert answer["expires_in"] == 31_536_000
        assert lab.get("/v3/user", token=answer["access_token"]).json()["name"] == "demo"
        assert requests.post(f"{lab.base_url}/oauth/token", data=CREDENTIALS, timeout=5).status_code == 404

    def test_a_wrong_client_gets_401_and_a_wrong_grant_400(self, lab: Lab) -> None:
        wrong = lab.api("POST", "/oauth/token", token=None, data={**CREDENTIALS, "client_id": "nobody"})
        assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
        grant = lab.api("POST", "/oauth/token", token=None, data={**CREDENTIALS, "grant_type": "password"})
        assert (grant.status_code, grant.json()["error"]) == (400, "unsupported_grant_type")
        not_a_form = lab.api("POST", "/oauth/token", token=None, json=CREDENTIALS)
        assert not_a_form.status_code == 400


class TestTokens:
    @pytest.mark.parametrize("token", [None, "unknown", ""])
    def test_without_a_valid_token_401(self, lab: Lab, token: str | None) -> None:
        answer = lab.get(f"/v3/chargers/{lab.charger}", token=token)
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthenticated."})

    def test_tokens_see_different_chargers_and_permissions(self, lab: Lab) -> None:
        lab.control("PUT", "/tokens/narrow", {"user": "guest", "access": {lab.charger: "sensitive"}})
        assert lab.get("/v3/user", token="narrow").json()["name"] == "guest"
        seen = lab.get("/v3/chargers", token="narrow").json()["data"]
        assert [charger["uuid"] for charger in seen] == [lab.charger]
        assert seen[0]["permissions"] == {"basic": True, "sensitive": True, "full": False}
        assert "pincode" in seen[0]
        assert lab.get(f"/v3/sites/{lab.site}/connectors", token="narrow").status_code == 403
        full = lab.get(f"/v3/chargers/{lab.charger}").json()["data"]["permissions"]
        assert full == {"basic": True, "sensitive": True, "full": True}

    def test_the_pincode_is_for_sensitive_permission(self, lab: Lab) -> None:
        assert "pincode" not in lab.get(f"/v3/chargers/{READ_ONLY}").json()["data"]
        assert lab.get(f"/v3/chargers/{lab.charger}").json()["data"]["pincode"].isdigit()


class TestOrder:
    def test_401_429_404_403_422(self, lab: Lab) -> None:
        bad: dict[str, Any] = {"phase_rotation": "rst"}
        lab.switch(rate_limit_per_minute=0)
        assert lab.put(bad, charger=ABSENT, token=None).status_code == 401
        assert lab.put(bad, charger=ABSENT).status_code == 429
        lab.switch(rate_limit_per_minute=500)
        assert lab.put(bad, charger=ABSENT).status_code == 404
        assert lab.put(bad, charger=READ_ONLY).status_code == 403
        assert lab.put(bad).status_code == 422

    @pytest.mark.parametrize("status", [403, 404])
    def test_a_foreign_charger_and_site(self, lab: Lab, status: int) -> None:
        lab.switch(foreign_charger_status=status)
        lab.control("PUT", "/tokens/blind", {"user": "demo", "access": {}})
        assert lab.get(f"/v3/chargers/{HIDDEN}").status_code == status
        assert lab.put(charger=HIDDEN).status_code == status
        assert lab.get(f"/v3/sites/{lab.site}", token="blind").status_code == status
        assert lab.get("/v3/sites", token="blind").json()["data"] == []


class TestEnvelopes:
    def test_data_on_charger_connector_site_and_group(self, lab: Lab) -> None:
        assert list(lab.get(f"/v3/chargers/{lab.charger}").json()) == ["data"]
        assert list(lab.put().json()) == ["data"]
        assert list(lab.get(f"/v3/sites/{lab.site}").json()) == ["data"]
        assert list(lab.get(f"/v3/sites/{lab.site}/groups").json()) == ["data"]

    def test_user_and_readings_have_no_envelope(self, lab: Lab) -> None:
        path = f"/v3/chargers/{lab.charger}/connectors/1"
        for one in ("/v3/user", f"{path}/power-usage"):
            assert "data" not in lab.get(one).json()


class TestPages:
    def test_links_and_meta(self, lab: Lab) -> None:
        path = f"/v3/sites/{lab.site}/connectors"
        first, second = lab.pages(path)
        own = f"{lab.base_url}{path}"
        assert first["links"] == {"first": f"{own}?page=1", "last": None, "prev": None, "next": f"{own}?page=2"}
        meta = {
            "current_page": 1,
            "current_page_url": f"{own}?page=1",
            "from": 1,
            "path": own,
            "per_page": 25,
            "to": 25,
        }
        assert first["meta"] == meta
        assert second["links"]["prev"] == f"{own}?page=1"
        assert (second["meta"]["from"], second["meta"]["to"]) == (26, 25 + len(second["data"]))
        seen = [row["charger"]["identity"] for page in (first, second) for row in page["data"]]
        assert len(first["data"]) == 25
        assert seen == [row["identity"] for row in lab.rows() if row["site"] == lab.site and row["charger"] != HIDDEN]

    @pytest.mark.parametrize("path", ["/v3/sites/{}/connectors", "/v3/sites/{}/chargers", "/v3/chargers", "/v3/sites"])
    def test_past_the_end_is_an_empty_page(self, lab: Lab, path: str) -> None:
        answer = lab.get(path.format(lab.site), params={"page": 99})
        body = answer.json()
        assert (answer.status_code, body["data"], body["links"]["next"]) == (200, [], None)
        assert (body["meta"]["from"], body["meta"]["to"]) == (None, None)

    @pytest.mark.parametrize("page", ["0", "-1", "x", ""])
    def test_a_wrong_page_number_is_page_1(self, lab: Lab, page: str) -> None:
        assert lab.get("/v3/chargers", params={"page": page}).json()["meta"]["current_page"] == 1

    def test_per_page_is_ignored(self, lab: Lab) -> None:
        assert lab.get("/v3/chargers", params={"per_page": 100}).json()["meta"]["per_page"] == 25


class TestConnectors:
    def test_all_16_keys_nulls_included(self, lab: Lab) -> None:
        unset = lab.get(f"/v3/chargers/{lab.by_identity['HRB-007']}").json()["data"]["connectors"][0]
        assert list(unset) == KEYS
        assert (unset["max_amperage"], unset["phase_rotation"]) == (None, None)
        assert list(lab.put().json()["data"]) == KEYS
        for row in lab.get(f"/v3/sites/{lab.site}/connectors").json()["data"]:
            assert list(row) == [*KEYS, "charger"]
            assert list(row["charger"]) == ["uuid", "id", "identity", "connection_status", "status"]

    def test_the_variants_in_lists(self, lab: Lab) -> None:
        of_site = lab.get(f"/v3/sites/{lab.site}/chargers").json()["data"][0]["connectors"][0]
        gone = {"error", "error_info", "vendor_id", "vendor_error_code", "created_at", "updated_at"}
        assert set(of_site) == set(KEYS) - gone
        assert "connectors" not in lab.get("/v3/chargers").json()["data"][0]


class TestSeed:
    def test_it_has_one_charger_of_every_unusual_kind(self, lab: Lab) -> None:
        chargers = {
            one["identity"]: lab.get(f"/v3/chargers/{one['uuid']}").json()["data"]
            for page in lab.pages("/v3/chargers")
            for one in page["data"]
        }
        never_seen = next(one for one in chargers.values() if one["connection_status"] == "never_seen")
        assert (never_seen["status"], never_seen["connectors"]) == (None, [])
        connectors = [connector for charger in chargers.values() for connector in charger["connectors"]]
        assert any(one["phase_rotation"] is None and one["max_amperage"] is None for one in connectors)
        assert any(len(charger["connectors"]) == 2 for charger in chargers.values())
        assert {"DC", "AC_1_PHASE", "AC_3_PHASE"} == {one["power_type"] for one in connectors}
        assert any(charger["model"]["is_dc"] for charger in chargers.values())
        assert any(charger["connection_status"] == "offline" for charger in chargers.values())
        assert chargers["HRB-028"]["permissions"]["full"] is False
        assert "HRB-027" not in chargers
        assert sum(len(page["data"]) for page in lab.pages(f"/v3/sites/{lab.site}/connectors")) > 25

    @pytest.mark.parametrize("method", ["POST", "DELETE"])
    def test_connectors_cannot_be_created_or_deleted(self, lab: Lab, method: str) -> None:
        before = lab.rows()
        assert lab.api(method, f"/v3/chargers/{lab.charger}/connectors", json=GOOD).status_code == 404
        assert lab.api(method, f"/v3/chargers/{lab.charger}/connectors/1", json=GOOD).status_code == 405
        assert lab.rows() == before


class TestPut:
    def test_it_stores_the_values_and_answers_the_connector(self, lab: Lab) -> None:
        before = lab.get(f"/v3/chargers/{lab.charger}").json()["data"]["connectors"][0]
        answer = lab.put()
        after = lab.get(f"/v3/chargers/{lab.charger}").json()["data"]["connectors"][0]
        assert answer.status_code == 200
        assert answer.json()["data"] == after
        assert after == {**before, **GOOD, "updated_at": after["updated_at"]}
        assert after["updated_at"] > before["updated_at"]

    def test_an_equal_put_changes_nothing(self, lab: Lab) -> None:
        before = lab.get(f"/v3/chargers/{lab.charger}").json()["data"]["connectors"][0]
        answer = lab.put({"phase_rotation": before["phase_rotation"], "max_amperage": before["max_amperage"]})
        assert (answer.status_code, answer.json()["data"]) == (200, before)

    @pytest.mark.parametrize("identity", ["HRB-014", "SPARE-01"])
    def test_chargers_that_are_offline_or_on_no_site_accept_it(self, lab: Lab, identity: str) -> None:
        assert lab.put(charger=lab.by_identity[identity]).json()["data"]["phase_rotation"] == "STR"

    @pytest.mark.parametrize("amperage", [1, 1000, "16", 16.0, " 16 "])
    def test_the_integer_rule_is_loose(self, lab: Lab, amperage: object) -> None:
        answer = lab.put({"phase_rotation": "RST", "max_amperage": amperage})
        assert answer.status_code == 200
        assert answer.json()["data"]["max_amperage"] == int(float(str(amperage)))

    @pytest.mark.parametrize(
        "rotation",
        [
            "RST",
            "RTS",
            "SRT",
            "STR",
            "TRS",
            "TSR",
            "RS",
            "RT",
            "SR",
            "ST",
            "TR",
            "TS",
            "R",
            "S",
            "T",
        ],
    )
    def test_the_15_rotations(self, lab: Lab, rotation: str) -> None:
        assert lab.put({"phase_rotation": rotation, "max_amperage": 16}).json()["data"]["phase_rotation"] == rotation

    @pytest.mark.parametrize(
        ("body", "errors"),
        [
            (
                {},
                {
                    "phase_rotation": ["The phase rotation field is required."],
                    "max_amperage": ["The max amperage field is required."],
                },
            ),
            ({"phase_rotation": "", "max_amperage": 16}, {"phase_rotation": ["The phase rotation field is required."]}),
            (
                {"phase_rotation": None, "max_amperage": 6},
                {"phase_rotation": ["The phase rotation field is required."]},
            ),
            (
                {"phase_rotation": "rst", "max_amperage": 16},
                {"phase_rotation": ["The selected phase rotation is invalid."]},
            ),
            (
                {"phase_rotation": 5, "max_amperage": 16},
                {
                    "phase_rotation": [
                        "The phase rotation field must be a string.",
                        "The selected phase rotation is invalid.",
                    ]
                },
            ),
            ({"phase_rotation": "R", "max_amperage": None}, {"max_amperage": ["The max amperage field is required."]}),
            ({"phase_rotation": "R", "max_amperage": ""}, {"max_amperage": ["The max amperage field is required."]}),
            (
                {"phase_rotation": "R", "max_amperage": 0},
                {"max_amperage": ["The max amperage field must be at least 1."]},
            ),
            (
                {"phase_rotation": "R", "max_amperage": 1001},
                {"max_amperage": ["The max amperage field must not be greater than 1000."]},
            ),
            (
                {"phase_rotation": "R", "max_amperage": 16.5},
                {"max_amperage": ["The max amperage field must be an integer."]},
            ),
            (
                {"phase_rotation": "R", "max_amperage": "much"},
                {"max_amperage": ["The max amperage field must be an integer."]},
            ),
        ],
    )
    def test_a_wrong_body_is_422(self, lab: Lab, body: dict[str, Any], errors: dict[str, list[str]]) -> None:
        before = lab.live()
        answer = lab.put(body)
        assert answer.status_code == 422
        assert answer.json() == {"message": "The given data was invalid.", "errors": errors}
        assert lab.live() == before

    def test_the_laravel_style_of_message(self, lab: Lab) -> None:
        lab.switch(error_style="laravel")
        assert lab.put({"max_amperage": 16}).json()["message"] == "The phase rotation field is required."
        assert lab.put({}).json()["message"] == "The phase rotation field is required. (and 1 more error)"
        three = lab.put({"phase_rotation": 5}).json()["message"]
        assert three == "The phase rotation field must be a string. (and 2 more errors)"

    def test_a_body_that_is_not_json(self, lab: Lab) -> None:
        path = f"/v3/chargers/{lab.charger}/connectors/1"
        broken = lab.api("PUT", path, data="{", headers={"Content-Type": "application/json"})
        assert broken.status_code == 400
        untyped = lab.api(
            "PUT", path, data='{"phase_rotation": "R", "max_amperage": 6}', headers={"Content-Type": "text/plain"}
        )
        assert set(untyped.json()["errors"]) == {"phase_rotation", "max_amperage"}
        form = lab.api("PUT", path, data={"phase_rotation": "R", "max_amperage": "6"})
        assert form.json()["data"]["max_amperage"] == 6

    @pytest.mark.parametrize("number", [9, "x", 0])
    def test_an_unknown_number_is_404(self, lab: Lab, number: int | str) -> None:
        answer = lab.put(number=number)
        text = f"No query results for model [App\\Models\\Connector] {number}"
        assert (answer.status_code, answer.json()) == (404, {"message": text})


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_other_methods_on_the_connector_path_are_405(lab: Lab, method: str) -> None:
    answer = lab.api(method, f"/v3/chargers/{lab.charger}/connectors/1")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "PUT")
    route = f"api/v3/chargers/{lab.charger}/connectors/1"
    text = f"The {method} method is not supported for route {route}. Supported methods: PUT."
    assert answer.json() == {"message": text}


class TestRateLimit:
    def test_it_counts_by_user_and_every_answer_has_the_rest(self, lab: Lab) -> None:
        lab.control("PUT", "/tokens/second", {"user": "demo"})
        lab.control("PUT", "/tokens/other", {"user": "other"})
        lab.switch(rate_limit_per_minute=4)
        left = [
            answer.headers["X-RateLimit-Remaining"]
            for answer in (
                lab.get("/v3/user"),
                lab.get("/v3/user", token="second"),
                lab.get("/v3/nowhere"),
                lab.put({}),
            )
        ]
        assert left == ["3", "2", "1", "0"]
        refused = lab.get("/v3/user", token="second")
        assert (refused.status_code, refused.json()) == (429, {"message": "Too Many Attempts."})
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert int(refused.headers["X-RateLimit-Reset"]) > time.time()
        other = lab.get("/v3/user", token="other")
        assert (other.status_code, "Retry-After" in other.headers) == (200, False)
        assert lab.get("/v3/user", token=None).headers["X-RateLimit-Limit"] == "4"

    def test_the_window_is_fixed_and_ends(self, lab: Lab) -> None:
        lab.switch(rate_limit_per_minute=2, rate_window_seconds=1)
        start = time.monotonic()
        assert [lab.get("/v3/user").status_code for _ in range(3)] == [200, 200, 429]
        while lab.get("/v3/user").status_code == 429:
            assert time.monotonic() - start < 30
            time.sleep(0.02)
        assert time.monotonic() - start > 0.9


class TestDrift:
    def test_an_edit_shows_in_every_read(self, lab: Lab) -> None:
        lab.control("PATCH", "/chargers/HRB-001/connectors/1", {"phase_rotation": None, "max_amperage": 10})
        own = lab.get(f"/v3/chargers/{lab.charger}").json()["data"]["connectors"][0]
        of_site = lab.get(f"/v3/sites/{lab.site}/connectors").json()["data"][0]
        assert (own["phase_rotation"], own["max_amperage"]) == (None, 10)
        assert (of_site["phase_rotation"], of_site["max_amperage"]) == (None, 10)
        assert own["updated_at"] > own["created_at"]


class TestAccept:
    def test_the_switch_requires_accept(self, lab: Lab) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = f"{lab.base_url}/v3/user"
        assert requests.get(url, headers=headers, timeout=5).status_code == 200
        lab.switch(require_accept=True)
        answer = requests.get(url, headers=headers, timeout=5, allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (302, f"{lab.origin}/login")
        assert lab.get("/v3/user").status_code == 200


class TestOddities:
    def test_odd_readings(self, lab: Lab) -> None:
        path = f"/v3/chargers/{lab.charger}/connectors/1/power-usage"
        assert lab.get(path).json()["L1"] == "0.0"
        lab.switch(odd_readings=True)
        odd = lab.get(path).json()
        assert (odd["L1"], odd["L2"]) == ("-", " 0.0")

    def test_a_charging_connector_draws_its_amps(self, lab: Lab) -> None:
        path = f"/v3/chargers/{lab.by_identity['HRB-015']}/connectors/1/power-usage"
        reading = lab.get(path).json()
        assert (reading["L1"], reading["L3"], reading["kW"]) == ("16.0", "16.0", "11.04")

    def test_unknown_keys_in_all_objects(self, lab: Lab) -> None:
        lab.switch(extra_keys=True)

        def holds(value: Any) -> bool:
            if isinstance(value, list):
                return all(holds(one) for one in value)
            if not isinstance(value, dict) or set(value) == {"since"}:
                return True
            return "added_in_a_later_version" in value and all(holds(one) for one in value.values())

        for path in (f"/v3/sites/{lab.site}/connectors", f"/v3/chargers/{lab.charger}", "/v3/user"):
            assert holds(lab.get(path).json())
        assert list(lab.put({}).json()) == ["message", "errors"]

    def test_unknown_status_values(self, lab: Lab) -> None:
        lab.switch(odd_status=True)
        charger = lab.get(f"/v3/chargers/{lab.charger}").json()["data"]
        found = {charger["status"], charger["connection_status"], charger["connectors"][0]["status"]}
        assert found == {"Hibernating"}
