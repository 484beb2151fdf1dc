"""Searches logs, archived and live, within bounds: what is not looked at in time is looked at by the next call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic
from uuid import UUID

from app.db import log_reading
from app.db.engine import Database
from app.domain.access import Principal
from app.domain.log import LogInfo
from app.domain.log_search import CONTEXT_MAX, HITS_MAX, TEXT_MAX, FoundLine, LogFinds, LogHit, LogPlace, LogQuery
from app.domain.paging import bad_cursor
from app.errors import NotFound
from app.services.log_bytes import LogBytes
from app.services.log_choice import LogRemoved, Which
from app.services.log_scan import Finder, Scan
from app.services.logs import LogService
from app.storage import ObjectMissing, ObjectStore

SEARCH_SECONDS = 2.0
"""A call goes on no longer than this, plus the time of one part of a log."""
AT_A_TIME = 4


class LogSearchService:
    """Everybody may search every log."""

    def __init__(self, database: Database, storage: ObjectStore, logs: LogService) -> None:
        self._database = database
        self._logs = logs
        self._bytes = LogBytes(database, storage, cache_bytes=0)
        self._slots = asyncio.Semaphore(AT_A_TIME)

    async def search(
        self,
        principal: Principal,
        training_id: UUID,
        which: Which,
        query: LogQuery,
        *,
        after: LogPlace | None = None,
        seconds: float = SEARCH_SECONDS,
    ) -> LogFinds:
        """The first hits behind `after`. `which` without an attempt means all tries.

        Raises `NotFound`, `LogRemoved`, and `InvalidInput` for a pattern that is not one or a place that is not there.
        """
        finder = await asyncio.to_thread(Finder, query)
        logs = await self._from(principal, training_id, which, after)
        try:
            async with self._slots:
                finds = await self._look(logs, finder, query, after, monotonic() + seconds)
        except ObjectMissing:
            await self._from(principal, training_id, which, after)  # says so when retention was faster
            raise
        return LogFinds(
            await self._around(principal, training_id, finds.hits, query.context), finds.next, finds.searched
        )

    async def _from(
        self, principal: Principal, training_id: UUID, which: Which, after: LogPlace | None
    ) -> list[LogInfo]:
        logs = await self._logs.tries(principal, training_id, which)
        if any(log.removed for log in logs):
            raise LogRemoved
        if after is not None:
            known = [at for at, log in enumerate(logs) if log.attempt_id == after.attempt_id]
            if not known or after.line < 0:
                raise bad_cursor()
            logs = logs[known[0] :]
        return logs

    async def _look(
        self, logs: Sequence[LogInfo], finder: Finder, query: LogQuery, after: LogPlace | None, until: float
    ) -> LogFinds:
        hits: list[LogHit] = []
        most, searched = min(query.most, HITS_MAX), 0
        for log in (log for log in logs if log.readable):
            first = after.line if after and after.attempt_id == log.attempt_id else 0
            async with self._database.read() as connection:
                # The line before it: a part may begin in the middle of a line.
                begin = await log_reading.part_of_line(connection, log.attempt_id, max(0, first - 1))
            scan, part = Scan(finder, first), None
            async for part in self._bytes.parts(log.attempt_id, begin.offset if begin else 0):
                data = await self._bytes.read(log.attempt_id, part, part.offset, part.end)
                found = await asyncio.to_thread(scan.feed, part, data, most - len(hits))
                searched += len(data)
                hits += [LogHit(log, line) for line in found]
                # Without a step forward the next call would do the same again.
                if len(hits) >= most or (monotonic() > until and scan.line > first):
                    return LogFinds(tuple(hits), LogPlace(log.attempt_id, scan.line), searched)
            if part is not None:
                hits += [LogHit(log, line) for line in scan.rest(part, most - len(hits))]
        return LogFinds(tuple(hits), None, searched)

    async def _around(
        self, principal: Principal, training_id: UUID, hits: Sequence[LogHit], context: int
    ) -> tuple[LogHit, ...]:
        """The same hits with the lines around them; those that are close together are read at once."""
        context = min(context, CONTEXT_MAX)
        if not context:
            return tuple(hits)
        done: list[LogHit] = []
        for group in _groups(hits, context):
            log, first, last = group[0].log, group[0].line.number - context, group[-1].line.number + context
            first = max(0, first)
            try:
                page = await self._logs.page(
                    principal, training_id, log.key, log.attempt, line=first, most=last - first + 1
                )
            except NotFound:
                done += group
                continue
            lines = [FoundLine(line.number, line.at_ms, line.data[:TEXT_MAX]) for line in page.lines]
            for hit in group:
                at = hit.line.number
                before = tuple(line for line in lines if at - context <= line.number < at)
                after = tuple(line for line in lines if at < line.number <= at + context)
                done.append(LogHit(hit.log, hit.line, before, after))
        return tuple(done)


def _groups(hits: Sequence[LogHit], context: int) -> list[list[LogHit]]:
    groups: list[list[LogHit]] = []
    for hit in hits:
        last = groups[-1][-1] if groups else None
        near = last is not None and last.log is hit.log and hit.line.number - last.line.number <= 2 * context + 1
        if near:
            groups[-1].append(hit)
        else:
            groups.append([hit])
    return groups
