"""What there is to read of a training's logs: which attempts, how much of each, and where a line is."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import log_rows
from app.domain.log import LogInfo, LogOverview, LogPart
from app.domain.silence import Speech
from app.domain.training import ENDED, LogVerdict, State, TaskKey

_OVERVIEW = text("""
    SELECT t.state AS training_state, a.id, a.role, a.index AS task_index, a.number, a.log_bytes, a.log_lines,
           a.log_verdict, a.log_missing_lines, a.log_archived_at IS NOT NULL AS archived,
           t.logs_removed_at IS NOT NULL AS removed
    FROM trainings t LEFT JOIN attempts a ON a.training_id = t.id
    WHERE t.id = :id ORDER BY a.role, a.index, a.number
""")
_SPEECHES = text("""
    SELECT a.role, a.index AS task_index, a.log_lines, coalesce(a.started_at, a.created_at) AS since,
           greatest(c.last_at, s.last_at) AS last_at
    FROM attempts a
    LEFT JOIN LATERAL (SELECT last_at FROM log_chunks WHERE attempt_id = a.id ORDER BY "offset" DESC LIMIT 1) c ON true
    LEFT JOIN LATERAL (
        SELECT last_at FROM log_segments WHERE attempt_id = a.id ORDER BY "offset" DESC LIMIT 1) s ON true
    WHERE a.training_id = :id AND a.state = 'running'
    ORDER BY a.role, a.index
""")
_STARTS = text("""
    SELECT attempt_id, min(first_at) AS first_at FROM (
        SELECT attempt_id, first_at FROM log_chunks WHERE attempt_id = ANY(CAST(:ids AS uuid[]))
        UNION ALL
        SELECT attempt_id, first_at FROM log_segments WHERE attempt_id = ANY(CAST(:ids AS uuid[]))) parts
    GROUP BY attempt_id
""")


async def overview(connection: AsyncConnection, training_id: UUID) -> LogOverview | None:
    """None when there is no such training."""
    rows = (await connection.execute(_OVERVIEW, {"id": training_id})).all()
    if not rows:
        return None
    logs = tuple(
        LogInfo(
            attempt_id=row.id,
            key=TaskKey(row.role, row.task_index),
            attempt=row.number,
            bytes=row.log_bytes,
            lines=row.log_lines,
            archived=row.archived,
            verdict=LogVerdict(row.log_verdict) if row.log_verdict else None,
            missing_lines=row.log_missing_lines,
            removed=row.removed and row.log_bytes > 0,
        )
        for row in rows
        if row.id is not None
    )
    growing = State(rows[0].training_state) not in ENDED or not all(log.archived for log in logs)
    return LogOverview(logs, growing)


async def speeches(connection: AsyncConnection, training_id: UUID) -> list[Speech]:
    """What the tasks that run now have said so far."""
    rows = await connection.execute(_SPEECHES, {"id": training_id})
    return [Speech(TaskKey(row.role, row.task_index), row.since, row.log_lines, row.last_at) for row in rows]


async def whose(connection: AsyncConnection, training_id: UUID) -> str:
    """What a file of its logs may be called: `digits-3`."""
    query = text("SELECT project || '-' || number FROM trainings WHERE id = :id")
    return str((await connection.execute(query, {"id": training_id})).scalar_one())


async def has_task(connection: AsyncConnection, training_id: UUID, key: TaskKey) -> bool:
    """Also before its first pod."""
    query = text("SELECT 1 FROM tasks WHERE training_id = :id AND role = :role AND index = :index")
    values = {"id": training_id, "role": key.role, "index": key.index}
    return (await connection.execute(query, values)).first() is not None


async def starts(connection: AsyncConnection, attempt_ids: Collection[UUID]) -> dict[UUID, int]:
    """When each of these logs begins, in Unix ms; empty ones are left out."""
    rows = await connection.execute(_STARTS, {"ids": list(attempt_ids)})
    return {row.attempt_id: int(row.first_at.timestamp() * 1000) for row in rows}


async def part_of_line(connection: AsyncConnection, attempt_id: UUID, line: int) -> LogPart | None:
    """The last part that begins at or before the line. Chunks first: see `log_rows.parts`."""
    found: list[LogPart] = []
    for table in ("log_chunks", "log_segments"):
        query = text(f"""
            SELECT "offset" FROM {table} WHERE attempt_id = :id AND first_line <= :line
            ORDER BY "offset" DESC LIMIT 1
        """)
        offset = (await connection.execute(query, {"id": attempt_id, "line": line})).scalar()
        if offset is not None:
            found += await log_rows.parts(connection, attempt_id, after=offset, most=1)
    return max(found, key=lambda part: part.offset, default=None)
