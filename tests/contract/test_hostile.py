"""A hostile server cannot hang a run, fill the memory, get the token sent elsewhere or control the terminal."""

from __future__ import annotations

import contextlib
import email.utils
import functools
import gzip
import itertools
import json
import re
import socket
import socketserver
import time
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any, Final

import pytest
from pulumi_plugchoice._text import hide, printable
from pulumi_plugchoice.api import client as client_module
from pulumi_plugchoice.api.answers import parse_retry_after
from pulumi_plugchoice.api.client import PlugchoiceClient
from pulumi_plugchoice.api.models import ConnectorSettings
from pulumi_plugchoice.api.retry import Backoff
from pulumi_plugchoice.api.transport import Transport
from pulumi_plugchoice.config import ClientCredentials, Options, Token
from pulumi_plugchoice.errors import (
    ApiError,
    ConnectorNotFound,
    InvalidResponse,
    PlugchoiceError,
    RateLimited,
    RequestTimeout,
    TransportError,
)
from pulumi_plugchoice.quota.pacer import Pacer
from pulumi_plugchoice.runtime.live import LiveConnectors
from support.emulator import CLIENT_ID, CLIENT_SECRET, SITE, TOKEN, charger_uuid
from support.engine_double import Engine
from support.servers import Threads, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CHARGER: Final = charger_uuid(1)
READ: Final = f"/v3/chargers/{CHARGER}"
# What a busy machine may take; without a bound of ours each of these would go on for minutes or for ever.
PATIENCE: Final = 20.0
MOST_BYTES: Final = 100_000_000
ANSI: Final = "\x1b]0;owned\x07\x1b[2J\x00\u202e\u2028\x9b31m\r\nerror: gone"


def whole_length(received: bytes) -> int:
    """How long a request is, body included, by its head."""
    head, _, _ = received.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
    return len(head) + 4 + (int(length[1]) if length else 0)


class Server:
    """Answers each request with what a test says, byte for byte.

    Attributes:
        requests: the requests that came, bodies included.
    """

    def __init__(self, answer: Callable[[socket.socket, str], None]) -> None:
        self.answer = answer
        self.requests: list[str] = []
        self.url = ""
        self.port = 0

    @property
    def text(self) -> str:
        """All that was received."""
        return "\n".join(self.requests)

    @contextlib.contextmanager
    def running(self) -> Iterator[Server]:
        """While the block lasts; connections that are still open end with it."""
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                self.request.settimeout(20)
                with contextlib.suppress(OSError):
                    while received := self.request.recv(65536):
                        while b"\r\n\r\n" not in received:
                            received += self.request.recv(65536) or b"\r\n\r\n"
                        while len(received) < whole_length(received):
                            received += self.request.recv(65536) or bytes(whole_length(received))
                        text = received.decode("latin-1")
                        outer.requests.append(text)
                        outer.answer(self.request, text)

        server = Threads(("127.0.0.1", 0), Handler)
        self.port = server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/api"
        with serving(server):
            yield self


