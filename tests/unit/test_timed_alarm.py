"""The alarm clock of due times goes on when the database is away for a moment."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from structlog.testing import capture_logs

from app.db.engine import Database, DatabaseUnavailable
from app.db.notify import Listener
from app.scheduler.clock import Clock
from app.scheduler.timed import Timed


class Flaky:
    """Knows nothing that is due; the first time it cannot even ask."""

    def __init__(self) -> None:
        self.asked = 0
        self.answered = asyncio.Event()

    async def seconds_to_next(self) -> float | None:
        self.asked += 1
        if self.asked == 1:
            raise DatabaseUnavailable("PostgreSQL cannot be reached.")
        self.answered.set()
        return None


async def test_it_asks_again_and_says_so_in_one_line() -> None:
    firing, database = Flaky(), Database("postgresql://nobody@127.0.0.1:1/none")
    timed = Timed(firing, Listener(database), Clock(), sweep_seconds=0.01)  # type: ignore[arg-type]
    with capture_logs() as said:
        running = asyncio.create_task(timed.run())
        async with asyncio.timeout(10):
            await firing.answered.wait()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    await database.close()
    assert [(line["log_level"], line["problem"]) for line in said] == [("warning", "PostgreSQL cannot be reached.")]
