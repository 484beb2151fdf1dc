"""Which queued training may start: the limits of the installation and of each project, first in, first out.

Trainings of a timed project that its overlap rule binds are exclusive: one of them starts only when nothing of
another one can still run and the other's evidence is safe. Retries of such a project run one at a time.

All admissions of an installation take one lock in turn, so that two workers never give the same place away.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import handovers
from app.domain import sentences
from app.domain.queueing import Standing
from app.domain.training import State

_LOCK = text("SELECT pg_advisory_xact_lock(7410331)")
_ACTIVE = "state IN ('starting', 'running', 'stopping')"
# What a training has to see the end of before it may start: the other one's number, state and, if lost, node.
_BEFORE = f"""
    SELECT u.id, u.number, u.state, NULL AS node FROM trainings u
    WHERE t.exclusive AND u.exclusive AND u.project_id = t.project_id AND u.id <> t.id AND u.archived_at IS NULL
      AND (u.state <> 'queued' OR u.id < t.id AND u.stop_requested_at IS NULL)
    UNION ALL
    SELECT id, number, state, node FROM ({handovers.UNPROVEN}) AS unproven
    WHERE t.exclusive AND project_id = t.project_id AND id <> t.id
    UNION ALL
    SELECT u.id, u.number, u.state, NULL FROM trainings u
    WHERE t.trigger = 'retry' AND u.trigger = 'retry' AND u.project_id = t.project_id AND u.id <> t.id
      AND p.spec #>> '{{schedule,overlap}}' <> 'allow'
      AND ({_ACTIVE} OR u.state = 'queued' AND u.id < t.id AND u.stop_requested_at IS NULL)
"""
# `place`: how many running trainings its start would make, counting those before it that may start too.
_PLACES = f"""
    WITH active AS (SELECT project_id, count(*) AS running FROM trainings WHERE {_ACTIVE} GROUP BY project_id),
    waiting AS (
        SELECT t.id, t.project_id,
               row_number() OVER (PARTITION BY t.project_id ORDER BY t.id) + coalesce(a.running, 0) AS nth,
               (p.spec ->> 'running_limit')::int AS project_limit
        FROM trainings t JOIN projects p ON p.id = t.project_id LEFT JOIN active a ON a.project_id = t.project_id
        WHERE t.state = 'queued' AND t.stop_requested_at IS NULL AND NOT EXISTS ({_BEFORE})),
    total AS (SELECT coalesce(sum(running), 0) AS running FROM active),
    eligible AS (
        SELECT id, row_number() OVER (ORDER BY id) + (SELECT running FROM total) AS place
        FROM waiting WHERE project_limit IS NULL OR nth <= project_limit)
"""
_MINE = text(f"""{_PLACES}
    SELECT w.nth, w.project_limit, e.place
    FROM waiting w LEFT JOIN eligible e ON e.id = w.id WHERE w.id = :id
""")
_HELD = text(f"""
    SELECT b.number, b.state, b.node, t.project
    FROM trainings t JOIN projects p ON p.id = t.project_id CROSS JOIN LATERAL ({_BEFORE}) b
    WHERE t.id = :id ORDER BY b.node NULLS LAST, b.id LIMIT 1
""")
_STANDING = text(f"""{_PLACES}
    SELECT (SELECT running FROM total) AS running, (SELECT count(*) FROM eligible) AS before,
           coalesce((SELECT running FROM active WHERE project_id = :project), 0) AS project_running,
           (SELECT count(*) FROM waiting WHERE project_id = :project) AS project_waiting
""")
_WAKE = text(f"""{_PLACES}
    UPDATE trainings SET intent_gen = intent_gen + 1
    WHERE id IN (SELECT t.id FROM trainings t JOIN eligible e ON e.id = t.id
                 WHERE e.place <= :limit AND t.intent_gen = t.seen_gen ORDER BY t.id FOR UPDATE OF t SKIP LOCKED)
""")
# Whoever waits for a training that has just ended may wait for something else from then on, and say so.
_WAKE_BEHIND = text("""
    UPDATE trainings SET intent_gen = intent_gen + 1
    WHERE id IN (SELECT id FROM trainings WHERE project_id = :project AND state = 'queued' AND exclusive
                 AND intent_gen = seen_gen ORDER BY id FOR UPDATE SKIP LOCKED)
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
        held = (await connection.execute(_HELD, {"id": training_id})).first()
        if held is None:
            return Answer(False)
        return Answer(False, sentences.waits_for_its_turn(held.project, held.number, State(held.state), held.node))
    if row.place is not None and row.place <= limit:
        return Answer(True)
    # Those before it in the queue are about to run.
    if row.place is None:
        running = min(int(row.nth) - 1, row.project_limit)
        return Answer(False, sentences.queued(running, row.project_limit, of_project=True))
    return Answer(False, sentences.queued(min(int(row.place) - 1, limit), limit, of_project=False))


async def wake(connection: AsyncConnection, limit: int) -> int:
    """Make those due that may start now; how many there were."""
    return (await connection.execute(_WAKE, {"limit": limit})).rowcount


async def wake_behind(connection: AsyncConnection, project_id: UUID) -> int:
    """Make those of a timed project due that wait for their turn, so that they say anew what for; how many there were.

    An end may turn out to be that of a training whose node was lost.
    """
    return (await connection.execute(_WAKE_BEHIND, {"project": project_id})).rowcount


async def standing(connection: AsyncConnection, project_id: UUID) -> Standing:
    """Where a training of the project would stand if it were queued now."""
    row = (await connection.execute(_STANDING, {"project": project_id})).one()
    return Standing(row.running, row.project_running, row.project_waiting, row.before)