def message(body: Any, *headers: str, status: str = "200 OK", length: object = None) -> bytes:
    """An answer: `body` as it is when bytes, else as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(raw) if length is None else length}", *headers, "", ""]
    return "\r\n".join(lines).encode() + raw


def sends(*parts: bytes, close: bool = False) -> Callable[[socket.socket, str], None]:
    """Sends these and waits for the next request, or closes."""

    def answer(connection: socket.socket, _: str) -> None:
        for part in parts:
            connection.sendall(part)
        if close:
            connection.shutdown(socket.SHUT_RDWR)

    return answer


def drips(start: bytes, piece: bytes, pause: float = 0.05) -> Callable[[socket.socket, str], None]:
    """Sends `start`, then `piece` again and again until the other side has had enough."""

    def answer(connection: socket.socket, _request: str) -> None:
        connection.sendall(start)
        for _ in range(600):
            connection.sendall(piece)
            if pause:
                time.sleep(pause)

    return answer


def transport_to(
    url: str,
    credentials: Token | ClientCredentials | None = None,
    *,
    pacer: Pacer | None = None,
    seconds: float = PATIENCE,
    is_hasty: bool = False,
) -> Transport:
    """One that sends a request once and has time enough for a busy machine; a hasty one tries often."""
    backoff = Backoff(first=0.05, longest=0.1, jitter=0.01) if is_hasty else Backoff(first=2 * PATIENCE)
    options = Options(url, credentials or Token(TOKEN), timeout=seconds, deadline=seconds)
    return Transport(options, backoff=backoff, pacer=pacer)


def refused(call: Callable[[], object]) -> PlugchoiceError:
    """The error of a call: it comes before the deadline, and is one line without secrets."""
    started = time.monotonic()
    with pytest.raises(PlugchoiceError) as caught:
        call()
    assert time.monotonic() - started < PATIENCE
    assert_printable(str(caught.value))
    return caught.value


def assert_printable(line: str) -> None:
    assert line == printable(line, 1500)
    assert TOKEN not in line
    assert CLIENT_SECRET not in line


# ---------------------------------------------------------------- pages


def test_pages_without_end_each_with_a_new_link_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of pages is bounded; here at 40, to save time."""
    monkeypatch.setattr(client_module, "_MAX_PAGES", 40)
    pages = itertools.count(2)

    def answer(connection: socket.socket, _: str) -> None:
        link = f"{server.url}/v3/sites/{SITE}/connectors?page={next(pages)}"
        connection.sendall(message({"data": [], "links": {"next": link}}))

    with Server(answer).running() as server:
        error = refused(lambda: PlugchoiceClient(transport_to(server.url)).site_connectors(SITE))
    assert type(error) is InvalidResponse
    assert str(error).endswith("the list does not end (40 pages read)")
    assert len(server.requests) == 40


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:{evil}/api/v3/sites?page=2",
        "//127.0.0.1:{evil}/api/v3/sites?page=2",
        "http://127.0.0.1:{port}@127.0.0.1:{evil}/api/v3/sites?page=2",
        "http://127.0.0.1:{port}/api/@127.0.0.1:{evil}/",
        "http://127.0.0.1:{port}/api/..//127.0.0.1:{evil}/",
        "http://127.0.0.1:{port}\\@127.0.0.1:{evil}/api/v3/sites?page=2",
        "http://127.0.0.1:{port}#@127.0.0.1:{evil}/api/v3/sites?page=2",
        "http://127.0.0.1:{port}/api/v3/sites?page=2\r\nHost: 127.0.0.1:{evil}\r\n\r\nGET /stolen HTTP/1.1",
        "https://127.0.0.1:{port}/api/v3/sites?page=2",
        "ftp://127.0.0.1:{evil}/api/v3/sites",
        "file:///etc/passwd",
        "\x1b[2Jhttp://127.0.0.1:{evil}/",
        "http://[::1",
        "",
    ],
)
def test_a_next_link_is_followed_below_the_base_url_only(link: str) -> None:
    """Whatever the link contains: the second server gets no request, and the first one no second request head."""
    with Server(sends(message({"data": []}))).running() as evil:

        def answer(connection: socket.socket, request: str) -> None:
            following = link.format(port=server.port, evil=evil.port) if " /api/v3/sites " in request else None
            connection.sendall(message({"data": [], "links": {"next": following}}))

        with Server(answer).running() as server:
            try:
                found: object = PlugchoiceClient(transport_to(server.url)).sites()
            except PlugchoiceError as error:
                assert type(error) is InvalidResponse  # noqa: PT017 - one of two outcomes
                assert_printable(str(error))  # the other: it is a path below the base URL after all
            else:
                assert found == []
    assert evil.requests == []
    assert [request.count("\r\nHost: ") for request in server.requests] in ([1], [1, 1])


