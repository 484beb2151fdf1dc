"""What several logs have that was not taken yet, and the last lines of them all together."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from app.db import log_reading
from app.db.engine import Database
from app.domain.log import LogInfo
from app.services.log_bytes import BoundedBytes, LogReader
from app.services.log_merge import LogSlice, merged

TAIL_MOST = 10_000
TAIL_BYTES = 16 * 1024 * 1024

Taken = dict[UUID, int]
"""How many bytes of each attempt are known."""


class LogPieces:
    """Reads pieces of logs in the order of time; what has been read is counted in `taken`."""

    def __init__(self, database: Database, reader: LogReader) -> None:
        self._database = database
        self._reader = reader

    async def new(self, logs: Sequence[LogInfo], taken: Taken) -> AsyncIterator[LogSlice]:
        """What has come."""
        async for piece in self._new(logs, taken, self._reader):
            yield piece

    async def _new(self, logs: Sequence[LogInfo], taken: Taken, reader: LogReader) -> AsyncIterator[LogSlice]:
        grown = [log for log in logs if log.readable > taken.get(log.attempt_id, 0)]
        fresh = [log.attempt_id for log in grown if not taken.get(log.attempt_id)]
        async with self._database.read() as connection:
            starts = await log_reading.starts(connection, fresh) if fresh else {}
        async for piece in merged(grown, taken, starts, reader):
            taken[piece.log.attempt_id] = piece.end
            yield piece

    async def last(
        self, logs: Sequence[LogInfo], taken: Taken, most: int, begins: Taken | None = None
    ) -> AsyncIterator[LogSlice]:
        """The last lines, at most `most` and TAIL_BYTES; `taken` is then where they end.

        Each log is read from its own last lines to where it ends now: of tasks that write faster than can be read
        there would be no end to wait for. `begins` is filled before the first piece: how many bytes of each attempt
        come before it.
        """
        for log in (log for log in logs if log.readable):
            async with self._database.read() as connection:
                part = await log_reading.part_of_line(connection, log.attempt_id, max(0, log.lines - most))
            if part is not None and log.lines > most:
                place = max((entry for entry in part.index if entry[0] <= log.lines - most), default=None)
                taken[log.attempt_id] = place[1] if place else part.offset
        kept = _Kept(most)
        as_it_is = BoundedBytes(self._reader, {log.attempt_id: log.readable for log in logs})
        async for piece in self._new(logs, taken, as_it_is):
            for line in _lines_of(piece):
                kept.add(line)
        kept.end()
        if begins is not None:
            begins.update(taken)
            begins.update((line.log.attempt_id, line.offset) for line in reversed(kept.lines))
        for line in kept.lines:
            yield line


class _Kept:
    """The newest lines within both bounds."""

    def __init__(self, most: int) -> None:
        self.lines: deque[LogSlice] = deque()
        self._most = most
        self._ended = 0
        self._bytes = 0

    def add(self, line: LogSlice) -> None:
        self.lines.append(line)
        self._ended += line.data.endswith(b"\n")
        self._bytes += len(line.data)
        while self.lines and (self._ended > self._most or self._bytes > TAIL_BYTES):
            self._drop()

    def end(self) -> None:
        """Lines without an end count as well, now that it is known which they are."""
        unended = sum(not line.data.endswith(b"\n") for line in self.lines)
        while self.lines and self._ended + unended > self._most:
            self._drop()

    def _drop(self) -> None:
        gone = self.lines.popleft()
        self._ended -= gone.data.endswith(b"\n")
        self._bytes -= len(gone.data)


def _lines_of(piece: LogSlice) -> list[LogSlice]:
    lines: list[LogSlice] = []
    offset = piece.offset
    for number, data in enumerate(_LINE.findall(piece.data)):
        lines.append(LogSlice(piece.log, offset, piece.line + number, piece.at_ms, data, piece.gap and not number))
        offset += len(data)
    return lines


_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
