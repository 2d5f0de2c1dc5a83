"""errors.py: every message is one printable line, and none holds a secret."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_plugchoice._text import printable, show_path
from pulumi_plugchoice.errors import (
    ApiError,
    AuthenticationFailed,
    ConnectorNotFound,
    InvalidResponse,
    NoConnection,
    NotFound,
    PermissionDenied,
    PlugchoiceError,
    RateLimited,
    RequestTimeout,
    ServerError,
    TransportError,
    UnknownSetting,
    UntrustedServer,
    ValidationFailed,
    WriteNotSettled,
    WriteNotTaken,
)

PATH = "/v3/chargers/5f0c3c1e-0000-4000-8000-000000000001"
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("two\nlines", "two lines"),
        ("carriage\r\nreturn", "carriage return"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x9b31mred", r"\x9b31mred"),
        ("bell\x07 and del\x7f", r"bell\x07 and del\x7f"),
        ("HRB\u200b-001\u2060\ufeff", r"HRB\u200b-001\u2060\ufeff"),
        ("HRB\xad-0\u3164\ufe0f1\U000e0041", r"HRB\xad-0\u3164\ufe0f1\U000e0041"),
        ("\uffff\ufffe", r"\uffff\ufffe"),
        ("⚡\ufe0f bay \ufffd", "⚡\ufe0f bay \ufffd"),
        ("Cafe\u0301 Z\u0300\u0301\u0302\u0336x", "Cafe\u0301 Z\u0300\u0301" + r"\u0302\u0336x"),
        ("a\u0601b\U0001d159c\U00013430", r"a\u0601b\U0001d159c\U00013430"),
        ("line\u2028and\u2029paragraph", "line and paragraph"),
        ("  much   \t blank  ", "much blank"),
        ("Zoë's Straße", "Zoë's Straße"),
        ("a ##[error]x ##vso[task.setvariable]y ## z", "a # #[error]x # #vso[task.setvariable]y ## z"),
        (17, "17"),
        (None, "None"),
    ],
)
def test_white_space_becomes_blanks_and_what_is_invisible_an_escape(text: object, line: str) -> None:
    """Foreign text can neither break a line, nor drive a terminal, nor command a log, nor look like other text."""
    assert printable(text) == line


def test_no_format_character_of_unicode_passes() -> None:
    """Whatever the version of Unicode that this Python knows."""
    hidden = [
        chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    ]
    line = printable("x".join(hidden), 10**6)
    assert len(hidden) > 200
    assert not set(hidden) & set(line)


@pytest.mark.parametrize("mark", BIDI)
def test_marks_that_reorder_text_are_escaped(mark: str) -> None:
    """Text is read in the order in which it was sent."""
    assert printable(f"safe{mark}text") == f"safe\\u{ord(mark):04x}text"


def test_lone_surrogates_are_escaped() -> None:
    """The engine's wire is UTF-8, which has no lone surrogates; JSON can carry them."""
    assert printable("a\ud800b\udfffc") == r"a\ud800b\udfffc"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("sites/harbour.yaml", "sites/harbour.yaml"),
        ("C:\\sites\\harbour.yaml", "C:\\sites\\harbour.yaml"),
        ("~/Æbeltoft havn (2).yaml", "~/Æbeltoft havn (2).yaml"),
        ("::error file=a.py::x.yaml", "'::error file=a.py::x.yaml'"),
        (" ::error::x", "'::error::x'"),
        ("a.py:1:1: error.yaml", "'a.py:1:1: error.yaml'"),
        ("a\x1b[2J\n::error::x", r"'a\x1b[2J ::error::x'"),
        ("\udcff.yaml", r"'\udcff.yaml'"),
        ("", "''"),
    ],
)
def test_a_path_cannot_be_read_as_something_else(path: str, shown: str) -> None:
    """Messages begin with one, and a fork's pull request chooses its name."""
    assert show_path(path) == shown


def test_long_texts_are_cut() -> None:
    """At 300 characters by default; the last one shows that there was more."""
    assert printable("x" * 300) == "x" * 300
    assert printable("x" * 301) == "x" * 299 + "…"
    assert printable("abcdef", 4) == "abc…"


