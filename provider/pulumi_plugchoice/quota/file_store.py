"""Keeps the pacer's book and log: in a sqlite file that processes share, or in this process.

Everything happens inside `transaction()`, which reads the book, lets the caller change it, and writes it back. Other
threads and processes wait meanwhile, some 50 us. Nobody sleeps inside.

sqlite runs in WAL mode with `synchronous=OFF`: 30 us a transaction, half of the other modes that survive a kill. A lost
file costs nothing. A process that dies inside a transaction leaves the book as it was before.
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import stat
import sys
import threading
import time
from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Final, Protocol

from .policy import Book

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from .policy import Log

SCHEMA: Final = 2
#: s that a transaction waits for other processes, before the file counts as unusable.
PATIENCE: Final = 2.0

_FIELDS: Final = [f'"{field.name}"' for field in fields(Book)]  # some are words of SQL
_READ: Final = f"SELECT {', '.join(_FIELDS)} FROM book"  # noqa: S608 - field names of ours
_WRITE: Final = f"UPDATE book SET {', '.join(f'{name} = ?' for name in _FIELDS)}"  # noqa: S608 - as above
_CREATE: Final = (
    f"CREATE TABLE book ({', '.join(f'{name} NOT NULL' for name in _FIELDS)})",
    f"INSERT INTO book VALUES ({', '.join('?' * len(_FIELDS))})",  # noqa: S608 - as above
    "CREATE TABLE slots (number INTEGER PRIMARY KEY, at REAL NOT NULL)",
    f"PRAGMA user_version = {SCHEMA}",
)


class StoreError(Exception):
    """The file or the database cannot be used; `str()` tells why."""


class Store(Protocol):
    """Keeps one book and one log."""

    @property
    def now(self) -> float | None:
        """The time that the slots are counted by, in a transaction; None: by this machine's monotonic clock."""

    def transaction(self) -> AbstractContextManager[tuple[Book, Log]]:
        """The book and the log, for this thread alone; written when the block ends without an exception."""

    def hold(self) -> float:
        """The book's `hold`, read without a transaction."""

    def close(self) -> None: ...


class MemoryStore:
    """The book and the log of this process alone."""

    now = None

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._book = Book()
        self._log = _MemoryLog()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[tuple[Book, Log]]:
        # An exception undoes nothing here: the policy raises none once it has begun to write.
        with self._lock:
            yield self._book, self._log

    def hold(self) -> float:
        return self._book.hold

    def close(self) -> None:
        pass


class _MemoryLog:
    def __init__(self) -> None:
        self._slots: dict[int, float] = {}  # in order of number and time

    def at(self, number: int) -> float | None:
        return self._slots.get(number)

    def add(self, number: int, at: float) -> None:
        self._slots[number] = at

    def forget(self, before: float) -> None:
        self._slots = {number: at for number, at in self._slots.items() if at >= before}

    def shift(self, seconds: float) -> None:
        self._slots = {number: at - seconds for number, at in self._slots.items()}


@contextlib.contextmanager
def hold_if_free(lock: threading.Lock, seconds: float) -> Iterator[bool]:
    """Hold a lock if it is free within so many seconds, and tell whether it is held.

    A Ctrl-C just before the block of a transaction leaves its lock held, and this thread would wait for itself.
    """
    is_held = lock.acquire(timeout=seconds)
    try:
        yield is_held
    finally:
        if is_held:
            lock.release()


