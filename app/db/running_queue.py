"""Which queued training may start: the limits of the installation and of each project, first in, first out.

All admissions of an installation take one lock in turn, so that two workers never give the same place away.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain import sentences

_LOCK = text("SELECT pg_advisory_xact_lock(7410331)")
_ACTIVE = "state IN ('starting', 'running', 'stopping')"
# `place`: how many running trainings its start would make, counting those before it that may start too.
_PLACES = f"""
    WITH active AS (SELECT project_id, count(*) AS running FROM trainings WHERE {_ACTIVE} GROUP BY project_id),
    waiting AS (
        SELECT t.id, row_number() OVER (PARTITION BY t.project_id ORDER BY t.id) + coalesce(a.running, 0) AS nth,
               coalesce(a.running, 0) AS project_running, (p.spec ->> 'running_limit')::int AS project_limit
        FROM trainings t JOIN projects p ON p.id = t.project_id LEFT JOIN active a ON a.project_id = t.project_id
        WHERE t.state = 'queued' AND t.stop_requested_at IS NULL),
    total AS (SELECT coalesce(sum(running), 0) AS running FROM active),
    eligible AS (
        SELECT id, row_number() OVER (ORDER BY id) + (SELECT running FROM total) AS place
        FROM waiting WHERE project_limit IS NULL OR nth <= project_limit)
"""
_MINE = text(f"""{_PLACES}
    SELECT w.project_running, w.project_limit, e.place
    FROM waiting w LEFT JOIN eligible e ON e.id = w.id WHERE w.id = :id
""")
_WAKE = text(f"""{_PLACES}
    UPDATE trainings SET intent_gen = intent_gen + 1
    WHERE id IN (SELECT t.id FROM trainings t JOIN eligible e ON e.id = t.id
                 WHERE e.place <= :limit AND t.intent_gen = t.seen_gen ORDER BY t.id FOR UPDATE OF t SKIP LOCKED)
""")


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether it may start now; if not, the sentence that says what it waits for."""

    admitted: bool
    message: str = ""


async def ask(connection: AsyncConnection, training_id: UUID, limit: int) -> Answer:
    """May this queued training start? The answer holds until the end of the transaction."""
    await connection.execute(_LOCK)
    row = (await connection.execute(_MINE, {"id": training_id})).one_or_none()
    if row is None:
        return Answer(False)
    if row.place is not None and row.place <= limit:
        return Answer(True)
    if row.place is None:
        return Answer(False, sentences.queued(row.project_running, row.project_limit, of_project=True))
    # Those before it in the queue are about to run.
    return Answer(False, sentences.queued(min(int(row.place) - 1, limit), limit, of_project=False))


async def wake(connection: AsyncConnection, limit: int) -> int:
    """Make those due that may start now; how many there were."""
    return (await connection.execute(_WAKE, {"limit": limit})).rowcount
