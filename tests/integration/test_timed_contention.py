"""Starts, due times, workers, archivists and people at the same few trainings: nobody ever has to be sent away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import insert, text

from app.context import Context, build_context
from app.db import claims, log_rows, reconcile, trainings
from app.db.claims import Claimed
from app.db.engine import Database
from app.db.ids import new_id
from app.db.reconcile import Admission, Holder, Outcome
from app.db.tables import subscriptions
from app.domain.access import Principal, UserRole
from app.domain.decision import Status
from app.domain.schedule import Overlap
from app.domain.training import LogVerdict, Reason, State
from app.services.freeze import LaunchRequest
from tests.support.database import PostgresForTests
from tests.support.decisions import pod
from tests.support.timed import DAY, MINUTE, Timed, every, make_timed
from tests.support.web import settings_for_tests

ADA = Principal(UUID(int=1), "ada", UserRole.ADMIN)
STARTS = 25
PODS = ("worker-0", "worker-1")
IDS = "SELECT id FROM trainings WHERE archived_at IS NULL ORDER BY id DESC"


@pytest.fixture
async def context(postgres: PostgresForTests, database: Database, tmp_path: Path) -> Context:
    # Who waits for another who waits for him is found at once, and not only when a second is over.
    name = database.url.rpartition("/")[2].partition("?")[0]
    await postgres.run(f"ALTER DATABASE \"{name}\" SET deadlock_timeout = '20ms'")
    return build_context(settings_for_tests(tmp_path), database)


class Crowd:
    """Everybody who writes to the trainings of a project, without a cluster."""

    def __init__(self, timed: Timed) -> None:
        self.timed = timed
        self.database = timed.database
        self.minutes = count(1)
        self.firing = asyncio.Lock()

    async def start(self) -> None:
        async with self.database.transaction() as connection:  # as `launching.start`, but tried only once
            await self.timed.context.launching.start_within(
                connection, ADA, f"t{self.timed.project.hex}", LaunchRequest()
            )

    async def fire(self) -> None:
        async with self.firing:
            await self.timed.fire(DAY + next(self.minutes) * MINUTE)

    async def work(self) -> None:
        """What a worker writes: pods and their ends, the beginning, and the end when it was asked for."""
        async with self.database.transaction() as connection:
            held = await claims.claim(connection, worker="w", seconds=60, most=3)
        await asyncio.gather(*(self._visit(one) for one in held))

    async def _visit(self, claimed: Claimed) -> None:
        training, holder = claimed.training, Holder("w", claimed.epoch)
        status, admission = Status.of(training), None
        if training.stop_requested_at is not None:
            status = replace(status, state=State.STOPPED, reason=Reason.REPLACED, finished_at=claimed.now)
            status = replace(status, archived_at=claimed.now)
        elif training.state is State.QUEUED:
            status, admission = replace(status, state=State.RUNNING, started_at=claimed.now), Admission(100)
        pods = [pod(key, uid=f"{training.id}{key}", name=f"{training.id}{key}") for key in PODS]
        async with self.database.transaction() as connection:
            written = await reconcile.write(
                connection, training, Outcome(status, pods=pods), holder=holder, now=claimed.now, admission=admission
            )
            assert written is not None
            await reconcile.release(connection, written, holder=holder, wake_at=claimed.now)

    async def archive(self) -> None:
        """Every log is closed, and opened again for the next time."""
        async with self.database.read() as connection:
            query = (
                "SELECT a.id, t.log_epoch FROM attempts a JOIN trainings t ON t.id = a.training_id ORDER BY a.id DESC"
            )
            found = (await connection.execute(text(f"{query} LIMIT 20"))).all()
        await asyncio.gather(*(self._judge(row.id, row.log_epoch) for row in found))

    async def _judge(self, attempt_id: UUID, epoch: int) -> None:
        async with self.database.transaction() as connection:
            await log_rows.judge(connection, attempt_id, epoch=epoch, verdict=LogVerdict.VERIFIED, missing_lines=0)
        async with self.database.transaction() as connection:
            again = text("UPDATE attempts SET log_archived_at = NULL WHERE id = :id")
            await connection.execute(again, {"id": attempt_id})

    async def hint(self) -> None:
        async with self.database.transaction() as connection:
            await claims.hint(connection, list((await connection.execute(text(IDS))).scalars()))

    async def stop(self) -> None:
        async with self.database.transaction() as connection:
            ids = list((await connection.execute(text(IDS))).scalars())
            await trainings.ask_to_stop(connection, ids, by="ada", reason=Reason.STOPPED_BY_USER)


async def test_nobody_who_waits_for_another_is_waited_for(
    postgres: PostgresForTests, context: Context, database_url: str
) -> None:
    timed = await make_timed(context, [every(1, overlap=Overlap.REPLACE)])
    async with context.database.transaction() as connection:
        row = {"id": new_id(), "owner_id": timed.maker.owner_id, "scope": "own", "kinds": ["started", "stopped"]}
        await connection.execute(
            insert(subscriptions).values(**row, channel="mail", target="a@example.com", place="mail")
        )
    crowd = Crowd(timed)
    done = asyncio.Event()

    async def again_and_again(act: Callable[[], Awaitable[None]]) -> None:
        while not done.is_set():
            await act()

    others = (crowd.fire, crowd.work, crowd.work, crowd.archive, crowd.hint, crowd.stop)
    async with asyncio.TaskGroup() as group:
        for act in others:
            group.create_task(again_and_again(act))
        for _ in range(STARTS):
            await crowd.start()
        done.set()
    made = await timed.trainings()
    assert len(made) > STARTS
    await context.database.close()
    connection = await asyncpg.connect(database_url)  # what the others counted is known when they are gone
    try:
        query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert await connection.fetchval(query) == 0
    finally:
        await connection.close()
