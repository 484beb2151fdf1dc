"""A task's log as it is kept: bytes, cut into chunks (rows), later segments (objects), each with an index in time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.domain.training import LogVerdict, TaskKey

IndexEntry = tuple[int, int, int]
"""A line that begins here: its number, its byte offset (both counted from 0 in the whole log), its time in Unix ms."""


@dataclass(frozen=True, slots=True)
class LogPiece:
    """Some bytes of a log, as they came. `lines` counts the newlines in `data`.

    `marks` are index entries relative to the piece. `gap_before` says that lines may be missing just before it.
    """

    data: bytes
    lines: int
    first_at: datetime
    last_at: datetime
    marks: tuple[IndexEntry, ...] = ()
    gap_before: bool = False


@dataclass(frozen=True, slots=True)
class LogPart:
    """A chunk or a segment: where it lies in its log, and where its bytes are (`object_key` is None for a chunk)."""

    offset: int
    size: int
    first_line: int
    lines: int
    first_at: datetime
    last_at: datetime
    index: tuple[IndexEntry, ...] = ()
    gaps: tuple[int, ...] = ()
    object_key: str | None = None
    sha256: str | None = None

    @property
    def end(self) -> int:
        return self.offset + self.size

    @property
    def end_line(self) -> int:
        """The number of the line that is current after it."""
        return self.first_line + self.lines


@dataclass(frozen=True, slots=True)
class LogBlock:
    """A run of a part that belongs together in time."""

    offset: int
    end: int
    line: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class LogInfo:
    """An attempt's log. `archived`: it has ended, is whole in storage, and `verdict` says what is known of it.

    `removed`: retention has removed it since; the counts say how long it was.
    """

    attempt_id: UUID
    key: TaskKey
    attempt: int
    bytes: int
    lines: int
    archived: bool
    verdict: LogVerdict | None
    missing_lines: int | None
    removed: bool = False

    @property
    def readable(self) -> int:
        """How many bytes there are to read."""
        return 0 if self.removed else self.bytes

    @property
    def name(self) -> str:
        """`worker-0`; of later tries `worker-0#2`."""
        return str(self.key) if self.attempt == 1 else f"{self.key}#{self.attempt}"


@dataclass(frozen=True, slots=True)
class LogOverview:
    """A training's logs, by role and index; `growing` is False when no log can become longer, and none can be added."""

    logs: tuple[LogInfo, ...]
    growing: bool


def blocks_of(part: LogPart) -> Iterator[LogBlock]:
    """The part cut where its index has entries, in order; together they are the whole part."""
    starts = list(part.index)
    if not starts or starts[0][1] > part.offset:
        starts.insert(0, (part.first_line, part.offset, unix_ms(part.first_at)))
    ends = [start for _, start, _ in starts[1:]] + [part.end]
    for (line, offset, at_ms), end in zip(starts, ends, strict=True):
        if end > offset:
            yield LogBlock(offset, end, line, at_ms)


def time_of_line(index: Sequence[IndexEntry], line: int) -> int | None:
    """The Unix ms of the last entry at or before that line; None before the first."""
    place = bisect_right(index, line, key=lambda entry: entry[0])
    return index[place - 1][2] if place else None


def unix_ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
