"""Trainings that ended some days ago, what is left of them, and what removes it."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from app.db.engine import Database
from app.db.tables import trainings
from app.domain.retention import GoingTrainings, RetentionPreview
from app.services.retention import RetentionService
from tests.support.log_book import Book
from tests.support.log_rows import add_training
from tests.support.web import Web, settings_for_tests

DAY = timedelta(days=1)
LINES = (b"one\n", b"two\n")
SIZE = sum(map(len, LINES))


def retaining(web: Web, **keep: timedelta) -> RetentionService:
    """What removes, with these settings of how long things are kept."""
    context = web.context
    settings = settings_for_tests(context.settings.home, **keep)
    bundles = context.algorithms.bundles
    return RetentionService(context.database, context.storage, bundles, settings=settings, clock=context.clock)


async def over(web: Web, *, days: float) -> Book:
    """A training with a log of two lines that ended so many days ago."""
    context = web.context
    namespace = f"taas-digits-{os.urandom(4).hex()}"
    book = Book(context.database, context.storage, context.listener, await add_training(context.database, namespace))
    attempt = await book.training.attempt("worker", pod="p")
    await book.write(attempt, *enumerate(LINES))
    await book.finish(attempt)
    # An object of an archiving that crashed before its row.
    await context.storage.put_bytes(f"logs/{book.training.id}/{attempt}/0-left.gz", b"left")
    await change(web, book, state="succeeded", namespace_state="gone")
    await run(
        web,
        "UPDATE trainings SET seen_gen = intent_gen, finished_at = now() - CAST(:age AS interval) WHERE id = :id",
        id=book.training.id,
        age=timedelta(days=days),
    )
    return book


async def change(web: Web, book: Book, **values: Any) -> None:
    async with web.context.database.transaction() as connection:
        await connection.execute(trainings.update().where(trainings.c.id == book.training.id).values(**values))


async def run(web: Web, statement: str, **values: Any) -> None:
    async with web.context.database.transaction() as connection:
        await connection.execute(text(statement), values)


async def there(web: Web) -> set[UUID]:
    """Trainings that have a record."""
    async with web.context.database.read() as connection:
        return set((await connection.execute(select(trainings.c.id))).scalars())


async def row(web: Web, book: Book) -> Any:
    async with web.context.database.read() as connection:
        return (await connection.execute(trainings.select().where(trainings.c.id == book.training.id))).one()


async def counted(database: Database, table: Any) -> int:
    async with database.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


async def with_logs(web: Web) -> set[UUID]:
    """Trainings that have objects in the store."""
    return {UUID(info.key.split("/")[1]) for info in await web.context.storage.list("logs")}


def going(preview: GoingTrainings) -> tuple[int, int]:
    return preview.trainings, preview.log_bytes


def nothing(preview: RetentionPreview) -> bool:
    return (preview.records, preview.logs, preview.bundles.bundles) == (GoingTrainings(), GoingTrainings(), 0)
