"""Passes that break off, and several at once: what one leaves the next one ends."""

from __future__ import annotations

import asyncio

import pytest

from app.db.tables import log_segments
from app.services.log_choice import Which
from app.services.retention import RetentionService
from app.storage import StorageUnavailable
from tests.support.log_book import ADA, W0
from tests.support.retention import DAY, counted, nothing, over, retaining, there, with_logs
from tests.support.web import Web


@pytest.mark.parametrize("keep", ["keep_logs", "keep_records"])
async def test_a_pass_that_breaks_off_is_ended_by_the_next(
    web: Web, monkeypatch: pytest.MonkeyPatch, keep: str
) -> None:
    book = await over(web, days=9)
    service = retaining(web, **{keep: DAY})

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


async def test_what_was_begun_is_ended_when_the_settings_are_gone(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    await over(web, days=9)

    async def fails(*_: object) -> None:
        raise StorageUnavailable("The store does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(web.context.storage, "delete_folder", fails)
        with pytest.raises(StorageUnavailable):
            await retaining(web, keep_records=DAY).remove()
    await retaining(web).remove()
    assert (await with_logs(web), await counted(web.context.database, log_segments)) == (set(), 0)
    assert len(await there(web)) == 1


async def test_more_than_a_batch_goes_and_two_at_a_time_are_harmless(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.retention.BATCH", 2)
    for days in (9, 9, 9, 30, 30, 30):
        await over(web, days=days)
    services = [retaining(web, keep_logs=7 * DAY, keep_records=20 * DAY) for _ in range(3)]
    await asyncio.gather(*(service.remove() for service in services))
    assert nothing(await services[0].look())
    assert (len(await there(web)), await with_logs(web)) == (3, set())


async def test_two_that_do_not_know_of_each_other_are_harmless(web: Web) -> None:
    """As when the lock's connection was lost and another worker began."""
    for days in (9, 9, 9, 30, 30, 30):
        await over(web, days=days)
    services = [retaining(web, keep_logs=7 * DAY, keep_records=20 * DAY) for _ in range(2)]
    await asyncio.gather(*(_without_lock(service) for service in services))
    await services[0].remove()
    assert nothing(await services[0].look())
    assert (len(await there(web)), await with_logs(web)) == (3, set())


async def _without_lock(service: RetentionService) -> None:
    await service._remove_records()
    await service._remove_logs()
