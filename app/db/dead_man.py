"""Due trainings that are not as they should be by now: found all together, each fact once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.training import State

RUNS_MIN = 5
"""So many successful trainings a project must have had before one can be called slow."""

# A retry's success counts: it has the same due time. Whoever ended is looked at until its deadline has passed.
_FIND = text(f"""
    WITH found AS (
        SELECT d.project_id, d.due_at, p.name, t.id AS training_id, t.number, t.state, c.missing, c.over,
               s.tolerance, s.within, make_interval(secs => u.usual) AS usual,
               array_remove(ARRAY[
                   CASE WHEN c.late THEN 'late' END, CASE WHEN c.overdue THEN 'overdue' END,
                   CASE WHEN c.slow THEN 'slow' END], NULL) AS news
        FROM due_times d JOIN projects p ON p.id = d.project_id LEFT JOIN trainings t ON t.id = d.training_id
        CROSS JOIN LATERAL (
            SELECT coalesce(CAST(:now AS timestamptz), now()) AS now,
                   CAST(p.spec #>> '{{schedule,start_tolerance}}' AS interval) AS tolerance,
                   CAST(p.spec #>> '{{schedule,succeed_within}}' AS interval) AS within,
                   coalesce(CAST(p.spec #>> '{{schedule,notice_slow}}' AS boolean), false) AS notice_slow,
                   coalesce(t.state IN ('succeeded', 'failed', 'stopped', 'timed_out'), true) AS ended) s
        CROSS JOIN LATERAL (
            SELECT s.within IS NOT NULL AND NOT EXISTS (
                SELECT FROM trainings good WHERE good.project_id = d.project_id AND good.scheduled_for = d.due_at
                AND good.state = 'succeeded' AND good.finished_at <= d.due_at + s.within) AS no_success) g
        CROSS JOIN LATERAL (
            SELECT CASE WHEN s.notice_slow AND t.state = 'running' AND NOT 'slow' = ANY(d.told) THEN (
                SELECT CASE WHEN count(*) >= {RUNS_MIN} THEN percentile_cont(0.95) WITHIN GROUP (ORDER BY lasted) END
                FROM (SELECT extract(epoch FROM r.finished_at - r.started_at) AS lasted FROM trainings r
                      WHERE r.project_id = d.project_id AND r.state = 'succeeded'
                      ORDER BY r.id DESC LIMIT 50) runs) END AS usual) u
        CROSS JOIN LATERAL (
            SELECT t.id IS NULL AS missing,
                   s.ended AND NOT (g.no_success AND s.now <= d.due_at + s.within) AS over,
                   t.id IS NOT NULL AND coalesce(t.started_at, t.finished_at, s.now) > d.due_at + s.tolerance
                       AND NOT 'late' = ANY(d.told) AS late,
                   t.id IS NOT NULL AND g.no_success AND s.now > d.due_at + s.within
                       AND NOT 'overdue' = ANY(d.told) AS overdue,
                   extract(epoch FROM s.now - t.started_at) > u.usual AS slow) c
        WHERE d.watched
        FOR UPDATE OF d SKIP LOCKED)
    UPDATE due_times d SET told = d.told || f.news, watched = NOT f.over
    FROM found f
    WHERE d.project_id = f.project_id AND d.due_at = f.due_at AND (f.over OR cardinality(f.news) > 0)
    RETURNING f.project_id, f.due_at, f.name, f.training_id, f.number, f.state, f.news, f.tolerance, f.within, f.usual
""")


@dataclass(frozen=True, slots=True)
class Alarm:
    """A due training of which something is to be told: late, overdue or slow, each with the time that it is over."""

    project_id: UUID
    project: str
    due_at: datetime
    training_id: UUID
    number: int
    state: State
    over: dict[str, timedelta]


async def find(connection: AsyncConnection, now: datetime | None = None) -> list[Alarm]:
    """What has become worth telling since the last look, marked as told. `now` is for tests."""
    rows = (await connection.execute(_FIND, {"now": now})).all()
    return [_alarm_of(row) for row in rows if row.news]


def _alarm_of(row: Any) -> Alarm:
    limits = {"late": row.tolerance, "overdue": row.within, "slow": row.usual}
    over = {kind: limits[kind] for kind in row.news}
    return Alarm(row.project_id, row.name, row.due_at, row.training_id, row.number, State(row.state), over)
