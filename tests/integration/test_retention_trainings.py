"""What is removed of trainings because of their age, from real rows and a real folder of objects; and what never is."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from app.db import log_reading
from app.db.tables import attempts, audit_log, log_segments, tasks
from app.services.log_choice import Which
from tests.support.log_book import W0
from tests.support.retention import (
    DAY,
    LINES,
    SIZE,
    change,
    counted,
    going,
    nothing,
    over,
    retaining,
    row,
    run,
    there,
    with_logs,
)
from tests.support.web import Web


async def test_logs_go_and_the_record_says_so(web: Web, member: httpx.AsyncClient) -> None:
    old, young = await over(web, days=8), await over(web, days=6)
    service = retaining(web, keep_logs=7 * DAY)
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


async def test_records_go_with_all_that_belongs(web: Web) -> None:
    old, young = await over(web, days=31), await over(web, days=29)
    service = retaining(web, keep_records=30 * DAY)
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


async def test_the_preview_is_what_then_goes(web: Web) -> None:
    ages = [1, 3, 5, 8, 9, 20, 31, 40]
    books = {age: await over(web, days=age) for age in ages}
    for age in (20, 40):  # these never wrote a line
        await run(web, "UPDATE attempts SET log_bytes = 0 WHERE training_id = :id", id=books[age].training.id)
    service = retaining(web, keep_records=30 * DAY, keep_logs=7 * DAY)
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
async def test_what_is_not_over_is_never_touched(web: Web, changes: dict[str, Any]) -> None:
    book = await over(web, days=999)
    if "log_archived_at" in changes:
        await run(web, "UPDATE attempts SET log_archived_at = NULL")
    elif "claimed_until" in changes:
        await run(web, "UPDATE trainings SET claimed_until = now() + interval '1 minute'")
    else:
        await change(web, book, **changes)
    before = await row(web, book)
    service = retaining(web, keep_records=DAY, keep_logs=DAY)
    assert nothing(await service.look())
    await service.remove()
    assert await row(web, book) == before
    assert await with_logs(web) == {book.training.id}
    assert await counted(web.context.database, log_segments) == 1


async def test_nothing_goes_when_nothing_is_set(web: Web) -> None:
    book = await over(web, days=9999)
    service = retaining(web)
    assert nothing(await service.look())
    await service.remove()
    assert await book.text(Which(W0)) == b"".join(LINES)
