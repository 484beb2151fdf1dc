"""How often hooks may be called. Counted within this process: each of several is as generous."""

from __future__ import annotations

import math
import time
from uuid import UUID

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from app.errors import TooManyRequests

_HOOK = RateLimitItemPerMinute(120, namespace="hook")
_UNKNOWN = RateLimitItemPerMinute(30, namespace="unknown hook")


class HookRates:
    """A pipeline that goes wild does not fill the queue, and nobody goes on trying tokens."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def called(self, hook_id: UUID) -> None:
        """Raises `TooManyRequests`."""
        await self._hit(_HOOK, str(hook_id), "This hook is called too often")

    async def unknown(self, address: str) -> None:
        """Somebody at `address` has called a hook that is not there. Raises `TooManyRequests`."""
        await self._hit(_UNKNOWN, address, "Too many calls of hooks that are not there")

    async def _hit(self, limit: RateLimitItem, key: str, what: str) -> None:
        if not await self._limiter.hit(limit, key):
            reset = (await self._limiter.get_window_stats(limit, key)).reset_time
            wait = max(1, math.ceil(reset - time.time()))
            raise TooManyRequests(f"{what}. Try again in {wait} seconds.", retry_after=wait)
