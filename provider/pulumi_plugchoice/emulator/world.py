"""Everything a reset puts back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .building import build
from .faults import Faults
from .log import RequestLog
from .rate_limit import RateLimiter
from .switches import Switches

if TYPE_CHECKING:
    from .seeding import Seed


class World:
    """The state, and the switches, faults, counters and log around it."""

    def __init__(self, seed: Seed) -> None:
        self._start_seed = seed
        self.reset()

    def reset(self, seed: Seed | None = None) -> None:
        """Back to the given seed, or to the one of the start."""
        seed = seed or self._start_seed
        self.state = build(seed)
        self.switches = Switches(**seed.switches)
        self.faults = Faults()
        self.limiter = RateLimiter()
        self.log = RequestLog()
