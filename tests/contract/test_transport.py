"""The transport against the emulator's faults, and against a server of this file that shows what was really sent."""

from __future__ import annotations

import contextlib
import email.utils
import gzip
import http.server
import json
import logging
import re
import socket
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from pulumi_plugchoice import __version__
from pulumi_plugchoice.api import time_limit
from pulumi_plugchoice.api.retry import Backoff, Deadline
from pulumi_plugchoice.api.transport import Transport
from pulumi_plugchoice.config import ClientCredentials, Options, Token
from pulumi_plugchoice.errors import (
    ApiError,
    AuthenticationFailed,
    InvalidResponse,
    NotFound,
    PermissionDenied,
    PlugchoiceError,
    RateLimited,
    RequestTimeout,
    RouteNotFound,
    ServerError,
    TransportError,
    ValidationFailed,
)
from support.emulator import CLIENT_ID, CLIENT_SECRET, SITE, TOKEN, Calls, Emulator, charger_uuid
from support.servers import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHARGER = charger_uuid(1)
READ = f"/v3/chargers/{CHARGER}"
WRITE = f"{READ}/connectors/1"
BODY = {"phase_rotation": "STR", "max_amperage": 20}
CLIENT = ClientCredentials(CLIENT_ID, CLIENT_SECRET)
QUICK = Backoff(first=0.01, longest=0.02, jitter=0)


def transport(
    base_url: str, credentials: Token | ClientCredentials | None = None, *, timeout: float = 5, deadline: float = 5
) -> Transport:
    """The transport to test, by default with a personal access token."""
    options = Options(base_url, credentials or Token(TOKEN), timeout=timeout, deadline=deadline)
    return Transport(options, backoff=QUICK)


def port_of_nobody() -> int:
    """A port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


# ---------------------------------------------------------------- what the service answers


@pytest.mark.parametrize(
    ("status", "error", "advice"),
    [
        (400, ApiError, ""),
        (
            401,
            AuthenticationFailed,
            ": the credentials are wrong, expired or revoked; set PLUGCHOICE_TOKEN (or PLUGCHOICE_CLIENT_ID and "
            "PLUGCHOICE_CLIENT_SECRET) to valid ones",
        ),
        (
            403,
            PermissionDenied,
            ": the token's user may not do this; ask the site's owner for full access",
        ),
        (404, NotFound, ": it does not exist, or the token's user cannot see it; check the UUID and the token"),
        (405, ApiError, ""),
        (418, ApiError, ""),
        (422, ValidationFailed, ""),
        (501, ServerError, ": Plugchoice has a problem; try again later"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_an_error_status_raises_its_error_without_retries(
    emulator: Emulator, method: str, status: int, error: type[ApiError], advice: str
) -> None:
    """A retry would not help."""
    emulator.fault("status", status=status, body={"message": "The server's words."}, times=None)
    client = transport(emulator.base_url)
    with emulator.recording() as calls, pytest.raises(ApiError) as failed:
        client.put(WRITE, BODY) if method == "PUT" else client.get(READ)
    assert type(failed.value) is error
    path = WRITE if method == "PUT" else READ
    assert str(failed.value) == f"{method} {path}: answered {status} (The server's words.){advice}"
    assert len(calls) == 1


@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_read_is_retried_after_a_passing_fault(emulator: Emulator, status: int, html: bool) -> None:
    """The answer is JSON from the service, or HTML from a proxy in front of it."""
    emulator.fault("status", status=status, html=html, times=2)
    with emulator.recording() as calls:
        answer = transport(emulator.base_url).get(READ)
    assert answer["data"]["uuid"] == CHARGER
    assert [request["status"] for request in calls.requests] == [status, status, 200]


def test_a_lasting_fault_is_an_error_at_the_deadline(emulator: Emulator) -> None:
    """The message does not quote HTML."""
    emulator.fault("status", status=502, html=True, times=None)
    started = time.monotonic()
    with emulator.recording() as calls, pytest.raises(ServerError) as failed:
        transport(emulator.base_url, deadline=3).get(READ)
    assert str(failed.value) == f"GET {READ}: answered 502: Plugchoice has a problem; try again later"
    assert time.monotonic() - started < 30
    assert len(calls) > 2


def test_waits_grow_and_leave_time_for_the_answer() -> None:
    """A wait is at most half of the time left, so the last error is the service's and not our timeout."""
    now = [0.0]
    deadline = Deadline(100, lambda: now[0])
    backoff = Backoff(first=0.5, longest=20, jitter=0)
    waits = []
    for retries in range(7):
        wait = backoff.wait(retries, deadline)
        assert wait is not None
        waits.append(wait)
        now[0] += wait
    assert waits == [0.5, 1, 2, 4, 8, 16, 20]
    now[0] = 90
    assert backoff.wait(7, deadline) == 5
    now[0] = 99.5
    assert backoff.wait(8, deadline) is None


