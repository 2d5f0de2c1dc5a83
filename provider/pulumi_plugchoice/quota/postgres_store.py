"""Keeps the pacer's book and log in a Postgres database that programs on many machines share.

A transaction locks the user's row, and only then asks for the time, in a statement of its own: in one statement the
time would be that before the wait for the lock. All times are the database server's, so no machine's clock has to agree
with another's. A transaction is two or three round trips, and nobody sleeps in it.

Nothing here waits without an end: not for a connection, a lock, or an answer of a server that hangs, nor for a program
that was frozen in a transaction. After any error the connection is closed, and the next call opens a new one.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

from pulumi_plugchoice._text import hide, printable

from .file_store import StoreError, hold_if_free
from .policy import Book

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from psycopg.rows import TupleRow

    from .policy import Log

SCHEMA: Final = 1
BOOK: Final = f"plugchoice_quota_{SCHEMA}"
SLOTS: Final = f"plugchoice_quota_slots_{SCHEMA}"

CONNECT_SECONDS: Final = 2  # libpq takes no less
ANSWER_SECONDS: Final = 5.0  # of a server that hangs
_CLOSE_SECONDS: Final = 10.0  # another thread may be waiting for the server
LOCK_SECONDS: Final = 4  # for other programs; longer than a frozen one keeps the lock
FROZEN_SECONDS: Final = 2

_FIELDS: Final = sql.SQL(", ").join(sql.Identifier(field.name) for field in fields(Book))
_TYPES: Final = [f'"{field.name}" {"bigint" if isinstance(field.default, int) else "float8"}' for field in fields(Book)]
_KEY: Final = "client, number"
_CREATE: Final = (
    f"CREATE TABLE IF NOT EXISTS {BOOK} (client text PRIMARY KEY, {', '.join(f'{each} NOT NULL' for each in _TYPES)})",
    f"CREATE TABLE IF NOT EXISTS {SLOTS} (client text, number bigint, at float8 NOT NULL, PRIMARY KEY ({_KEY}))",
)
_INSERT: Final = sql.SQL("INSERT INTO {} (client, {}) VALUES ({}) ON CONFLICT DO NOTHING").format(
    sql.Identifier(BOOK), _FIELDS, sql.SQL(", ").join(sql.Placeholder() * (len(_TYPES) + 1))
)
_LOCK: Final = sql.SQL("SELECT {} FROM {} WHERE client = %s FOR UPDATE").format(_FIELDS, sql.Identifier(BOOK))
_UPDATE: Final = sql.SQL("UPDATE {} SET ({}) = ROW ({}) WHERE client = %s").format(
    sql.Identifier(BOOK), _FIELDS, sql.SQL(", ").join(sql.Placeholder() * len(_TYPES))
)
_HOLD: Final = f"SELECT hold FROM {BOOK} WHERE client = %s"  # noqa: S608 - a name of ours
_AT: Final = f"SELECT at FROM {SLOTS} WHERE client = %s AND number = %s"  # noqa: S608 - as above
_ADD: Final = f"INSERT INTO {SLOTS} VALUES (%s, %s, %s) ON CONFLICT ({_KEY}) DO UPDATE SET at = excluded.at"  # noqa: S608 - as above
_FORGET: Final = f"DELETE FROM {SLOTS} WHERE client = %s AND at < %s"  # noqa: S608 - as above
_SHIFT: Final = f"UPDATE {SLOTS} SET at = at - %s WHERE client = %s"  # noqa: S608 - as above
# With each transaction, and not once for a connection: a pooler may give every transaction another one.
_BOUNDS: Final = (
    "SELECT set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true), "
    "set_config('idle_in_transaction_session_timeout', %s, true)"
)
_BOUND_VALUES: Final = (f"{ANSWER_SECONDS:.0f}s", f"{LOCK_SECONDS}s", f"{FROZEN_SECONDS}s")

# psycopg warns there of connections that it found lost; the errors say so, too.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

#: With its values.
Statement: TypeAlias = "tuple[sql.Composable | str, tuple[Any, ...]]"


class PostgresStore:
    """The book and the log of one client, made when they do not exist. Safe to share between threads.

    Any call may raise `StoreError`; the next call tries anew.

    Args:
        url: of the database, as libpq takes it. Neither it nor its password is ever shown.
        client: names the user's row; a hash.
    """

    def __init__(self, url: str, client: str) -> None:
        hide(unquote(urlsplit(url).password or ""))
        self._url = url
        self._client = client
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[TupleRow] | None = None
        self._process = 0
        self._now = 0.0

    @property
    def now(self) -> float:
        """The server's time, s since the epoch, at the beginning of this thread's transaction."""
        return self._now

    @contextlib.contextmanager
    def transaction(self) -> Iterator[tuple[Book, Log]]:
        with self._lock, self._convert_errors():
            connection = self._connect()
            _, _, *row, (self._now,) = self._run(
                connection,
                ("BEGIN", ()),
                (_BOUNDS, _BOUND_VALUES),
                (_LOCK, (self._client,)),
                ("SELECT extract(epoch FROM clock_timestamp())::float8", ()),
            )
            if row == [None]:
                raise StoreError(f"table {BOOK}: the user's row was deleted")
            book, log = Book(*row[0]), _Log(self, connection, self._client)
            yield book, log
            self._run(connection, *log.take_statements(), (_UPDATE, (*astuple(book), self._client)), ("COMMIT", ()))

    def hold(self) -> float:
        with self._lock, self._convert_errors():
            bounds = (_BOUNDS, _BOUND_VALUES)
            _, _, row, _ = self._run(self._connect(), ("BEGIN", ()), bounds, (_HOLD, (self._client,)), ("COMMIT", ()))
            return Book.hold if row is None else float(row[0])

    def close(self) -> None:
        with hold_if_free(self._lock, _CLOSE_SECONDS) as is_held:
            if is_held:
                self._close()

    def __del__(self) -> None:
        self.close()

    def _run(self, connection: psycopg.Connection[TupleRow], *statements: Statement) -> list[Any]:
        """Run statements in one round trip and return the first row of each, None where there is none.

        As one text, and not in libpq's pipeline mode: it leaves the server without its limit for idle transactions.
        """
        text = sql.SQL("; ").join(
            sql.SQL(statement) if isinstance(statement, str) else statement for statement, _ in statements
        )
        values = [value for _, given in statements for value in given]
        with self._watch(connection), psycopg.ClientCursor(connection) as cursor:
            cursor.execute(text, values)
            rows = []
            while True:
                rows.append(cursor.fetchone() if cursor.description else None)
                if not cursor.nextset():
                    return rows

    @contextlib.contextmanager
    def _convert_errors(self) -> Iterator[None]:
        """Close the connection after any exception, Ctrl-C too: a row that stays locked would stop all programs."""
        try:
            yield
        except (psycopg.Error, OSError) as error:
            self._close()
            raise StoreError(_explain(error)) from error
        except BaseException:  # Ctrl-C too
            self._close()
            raise

    @contextlib.contextmanager
    def _watch(self, connection: psycopg.Connection[TupleRow]) -> Iterator[None]:
        """End the connection when the server does not answer: its own time limits do not run while it hangs."""
        late = threading.Event()
        with socket.socket(fileno=os.dup(connection.fileno())) as line:

            def end() -> None:
                late.set()
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)

            timer = threading.Timer(ANSWER_SECONDS + 1, end)
            timer.daemon = True
            try:
                timer.start()
            except RuntimeError as error:  # at the end of a process Python 3.12.1 starts none
                raise StoreError(f"the system cannot start a thread: {error}") from error
            try:
                yield
            except psycopg.Error as error:
                if late.is_set():
                    raise StoreError(f"no answer for {ANSWER_SECONDS + 1:g} s") from error
                raise
            finally:
                timer.cancel()
                timer.join()

    def _connect(self) -> psycopg.Connection[TupleRow]:
        if self._connection is not None and self._process != os.getpid():
            # After a fork. The parent's connection is neither used nor closed here: both would end its session.
            _inherited_connections.append(self._connection)
            self._connection = None
        if self._connection is None:
            self._connection = psycopg.connect(
                self._url,
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                keepalives_idle=10,
                keepalives_interval=5,
                keepalives_count=3,
                application_name="plugchoice",
            )
            self._process = os.getpid()
            self._prepare(self._connection)
        return self._connection

    def _prepare(self, connection: psycopg.Connection[TupleRow]) -> None:
        """Make the tables and the user's row, if need be."""
        insert = (_INSERT, (self._client, *astuple(Book())))
        try:
            self._run(connection, insert)
        except psycopg.errors.UndefinedTable:
            # Two programs that make one table at once fail, in spite of IF NOT EXISTS.
            lock = ("SELECT pg_advisory_xact_lock(hashtext(%s))", (BOOK,))
            create = [(statement, ()) for statement in _CREATE]
            begin: Statement = ("BEGIN", ())
            self._run(connection, begin, (_BOUNDS, _BOUND_VALUES), lock, *create, insert, ("COMMIT", ()))

    def _close(self) -> None:
        if self._connection is not None and self._process == os.getpid():
            self._connection.close()
        self._connection = None


