"""The worker's alarm clock for timed projects: it rings when the next due time has come by the database's clock.

Whoever changes a schedule sends a hint, and the next due time is looked up again every few seconds besides: a lost
hint or a worker's clock that is wrong, or set, costs at most that long, and never a due time.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import structlog

from app.db import schedules
from app.db.notify import Listener
from app.domain.firing import Sight
from app.errors import TaasError
from app.scheduler.clock import Clock
from app.services.firing import FiringService

LONGEST_SECONDS = 3600.0
"""What is due later than that is looked up again before."""
JOB = "fire what is due"
PATIENCE_SECONDS = 60.0
"""So long after its start a worker looks first at what may have ended meanwhile; then due times wait no more."""
SETTLED_SECONDS = 3.0
"""Longer than a training is left alone that was looked at while the cluster was not seen (Policy.unfresh_look)."""
HELD_SECONDS = 0.5
_log = structlog.get_logger(__name__)


class Timed:
    """One worker's; any number of them may ring for the same due time.

    A training may have ended while no worker was there. A due time that is decided before somebody has seen that would
    be skipped, or would replace what has succeeded. So for a while after the start, due times of projects with such a
    training wait until it was looked at; `sees` says whether the cluster is seen.
    """

    def __init__(
        self,
        firing: FiringService,
        listener: Listener,
        clock: Clock,
        *,
        sweep_seconds: float,
        sees: Callable[[], bool] = lambda: True,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._firing = firing
        self._sees = sees
        self._now = now
        self._begun = now()
        self._seeing_since: float | None = None
        self._listener = listener
        self._clock = clock
        self._sweep_seconds = sweep_seconds
        self._at_work = False

    async def run(self) -> None:
        """Set the alarm for ever."""
        with self._listener.subscribe(schedules.CHANNEL) as changes:
            while True:
                try:
                    await self.set()
                except TaasError as exc:
                    _log.warning("cannot look for the next due time", problem=exc.detail)
                await changes.take(timeout=self._sweep_seconds)

    async def set(self) -> None:
        """Have it ring at the next due time. Raises `DatabaseUnavailable`."""
        if self._at_work:
            return  # it is set again afterwards
        seconds = await self._firing.seconds_to_next()
        if seconds is not None and seconds < 0 and self.sight() is not Sight.CLEAR:
            seconds = HELD_SECONDS
        if seconds is not None and seconds < LONGEST_SECONDS:
            self._clock.once(seconds, self.ring, JOB)

    def sight(self) -> Sight:
        """What this worker knows by now of what runs."""
        now = self._now()
        if now - self._begun >= PATIENCE_SECONDS:
            return Sight.CLEAR
        if not self._sees():
            self._seeing_since = None
            return Sight.BLIND
        if self._seeing_since is None:
            self._seeing_since = now
        return Sight.CATCHING_UP if now - self._seeing_since >= SETTLED_SECONDS else Sight.BLIND

    async def ring(self) -> None:
        """Fire until nothing is due, then set the alarm again. Raises `DatabaseUnavailable`."""
        if self._at_work:
            return
        self._at_work = True
        try:
            while (await self._firing.fire(sight=self.sight())).schedules:
                pass
        finally:
            self._at_work = False
        await self.set()