def test_waits_have_a_random_part() -> None:
    """Programs that failed together do not come back together."""
    deadline = Deadline(1000)
    waits = {Backoff(first=0.5, longest=20, jitter=0.5).wait(0, deadline) for _ in range(50)}
    assert len(waits) > 10
    assert all(wait is not None and 0.5 <= wait <= 1 for wait in waits)


def test_a_write_with_an_unknown_result_is_not_sent_again(emulator: Emulator) -> None:
    """It may have been carried out: the caller has to read first."""
    for fault in ({"kind": "status", "status": 503}, {"kind": "reset_after"}, {"kind": "html"}):
        emulator.clear_faults()
        emulator.fault(**fault, times=None)
        client = transport(emulator.base_url)
        with emulator.recording() as calls, pytest.raises(PlugchoiceError):
            client.retry(partial(client.put, WRITE, BODY), client.deadline(), idempotent=False)
        assert len(calls) == 1, fault


def test_a_write_is_sent_again_after_a_429(emulator: Emulator) -> None:
    """It certainly had no effect."""
    emulator.fault("status", method="PUT", status=429, retry_after=0)
    client = transport(emulator.base_url)
    with emulator.recording() as calls:
        answer = client.retry(lambda: client.put(WRITE, BODY), client.deadline(), idempotent=False)
    assert answer["data"]["phase_rotation"] == "STR"
    assert len(calls.puts) == 2


@pytest.mark.parametrize("as_date", [False, True])
def test_the_loop_waits_for_retry_after(emulator: Emulator, as_date: bool) -> None:
    """Retry-After has seconds, or a date (in whole seconds, so the wait may be a second shorter)."""
    wait = email.utils.formatdate(time.time() + 2, usegmt=True) if as_date else 1
    emulator.fault("status", status=429, retry_after=wait)
    started = time.monotonic()
    transport(emulator.base_url).get(READ)
    assert 0.9 < time.monotonic() - started < 30  # without a valid Retry-After: a minute


@pytest.mark.parametrize(
    ("retry_after", "understood"),
    [
        (7, 7.0),
        (3600, 3600.0),
        (None, None),
        ("soon", None),
        ("-5", None),
        ("²", None),
        ("9" * 400, float("inf")),
    ],
)
def test_a_wait_past_the_deadline_fails_at_once(
    emulator: Emulator, retry_after: str | int | None, understood: float | None
) -> None:
    """Without a valid Retry-After the wait is a minute, as the vendor's page says."""
    emulator.fault("status", status=429, retry_after=retry_after, times=None)
    started = time.monotonic()
    with emulator.recording() as calls, pytest.raises(RateLimited) as failed:
        transport(emulator.base_url, deadline=5).get(READ)
    assert failed.value.retry_after == understood
    assert time.monotonic() - started < 5
    assert len(calls) == 1


def test_a_retry_after_of_zero_still_waits(emulator: Emulator) -> None:
    """At least the first wait of the backoff."""
    emulator.fault("status", status=429, retry_after=0, times=None)
    options = Options(emulator.base_url, Token(TOKEN), timeout=5, deadline=3)
    with emulator.recording() as calls, pytest.raises(RateLimited):
        Transport(options, backoff=Backoff(first=0.6, longest=3, jitter=0)).get(READ)
    assert 2 <= len(calls) <= 5


