"""Slow calls that several threads ask for at the same time, made once."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


class SingleFlight(Generic[KeyT, ValueT]):
    """Slow calls by key: made once, their result or error shared by all threads, made again after a lifetime."""

    def __init__(self, lifetime: float, clock: Callable[[], float]) -> None:
        self._lifetime = lifetime
        self._clock = clock
        self._lock = threading.Lock()
        self._flights: dict[KeyT, tuple[float, Future[ValueT]]] = {}

    def get(self, key: KeyT, load: Callable[[], ValueT]) -> ValueT:
        """The shared result for `key`; `load` is called by one thread only."""
        mine: Future[ValueT] | None = None
        with self._lock:
            started, flight = self._flights.get(key, (0.0, None))
            if flight is None or (flight.done() and self._clock() - started >= self._lifetime):
                flight = mine = Future()
                self._flights[key] = (self._clock(), mine)
        if mine is not None:
            try:
                result = load()
            except BaseException as error:  # noqa: BLE001 - the threads that wait have to get it
                self._restart_lifetime(key, mine)
                mine.set_exception(error)
            else:
                self._restart_lifetime(key, mine)
                mine.set_result(result)
        return flight.result()

    def _restart_lifetime(self, key: KeyT, flight: Future[ValueT]) -> None:
        """Count the lifetime from the answer on: a site of a thousand connectors may take a minute to read."""
        with self._lock:
            self._flights[key] = (self._clock(), flight)
