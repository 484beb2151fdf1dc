"""Timed projects straight into the rows, many at a time, and a look at what became of their due times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text, update

from app.context import Context
from app.db.codec import to_json
from app.db.engine import Database
from app.db.ids import new_id
from app.db.tables import due_times, projects, schedules, trainings
from app.domain.project import ProjectSpec, RunSpec
from app.domain.schedule import Overlap, Schedule
from tests.support.trainings import Maker, run_spec

DAY = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday; the tests' time is whatever they say it is."""
MINUTE = timedelta(minutes=1)


def every(minutes: int = 1, *, overlap: Overlap = Overlap.ALLOW, **more: Any) -> Schedule:
    """A due time every so many minutes, on the minute."""
    return Schedule(interval=minutes * MINUTE, start=DAY, overlap=overlap, **more)


@dataclass(frozen=True)
class Timed:
    """Some timed projects of one algorithm."""

    context: Context
    maker: Maker
    ids: tuple[UUID, ...]

    @property
    def database(self) -> Database:
        return self.context.database

    @property
    def project(self) -> UUID:
        """The only one."""
        [only] = self.ids
        return only

    async def fire(self, now: datetime, **more: Any) -> int:
        """Fire until nothing is due at `now`; how many trainings that made."""
        made = 0
        while (fired := await self.context.firing.fire(now=now, **more)).schedules:
            made += fired.trainings
        return made

    async def due_times(self) -> list[Any]:
        """Every row, by project and time."""
        return await self._rows(select(due_times).order_by(due_times.c.project_id, due_times.c.due_at))

    async def outcomes(self) -> list[str]:
        """In the order of their times: `started` or the cause."""
        return [row["cause"] or row["outcome"] for row in await self.due_times()]

    async def trainings(self) -> list[Any]:
        return await self._rows(select(trainings).where(trainings.c.project_id.in_(self.ids)).order_by(trainings.c.id))

    async def schedule(self) -> Any:
        [row] = await self._rows(select(schedules).where(schedules.c.project_id == self.project))
        return row

    async def set_state(self, training_id: UUID, state: str, *, archived: bool = True) -> None:
        """As a worker would leave it."""
        ended = state in ("succeeded", "failed", "stopped", "timed_out")
        values = {
            "state": state,
            "finished_at": text("now()") if ended else None,
            "archived_at": text("now()") if ended and archived else None,
        }
        async with self.database.transaction() as connection:
            await connection.execute(update(trainings).where(trainings.c.id == training_id).values(**values))

    async def _rows(self, query: Any) -> list[Any]:
        async with self.database.read() as connection:
            return list((await connection.execute(query)).mappings())


async def make_timed(
    context: Context,
    wanted: Sequence[Schedule],
    *,
    at: datetime = DAY,
    next_at: datetime | None = None,
    run: RunSpec | None = None,
) -> Timed:
    """A project for each schedule, handled up to `at` and due for the first time at `next_at` (a minute later)."""
    maker = await Maker.create(context)
    algorithm = await _algorithm_of(maker)
    ids = [new_id() for _ in wanted]
    rows = [
        {
            "id": id_,
            "name": f"t{id_.hex}",
            "owner_id": maker.owner_id,
            "algorithm_id": algorithm,
            "spec": to_json(ProjectSpec(algorithm=maker.name, version=None, run=run or run_spec(), schedule=schedule)),
        }
        for id_, schedule in zip(ids, wanted, strict=True)
    ]
    states = [{"project_id": id_, "next_at": next_at or at + MINUTE, "handled_until": at, "anchor": at} for id_ in ids]
    async with context.database.transaction() as connection:
        await connection.execute(insert(projects), rows)
        await connection.execute(insert(schedules), states)
    return Timed(context, maker, tuple(ids))


async def _algorithm_of(maker: Maker) -> UUID:
    async with maker.database.read() as connection:
        query = select(projects.c.algorithm_id).where(projects.c.id == maker.project_id)
        found: UUID = (await connection.execute(query)).scalar_one()
    return found
