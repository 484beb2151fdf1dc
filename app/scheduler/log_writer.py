"""Writes what all followed logs have received: one transaction for many, at most half a second late."""

from __future__ import annotations

import asyncio

import structlog

from app.db import log_rows
from app.db.engine import Database
from app.domain.log import LogPiece
from app.errors import TaasError
from app.k8s.log_parser import Position
from app.scheduler.log_tail import CHUNK_BYTES, Tail

GATHER_SECONDS = 0.4
BATCH_BYTES = 8 * 1024 * 1024
RETRY_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class LogWriter:
    """`put` hands a piece over; `run` writes for ever."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dirty: dict[Tail, None] = {}
        self._some = asyncio.Event()
        self._urgent = asyncio.Event()

    async def put(self, tail: Tail, piece: LogPiece, position: Position) -> None:
        """Take the piece over, when there is room. It is in the database at the latest when `tail.settled()`."""
        await tail.room()
        tail.add(piece, position)
        self._dirty[tail] = None
        self._some.set()
        if tail.waiting >= CHUNK_BYTES:
            self._urgent.set()

    def hurry(self) -> None:
        """Somebody waits for what was put."""
        self._urgent.set()

    async def run(self) -> None:
        while True:
            await self._some.wait()
            await self._gather()
            while self._dirty:
                await self._write()
            self._some.clear()

    async def _gather(self) -> None:
        try:
            async with asyncio.timeout(GATHER_SECONDS):
                await self._urgent.wait()
        except TimeoutError:
            return
        finally:
            self._urgent.clear()

    async def _write(self) -> None:
        batch = self._batch()
        work = {tail: tail.to_write() for tail in batch}
        try:
            async with self._database.transaction() as connection:
                grown = await log_rows.append(connection, [append for append, _ in work.values()])
        except TaasError as exc:
            _log.warning("logs not written", logs=len(batch), problem=exc.detail)
            self._dirty |= dict.fromkeys(batch)
            await asyncio.sleep(RETRY_SECONDS)
            return
        for tail, (append, count) in work.items():
            if append.attempt_id in grown:
                tail.wrote(append, count)
            else:
                tail.lose()

    def _batch(self) -> list[Tail]:
        batch: list[Tail] = []
        size = 0
        for tail in list(self._dirty):
            if size >= BATCH_BYTES:
                break
            del self._dirty[tail]
            if tail.waiting and not tail.lost:
                batch.append(tail)
                size += tail.waiting
        return batch
