"""How late schedules fire: `python -m tests.bench.schedules`.

Ten thousand projects, once spread over a minute (p99 lateness at most 250 ms), once all due in one second (the last one
at most 5 s late); each twice, first by a process that has just started and then by the same one again, which knows by
then that the projects are in order. Lateness ends with the commit that makes the training visible.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from time import monotonic, time
from typing import Any

from sqlalchemy import text

from app.context import Context, build_context
from app.db import notify
from app.db.engine import Database
from app.domain.schedule import Overlap, Schedule
from app.scheduler.clock import Clock
from app.scheduler.timed import Timed as Alarm
from app.services.firing import Fired, FiringService
from tests.support.database import PostgresForTests, postgres_for_tests
from tests.support.timed import make_timed
from tests.support.web import settings_for_tests

SCHEDULES = 10_000
P99_MS = 250.0
LAST_MS = 5_000.0
DAILY = Schedule(interval=timedelta(days=1), overlap=Overlap.REPLACE)

_SPREAD = """
    UPDATE schedules s SET handled_until = now() + make_interval(secs => 3 + n.at) - interval '1 day',
                           anchor = now() + make_interval(secs => 3 + n.at) - interval '1 day',
                           next_at = now() + make_interval(secs => 3 + n.at)
    FROM (SELECT project_id, :seconds * (row_number() OVER () - 1) / count(*) OVER () AS at FROM schedules) n
    WHERE n.project_id = s.project_id
"""

_ENDED = "UPDATE trainings SET state = 'succeeded', finished_at = now(), archived_at = now()"


class Watched:
    """Remembers when each batch was committed."""

    def __init__(self, firing: FiringService) -> None:
        self.batches: list[tuple[float, float, int]] = []
        self._firing = firing
        self._fire = firing.fire
        firing.fire = self.fire  # type: ignore[method-assign]

    def stop(self) -> None:
        self._firing.fire = self._fire  # type: ignore[method-assign]

    async def fire(self, **how: Any) -> Fired:
        began = time()
        fired = await self._fire(**how)
        self.batches.append((began, time(), fired.schedules))
        return fired


def main() -> int:
    """1 when a budget is exceeded."""
    over = 0
    with postgres_for_tests() as postgres, tempfile.TemporaryDirectory() as home:
        for seconds, label in ((60.0, "over a minute"), (0.0, "in one second")):
            first, again = asyncio.run(_twice(postgres, Path(home), seconds))
            for late, time_ in ((first, "first time"), (again, "again")):
                p50, p99, last = late[len(late) // 2], late[int(len(late) * 0.99)], late[-1]
                budget, value = (P99_MS, p99) if seconds else (LAST_MS, last)
                figures = f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, last {last:.0f} ms, {value / budget:.2f} of the budget"
                sys.stdout.write(f"{len(late):,} due {label}, {time_}: {figures}\n")
                over |= value > budget
    return int(over)


async def _twice(postgres: PostgresForTests, home: Path, seconds: float) -> list[list[float]]:
    """Milliseconds, rising, of each time."""
    async with postgres.fresh() as url:
        database = Database(url)
        context = build_context(settings_for_tests(home), database)
        await make_timed(context, [DAILY] * SCHEDULES)
        late = [await lateness(context, _SPREAD, seconds=seconds)]
        async with database.transaction() as connection:
            await connection.execute(text(_ENDED))
        late.append(await lateness(context, _SPREAD, seconds=seconds))
        await database.close()
    return late


async def lateness(context: Context, arrange: str, *, seconds: float) -> list[float]:
    """Fire every schedule once, after the statement `arrange` has set when each is due, within `seconds` or soon after.

    How late each was, in milliseconds, rising.
    """
    database, watched = context.database, Watched(context.firing)
    listener, clock = notify.Listener(database), Clock()
    await listener.start()
    async with database.transaction() as connection:
        await connection.execute(text("ANALYZE"))
        await connection.execute(text(arrange), {"seconds": seconds})
        rows = await connection.execute(text("SELECT project_id, extract(epoch FROM next_at) FROM schedules"))
        due = {row[0]: float(row[1]) for row in rows}
    clock.start()
    alarm = asyncio.create_task(Alarm(context.firing, listener, clock, sweep_seconds=2).run())
    deadline = monotonic() + seconds + 120
    while sum(count for *_, count in watched.batches) < len(due):
        if monotonic() > deadline:
            raise TimeoutError("not all schedules were fired")
        await asyncio.sleep(0.5)
    alarm.cancel()
    clock.stop()
    watched.stop()
    async with database.read() as connection:
        query = "SELECT project_id, extract(epoch FROM max(handled_at)) FROM due_times GROUP BY project_id"
        handled = {row[0]: float(row[1]) for row in await connection.execute(text(query))}
    await listener.close()
    ends = [(began, end) for began, end, count in watched.batches if count]
    return sorted(1000 * (_end(ends, handled[project]) - moment) for project, moment in due.items())


def _end(batches: list[tuple[float, float]], handled: float) -> float:
    """When the batch whose transaction began at `handled` was committed."""
    return min(end for began, end in batches if began <= handled <= end)


if __name__ == "__main__":
    sys.exit(main())
