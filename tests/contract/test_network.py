"""Proxies and CA certificates of the environment: what was never sent is not in doubt, and messages name the variable.

The proxies are sockets of this file; nothing leaves this machine.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import socketserver
import ssl
import time
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
import requests
import urllib3
from certifi import where
from pulumi_plugchoice.api import retry
from pulumi_plugchoice.api.client import PlugchoiceClient
from pulumi_plugchoice.api.failures import Attempt, explain_failure
from pulumi_plugchoice.api.network import Network, find_network
from pulumi_plugchoice.api.retry import Backoff
from pulumi_plugchoice.api.transport import Transport
from pulumi_plugchoice.config import Options, Token
from pulumi_plugchoice.errors import (
    ConfigError,
    NoConnection,
    PlugchoiceError,
    RequestTimeout,
    TransportError,
    UntrustedServer,
)
from pulumi_plugchoice.runtime.live import Live, LiveConnectors
from pulumi_plugchoice.runtime.writes import settle
from support.emulator import TOKEN, charger_uuid
from support.fakes import FakeClient
from support.servers import Threads, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOST: Final = "plugchoice.invalid"
BASE: Final = f"https://{HOST}/api"
READ: Final = f"/v3/chargers/{charger_uuid(1)}"
WRITE: Final = f"{READ}/connectors/1"
BODY: Final = {"phase_rotation": "STR", "max_amperage": 20}
QUICK: Final = Backoff(first=0.01, longest=0.02, jitter=0)
PASSWORD: Final = "geheim-that-nobody-may-see"
NAMES: Final = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy")
CA_NAMES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variables of the machine that runs the tests."""
    for name in (*NAMES, *CA_NAMES):
        monkeypatch.delenv(name, raising=False)


def transport(base_url: str = BASE, *, timeout: float = 5, deadline: float = 60) -> Transport:
    return Transport(Options(base_url, Token(TOKEN), timeout=timeout, deadline=deadline), backoff=QUICK)


def write(client: Transport) -> PlugchoiceError:
    """The error of a PUT with its retries, shown as nobody may see the password."""
    with pytest.raises(PlugchoiceError) as caught:
        client.retry(partial(client.put, WRITE, BODY), client.deadline(), idempotent=False)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))
    assert PASSWORD not in f"{client!r} {client.__dict__!r}"
    assert str(caught.value).splitlines() == [str(caught.value)]
    return caught.value


@contextlib.contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[tuple[int, list[bytes]]]:
    """A socket that reads one head and answers; its port, and what it read."""
    heads: list[bytes] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(10)
            with contextlib.suppress(OSError):
                heads.append(self.request.recv(65536))
                answer(self.request)

    server = Threads(("127.0.0.1", 0), Handler)
    with serving(server):
        yield server.server_address[1], heads


def sends(text: bytes, *, then: Callable[[socket.socket], object] = lambda _: None) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.sendall(text)
        then(connection)

    return answer


def is_silent(connection: socket.socket) -> None:
    connection.recv(65536)


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


# ---------------------------------------------------------------- proxies


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("scheme", ["http://", "https://", ""])
def test_a_proxy_that_nothing_listens_on_is_named_and_soon_given_up(
    monkeypatch: pytest.MonkeyPatch, name: str, scheme: str
) -> None:
    """Nothing was sent: `NoConnection`, with the tries of a connection and not until the deadline."""
    port = closed_port()
    monkeypatch.setenv(name, f"{scheme}user:{PASSWORD}@127.0.0.1:{port}")
    started = time.monotonic()
    error = write(transport())
    assert time.monotonic() - started < 10
    assert type(error) is NoConnection
    assert str(error) == (
        f"PUT {WRITE}: no connection to https://{HOST} through the proxy {scheme or 'http://'}127.0.0.1:{port} of "
        f"{name} (Connection refused); check {name}, or add the host to NO_PROXY"
    )


@pytest.mark.parametrize(
    ("answer", "reason", "tries"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "407 Proxy Authentication Required", 1),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "403 Forbidden", 1),
        (b"HTTP/1.1 503 Busy\r\n\r\n", "503 Busy", retry._MAX_CONNECT_RETRIES + 1),
        (b"", "", retry._MAX_CONNECT_RETRIES + 1),
        (b"nonsense\r\n\r\n", "", retry._MAX_CONNECT_RETRIES + 1),
        (b"HTTP/1.1 200 OK\r\n\r\n", "", None),  # and closes: no TLS
        (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "", None),
    ],
)
def test_what_a_proxy_answers_instead_of_a_connection_leaves_no_doubt(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, reason: str, tries: int | None
) -> None:
    """The request, with its token, never left; a wrong password is not tried again."""
    with listening(sends(answer)) as (port, heads):
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:{PASSWORD}@127.0.0.1:{port}")
        error = write(transport())
    assert isinstance(error, NoConnection)
    assert reason in str(error)
    assert f" through the proxy http://127.0.0.1:{port} of HTTPS_PROXY (" in str(error)
    assert all(head.startswith(f"CONNECT {HOST}:443 ".encode()) for head in heads)
    assert not any(TOKEN.encode() in head for head in heads)
    if tries is not None:
        assert len(heads) == tries


