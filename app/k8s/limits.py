"""One limit on requests for everything that a process asks of Kubernetes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic


class RateLimit:
    """A token bucket: `qps` requests a second in the long run, `burst` at once; first come, first served."""

    def __init__(self, qps: float, burst: int, clock: Callable[[], float] = monotonic) -> None:
        self._qps = qps
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._at = clock()
        self._turn = asyncio.Lock()

    async def take(self) -> None:
        """Wait for permission to send one request."""
        async with self._turn:
            wait = self.reserve()
            if wait > 0:
                await asyncio.sleep(wait)

    def reserve(self) -> float:
        """Take one token; the seconds to wait until it is earned."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._qps) - 1
        self._at = now
        return max(0.0, -self._tokens / self._qps)
