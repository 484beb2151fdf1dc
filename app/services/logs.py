"""Reading logs: of one attempt, of a task, or of all tasks merged by time; live or archived, it is one stream."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from app.db import log_reading, log_rows
from app.db.engine import Database
from app.db.notify import ANYTHING, Listener
from app.domain.access import Principal
from app.domain.log import LogInfo, LogOverview, LogPart, time_of_line, unix_ms
from app.domain.silence import silent
from app.domain.training import TaskKey
from app.errors import Gone, NotFound
from app.services.log_bytes import BoundedBytes, LogBytes, LogReader
from app.services.log_merge import LogSlice, merged
from app.storage import ObjectMissing, ObjectStore

LOOK_SECONDS = 2.0
"""How often a follower looks by itself: hints can be lost."""
LEAST_BETWEEN_LOOKS = 0.15
TAIL_MOST = 10_000
TAIL_BYTES = 16 * 1024 * 1024
PAGE_MOST = 2_000
PAGE_BYTES = 4 * 1024 * 1024

HintTaker = Callable[[float], Awaitable[set[str]]]


@dataclass(frozen=True, slots=True)
class Which:
    """What to read: all tasks, one (`key`), or one of its tries (`attempt`, counted from 1; None: the newest)."""

    key: TaskKey | None = None
    attempt: int | None = None

    @property
    def merged(self) -> bool:
        return self.key is None


@dataclass(frozen=True, slots=True)
class LogLine:
    """`number` counts from 0; `at_ms` is when it was written, to about a hundredth of a second; `data` has no newline.

    `gap` says that lines may be missing just before it.
    """

    number: int
    at_ms: int
    data: bytes
    gap: bool = False


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines that follow one another; `next` is the number of the line after them, None when there is none yet."""

    log: LogInfo
    lines: tuple[LogLine, ...]
    next: int | None


class LogRemoved(Gone):
    """Retention has removed the log."""

    code = "log_removed"
    title = "The log was removed"


