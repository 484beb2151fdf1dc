"""Several logs as one, in the order of time."""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.domain.log import LogBlock, LogInfo, LogPart, blocks_of
from app.services.log_bytes import LogReader

SLICE_BYTES = 64 * 1024
HELD_BYTES = 256 * 1024
"""What of each open log is held in memory; of larger parts the reader keeps a few."""


@dataclass(frozen=True, slots=True)
class LogSlice:
    """Some bytes of one log: `line` is the number of its first line, `at_ms` when that was written.

    `gap` says that lines may be missing just before it.
    """

    log: LogInfo
    offset: int
    line: int
    at_ms: int
    data: bytes
    gap: bool = False

    @property
    def end(self) -> int:
        return self.offset + len(self.data)


async def merged(
    logs: Sequence[LogInfo], taken: Mapping[UUID, int], starts: Mapping[UUID, int], reader: LogReader
) -> AsyncIterator[LogSlice]:
    """What the logs have behind the bytes `taken` of each, until now. Within a log nothing changes places.

    A log is opened when its time has come (`starts`, in Unix ms), so that few are open at a time.
    """
    heap = [
        (starts.get(log.attempt_id, 0), order, _Cursor(log, taken.get(log.attempt_id, 0), reader))
        for order, log in enumerate(logs)
    ]
    heapq.heapify(heap)
    while heap:
        at_ms, order, cursor = heapq.heappop(heap)
        if not cursor.opened:
            await cursor.open(at_ms)
            if cursor.at_ms is not None:
                heapq.heappush(heap, (cursor.at_ms, order, cursor))
            continue
        until = heap[0][:2] if heap else None
        yield await cursor.take(until, order)
        if cursor.at_ms is not None:
            heapq.heappush(heap, (cursor.at_ms, order, cursor))


class _Cursor:
    """A place in one log. `at_ms` is the time of what comes next, None at the end."""

    def __init__(self, log: LogInfo, taken: int, reader: LogReader) -> None:
        self.opened = False
        self.at_ms: int | None = None
        self._log = log
        self._taken = taken
        self._reader = reader
        self._parts = reader.parts(log.attempt_id, taken)
        self._part: LogPart | None = None
        self._blocks: list[LogBlock] = []
        self._data: bytes | None = None  # of the part, when it is small

    async def open(self, at_ms: int) -> None:
        self.opened = True
        self.at_ms = at_ms
        await self._next_part()

    async def take(self, until: tuple[int, int] | None, order: int) -> LogSlice:
        """The next run of bytes: no further than to where another log, at the time and place `until`, has its turn."""
        part = self._part
        assert part is not None
        first = self._blocks[-1]
        at_ms, end = self.at_ms or 0, first.offset
        while self._blocks:
            block = self._blocks[-1]
            at = max(at_ms, block.at_ms)
            others_turn = until is not None and (at, order) > until
            if end > first.offset and (others_turn or block.offset in part.gaps or end - first.offset >= SLICE_BYTES):
                break
            at_ms, end = at, block.end
            self._blocks.pop()
        start = max(first.offset, self._taken)
        found = LogSlice(
            self._log,
            start,
            first.line,
            self.at_ms or 0,
            await self._read(part, start, end),
            gap=start in part.gaps,
        )
        self._taken = end
        self.at_ms = max(at_ms, self._blocks[-1].at_ms) if self._blocks else at_ms
        if not self._blocks:
            await self._next_part()
        return found

    async def _read(self, part: LogPart, start: int, end: int) -> bytes:
        if part.size > HELD_BYTES:
            return await self._reader.read(self._log.attempt_id, part, start, end)
        if self._data is None:
            self._data = await self._reader.read(self._log.attempt_id, part, part.offset, part.end)
        return self._data[start - part.offset : end - part.offset]

    async def _next_part(self) -> None:
        self._data = None
        self._part = await anext(self._parts, None)
        if self._part is None:
            self.at_ms = None
            return
        # A stack: the next block is the last.
        self._blocks = [block for block in blocks_of(self._part) if block.end > self._taken][::-1]
        self.at_ms = max(self.at_ms or 0, self._blocks[-1].at_ms)
