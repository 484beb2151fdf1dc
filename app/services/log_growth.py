"""Waiting until logs have more to read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from app.db import log_reading
from app.db.engine import Database
from app.db.notify import ANYTHING
from app.domain.log import LogInfo
from app.services.log_choice import Which, following, may_grow

LOOK_SECONDS = 2.0
"""How often a follower looks by itself: hints can be lost."""
LEAST_BETWEEN_LOOKS = 0.15

HintTaker = Callable[[float], Awaitable[set[str]]]


class LogGrowth:
    """The logs that are meant by `which`, of somebody who began with try `first`, as they grow.

    It is over when no log can become longer, or once `closing` is set.
    """

    def __init__(
        self, database: Database, training_id: UUID, which: Which, first: int, closing: asyncio.Event | None = None
    ) -> None:
        self._database = database
        self._training_id = training_id
        self._which = which
        self._first = first
        self._closing = closing

    async def more(self, taken: Mapping[UUID, int], take: HintTaker) -> list[LogInfo] | None:
        """The logs as soon as they have something that was not `taken`; None when nothing can come any more."""
        loop = asyncio.get_running_loop()
        looked = 0.0
        while self._closing is None or not self._closing.is_set():
            if loop.time() - looked >= LOOK_SECONDS or await self._hinted(take):
                looked = loop.time()
                async with self._database.read() as connection:
                    overview = await log_reading.overview(connection, self._training_id)
                if overview is None:
                    return None
                logs = following(overview, self._which, self._first)
                if any(log.readable > taken.get(log.attempt_id, 0) for log in logs):
                    return logs
                if not may_grow(overview, logs, self._which):
                    return None
        return None

    async def _hinted(self, take: HintTaker) -> bool:
        await asyncio.sleep(LEAST_BETWEEN_LOOKS)
        return bool(await take(LOOK_SECONDS / 4) & {str(self._training_id), ANYTHING})