def test_retries_outlast_the_emulators_request_limit(emulator: Emulator) -> None:
    """Ten requests at a limit of five a second."""
    emulator.switch(rate_limit_per_minute=5, rate_window_seconds=1)
    client = transport(emulator.base_url)
    for _ in range(10):
        assert client.get(READ)["data"]["uuid"] == CHARGER


@pytest.mark.parametrize(
    ("fault", "path", "message"),
    [
        (
            {"kind": "html"},
            READ,
            "answered 200 with text/html; charset=UTF-8 instead of JSON; check the base URL",
        ),
        (
            {"kind": "bad_json"},
            READ,
            "answered 200 with application/json instead of JSON; check the base URL",
        ),
        (
            {"kind": "redirect", "location": "https://plugchoice.example/login"},
            READ,
            "answered with a redirect (302) to 'https://plugchoice.example/login'; redirects are not followed; check "
            "the base URL",
        ),
        (
            {"kind": "redirect", "status": 301, "location": "/login"},
            READ,
            "answered with a redirect (301) to '/login'; redirects are not followed; check the base URL",
        ),
    ],
)
def test_an_answer_of_another_service_is_refused_at_once(
    emulator: Emulator, fault: dict[str, Any], path: str, message: str
) -> None:
    """A captive portal, a proxy, a wrong base URL."""
    emulator.fault(**fault, times=None)
    with emulator.recording() as calls, pytest.raises(InvalidResponse) as refused:
        transport(emulator.base_url).get(path)
    assert str(refused.value) == f"GET {path}: {message}"
    assert len(calls) == 1


ROUTE = (
    "GET {path}: answered 404{words}: no such path there; "
    "check the base URL (PLUGCHOICE_BASE_URL or plugchoice:baseUrl)"
)


@pytest.mark.parametrize("extra", ["/v2", "/nowhere"])
def test_a_404_of_a_base_url_that_leads_nowhere_asks_about_it(emulator: Emulator, extra: str) -> None:
    """The API's own words for a path that it does not have. Not a `NotFound`: it proves nothing about a charger."""
    with pytest.raises(RouteNotFound) as refused:
        transport(emulator.base_url + extra).get(READ)
    words = f" (The route api{extra}{READ} could not be found.)"
    assert str(refused.value) == ROUTE.format(path=READ, words=words)
    assert not isinstance(refused.value, NotFound)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>nginx</html>", ""),
        (b"404 page not found", ""),
        (b"", ""),
        (b"[]", ""),
        ({"error": "Not Found", "path": "/api/v3"}, " (Not Found)"),
        ({"detail": "Not Found"}, ""),
        ({"message": None}, ""),
        ({"message": "no Route matched with those values"}, " (no Route matched with those values)"),
    ],
)
def test_a_404_that_is_not_the_apis_asks_about_the_base_url(body: object, words: str) -> None:
    """Of a gateway, a web server or another service."""
    with Recorder(answers=[(404, body)]).running() as server, pytest.raises(RouteNotFound) as refused:
        transport(server.base_url).get(READ)
    assert str(refused.value) == ROUTE.format(path=READ, words=words)


@pytest.mark.parametrize("message", ["No query results for model [App\\Models\\Charger] x", "Not Found", ""])
def test_a_404_in_the_apis_words_is_about_the_object(message: str) -> None:
    with Recorder(answers=[(404, {"message": message})]).running() as server, pytest.raises(NotFound) as refused:
        transport(server.base_url).get(READ)
    assert str(refused.value).endswith("check the UUID and the token")


# ---------------------------------------------------------------- no answer


def test_a_silent_service_is_a_timeout(emulator: Emulator) -> None:
    """The request is retried until the deadline."""
    emulator.fault("slow", delay_seconds=20, times=None)
    started = time.monotonic()
    with pytest.raises(RequestTimeout) as failed:
        transport(emulator.base_url, timeout=0.2, deadline=0.21).get(READ)
    assert str(failed.value) == f"GET {READ}: no answer within 0.2 s"
    assert time.monotonic() - started < 15