class LogService:
    """Everybody sees every log. All of its methods raise `NotFound` for a training or task that is not there."""

    def __init__(self, database: Database, storage: ObjectStore, listener: Listener) -> None:
        self._database = database
        self._listener = listener
        self._bytes = LogBytes(database, storage)

    async def overview(self, principal: Principal, training_id: UUID) -> LogOverview:
        """Every attempt's log: how long it is, and whether it is whole."""
        async with self._database.read() as connection:
            found = await log_reading.overview(connection, training_id)
        if found is None:
            raise NotFound(f"There is no training {training_id}.")
        return found

    async def silent(self, principal: Principal, training_id: UUID, now: datetime) -> dict[TaskKey, datetime]:
        """The tasks that have stopped speaking while their peers go on, and when each was heard last."""
        async with self._database.read() as connection:
            return silent(await log_reading.speeches(connection, training_id), now)

    async def text(
        self,
        principal: Principal,
        training_id: UUID,
        which: Which,
        *,
        tail: int | None = None,
        follow: bool = False,
        closing: asyncio.Event | None = None,
    ) -> AsyncIterator[bytes]:
        """The bytes as they are; of merged tasks each line begins with the task it is from (`worker-0 | `,
        of a second try `worker-0#2 | `).

        `tail`: only the last lines (at most TAIL_MOST), and what comes. What is wrong with `which` is raised at once,
        before the first byte is asked for; so is `LogRemoved`.
        """
        chosen = await self._chosen(principal, training_id, which)
        if any(log.removed for log in chosen):
            raise LogRemoved("It was older than this installation keeps logs (TAAS_KEEP_LOGS). Its record is kept.")
        slices = await self.slices(principal, training_id, which, tail=tail, follow=follow, closing=closing)
        return _text(slices, labelled=which.merged)

    async def slices(
        self,
        principal: Principal,
        training_id: UUID,
        which: Which,
        *,
        tail: int | None = None,
        follow: bool = False,
        after: dict[UUID, int] | None = None,
        closing: asyncio.Event | None = None,
        begins: dict[UUID, int] | None = None,
    ) -> AsyncIterator[LogSlice]:
        """The same, in pieces that say where they are from; `after`: how many bytes of each attempt are known.

        With `follow` it ends when no log can become longer, or when `closing` is set. `begins` is filled before the
        first piece of a `tail`: how many bytes of each attempt come before it (see `earlier`).
        """
        logs = await self._chosen(principal, training_id, which)
        first = min((log.attempt for log in logs), default=1)
        slices = self._slices(training_id, which, logs, first, dict(after or {}), tail, follow, closing, begins)
        return self._until_removed(training_id, slices)

    async def earlier(
        self, principal: Principal, training_id: UUID, before: Mapping[UUID, int], *, most: int, begins: dict[UUID, int]
    ) -> AsyncIterator[LogSlice]:
        """Of all tasks merged, the last `most` lines among the first `before` bytes of each attempt.

        `begins` is filled before the first piece, as by `slices`.
        """
        logs = [log for log in await self._chosen(principal, training_id, Which()) if before.get(log.attempt_id)]
        bounded = BoundedBytes(self._bytes, before)
        shortened = []
        for log in logs:
            last = await bounded.last_part(log.attempt_id)
            if last is not None:
                shortened.append(replace(log, bytes=min(log.readable, before[log.attempt_id]), lines=last.first_line))
        return self._until_removed(training_id, self._tail(shortened, {}, most, begins, bounded))

    async def page(
        self, principal: Principal, training_id: UUID, key: TaskKey, attempt: int | None, *, line: int, most: int = 500
    ) -> LogPage:
        """At most `most` lines from number `line` on; a negative one counts from the end."""
        chosen = await self._chosen(principal, training_id, Which(key, attempt))
        if not chosen:
            raise NotFound(f"Task {key} has no log (yet).")
        log = chosen[0]
        if log.removed:
            return LogPage(log, (), None)
        line = max(0, log.lines + line) if line < 0 else line
        async with self._database.read() as connection:
            part = await log_reading.part_of_line(connection, log.attempt_id, line)
        if part is None:
            return LogPage(log, (), None)
        try:
            return await self._page(log, _place_before(part, line), line, min(max(1, most), PAGE_MOST))
        except ObjectMissing:
            if not await self._removed(training_id):
                raise
            return LogPage(log, (), None)

    async def tries(self, principal: Principal, training_id: UUID, which: Which) -> list[LogInfo]:
        """All logs that there are of what is meant: of one task without an attempt, those of all its tries."""
        chosen = await self._chosen(principal, training_id, which)
        if which.key is None or which.attempt is not None:
            return chosen
        return [log for log in (await self.overview(principal, training_id)).logs if log.key == which.key]

    async def _chosen(self, principal: Principal, training_id: UUID, which: Which) -> list[LogInfo]:
        """The logs that are meant now. Raises `NotFound` for a task or attempt that the training does not have."""
        overview = await self.overview(principal, training_id)
        if which.key is None:
            return list(overview.logs)
        tries = [log for log in overview.logs if log.key == which.key]
        if not tries:
            async with self._database.read() as connection:
                if not await log_reading.has_task(connection, training_id, which.key):
                    raise NotFound(f"The training has no task {which.key}.")
        if which.attempt is None:
            return tries[-1:]
        found = [log for log in tries if log.attempt == which.attempt]
        if not found:
            raise NotFound(f"Task {which.key} has no attempt {which.attempt}.")
        return found

    async def _removed(self, training_id: UUID) -> bool:
        async with self._database.read() as connection:
            overview = await log_reading.overview(connection, training_id)
        return overview is None or any(log.removed for log in overview.logs)

    async def _page(self, log: LogInfo, place: tuple[int, int], line: int, most: int) -> LogPage:
        """From line `line` on; `place` is a line before it, or itself, and where it begins."""
        lines: list[LogLine] = []
        held, size = b"", 0
        number, begins = place
        gaps: set[int] = set()
        at_ms = 0
        async for part in self._bytes.parts(log.attempt_id, begins):
            gaps.update(part.gaps)
            start = max(part.offset, place[1])
            *whole, held = (held + await self._bytes.read(log.attempt_id, part, start, part.end)).split(b"\n")
            for content in whole:
                at_ms = time_of_line(part.index, number) or unix_ms(part.first_at)
                if number >= line:
                    lines.append(LogLine(number, at_ms, content, gap=begins in gaps))
                    size += len(content)
                number += 1
                begins += len(content) + 1
                if len(lines) >= most or size >= PAGE_BYTES:
                    return LogPage(log, tuple(lines), number if begins < log.bytes else None)
            at_ms = unix_ms(part.last_at)
        if held and number >= line:
            lines.append(LogLine(number, at_ms, held, gap=begins in gaps))
        return LogPage(log, tuple(lines), None)

    async def _slices(
        self,
        training_id: UUID,
        which: Which,
        logs: list[LogInfo],
        first: int,
        taken: dict[UUID, int],
        tail: int | None,
        follow: bool,
        closing: asyncio.Event | None,
        begins: dict[UUID, int] | None,
    ) -> AsyncIterator[LogSlice]:
        with self._listener.subscribe(log_rows.CHANNEL) as hints:
            if tail is not None:
                async for piece in self._tail(logs, taken, min(tail, TAIL_MOST), begins):
                    yield piece
            while True:
                async for piece in self._new(logs, taken):
                    yield piece
                if not follow:
                    return
                overview = await self._wait_for_more(training_id, which, first, taken, hints.take, closing)
                if overview is None:
                    return
                logs = _following(overview, which, first)

    async def _until_removed(self, training_id: UUID, slices: AsyncIterator[LogSlice]) -> AsyncIterator[LogSlice]:
        """Retention may remove what is just being read: then this is the end of it."""
        try:
            async for piece in slices:
                yield piece
        except ObjectMissing:
            if not await self._removed(training_id):
                raise

    async def _new(
        self, logs: list[LogInfo], taken: dict[UUID, int], reader: LogReader | None = None
    ) -> AsyncIterator[LogSlice]:
        """What has come, merged; counted in `taken`."""
        grown = [log for log in logs if log.readable > taken.get(log.attempt_id, 0)]
        fresh = [log.attempt_id for log in grown if not taken.get(log.attempt_id)]
        async with self._database.read() as connection:
            starts = await log_reading.starts(connection, fresh) if fresh else {}
        async for piece in merged(grown, taken, starts, reader or self._bytes):
            taken[piece.log.attempt_id] = piece.end
            yield piece

    async def _tail(
        self,
        logs: list[LogInfo],
        taken: dict[UUID, int],
        most: int,
        begins: dict[UUID, int] | None = None,
        reader: LogReader | None = None,
    ) -> AsyncIterator[LogSlice]:
        """The last lines of all together; `taken` is then where they end. Each log is read from its own last lines."""
        for log in (log for log in logs if log.readable):
            async with self._database.read() as connection:
                part = await log_reading.part_of_line(connection, log.attempt_id, max(0, log.lines - most))
            if part is not None and log.lines > most:
                place = max((entry for entry in part.index if entry[0] <= log.lines - most), default=None)
                taken[log.attempt_id] = place[1] if place else part.offset
        kept: deque[LogSlice] = deque()
        lines = size = 0
        async for piece in self._new(logs, taken, reader):
            for line in _lines_of(piece):
                kept.append(line)
                lines += line.data.endswith(b"\n")
                size += len(line.data)
                while kept and (lines > most or size > TAIL_BYTES):
                    gone = kept.popleft()
                    lines -= gone.data.endswith(b"\n")
                    size -= len(gone.data)
        unended = sum(not line.data.endswith(b"\n") for line in kept)
        while kept and lines + unended > most:
            gone = kept.popleft()
            lines -= gone.data.endswith(b"\n")
        if begins is not None:
            begins.update(taken)
            begins.update((line.log.attempt_id, line.offset) for line in reversed(kept))
        for line in kept:
            yield line

    async def _wait_for_more(
        self,
        training_id: UUID,
        which: Which,
        first: int,
        taken: dict[UUID, int],
        take: HintTaker,
        closing: asyncio.Event | None,
    ) -> LogOverview | None:
        """As soon as there is something that was not taken; None when nothing can come any more."""
        loop = asyncio.get_running_loop()
        looked = 0.0
        while closing is None or not closing.is_set():
            if loop.time() - looked >= LOOK_SECONDS or await self._hinted(training_id, take):
                looked = loop.time()
                async with self._database.read() as connection:
                    overview = await log_reading.overview(connection, training_id)
                if overview is None:
                    return None
                logs = _following(overview, which, first)
                if any(log.readable > taken.get(log.attempt_id, 0) for log in logs):
                    return overview
                if not _may_grow(overview, logs, which):
                    return None
        return None

    async def _hinted(self, training_id: UUID, take: HintTaker) -> bool:
        await asyncio.sleep(LEAST_BETWEEN_LOOKS)
        return bool(await take(LOOK_SECONDS / 4) & {str(training_id), ANYTHING})


