"""What of a log is kept: chunks in rows, segments in storage, and the verdict on the whole.

A log only grows, in order: whoever appends says how long it was, and nothing is written if it is longer by now or if
the epoch of the claim has passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import notify
from app.db.tables import log_chunks, log_segments
from app.domain.log import IndexEntry, LogPart
from app.domain.training import LogVerdict
from app.errors import Conflict

CHANNEL = "logs"


class LogChanged(Conflict):
    """The log's rows are not what they were: look again."""


@dataclass(frozen=True, slots=True)
class Append:
    """Chunks that follow one another, to be put behind the first `offset` bytes of an attempt's log."""

    attempt_id: UUID
    training_id: UUID
    epoch: int
    chunks: tuple[tuple[LogPart, bytes], ...]
    resume: str

    @property
    def offset(self) -> int:
        return self.chunks[0][0].offset

    @property
    def last(self) -> LogPart:
        return self.chunks[-1][0]


_GROW = text("""
    WITH grown AS (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:epochs AS bigint[]), CAST(:before AS bigint[]),
                             CAST(:bytes AS bigint[]), CAST(:lines AS bigint[]), CAST(:resume AS text[]))
            AS g(id, epoch, before, bytes, lines, resume)),
    locked AS (SELECT a.id FROM attempts a JOIN grown g ON g.id = a.id ORDER BY a.pod_uid FOR NO KEY UPDATE OF a)
    UPDATE attempts a SET log_bytes = g.bytes, log_lines = g.lines, log_last_at = g.resume
    FROM grown g JOIN locked l ON l.id = g.id, trainings t
    WHERE a.id = g.id AND a.log_bytes = g.before AND a.log_archived_at IS NULL
      AND t.id = a.training_id AND t.log_epoch = g.epoch
    RETURNING a.id
""")
# The training before its attempts, as workers take them.
_HOLD = text("""
    SELECT 1 FROM trainings WHERE id = (SELECT training_id FROM attempts WHERE id = :id) AND log_epoch = :epoch
    FOR NO KEY UPDATE
""")
_JUDGE = text("""
    UPDATE attempts a SET log_verdict = :verdict, log_missing_lines = :missing, log_archived_at = now()
    FROM trainings t
    WHERE a.id = :id AND t.id = a.training_id AND t.log_epoch = :epoch AND a.log_archived_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM log_chunks c WHERE c.attempt_id = a.id)
    RETURNING a.training_id
""")
_WAKE = text("""
    UPDATE trainings t SET intent_gen = intent_gen + 1
    WHERE t.id = :id AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.training_id = t.id AND a.log_archived_at IS NULL)
""")


async def append(connection: AsyncConnection, appends: Sequence[Append]) -> set[UUID]:
    """Write all that still fit; the attempts whose log was grown."""
    values = {
        "ids": [one.attempt_id for one in appends],
        "epochs": [one.epoch for one in appends],
        "before": [one.offset for one in appends],
        "bytes": [one.last.end for one in appends],
        "lines": [one.last.end_line for one in appends],
        "resume": [one.resume for one in appends],
    }
    grown = {row.id for row in await connection.execute(_GROW, values)}
    rows = [
        {
            "attempt_id": one.attempt_id,
            "offset": part.offset,
            "first_line": part.first_line,
            "lines": part.lines,
            "data": data,
            "first_at": part.first_at,
            "last_at": part.last_at,
            "index": part.index,
            "gap_before": int(bool(part.gaps)),
        }
        for one in appends
        if one.attempt_id in grown
        for part, data in one.chunks
    ]
    if rows:
        await connection.execute(insert(log_chunks), rows)
    for one in appends:
        if one.attempt_id in grown:
            notify.publish(connection, CHANNEL, one.training_id)
    return grown


async def chunks(connection: AsyncConnection, attempt_id: UUID, *, after: int = 0, most: int = 10_000) -> list[LogPart]:
    """The attempt's chunks that have something behind the first `after` bytes, in order, without their bytes."""
    table = log_chunks.c
    columns = [column for column in table if column is not table.data]
    size = func.octet_length(table.data)
    query = (
        select(*columns, size.label("size"))
        .where(table.attempt_id == attempt_id, table.offset + size > after)
        .order_by(table.offset)
        .limit(most)
    )
    return [_chunk_of(row) for row in await connection.execute(query)]


