"""Curves of what a training uses of its hardware, where the installation names a Prometheus that knows."""

from __future__ import annotations

from uuid import UUID

from app.db import trainings
from app.db.engine import Database
from app.domain.access import Principal
from app.domain.clock import Clock
from app.domain.hardware import MOST_TASKS, HardwareCurve, HardwareCurves, HardwareMetric, Per, query, window
from app.domain.training import TaskKey
from app.errors import NotFound
from app.services import prometheus
from app.services.trainings import unknown_training
from app.settings import Settings


class HardwareService:
    """Asks when somebody looks; nothing is kept, so that curves go when Prometheus forgets them."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._url = settings.prometheus_url

    @property
    def available(self) -> bool:
        """Whether there is a Prometheus to ask."""
        return self._url is not None

    async def curves(
        self, principal: Principal, training_id: UUID, metric: HardwareMetric, task: TaskKey | None = None
    ) -> HardwareCurves:
        """With one query: a curve for each task, or for each role where there are many tasks; or of `task` alone.

        Raises `NotFound` (no such training or task, no Prometheus named) and `Unavailable`.
        """
        async with self._database.read() as connection:
            record = await trainings.by_id(connection, training_id)
        if record is None:
            raise unknown_training(training_id)
        if self._url is None:
            raise NotFound("This installation names no Prometheus: an admin sets TAAS_PROMETHEUS_URL.")
        training = record.training
        roles = training.spec.run.roles
        if task is not None and not (task.role in roles and 0 <= task.index < roles[task.role].count):
            raise NotFound(f"There is no task {task} in {training.project} #{training.number}.")
        per = Per.TASK if task is not None or training.counts.total <= MOST_TASKS else Per.ROLE
        now = self._clock()
        begin = training.starting_at or now
        span = window(begin, training.finished_at or now)
        if training.namespace is None:
            return HardwareCurves(metric, per, span, ())
        text = query(metric, training.namespace, per, span.step, task)
        found = await prometheus.query_range(self._url, text, span.begin, span.end, span.step)
        curves = (
            HardwareCurve(series.metric.get(per, ""), tuple(at for at, _ in series.values), series.numbers())
            for series in found
        )
        return HardwareCurves(metric, per, span, tuple(sorted(curves, key=lambda curve: _place(curve.name))))


def _place(name: str) -> tuple[str, int]:
    """`worker-10` after `worker-9`."""
    role, _, index = name.rpartition("-")
    return (role, int(index)) if index.isdigit() else (name, -1)
