"""What is removed because of its age, from real rows and a real folder of objects; and what never is."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select, text
from typer.testing import CliRunner

from app.cli import main
from app.db import log_reading
from app.db.engine import Database
from app.db.tables import attempts, audit_log, log_segments, tasks, trainings
from app.domain.algorithm import bundle_key
from app.domain.retention import GoingTrainings, RetentionPreview
from app.scheduler.chores import Chores
from app.scheduler.connection import Connection
from app.services.log_choice import Which
from app.services.retention import RetentionService
from app.storage import ObjectMissing, StorageUnavailable
from tests.support.log_book import ADA, W0, Book
from tests.support.log_rows import add_training
from tests.support.timed import DAY as TIMED
from tests.support.timed import every, make_timed
from tests.support.web import Web, settings_for_tests

DAY = timedelta(days=1)
LINES = (b"one\n", b"two\n")
SIZE = sum(map(len, LINES))
Make = Callable[..., RetentionService]


@pytest.fixture
def retention(web: Web, tmp_path: Path) -> Make:
    def make(**keep: timedelta) -> RetentionService:
        context = web.context
        bundles = context.algorithms.bundles
        settings = settings_for_tests(tmp_path, **keep)
        return RetentionService(context.database, context.storage, bundles, settings=settings, clock=context.clock)

    return make


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


async def counted(database: Database, table: Any) -> int:
    async with database.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


async def with_logs(web: Web) -> set[UUID]:
    """Trainings that have objects in the store."""
    return {UUID(info.key.split("/")[1]) for info in await web.context.storage.list("logs")}


def going(preview: GoingTrainings) -> tuple[int, int]:
    return preview.trainings, preview.log_bytes


async def test_logs_go_and_the_record_says_so(web: Web, member: httpx.AsyncClient, retention: Make) -> None:
    old, young = await over(web, days=8), await over(web, days=6)
    service = retention(keep_logs=7 * DAY)
    preview = await service.look()
    assert (going(preview.records), going(preview.logs)) == ((0, 0), (1, SIZE))
    record = await row(web, old)
    assert preview.logs.oldest == record.finished_at
    await service.remove()
    assert await with_logs(web) == {young.training.id}
    assert await there(web) == {old.training.id, young.training.id}
    assert going((await service.look()).logs) == (0, 0)
    assert (await row(web, old)).logs_removed_at is not None
    assert (await row(web, old)).logs_removing is False
    assert (await row(web, young)).logs_removed_at is None
    assert await young.text(Which(W0)) == b"".join(LINES)
    async with web.context.database.read() as connection:
        overview = await log_reading.overview(connection, old.training.id)
    assert overview is not None
    (log,) = overview.logs
    assert (log.bytes, log.lines, log.verdict, log.removed) == (SIZE, 2, "unverified", True)
    gone = await member.get(f"/api/v1/trainings/{old.training.id}/logs")
    assert (gone.status_code, gone.json()["code"]) == (410, "log_removed")
    async with web.context.database.read() as connection:
        events = await connection.execute(text("SELECT reason, message FROM events"))
        assert [tuple(event) for event in events] == [
            ("LogsRemoved", "Its logs were removed by retention: they are kept for 7 days (TAAS_KEEP_LOGS).")
        ]
    await service.remove()
    assert await counted(web.context.database, text("events")) == 1


async def test_readers_of_a_removed_log_come_to_an_end(web: Web, retention: Make) -> None:
    book = await over(web, days=8)
    open_before = await book.service.slices(ADA, book.training.id, Which(W0), follow=True)
    await retention(keep_logs=DAY).remove()
    assert [piece async for piece in open_before] == []
    for which in (Which(), Which(W0), Which(W0, 1)):
        slices = await book.service.slices(ADA, book.training.id, which, follow=True)
        async with asyncio.timeout(20):
            assert [piece async for piece in slices] == []
    assert [piece async for piece in await book.service.slices(ADA, book.training.id, Which(), tail=5)] == []
    page = await book.service.page(ADA, book.training.id, W0, None, line=-1)
    assert (page.lines, page.next, page.log.lines) == ((), None, 2)


async def test_what_is_removed_while_it_is_read_is_no_error_but_a_lost_object_is(
    web: Web, retention: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed, lost = await over(web, days=8), await over(web, days=1)
    readers = [await book.service.slices(ADA, book.training.id, Which(W0)) for book in (removed, lost)]

    async def fails(*_: object) -> None:
        raise StorageUnavailable("The store does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr("app.db.retention.forget_segments", fails)
        with pytest.raises(StorageUnavailable):
            await retention(keep_logs=7 * DAY).remove()
    await web.context.storage.delete_folder(f"logs/{lost.training.id}")
    assert [piece async for piece in readers[0]] == []
    with pytest.raises(ObjectMissing):
        assert [piece async for piece in readers[1]] == []


async def test_records_go_with_all_that_belongs(web: Web, retention: Make) -> None:
    old, young = await over(web, days=31), await over(web, days=29)
    service = retention(keep_records=30 * DAY)
    preview = await service.look()
    assert (going(preview.records), going(preview.logs)) == ((1, SIZE), (0, 0))
    await service.remove()
    assert await there(web) == await with_logs(web) == {young.training.id}
    for table in (tasks, attempts, log_segments):
        assert await counted(web.context.database, table) == 1
    async with web.context.database.read() as connection:
        entries = (await connection.execute(select(audit_log).where(audit_log.c.actor == "retention"))).all()
    assert [(entry.action, entry.object) for entry in entries] == [("training.remove", f"training/{old.training.id}")]
    assert going((await service.look()).records) == (0, 0)


async def test_the_preview_is_what_then_goes(web: Web, retention: Make) -> None:
    ages = [1, 3, 5, 8, 9, 20, 31, 40]
    books = {age: await over(web, days=age) for age in ages}
    for age in (20, 40):  # these never wrote a line
        await run(web, "UPDATE attempts SET log_bytes = 0 WHERE training_id = :id", id=books[age].training.id)
    service = retention(keep_records=30 * DAY, keep_logs=7 * DAY)
    preview = await service.look()
    assert (going(preview.records), going(preview.logs)) == ((2, SIZE), (2, 2 * SIZE))
    before = await there(web)
    await service.remove()
    assert before - await there(web) == {books[31].training.id, books[40].training.id}
    marked = {age for age, book in books.items() if age < 30 and (await row(web, book)).logs_removed_at is not None}
    assert marked == {8, 9}
    after = await service.look()
    assert (going(after.records), going(after.logs)) == ((0, 0), (0, 0))


@pytest.mark.parametrize(
    "changes",
    [
        *({"state": state} for state in ("queued", "starting", "running", "stopping")),
        {"namespace_state": "present"},
        {"namespace_state": "deleting"},
        {"intent_gen": 100},
        {"claimed_until": "soon"},
        {"log_archived_at": None},
    ],
)
async def test_what_is_not_over_is_never_touched(web: Web, retention: Make, changes: dict[str, Any]) -> None:
    book = await over(web, days=999)
    if "log_archived_at" in changes:
        await run(web, "UPDATE attempts SET log_archived_at = NULL")
    elif "claimed_until" in changes:
        await run(web, "UPDATE trainings SET claimed_until = now() + interval '1 minute'")
    else:
        await change(web, book, **changes)
    before = await row(web, book)
    service = retention(keep_records=DAY, keep_logs=DAY)
    assert nothing(await service.look())
    await service.remove()
    assert await row(web, book) == before
    assert await with_logs(web) == {book.training.id}
    assert await counted(web.context.database, log_segments) == 1


async def test_nothing_goes_when_nothing_is_set(web: Web, retention: Make) -> None:
    book = await over(web, days=9999)
    service = retention()
    assert nothing(await service.look())
    await service.remove()
    assert await book.text(Which(W0)) == b"".join(LINES)


@pytest.mark.parametrize("keep", ["keep_logs", "keep_records"])
async def test_a_pass_that_breaks_off_is_ended_by_the_next(
    web: Web, retention: Make, monkeypatch: pytest.MonkeyPatch, keep: str
) -> None:
    book = await over(web, days=9)
    service = retention(**{keep: DAY})

    async def fails(*_: object) -> None:
        raise StorageUnavailable("The store does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(web.context.storage, "delete_folder", fails)
        with pytest.raises(StorageUnavailable):
            await service.remove()
    # Whoever looks now is not sent to objects that may be gone.
    assert [piece async for piece in await book.service.slices(ADA, book.training.id, Which(W0), follow=True)] == []
    with monkeypatch.context() as patched:
        patched.setattr("app.db.retention.forget_segments", fails)
        with pytest.raises(StorageUnavailable):
            await service.remove()
    assert await with_logs(web) == set()
    assert await counted(web.context.database, log_segments) == 1
    await service.remove()
    assert await counted(web.context.database, log_segments) == 0
    assert await there(web) == ({book.training.id} if keep == "keep_logs" else set())


async def test_what_was_begun_is_ended_when_the_settings_are_gone(
    web: Web, retention: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    await over(web, days=9)

    async def fails(*_: object) -> None:
        raise StorageUnavailable("The store does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(web.context.storage, "delete_folder", fails)
        with pytest.raises(StorageUnavailable):
            await retention(keep_records=DAY).remove()
    await retention().remove()
    assert (await with_logs(web), await counted(web.context.database, log_segments)) == (set(), 0)
    assert len(await there(web)) == 1


async def test_more_than_a_batch_goes_and_two_at_a_time_are_harmless(
    web: Web, retention: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.retention.BATCH", 2)
    for days in (9, 9, 9, 30, 30, 30):
        await over(web, days=days)
    services = [retention(keep_logs=7 * DAY, keep_records=20 * DAY) for _ in range(3)]
    await asyncio.gather(*(service.remove() for service in services))
    assert nothing(await services[0].look())
    assert (len(await there(web)), await with_logs(web)) == (3, set())


async def test_two_that_do_not_know_of_each_other_are_harmless(web: Web, retention: Make) -> None:
    """As when the lock's connection was lost and another worker began."""
    for days in (9, 9, 9, 30, 30, 30):
        await over(web, days=days)
    services = [retention(keep_logs=7 * DAY, keep_records=20 * DAY) for _ in range(2)]
    await asyncio.gather(*(_without_lock(service) for service in services))
    await services[0].remove()
    assert nothing(await services[0].look())
    assert (len(await there(web)), await with_logs(web)) == (3, set())


