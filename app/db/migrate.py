"""The schema's history: to any revision and back, and whether the tables in the code and in the database agree."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.engine import Database
from app.db.tables import metadata

SCRIPTS = Path(__file__).resolve().parents[2] / "migrations"
# Any fixed number: processes that start together migrate one after the other.
_LOCK = 7_205_411_873


async def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the schema to `revision`. Harmless when it is there already, and when several processes do it at once."""
    await _run(database, lambda config: command.upgrade(config, revision))


async def downgrade(database: Database, revision: str) -> None:
    """Take the schema back to `revision` (`base`: nothing left)."""
    await _run(database, lambda config: command.downgrade(config, revision))


async def current(database: Database) -> str | None:
    """The revision the database is at; None when it was never migrated."""
    async with database.read() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


def newest() -> str | None:
    """The revision this version of TaaS works with."""
    return ScriptDirectory(str(SCRIPTS)).get_current_head()


async def drift(database: Database) -> list[Any]:
    """What differs between the tables in the code and those in the database, in Alembic's words."""

    def compare(sync: Connection) -> list[Any]:
        context = MigrationContext.configure(sync, opts={"compare_type": True, "compare_server_default": True})
        changes: list[Any] = compare_metadata(context, metadata)
        return changes

    async with database.read() as connection:
        return await connection.run_sync(compare)


async def _run(database: Database, work: Callable[[Config], None]) -> None:
    engine = create_async_engine("postgresql+asyncpg://", async_creator=database.connect)
    try:
        async with engine.begin() as connection:
            for setting in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
                await connection.execute(text(f"SET LOCAL {setting} = 0"))
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            await connection.run_sync(_with_config, work)
    finally:
        await engine.dispose()


def _with_config(connection: Connection, work: Callable[[Config], None]) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    work(config)


def run_for_cli(work: Callable[[Connection], None]) -> None:
    """What `alembic` on the command line uses: the database of the settings."""
    from app.db.open import open_database
    from app.settings import Settings

    async def run() -> None:
        async with open_database(Settings()) as database:
            engine = create_async_engine("postgresql+asyncpg://", async_creator=database.connect)
            async with engine.begin() as connection:
                await connection.run_sync(work)
            await engine.dispose()

    asyncio.run(run())
