"""The way to PostgreSQL: one pool per process, and the two ways to use it.

`Database.read()` gives a connection in a read-only transaction, `Database.transaction()` one whose work is committed
at the end of the block. Leaving either is never half done: it runs to its end even while the task is being cancelled,
because an abandoned connection would keep its row locks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

import asyncpg
import msgspec
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.db.hints import PENDING, HintSender
from app.errors import InvalidInput, Unavailable

OLDEST_POSTGRES = 14
_T = TypeVar("_T")


class DatabaseUnavailable(Unavailable):
    """PostgreSQL does not answer, or dropped the connection."""

    code = "database_unavailable"
    title = "The database does not answer"


class Contended(DatabaseUnavailable):
    """PostgreSQL ended this transaction so that another one could go on. Nothing was done; it may be tried anew."""


class OutcomeUnknown(DatabaseUnavailable):
    """The connection was lost at the commit: it may have been done, or not."""


class Database:
    """A pool of connections to one database, by its libpq URL (`postgresql://user:password@host/name?sslmode=…`)."""

    def __init__(self, url: str, *, pool_size: int = 10, overflow: int = 10, statement_seconds: float = 30) -> None:
        self.url = url
        self._statement_seconds = statement_seconds
        self._engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self.connect,
            pool_size=pool_size,
            max_overflow=overflow,
            pool_timeout=10,
            pool_pre_ping=True,
            pool_recycle=1800,
            json_serializer=lambda value: msgspec.json.encode(value).decode(),
            json_deserializer=msgspec.json.decode,
        )
        self._reading = self._engine.execution_options(postgresql_readonly=True)
        self._hints = HintSender(self._send_hints)

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection that may only read. Raises `DatabaseUnavailable`."""
        return _session(self._reading, None)

    def transaction(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction: committed when the block ends, rolled back when it raises. Raises `DatabaseUnavailable`.

        What `notify.publish` collected is sent once the commit is done.
        """
        return _session(self._engine, self._hints)

    async def check(self) -> None:
        """Raises `DatabaseUnavailable` unless the server answers and is new enough."""
        async with self.read() as connection:
            number = int((await connection.execute(text("SHOW server_version_num"))).scalar_one())
        if number // 10_000 < OLDEST_POSTGRES:
            raise DatabaseUnavailable(
                f"PostgreSQL {number // 10_000} is too old: TaaS needs {OLDEST_POSTGRES} or newer. Upgrade the server."
            )

    async def connect(self, **ignored: Any) -> Any:
        """A plain asyncpg connection outside the pool; the caller closes it. Raises what asyncpg raises."""
        milliseconds = str(int(self._statement_seconds * 1000))
        return await asyncpg.connect(
            dsn=self.url,
            timeout=10,
            command_timeout=self._statement_seconds + 5,
            server_settings={
                "application_name": "taas",
                "timezone": "UTC",
                "jit": "off",
                "statement_timeout": milliseconds,
                "lock_timeout": "10000",
                # No transaction waits for anything but the database: a process that stands still with row locks in
                # hand is cut off before those who wait for the locks give up.
                "idle_in_transaction_session_timeout": "8000",
            },
        )

    async def close(self) -> None:
        """Send the last hints and close every connection of the pool."""
        await self._hints.close()
        await self._engine.dispose()

    async def _send_hints(self, payloads: list[str]) -> None:
        async with _session(self._engine, None) as connection:
            await connection.execute(
                text("SELECT pg_notify('taas', payload) FROM unnest(CAST(:payloads AS text[])) AS payload"),
                {"payloads": payloads},
            )


async def uninterrupted(work: Coroutine[Any, Any, _T]) -> _T:
    """Await `work` to its end whatever happens; a cancellation that comes meanwhile is raised afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as exc:
            cancelled = exc
    if cancelled is not None:
        raise cancelled from task.exception()
    return task.result()


@asynccontextmanager
async def _session(engine: AsyncEngine, hints: HintSender | None) -> AsyncIterator[AsyncConnection]:
    connection = await _connect(engine)
    connection.info.pop(PENDING, None)
    try:
        yield connection
    except asyncio.CancelledError:
        # A statement may be in flight: the connection's state is unknown, so it is thrown away.
        await uninterrupted(_discard(connection))
        raise
    except SQLAlchemyError as exc:
        await uninterrupted(connection.close())
        _translate(exc)
        raise
    except BaseException:
        await uninterrupted(connection.close())
        raise
    pending: set[str] = connection.info.pop(PENDING, set())
    try:
        await uninterrupted(_commit(connection))
    except SQLAlchemyError as exc:
        _translate(exc, OutcomeUnknown)
        raise
    if hints and pending:
        hints.add(pending)


async def _connect(engine: AsyncEngine) -> AsyncConnection:
    connection = engine.connect()
    try:
        await uninterrupted(_open(connection))
    except asyncio.CancelledError:
        if connection.sync_connection is not None:  # it was opened before the cancellation could be seen
            await uninterrupted(connection.close())
        raise
    except PoolTimeout as exc:
        raise DatabaseUnavailable("Every connection to the database is busy. Try again in a moment.") from exc
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError) as exc:
        raise DatabaseUnavailable(f"PostgreSQL cannot be reached: {exc}. Check TAAS_DATABASE_URL.") from exc
    return connection


async def _open(connection: AsyncConnection) -> None:
    await connection.start()


async def _commit(connection: AsyncConnection) -> None:
    try:
        await connection.commit()
    finally:
        await connection.close()


async def _discard(connection: AsyncConnection) -> None:
    if not connection.invalidated:
        await connection.invalidate()
    await connection.close()


def _translate(exc: SQLAlchemyError, lost: type[DatabaseUnavailable] = DatabaseUnavailable) -> None:
    """Raise ours for what a caller can understand; everything else stays as it is."""
    if not isinstance(exc, DBAPIError):
        return
    state = str(getattr(exc.orig, "sqlstate", None) or "")
    if state.startswith("22"):
        raise InvalidInput("A value is outside what the database can hold.") from exc
    if state.startswith("40"):
        raise Contended("Others changed the same things at the same moment. Try again.") from exc
    lost_it = state[:2] in {"08", "55", "57"} or isinstance(exc, InterfaceError | OperationalError)
    if exc.connection_invalidated or lost_it:
        raise lost("The database did not do it in time or dropped the connection. Try again.") from exc
