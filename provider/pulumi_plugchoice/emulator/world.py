"""Everything that a reset restores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .faults import Faults
from .populate import build_inventory
from .rate_limit import RateLimiter
from .request_log import RequestLog
from .switches import Switches

if TYPE_CHECKING:
    from .seed import Seed


class World:
    """The inventory, and the switches, faults, request counts and log around it."""

    def __init__(self, seed: Seed) -> None:
        self._start_seed = seed
        self.reset()

    def reset(self, seed: Seed | None = None) -> None:
        """Start again from a seed, or from the seed of the start."""
        seed = seed or self._start_seed
        self.inventory = build_inventory(seed)
        self.switches = Switches(**seed.switches)
        self.faults = Faults()
        self.limiter = RateLimiter()
        self.log = RequestLog()
