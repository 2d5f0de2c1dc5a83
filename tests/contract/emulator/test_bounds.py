"""What the emulator does not take: other hosts, other web pages, and more than it can hold."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
from contract.emulator.lab import GOOD, TOKEN
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_plugchoice.emulator.bounds import MAX_BODY, MAX_SEED, one_line
from pulumi_plugchoice.emulator.faults import MAX_FAULTS, Fault, Faults
from pulumi_plugchoice.emulator.guard import Guard
from pulumi_plugchoice.emulator.middleware import ApiMiddleware, Bodies
from pulumi_plugchoice.emulator.patterns import LONGEST_PATTERN, Pattern, PatternError
from pulumi_plugchoice.emulator.request_log import MAX_ENTRIES, RequestLog
from pulumi_plugchoice.emulator.seed import Seed
from pulumi_plugchoice.emulator.server import main
from pulumi_plugchoice.emulator.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from contract.emulator.lab import Lab


def ask(lab: Lab, path: str, *lines: str, method: str = "POST", body: bytes = b"") -> tuple[int, Any]:
    """Status and JSON of a request with these header lines and no others."""
    address = urlsplit(lab.base_url)
    head = "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "Connection: close", "", ""])
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as connection:
        connection.sendall(head.encode("latin-1") + body)
        received = b""
        while part := connection.recv(65536):
            received += part
    head_bytes, _, content = received.partition(b"\r\n\r\n")
    return int(head_bytes.split()[1]), json.loads(content or b"null")


# ---------------------------------------------------------------- who may ask


@pytest.mark.parametrize("path", ["/_emulator/reset", "/_emulator/faults", "/api/v3/user", "/oauth/token", "/other"])
@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("Host: attacker.example", "Host is 'attacker.example', which is not this machine; use 127.0.0.1 or localhost"),
        ("Host: 127.0.0.1.attacker.example:{port}", "Host is '127.0.0.1.attacker.example:{port}', which is not"),
        ("Host: localhost.attacker.example", "Host is "),
        ("Host: 10.0.0.1:{port}", "Host is "),
        ("Host: [2001:db8::1]", "Host is "),
        ("Host: [", "Host is "),
        ("Host: ", "Host is "),
        ("Host: attacker.example@localhost", "Host is "),
        ("Host: localhost/attacker.example", "Host is "),
        ("Host: localhost:80:80", "Host is "),
        ("Host: localhost:x", "Host is "),
        ("Host: [::1%25x]", "Host is "),
        ("Host: [::1].attacker.example", "Host is "),
        (
            "Origin: https://attacker.example",
            "Origin is 'https://attacker.example'; requests of other web pages are not",
        ),
        ("Origin: null", "Origin is 'null'"),
        ("Origin: https://localhost:{port}", "Origin is "),
        ("Origin: app://localhost:{port}", "Origin is "),
        ("Origin: http://localhost:{port}@attacker.example", "Origin is "),
        ("Origin: http://localhost:3000", "Origin is "),
        ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Site is 'cross-site'; requests of other web pages are not answered"),
        ("Sec-Fetch-Site: same-site", "Sec-Fetch-Site is "),
    ],
)
def test_a_request_of_another_host_or_page_is_refused(lab: Lab, path: str, line: str, text: str) -> None:
    """Also one without a body, which a browser sends to any address: nothing is reset, counted or recorded."""
    lab.emulator.edit("HRB-001", max_amperage=63)
    port = str(urlsplit(lab.base_url).port)
    line = line.replace("{port}", port)
    lines = [line] if line.startswith("Host") else [f"Host: localhost:{port}", line]
    status, answer = ask(lab, path, *lines, "Content-Length: 0")
    assert status == 403
    assert next(iter(answer.values())).startswith(text.replace("{port}", port))
    assert lab.live()[1] == 63
    assert lab.log() == []


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.2:80", "[::1]:8787"])
@pytest.mark.parametrize("line", [None, "Origin: http://{host}", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none"])
def test_a_request_for_this_machine_is_answered(lab: Lab, host: str, line: str | None) -> None:
    """Whatever the port: it may be forwarded."""
    lines = [f"Host: {host}"] + ([line.format(host=host)] if line else [])
    assert ask(lab, "/_emulator/connectors", *lines, method="GET")[0] == 200


def refuses(guard: Guard, host: str) -> bool:
    return guard.refuse([(b"Host", host.encode())]) is not None


def test_with_allow_remote_addresses_and_plain_names_are_hosts() -> None:
    """The name of a container has no dot, a page from the internet has one."""
    guard = Guard("0.0.0.0", allow_remote=True)  # noqa: S104 - not a socket
    hosts = ["10.0.0.1:8787", "[2001:db8::1]", "emulator:8787", "localhost", "0.0.0.0"]  # noqa: S104 - as above
    assert [host for host in hosts if refuses(guard, host)] == []
    text = guard.refuse([(b"Host", b"attacker.example")])
    assert text == "Host is 'attacker.example', which is not this machine; use its IP address"
    assert guard.refuse([(b"host", b"emulator"), (b"origin", b"https://attacker.example")]) is not None
    assert not refuses(Guard("box.lan", allow_remote=True), "box.lan:8787")


# ---------------------------------------------------------------- how much


def test_a_body_beyond_the_bound_is_not_read(lab: Lab) -> None:
    """Announced, or sent in chunks."""
    port = urlsplit(lab.base_url).port
    host = f"Host: localhost:{port}"
    for path, most in (("/api/v3/user", MAX_BODY), ("/_emulator/faults", MAX_BODY), ("/_emulator/reset", MAX_SEED)):
        for length in (str(most + 1), "9" * 18):
            status, answer = ask(lab, path, host, f"Content-Length: {length}")
            assert status == 413, answer
            assert next(iter(answer.values())) == f"body: larger than {most >> 20} MiB"
    url = f"{lab.base_url}/v3/user"
    chunks = (b"[" * 65536 for _ in range(20))
    with contextlib.suppress(requests.ConnectionError):  # closed before all of it was sent
        assert requests.post(url, data=chunks, timeout=10).status_code == 413
    assert lab.log() == []


@pytest.mark.parametrize("sent", [b"", b'{"phase_rotation": "STR", ', json.dumps(GOOD).encode()[:-1]])
def test_a_request_without_its_whole_body_has_not_arrived(lab: Lab, sent: bytes) -> None:
    """A client that is killed between the head and the end of the body: neither carried out nor in the log."""
    address = urlsplit(lab.base_url)
    lines = [
        f"PUT /api/v3/chargers/{lab.charger}/connectors/1 HTTP/1.1",
        f"Host: localhost:{address.port}",
        f"Authorization: Bearer {TOKEN}",
        "Content-Type: application/json",
        f"Content-Length: {len(json.dumps(GOOD))}",
    ]
    lab.emulator.clear_requests()
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + sent)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(65536) == b"", "no answer"
    assert lab.log() == []


def test_bodies_that_arrive_slowly_are_bounded_together_and_in_time() -> None:
    """A connection that never ends holds no memory for ever, and many hold no more than one large seed or three."""

    async def never() -> dict[str, Any]:
        await asyncio.sleep(60)
        raise AssertionError

    async def story() -> list[int]:
        statuses: list[int] = []

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        async def app(*_: object) -> None:
            statuses.append(200)

        middleware = ApiMiddleware(app, World(Seed()), Guard("127.0.0.1", allow_remote=False))
        middleware._bodies = Bodies(most=100, most_seconds=1)
        scope = {"type": "http", "path": "/other", "raw_path": b"", "query_string": b"", "headers": []}

        async def ask(size: int, *, is_whole: bool) -> None:
            messages = [{"type": "http.request", "body": b"x" * size, "more_body": not is_whole}]

            async def receive() -> dict[str, Any]:
                return messages.pop() if messages else await never()

            await middleware(scope, receive, send)

        slow = asyncio.create_task(ask(60, is_whole=False))
        await asyncio.sleep(0.01)
        await ask(60, is_whole=True)
        await slow
        await ask(60, is_whole=True)
        return statuses

    assert asyncio.run(story()) == [503, 408, 200]


def test_a_path_and_a_query_are_bounded(lab: Lab) -> None:
    for path in (f"/v3/{'x' * 3000}", f"/v3/user?{'x' * 3000}"):
        answer = lab.get(path)
        assert (answer.status_code, answer.json()) == (414, {"message": "path or query: longer than 2000 characters"})
    assert lab.log() == []


def test_the_log_keeps_the_newest_requests_and_small_bodies(lab: Lab) -> None:
    log = RequestLog()
    for _ in range(MAX_ENTRIES + 5):
        log.begin("GET", "/v3/user", "", None)
    report = log.report()
    assert report["total"] == MAX_ENTRIES + 5
    assert [report["requests"][place]["n"] for place in (0, -1)] == [6, MAX_ENTRIES + 5]
    lab.put({"phase_rotation": "R" * 5000})
    lab.put()
    assert [entry["json"] for entry in lab.log()] == [
        "(5022 bytes, not kept)",
        {"phase_rotation": "STR", "max_amperage": 20},
    ]


def test_faults_that_wait_are_bounded(lab: Lab) -> None:
    """Those that are over make room."""
    with requests.Session() as session:
        for _ in range(MAX_FAULTS):
            session.post(
                f"{lab.emulator.control_url}/faults", json={"kind": "status", "status": 503, "path": "/v3/user"}
            )
    answer = lab.control("POST", "/faults", {"kind": "html"}, status=409)
    assert answer == {"error": f"{MAX_FAULTS} faults wait for requests already; clear them first"}
    lab.get("/v3/user")
    lab.fault("html")
    assert lab.control("POST", "/faults", {"kind": "html"}, status=409) == answer


DEEP = "[" * 2000 + "]" * 2000
TOO_DEEP = "is nested more than 50 deep; make it flatter"
TOO_LARGE = "has a number that is not finite or is beyond 64 bits; use a smaller one"
EXCESS = [
    (DEEP, TOO_DEEP),
    ("[" * 100_000, TOO_DEEP),
    ('{"a":' * 60 + "1" + "}" * 60, TOO_DEEP),
    ('{"sites": ' + "9" * 5000 + "}", TOO_LARGE),
    ('{"sites": ' + "9" * 30 + "}", TOO_LARGE),
    ('{"sites": 1e999}', TOO_LARGE),
    ('{"sites": NaN}', TOO_LARGE),
    ('{"sites": [{"name": "\\ud800"}]}', "has text that is not valid Unicode (half of a surrogate pair); correct it"),
    ('{"\\udfff": 1}', "has text that is not valid Unicode (half of a surrogate pair); correct it"),
]


@pytest.mark.parametrize(("text", "problem"), EXCESS)
def test_excessive_json_is_refused_in_one_line(
    lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, problem: str
) -> None:
    """As a seed file, as a seed of a reset, as a fault and as a request to the API."""
    file = tmp_path / "seed.json"
    file.write_text(text)
    assert main(["--seed", str(file)]) == 2
    assert capsys.readouterr() == ("", f"{file}: {problem}\n")

    for path in ("/reset", "/faults"):
        answer = requests.post(
            lab.emulator.control_url + path, text, headers={"Content-Type": "application/json"}, timeout=10
        )
        assert (answer.status_code, answer.json()) == (422, {"error": f"body: {problem}"})
    refused = lab.api("PUT", f"/v3/chargers/{lab.charger}/connectors/1", data=text, headers={"Content-Type": "x/json"})
    assert (refused.status_code, refused.json()) == (400, {"message": "The request body is not valid JSON."})
    assert lab.put({"phase_rotation": "STR", "max_amperage": "9" * 5000}).status_code == 422
    assert lab.live() == ("RST", 16)


@pytest.mark.parametrize(
    ("seed", "end"),
    [
        ({"sites": [{"name": "H", "a\nb\x1b[2J": 1}]}, "sites[0].a\\nb\\x1b[2J: is not a known key"),
        ({"x" * 5000: 1}, "x..."),
        ({"sites": [{"name": "H", "chargers": [{"identity": "\n::error::"}] * 2}]}, "'\\n::error::' is used 2 times"),
    ],
)
def test_a_wrong_seed_is_one_line_whatever_its_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: dict[str, Any], end: str
) -> None:
    file = tmp_path / "seed.json"
    file.write_text(json.dumps(seed))
    assert main(["--seed", str(file)]) == 2
    text = capsys.readouterr().err.removesuffix("\n")
    assert len(text) <= 500
    assert text.isprintable()
    assert end in text


@pytest.mark.parametrize("name", ["::error::x.json", " ::error::x", "##[error]x", "a\n::error::x", "\x1b[2Jx"])
def test_no_name_of_a_file_or_argument_commands_a_log(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (["--seed", name], ["--host", name], ["--port", name], [name], ["--port", "0", "-x", name]):
        with contextlib.suppress(SystemExit):
            assert main(arguments) == 2
        lines = capsys.readouterr().err.splitlines()
        assert lines
        assert not [line for line in lines if line.lstrip().startswith("::") or "##[" in line or "\x1b" in line]


def test_a_wrong_seed_of_a_reset_is_one_line_too(lab: Lab) -> None:
    answer = lab.control("POST", "/reset", {"seed": {"sites": [{"name": "H", "a\n\x1b[2J": 1}]}}, status=422)
    assert answer["error"].startswith("seed: sites[0].a\\n\\x1b[2J: is not a known key")


def test_a_seed_that_is_not_a_file_of_usual_size_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pipe would wait, a device would not end."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "big.json").write_bytes(b" " * (MAX_SEED + 1))
    for name, problem in [
        (tmp_path / "pipe", "is not a regular file; name a JSON file"),
        (tmp_path, "is not a regular file; name a JSON file"),
        ("/dev/zero", "is not a regular file; name a JSON file"),
        (tmp_path / "big.json", "is larger than 16 MiB; use a smaller seed"),
    ]:
        assert main(["--seed", str(name)]) == 2
        assert capsys.readouterr().err == f"{name}: {problem}\n"


def test_the_banner_shows_names_as_text() -> None:
    """What a terminal would obey is an escape, and so is what it cannot show."""
    assert one_line("\x1b[2J\n\u202eé") == "\\x1b[2J\\n\\u202eé"
    assert one_line("x" * 600) == "x" * 497 + "..."


def test_bodies_of_the_wrong_kind_are_told(lab: Lab) -> None:
    """Not as a path that could not be found."""
    port = urlsplit(lab.base_url).port
    lines = (f"Host: localhost:{port}", "Content-Type: application/json", "Content-Length: 3")
    status, answer = ask(lab, "/_emulator/reset", *lines, body=b'"\xff"')
    assert (status, answer) == (400, {"error": "body: There was an error parsing the body"})


@pytest.mark.parametrize("name", ["location", "retry_after"])
@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x", "\u20ac", "x" * 3000])
def test_a_header_of_a_fault_can_be_sent(lab: Lab, name: str, value: str) -> None:
    answer = lab.control("POST", "/faults", {"kind": "redirect", name: value}, status=422)
    assert f"`{name}` cannot be sent in a header" in answer["error"]


# ---------------------------------------------------------------- patterns

PATTERNS = [
    "",
    "/v3/user",
    "^/v3",
    r"^/v3/chargers/[^/]+/connectors/1$",
    "/(sites|chargers)/",
    "a|b|",
    "(a|b)*c",
    "(?:ab)+$",
    "a?b*c+",
    r"\d+/\w*[x\]]",
    "[]a]b",
    "[^]a]b",
    "a*?b",
    r"\.",
    "a.c$|^$",
    "((a|b)(c|d))+",
    "(a*)*b",
    "^^a$$",
    "x^a",
    "a$b",
]


@pytest.mark.parametrize("pattern", PATTERNS)
@given(st.text("abcdx/1v3.]-", max_size=12))
@settings(max_examples=30, deadline=None)
def test_a_pattern_matches_as_the_standard_library_says(pattern: str, text: str) -> None:
    assert Pattern(pattern).search(text) == (re.search(pattern, text) is not None)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$", "(a*)*b", "a*a*a*a*a*a*a*b", "(.*.*)*x$", "((a?)+)+b"])
def test_a_pattern_needs_time_in_proportion_to_the_text(pattern: str) -> None:
    """Those take the standard library years."""
    searched = Pattern(pattern)
    started = time.process_time()
    searched.search("a" * 2000 + "!")
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "a)", "[", "[a", "*", "+a", "a{2}", "(?=a)", "(?P<a>b)", r"(a)\1", r"\b", "\\", "[z-a]", "(" * 290],
)
def test_a_pattern_that_is_not_supported_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError) as caught:
        Pattern(pattern)
    assert str(caught.value).splitlines() == [str(caught.value)]


def test_a_pattern_is_bounded_in_length() -> None:
    assert Pattern("a" * LONGEST_PATTERN).search("a" * LONGEST_PATTERN)
    with pytest.raises(PatternError):
        Pattern("a" * (LONGEST_PATTERN + 1))


def test_a_pattern_of_a_fault_matches_with_and_without_api() -> None:
    faults = Faults()
    faults.add(Fault(kind="html", path=r"^/v3/(user|sites)$", times=None))
    assert faults.take("GET", "/api/v3/user")
    assert faults.take("GET", "/v3/sites")
    assert faults.take("GET", "/api/v3/users") is None
