"""Rows of the workers: who is there, which cluster each talks to, what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import workers


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker as it last described itself; `problem` is empty when all is well."""

    name: str
    version: str
    cluster: str
    problem: str
    started_at: datetime
    seen_at: datetime


async def seen_lately(connection: AsyncConnection, within: timedelta) -> list[Worker]:
    """By the database's clock, the healthy ones first."""
    query = select(workers).where(workers.c.seen_at > func.now() - within).order_by(workers.c.problem, workers.c.name)
    return [
        Worker(row.name, row.version, row.cluster, row.problem, row.started_at, row.seen_at)
        for row in await connection.execute(query)
    ]


async def say_seen(connection: AsyncConnection, *, name: str, version: str, cluster: str, problem: str) -> None:
    """The worker `name` is there now."""
    values = {"version": version, "cluster": cluster, "problem": problem}
    statement = insert(workers).values(name=name, **values)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={**values, "seen_at": func.now()})
    )


async def remove(connection: AsyncConnection, name: str) -> None:
    """A worker that leaves in order says so."""
    await connection.execute(workers.delete().where(workers.c.name == name))


async def remove_unseen(connection: AsyncConnection, for_: timedelta) -> None:
    """Workers that ended without saying so."""
    await connection.execute(workers.delete().where(workers.c.seen_at < func.now() - for_))
