"""One attempt's log on its way from the cluster into rows: what has been received and is not yet written."""

from __future__ import annotations

import asyncio

from app.db.log_claims import LogSource
from app.db.log_rows import Append
from app.domain.log import LogPart, LogPiece
from app.k8s.log_parser import Position
from app.k8s.logs import Unended

CHUNK_BYTES = 128 * 1024
ROOM_BYTES = 256 * 1024
"""Bytes that may wait to be written; whoever receives more waits too, and in the end the cluster does."""


class Tail:
    """`source` is the attempt as last seen in the database; `position` is how far its log was received."""

    def __init__(self, source: LogSource) -> None:
        self.source = source
        self.position = Position.parse(source.resume)
        self.stored = source.stored
        self.unended: Unended | None = None
        self.done = False  # judged, by whomever
        self.lost = False  # another worker's by now, or not as long as it was thought to be
        self.served_at = 0.0  # by the loop's clock: when it was last followed
        self.retry_at = 0.0
        self.failures = 0
        self.last_reads = 0
        self.read_out = False  # there is nothing more to be had from the cluster
        self.over_since: float | None = None
        self.archiving: asyncio.Task[None] | None = None
        self._written = source.bytes
        self._written_lines = source.lines
        self._pieces: list[LogPiece] = []
        self._size = 0
        self._changed = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Bytes received and not written."""
        return self._size

    @property
    def unstored(self) -> int:
        """Bytes in rows that are not in storage."""
        return self._written - self.stored

    async def room(self) -> None:
        """Wait until more may be received."""
        while self._size >= ROOM_BYTES and not self.lost:
            await self._change()

    async def settled(self) -> None:
        """Wait until all that was received is written."""
        while self._pieces and not self.lost:
            await self._change()

    def add(self, piece: LogPiece, position: Position) -> None:
        """Take a piece over; `position` is behind it."""
        self._pieces.append(piece)
        self._size += len(piece.data)
        self.position = position

    def to_write(self) -> tuple[Append, int]:
        """Everything that waits, as chunks, and how many pieces that is."""
        chunks: list[tuple[LogPart, bytes]] = []
        offset, line = self._written, self._written_lines
        for run in _runs(self._pieces):
            part, data = _chunk(run, offset, line)
            chunks.append((part, data))
            offset, line = part.end, part.end_line
        source = self.source
        append = Append(source.attempt_id, source.training_id, source.epoch, tuple(chunks), str(self.position))
        return append, len(self._pieces)

    def wrote(self, append: Append, count: int) -> None:
        """What `to_write` gave is in the database."""
        self._size -= sum(len(piece.data) for piece in self._pieces[:count])
        del self._pieces[:count]
        self._written, self._written_lines = append.last.end, append.last.end_line
        self._changed.set()

    def lose(self) -> None:
        """Nothing more can be written from here."""
        self.lost = True
        self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


def _runs(pieces: list[LogPiece]) -> list[list[LogPiece]]:
    """Pieces that make one chunk each: a gap begins a new one, and none is much larger than CHUNK_BYTES."""
    runs: list[list[LogPiece]] = []
    size = 0
    for piece in pieces:
        if not runs or piece.gap_before or size + len(piece.data) > CHUNK_BYTES:
            runs.append([])
            size = 0
        runs[-1].append(piece)
        size += len(piece.data)
    return runs


def _chunk(run: list[LogPiece], offset: int, first_line: int) -> tuple[LogPart, bytes]:
    index: list[tuple[int, int, int]] = []
    at, line = offset, first_line
    for piece in run:
        index.extend((line + lines, at + size, at_ms) for lines, size, at_ms in piece.marks)
        at += len(piece.data)
        line += piece.lines
    part = LogPart(
        offset=offset,
        size=at - offset,
        first_line=first_line,
        lines=line - first_line,
        first_at=run[0].first_at,
        last_at=run[-1].last_at,
        index=tuple(index),
        gaps=(offset,) if run[0].gap_before else (),
    )
    return part, b"".join(piece.data for piece in run)