async def _without_lock(service: RetentionService) -> None:
    await service._remove_records()
    await service._remove_logs()


async def test_bundles_of_no_version_go_after_a_day(web: Web, retention: Make, tmp_path: Path) -> None:
    store = web.context.storage
    await store.put_bytes(bundle_key("0" * 64), b"old")
    await store.put_bytes(bundle_key("1" * 64), b"an upload under way")
    yesterday = time.time() - 90_000
    os.utime(tmp_path / "objects" / bundle_key("0" * 64), (yesterday, yesterday))
    bundles = (await retention().look()).bundles
    assert (bundles.bundles, bundles.size) == (1, 3)
    assert bundles.oldest is not None
    assert abs(bundles.oldest.timestamp() - yesterday) < 1
    await retention().remove()
    assert [info.key for info in await store.list("bundles")] == [bundle_key("1" * 64)]


async def test_a_worker_does_it_once_an_hour(web: Web, retention: Make) -> None:
    await over(web, days=9)
    context = web.context
    connection = Connection(context.settings, "test", lambda _: None, lambda _: None)
    parts = (
        retention(keep_logs=DAY),
        context.firing,
        context.listener,
        context.chains,
        context.backfills,
        context.dead_man,
        context.promotions,
    )
    chores = Chores(context.settings, context.database, connection, "w", *parts)
    job = chores._clock._scheduler.get_job("remove what is older than it is kept")
    assert job.trigger.interval == timedelta(hours=1)
    await job.func()
    assert await with_logs(web) == set()


