"""The real client against the emulator over HTTP: every method, every page."""

from __future__ import annotations

import contextlib
import gc
import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from pulumi_plugchoice.api.client import PlugchoiceClient
from pulumi_plugchoice.api.models import Connector, ConnectorSettings, Site, SiteGroup
from pulumi_plugchoice.api.retry import Backoff
from pulumi_plugchoice.api.transport import Transport
from pulumi_plugchoice.config import Options, Token
from pulumi_plugchoice.errors import (
    ConfigError,
    IdentityNotFound,
    InvalidResponse,
    NotFound,
    PermissionDenied,
    PlugchoiceError,
    ValidationFailed,
)
from pulumi_plugchoice.lookup import get_connector, get_site_connectors
from support.emulator import PINCODE, SITE, TOKEN, Emulator, charger_uuid, connector, identity, seed

CHARGER = charger_uuid(1)
STR_20 = ConnectorSettings(phase_rotation="STR", max_amperage=20)


@pytest.fixture
def client(emulator: Emulator) -> PlugchoiceClient:
    """A client with a personal access token and short waits."""
    options = Options(emulator.base_url, Token(TOKEN), timeout=5, deadline=5)
    return PlugchoiceClient(Transport(options, backoff=Backoff(0.01, 0.02, 0)))


def test_user_is_the_owner_of_the_token(emulator: Emulator, client: PlugchoiceClient) -> None:
    """The answer has no `data` envelope; one that has it is read all the same, as for the others without one."""
    emulator.fault("status", status=200, body={"data": {"name": "enveloped"}})
    assert client.user().name == "enveloped"
    user = client.user()
    assert user.name == "tester"
    assert user.uuid is not None
    assert str(uuid.UUID(user.uuid)) == user.uuid


def list_connections(emulator: Emulator) -> list[socket.socket]:
    """Those of this process to the emulator."""
    port = urlsplit(emulator.base_url).port
    found = []
    for item in [item for item in gc.get_objects() if isinstance(item, socket.socket) and item.fileno() >= 0]:
        with contextlib.suppress(OSError):
            found += [item] if item.family == socket.AF_INET and item.getpeername()[1] == port else []
    return found


def test_a_closed_client_leaves_no_connection(emulator: Emulator, client: PlugchoiceClient) -> None:
    """Neither of the thread that closes it nor of another one that is still there. It can be used again."""
    before = list_connections(emulator)  # of other tests

    def list_new() -> list[socket.socket]:
        return [item for item in list_connections(emulator) if item not in before]

    with ThreadPoolExecutor(1) as pool:
        client.user()
        pool.submit(client.user).result()
        assert len(list_new()) > 1
        client.close()
        assert not list_new()
        assert pool.submit(client.user).result().name == "tester"
        client.close()


@pytest.mark.parametrize("read", [lambda: get_connector(CHARGER, 1), lambda: get_site_connectors(SITE)])
def test_a_lookup_closes_its_client(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, read: Any) -> None:
    """Also one that fails."""
    closed: list[object] = []

    def close(client: PlugchoiceClient) -> None:
        closed.append(client)

    monkeypatch.setattr(PlugchoiceClient, "close", close)
    monkeypatch.setenv("PLUGCHOICE_BASE_URL", emulator.base_url)
    for count, token in enumerate((TOKEN, "wrong"), 1):
        monkeypatch.setenv("PLUGCHOICE_TOKEN", token)
        with contextlib.nullcontext() if token == TOKEN else pytest.raises(PlugchoiceError):
            read()
        assert len(closed) == count


def test_sites_are_the_ones_that_the_token_can_see(client: PlugchoiceClient) -> None:
    """Each with its name."""
    sites = client.sites()
    assert [(site.uuid, site.name) for site in sites] == [(SITE, "Harbour")]
    assert isinstance(sites[0], Site)


def test_site_connectors_name_their_chargers(client: PlugchoiceClient) -> None:
    """By UUID and identity."""
    listed = client.site_connectors(SITE)
    assert {(item.charger.uuid, item.charger.identity, item.connector_id) for item in listed} == {
        (charger_uuid(index), identity(index), 1) for index in (1, 2, 3)
    }
    assert {(item.phase_rotation, item.max_amperage) for item in listed} == {("RST", 16)}


