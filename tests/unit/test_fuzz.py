"""Anything for an answer, anything for an input: what comes of it is a value, or one line that says what is wrong.

Beside the smaller fuzzes of test_models.py and test_inputs.py, this goes the whole way: raw answers through `requests`,
transport, client and the run's readings; raw inputs through the wire, `check`, and on to the write.
`--hypothesis-profile=long` tries seventy times as many, `=quick` a third.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest
import requests
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pulumi.output import Unknown
from pulumi.runtime import rpc
from pulumi_plugchoice._text import printable
from pulumi_plugchoice.api.client import PlugchoiceClient
from pulumi_plugchoice.api.models import Connector, ConnectorSettings, Model
from pulumi_plugchoice.api.transport import Transport
from pulumi_plugchoice.config import ClientCredentials, Options, Token
from pulumi_plugchoice.connector import ChargerConnectorProvider
from pulumi_plugchoice.electrical.rotations import PHASE_ROTATIONS
from pulumi_plugchoice.electrical.settings import show
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.inputs import INPUT_NAMES
from pulumi_plugchoice.runtime.engine import _OneLine
from pulumi_plugchoice.runtime.live import Live, LiveConnectors
from requests.adapters import HTTPAdapter
from support.emulator import CLIENT_ID, CLIENT_SECRET, SITE, TOKEN, charger_uuid, identity
from support.engine_double import provider_process, wire
from support.fakes import FakeClient

if TYPE_CHECKING:
    from collections.abc import Callable

PROFILE: Final = settings.get_current_profile_name()
IS_LONG: Final = PROFILE == "long"
OPTIONS: Final = settings(
    max_examples={"long": 10_000, "quick": 50}.get(PROFILE, 150),
    derandomize=not IS_LONG,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
pytestmark = pytest.mark.timeout(0 if IS_LONG else 300)

BASE: Final = "http://127.0.0.1:1/api"
CHARGER: Final = charger_uuid(1)
LONGEST_LINE: Final = 1500

NASTY: Final = ["\x1b[31m", "\x00", "a\nb", "\u202e", "\u2028", "\ud800", "x" * 400, TOKEN, "-1", "٣"]
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**400, -(10**30), math.inf, math.nan, 16.0, 1e308, True])
TEXTS = st.text(max_size=20) | st.sampled_from([*NASTY, CHARGER, SITE, identity(1), *PHASE_ROTATIONS])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)

# ---------------------------------------------------------------- answers


CONNECTOR: Final = {
    "id": 7,
    "charger_id": 3,
    "connector_id": 1,
    "status": "Available",
    "error": "NoError",
    "max_amperage": 16,
    "max_voltage": 230,
    "power_type": "AC_3_PHASE",
    "phase_rotation": "RST",
    "created_at": "2026-01-10T01:14:32.000000Z",
}
REFERENCE: Final = {"uuid": CHARGER, "identity": identity(1), "connection_status": "online"}
LISTED: Final = {"data": [{**CONNECTOR, "charger": REFERENCE}], "links": {"next": None}, "meta": {"current_page": 1}}
CHARGER_ANSWER: Final = {"data": {**REFERENCE, "id": 3, "max_current": 32, "connectors": [CONNECTOR]}}
PLACES: Final = st.lists(st.integers(0, 9), min_size=1, max_size=4)
LINKS: Final = st.sampled_from([f"{BASE}/v3/x?page=2", "http://evil.example/", "//", "http://[", BASE])


def changed(answer: Any, place: list[int], value: Any) -> Any:
    """The answer with one value replaced, found by going down from key to key; `...` leaves the key out."""
    if not place or not isinstance(answer, dict | list) or not answer:
        return None if value is ... else value
    keys = list(answer) if isinstance(answer, dict) else list(range(len(answer)))
    key = keys[place[0] % len(keys)]
    if value is ... and len(place) == 1:
        keys.remove(key)
        return {one: answer[one] for one in keys} if isinstance(answer, dict) else [answer[one] for one in keys]
    inner = changed(answer[key], place[1:], value)
    if isinstance(answer, dict):
        return answer | {key: inner}
    return [*answer[:key], inner, *answer[key + 1 :]]


def bodies(good: Any) -> st.SearchStrategy[bytes]:
    """The documented answer with up to three things wrong in it; or anything."""

    def spoilt(edits: list[tuple[list[int], Any]]) -> Any:
        answer = good
        for place, value in edits:
            answer = changed(answer, place, value)
        return answer

    edits = st.lists(st.tuples(PLACES, JSON | LINKS | st.just(...)), max_size=3)
    return st.one_of(
        edits.map(spoilt).map(lambda answer: json.dumps(answer).encode()),
        edits.map(spoilt).map(lambda answer: json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass")),
        JSON.map(lambda answer: json.dumps(answer).encode()),
        st.binary(max_size=40),
    )


ERRORS = bodies(
    {"message": "No.", "error": "no", "error_description": "no", "errors": {"max_amperage": ["Too much.", "No."]}}
)
TOKENS = bodies({"access_token": "fetched", "expires_in": 3600, "token_type": "Bearer"})
# No line breaks: `http.client` has taken the header apart by then. test_hostile.py sends them raw.
HEADERS = st.dictionaries(
    st.sampled_from(
        ["Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "Content-Type", "Content-Encoding", "Location"]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20)
    | st.integers().map(str)
    | st.sampled_from(["gzip", "deflate", "nan", "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct", "9" * 5000]),
)
STATUSES = st.sampled_from([201, 204, 302, 400, 401, 403, 404, 422, 429, 500, 503, 599, 999])


def answers_with(good: Any) -> st.SearchStrategy[list[tuple[int, dict[str, str], bytes]]]:
    """One to three answers, mostly of status 200 and without odd headers."""
    fine: st.SearchStrategy[tuple[int, dict[str, str], bytes]] = st.tuples(st.just(200), st.just({}), bodies(good))
    odd = st.tuples(st.just(200), HEADERS, bodies(good)) | st.tuples(STATUSES, HEADERS, ERRORS)
    return st.lists(fine | fine | odd, min_size=1, max_size=3)


class Canned(HTTPAdapter):
    """Answers in turn, the last one from then on; nothing is sent."""

    def __init__(self, answers: list[tuple[int, dict[str, str], bytes]]) -> None:
        super().__init__()
        self._left = list(answers)

    def send(self, request: requests.PreparedRequest, *_: object, **__: object) -> requests.Response:
        """The next answer, as urllib3 would hand it over."""
        status, headers, body = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        raw = urllib3.HTTPResponse(io.BytesIO(body), headers, status, preload_content=False, decode_content=False)
        return self.build_response(request, raw)


def client_of(answers: list[tuple[int, dict[str, str], bytes]], credentials: Token | ClientCredentials) -> Transport:
    # A deadline shorter than the first wait: nothing is tried again.
    transport = Transport(Options(BASE, credentials, timeout=0.4, deadline=0.4))
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", Canned(answers))
    transport._sessions.session = session
    return transport


def is_one_line(text: str) -> bool:
    """Whether it has neither controls, separators, lone surrogates nor marks that reorder text."""
    marks = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return len(text) <= LONGEST_LINE and not any(
        unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} or unicodedata.bidirectional(sign) in marks
        for sign in text
    )


GOOD_ANSWERS: Final = {
    "user": {"uuid": CHARGER, "id": 1, "name": "tester"},
    "sites": {"data": [{"uuid": SITE, "id": 1, "name": "Harbour"}], "links": {"next": None}},
    "site connectors": LISTED,
    "site groups": {"data": [{"id": 801, "site_id": 1, "group_id": None, "total_amps": 125, "net_type": "TN"}]},
    "charger": CHARGER_ANSWER,
    "put connector": {"data": CONNECTOR},
    "find by site": LISTED,
    "find by charger": CHARGER_ANSWER,
    "charger of identity": LISTED,
}
METHODS: dict[str, Callable[[PlugchoiceClient], object]] = {
    "user": lambda client: client.user(),
    "sites": lambda client: client.sites(),
    "site connectors": lambda client: client.site_connectors(SITE),
    "site groups": lambda client: client.site_groups(SITE),
    "charger": lambda client: client.charger(CHARGER),
    "put connector": lambda client: client.put_connector(
        CHARGER, 1, ConnectorSettings(phase_rotation="RST", max_amperage=16)
    ),
    "find by site": lambda client: LiveConnectors(client, lambda _: None).find(CHARGER, 1, SITE),
    "find by charger": lambda client: LiveConnectors(client, lambda _: None).find(CHARGER, 1, None),
    "charger of identity": lambda client: LiveConnectors(client, lambda _: None).find_charger(identity(1), SITE),
}


@pytest.mark.parametrize("method", METHODS)
def test_any_answer_is_a_value_or_one_line(method: str, record_property: Callable[[str, object], None]) -> None:
    """Of whatever status, with whatever headers: no exception but ours, and its text can be printed."""
    counted: Counter[str] = Counter()

    @OPTIONS
    @given(
        answers=answers_with(GOOD_ANSWERS[method]),
        token=st.none() | st.none() | st.tuples(st.just(200), HEADERS, TOKENS),
    )
    def play(answers: list[tuple[int, dict[str, str], bytes]], token: tuple[int, dict[str, str], bytes] | None) -> None:
        credentials = Token(TOKEN) if token is None else ClientCredentials(CLIENT_ID, CLIENT_SECRET)
        client = PlugchoiceClient(client_of(answers if token is None else [token, *answers], credentials))
        try:
            found = METHODS[method](client)
        except PlugchoiceError as error:
            counted[type(error).__name__] += 1
            # What the server puts into its own message is not ours to know; ours never holds it.
            assert is_one_line(str(error))
            assert CLIENT_SECRET not in str(error)
            return
        counted["read"] += 1
        for one in found if isinstance(found, list) else [found]:
            assert isinstance(one, Model | Live | str)
            connector = one.connector if isinstance(one, Live) else one
            if isinstance(one, Live):
                assert (one.charger, one.connector.connector_id) == (CHARGER, 1)
                assert is_one_line(one.name)
            if isinstance(connector, Connector):
                assert isinstance(connector.max_amperage, int | None)
                assert isinstance(connector.phase_rotation, str | None)

    play()
    print(method, counted)  # noqa: T201 - shown with -rP
    record_property("fuzz", f"{method}: {dict(counted)}")
    assert counted["InvalidResponse"]
    assert counted["read"]


# ---------------------------------------------------------------- inputs

# What a program can hand over: the SDK's wire takes no lone surrogates and no number beyond a float.
UNKNOWN = st.just(rpc.UNKNOWN)
SENT_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=50) | st.sampled_from(
    [text for text in NASTY if text != "\ud800"]
)
ANY_INPUT = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | SENT_TEXTS | UNKNOWN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SENT_TEXTS, inner, max_size=3),
    max_leaves=5,
)
GOOD: dict[str, st.SearchStrategy[Any]] = {
    "charger": st.sampled_from([CHARGER, CHARGER.upper(), charger_uuid(2), identity(1), identity(9), charger_uuid(9)]),
    "connector_id": st.integers(1, 3) | st.just(1.0),
    "phase_rotation": st.sampled_from(PHASE_ROTATIONS),
    "max_amperage": st.integers(1, 1000) | st.just(16.0),
    "site": st.sampled_from([SITE, SITE.upper(), charger_uuid(5)]),
    "on_adopt": st.sampled_from(["overwrite", "match"]),
    "on_destroy": st.sampled_from(["retain", "restore"]),
}
assert tuple(GOOD) == INPUT_NAMES
NAMES = st.sampled_from(INPUT_NAMES)
INPUTS = st.builds(
    lambda good, wrong: good | wrong,
    st.fixed_dictionaries(
        {name: GOOD[name] for name in ("charger", "connector_id", "max_amperage")},
        optional={name: good for name, good in GOOD.items() if name not in {"charger", "connector_id", "max_amperage"}},
    ),
    st.just({}) | st.just({}) | st.dictionaries(NAMES, UNKNOWN | ANY_INPUT, max_size=3),
)
ENVIRONMENTS = st.sampled_from(
    [
        {"PLUGCHOICE_SITE": SITE},
        {},
        {"PLUGCHOICE_OFFLINE": "1", "PLUGCHOICE_SITE": SITE},
    ]
)


def plugchoice() -> FakeClient:
    """Two chargers on one site."""
    return FakeClient(
        chargers={CHARGER: {1: ("RST", 16), 2: (None, None)}, charger_uuid(2): {1: (None, 10)}},
        chargers_on={SITE: [CHARGER, charger_uuid(2)]},
        identities={CHARGER: identity(1), charger_uuid(2): identity(2)},
    )


def test_any_inputs_are_refused_on_their_property_or_can_be_carried_out(
    record_property: Callable[[str, object], None],
) -> None:
    """`check` never fails; what it lets pass is stable, and a create of it writes these values and no others."""
    counted: Counter[str] = Counter()
    provider = ChargerConnectorProvider()

    def check(olds: dict[str, Any], declared: dict[str, Any]) -> dict[str, Any] | None:
        """The checked inputs as stored, or None when they are refused."""
        result = provider.check(wire(olds, keep_unknowns=True), wire(declared, keep_unknowns=True))
        for failure in result.failures or ():
            counted["refused"] += 1
            assert failure.property in INPUT_NAMES
            assert is_one_line(failure.reason)
            assert failure.reason
        assert wire(result.inputs, keep_unknowns=True).keys() <= {*INPUT_NAMES, "charger_identity"}
        return None if result.failures else wire(result.inputs, keep_unknowns=True)

    @OPTIONS
    @given(declared=INPUTS, environment=ENVIRONMENTS)
    def play(declared: dict[str, Any], environment: dict[str, str]) -> None:
        printed = io.StringIO()
        server = plugchoice()
        before = {charger: dict(numbers) for charger, numbers in server.chargers.items()}
        with provider_process(environment, printed) as session, contextlib.suppress(_OneLine):
            vars(session)["_client"] = server
            vars(session)["_live"] = LiveConnectors(server, session.notices.say_once, proof_seconds=0)
            try:
                inputs = check({}, declared)
            except _OneLine as error:
                counted["error"] += 1
                assert is_one_line(str(error))
                assert "internal error" not in str(error)
                # Only the site as a whole cannot be read.
                assert "GET /v3/sites/" in str(error)
                raise
            if inputs is None:
                return
            if any(isinstance(value, Unknown) for value in inputs.values()):
                counted["to come"] += 1
                return
            counted["passed"] += 1
            assert check(inputs, declared) == inputs, "the same declaration is stored as the same"
            try:
                made = provider.create(inputs)
            except _OneLine as error:
                counted["not created"] += 1
                assert is_one_line(str(error))
                assert "internal error" not in str(error)
                assert server.chargers == before
                raise
            counted["created"] += 1
            values = dict(
                zip(
                    ("phase_rotation", "max_amperage"),
                    server.chargers[inputs["charger"]][inputs["connector_id"]],
                    strict=True,
                )
            )
            for name in ("phase_rotation", "max_amperage"):
                if declared.get(name) is not None:
                    assert values[name] == declared[name]
            outs = wire(made.outs or {})
            assert made.id == f"{inputs['charger']}/{int(inputs['connector_id'])}"
            assert provider.diff(made.id, outs, inputs).changes is False
        for line in printed.getvalue().splitlines():
            assert is_one_line(line)

    play()
    print(counted)  # noqa: T201 - shown with -rP
    record_property("fuzz", f"inputs: {dict(counted)}")
    assert [what for what in ("refused", "to come", "passed", "created") if not counted[what]] == []


@OPTIONS
@given(name=st.sampled_from(["phase_rotation", "max_amperage"]), value=JSON)
def test_any_live_value_can_be_named(name: str, value: object) -> None:
    """Messages show live values as they are, and a live rotation may be any text."""
    assert is_one_line(printable(show(name, value)))
