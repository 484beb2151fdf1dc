"""A running training whose log directory the test writes, and a reader of it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import text

from app.db import metric_readings
from app.domain.access import Principal
from app.domain.metrics import Metrics
from app.domain.training import State, StorageMount
from app.services.metric_reading import MetricReadingService
from tests.support.trainings import Maker, run_spec
from tests.support.web import Web


class Room:
    """A training that runs, its log directory, and a reader whose clock the test moves."""

    def __init__(self, web: Web, maker: Maker, training_id: UUID, folder: Path) -> None:
        self.web = web
        self.maker = maker
        self.id = training_id
        self.folder = folder
        self.now = datetime.now(UTC)
        self._principal: Principal | None = None
        self.reader = MetricReadingService(web.context.database, lambda: self.now)

    async def run(self, statement: str) -> None:
        async with self.web.context.database.transaction() as connection:
            await connection.execute(text(statement), {"id": self.id})

    async def read(self) -> Metrics:
        await self.run("UPDATE metric_readings SET due_at = now() WHERE training_id = :id")
        for reading in await self.reader.claim(5):
            await self.reader.read(reading)
        return await self.web.context.metrics.of(await self._viewer(), self.id)

    async def end(self, *, ago: float) -> None:
        await self.run("UPDATE trainings SET state = 'succeeded', finished_at = now() WHERE id = :id")
        self.now = datetime.now(UTC) + timedelta(seconds=ago)

    async def values(self, tag: str, run: str = ".") -> list[tuple[int, float]]:
        (curve,) = await self.web.context.metrics.series(await self._viewer(), self.id, tag, run)
        return [(point.step, point.value) for point in curve.points]

    async def _viewer(self) -> Principal:
        if self._principal is None:
            self._principal = await self.web.person(f"p{os.urandom(4).hex()}")
        return self._principal


async def a_room(web: Web, root: Path, config: dict[str, str], maker: Maker | None = None) -> Room:
    """A new training that runs, of a new project or of that one. `root` is the storage's as this test sees it."""
    maker = maker or await Maker.create(web.context)
    mount = StorageMount("default", "local", config, "digits-abcde")
    training_id = await maker.start(run_spec(), storage=mount)
    training = await maker.get(training_id)
    room = Room(web, maker, training_id, root / "digits-abcde/logs" / str(training.number))
    await room.run("UPDATE trainings SET state = 'running', started_at = now() WHERE id = :id")
    async with web.context.database.transaction() as connection:
        await metric_readings.begin(connection, State.STARTING, await maker.get(training_id))
    return room
