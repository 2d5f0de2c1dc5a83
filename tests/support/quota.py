"""A server that counts requests in fixed windows, and clients of it, in simulated time."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pulumi_plugchoice.quota.file_store import MemoryStore
from pulumi_plugchoice.quota.policy import Policy, Slot

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Server:
    """Counts as Laravel does: the window begins with the first request in it, a refused request is not counted."""

    limit: int = 500
    window: float = 60.0
    _since: float = -1e9
    _count: int = 0

    def hit(self, now: float) -> tuple[bool, float]:
        """Whether a request is let through, and s until the window ends."""
        if now - self._since >= self.window:
            self._since, self._count = now, 0
        let = self._count < self.limit
        self._count += let
        return let, self._since + self.window - now


@dataclass
class Run:
    """What clients got: requests let through by client, requests refused, and those of other programs."""

    seconds: float
    limit: int
    served: list[int]
    refused: int = 0
    others_served: int = 0
    others_refused: int = 0

    @property
    def throughput(self) -> float:
        """Our share of the limit."""
        return sum(self.served) / (self.limit * self.seconds / 60)

    @property
    def unfairness(self) -> float:
        """The largest share by the smallest."""
        return max(self.served) / max(1, min(self.served))


@dataclass
class Simulation:
    """Clients that send as fast as they are let.

    Attributes:
        seconds: how long.
        clients: how many, one request at a time each.
        stores: how many of them share one store; with 2, every second client knows only the others of its half.
        travel: s on the way to the server, from and to; half of it on the way back.
        others: requests a second of programs without a pacer, at a time.
    """

    seconds: float
    clients: int = 8
    stores: int = 1
    limit: int = 500
    cap: int | None = None
    travel: tuple[float, float] = (0.05, 0.3)
    others: Callable[[float], float] = lambda _now: 0.0
    seed: int = 0
    _queue: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = field(default_factory=list)
    _events: int = 0

    def run(self) -> Run:
        """Play it."""
        self._chance = random.Random(self.seed)  # noqa: S311 - no secret
        self._server = Server(self.limit)
        self._policy = Policy(60.0, self.cap)
        self._kept = [MemoryStore() for _ in range(self.stores)]
        self._result = Run(self.seconds, self.limit, [0] * self.clients)
        self._at(0.0, self._other)
        for client in range(self.clients):
            self._at(self._chance.uniform(0, 0.05), self._take, client)
        while self._queue and self._queue[0][0] <= self.seconds:
            now, _, what, arguments = heapq.heappop(self._queue)
            what(now, *arguments)
        return self._result

    def _at(self, when: float, what: Callable[..., None], *arguments: Any) -> None:
        self._events += 1
        heapq.heappush(self._queue, (when, self._events, what, arguments))

    def _store(self, client: int) -> MemoryStore:
        return self._kept[client % self.stores]

    def _other(self, now: float) -> None:
        rate = self.others(now)
        if rate:
            let, _ = self._server.hit(now)
            self._result.others_served += let
            self._result.others_refused += not let
        self._at(now + (1 / rate if rate else 0.5), self._other)

    def _take(self, now: float, client: int) -> None:
        with self._store(client).transaction() as (book, log):
            self._policy.adjust(book, log, now, now)
            slot = self._policy.reserve(book, log, now, 1e9)
        assert isinstance(slot, Slot)
        self._at(slot.at, self._wake, client, slot)

    def _wake(self, now: float, client: int, slot: Slot) -> None:
        if self._store(client).hold() > slot.at:
            self._take(now, client)
        else:
            self._at(now + self._chance.uniform(*self.travel), self._arrive, client)

    def _arrive(self, now: float, client: int) -> None:
        let, until = self._server.hit(now)
        self._result.served[client] += let
        self._result.refused += not let
        back = self._chance.uniform(*self.travel) / 2
        self._at(now + back, self._answer, client, None if let else int(until) + 1)

    def _answer(self, now: float, client: int, retry_after: float | None) -> None:
        with self._store(client).transaction() as (book, log):
            self._policy.adjust(book, log, now, now)
            book.limit = self.limit
            if retry_after is not None:
                self._policy.hold(book, now, retry_after)
        self._take(now, client)
