"""Which database: the one of the settings, or the embedded one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from app.db.embedded import embedded_postgres
from app.db.engine import Database
from app.settings import Settings


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """The database for the length of the block. Raises `DatabaseUnavailable`."""
    async with AsyncExitStack() as stack:
        url = settings.database_url
        if url is None:
            url = await stack.enter_async_context(embedded_postgres(settings.home))
        database = Database(url)
        stack.push_async_callback(database.close)
        await database.check()
        yield database