def test_pages_without_end_that_are_slow_are_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """All pages of a list have ten deadlines together; here a part of one, to save time."""
    monkeypatch.setattr(client_module, "_LIST_DEADLINES", 1 / PATIENCE)
    pages = itertools.count(2)

    def answer(connection: socket.socket, _: str) -> None:
        time.sleep(0.1)
        link = f"{server.url}/v3/sites/{SITE}/connectors?page={next(pages)}"
        connection.sendall(message({"data": [], "links": {"next": link}}))

    with Server(answer).running() as server:
        error = refused(lambda: PlugchoiceClient(transport_to(server.url)).site_connectors(SITE))
    assert type(error) is InvalidResponse
    assert "the list does not end" in str(error)


@pytest.mark.parametrize("place", ["/../v3/sites", "/v3/../../x", "/v3/%2e%2E/x", "/v4/sites", "//v3/", "/v3/./sites"])
def test_a_next_link_does_not_leave_the_list(place: str) -> None:
    """Only its query is used."""

    def answer(connection: socket.socket, request: str) -> None:
        following = None if "page=2" in request else f"{server.url}{place}?page=2#/../x"
        connection.sendall(message({"data": [], "links": {"next": following}}))

    with Server(answer).running() as server:
        PlugchoiceClient(transport_to(server.url)).sites()
    assert [request.split("\r\n")[0] for request in server.requests] == [
        "GET /api/v3/sites HTTP/1.1",
        "GET /api/v3/sites?page=2 HTTP/1.1",
    ]


def test_a_list_is_bounded_in_items_and_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only in pages: 2,000 pages may each be large. Here the bounds are low, to save time."""
    monkeypatch.setattr(client_module, "_MAX_ITEMS", 100)
    pages = itertools.count(2)
    rows: list[object] = [{"uuid": SITE}] * 30

    def answer(connection: socket.socket, _: str) -> None:
        connection.sendall(message({"data": rows, "links": {"next": f"?page={next(pages)}"}}))

    with Server(answer).running() as server:
        error = refused(lambda: PlugchoiceClient(transport_to(server.url)).sites())
        assert str(error) == "GET /v3/sites?page=4: the list does not end (120 items read)"
        assert len(server.requests) == 4

        server.requests.clear()
        monkeypatch.setattr(client_module, "_MAX_LIST_BYTES", 1 << 20)
        rows[:] = [{"uuid": SITE, "name": "x" * 300_000}]
        error = refused(lambda: PlugchoiceClient(transport_to(server.url)).sites())
    assert "answered with more than 1 MiB, all pages of the list together; check the base URL" in str(error)
    assert len(server.requests) == 4


# ---------------------------------------------------------------- redirects

STATUSES: Final = ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent", "300 Many", "304 Same"]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("what", ["GET", "PUT", "token"])
def test_redirects_are_not_followed(what: str, status: str) -> None:
    """Neither with the token nor with the client secret."""
    with Server(sends(message({"data": {}}))).running() as evil:
        location = f"Location: http://127.0.0.1:{evil.port}/api/v3/{ANSI.splitlines()[0]}"
        with Server(sends(message(b"", location, status=status))).running() as server:
            credentials = ClientCredentials(CLIENT_ID, CLIENT_SECRET) if what == "token" else Token(TOKEN)
            transport = transport_to(server.url, credentials)
            error = refused(lambda: transport.put(READ, {"x": 1}) if what == "PUT" else transport.get(READ))
    assert type(error) is InvalidResponse
    assert f"answered with a redirect ({status[:3]}) to 'http://127.0.0.1:{evil.port}/" in str(error)
    assert evil.requests == []
    assert len(server.requests) == 1


# ---------------------------------------------------------------- size


@contextlib.contextmanager
def memory_is_bounded() -> Iterator[None]:
    """What the block allocates at most, the server's part included."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_BYTES


def bomb(megabytes: int, layers: int = 1, window: int = 31) -> bytes:
    """Zeros, packed; made piece by piece."""
    packer = zlib.compressobj(1, zlib.DEFLATED, window)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes)) + packer.flush()
    for _ in range(layers - 1):
        packed = gzip.compress(packed)
    return packed


