"""Puts what only the database knows into this process' metrics, when somebody asks for them."""

from __future__ import annotations

from app import telemetry
from app.db import deliveries, figures
from app.db.engine import Database
from app.domain.training import ENDED, State


class FiguresService:
    """For `/metrics`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def show(self) -> None:
        """Raises DatabaseUnavailable; then the figures are left as they were."""
        async with self._database.read() as connection:
            outbox = await deliveries.figures(connection)
            found = await figures.get(connection)
        telemetry.show_outbox(pending=outbox.pending, failing=outbox.failing, oldest=outbox.oldest)
        for state in State:
            if state not in ENDED:
                telemetry.TRAININGS.labels(state.value).set(found.trainings.get(state.value, 0))
        telemetry.QUEUE_OLDEST.set(found.queue_oldest)
        telemetry.SCHEDULES_OVERDUE.set(found.schedules_overdue)
        telemetry.LOGS_PENDING.set(found.logs_pending)
        telemetry.LOGS_LAG.set(found.logs_lag)
        telemetry.METRICS_OVERDUE.set(found.metrics_overdue)
        telemetry.WORKERS.set(found.workers)