#: Connections that a fork brought along. Kept, because a connection that is collected is closed.
_inherited_connections: list[psycopg.Connection[TupleRow]] = []


class _Log:
    """Writes when the transaction ends, in one round trip with the book."""

    def __init__(self, store: PostgresStore, connection: psycopg.Connection[TupleRow], client: str) -> None:
        self._store = store
        self._connection = connection
        self._client = client
        self._statements: list[Statement] = []

    def at(self, number: int) -> float | None:
        read: Statement = (_AT, (self._client, number))
        row = self._store._run(self._connection, *self.take_statements(), read)[-1]  # noqa: SLF001 - one class in two parts
        return None if row is None else float(row[0])

    def add(self, number: int, at: float) -> None:
        self._statements.append((_ADD, (self._client, number, at)))

    def forget(self, before: float) -> None:
        self._statements.append((_FORGET, (self._client, before)))

    def shift(self, seconds: float) -> None:
        self._statements.append((_SHIFT, (seconds, self._client)))

    def take_statements(self) -> list[Statement]:
        """The statements that were not run yet, for whoever runs them."""
        statements, self._statements = self._statements, []
        return statements


def _explain(error: Exception) -> str:
    """Tell what went wrong in one line."""
    lines = str(error).strip().splitlines()
    return printable(lines[0], 200) if lines else type(error).__name__