async def test_the_preview_is_for_admins(web: Web, admin: httpx.AsyncClient, member: httpx.AsyncClient) -> None:
    address = "/api/v1/retention/preview"
    assert (await member.get(address)).status_code == 403
    assert (await web.client().get(address)).status_code == 401
    nothing_goes = {"trainings": 0, "log_bytes": 0, "oldest": None}
    assert (await admin.get(address)).json() == {
        "keep_records": None,
        "keep_logs": None,
        "keep_audit": None,
        "records": nothing_goes,
        "logs": nothing_goes,
        "endpoints": {"endpoints": 0, "oldest": None},
        "bundles": {"bundles": 0, "size": 0, "oldest": None},
        "audit": {"entries": 0, "oldest": None},
    }


async def test_the_command_tells_what_would_go(web: Web, database_url: str, tmp_path: Path) -> None:
    await over(web, days=9)
    environment = {
        "TAAS_DATABASE_URL": database_url,
        "TAAS_HOME": str(tmp_path),
        "TAAS_KEEP_LOGS": "P7D",
        "TAAS_STORAGE_URL": web.context.settings.objects_url,
    }
    told = await asyncio.to_thread(CliRunner(env=environment).invoke, main, ["retention", "preview"])
    assert told.exit_code == 0, told.output
    assert "Records: all are kept (TAAS_KEEP_RECORDS is not set)" in told.output
    assert "older than 7 days, 0:00:00 (TAAS_KEEP_LOGS): 1 trainings, 8 bytes of logs, the oldest of" in told.output
    short = CliRunner(env=environment | {"TAAS_KEEP_LOGS": "90"}).invoke(main, ["retention", "preview"])
    assert short.exit_code == 1
    assert "TAAS_KEEP_LOGS" in short.output
    assert len(await with_logs(web)) == 1