def test_site_groups_tell_the_main_fuse(client: PlugchoiceClient) -> None:
    """Amps per phase and net type; the root has no parent."""
    [root] = client.site_groups(SITE)
    assert isinstance(root, SiteGroup)
    assert (root.id, root.group_id, root.total_amps, root.net_type) == (801, None, 125, "TN")


def test_site_groups_come_as_a_list_or_in_an_envelope(emulator: Emulator, client: PlugchoiceClient) -> None:
    """The documentation shows a plain list."""
    emulator.fault("status", path="/groups$", status=200, body=[{"id": 7, "group_id": None, "total_amps": "63"}])
    [root] = client.site_groups(SITE)
    assert (root.id, root.total_amps) == (7, 63)


def test_power_usage_is_read_as_numbers(emulator: Emulator, client: PlugchoiceClient) -> None:
    """The answer has no envelope, and the API writes numbers as text."""
    emulator.circuit(1, amps=[16, 6, 0])
    usage = client.power_usage(CHARGER, 1)
    assert (usage.L1, usage.L2, usage.L3, usage.kW) == (16, 6, 0, 5.06)
    assert usage.timestamp is not None
    assert abs(usage.timestamp.timestamp() - time.time()) < 30


def test_unusual_readings_are_none_or_numbers(emulator: Emulator, client: PlugchoiceClient) -> None:
    """A dash means no reading; blanks before a number mean nothing."""
    emulator.switch(odd_readings=True)
    usage = client.power_usage(CHARGER, 1)
    assert (usage.L1, usage.L2, usage.L3, usage.kW) == (None, 0, 0, 0)


def test_a_group_has_a_meter_or_none(emulator: Emulator, client: PlugchoiceClient) -> None:
    """Without one the API answers 404, which is not an error here."""
    assert client.group_meter(SITE, 801) is None
    emulator.meter(801, base_amps=[4.8, 2.2, -19])
    meter = client.group_meter(SITE, 801)
    assert meter is not None
    assert meter.latest_data is not None
    assert (meter.latest_data.l1, meter.latest_data.l2, meter.latest_data.l3) == (4800, 2200, -19000)


def test_a_meter_is_read_with_and_without_its_envelope(emulator: Emulator, client: PlugchoiceClient) -> None:
    """The vendor's page shows none; other pages of that generation leave it out where there is one."""
    emulator.meter(801, base_amps=[1, 2, 3])
    emulator.fault("no_data", path="/meter")
    bare, enveloped = client.group_meter(SITE, 801), client.group_meter(SITE, 801)
    assert bare is not None
    assert enveloped is not None
    assert (bare.id, enveloped.id) == (1, 1)
    assert bare.latest_data is not None


def test_power_management_tells_which_charger_is_in_which_group(emulator: Emulator, client: PlugchoiceClient) -> None:
    """Chargers are named by UUID."""
    power = client.power_management(SITE)
    assert [group.id for group in power.groups] == [801]
    assert {charger.uuid: charger.group_id for charger in power.chargers} == {
        charger_uuid(index): 801 for index in (1, 2, 3)
    }


def test_a_charger_lists_its_connectors_with_all_sixteen_fields(emulator: Emulator, client: PlugchoiceClient) -> None:
    """All have their types, timestamps too."""
    emulator.reset(seed(1, {1: [connector(1), connector(2, None, None)]}))
    charger = client.charger(CHARGER)
    assert (charger.uuid, charger.identity, charger.max_current) == (CHARGER, "HRB-001", 32)
    assert [one.connector_id for one in charger.connectors] == [1, 2]
    first, second = charger.connectors
    assert first.model_fields_set == set(Connector.model_fields)
    assert isinstance(first.created_at, datetime)
    assert first.created_at.tzinfo is not None
    assert (first.phase_rotation, first.max_amperage, first.max_voltage) == ("RST", 16, 230)
    assert (second.phase_rotation, second.max_amperage) == (None, None)


def test_a_charger_that_was_never_seen_has_no_connectors(emulator: Emulator, client: PlugchoiceClient) -> None:
    """It answers an empty list, which is not an error."""
    emulator.reset(seed(1, {1: []}))
    assert client.charger(CHARGER).connectors == ()
    assert client.site_connectors(SITE) == []


def test_no_object_contains_a_pincode(client: PlugchoiceClient) -> None:
    """The emulator sends one."""
    assert PINCODE not in repr(client.charger(CHARGER)) + repr(client.site_connectors(SITE))


