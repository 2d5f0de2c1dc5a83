"""What happens to every API request around its route: log, rate limit, latency, faults."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from .call import SCOPE_KEY, Call
from .problems import ProblemError, text_for
from .protocol import drop
from .spoiling import HTML_PAGE, odd, spoilt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from .faults import Fault
    from .limits import Allowance
    from .log import Entry
    from .state import Token
    from .world import World

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


@dataclass
class Answer:
    """A whole answer, held back until the faults had their say."""

    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def json_answer(status: int, body: Any, **headers: str) -> Answer:
    """An answer in JSON."""
    return Answer(status, {"content-type": "application/json", **headers}, json.dumps(body).encode())


class Gate:
    """ASGI middleware in front of the API; the control endpoints pass untouched."""

    def __init__(self, app: App, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(("/api/", "/oauth/")):
            await _Exchange(self._app, self._world, scope, receive, send).run()
        else:
            await self._app(scope, receive, send)


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, app: App, world: World, scope: MutableMapping[str, Any], receive: Receive, send: Send
    ) -> None:
        self._app, self._world, self._scope, self._receive, self._send = app, world, scope, receive, send
        self._headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self._path: str = scope["path"]
        self._method: str = scope["method"]
        self._is_api = self._path.startswith("/api/")

    async def run(self) -> None:
        world, body = self._world, await self._read()
        query = self._scope["query_string"].decode("latin-1")
        entry = world.log.begin(self._method, self._path.removeprefix("/api"), query, self._loggable(body))
        fault = world.faults.take(self._method, self._path)
        entry.fault = fault.kind if fault else None
        if fault and fault.kind == "reset_before":
            await self._drop(fault.close)
            return
        token = self._token(fault)
        allowance = self._count(token, entry)
        if await self._gone_after(world.switches.latency_seconds):
            return
        answer = await self._early(fault)
        if answer is None:
            if fault and fault.kind == "slow" and await self._gone_after(fault.delay_seconds):
                return
            call = self._call(token, allowance, body, query, fault)
            answer = spoilt(await self._carry_out(call, body), fault)
            answer = odd(answer, world.switches)
        answer.headers = {**allowance.headers, **answer.headers}
        if not (answer.status == 429 and allowance.retry_after):
            for name in ("Retry-After", "X-RateLimit-Reset"):
                if allowance.retry_after:
                    answer.headers.pop(name, None)
        if fault and fault.kind == "reset_after":
            await self._drop(fault.close)
            return
        if fault and fault.kind == "slow_after_write" and await self._gone_after(fault.delay_seconds):
            return
        entry.status = answer.status
        await self._answer(answer, fault)

    async def _read(self) -> bytes:
        parts = []
        while True:
            message = await self._receive()
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                return b"".join(parts)
