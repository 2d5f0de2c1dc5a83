"""Each kind of fault, as a client sees it over a real socket."""

from __future__ import annotations

import json
import time

import pytest
import requests
from contract.emulator.lab import GOOD, Lab

BEFORE = ("RST", 16)
AFTER = ("STR", 20)


@pytest.fixture
def put_path(lab: Lab) -> str:
    return f"/v3/chargers/{lab.charger}/connectors/1"


class TestStatus:
    @pytest.mark.parametrize("retry_after", [None, 7])
    def test_429_with_and_without_retry_after(self, lab: Lab, retry_after: int | None) -> None:
        lab.fault("status", status=429, retry_after=retry_after)
        answer = lab.put()
        assert (answer.status_code, answer.json()) == (429, {"message": "Too Many Attempts."})
        assert answer.headers.get("Retry-After") == (None if retry_after is None else "7")
        assert lab.live() == BEFORE

    def test_500_in_json_and_502_in_html(self, lab: Lab) -> None:
        lab.fault("status", status=500)
        lab.fault("status", status=502, html=True)
        assert lab.put().json() == {"message": "Server Error"}
        page = lab.put()
        assert (page.status_code, page.headers["Content-Type"]) == (502, "text/html; charset=UTF-8")
        assert "<h1>502 Bad Gateway</h1>" in page.text
        assert lab.put().status_code == 200

    def test_a_given_body(self, lab: Lab) -> None:
        lab.fault("status", status=403, body={"message": "A pro licence is needed."})
        assert lab.put().json() == {"message": "A pro licence is needed."}

    def test_504_after_the_write(self, lab: Lab) -> None:
        lab.fault("status_after_write", status=504)
        answer = lab.put()
        assert (answer.status_code, answer.json()["message"]) == (504, "The charger did not respond in time.")
        assert lab.live() == AFTER


class TestTime:
    def test_slow(self, lab: Lab) -> None:
        lab.fault("slow", delay_seconds=0.3)
        start = time.monotonic()
        assert lab.put().status_code == 200
        assert time.monotonic() - start >= 0.3

    def test_slow_and_the_client_gives_up_first(self, lab: Lab) -> None:
        lab.fault("slow", delay_seconds=0.4)
        with pytest.raises(requests.ReadTimeout):
            lab.put(timeout=0.1)
        time.sleep(0.5)
        assert lab.live() == BEFORE

    def test_slow_after_the_write(self, lab: Lab) -> None:
        lab.fault("slow_after_write", delay_seconds=5)
        with pytest.raises(requests.ReadTimeout):
            lab.put(timeout=1)
        assert lab.live() == AFTER

    def test_drip(self, lab: Lab, put_path: str) -> None:
        lab.fault("drip", delay_seconds=0.001)
        start = time.monotonic()
        answer = lab.api("PUT", put_path, json=GOOD, stream=True)
        length = int(answer.headers["Content-Length"])
        assert answer.json()["data"]["phase_rotation"] == "STR"
        assert time.monotonic() - start >= length * 0.001

    def test_drip_beats_a_timeout_between_bytes(self, lab: Lab) -> None:
        lab.fault("drip", delay_seconds=0.005)
        start = time.monotonic()
        assert lab.put(timeout=1).status_code == 200
        assert time.monotonic() - start > 1