def _place_before(part: LogPart, line: int) -> tuple[int, int]:
    """The last place in the part that is known to begin with a line at or before `line`: its number and offset."""
    known = [(number, offset) for number, offset, _ in part.index if number <= line]
    return max(known, default=(part.first_line, part.offset))


def _following(overview: LogOverview, which: Which, first: int) -> list[LogInfo]:
    """The logs that are meant, when new ones may have come: a task's later tries follow its newest."""
    if which.key is None:
        return list(overview.logs)
    wanted = [log for log in overview.logs if log.key == which.key]
    return [log for log in wanted if log.attempt == which.attempt or (which.attempt is None and log.attempt >= first)]


def _may_grow(overview: LogOverview, logs: list[LogInfo], which: Which) -> bool:
    if which.attempt is not None:
        return not all(log.archived for log in logs)
    return overview.growing


async def _text(slices: AsyncIterator[LogSlice], *, labelled: bool) -> AsyncIterator[bytes]:
    async for piece in slices:
        if not labelled:
            yield piece.data
            continue
        label = f"{piece.log.name} | ".encode()
        lines = piece.data.split(b"\n")
        if not lines[-1]:
            lines.pop()
        yield b"".join(label + line + b"\n" for line in lines)


def _lines_of(piece: LogSlice) -> list[LogSlice]:
    lines: list[LogSlice] = []
    offset = piece.offset
    for number, data in enumerate(_LINE.findall(piece.data)):
        lines.append(LogSlice(piece.log, offset, piece.line + number, piece.at_ms, data, piece.gap and not number))
        offset += len(data)
    return lines


_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