def test_put_connector_stores_both_settings_and_answers_them(emulator: Emulator, client: PlugchoiceClient) -> None:
    """One request, with exactly the two fields."""
    with emulator.recording() as calls:
        answered = client.put_connector(CHARGER, 1, STR_20)
    assert (answered.connector_id, answered.phase_rotation, answered.max_amperage) == (1, "STR", 20)
    assert calls.puts == [(f"/v3/chargers/{CHARGER}/connectors/1", {"phase_rotation": "STR", "max_amperage": 20})]
    assert len(calls) == 1
    assert emulator.live(1) == ("STR", 20)
    assert emulator.live(2) == ("RST", 16)


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (25, 1), (26, 2), (50, 2), (51, 3)])
def test_a_list_is_read_to_its_end(emulator: Emulator, client: PlugchoiceClient, count: int, pages: int) -> None:
    """25 a page, without `total` and `last_page`: the last page has no next link, and no page is read twice."""
    emulator.reset(seed(count))
    with emulator.recording() as calls:
        listed = client.site_connectors(SITE)
    assert sorted(item.charger.uuid for item in listed) == [charger_uuid(index) for index in range(1, count + 1)]
    assert [request["query"] for request in calls.requests] == ["", *(f"page={page}" for page in range(2, pages + 1))]


def test_the_chargers_of_a_site_are_listed_with_what_the_token_may_do(
    emulator: Emulator, client: PlugchoiceClient
) -> None:
    """Also those that were never seen; every page, once."""
    given = seed(27, {27: []})
    given["sites"][0]["chargers"][26]["connection_status"] = "never_seen"
    given["tokens"][TOKEN]["access"] = {"*": "full", charger_uuid(2): "basic"}
    emulator.reset(given)
    with emulator.recording() as calls:
        listing = client.site_chargers(SITE)
    assert listing.invalid == ()
    by_uuid = {charger.uuid: charger for charger in listing.chargers}
    assert sorted(by_uuid) == [charger_uuid(index) for index in range(1, 28)]
    assert by_uuid[charger_uuid(27)].connection_status == "never_seen"
    full = {charger.identity: charger.permissions and charger.permissions.full for charger in listing.chargers}
    assert [name for name, may_change in full.items() if may_change is not True] == ["HRB-002"]
    assert full["HRB-002"] is False
    assert [request["query"] for request in calls.requests] == ["", "page=2"]


def test_a_charger_that_is_listed_twice_is_read_again(emulator: Emulator, client: PlugchoiceClient) -> None:
    """As the pages of connectors: the list changed meanwhile, and another charger may be missing."""
    emulator.switch(page_size=2)
    emulator.fault("page", path="/chargers", page=2, doubled=[0], times=1)
    with emulator.recording() as calls:
        assert len(client.site_chargers(SITE).chargers) == 3
    assert len(calls) == 4
    emulator.fault("page", path="/chargers", page=2, doubled=[0], times=None)
    with pytest.raises(InvalidResponse, match="twice, in two readings; the list changes meanwhile"):
        client.site_chargers(SITE)


@pytest.mark.parametrize("switches", [{"extra_keys": True}, {"odd_status": True}, {"page_size": 2}])
def test_unknown_fields_and_values_are_accepted(
    emulator: Emulator, client: PlugchoiceClient, switches: dict[str, Any]
) -> None:
    """Unknown keys, unknown values of `status`, other page sizes."""
    emulator.switch(**switches)
    assert client.charger(CHARGER).identity == "HRB-001"
    assert len(client.site_connectors(SITE)) == 3
    assert len(client.sites()) == 1
    assert client.user().name == "tester"


@pytest.mark.parametrize("method", ["charger", "site_connectors", "sites", "put_connector"])
def test_an_answer_without_its_envelope_is_refused(emulator: Emulator, client: PlugchoiceClient, method: str) -> None:
    """Another service may answer at that address."""
    emulator.fault("no_data")
    calls: dict[str, tuple[Any, ...]] = {
        "charger": (CHARGER,),
        "site_connectors": (SITE,),
        "put_connector": (CHARGER, 1, STR_20),
    }
    with pytest.raises(InvalidResponse) as refused:
        getattr(client, method)(*calls.get(method, ()))
    error = refused.value
    assert str(error) == (f"{error.method} {error.path}: answered with JSON without `data`; check the base URL")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"data": {"uuid": CHARGER}}, "answered with `data` that is not a list"),
        ({"data": [], "links": {"next": 7}}, "answered with a next-page link that is not text"),
        (
            {"data": [17]},
            "answered with an invalid SiteConnector (row 1 of the list: Input should be a valid dictionary or "
            "instance of SiteConnector)",
        ),
    ],
)
def test_a_list_of_another_shape_is_refused(
    emulator: Emulator, client: PlugchoiceClient, body: dict[str, Any], problem: str
) -> None:
    """The error tells what is wrong."""
    emulator.fault("status", status=200, body=body)
    with pytest.raises(InvalidResponse) as refused:
        client.site_connectors(SITE)
    assert str(refused.value) == f"GET /v3/sites/{SITE}/connectors: {problem}"


