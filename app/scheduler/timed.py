"""The worker's alarm clock for timed projects: it rings when the next due time has come by the database's clock.

Whoever changes a schedule sends a hint, and the next due time is looked up again every few seconds besides: a lost
hint or a worker's clock that is wrong, or set, costs at most that long, and never a due time.
"""

from __future__ import annotations

from app.db import schedules
from app.db.notify import Listener
from app.scheduler.clock import Clock
from app.services.firing import FiringService

LONGEST_SECONDS = 3600.0
"""What is due later than that is looked up again before."""
JOB = "fire what is due"


class Timed:
    """One worker's; any number of them may ring for the same due time."""

    def __init__(self, firing: FiringService, listener: Listener, clock: Clock, *, sweep_seconds: float) -> None:
        self._firing = firing
        self._listener = listener
        self._clock = clock
        self._sweep_seconds = sweep_seconds
        self._at_work = False

    async def run(self) -> None:
        """Set the alarm for ever."""
        with self._listener.subscribe(schedules.CHANNEL) as changes:
            while True:
                await self.set()
                await changes.take(timeout=self._sweep_seconds)

    async def set(self) -> None:
        """Have it ring at the next due time. Raises `DatabaseUnavailable`."""
        if self._at_work:
            return  # it is set again afterwards
        seconds = await self._firing.seconds_to_next()
        if seconds is not None and seconds < LONGEST_SECONDS:
            self._clock.once(seconds, self.ring, JOB)

    async def ring(self) -> None:
        """Fire until nothing is due, then set the alarm again. Raises `DatabaseUnavailable`."""
        if self._at_work:
            return
        self._at_work = True
        try:
            while (await self._firing.fire()).schedules:
                pass
        finally:
            self._at_work = False
        await self.set()