def test_a_slow_body_is_a_timeout(emulator: Emulator) -> None:
    """The time limit is for the whole request, not for each byte."""
    emulator.fault("drip", delay_seconds=0.05, times=None)
    started = time.monotonic()
    with pytest.raises(RequestTimeout) as failed:
        transport(emulator.base_url, timeout=0.5, deadline=0.51).get(READ)
    assert str(failed.value) == f"GET {READ}: no answer within 0.5 s"
    assert time.monotonic() - started < 15


@pytest.mark.parametrize("kind", ["reset_before", "truncate"])
def test_a_read_is_retried_after_a_lost_connection(emulator: Emulator, kind: str) -> None:
    """A read has no effect."""
    emulator.fault(kind, times=2)
    with emulator.recording() as calls:
        assert transport(emulator.base_url).get(READ)["data"]["uuid"] == CHARGER
    assert len(calls) == 3


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kind": "reset_before"}, "Connection reset by peer"),
        ({"kind": "reset_after", "close": "fin"}, "Remote end closed connection without response"),
    ],
)
def test_a_lost_connection_is_explained(emulator: Emulator, fault: dict[str, Any], reason: str) -> None:
    """The message has a few words, and no object addresses of the HTTP library."""
    emulator.fault(**fault, times=None)
    with pytest.raises(TransportError) as failed:
        transport(emulator.base_url).put(WRITE, BODY)
    assert str(failed.value) == f"PUT {WRITE}: the connection was lost ({reason})"


def test_half_an_answer_is_a_lost_connection(emulator: Emulator) -> None:
    """It is not taken for an empty answer or for invalid JSON."""
    emulator.fault("truncate", times=None)
    with pytest.raises(TransportError) as failed:
        transport(emulator.base_url).put(WRITE, BODY)
    text = str(failed.value)
    assert re.sub(r"\d+", "N", text.removeprefix(f"PUT {WRITE}: ")) == (
        "the connection was lost (IncompleteRead(N bytes read, N more expected))"
    )


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_refused_connection_names_the_server(method: str) -> None:
    """The usual reason is a wrong base URL."""
    origin = f"http://127.0.0.1:{port_of_nobody()}"
    client = transport(f"{origin}/api", deadline=1)
    with pytest.raises(TransportError) as failed:
        client.put(WRITE, BODY) if method == "PUT" else client.get(READ)
    path = WRITE if method == "PUT" else READ
    assert str(failed.value) == (
        f"{method} {path}: cannot connect to {origin} (Connection refused); check the base URL and the network"
    )


def test_an_unknown_host_is_named() -> None:
    """`.invalid` never exists."""
    with pytest.raises(TransportError) as failed:
        transport("https://plugchoice.invalid/api", deadline=3).get(READ)
    assert str(failed.value).startswith(f"GET {READ}: cannot connect to https://plugchoice.invalid (")
    assert str(failed.value).endswith("; check the base URL and the network")


def test_a_server_without_tls_gets_no_request(emulator: Emulator) -> None:
    """The token would have been in plain text."""
    base_url = emulator.base_url.replace("http://", "https://")
    with emulator.recording() as calls, pytest.raises(TransportError) as failed:
        transport(base_url, deadline=10).get(READ)
    origin = base_url.removesuffix("/api")
    assert str(failed.value).startswith(f"GET {READ}: no trusted TLS connection to {origin} (")
    assert len(calls) == 0


def test_a_write_is_sent_when_the_service_comes_back(emulator: Emulator) -> None:
    """A refused connection had no effect."""
    port = port_of_nobody()
    client = transport(f"http://127.0.0.1:{port}", deadline=10)
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(client.retry, lambda: client.put(WRITE, BODY), client.deadline(), idempotent=False)
        with Recorder(port=port).running() as server:
            assert pending.result(10) == {"data": {}}
    assert [request["method"] for request in server.requests] == ["PUT"]


# ---------------------------------------------------------------- credentials


def tokens_asked_for(calls: Calls) -> int:
    """How often a token was fetched."""
    return len(calls.of("POST", "/oauth/token"))


