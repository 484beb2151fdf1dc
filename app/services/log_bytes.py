"""The bytes of logs, wherever they are: rows for the newest, compressed objects for the rest."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from app.db import log_rows
from app.db.engine import Database
from app.domain.log import LogPart
from app.domain.termination import LogDigest, LogSum
from app.errors import TaasError
from app.storage import ObjectStore

CACHE_BYTES = 32 * 1024 * 1024


class LogDamaged(TaasError):
    """An object in storage is not what was put there."""

    code = "log_damaged"
    title = "The stored log is damaged"


class LogReader(Protocol):
    """Where the parts of logs, and their bytes, come from."""

    def parts(self, attempt_id: UUID, after: int = 0) -> AsyncIterator[LogPart]:
        """What there is behind the first `after` bytes, part by part."""

    async def read(self, attempt_id: UUID, part: LogPart, start: int, end: int) -> bytes:
        """The bytes from `start` to `end` of one part."""


class LogBytes:
    """Reads parts of logs. Unpacked segments are kept for a moment: readers usually want what comes next."""

    def __init__(self, database: Database, storage: ObjectStore, *, cache_bytes: int = CACHE_BYTES) -> None:
        self._database = database
        self._storage = storage
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self._cache_bytes = cache_bytes

    async def parts(self, attempt_id: UUID, after: int = 0) -> AsyncIterator[LogPart]:
        """What there is behind the first `after` bytes, part by part, until now."""
        while True:
            async with self._database.read() as connection:
                found = await log_rows.parts(connection, attempt_id, after=after)
            for part in found:
                yield part
            if not found:
                return
            after = found[-1].end

    async def read(self, attempt_id: UUID, part: LogPart, start: int, end: int) -> bytes:
        """The bytes from `start` to `end` (offsets in the log) of one part. Raises LogDamaged, StorageUnavailable."""
        if part.object_key is None:
            async with self._database.read() as connection:
                rows = await log_rows.chunk_bytes(connection, attempt_id, part.offset, part.offset + 1)
                if not rows:  # it has become part of a segment since it was listed
                    (part,) = await log_rows.segments(connection, attempt_id, after=part.offset, most=1)
        data = await self._segment(part) if part.object_key else rows[0][1]
        return data[start - part.offset : end - part.offset]

    async def pieces(self, attempt_id: UUID, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The log's bytes from `start` to `end`, or to what there is now."""
        async for part in self.parts(attempt_id, start):
            if end is not None and part.offset >= end:
                return
            begin, stop = max(start, part.offset), part.end if end is None else min(end, part.end)
            if stop > begin:
                yield await self.read(attempt_id, part, begin, stop)

    async def sum(self, attempt_id: UUID) -> LogSum:
        """The canonical sum of the whole log as it is kept."""
        digest = LogDigest()
        async for piece in self.pieces(attempt_id):
            await asyncio.to_thread(digest.update, piece)
        return digest.sum()

    async def _segment(self, part: LogPart) -> bytes:
        key = part.object_key or ""
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        packed = await self._storage.read(key)
        data = await asyncio.to_thread(_unpack, packed, part)
        self._cache[key] = data
        while sum(map(len, self._cache.values())) > self._cache_bytes:
            self._cache.popitem(last=False)
        return data


class BoundedBytes:
    """The same logs, as if each had only its first bytes (`bounds`, by attempt; none of those not named)."""

    def __init__(self, whole: LogReader, bounds: Mapping[UUID, int]) -> None:
        self._whole = whole
        self._bounds = bounds

    async def parts(self, attempt_id: UUID, after: int = 0) -> AsyncIterator[LogPart]:
        bound = self._bounds.get(attempt_id, 0)
        if after >= bound:
            return
        async for part in self._whole.parts(attempt_id, after):
            if part.offset >= bound:
                return
            yield part if part.end <= bound else _cut(part, bound)

    async def read(self, attempt_id: UUID, part: LogPart, start: int, end: int) -> bytes:
        return await self._whole.read(attempt_id, part, start, end)

    async def last_part(self, attempt_id: UUID) -> LogPart | None:
        """The part that the bound lies in; None when there is nothing before it."""
        bound = self._bounds.get(attempt_id, 0)
        async for part in self.parts(attempt_id, bound - 1):
            return part
        return None


def _cut(part: LogPart, bound: int) -> LogPart:
    index = tuple(entry for entry in part.index if entry[1] < bound)
    return replace(part, size=bound - part.offset, index=index)


def _unpack(packed: bytes, part: LogPart) -> bytes:
    try:
        data = gzip.decompress(packed)
    except (OSError, EOFError, ValueError) as exc:
        raise LogDamaged(f"The archived log {part.object_key} cannot be unpacked: {exc}.") from exc
    if hashlib.sha256(data).hexdigest() != part.sha256:
        raise LogDamaged(f"The archived log {part.object_key} is not what was stored: its checksum is another.")
    return data
