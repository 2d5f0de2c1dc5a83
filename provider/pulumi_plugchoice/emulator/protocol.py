"""The socket under a request, for faults that no HTTP server offers."""

import asyncio
import socket
import struct
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

_OPEN: dict[tuple[str, int], asyncio.Transport] = {}


class TrackedProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which also records the connection of each client address."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn, narrower than asyncio
        super().connection_made(transport)
        if self.client is not None:
            _OPEN[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client is not None:
            _OPEN.pop(self.client, None)
        super().connection_lost(exc)


def drop(scope: dict[str, Any], how: str) -> None:
    """End the connection of a request: "rst" resets it, "fin" closes it after the bytes already written."""
    transport = _OPEN.get(tuple(scope["client"] or ()))
    if transport is None:
        return
    if how == "fin":
        transport.close()
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def drop_all() -> None:
    """End every connection, so that the server does not wait for slow answers when it stops."""
    for transport in list(_OPEN.values()):
        transport.close()