def test_pages_without_end_are_given_up(emulator: Emulator, client: PlugchoiceClient) -> None:
    """A page whose next link is itself."""
    path = f"/v3/sites/{SITE}/connectors"
    body = {"data": [], "links": {"next": f"{emulator.base_url}{path}"}}
    emulator.fault("status", status=200, body=body, times=None)
    with emulator.recording() as calls, pytest.raises(InvalidResponse) as refused:
        client.site_connectors(SITE)
    assert str(refused.value) == f"GET {path}: the list does not end (1 page read)"
    assert len(calls) == 1


@pytest.mark.parametrize("shape", ["other_scheme", "other_host", "other_prefix", "relative", "query_only"])
def test_a_list_is_read_to_its_end_behind_a_gateway(emulator: Emulator, client: PlugchoiceClient, shape: str) -> None:
    """The API does not know the address under which it is reached. Of a link only the query is used."""
    emulator.reset(seed(51))
    emulator.fault("page", link=shape, times=None)
    with emulator.recording() as calls:
        listed = client.site_connectors(SITE)
    assert len({item.charger.uuid for item in listed}) == 51
    assert [(request["path"], request["query"]) for request in calls.requests] == [
        (f"/v3/sites/{SITE}/connectors", query) for query in ("", "page=2", "page=3")
    ]


@pytest.mark.parametrize("link", ["http://[::1", "ftp://x/?a b", "?p=\u00e9", f"?{'p' * 1001}"])
def test_a_next_page_link_without_a_usable_query_is_an_error(
    emulator: Emulator, client: PlugchoiceClient, link: str
) -> None:
    """The rows behind it would be missing."""
    emulator.fault("status", status=200, body={"data": [], "links": {"next": link}})
    with emulator.recording() as calls, pytest.raises(InvalidResponse) as refused:
        client.sites()
    shown = link if len(link) < 100 else f"{link[:99]}\u2026"
    assert str(refused.value) == f"GET /v3/sites: the next-page link is {shown!r}, which is not a valid link"
    assert len(calls) == 1


@pytest.mark.parametrize(("shape", "pages"), [("loop", 2), ("no_query", 1)])
def test_pages_that_lead_nowhere_are_an_error(
    emulator: Emulator, client: PlugchoiceClient, shape: str, pages: int
) -> None:
    """A list that is cut short would look like one without those connectors."""
    emulator.reset(seed(30))
    emulator.fault("page", link=shape, times=None)
    with emulator.recording() as calls, pytest.raises(InvalidResponse, match=f"does not end .{pages} page"):
        client.site_connectors(SITE)
    assert len(calls) == pages


def test_an_unknown_charger_is_not_found(client: PlugchoiceClient) -> None:
    """The error shows the server's words."""
    unknown = charger_uuid(99)
    with pytest.raises(NotFound) as refused:
        client.charger(unknown)
    assert str(refused.value) == (
        f"GET /v3/chargers/{unknown}: answered 404 (No query results for model [App\\Models\\Charger] {unknown}): "
        "it does not exist, or the token's user cannot see it; check the UUID and the token"
    )


def test_an_unknown_connector_cannot_be_written(emulator: Emulator, client: PlugchoiceClient) -> None:
    """The API cannot create connectors."""
    with pytest.raises(NotFound):
        client.put_connector(CHARGER, 9, STR_20)
    assert emulator.live(1) == ("RST", 16)


@pytest.mark.parametrize("status", [403, 404])
def test_a_charger_of_another_user_is_refused_with_403_or_404(
    emulator: Emulator, client: PlugchoiceClient, status: int
) -> None:
    """The documentation does not tell which, so both are read."""
    emulator.switch(foreign_charger_status=status)
    emulator.set_token(access={SITE: "none"})
    with pytest.raises(PermissionDenied if status == 403 else NotFound) as refused:
        client.charger(CHARGER)
    assert refused.value.status == status