def pours(megabytes: int, head: str) -> Callable[[socket.socket, str], None]:
    """So many MB, in chunks or as one body."""
    block = b"[" * (1 << 16)
    sent = f"{len(block):x}\r\n".encode() + block + b"\r\n" if "chunked" in head else block

    def answer(connection: socket.socket, _request: str) -> None:
        connection.sendall(head.encode())
        for _ in range(megabytes * 16):
            connection.sendall(sent)

    return answer


def bursts(body: Callable[[], bytes], encoding: str) -> Callable[[socket.socket, str], None]:
    """A packed body, made when it is asked for."""

    def answer(connection: socket.socket, _request: str) -> None:
        connection.sendall(message(body(), f"Content-Encoding: {encoding}"))

    return answer


LARGE: Final = {
    "200 MB": pours(200, f"HTTP/1.1 200 OK\r\nContent-Length: {200 << 20}\r\n\r\n"),
    "200 MB in chunks": pours(200, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "200 MB until it closes": pours(200, "HTTP/1.1 200 OK\r\n\r\n"),
    "200 MB with an error status": pours(200, f"HTTP/1.1 422 No\r\nContent-Length: {200 << 20}\r\n\r\n"),
    "200 MB packed": bursts(lambda: bomb(200), "gzip"),
    "200 MB packed twice": bursts(lambda: bomb(200, 2), "gzip, gzip"),
    "200 MB deflated": bursts(lambda: bomb(200, window=15), "deflate"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", LARGE)
def test_a_huge_body_is_not_read_or_unpacked_to_its_end(what: str) -> None:
    """An error says so, and memory stays bounded."""
    with Server(LARGE[what]).running() as server:
        transport = Transport(Options(server.url, Token(TOKEN), timeout=20, deadline=20))
        with memory_is_bounded(), pytest.raises(InvalidResponse) as caught:
            transport.get(READ)
    assert str(caught.value) == f"GET {READ}: answered with more than 16 MiB; check the base URL"
    assert len(server.requests) == 1


# ---------------------------------------------------------------- time and form

OK: Final = b"HTTP/1.1 200 OK\r\n"
CHUNKED: Final = OK + b"Transfer-Encoding: chunked\r\n\r\n"

HARM: Final[dict[str, tuple[Callable[[socket.socket, str], None], tuple[type[PlugchoiceError], ...]]]] = {
    "no answer": (drips(b"", b"", 0.05), (RequestTimeout,)),
    "a body that drips": (drips(OK + b"Content-Length: 100000\r\n\r\n", b" "), (RequestTimeout,)),
    "a status line that drips": (drips(b"HTTP/1.1 200 ", b"O"), (RequestTimeout,)),
    "headers that drip": (drips(OK, b"X"), (RequestTimeout,)),
    "many headers that drip": (drips(OK, b"X: y\r\n"), (RequestTimeout,)),
    "an announcement without end": (drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), (RequestTimeout,)),
    "a chunk's size that drips": (drips(CHUNKED, b"0"), (RequestTimeout,)),
    "trailers that drip": (drips(CHUNKED + b"1\r\n1\r\n0\r\n", b"X"), (RequestTimeout,)),
    "a body that drips, and then the connection ends": (
        drips(OK + b"Connection: close\r\nContent-Length: 100000\r\n\r\n", b" "),
        (RequestTimeout,),
    ),
    "an old server's body that drips": (drips(b"HTTP/1.0 200 OK\r\n\r\n", b" "), (RequestTimeout,)),
    "a body without length that drips": (drips(OK + b"\r\n", b" "), (RequestTimeout,)),
    "chunks that drip, and then the connection ends": (
        drips(OK + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (RequestTimeout,),
    ),
    "chunks that drip": (drips(CHUNKED, b"1\r\n \r\n"), (RequestTimeout,)),
    "a body without end": (drips(OK + b"\r\n", b" " * 65536, 0), (InvalidResponse,)),
    "too many headers": (sends(OK + b"X: y\r\n" * 500 + b"\r\n", close=True), (TransportError,)),
    "a header of a MB": (sends(OK + b"X: " + b"y" * (1 << 20) + b"\r\n\r\n", close=True), (TransportError,)),
    "no status line": (sends(ANSI.encode(), close=True), (TransportError,)),
    "a status that is no number": (sends(b"HTTP/1.1 OK OK\r\n\r\n", close=True), (TransportError,)),
    "a status out of range": (sends(b"HTTP/1.1 99999 OK\r\n\r\n", close=True), (TransportError, InvalidResponse)),
    "less than promised": (sends(message({"data": {}}, length=5000), close=True), (TransportError,)),
    "more than promised": (sends(message({"data": {}}, length=5)), (InvalidResponse,)),
    "a negative length": (sends(message({"data": 1}, length=-1), close=True), (InvalidResponse, TransportError)),
    "a length beyond numbers": (sends(message({"data": 1}, length="9" * 40), close=True), (TransportError,)),
    "a length that is none": (sends(message({"data": 1}, length="٣"), close=True), (InvalidResponse, TransportError)),
    "two lengths": (
        sends(message({"data": 1}, "Content-Length: 3", length=99), close=True),
        (InvalidResponse, TransportError),
    ),
    "a chunk of odd size": (sends(CHUNKED + b"-5\r\nabc\r\n", close=True), (TransportError,)),
    "a chunk of huge size": (sends(CHUNKED + b"f" * 30 + b"\r\nabc\r\n", close=True), (TransportError,)),
    "broken gzip": (sends(message(b"no gzip", "Content-Encoding: gzip")), (TransportError,)),
    "gzip many times": (sends(message(b"", "Content-Encoding: " + "gzip, " * 50)), (TransportError, InvalidResponse)),
    "deep lists": (sends(message(b"[" * 500_000)), (InvalidResponse,)),
    "deep objects": (sends(message(b'{"data":' * 200_000)), (InvalidResponse,)),
    "deep and whole": (sends(message(b"[" * 100_000 + b"]" * 100_000)), (InvalidResponse,)),
    "a number of a million digits": (sends(message(b'{"data": ' + b"9" * 1_000_000 + b"}")), (InvalidResponse,)),
    "not a number": (sends(message(b'{"data": NaN}')), (InvalidResponse,)),
    "half a surrogate": (sends(message(b'{"data": {"uuid": "\\ud800", "connectors": [1]}}')), (InvalidResponse,)),
    "bytes of no encoding": (sends(message(b"\xff\xfe\x00{")), (InvalidResponse,)),
}


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("what", HARM)
def test_each_attack_ends_in_time_with_one_printable_line(what: str, method: str) -> None:
    """The error's class tells what happened."""
    answer, kinds = HARM[what]
    with Server(answer).running() as server:
        # One try, as long as its deadline: a second one in the rest of the time may not even connect on a busy machine.
        seconds = 1.0 if kinds == (RequestTimeout,) else PATIENCE
        options = Options(server.url, Token(TOKEN), timeout=seconds, deadline=seconds)
        client = PlugchoiceClient(Transport(options, backoff=Backoff(first=2 * PATIENCE)))
        settings = ConnectorSettings(phase_rotation="RST", max_amperage=16)
        error = refused(
            lambda: client.put_connector(CHARGER, 1, settings) if method == "PUT" else client.charger(CHARGER)
        )
    assert isinstance(error, kinds), repr(error)
    if method == "PUT":
        assert len(server.requests) == 1, "a write that may have been carried out is not sent again"


@pytest.mark.parametrize("what", ["no status line", "less than promised", "a chunk of odd size", "broken gzip"])
def test_an_attack_that_goes_on_ends_at_the_deadline(what: str) -> None:
    """The connection may have been lost by chance, so a read is tried again."""
    with Server(HARM[what][0]).running() as server:
        error = refused(lambda: transport_to(server.url, seconds=2, is_hasty=True).get(READ))
    assert isinstance(error, TransportError)
    assert len(server.requests) > 1


# ---------------------------------------------------------------- headers

ODD: Final = [
    "",
    "-1",
    "0",
    "1e9",
    "9" * 30,
    "nan",
    "inf",
    "٣",
    "0x10",
    "+5",
    "5;5",
    "5, 6",
    "a" * 2000,
    "\xb2",
    "Wed, 21",
    "Mon, 01 Jan 99999999999 00:00:00 GMT",
    "Mon, 01 Jan 2026 00:00:00 +99999999999999",
]


@pytest.mark.parametrize("status", ["200 OK", "429 Many", "503 Busy"])
@pytest.mark.parametrize(
    "header", ["Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "Content-Type", "Date", "Set-Cookie"]
)
def test_invalid_headers_neither_fail_nor_delay_a_request(header: str, status: str, tmp_path: Path) -> None:
    """The pacer and the call budget read them too."""
    with Server(sends()).running() as server:
        for number, value in enumerate(ODD):
            given = {"X-RateLimit-Limit": "500", "X-RateLimit-Remaining": "499", header: value}
            lines = [f"{name}: {text}" for name, text in given.items()]
            server.answer = sends(message({"data": {}, "message": "No."}, *lines, status=status))
            said: list[str] = []
            pacer = Pacer(f"{number}", folder=tmp_path, say=said.append)
            transport = transport_to(server.url, pacer=pacer)
            started = time.monotonic()
            if status.startswith("200"):
                assert transport.get(READ) == {"data": {}, "message": "No."}
            else:
                error = refused(functools.partial(transport.get, READ))
                # A hold that is longer than the deadline may be what the pacer says first.
                assert isinstance(error, ApiError) or "the next request can be sent in" in str(error)
            pacer.close()
            assert time.monotonic() - started < PATIENCE, "no second try, no hold of an odd length"
            assert said == []
            assert_printable(transport._budget.summarize() or "")


def test_a_retry_after_of_years_is_bounded(tmp_path: Path) -> None:
    """The error comes at once, and other runs wait five minutes at most."""
    with Server(sends(message({}, f"Retry-After: {10**9}", status="429 Many"))).running() as server:
        pacer = Pacer("key", folder=tmp_path, say=pytest.fail)
        started = time.monotonic()
        error = refused(lambda: transport_to(server.url, pacer=pacer, is_hasty=True).get(READ))
        assert time.monotonic() - started < PATIENCE
        assert isinstance(error, RateLimited)
        assert pacer._store.hold() - time.monotonic() <= 300
        pacer.close()
    assert len(server.requests) == 1


@pytest.mark.parametrize("hours", [-1, 0, 1, 24 * 365])
def test_a_date_in_retry_after_is_measured_from_the_answers_own_date(hours: int, tmp_path: Path) -> None:
    """The clock of this machine does not count: one hour slow, it would hold all programs of the user for minutes."""
    now = time.time() + hours * 3600
    date, until = (email.utils.formatdate(moment, usegmt=True) for moment in (now, now + 7))
    with Server(sends(message({}, f"Date: {date}", f"Retry-After: {until}", status="429 Many"))).running() as server:
        pacer = Pacer("key", folder=tmp_path, say=pytest.fail)
        error = refused(lambda: transport_to(server.url, pacer=pacer).get(READ))
        held = pacer._store.hold() - time.monotonic()
        pacer.close()
    assert isinstance(error, RateLimited)
    assert error.retry_after == 7
    assert 0 < held < 12


@pytest.mark.parametrize("date", [None, "", "soon", "Mon, 01 Jan 99999 00:00:00 GMT"])
def test_a_date_in_retry_after_without_a_date_to_compare_is_not_used(date: str | None) -> None:
    """Then the wait is the one for an answer without Retry-After."""
    assert parse_retry_after("Wed, 21 Oct 2026 07:28:00 GMT", date) is None
    assert parse_retry_after("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:27:30 -0000") == 30
    assert parse_retry_after("Wed Oct 21 07:28:00 2026", "Wed, 21 Oct 2026 09:27:30 +0200") == 30
    assert parse_retry_after("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 08:28:00 GMT") == 0
    assert [parse_retry_after(text) for text in ("7", " 7 ", "1_0", "\u0667", "\u00b2")] == [7, 7, None, None, None]


@pytest.mark.parametrize(
    "lifetime", ["9" * 400, "NaN", "Infinity", "-1", '"soon"', "[]", "1e999", "true", '"1_000"', '"\u0663600"']
)
def test_an_invalid_token_lifetime_is_refused(lifetime: str) -> None:
    """A token without an end would never be renewed."""
    body = f'{{"access_token": "abc", "expires_in": {lifetime}}}'.encode()
    with Server(sends(message(body))).running() as server:
        transport = transport_to(server.url, ClientCredentials(CLIENT_ID, CLIENT_SECRET))
        error = refused(lambda: transport.get(READ))
    assert type(error) is InvalidResponse
    assert "expires_in that is not a number of seconds" in str(error)


def test_the_loop_waits_after_a_429_of_the_token_endpoint(tmp_path: Path) -> None:
    """The pacer does not learn of it, so the loop itself has to wait."""
    with Server(sends(message({}, f"Retry-After: {2 * PATIENCE:.0f}", status="429 Many"))).running() as server:
        pacer = Pacer("key", folder=tmp_path, say=pytest.fail)
        transport = transport_to(server.url, ClientCredentials(CLIENT_ID, CLIENT_SECRET), pacer=pacer, is_hasty=True)
        error = refused(lambda: transport.get(READ))
        pacer.close()
    assert isinstance(error, RateLimited)
    assert len(server.requests) == 1, "the wait would end after the deadline"


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "401 No", "403 No", "404 No", "422 No", "500 No"])
@pytest.mark.parametrize("what", ["token", "client"])
def test_a_secret_in_an_answer_is_not_shown(what: str, status: str, tmp_path: Path) -> None:
    """Wherever it stands in the answer, plain or quoted for a URL."""
    secret = "1|a secret/of+some=kind"
    quoted = ["1%7Ca%20secret/of%2Bsome%3Dkind", "1%7Ca+secret%2Fof%2Bsome%3Dkind", secret]
    words = {"message": f"no user has {quoted}", "error": secret, "errors": {secret: [*quoted]}}
    following = {"data": [], "links": {"next": f"http://elsewhere/{quoted[1]}"}}
    body = following if status.startswith("200") else words
    answer = message(body, f"Location: /login?t={quoted[0]}&u={secret}", f"Content-Type: {secret}", status=status)
    with Server(sends(answer)).running() as server:
        credentials = Token(secret.replace(" ", "-")) if what == "token" else ClientCredentials(CLIENT_ID, secret)
        transport = transport_to(server.url, credentials)
        hide(secret)
        error = refused(lambda: PlugchoiceClient(transport).sites())
    texts = [str(error), repr(error), *(str(value) for value in vars(error).values())]
    for text in texts:
        for form in (*quoted, secret.replace(" ", "-")):
            assert form not in text


# ---------------------------------------------------------------- names and values

CONNECTOR: Final = {"connector_id": 1, "phase_rotation": "RST", "max_amperage": 16}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500])
def test_text_from_the_server_cannot_control_the_terminal(status: int) -> None:
    """No field of an error contains control characters."""
    body = {"message": ANSI * 50, "errors": {ANSI: [ANSI, {"x": ANSI}, 7], "more": ANSI}, "error": ANSI}
    with Server(sends(message(body, "Retry-After: 99", status=f"{status} {ANSI[:5]}"))).running() as server:
        error = refused(lambda: transport_to(server.url).get(READ))
    assert isinstance(error, ApiError)
    assert error.status == status
    assert_printable(error.server_message)


