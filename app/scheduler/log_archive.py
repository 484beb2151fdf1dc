"""From rows into storage: finished chunks become compressed objects, and at the end the whole log is judged."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from itertools import accumulate
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import log_claims, log_rows
from app.db.engine import Database
from app.db.log_claims import LogSource
from app.domain.log import LogPart
from app.domain.termination import LogDigest, LogSum, judge_log, parse_termination
from app.services.log_bytes import LogBytes
from app.storage import ObjectStore

SEGMENT_BYTES = 4 * 1024 * 1024
AT_A_TIME = 4

_log = structlog.get_logger(__name__)


class LogArchive:
    """Harmless when two workers do the same: an object's name says what is in it, and rows are changed whole."""

    def __init__(self, database: Database, storage: ObjectStore) -> None:
        self._database = database
        self._storage = storage
        self._bytes = LogBytes(database, storage, cache_bytes=SEGMENT_BYTES)
        self._slots = asyncio.Semaphore(AT_A_TIME)

    async def store_full(self, source: LogSource) -> int:
        """Put full segments of a log that still grows into storage; the bytes that are there then.

        Raises LogChanged, StorageUnavailable, DatabaseUnavailable: try again later.
        """
        async with self._slots:
            while True:
                async with self._database.read() as connection:
                    chunks = await log_rows.chunks(connection, source.attempt_id)
                    run = _first_segment(chunks)
                    if len(run) == len(chunks):
                        return chunks[0].offset if chunks else source.bytes
                    data = await _bytes_of(connection, source.attempt_id, run)
                segment = await self._put(source, run, data)
                async with self._database.transaction() as connection:
                    await log_rows.replace_by_segment(connection, source.attempt_id, segment)

    async def finish(self, source: LogSource) -> bool:
        """Put all that is left into storage, compare the whole with what the task said of it, and close the log.

        False: another worker holds the claim, or has done it. Raises as `store_full`, and LogDamaged.
        """
        now, rest, data = await self._rest(source)
        if now is not None and now.bytes - now.stored > SEGMENT_BYTES:
            await self.store_full(source)
            now, rest, data = await self._rest(source)
        if now is None:
            return False
        async with self._slots:
            if now.stored:
                return await self._finish_long(now, rest, data)
            segment = await self._put(now, rest, data) if rest else None
            digest = LogDigest()
            digest.update(data)
            return await self._close(now, segment, digest.sum())

    async def _rest(self, source: LogSource) -> tuple[LogSource | None, list[LogPart], bytes]:
        """The attempt as it is now, and what of its log is not in storage (of a large rest: no bytes)."""
        async with self._database.read() as connection:
            now = await log_claims.source(connection, source.attempt_id, epoch=source.epoch)
            if now is None or now.bytes - now.stored > SEGMENT_BYTES:
                return now, [], b""
            rest = await log_rows.chunks(connection, source.attempt_id)
            return now, rest, await _bytes_of(connection, source.attempt_id, rest)

    async def _finish_long(self, source: LogSource, rest: list[LogPart], data: bytes) -> bool:
        """Not all of it is in memory: what is in storage is read again."""
        if rest:
            segment = await self._put(source, rest, data)
            async with self._database.transaction() as connection:
                await log_rows.replace_by_segment(connection, source.attempt_id, segment)
        return await self._close(source, None, await self._bytes.sum(source.attempt_id))

    async def _close(self, source: LogSource, segment: LogPart | None, received: LogSum) -> bool:
        verdict, missing = judge_log(parse_termination(source.termination), received)
        async with self._database.transaction() as connection:
            if segment is not None:
                await log_rows.replace_by_segment(connection, source.attempt_id, segment)
            closed = await log_rows.judge(
                connection, source.attempt_id, epoch=source.epoch, verdict=verdict, missing_lines=missing
            )
        if closed:
            _log.info(
                "log archived", training=str(source.training_id), task=str(source.key), verdict=verdict, missing=missing
            )
        return closed

    async def _put(self, source: LogSource, run: list[LogPart], data: bytes) -> LogPart:
        start, end = run[0].offset, run[-1].end
        if len(data) != end - start:
            raise log_rows.LogChanged("The chunks are not there any more.")
        sha256 = hashlib.sha256(data).hexdigest()
        key = f"logs/{source.training_id}/{source.attempt_id}/{start:015}-{sha256[:16]}.gz"
        await self._storage.put_bytes(key, await asyncio.to_thread(gzip.compress, data, 6, mtime=0))
        return LogPart(
            offset=start,
            size=end - start,
            first_line=run[0].first_line,
            lines=run[-1].end_line - run[0].first_line,
            first_at=run[0].first_at,
            last_at=run[-1].last_at,
            index=tuple(entry for chunk in run for entry in chunk.index),
            gaps=tuple(gap for chunk in run for gap in chunk.gaps),
            object_key=key,
            sha256=sha256,
        )


def _first_segment(chunks: list[LogPart]) -> list[LogPart]:
    """As many as one object holds, and at least one."""
    sizes = accumulate(chunk.size for chunk in chunks)
    return chunks[: max(1, sum(size <= SEGMENT_BYTES for size in sizes))]


async def _bytes_of(connection: AsyncConnection, attempt_id: UUID, run: list[LogPart]) -> bytes:
    if not run:
        return b""
    rows = await log_rows.chunk_bytes(connection, attempt_id, run[0].offset, run[-1].end)
    return b"".join(data for _, data in rows)
