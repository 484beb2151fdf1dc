"""What tasks use of CPU and memory, beside what they were given."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from app.db import usage
from app.db.engine import Database
from app.domain.access import Principal
from app.domain.clock import Clock
from app.domain.project import RunSpec
from app.domain.record import TaskRecord
from app.domain.training import TaskKey, TaskState
from app.domain.usage import MeasuredTask, Measuring, fresh_for, measured
from app.settings import Settings


class UsageService:
    """Reads rows only; a worker's `scheduler.usage` writes them."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._fresh_for = fresh_for(timedelta(seconds=settings.usage_seconds))

    def of(self, run: RunSpec, tasks: Iterable[TaskRecord]) -> dict[TaskKey, MeasuredTask]:
        """Of those of a training's tasks that were sampled at all; `run` is what the training froze."""
        since = self._clock() - self._fresh_for
        return {
            task.key: measured(
                task.usage,
                run.roles[task.key.role].resources,
                running_attempt=task.tries if task.state is TaskState.RUNNING else None,
                fresh_since=since,
            )
            for task in tasks
            if task.usage is not None and task.key.role in run.roles
        }

    async def measuring(self, principal: Principal) -> Measuring:
        """How the sampling goes."""
        async with self._database.read() as connection:
            return await usage.measuring(connection)