class TestConnection:
    @pytest.mark.parametrize(("kind", "live"), [("reset_before", BEFORE), ("reset_after", AFTER)])
    @pytest.mark.parametrize("close", ["rst", "fin"])
    def test_dropped(self, lab: Lab, kind: str, live: object, close: str) -> None:
        put_path = f"/v3/chargers/{lab.charger}/connectors/1"
        end = {"rst": "reset", "fin": "closed"}[close]
        lab.fault(kind, close=close)
        assert lab.raw("PUT", put_path, GOOD) == (b"", end)
        assert lab.live() == live
        assert lab.log()[-1]["status"] is None

    @pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
    def test_dropped_on_a_kept_connection(self, lab: Lab, kind: str) -> None:
        with requests.Session() as session:
            session.headers.update({"Authorization": "Bearer demo-token", "Accept": "application/json"})
            url = f"{lab.base_url}/v3/user"
            assert session.get(url, timeout=5).status_code == 200
            lab.fault(kind)
            with pytest.raises(requests.ConnectionError):
                session.get(url, timeout=5)
            assert session.get(url, timeout=5).status_code == 200

    def test_truncated(self, lab: Lab, put_path: str) -> None:
        lab.fault("truncate", times=2)
        received, end = lab.raw("PUT", put_path, GOOD)
        head, _, body = received.partition(b"\r\n\r\n")
        promised = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        assert (int(promised.split(b":")[1]) // 2, end) == (len(body), "closed")
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            lab.put()
        assert lab.live() == AFTER


class TestBody:
    def test_html_with_200(self, lab: Lab) -> None:
        lab.fault("html")
        answer = lab.put()
        assert (answer.status_code, answer.text[:6]) == (200, "<html>")
        assert lab.live() == BEFORE

    def test_no_data(self, lab: Lab) -> None:
        lab.fault("no_data", times=2)
        assert lab.put().json()["phase_rotation"] == "STR"
        assert isinstance(lab.get(f"/v3/sites/{lab.site}/connectors").json(), list)
        assert lab.live() == AFTER

    def test_bad_json(self, lab: Lab) -> None:
        lab.fault("bad_json")
        answer = lab.put()
        assert answer.status_code == 200
        assert len(answer.content) == int(answer.headers["Content-Length"])
        with pytest.raises(json.JSONDecodeError):
            json.loads(answer.text)
        assert lab.live() == AFTER

    def test_other_values(self, lab: Lab) -> None:
        lab.fault("other_values", values={"phase_rotation": "TRS", "max_amperage": 10})
        lab.get(f"/v3/chargers/{lab.charger}")
        answer = lab.put()
        data = answer.json()["data"]
        assert (answer.status_code, data["phase_rotation"], data["max_amperage"]) == (200, "TRS", 10)
        assert lab.live() == BEFORE

    def test_nulls(self, lab: Lab) -> None:
        lab.fault("nulls")
        data = lab.put().json()["data"]
        assert (data["phase_rotation"], data["max_amperage"]) == (None, None)
        assert lab.live() == AFTER

    def test_redirect(self, lab: Lab) -> None:
        lab.fault("redirect", location="https://elsewhere.example/api/v3/user")
        answer = lab.get("/v3/user")
        assert (answer.status_code, answer.headers["Location"]) == (302, "https://elsewhere.example/api/v3/user")


class TestPages:
    """The seed's first site has more than one page of connectors; with 10 a page, it has several."""

    @pytest.fixture
    def rows(self, lab: Lab) -> list[int]:
        """The ids of the connectors in the order of the list."""
        lab.switch(page_size=10)
        return self.ids(lab)

    @staticmethod
    def ids(lab: Lab) -> list[int]:
        pages = lab.pages(f"/v3/sites/{lab.site}/connectors")
        assert len(pages) >= 3
        return [row["id"] for page in pages for row in page["data"]]

    def test_a_row_is_lost_between_two_pages_as_when_a_charger_is_removed(self, lab: Lab, rows: list[int]) -> None:
        lab.fault("page", page=2, lost=[0])
        assert self.ids(lab) == rows[:10] + rows[11:21] + rows[20:]
        assert self.ids(lab) == rows

    def test_a_row_is_hidden_on_all_pages(self, lab: Lab, rows: list[int]) -> None:
        lab.fault("page", lost=[12], times=None)
        assert self.ids(lab) == rows[:12] + rows[13:]

    def test_a_row_comes_twice(self, lab: Lab, rows: list[int]) -> None:
        lab.fault("page", doubled=[3], times=None)
        assert self.ids(lab) == rows[:4] + rows[3:]

    def test_rows_move_between_two_pages_as_in_an_unstable_order(self, lab: Lab, rows: list[int]) -> None:
        lab.fault("page", page=1, moved=[4])
        assert self.ids(lab) == [*rows[:4], *rows[5:11], *rows[10:]]

    def test_any_order(self, lab: Lab, rows: list[int]) -> None:
        lab.fault("page", moved=list(reversed(range(len(rows)))), times=None)
        assert self.ids(lab) == rows[::-1]

    @pytest.mark.parametrize(
        ("shape", "link"),
        [
            ("other_scheme", "https://{host}/api{path}?page=2"),
            ("other_host", "http://plugchoice.internal:8080/api{path}?page=2"),
            ("other_prefix", "http://{host}/upstream/api{path}?page=2"),
            ("relative", "/api{path}?page=2"),
            ("query_only", "?page=2"),
            ("no_query", "http://{host}/api{path}"),
            ("loop", "http://{host}/api{path}?page=1"),
            ("endless", "http://{host}/api{path}?page=2"),
            ("null", None),
        ],
    )
    def test_the_next_link_has_the_shape_that_was_asked_for(self, lab: Lab, shape: str, link: str | None) -> None:
        path = f"/v3/sites/{lab.site}/connectors"
        lab.fault("page", link=shape)
        answer = lab.get(path).json()
        expected = link and link.format(host=lab.origin.removeprefix("http://"), path=path)
        assert answer["links"]["next"] == expected
        assert len(answer["data"]) == 25

    def test_a_list_without_links_or_with_a_given_one(self, lab: Lab) -> None:
        lab.fault("page", link="missing")
        lab.fault("page", link="given", location="//elsewhere.example/?page=2")
        assert "links" not in lab.get("/v3/chargers").json()
        assert lab.get("/v3/chargers").json()["links"]["next"] == "//elsewhere.example/?page=2"

    def test_a_list_that_does_not_end(self, lab: Lab) -> None:
        lab.fault("page", link="endless", times=None)
        assert lab.get("/v3/sites?page=9").json()["links"]["next"] == f"{lab.base_url}/v3/sites?page=10"

    def test_only_pages_of_lists_use_it_up(self, lab: Lab, rows: list[int]) -> None:
        lab.fault("page", page=3, lost=[0], link="relative")
        lab.get(f"/v3/chargers/{lab.charger}")
        lab.put()
        lab.get(f"/v3/sites/{lab.site}/connectors?page=2")
        assert lab.control("GET", "/faults")["faults"][0]["used"] == 0
        answer = lab.get(f"/v3/sites/{lab.site}/connectors?page=3").json()
        assert answer["data"][0]["id"] == rows[21]


class TestRights:
    def test_the_token_is_revoked_mid_run(self, lab: Lab) -> None:
        lab.fault("revoke_token", skip=1)
        assert [lab.put().status_code for _ in range(3)] == [200, 401, 401]
        assert lab.log()[-1]["user"] is None

    def test_permission_is_lost_mid_run(self, lab: Lab) -> None:
        lab.fault("lose_permission", method="PUT", skip=1)
        assert [lab.put().status_code for _ in range(3)] == [200, 403, 403]
        charger = lab.get(f"/v3/chargers/{lab.charger}")
        assert charger.json()["data"]["permissions"] == {"basic": True, "sensitive": False, "full": False}


class TestWhichRequests:
    def test_method_path_skip_and_times(self, lab: Lab) -> None:
        lab.fault("status", status=503, method="PUT", path=r"^/v3/chargers/[^/]+/connectors/1$", skip=1, times=2)
        assert lab.get(f"/v3/chargers/{lab.charger}").status_code == 200
        assert [lab.put().status_code for _ in range(4)] == [200, 503, 503, 200]
        (fault,) = lab.control("GET", "/faults")["faults"]
        assert (fault["kind"], fault["used"], fault["skip"], fault["times"]) == ("status", 2, 1, 2)

    def test_until_cleared(self, lab: Lab) -> None:
        lab.fault("status", status=503, path="/api/v3/user", times=None)
        assert {lab.get("/v3/user").status_code for _ in range(5)} == {503}
        lab.control("DELETE", "/faults")
        assert lab.get("/v3/user").status_code == 200
        assert lab.control("GET", "/faults") == {"faults": []}

    def test_the_fault_that_was_added_first_happens_first(self, lab: Lab) -> None:
        lab.fault("status", status=500)
        lab.fault("status", status=503)
        assert [lab.get("/v3/user").status_code for _ in range(3)] == [500, 503, 200]

    def test_the_token_request_can_fail(self, lab: Lab) -> None:
        lab.fault("status", status=503, path="^/oauth/token$")
        assert lab.api("POST", "/oauth/token", token=None, data={}).status_code == 503

    @pytest.mark.parametrize(
        ("body", "text"),
        [
            ({"kind": "explode"}, "kind: is \"explode\"; it should be 'status'"),
            ({"kind": "status"}, "kind 'status' needs `status`, such as 503"),
            ({"kind": "slow", "delay": 1}, "delay: is not a known key; allowed: kind, method"),
            (
                {"kind": "page", "page": 2},
                "kind 'page' needs `lost`, `doubled` or `moved` (places in the list), or `link`",
            ),
            ({"kind": "page", "link": "given"}, "link 'given' needs `location`, the text of the link"),
            ({"kind": "slow", "path": "("}, "`path` is not a regular expression"),
        ],
    )
    def test_a_wrong_fault_is_refused(self, lab: Lab, body: dict[str, object], text: str) -> None:
        assert text in lab.control("POST", "/faults", body, status=422)["error"]
