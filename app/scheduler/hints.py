"""From changes in the cluster to due rows: many changes of one training within a moment are one hint."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

import structlog

from app.db import claims
from app.db.engine import Database
from app.errors import TaasError

GATHER_SECONDS = 0.03
RETRY_SECONDS = 0.5
BATCH = 500
_log = structlog.get_logger(__name__)


class Hints:
    """`due` is called when rows have been made due."""

    def __init__(self, database: Database, due: Callable[[], None]) -> None:
        self._database = database
        self._due = due
        self._changed: set[UUID] = set()
        self._ready = asyncio.Event()

    def add(self, training_id: UUID) -> None:
        """Something of that training changed."""
        self._changed.add(training_id)
        self._ready.set()

    async def run(self) -> None:
        """Write hints for ever; what cannot be written is kept for the next try."""
        while True:
            await self._ready.wait()
            self._ready.clear()
            await asyncio.sleep(GATHER_SECONDS)
            while self._changed:
                batch = sorted(self._changed)[:BATCH]
                self._changed.difference_update(batch)
                try:
                    async with self._database.transaction() as connection:
                        await claims.hint(connection, batch)
                except TaasError as exc:
                    _log.warning("hints not written", count=len(batch), problem=exc.detail)
                    self._changed.update(batch)
                    await asyncio.sleep(RETRY_SECONDS)
                else:
                    self._due()