def test_a_proxy_that_does_not_answer_leaves_no_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is over before a byte of the request was sent."""
    with listening(is_silent) as (port, _):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        error = write(transport(timeout=0.1))
    assert type(error) is NoConnection
    assert "HTTPS_PROXY" in str(error)


@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize("value", [HOST, "*", f"localhost,.{HOST.partition('.')[2]}"])
def test_no_proxy_counts(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    """The proxy is not asked, and not blamed."""
    with listening(sends(b"")) as (port, heads):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv(variable, value)
        error = write(transport())
    assert str(error).startswith(f"PUT {WRITE}: cannot connect to https://{HOST} (")
    assert heads == []


@pytest.mark.parametrize(
    "value",
    [
        "http:///",
        "http://",
        "http://[::1",
        f"http://user:{PASSWORD}@[::1",
        "http://proxy:abc",
        "http://proxy:99999",
        f"http://user:{PASSWORD}#x@proxy:80",
        f"ftp://user:{PASSWORD}@proxy",
        "http://pro xy:80",
        " ",
        f"user:{PASSWORD}@",
    ],
)
def test_a_malformed_proxy_is_refused_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """At once, without its password."""
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(ConfigError) as caught:
        transport()
    assert str(caught.value) == (
        "HTTPS_PROXY: is not the URL of a proxy; use one such as http://proxy.example:3128 "
        "(in a user name or password, write #, / and @ as %23, %2F and %40)"
    )


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4", "socks4a", "SOCKS5"])
def test_a_socks_proxy_needs_its_package(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://user:{PASSWORD}@127.0.0.1:9")
    with pytest.raises(ConfigError) as caught:
        transport()
    assert str(caught.value) == (
        "ALL_PROXY: names a SOCKS proxy, and the package for it is not installed; "
        "run: pip install 'requests[socks]', or name an http proxy"
    )


def test_a_socks_proxy_with_its_package_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connections do not tell whether a request was sent; then only the kind of the error does."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    monkeypatch.setenv("ALL_PROXY", "socks5h://127.0.0.1:9")
    network = find_network(BASE, os.environ)
    assert network.is_socks
    assert network.proxy_name == "the proxy socks5h://127.0.0.1:9 of ALL_PROXY"


def test_plain_http_uses_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is for loopback: what is wrong with a proxy does not matter there."""
    monkeypatch.setenv("HTTPS_PROXY", "http://[")
    monkeypatch.setenv("HTTP_PROXY", "http://[")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    assert find_network("http://127.0.0.1:8787/api", os.environ) == Network()


# ---------------------------------------------------------------- TLS


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_ca_certificates_that_cannot_be_used_are_refused_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    (tmp_path / "nix.pem").write_text("nix")
    (tmp_path / "empty.pem").write_text("")
    os.mkfifo(tmp_path / "pipe.pem")
    for file, reason in [
        ("pipe.pem", "is not a file; name a PEM file of CA certificates"),
        ("none.pem", f"does not exist; name a PEM file of CA certificates, or unset {name}"),
        ("nix.pem", "has no PEM certificate; name a PEM file of CA certificates"),
        ("empty.pem", "has no PEM certificate; name a PEM file of CA certificates"),
        ("nix.pem/x", f"does not exist; name a PEM file of CA certificates, or unset {name}"),
    ]:
        monkeypatch.setenv(name, str(tmp_path / file))
        with pytest.raises(ConfigError) as caught:
            transport()
        assert str(caught.value) == f"{name}: {str(tmp_path / file)!r} {reason}"


def test_ca_certificates_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of `requests` itself, from a variable: the session has them."""
    monkeypatch.setenv("CURL_CA_BUNDLE", where())
    assert transport()._session().verify == where()
    monkeypatch.delenv("CURL_CA_BUNDLE")
    assert transport()._session().verify is True


@pytest.mark.parametrize(
    ("variables", "advice"),
    [
        ({}, "check the base URL; if a proxy opens TLS connections here, set REQUESTS_CA_BUNDLE to its CA certificate"),
        (
            {"SSL_CERT_FILE": "/etc/ca.pem"},
            "SSL_CERT_FILE is not read: set REQUESTS_CA_BUNDLE to your CA certificates, or check the base URL",
        ),
        (
            {"SSL_CERT_DIR": "/etc/ca"},
            "SSL_CERT_DIR is not read: set REQUESTS_CA_BUNDLE to your CA certificates, or check the base URL",
        ),
        (
            {"REQUESTS_CA_BUNDLE": where(), "SSL_CERT_FILE": "/etc/ca.pem"},
            "check the base URL and the CA certificates that REQUESTS_CA_BUNDLE names",
        ),
    ],
)
def test_without_trust_nothing_is_sent_and_the_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], advice: str
) -> None:
    """A server without TLS stands for one whose certificate is not trusted. Another try would not help."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with listening(sends(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as (port, heads):
        error = write(transport(f"https://127.0.0.1:{port}/api"))
    assert type(error) is UntrustedServer
    assert str(error).endswith(f"; {advice}")
    assert len(heads) == 1
    assert TOKEN.encode() not in heads[0]