def test_a_read_only_token_cannot_write(emulator: Emulator, client: PlugchoiceClient) -> None:
    """It can read."""
    emulator.set_token(access={"*": "basic"})
    assert client.charger(CHARGER).identity == "HRB-001"
    with pytest.raises(PermissionDenied) as refused:
        client.put_connector(CHARGER, 1, STR_20)
    assert str(refused.value) == (
        f"PUT /v3/chargers/{CHARGER}/connectors/1: answered 403 (This action is unauthorized.): the token's user may "
        "not do this; ask the site's owner for full access"
    )
    assert emulator.live(1) == ("RST", 16)


@pytest.mark.parametrize("style", ["guide", "laravel"])
def test_a_validation_failure_shows_the_reasons_by_field(
    emulator: Emulator, client: PlugchoiceClient, style: str
) -> None:
    """Both known styles of the service are read."""
    emulator.switch(error_style=style)
    path = f"/v3/chargers/{CHARGER}/connectors/1"
    with pytest.raises(ValidationFailed) as refused:
        client._transport.put(path, {"phase_rotation": "rst", "max_amperage": 2000})
    assert set(refused.value.errors) == {"phase_rotation", "max_amperage"}
    assert str(refused.value) == (
        f"PUT {path}: answered 422 (phase_rotation: The selected phase rotation is "
        "invalid.; max_amperage: The max amperage field must not be greater than 1000.)"
    )


def test_a_site_that_is_not_a_uuid_is_refused_before_any_call(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would become part of the path."""
    monkeypatch.setenv("PLUGCHOICE_BASE_URL", emulator.base_url)
    monkeypatch.setenv("PLUGCHOICE_TOKEN", TOKEN)

    with emulator.recording() as calls, pytest.raises(PlugchoiceError, match="is not a UUID"):
        get_site_connectors("Harbour/../../user?x=")

    assert len(calls) == 0


@pytest.fixture
def _environment(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUGCHOICE_BASE_URL", emulator.base_url)
    monkeypatch.setenv("PLUGCHOICE_TOKEN", TOKEN)
    monkeypatch.delenv("PLUGCHOICE_SITE", raising=False)


@pytest.mark.usefixtures("_environment")
def test_an_identity_is_looked_up_on_a_site(emulator: Emulator) -> None:
    """One that is nearly there comes first, with its UUID; one that is there twice is not guessed."""
    chargers = seed(4)["sites"][0]["chargers"]
    chargers[1]["identity"] = "HRB-001 "
    emulator.reset({**seed(4), "sites": [{"uuid": SITE, "name": "Harbour", "chargers": chargers}]})
    assert get_connector("HRB-001 ", 1, site=SITE).connector_id == 1
    with pytest.raises(IdentityNotFound) as refused:
        get_connector("HRB-004 ", 1, site=SITE)
    assert str(refused.value) == (
        "charger 'HRB-004\\x20': no charger of the site has this identity; "
        f"closest: 'HRB-004' ({charger_uuid(4)}); it lists HRB-001, HRB-001\\x20, HRB-003, HRB-004"
    )
    emulator.control("PATCH", f"/chargers/{charger_uuid(4)}", {"identity": "HRB-003"})
    with pytest.raises(IdentityNotFound) as refused:
        get_connector("HRB-003", 1, site=SITE)
    assert str(refused.value) == (
        "charger 'HRB-003': 2 chargers of the site have this identity; give the UUID instead: "
        f"{charger_uuid(3)} or {charger_uuid(4)}"
    )


@pytest.mark.usefixtures("_environment")
def test_without_a_site_the_sites_are_listed(emulator: Emulator) -> None:
    """Without them when they cannot be read."""
    sees = f"the token's user sees: {SITE} (Harbour)"
    with pytest.raises(ConfigError) as refused:
        get_site_connectors()
    assert str(refused.value) == f"site: not set; give site=, or set PLUGCHOICE_SITE or plugchoice:site; {sees}"
    emulator.set_token(revoked=True)
    with pytest.raises(ConfigError) as refused:
        get_site_connectors()
    assert str(refused.value) == "site: not set; give site=, or set PLUGCHOICE_SITE or plugchoice:site"