@given(st.text(), st.integers(1, 50))
def test_any_text_becomes_one_encodable_line(text: str, longest: int) -> None:
    line = printable(text, longest)
    assert len(line) <= longest
    assert len(line.splitlines()) <= 1
    assert line.encode().decode() == line
    assert printable(line, longest) == line


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (TransportError("GET", PATH, "the connection was lost"), f"GET {PATH}: the connection was lost"),
        (RequestTimeout("PUT", PATH, "no answer within 30 s"), f"PUT {PATH}: no answer within 30 s"),
        (InvalidResponse("GET", "/v3/a\nb", "answered with HTML"), "GET /v3/a b: answered with HTML"),
        (ApiError("GET", PATH, 418, "I'm a teapot"), f"GET {PATH}: answered 418 (I'm a teapot)"),
        (
            AuthenticationFailed("GET", PATH, 401, "Unauthenticated."),
            f"GET {PATH}: answered 401 (Unauthenticated.): the credentials are wrong, expired or revoked; "
            "set PLUGCHOICE_TOKEN (or PLUGCHOICE_CLIENT_ID and PLUGCHOICE_CLIENT_SECRET) to valid ones",
        ),
        (
            PermissionDenied("PUT", PATH, 403, "This action is unauthorized."),
            f"PUT {PATH}: answered 403 (This action is unauthorized.): the token's user may not do this; ask the "
            "site's owner for full access",
        ),
        (
            NotFound("GET", PATH, 404),
            f"GET {PATH}: answered 404: it does not exist, or the token's user cannot see it; check the UUID and the "
            "token",
        ),
        (
            RateLimited("GET", PATH, 429, "Too Many Attempts.", retry_after=7.0),
            f"GET {PATH}: answered 429 (Too Many Attempts.): the user's request limit is used up; try again later, or "
            "run fewer stacks at once",
        ),
        (
            ServerError("GET", PATH, 502),
            f"GET {PATH}: answered 502: Plugchoice has a problem; try again later",
        ),
        (
            ValidationFailed("PUT", PATH, "The given data was invalid.", {"max_amperage": ["too", "much"]}),
            f"PUT {PATH}: answered 422 (max_amperage: too much)",
        ),
        (
            ValidationFailed("PUT", PATH, "The given data was invalid.", {}),
            f"PUT {PATH}: answered 422 (The given data was invalid.)",
        ),
        (ConnectorNotFound("HRB-001", 3, [2, 1]), "charger HRB-001 has no connector 3; it has 1, 2"),
        (
            ConnectorNotFound("HRB-001", 1, []),
            "charger HRB-001 has no connector 1; it has not reported any connector yet (has it ever been online?)",
        ),
    ],
)
def test_messages_tell_where_what_and_what_to_do(error: PlugchoiceError, message: str) -> None:
    """The whole text, as `pulumi` shows it."""
    assert str(error) == message


def test_text_from_the_server_is_made_printable() -> None:
    """In the message and in the attributes."""
    error = ValidationFailed("PUT", PATH, "", {"a\nb": ["\x1b[2J\nwiped"]})
    assert error.errors == {"a b": [r"\x1b[2J wiped"]}
    assert str(error) == rf"PUT {PATH}: answered 422 (a b: \x1b[2J wiped)"
    assert ServerError("GET", PATH, 500, "x" * 1000).server_message == "x" * 299 + "…"


def test_errors_have_fields_for_programs() -> None:
    """Status, path, method, and how long the server asks to wait."""
    error = RateLimited("GET", PATH, 429, "Too Many Attempts.", retry_after=7.0)
    assert (error.method, error.path, error.status, error.retry_after) == ("GET", PATH, 429, 7.0)
    assert ConnectorNotFound("c", 3, (2, 1)).existing == [1, 2]


def test_one_except_clause_catches_everything() -> None:
    """The classes form the tree of the module's docstring."""
    parents = {
        NoConnection: TransportError,
        UntrustedServer: TransportError,
        RequestTimeout: TransportError,
        TransportError: PlugchoiceError,
        InvalidResponse: PlugchoiceError,
        ApiError: PlugchoiceError,
        AuthenticationFailed: ApiError,
        PermissionDenied: ApiError,
        NotFound: ApiError,
        ValidationFailed: ApiError,
        RateLimited: ApiError,
        ServerError: ApiError,
        ConnectorNotFound: PlugchoiceError,
        UnknownSetting: PlugchoiceError,
        WriteNotSettled: PlugchoiceError,
        WriteNotTaken: WriteNotSettled,
    }
    assert all(issubclass(error, parent) for error, parent in parents.items())
    assert not issubclass(ConnectorNotFound, NotFound)
