"""The schema's history, against a real PostgreSQL."""

from __future__ import annotations

import asyncio

from sqlalchemy import text

from app.db import migrate
from app.db.engine import Database
from app.db.tables import metadata
from tests.support.database import PostgresForTests


async def test_migrations_go_up_and_down_and_match_the_code(postgres: PostgresForTests) -> None:
    async with postgres.fresh(template="template1") as url:
        database = Database(url)
        assert await migrate.current(database) is None
        await asyncio.gather(migrate.upgrade(database), migrate.upgrade(database))
        assert await migrate.current(database) == migrate.newest()
        assert await migrate.drift(database) == []
        await migrate.downgrade(database, "base")
        async with database.read() as connection:
            left = await connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
            assert list(left.scalars()) == ["alembic_version"]
        await migrate.upgrade(database)
        assert await migrate.drift(database) == []
        await database.close()


async def test_drift_is_noticed(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(text("ALTER TABLE users ADD COLUMN shoe_size integer"))
        await connection.execute(text("DROP INDEX ix_trainings_due"))
    assert {change[0] for change in await migrate.drift(database)} == {"remove_column", "add_index"}


async def test_the_catalogue_is_what_the_code_would_create(database: Database, postgres: PostgresForTests) -> None:
    """Every constraint and index to the letter, check constraints and partial indexes too."""
    async with postgres.fresh(template="template1") as url:
        created = Database(url)
        async with created.transaction() as connection:
            await connection.run_sync(metadata.create_all)
        expected = await catalogue(created)
        await created.close()
    assert len(expected) > 50
    assert await catalogue(database) == expected


async def catalogue(database: Database) -> set[str]:
    async with database.read() as connection:
        found = await connection.execute(
            text("""
                SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
                WHERE connamespace = 'public'::regnamespace
                UNION SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
            """)
        )
        return {line for line in found.scalars() if "alembic_version" not in line}
