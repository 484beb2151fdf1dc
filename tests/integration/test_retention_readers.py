"""Whoever reads logs while they are removed."""

from __future__ import annotations

import asyncio

import pytest

from app.services.log_choice import Which
from app.storage import ObjectMissing, StorageUnavailable
from tests.support.log_book import ADA, W0
from tests.support.retention import DAY, over, retaining
from tests.support.web import Web


async def test_readers_of_a_removed_log_come_to_an_end(web: Web) -> None:
    book = await over(web, days=8)
    open_before = await book.service.slices(ADA, book.training.id, Which(W0), follow=True)
    await retaining(web, keep_logs=DAY).remove()
    assert [piece async for piece in open_before] == []
    for which in (Which(), Which(W0), Which(W0, 1)):
        slices = await book.service.slices(ADA, book.training.id, which, follow=True)
        async with asyncio.timeout(20):
            assert [piece async for piece in slices] == []
    assert [piece async for piece in await book.service.slices(ADA, book.training.id, Which(), tail=5)] == []
    page = await book.service.page(ADA, book.training.id, W0, None, line=-1)
    assert (page.lines, page.next, page.log.lines) == ((), None, 2)


async def test_what_is_removed_while_it_is_read_is_no_error_but_a_lost_object_is(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed, lost = await over(web, days=8), await over(web, days=1)
    readers = [await book.service.slices(ADA, book.training.id, Which(W0)) for book in (removed, lost)]

    async def fails(*_: object) -> None:
        raise StorageUnavailable("The store does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr("app.db.retention.forget_segments", fails)
        with pytest.raises(StorageUnavailable):
            await retaining(web, keep_logs=7 * DAY).remove()
    await web.context.storage.delete_folder(f"logs/{lost.training.id}")
    assert [piece async for piece in readers[0]] == []
    with pytest.raises(ObjectMissing):
        assert [piece async for piece in readers[1]] == []
