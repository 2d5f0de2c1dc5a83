"""What happens to every API request before and after its route: log, rate limit, latency, faults."""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from .answers import Answer, answer_instead, apply_fault, apply_switches, json_answer, login_redirect
from .bounds import MAX_BODIES, MAX_BODY, MAX_BODY_SECONDS, MAX_PATH, MAX_SEED, ExcessError, parse_json
from .call import SCOPE_KEY, Call
from .control import PREFIX
from .paging import page_number
from .protocol import drop
from .request_log import MAX_LOGGED_BODY

if TYPE_CHECKING:
    from .faults import Fault
    from .guard import Guard
    from .inventory import Token
    from .world import World


class _TooLargeError(Exception):
    """A body beyond the bounds."""


class _TooManyError(Exception):
    """Bodies that are beyond the bounds together."""


class _CutOffError(Exception):
    """A client that left before it had sent the whole body."""


class ApiMiddleware:
    """ASGI middleware in front of everything: who may ask, and how much; then, for the API, log, limits and faults."""

    def __init__(self, app: Any, world: World, guard: Guard) -> None:
        self._app = app
        self._world = world
        self._guard = guard
        self._bodies = Bodies()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        is_control = scope["path"].startswith(PREFIX)
        refusal = self._guard.refuse(scope["headers"])
        if refusal:
            return await _refuse(send, 403, refusal, is_control=is_control)
        if max(len(scope["raw_path"]), len(scope["query_string"])) > MAX_PATH:
            return await _refuse(send, 414, f"path or query: longer than {MAX_PATH} characters", is_control=is_control)
        most = MAX_SEED if scope["path"] == f"{PREFIX}/reset" else MAX_BODY
        try:
            body = await asyncio.wait_for(self._bodies.read(scope, receive, most), self._bodies.most_seconds)
            if is_control and body:
                check_control_body(body)
        except _TooLargeError:
            return await _refuse(send, 413, f"body: larger than {most >> 20} MiB", is_control=is_control)
        except _CutOffError:
            # As behind a real web server: the API never sees such a request, so it is neither carried out nor logged.
            return None
        except _TooManyError:
            return await _refuse(send, 503, "body: many others are being received; try again", is_control=is_control)
        except asyncio.TimeoutError:
            return await _refuse(send, 408, "body: not received in time; try again", is_control=is_control)
        except ExcessError as error:
            return await _refuse(send, 422, f"body: {error}", is_control=is_control)
        if scope["path"].startswith(("/api/", "/oauth/")):
            return await _Exchange(self._app, self._world, scope, receive, send).run(body)
        return await self._app(scope, _replay(body, receive), send)


def check_control_body(body: bytes) -> None:
    """Raise `ExcessError` for JSON beyond the bounds. What is no JSON is refused later."""
    with contextlib.suppress(json.JSONDecodeError, UnicodeDecodeError):
        parse_json(body)


class Bodies:
    """Receives the bodies of requests, which together have a bound, too."""

    def __init__(self, most: int = MAX_BODIES, most_seconds: float = MAX_BODY_SECONDS) -> None:
        self.most_seconds = most_seconds
        self._left = most

    async def read(self, scope: Any, receive: Any, most: int) -> bytes:
        """The body. Raises `_TooLargeError` or `_TooManyError` before it has read more than that, or `_CutOffError`."""
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or len(announced) > 12 or int(announced) > most:
            raise _TooLargeError
        parts, size = [], 0
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _CutOffError
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                self._left -= len(parts[-1])
                if size > most:
                    raise _TooLargeError
                if self._left < 0:
                    raise _TooManyError
                if not message.get("more_body"):
                    return b"".join(parts)
        finally:
            self._left += size