class FileStore:
    """The book and the log in a sqlite file, made when it does not exist. Safe to share between threads.

    Any call may raise `StoreError`; the process then stops using the file. A file that is not a database is removed, so
    that the next process makes a new one. A file that is deleted in use is made again.
    """

    now = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._process = 0

    @contextlib.contextmanager
    def transaction(self) -> Iterator[tuple[Book, Log]]:
        with self._lock, self._convert_errors():
            connection = self._connect()
            try:
                _execute_patiently(connection, "BEGIN IMMEDIATE")
                book = Book(*connection.execute(_READ).fetchone())
                yield book, _FileLog(connection)
                connection.execute(_WRITE, astuple(book))
            except BaseException:  # Ctrl-C too: an open transaction would lock out all programs
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def hold(self) -> float:
        with self._lock, self._convert_errors():
            return float(_execute_patiently(self._connect(), "SELECT hold FROM book").fetchone()[0])

    def close(self) -> None:
        with hold_if_free(self._lock, PATIENCE) as is_held:
            if not is_held:  # in use: it is closed with this object
                return
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        self.close()

    @contextlib.contextmanager
    def _convert_errors(self) -> Iterator[None]:
        """Turns every failure of the file into `StoreError`."""
        try:
            yield
        except (sqlite3.OperationalError, sqlite3.ProgrammingError) as error:
            raise StoreError(str(error)) from error
        except sqlite3.DatabaseError as error:
            with contextlib.suppress(OSError):
                self._path.unlink()
            raise StoreError(f"{error}; removed, and the next run makes a new one") from error
        except (sqlite3.Error, TypeError) as error:
            # TypeError: the book has no row.
            raise StoreError(f"{type(error).__name__}: {error}") from error
        except OSError as error:
            raise StoreError(error.strerror or str(error)) from error

    def _connect(self) -> sqlite3.Connection:
        if self._connection is not None and self._process != os.getpid():
            # After a fork. The parent's connection is neither used nor closed here: both would harm the parent.
            _inherited_connections.append(self._connection)
            self._connection = None
        if self._connection is not None:
            try:
                if self._path.stat().st_ino == self._inode:
                    return self._connection
            except FileNotFoundError:
                pass
            self._connection.close()
            self._connection = None
        self._connection = self._open()
        self._process = os.getpid()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        _make_private(self._path)
        self._inode = self._path.stat().st_ino
        connection = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            # Two processes may change the mode at once; one of them does, and the file keeps it.
            with contextlib.suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")
            if _version(connection) != SCHEMA:
                _create(connection)
            connection.execute("PRAGMA busy_timeout = 0")
        except BaseException:  # Ctrl-C too: nobody else could close it
            connection.close()
            raise
        return connection


#: Connections that a fork brought along. Kept, because a connection that is collected is closed.
_inherited_connections: list[sqlite3.Connection] = []


class _FileLog:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def at(self, number: int) -> float | None:
        row = self._connection.execute("SELECT at FROM slots WHERE number = ?", (number,)).fetchone()
        return None if row is None else float(row[0])

    def add(self, number: int, at: float) -> None:
        self._connection.execute("INSERT OR REPLACE INTO slots VALUES (?, ?)", (number, at))

    def forget(self, before: float) -> None:
        self._connection.execute("DELETE FROM slots WHERE at < ?", (before,))

    def shift(self, seconds: float) -> None:
        self._connection.execute("UPDATE slots SET at = at - ?", (seconds,))


def _execute_patiently(connection: sqlite3.Connection, statement: str) -> sqlite3.Cursor:
    """Execute a statement that may find the file locked; sqlite's own waits grow from 1 to 100 ms, far too coarse."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return connection.execute(statement)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= end:
                raise
        time.sleep(random.uniform(0.0001, 0.0005))  # noqa: S311 - no secret


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _create(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty file, unless another process has done so by now."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _version(connection) != SCHEMA:
            _refuse_tables(connection)
            for statement in _CREATE:
                connection.execute(statement, astuple(Book()) if "?" in statement else ())
    except BaseException:  # Ctrl-C too: no other program may find half of the tables
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _refuse_tables(connection: sqlite3.Connection) -> None:
    """Raise `StoreError` for a file of another version: somebody may be using it."""
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise StoreError(f"its schema is version {_version(connection)}, not {SCHEMA}")


def _make_private(path: Path) -> None:
    """Make the folder (0700) and the file (0600) if need be; refuse what belongs to somebody else."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A file that exists is not opened here: closing it again would drop the locks of this process's other connections.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    for item, mode, kind in ((path.parent, 0o700, stat.S_ISDIR), (path, 0o600, stat.S_ISREG)):
        found = item.lstat() if item == path else item.stat()
        if not kind(found.st_mode):
            raise StoreError(f"{item.name} is not a regular file")
        if sys.platform != "win32":
            if found.st_uid != os.getuid():
                raise StoreError(f"{item.name} belongs to another user")
            if stat.S_IMODE(found.st_mode) != mode:
                item.chmod(mode)