@pytest.mark.parametrize("timeout", [0.001, 0.15])
def test_a_handshake_that_hangs_leaves_no_doubt(timeout: float) -> None:
    """Until it is done, no byte of the request is sent."""
    with listening(is_silent) as (port, _):
        error = write(transport(f"https://127.0.0.1:{port}/api", timeout=timeout))
    assert type(error) is NoConnection
    assert "(no answer)" in str(error)


def test_a_write_over_such_a_network_is_not_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is the one of the connection: no read after it, no "it is not known whether"."""
    fake = FakeClient(chargers={charger_uuid(1): {1: ("RST", 16)}}, backoff=QUICK)
    real = PlugchoiceClient(transport())
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
    sent = PlugchoiceClient(transport())
    live = LiveConnectors(fake, pytest.fail)
    found: Live = live.find(charger_uuid(1), 1, None)
    for client in (real, sent):
        fake.put = client.put_connector
        with pytest.raises(NoConnection):
            settle(fake, live, found, BODY)
    assert len(fake.of("GET")) == 1


# ---------------------------------------------------------------- after the first byte


def test_a_request_that_was_sent_is_in_doubt() -> None:
    """The other side of the rule, on a new connection and on one that is used again."""
    answers = itertools.chain([b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n"], itertools.repeat(b""))

    def answer(connection: socket.socket) -> None:
        connection.sendall(next(answers) + b'{"data":{}}')
        connection.recv(65536)

    with listening(answer) as (port, _):
        client = transport(f"http://127.0.0.1:{port}/api", timeout=2)
        client.get(READ)
        for _ in range(2):
            with pytest.raises(TransportError) as caught:
                client.put(WRITE, BODY)
            assert type(caught.value) in (TransportError, RequestTimeout)


def attempt(**more: Any) -> Attempt:
    values: dict[str, Any] = {"is_sent": True, "timeout": None, "network": Network()} | more
    return Attempt("PUT", WRITE, f"https://{HOST}", **values)


def test_the_error_itself_tells_where_the_connection_does_not() -> None:
    """Through a SOCKS proxy."""
    pool = urllib3.HTTPSConnectionPool(HOST)
    refused = urllib3.exceptions.NewConnectionError(urllib3.connection.HTTPSConnection(HOST), "refused")
    no_connection = requests.ConnectionError(urllib3.exceptions.MaxRetryError(pool, "/", refused))
    assert type(explain_failure(attempt(), no_connection)) is NoConnection
    assert type(explain_failure(attempt(), requests.ConnectTimeout())) is NoConnection
    assert type(explain_failure(attempt(timeout=5.0), requests.ReadTimeout())) is RequestTimeout
    lost = requests.ConnectionError(urllib3.exceptions.ProtocolError("gone", ConnectionResetError("reset")))
    assert type(explain_failure(attempt(), lost)) is TransportError
    assert type(explain_failure(attempt(), requests.exceptions.SSLError("bad record"))) is TransportError


def test_a_certificate_that_is_not_trusted_is_found_in_the_handshake() -> None:
    """So nothing was sent, through a SOCKS proxy neither."""
    refused = ssl.SSLCertVerificationError("certificate verify failed: self-signed certificate")
    pool = urllib3.HTTPSConnectionPool(HOST)
    inner = urllib3.exceptions.MaxRetryError(pool, "/", urllib3.exceptions.SSLError(refused))
    error = explain_failure(attempt(network=Network("socks5h://127.0.0.1:9")), requests.exceptions.SSLError(inner))
    assert type(error) is UntrustedServer


def test_a_connection_through_a_proxy_that_is_lost_later_is_in_doubt() -> None:
    """`requests` calls that a `ProxyError` as well (tried with a proxy, and a server that closed after the PUT)."""
    pool = urllib3.HTTPSConnectionPool(HOST)
    lost = urllib3.exceptions.ProxyError("Unable to connect to proxy", ConnectionResetError("closed"))
    error = requests.exceptions.ProxyError(urllib3.exceptions.MaxRetryError(pool, "/", lost))
    network = Network("http://127.0.0.1:9", "the proxy http://127.0.0.1:9 of HTTPS_PROXY", "HTTPS_PROXY")
    assert type(explain_failure(attempt(network=network), error)) is TransportError
    assert type(explain_failure(attempt(network=network, is_sent=False), error)) is NoConnection


def test_a_mistake_on_this_machine_is_not_tried_again() -> None:
    """Such as a certificate file that was deleted while the program runs: an OSError of `requests`."""
    error = explain_failure(attempt(is_sent=False), OSError("Could not find a suitable TLS CA certificate bundle"))
    assert type(error) is NoConnection
    assert error.is_final
    assert "not sent (Could not find a suitable TLS CA certificate bundle)" in str(error)