def _replay(body: bytes, receive: Any) -> Any:
    """A `receive` that first gives the body, as if it had not been read."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Any:
        return messages.pop() if messages else await receive()

    return replayed


async def _refuse(send: Any, status: int, text: str, *, is_control: bool) -> None:
    """Answer and close the connection: what was not read of a body must not be taken for the next request."""
    answer = json_answer(status, {"error" if is_control else "message": text})
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


class _Exchange:
    """One request and its answer."""

    def __init__(self, app: Any, world: World, scope: Any, receive: Any, send: Any) -> None:
        self._app = app
        self._world = world
        self._scope = scope
        self._receive = receive
        self._send = send
        self._headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self._path: str = scope["path"]
        host = self._headers.get("host") or "{}:{}".format(*scope["server"])
        self._origin = f"{scope['scheme']}://{host}"

    async def run(self, body: bytes) -> None:
        world, method = self._world, self._scope["method"]
        query = self._scope["query_string"].decode("latin-1")
        entry = world.log.begin(method, self._path.removeprefix("/api"), query, self._log_body(body))
        fault = world.faults.take(method, self._path, page_number(dict(parse_qsl(query)).get("page")))
        entry.fault = fault.kind if fault else None
        if fault and fault.kind == "reset_before":
            return await self._drop(fault.close)

        call = self._call(body, query, fault)
        entry.user = call.token.user.name if call.token else None
        entry.remaining = call.allowance.remaining
        wait = world.switches.latency_seconds + (fault.delay_seconds if fault and fault.kind == "slow" else 0)
        if wait and await self._client_leaves_within(wait):
            return None

        answer = self._answer_instead(fault)
        if answer is None:
            answer = apply_switches(await self._run_route(call), world.switches)
            answer = apply_fault(answer, fault) if fault else answer
        if fault and fault.kind == "reset_after":
            return await self._drop(fault.close)
        if fault and fault.kind == "slow_after_write" and await self._client_leaves_within(fault.delay_seconds):
            return None
        entry.status = answer.status
        await self._send_answer(answer, {**call.allowance.headers, **answer.headers}, fault)
        return None

    def _log_body(self, body: bytes) -> Any:
        """The body for the log: JSON, or the fields of a form. One that is too large for it is left out."""
        if len(body) > MAX_LOGGED_BODY:
            return f"({len(body)} bytes, not kept)"
        if "x-www-form-urlencoded" in self._headers.get("content-type", ""):
            return dict(parse_qsl(body.decode(errors="replace")))
        try:
            return parse_json(body) if body else None
        except ValueError:
            return None

    def _call(self, body: bytes, query: str, fault: Fault | None) -> Call:
        """Find the token, count the request, and let a fault change the token's rights."""
        token = self._token()
        if token and fault and fault.kind == "lose_permission":
            token.access = {"*": "basic"}
        if token and fault and fault.kind == "revoke_token":
            token.revoked = True
        valid = None if token is None or token.revoked else token
        key = f"user {valid.user.name}" if valid else f"address {(self._scope['client'] or ['?'])[0]}"
        switches = self._world.switches
        return Call(
            world=self._world,
            token=valid,
            allowance=self._world.limiter.hit(key, switches.rate_limit_per_minute, switches.rate_window_seconds),
            body=body,
            content_type=self._headers.get("content-type", ""),
            origin=self._origin,
            path=self._path,
            query=dict(parse_qsl(query, keep_blank_values=True)),
            fault=fault,
        )

    def _token(self) -> Token | None:
        kind, _, text = self._headers.get("authorization", "").partition(" ")
        return self._world.inventory.tokens.get(text.strip()) if kind.lower() == "bearer" else None

    def _answer_instead(self, fault: Fault | None) -> Answer | None:
        """An answer that replaces the request."""
        answer = answer_instead(fault, self._origin) if fault else None
        if answer is None and self._world.switches.require_accept and self._path.startswith("/api/"):
            accept = self._headers.get("accept", "")
            return None if "/json" in accept or "+json" in accept else login_redirect(self._origin)
        return answer

    async def _run_route(self, call: Call) -> Answer:
        start: dict[str, Any] = {}
        parts: list[bytes] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": call.body, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                parts.append(message.get("body", b""))

        await self._app({**self._scope, SCOPE_KEY: call}, receive, send)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
        headers.pop("content-length", None)
        return Answer(start["status"], headers, b"".join(parts))

    async def _send_answer(self, answer: Answer, headers: dict[str, str], fault: Fault | None) -> None:
        kind = fault.kind if fault else None
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        # Not uvicorn's, which is up to a second late: a client may measure a Retry-After from it.
        raw += [(b"date", email.utils.formatdate(usegmt=True).encode())]
        raw += [(b"content-length", str(len(answer.body)).encode()), (b"cache-control", b"no-cache, private")]
        await self._send({"type": "http.response.start", "status": answer.status, "headers": raw})
        if kind == "truncate":
            half = answer.body[: len(answer.body) // 2]
            await self._send({"type": "http.response.body", "body": half, "more_body": True})
            return await self._drop("fin")
        if fault and kind == "drip":
            for byte in answer.body:
                await self._send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
                if await self._client_leaves_within(fault.delay_seconds):
                    return None
        body = b"" if kind == "drip" else answer.body
        await self._send({"type": "http.response.body", "body": body})
        return None

    async def _drop(self, how: str) -> None:
        """End the connection and wait for the server to notice; otherwise it reports a request without an answer."""
        drop(self._scope, how)
        await self._client_leaves_within(5)

    async def _client_leaves_within(self, seconds: float) -> bool:
        """Wait this long. True, and at once, when the client closes the connection in that time."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            with contextlib.suppress(asyncio.TimeoutError):
                message = await asyncio.wait_for(self._receive(), left)
                if message["type"] == "http.disconnect":
                    return True
        return False
