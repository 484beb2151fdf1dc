"""The pool, its transactions, hints, and the embedded server, against a real PostgreSQL."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text

from app.db.embedded import embedded_postgres
from app.db.engine import Database, DatabaseUnavailable
from app.db.ids import new_id
from app.db.notify import ANYTHING, Listener, publish
from app.db.tables import installation
from app.errors import InvalidInput


async def names(database: Database) -> list[str]:
    async with database.read() as connection:
        return list((await connection.execute(select(installation.c.name))).scalars())


async def test_a_transaction_is_kept_when_its_block_ends(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(insert(installation).values(name="here"))
    assert await names(database) == ["here"]


async def test_a_transaction_is_undone_when_its_block_raises(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.transaction() as connection:
            await connection.execute(insert(installation).values(name="here"))
            raise RuntimeError
    assert await names(database) == []


async def test_reading_cannot_write(database: Database) -> None:
    with pytest.raises(Exception, match="read-only transaction"):
        async with database.read() as connection:
            await connection.execute(insert(installation).values(name="here"))


async def test_a_cancelled_task_leaves_no_lock_behind(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(insert(installation).values(name="here"))
    locked = asyncio.Event()

    async def hold() -> None:
        async with database.transaction() as connection:
            await connection.execute(text("SELECT 1 FROM installation FOR UPDATE"))
            locked.set()
            await connection.execute(text("SELECT pg_sleep(60)"))

    task = asyncio.create_task(hold())
    await locked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5), database.transaction() as connection:
        await connection.execute(text("SELECT 1 FROM installation FOR UPDATE"))


async def test_a_commit_is_finished_before_a_cancellation_is_seen(database: Database) -> None:
    inserted = asyncio.Event()

    async def write() -> None:
        async with database.transaction() as connection:
            await connection.execute(insert(installation).values(name="here"))
            inserted.set()
            asyncio.get_running_loop().call_soon(task.cancel)

    task = asyncio.create_task(write())
    await inserted.wait()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await names(database) == ["here"]


async def test_a_lost_connection_is_unavailable_and_the_next_one_works(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        async with database.transaction() as connection:
            pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            async with database.transaction() as other:
                await other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            await connection.execute(text("SELECT 1"))
    assert await names(database) == []


async def test_nobody_listening_is_unavailable(tmp_path: Path) -> None:
    lost = Database(f"postgresql://nobody@/none?host={tmp_path}")
    with pytest.raises(DatabaseUnavailable, match="TAAS_DATABASE_URL"):
        async with lost.read():
            raise AssertionError("there is no server")
    await lost.close()


async def test_a_cancellation_while_a_connection_fails_is_not_lost() -> None:
    """Or a worker that is told to end just then would go on for ever."""
    asked, cancelled = asyncio.Event(), asyncio.Event()

    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await cancelled.wait()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    lost = Database(f"postgresql://nobody@127.0.0.1:{server.sockets[0].getsockname()[1]}/none?sslmode=disable")

    async def read() -> None:
        async with lost.read():
            raise AssertionError("there is no such server")

    async with asyncio.timeout(30):
        task = asyncio.create_task(read())
        await asked.wait()
        task.cancel()
        asyncio.get_running_loop().call_soon(cancelled.set)
        with pytest.raises(asyncio.CancelledError):
            await task
    server.close()
    await lost.close()


async def test_what_no_column_can_hold_is_the_callers_error(database: Database) -> None:
    with pytest.raises(InvalidInput):
        async with database.read() as connection:
            await connection.execute(text("SELECT CAST('99999999999' AS int)"))


async def test_hints_arrive_after_the_commit_and_equal_ones_are_one(database: Database) -> None:
    listener = Listener(database)
    await listener.start()
    await listener.connected()
    with listener.subscribe("trainings") as subscription, listener.subscribe("projects") as other:
        id_ = new_id()
        async with database.transaction() as connection:
            for _ in range(3):
                publish(connection, "trainings", id_)
            assert await subscription.take(0.05) == set()
        assert await subscription.take(5) == {str(id_)}
        assert await other.take(0) == set()
    await listener.close()


async def test_a_rolled_back_transaction_hints_nothing(database: Database) -> None:
    listener = Listener(database)
    await listener.start()
    await listener.connected()
    with listener.subscribe("trainings") as subscription:
        with pytest.raises(RuntimeError):
            async with database.transaction() as connection:
                publish(connection, "trainings", "lost")
                raise RuntimeError
        async with database.transaction() as connection:
            publish(connection, "trainings", "kept")
        assert await subscription.take(5) == {"kept"}
    await listener.close()


async def test_a_listener_that_was_cut_off_comes_back_and_says_so(database: Database) -> None:
    listener = Listener(database)
    await listener.start()
    await listener.connected()
    with listener.subscribe("trainings") as subscription:
        async with database.transaction() as connection:
            cut = await connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ILIKE 'LISTEN%'")
            )
            assert cut.scalars().all()
        assert await subscription.take(5) == {ANYTHING}
        async with database.transaction() as connection:
            publish(connection, "trainings", "after")
        assert await subscription.take(5) == {"after"}
    await listener.close()


async def test_the_embedded_server_keeps_its_data_and_stops_at_the_end(tmp_path: Path) -> None:
    async with embedded_postgres(tmp_path) as url:
        database = Database(url)
        async with database.transaction() as connection:
            await connection.execute(text("CREATE TABLE kept (a int)"))
        await database.close()
    assert not (tmp_path / "pg" / "postmaster.pid").exists()
    handles = tmp_path / "pg" / ".handle_pids.json"
    handles.write_text("[999999999]")  # a process that was killed
    async with embedded_postgres(tmp_path) as url:
        database = Database(url)
        async with database.read() as connection:
            await connection.execute(text("SELECT a FROM kept"))
        await database.close()
    assert not (tmp_path / "pg" / "postmaster.pid").exists()


async def test_a_home_with_spaces_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="without spaces"):
        async with embedded_postgres(tmp_path / "my home"):
            raise AssertionError("started all the same")