async def chunk_bytes(connection: AsyncConnection, attempt_id: UUID, start: int, end: int) -> list[tuple[int, bytes]]:
    """Offset and bytes of the chunks that begin in `start`…`end`."""
    table = log_chunks.c
    query = (
        select(table.offset, table.data)
        .where(table.attempt_id == attempt_id, table.offset >= start, table.offset < end)
        .order_by(table.offset)
    )
    return [(row.offset, row.data) for row in await connection.execute(query)]


async def segments(
    connection: AsyncConnection, attempt_id: UUID, *, after: int = 0, most: int = 10_000
) -> list[LogPart]:
    """The same of the attempt's segments."""
    table = log_segments.c
    query = (
        select(log_segments)
        .where(table.attempt_id == attempt_id, table.offset + table.size > after)
        .order_by(table.offset)
        .limit(most)
    )
    return [_segment_of(row) for row in await connection.execute(query)]


async def parts(connection: AsyncConnection, attempt_id: UUID, *, after: int = 0, most: int = 64) -> list[LogPart]:
    """What follows the first `after` bytes, without a hole: about `most` chunks or segments.

    The first may begin before. Chunks are asked for first: one that becomes a segment meanwhile is found in both.
    """
    rows = await chunks(connection, attempt_id, after=after, most=most)
    objects = await segments(connection, attempt_id, after=after, most=most)
    found: list[LogPart] = []
    for part in sorted([*objects, *rows], key=lambda part: (part.offset, part.object_key is None)):
        reached = found[-1].end if found else after
        if part.offset > reached:
            break
        if part.end > reached and (not found or part.offset == reached):
            found.append(part)
    return found


async def replace_by_segment(connection: AsyncConnection, attempt_id: UUID, part: LogPart) -> None:
    """The chunks that the segment covers are in storage now. Raises LogChanged when another worker was faster."""
    values = {
        "attempt_id": attempt_id,
        "offset": part.offset,
        "size": part.size,
        "first_line": part.first_line,
        "lines": part.lines,
        "object_key": part.object_key,
        "sha256": part.sha256,
        "index": part.index,
        "gaps": part.gaps,
        "first_at": part.first_at,
        "last_at": part.last_at,
    }
    table = log_chunks.c
    gone = await connection.execute(
        delete(log_chunks)
        .where(table.attempt_id == attempt_id, table.offset >= part.offset, table.offset < part.end)
        .returning(func.octet_length(table.data))
    )
    if sum(gone.scalars()) != part.size:
        raise LogChanged("Another worker has put these chunks into storage.")
    await connection.execute(insert(log_segments).values(**values))


async def judge(
    connection: AsyncConnection, attempt_id: UUID, *, epoch: int, verdict: LogVerdict, missing_lines: int | None
) -> bool:
    """The log is whole in storage: close it, and wake the training when it was its last. False: another worker did."""
    values = {"id": attempt_id, "epoch": epoch, "verdict": verdict.value, "missing": missing_lines}
    if (await connection.execute(_HOLD, {"id": attempt_id, "epoch": epoch})).first() is None:
        return False
    row = (await connection.execute(_JUDGE, values)).first()
    if row is None:
        return False
    notify.publish(connection, CHANNEL, row.training_id)
    if (await connection.execute(_WAKE, {"id": row.training_id})).rowcount:
        notify.publish(connection, "trainings", row.training_id)
    return True


async def unarchived(connection: AsyncConnection, training_id: UUID) -> int:
    """How many attempts of the training have a log that is not archived."""
    query = text("SELECT count(*) FROM attempts WHERE training_id = :id AND log_archived_at IS NULL")
    return int((await connection.execute(query, {"id": training_id})).scalar_one())


def _chunk_of(row: Row[Any]) -> LogPart:
    return LogPart(
        offset=row.offset,
        size=row.size,
        first_line=row.first_line,
        lines=row.lines,
        first_at=row.first_at,
        last_at=row.last_at,
        index=_index(row),
        gaps=(row.offset,) if row.gap_before else (),
    )


def _segment_of(row: Row[Any]) -> LogPart:
    return LogPart(
        offset=row.offset,
        size=row.size,
        first_line=row.first_line,
        lines=row.lines,
        first_at=row.first_at,
        last_at=row.last_at,
        index=_index(row),
        gaps=tuple(row.gaps),
        object_key=row.object_key,
        sha256=row.sha256,
    )


def _index(row: Row[Any]) -> tuple[IndexEntry, ...]:
    return tuple((line, offset, at_ms) for line, offset, at_ms in row._mapping["index"])
