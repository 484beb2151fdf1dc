"""From changes in the cluster to due rows: many changes of one row's objects within a moment are one hint."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import claims
from app.db.engine import Database
from app.errors import TaasError

GATHER_SECONDS = 0.03
RETRY_SECONDS = 0.5
BATCH = 500
_log = structlog.get_logger(__name__)


class Hints:
    """`write` makes rows due, and `due` is called when it has."""

    def __init__(
        self,
        database: Database,
        due: Callable[[], None],
        write: Callable[[AsyncConnection, Sequence[UUID]], Awaitable[None]] = claims.hint,
    ) -> None:
        self._database = database
        self._due = due
        self._write = write
        self._changed: set[UUID] = set()
        self._ready = asyncio.Event()

    def add(self, id_: UUID) -> None:
        """Something that belongs to that row changed."""
        self._changed.add(id_)
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
                        await self._write(connection, batch)
                except TaasError as exc:
                    _log.warning("hints not written", count=len(batch), problem=exc.detail)
                    self._changed.update(batch)
                    await asyncio.sleep(RETRY_SECONDS)
                else:
                    self._due()
