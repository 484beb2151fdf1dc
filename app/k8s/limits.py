"""One limit on requests for everything that a process asks of Kubernetes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic


class RateLimit:
    """A token bucket: `qps` requests a second in the long run, `burst` at once; first come, first served.

    What can wait goes last: it gets what the others leave, and always leaves them half of a burst.
    """

    def __init__(self, qps: float, burst: int, clock: Callable[[], float] = monotonic) -> None:
        self._qps = qps
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._at = clock()
        self._turn = asyncio.Lock()
        self._last_turn = asyncio.Lock()

    async def take(self) -> None:
        """Wait for permission to send one request."""
        async with self._turn:
            wait = self.reserve()
            if wait > 0:
                await asyncio.sleep(wait)

    async def take_last(self) -> None:
        """The same for a request that can wait until there is little else to ask."""
        async with self._last_turn:
            wait = self.reserve_last()
            while wait > 0:
                await asyncio.sleep(wait)
                wait = self.reserve_last()

    def reserve(self) -> float:
        """Take one token; the seconds to wait until it is earned."""
        self._earn()
        self._tokens -= 1
        return max(0.0, -self._tokens / self._qps)

    def reserve_last(self) -> float:
        """Take one token if more than half of a burst is there, and give 0; else the seconds until that can be."""
        self._earn()
        missing = (self._burst + 1) / 2 - self._tokens
        if missing > 0:
            return missing / self._qps
        self._tokens -= 1
        return 0.0

    def _earn(self) -> None:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._qps)
        self._at = now