@pytest.mark.parametrize(
    ("uuid", "start"),
    [
        (charger_uuid(2), f"charger {CHARGER}: the answer is about charger "),
        (ANSI, f"GET {READ}: answered with an invalid Charger (in uuid: "),
        (CHARGER + "/../" + charger_uuid(2), f"GET {READ}: answered with an invalid Charger (in uuid: "),
    ],
)
def test_another_charger_in_the_answer_is_refused(uuid: str, start: str) -> None:
    """The values of two resources are never mixed."""
    body = {"data": {"uuid": uuid, "connectors": [CONNECTOR]}}
    with Server(sends(message(body))).running() as server:
        live = LiveConnectors(PlugchoiceClient(transport_to(server.url)), pytest.fail)
        error = refused(lambda: live.find(CHARGER, 1, None))
    assert str(error).startswith(start)


def test_the_last_of_two_equal_keys_counts_everywhere() -> None:
    """JSON leaves it open; Python takes the last."""
    second = json.dumps([{**CONNECTOR, "connector_id": 2}])
    body = f'{{"data": {{"uuid": "x", "uuid": "{CHARGER}", "connectors": [], "connectors": {second}}}}}'
    with Server(sends(message(body.encode()))).running() as server:
        live = LiveConnectors(PlugchoiceClient(transport_to(server.url)), pytest.fail)
        assert live.find(CHARGER, 2, None).connector.connector_id == 2
        assert type(refused(lambda: live.find(CHARGER, 1, None))) is ConnectorNotFound


