"""Bounds the time that one HTTP request takes as a whole.

A socket's timeout begins anew with each byte, so a server that sends one now and then, in its status line, headers or
chunk sizes, could hold a request for ever: the libraries read those without looking at a clock. Here a watchdog thread
shuts the connection down when the time is up, and the read that waits for it fails at once. The same thread tells when
a request is slow. It does not cover the
lookup of the host's name, which has the system's own bounds.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from pulumi_plugchoice.quota.waits import LONG_WAIT

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_this_thread = threading.local()


class Watchdog:
    """One thread that ends time limits. It starts with the first limit and sleeps while there is none."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._limits: set[TimeLimit] = set()
        self._wakes_at = 0.0
        self._thread: threading.Thread | None = None

    def add(self, limit: TimeLimit) -> None:
        """End `limit` when its time is up. Raises RuntimeError when the system cannot start a thread."""
        with self._changed:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="plugchoice-time-limit", daemon=True)
                thread.start()
                self._thread = thread
            self._limits.add(limit)
            if limit.wakes_at < self._wakes_at:
                self._changed.notify()

    def remove(self, limit: TimeLimit) -> None:
        """Forget `limit`."""
        with self._changed:
            self._limits.discard(limit)

    def _run(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                due = [limit for limit in self._limits if limit.wakes_at <= now]
                over = {limit for limit in due if limit.ends_at <= now}
                self._limits.difference_update(over)
                for limit in due:
                    limit.wakes_at = limit.ends_at
                if not due:
                    self._wakes_at = min((limit.wakes_at for limit in self._limits), default=float("inf"))
                    self._changed.wait(self._wakes_at - now if self._limits else None)
            for limit in due:
                if limit in over:
                    limit.end()
                else:
                    limit.report()


_watchdog = Watchdog()


def _replace_watchdog() -> None:
    # A fork takes the thread away, and leaves the lock as it was at that moment.
    global _watchdog  # noqa: PLW0603 - one for the process
    _watchdog = Watchdog()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_replace_watchdog)


class TimeLimit:
    """While the block lasts, requests of this thread have `seconds` together; then their connection is shut down.

    It covers connections of a `TimeLimitAdapter` only. Whatever error comes of it, `is_over` tells why.

    Args:
        seconds: from now.
        on_slow: called once with the s that are left, when the block has lasted `LONG_WAIT`.

    Attributes:
        is_over: whether the time was up.
        is_sent: whether a connection has begun to send a request.
        ends_at: when the time is up; monotonic.
        wakes_at: when the watchdog has to look.
    """

    def __init__(self, seconds: float, on_slow: Callable[[float], object] | None = None) -> None:
        now = time.monotonic()
        self.is_over = False
        self.is_sent = False
        self.ends_at = now + seconds
        self.wakes_at = self.ends_at if on_slow is None else min(self.ends_at, now + LONG_WAIT)
        self._on_slow = on_slow
        self._lock = threading.Lock()
        # A handle of our own: the library closes its connection before it reads a body that ends with the connection.
        self._handle: socket.socket | None = None
        self._watchdog = _watchdog

    def start(self) -> None:
        """Start the clock. Raises RuntimeError when the system cannot start a thread."""
        self._watchdog.add(self)

    def __enter__(self) -> None:
        _this_thread.limit = self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._watchdog.remove(self)
        _this_thread.limit = None
        with self._lock:
            # The watchdog may call `end` even now, and must not shut down what the next request uses.
            self._drop_handle()

    def cover(self, connection: socket.socket) -> None:
        """Shut this connection down when the time is up."""
        with self._lock:
            self._drop_handle()
            with contextlib.suppress(OSError):  # closed already: then nothing can wait for it
                self._handle = connection.dup()
            if self.is_over:
                self._shut_down()

    def end(self) -> None:
        """The time is up."""
        with self._lock:
            self.is_over = True
            self._shut_down()

    def report(self) -> None:
        """The request is slow. Told by a thread of its own: standard error may block, and the watchdog must not."""
        on_slow, left = self._on_slow, self.ends_at - time.monotonic()
        if on_slow is None:
            return

        def tell() -> None:
            with contextlib.suppress(OSError, ValueError):  # standard error may be closed
                on_slow(left)

        with contextlib.suppress(RuntimeError):  # no thread can be started: then nothing is told
            threading.Thread(target=tell, name="plugchoice-slow-request", daemon=True).start()

    def _shut_down(self) -> None:
        if self._handle is not None:
            with contextlib.suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)

    def _drop_handle(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None


class _CoverMixin:
    """Tells the thread's `TimeLimit` the socket, for the TLS handshake and for each request."""

    # A second handle of the same connection: TLS takes the first one over, and is not to be used by two threads.
    _handle: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        connection: socket.socket = super()._new_conn()  # type: ignore[misc] # of the class that this is mixed into
        self._handle = connection.dup()
        self._cover()
        return connection

    def request(self, *args: Any, **kwargs: Any) -> None:
        if getattr(self, "sock", None) is None:
            # urllib3 would connect on the way; here, what fails up to this line has sent nothing.
            self.connect()  # type: ignore[attr-defined] # as above
        self._cover()
        limit: TimeLimit | None = getattr(_this_thread, "limit", None)
        if limit is not None:
            if limit.is_over:
                # A write would count as sent; and `ssl` skips the handshake of a socket that was shut down.
                raise TimeoutError
            limit.is_sent = True
        super().request(*args, **kwargs)  # type: ignore[misc] # as above

    def close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()
        super().close()  # type: ignore[misc] # as above

    def _cover(self) -> None:
        limit: TimeLimit | None = getattr(_this_thread, "limit", None)
        if limit is not None and self._handle is not None:
            limit.cover(self._handle)


class _HTTPConnection(_CoverMixin, HTTPConnection):
    pass


class _HTTPSConnection(_CoverMixin, HTTPSConnection):
    pass


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class TimeLimitAdapter(HTTPAdapter):
    """The adapter of `requests` whose connections know the thread's `TimeLimit`."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Make the pools of connections through a proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        # A SOCKS proxy has connections of its own kind: there the timeouts of the socket have to do.
        if manager.pool_classes_by_scheme.get("https") in (urllib3.HTTPSConnectionPool, _HTTPSPool):
            manager.pool_classes_by_scheme = _POOLS
        return manager


_POOLS = {"http": _HTTPPool, "https": _HTTPSPool}
