"""A bound on the time that one HTTP request takes as a whole.

A socket's timeout begins anew with each byte, so a server that sends a byte now and then, in its status line, headers
or chunk sizes, could hold a request for ever: those are read inside the libraries, where nobody looks at a clock. Here
a timer ends the connection itself when the time is up, and the read that waits for it fails at once. What comes before
the connection, the lookup of a name, has the system's own bounds only.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

if TYPE_CHECKING:
    from types import TracebackType

_this_thread = threading.local()


class TimeLimit:
    """While the block lasts, requests of this thread have `seconds` together; then their connection is ended.

    Only connections of a `TimeLimitAdapter` know of it. Whatever error comes of it, `is_over` tells why.
    """

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._lock = threading.Lock()
        # A handle of our own: the library closes its connection before it reads a body that ends with the connection.
        self._handle: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def start(self) -> None:
        """Start the clock. Raises RuntimeError when the system gives no thread for it."""
        self._timer.start()

    def __enter__(self) -> None:
        _this_thread.limit = self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        _this_thread.limit = None
        with self._lock:
            # A timer that fires now must not end what the next request uses.
            self._drop()

    def covers(self, connection: socket.socket) -> None:
        """This is the connection to end when the time is up."""
        with self._lock:
            self._drop()
            with contextlib.suppress(OSError):  # closed already: then nothing can wait for it
                self._handle = connection.dup()
            if self.is_over:
                self._shut()

    def _end(self) -> None:
        with self._lock:
            self.is_over = True
            self._shut()

    def _shut(self) -> None:
        if self._handle is not None:
            with contextlib.suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)

    def _drop(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None


class _Limited:
    """Lets the thread's `TimeLimit` know the socket, for the handshake of TLS as well as for later requests."""

    # A second handle of the same connection: TLS takes the first one over, and is not to be used by two threads.
    _handle: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        connection: socket.socket = super()._new_conn()  # type: ignore[misc]
        self._handle = connection.dup()
        self._cover()
        return connection

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._cover()
        super().request(*args, **kwargs)  # type: ignore[misc]

    def close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()
        super().close()  # type: ignore[misc]

    def _cover(self) -> None:
        limit: TimeLimit | None = getattr(_this_thread, "limit", None)
        if limit is not None and self._handle is not None:
            limit.covers(self._handle)


class _HTTPConnection(_Limited, HTTPConnection):
    pass


class _HTTPSConnection(_Limited, HTTPSConnection):
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
