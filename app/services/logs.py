"""Reading logs: of one attempt, of a task, or of all tasks merged by time; live or archived, it is one stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from app.db import log_reading, log_rows
from app.db.engine import Database
from app.db.notify import Listener
from app.domain.access import Principal
from app.domain.log import LogInfo, LogOverview
from app.domain.silence import silent
from app.domain.training import TaskKey
from app.errors import NotFound
from app.services.log_bytes import BoundedBytes, LogBytes
from app.services.log_choice import LogRemoved, Which
from app.services.log_growth import LogGrowth
from app.services.log_merge import LogSlice
from app.services.log_pages import PAGE_MOST, LogPage, page_from
from app.services.log_pieces import TAIL_MOST, LogPieces, Taken
from app.storage import ObjectMissing, ObjectStore


class LogService:
    """Everybody sees every log. All of its methods raise `NotFound` for a training or task that is not there."""

    def __init__(self, database: Database, storage: ObjectStore, listener: Listener) -> None:
        self._database = database
        self._listener = listener
        self._bytes = LogBytes(database, storage)
        self._pieces = LogPieces(database, self._bytes)

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
            raise LogRemoved
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
        after: Taken | None = None,
        closing: asyncio.Event | None = None,
        begins: Taken | None = None,
    ) -> AsyncIterator[LogSlice]:
        """The same, in pieces that say where they are from; `after`: how many bytes of each attempt are known.

        With `follow` it ends when no log can become longer, or when `closing` is set. `begins` is filled before the
        first piece of a `tail`: how many bytes of each attempt come before it (see `earlier`).
        """
        logs = await self._chosen(principal, training_id, which)
        first = min((log.attempt for log in logs), default=1)
        growth = LogGrowth(self._database, training_id, which, first, closing) if follow else None
        return self._until_removed(training_id, self._slices(logs, dict(after or {}), tail, growth, begins))

    async def earlier(
        self, principal: Principal, training_id: UUID, before: Mapping[UUID, int], *, most: int, begins: Taken
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
        pieces = LogPieces(self._database, bounded)
        return self._until_removed(training_id, pieces.last(shortened, {}, most, begins))

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
            return await page_from(self._bytes, log, part, line, min(max(1, most), PAGE_MOST))
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

    async def _slices(
        self, logs: list[LogInfo], taken: Taken, tail: int | None, growth: LogGrowth | None, begins: Taken | None
    ) -> AsyncIterator[LogSlice]:
        with self._listener.subscribe(log_rows.CHANNEL) as hints:
            if tail is not None:
                async for piece in self._pieces.last(logs, taken, min(tail, TAIL_MOST), begins):
                    yield piece
            more: list[LogInfo] | None = logs
            while more is not None:
                async for piece in self._pieces.new(more, taken):
                    yield piece
                more = await growth.more(taken, hints.take) if growth else None

    async def _until_removed(self, training_id: UUID, slices: AsyncIterator[LogSlice]) -> AsyncIterator[LogSlice]:
        """Retention may remove what is just being read: then this is the end of it."""
        try:
            async for piece in slices:
                yield piece
        except ObjectMissing:
            if not await self._removed(training_id):
                raise


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
