"""Everything that this worker does by the clock, in one place. APScheduler only ticks; the truth is in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from app.errors import TaasError

_log = structlog.get_logger(__name__)
Job = Callable[[], Awaitable[None]]


class Clock:
    """Jobs that repeat; one that takes longer than its interval is not started twice, one that fails is logged."""

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )

    def every(self, seconds: float, job: Job, name: str, *, first: float | None = None) -> None:
        """Do `job` every so many seconds, for the first time after `first` seconds (None: after the first interval)."""
        begin = datetime.now(UTC) + timedelta(seconds=seconds if first is None else first)
        # Not start_date: one that has passed before the clock runs would be taken for missed, and left out.
        self._scheduler.add_job(
            _guarded(job, name), "interval", seconds=seconds, next_run_time=begin, id=name, name=name
        )

    def once(self, seconds: float, job: Job, name: str) -> None:
        """Do `job` in so many seconds, instead of when this name was to be done before."""
        at = datetime.now(UTC) + timedelta(seconds=max(seconds, 0))
        self._scheduler.add_job(_guarded(job, name), "date", run_date=at, id=name, name=name, replace_existing=True)

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)


def _guarded(job: Job, name: str) -> Job:
    async def run() -> None:
        try:
            await job()
        except asyncio.CancelledError:
            _log.debug("a job by the clock was cut off at the end", job=name)
        except TaasError as exc:
            _log.warning("a job by the clock failed", job=name, problem=exc.detail)

    return run
