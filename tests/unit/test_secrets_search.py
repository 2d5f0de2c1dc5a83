"""The search that the secrets test rests on finds a planted secret, however it is wrapped."""

from __future__ import annotations

import base64
import gzip
import json
import pickle
from typing import TYPE_CHECKING

import pytest
from support.secrets import places_of

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "emulator-token-that-nobody-may-see"


def _state(value: bytes) -> bytes:
    text = value.decode("latin-1")
    return json.dumps(
        {"resources": [{"inputs": {"__provider": text, "x": 1}, "outputs": {"__provider": text}}]}
    ).encode()


def _pickled(value: bytes) -> bytes:
    return pickle.dumps({"held": [value.decode("latin-1")]}, protocol=4)


WRAPS: dict[str, Callable[[bytes], bytes]] = {
    "state": _state,
    "base64": base64.b64encode,
    "urlsafe base64": base64.urlsafe_b64encode,
    "pickle": _pickled,
    "pickle of bytes": lambda value: pickle.dumps(value, protocol=5),
    "gzip": gzip.compress,
    "basic auth": lambda value: b"Basic " + base64.b64encode(b"user:" + value),
    "escaped": lambda value: "".join(f"\\u{byte:04x}" for byte in value).encode(),
}


@pytest.mark.parametrize(
    "wraps",
    [
        *[[name] for name in WRAPS],
        ["pickle", "base64", "state"],
        ["pickle", "base64", "state", "gzip"],
        ["pickle of bytes", "base64", "pickle", "base64", "state"],
        ["state", "gzip", "base64", "state", "gzip"],
        ["basic auth", "state", "gzip"],
    ],
    ids=" in ".join,
)
def test_a_planted_secret_is_found(wraps: list[str]) -> None:
    content = SECRET.encode()
    for name in wraps:
        content = WRAPS[name](content)
    assert content != SECRET.encode()

    assert places_of(SECRET, content)
    assert places_of(SECRET + "x", content) == []


def test_a_secret_that_something_stands_before_is_found() -> None:
    """Base64 of a longer text shifts it by any number of bytes."""
    for shift in range(4):
        assert places_of(SECRET, b"A" * shift + base64.b64encode(b"x" * shift + SECRET.encode() + b"tail"))
