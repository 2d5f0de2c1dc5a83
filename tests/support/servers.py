"""A server in a thread, for as long as a test needs it."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Threads(socketserver.ThreadingTCPServer):
    """A thread for each connection. The end does not wait for those that are still open."""

    daemon_threads = True
    block_on_close = False


@contextlib.contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    """Let the server answer while the block lasts, and close it."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join(10)