def hostile_site(server_url: str) -> list[dict[str, Any]]:
    """A site whose chargers have names to be afraid of."""
    odd = {"identity": ANSI, "status": ANSI}
    fields: dict[str, Any] = dict.fromkeys(
        ("power_type", "standard", "format", "status", "error", "error_info", "vendor_id"), ANSI
    )
    fields |= {"connector_id": 1, "max_amperage": 16}
    return [
        {**fields, "phase_rotation": ANSI, "charger": {"uuid": CHARGER, **odd}},
        {**fields, "phase_rotation": "RST", "charger": {"uuid": charger_uuid(2), **odd}},
        {**fields, "phase_rotation": None, "charger": {"uuid": ANSI + server_url, **odd}},
    ]


def test_a_run_prints_no_control_characters(tmp_path: Path) -> None:
    """All texts of the site contain them: adoption, drift, refusals and the call budget are printed clean."""

    def answer(connection: socket.socket, request: str) -> None:
        if request.startswith("PUT"):
            connection.sendall(message({"data": {**CONNECTOR, "phase_rotation": ANSI}}))
        elif "/sites/" in request:
            connection.sendall(message({"data": hostile_site(server.url)}, f"X-RateLimit-Limit: {'9' * 300}"))
        else:
            charger = next(uuid for uuid in (CHARGER, charger_uuid(2), charger_uuid(3)) if uuid in request)
            connector = {**CONNECTOR, "phase_rotation": ANSI}
            connection.sendall(message({"data": {"uuid": charger, "identity": ANSI, "connectors": [connector]}}))

    with Server(answer).running() as server:
        engine = Engine(
            {
                "PLUGCHOICE_BASE_URL": server.url,
                "PLUGCHOICE_TOKEN": TOKEN,
                "PLUGCHOICE_SITE": SITE,
                "PLUGCHOICE_TIMEOUT_SECONDS": "1",
                "PLUGCHOICE_DEADLINE_SECONDS": "1",
                "XDG_CACHE_HOME": str(tmp_path),
            }
        )
        programs = [
            {name: {"charger": charger, "connector_id": number, **settings}}
            for number in (1, 2)
            for name, charger in (("a", CHARGER), ("b", charger_uuid(2)), ("c", charger_uuid(3)), ("d", "HRB-9"))
            for settings in ({"phase_rotation": "RST", "max_amperage": 16}, {"max_amperage": 20})
        ]
        reports = [engine.preview(program) for program in programs]
        reports += [engine.up(program) for program in programs[:4]]
    printed = [line for report in reports for line in (*report.lines, *report.errors)]
    for line in printed:
        assert_printable(line)
    assert any(": adoption changes " in line for line in printed)
    assert any(report.errors for report in reports)
