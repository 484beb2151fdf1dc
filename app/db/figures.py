"""What all processes together have to do, in one query over partial indexes: it does not grow with the records."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.figures import Figures

_FIGURES = text("""
    SELECT (SELECT coalesce(jsonb_object_agg(state, n), '{}') FROM
               (SELECT state, count(*) AS n FROM trainings
                WHERE state IN ('queued', 'starting', 'running', 'stopping') GROUP BY state) AS s) AS trainings,
           (SELECT extract(epoch FROM now() - min(created_at)) FROM trainings WHERE state = 'queued') AS queued_for,
           (SELECT extract(epoch FROM now() - min(next_at)) FROM schedules WHERE next_at < now()) AS overdue,
           (SELECT count(*) FROM attempts WHERE log_archived_at IS NULL AND finished_at IS NOT NULL) AS logs,
           (SELECT extract(epoch FROM now() - min(finished_at)) FROM attempts
            WHERE log_archived_at IS NULL AND finished_at IS NOT NULL) AS logs_lag,
           (SELECT extract(epoch FROM now() - min(due_at)) FROM metric_readings
            WHERE NOT complete AND due_at < now()) AS metrics_overdue,
           (SELECT count(*) FROM workers WHERE seen_at > now() - interval '15 seconds') AS workers
""")


async def get(connection: AsyncConnection) -> Figures:
    row = (await connection.execute(_FIGURES)).one()
    return Figures(
        trainings=row.trainings,
        queue_oldest=float(row.queued_for or 0),
        schedules_overdue=float(row.overdue or 0),
        logs_pending=row.logs,
        logs_lag=float(row.logs_lag or 0),
        metrics_overdue=float(row.metrics_overdue or 0),
        workers=row.workers,
    )
