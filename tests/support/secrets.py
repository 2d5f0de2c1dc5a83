"""Looks for a text in bytes as a person with tools would: decoded, unpacked, unpickled, as deep as it goes."""

from __future__ import annotations

import base64
import binascii
import contextlib
import gzip
import pickletools
import re
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST: Final = 6
# Base64 of fewer characters holds no secret of ours; a longer run is decoded at each of its four possible offsets.
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
_ESCAPED: Final = re.compile(rb"\\u([0-9a-fA-F]{4})")


def places_of(secret: str, content: bytes, depth: int = 0) -> list[str]:
    """How to get from the content to the secret, one line for each way: `base64 > pickle`; empty when there is none."""
    found = ["plain"] if secret.encode() in content else []
    if depth < DEEPEST:
        for name, inner in _decoded(content):
            found += [f"{name} > {place}" for place in places_of(secret, inner, depth + 1)]
    return sorted(set(found))


def _decoded(content: bytes) -> Iterator[tuple[str, bytes]]:
    start = content.find(b"\x1f\x8b\x08")
    if start >= 0:
        with contextlib.suppress(OSError, EOFError, zlib.error):  # the bytes may stand there by chance
            yield "gzip", gzip.decompress(content[start:])
    if content[:1] == b"\x80":
        yield from (("pickle", text) for text in _texts_of_pickle(content))
    for run in set(_BASE64.findall(content)):
        plain = run.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        for offset in range(4):
            part = plain[offset:]
            try:
                yield "base64", base64.b64decode(part[: len(part) - (len(part) % 4 == 1)] + b"=" * (-len(part) % 4))
            except binascii.Error:
                continue
    if b"\\u" in content:
        unescaped = _ESCAPED.sub(lambda match: chr(int(match[1], 16)).encode("utf-8", "surrogatepass"), content)
        if unescaped != content:
            yield "escaped", unescaped


def _texts_of_pickle(content: bytes) -> Iterator[bytes]:
    """Its texts and bytes, read without running it."""
    try:
        for _, argument, _ in pickletools.genops(content):
            if isinstance(argument, str):
                yield argument.encode("utf-8", "surrogatepass")
            elif isinstance(argument, bytes):
                yield argument
    except (ValueError, IndexError, UnicodeDecodeError):
        return