async def row(web: Web, book: Book) -> Any:
    async with web.context.database.read() as connection:
        return (await connection.execute(trainings.select().where(trainings.c.id == book.training.id))).one()


def nothing(preview: RetentionPreview) -> bool:
    return (preview.records, preview.logs, preview.bundles.bundles) == (GoingTrainings(), GoingTrainings(), 0)


async def test_due_times_go_as_records_do_unless_they_could_come_up_again(web: Web, retention: Make) -> None:
    """Old ones and young ones of a schedule, and an old one that the schedule has not got past."""
    timed = await make_timed(web.context, [every(1)], at=TIMED)
    async with web.context.database.transaction() as connection:
        add = """
            INSERT INTO due_times (project_id, due_at, outcome, message, handled_at)
            VALUES (:project, CAST(:at AS timestamptz) + make_interval(mins => :minute), 'missed', 'why',
                    now() - make_interval(days => :days))
        """
        for minute, days in ((-3, 40), (-2, 31), (-1, 29), (0, 0), (5, 40)):
            values = {"project": timed.project, "at": TIMED, "minute": minute, "days": days}
            await connection.execute(text(add), values)
    await retention().remove()
    assert len(await timed.due_times()) == 5
    await retention(keep_records=30 * DAY).remove()
    left = [int((row["due_at"] - TIMED).total_seconds()) // 60 for row in await timed.due_times()]
    assert left == [-1, 0, 5]


async def test_the_audit_log_is_cut_where_asked_and_says_so(web: Web, retention: Make) -> None:
    async with web.context.database.transaction() as connection:
        for days in (400, 31, 29):
            add = """
                INSERT INTO audit_log (id, at, actor, action, object)
                VALUES (gen_random_uuid(), now() - make_interval(days => :days), 'ada', 'test', 'test')
            """
            await connection.execute(text(add), {"days": days})
    assert (await retention().look()).audit.entries == 0
    service = retention(keep_audit=30 * DAY)
    preview = await service.look()
    assert (preview.keep_audit, preview.audit.entries) == (30 * DAY, 2)
    await retention().remove()
    assert await ages(web) == [29, 31, 400]
    for _ in range(2):
        await service.remove()
    assert await ages(web) == [29]
    async with web.context.database.read() as connection:
        query = select(audit_log.c.detail).where(audit_log.c.action == "audit.remove")
        assert list((await connection.execute(query)).scalars()) == [{"entries": 2}]


async def ages(web: Web) -> list[int]:
    """Of the entries of the test, in days."""
    async with web.context.database.read() as connection:
        query = "SELECT extract(day FROM now() - at)::int FROM audit_log WHERE action = 'test' ORDER BY 1"
        return list((await connection.execute(text(query))).scalars())
