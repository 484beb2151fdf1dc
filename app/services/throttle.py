"""How often somebody may try to log in. Counted within this process: each of several is as strict."""

from __future__ import annotations

import math
import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from app.errors import TooManyRequests

# Someone at one address guessing one account; guesses for it from everywhere; one address guessing many accounts.
_PAIR = RateLimitItemPerMinute(8, 5, namespace="pair")
_ACCOUNT = RateLimitItemPerMinute(60, 15, namespace="account")
_ADDRESS = RateLimitItemPerMinute(60, 5, namespace="address")


class _Storage(MemoryStorage):
    """Of what is cleared, the empty list stays until the storage's own sweep takes it away.

    The sweep walks the keys that were there when it began, waits in between, and would fail at one that has gone.
    """

    async def clear(self, key: str) -> None:
        if key in self.events:
            self.events[key] = []


class LoginThrottle:
    """Counts attempts before they are checked, so that many at once cannot slip through."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(_Storage())

    async def attempt(self, account: str, address: str) -> None:
        """Raises `TooManyRequests` when there have been too many."""
        for limit, key in ((_ADDRESS, (address,)), (_PAIR, (account, address)), (_ACCOUNT, (account,))):
            if not await self._limiter.hit(limit, *key):
                reset = (await self._limiter.get_window_stats(limit, *key)).reset_time
                wait = max(1, math.ceil(reset - time.time()))
                raise TooManyRequests(f"Too many attempts to log in. Try again in {wait} seconds.", retry_after=wait)

    async def succeeded(self, account: str, address: str) -> None:
        """Whoever knows the password is no guesser."""
        await self._limiter.clear(_PAIR, account, address)
        await self._limiter.clear(_ACCOUNT, account)