def test_a_client_fetches_one_token_for_all_threads(emulator: Emulator) -> None:
    """The endpoint is at the host's root, and takes a form."""
    client = transport(emulator.base_url, CLIENT)
    with emulator.recording() as calls, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(client.get, [READ] * 16))
    assert {answer["data"]["uuid"] for answer in answers} == {CHARGER}
    assert tokens_asked_for(calls) == 1
    [asked] = calls.of("POST")
    assert asked["json"] == {"grant_type": "client_credentials", "client_id": CLIENT_ID}  # the log leaves secrets out


def test_a_401_renews_the_token_once_and_repeats_the_request(emulator: Emulator) -> None:
    """The token was revoked, or the service forgot it."""
    client = transport(emulator.base_url, CLIENT)
    client.get(READ)
    emulator.fault("revoke_token")
    with emulator.recording() as calls:
        client.put(WRITE, BODY)
    assert [(request["method"], request["status"]) for request in calls.requests] == [
        ("PUT", 401),
        ("POST", 200),
        ("PUT", 200),
    ]
    assert emulator.live(1) == ("STR", 20)


@pytest.mark.parametrize(("path", "asked"), [("/oauth/token", "POST /oauth/token"), (READ, f"GET {READ}")])
def test_a_long_wait_is_announced(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, path: str, asked: str) -> None:
    """That for a token too: the run would stand still without a word."""
    waits: list[float] = []
    monkeypatch.setattr("pulumi_plugchoice.api.retry.time.sleep", waits.append)
    lines: list[str] = []
    options = Options(emulator.base_url, CLIENT, timeout=5, deadline=60)
    client = Transport(options, backoff=QUICK, say=lines.append)
    emulator.fault("status", status=503, retry_after=8, path=path, times=1)
    assert client.get(READ)["data"]["uuid"] == CHARGER
    assert 8 in waits  # other threads of the test run sleep too
    assert lines == [f"{asked}: answered 503; waiting 8 s"]


def test_a_request_without_an_answer_is_announced(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for several threads, while it goes on. Here after 0.2 s and not 5, to save time."""
    monkeypatch.setattr(time_limit, "LONG_WAIT", 0.2)
    lines: list[tuple[str, float]] = []
    started = time.monotonic()
    options = Options(emulator.base_url, Token(TOKEN), timeout=9, deadline=60)
    client = Transport(options, backoff=QUICK, say=lambda line: lines.append((line, time.monotonic() - started)))
    emulator.fault("slow", delay_seconds=2, times=3)
    with ThreadPoolExecutor(3) as pool:
        assert len(list(pool.map(client.get, [READ] * 3))) == 3
    assert client.get(READ)["data"]["uuid"] == CHARGER
    [(line, moment)] = lines
    assert line == f"GET {READ}: no answer for 5 s; waiting up to 9 s"
    assert 0.2 <= moment < 2


def test_a_closed_standard_error_does_not_end_the_time_limits(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that announces is the one that ends what is too slow."""
    monkeypatch.setattr(time_limit, "LONG_WAIT", 0.1)

    def say(_: str) -> None:
        raise BrokenPipeError

    client = Transport(Options(emulator.base_url, Token(TOKEN), timeout=9, deadline=9), backoff=QUICK, say=say)
    emulator.fault("slow", delay_seconds=0.3)
    client.get(READ)
    test_a_silent_service_is_a_timeout(emulator)


def test_a_second_401_is_an_error(emulator: Emulator) -> None:
    """The token is renewed once, not for ever."""
    client = transport(emulator.base_url, CLIENT)
    emulator.fault("status", status=401, path="/v3/", times=None)
    with emulator.recording() as calls, pytest.raises(AuthenticationFailed):
        client.get(READ)
    assert tokens_asked_for(calls) == 2
    assert len(calls.of("GET")) == 2


def test_a_personal_access_token_is_not_renewed(emulator: Emulator) -> None:
    """There is one request."""
    emulator.set_token(revoked=True)
    with emulator.recording() as calls, pytest.raises(AuthenticationFailed) as failed:
        transport(emulator.base_url).get(READ)
    assert str(failed.value) == (
        f"GET {READ}: answered 401 (Unauthenticated.): the credentials are wrong, expired or revoked; set "
        "PLUGCHOICE_TOKEN (or PLUGCHOICE_CLIENT_ID and PLUGCHOICE_CLIENT_SECRET) to valid ones"
    )
    assert len(calls) == 1


def test_a_wrong_client_secret_is_explained(emulator: Emulator) -> None:
    """No other request is sent."""
    wrong = ClientCredentials(CLIENT_ID, "wrong-secret-that-nobody-may-see")
    with emulator.recording() as calls, pytest.raises(AuthenticationFailed) as failed:
        transport(emulator.base_url, wrong).get(READ)
    assert str(failed.value) == (
        "POST /oauth/token: answered 401 (Client authentication failed): the credentials are wrong, expired or "
        "revoked; set PLUGCHOICE_TOKEN (or PLUGCHOICE_CLIENT_ID and PLUGCHOICE_CLIENT_SECRET) to valid ones"
    )
    assert len(calls) == 1


@pytest.mark.parametrize("body", [{}, {"access_token": ""}, {"access_token": 7}, [], "token", None])
def test_a_token_answer_without_a_token_is_refused(body: object) -> None:
    """Another service may answer there."""
    with Recorder(answers=[(200, body)]).running() as server, pytest.raises(InvalidResponse) as failed:
        transport(server.base_url, CLIENT).get(READ)
    assert str(failed.value) == "POST /oauth/token: answered without a valid access_token"


# ---------------------------------------------------------------- what is really sent


class Recorder:
    """A server that notes requests with their headers and answers as told; `{"data": {}}` when nothing is left."""

    def __init__(self, answers: list[tuple[int, object]] | None = None, port: int = 0) -> None:
        self.requests: list[dict[str, Any]] = []
        self.answers = answers or []
        self._port = port
        self.base_url = ""

    @contextlib.contextmanager
    def running(self) -> Iterator[Recorder]:
        """While the block lasts."""
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                recorder.requests.append(
                    {
                        "method": self.command,
                        "path": self.path,
                        "headers": dict(self.headers),
                        "body": body,
                        "port": self.client_address[1],
                    }
                )
                status, data = recorder.answers.pop(0) if recorder.answers else (200, {"data": {}})
                raw = data if isinstance(data, bytes) else json.dumps(data).encode()
                self.send_response(status)
                if raw.startswith(b"\x1f\x8b"):
                    self.send_header("Content-Encoding", "gzip")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_PUT = do_POST = answer  # noqa: N815 - names that http.server asks for

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self.base_url = f"http://127.0.0.1:{server.server_address[1]}/api"
        with serving(server):
            yield self


def test_each_request_has_the_headers_that_the_api_needs() -> None:
    """Without `Accept` the service answers with redirects; the user agent lets the vendor find us."""
    with Recorder().running() as server:
        transport(server.base_url).put(WRITE, BODY)
    [request] = server.requests
    headers = request["headers"]
    assert (request["method"], request["path"]) == ("PUT", f"/api{WRITE}")
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["Accept"] == "application/json"
    assert headers["User-Agent"] == f"pulumi-plugchoice/{__version__}"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(request["body"]) == BODY


def test_the_token_request_is_a_form_without_authorization() -> None:
    """As guides/authentication shows it; the token it brings goes on the next request."""
    token = {"token_type": "Bearer", "expires_in": 31536000, "access_token": "fetched"}
    with Recorder(answers=[(200, token)]).running() as server:
        transport(server.base_url, CLIENT).get(READ)
    asked, used = server.requests
    assert (asked["method"], asked["path"]) == ("POST", "/oauth/token")
    assert asked["headers"]["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Authorization" not in asked["headers"]
    assert asked["body"] == (f"grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}")
    assert used["headers"]["Authorization"] == "Bearer fetched"


def test_a_netrc_file_does_not_replace_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`requests` would do so for a host in the file, on calls and on the token request."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with Recorder(answers=[(200, {"access_token": "fetched"})]).running() as server:
        transport(server.base_url, CLIENT).get(READ)
        transport(server.base_url).get(READ)
    sent = [request["headers"].get("Authorization") for request in server.requests]
    assert sent == [None, "Bearer fetched", f"Bearer {TOKEN}"]


def test_the_emulator_sees_a_json_client(emulator: Emulator) -> None:
    """It answers 302 to one that forgets `Accept`."""
    emulator.switch(require_accept=True)
    assert transport(emulator.base_url).get(READ)["data"]["uuid"] == CHARGER


def test_a_connection_is_used_again() -> None:
    """One for all requests of a thread: a handshake for each would double the time."""
    with Recorder(answers=[(200, {"data": {}}), (500, {}), (404, {"message": "no"})]).running() as server:
        client = transport(server.base_url)
        client.get(READ)
        with pytest.raises(NotFound):
            client.get(READ)
        client.put(WRITE, BODY)
    assert len(server.requests) == 4
    assert len({request["port"] for request in server.requests}) == 1


def test_compressed_answers_are_read() -> None:
    """Any proxy may compress."""
    raw = gzip.compress(json.dumps({"data": {"uuid": CHARGER}}).encode())
    with Recorder(answers=[(200, raw)]).running() as server:
        assert transport(server.base_url).get(READ) == {"data": {"uuid": CHARGER}}


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe\xfa", b"[" * 200_000, b"{'a': 1}"])
def test_bytes_that_are_not_json_are_refused(raw: bytes) -> None:
    """Empty, not text, nested too deep, or nearly JSON."""
    with Recorder(answers=[(200, raw)]).running() as server, pytest.raises(InvalidResponse) as refused:
        transport(server.base_url).get(READ)
    assert str(refused.value) == (f"GET {READ}: answered 200 with application/json instead of JSON; check the base URL")


# ---------------------------------------------------------------- secrets

FAULTS: list[dict[str, Any]] = [
    {"kind": "status", "status": 401},
    {"kind": "status", "status": 403},
    {"kind": "status", "status": 500},
    {"kind": "html"},
    {"kind": "redirect"},
    {"kind": "reset_before"},
    {"kind": "truncate"},
    {"kind": "slow", "delay_seconds": 5},
    {"kind": "status", "status": 401, "path": "/oauth/"},
    {"kind": "reset_before", "path": "/oauth/"},
]


@pytest.mark.parametrize("credentials", [Token(TOKEN), CLIENT])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: "-".join(str(value) for value in fault.values()))
def test_no_secret_is_in_an_error_a_repr_or_a_log(
    emulator: Emulator,
    caplog: pytest.LogCaptureFixture,
    fault: dict[str, Any],
    credentials: Token | ClientCredentials,
) -> None:
    """The causes and the debug log count too."""
    caplog.set_level(logging.DEBUG)
    emulator.fault(**fault, times=None)
    client = transport(emulator.base_url, credentials, timeout=0.1, deadline=0.15)
    shown = f"{client!r} {client.__dict__!r}"
    try:
        client.get(f"/v3/sites/{SITE}/connectors")
    except PlugchoiceError as error:
        shown += "".join(traceback.format_exception(error))
        assert str(error).splitlines() == [str(error)]  # noqa: PT017 - one of two outcomes
    shown += caplog.text
    assert "that-nobody-may-see" not in shown


def test_no_proxy_sees_a_token_on_plain_http(monkeypatch: pytest.MonkeyPatch, emulator: Emulator) -> None:
    """Plain http is for loopback; a proxy of the environment would get the header in plain text."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    assert transport(emulator.base_url, Token(TOKEN)).get("/v3/user")


@pytest.mark.parametrize("token", ["two\nlines", "a blank", "n\u00f6", ""])
def test_a_fetched_token_that_cannot_be_sent_is_refused_without_being_shown(emulator: Emulator, token: str) -> None:
    """It would end in an exception of the HTTP library that quotes it."""
    emulator.fault("status", path="/oauth/token", status=200, body={"access_token": token, "expires_in": "3600"})

    with pytest.raises(InvalidResponse) as caught:
        transport(emulator.base_url, ClientCredentials(CLIENT_ID, CLIENT_SECRET)).get("/v3/user")

    assert str(caught.value) == "POST /oauth/token: answered without a valid access_token"
