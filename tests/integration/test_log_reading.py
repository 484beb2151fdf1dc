"""Reading logs from rows and storage: one stream, wherever the bytes are and whenever they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from app.db import log_claims, log_rows
from app.db.engine import Database
from app.db.notify import Listener
from app.domain.log import LogPart, LogPiece
from app.domain.training import TaskKey
from app.errors import NotFound
from app.k8s.log_parser import Position
from app.scheduler import log_archive
from app.scheduler.log_tail import Tail
from app.services.log_bytes import LogBytes, LogDamaged
from app.services.log_choice import Which
from app.services.log_pieces import LogPieces
from app.storage import ObjectStore
from tests.support.log_book import ADA, START, W0, Book
from tests.support.log_rows import add_training


@pytest.fixture
async def book(database: Database, tmp_path: Path) -> AsyncIterator[Book]:
    listener = Listener(database)
    await listener.start()
    yield Book(database, ObjectStore(f"file://{tmp_path}/o"), listener, await add_training(database))
    await listener.close()


async def test_live_and_archived_are_one_stream(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_archive, "SEGMENT_BYTES", 1000)
    attempt = await book.training.attempt("worker", pod="p")
    lines = [b"line %d \xff\r x\n" % n for n in range(300)]
    for n in range(0, 300, 20):
        await book.write(attempt, *((n + i, lines[n + i]) for i in range(20)))
        if n == 200:
            await book.archive.store_full(await book.source(attempt))
            assert await book.text(Which(W0)) == b"".join(lines[:220])
    assert await book.text(Which(W0, 1)) == b"".join(lines)
    assert await book.text(Which(W0), tail=7) == b"".join(lines[-7:])
    await book.finish(attempt)
    assert await book.text(Which(W0)) == b"".join(lines)
    assert await book.text(Which(W0), tail=123) == b"".join(lines[-123:])
    assert await book.text(Which(W0), tail=1000) == b"".join(lines)
    for line, most in ((0, 10), (37, 100), (290, 50), (-5, 500)):
        page = await book.service.page(ADA, book.training.id, W0, None, line=line, most=most)
        begin = line if line >= 0 else 300 + line
        assert [(one.number, one.data + b"\n") for one in page.lines] == list(enumerate(lines))[begin : begin + most]
        assert [one.at_ms for one in page.lines] == [_ms(one.number) for one in page.lines]
        assert page.next == (begin + most if begin + most < 300 else None)


async def test_a_last_line_without_an_end(book: Book) -> None:
    attempt = await book.training.attempt("worker", pod="p")
    await book.write(attempt, (0, b"one\n"), (1, b"two"))
    page = await book.service.page(ADA, book.training.id, W0, 1, line=0)
    assert [line.data for line in page.lines] == [b"one", b"two"]
    assert await book.text(Which(W0), tail=1) == b"two"


async def test_the_last_lines_are_those_that_are_there_while_more_come(book: Book) -> None:
    attempts = [await book.training.attempt("worker", index, pod=f"p{index}") for index in range(2)]
    said = 0

    class Flood(LogBytes):
        """Whenever somebody has looked for more, there is more."""

        async def parts(self, attempt_id: UUID, after: int = 0) -> AsyncIterator[LogPart]:
            nonlocal said
            async for part in super().parts(attempt_id, after):
                yield part
                said += 1
                assert said < 20, "the reader runs after the writers"
                await book.write(attempt_id, (said, b"late %d\n" % said))

    for number, attempt in enumerate(attempts):
        await book.write(attempt, (0.1 * number, b"early\n"), (0.5 + 0.1 * number, b"last of %d\n" % number))
    logs = (await book.service.overview(ADA, book.training.id)).logs
    pieces = LogPieces(book.database, Flood(book.database, book.storage))
    taken: dict[UUID, int] = {}
    found = [piece.data async for piece in pieces.last(logs, taken, 3)]
    assert found == [b"early\n", b"last of 0\n", b"last of 1\n"]
    assert taken == {log.attempt_id: log.bytes for log in logs}


async def test_tasks_are_merged_by_time(book: Book) -> None:
    chief = await book.training.attempt("chief", pod="c")
    worker = await book.training.attempt("worker", pod="w")
    again = await book.training.attempt("worker", number=2, pod="w2")
    await book.write(chief, (0, b"c0\n"), (0.5, b"c1\n"), (2, b"c2\n"), (2.01, b"c3"))
    await book.write(worker, (0.2, b"w0\n"), (0.6, b"w1\n"), (0.605, b"w2\n"), (1, b"w3\n"))
    await book.write(again, (1.5, b"a0\n"), (3, b"a1\n"))
    merged = (
        b"chief-0 | c0\nworker-0 | w0\nchief-0 | c1\nworker-0 | w1\nworker-0 | w2\nworker-0 | w3\n"
        b"worker-0#2 | a0\nchief-0 | c2\nchief-0 | c3\nworker-0#2 | a1\n"
    )
    assert await book.text() == merged
    assert await book.text(tail=4) == b"".join(merged.splitlines(keepends=True)[-4:])
    for attempt in (chief, worker, again):
        await book.finish(attempt)
    assert await book.text() == merged
    assert await book.text(Which(W0)) == b"a0\na1\n"
    assert await book.text(Which(W0, 1)) == b"w0\nw1\nw2\nw3\n"


async def test_many_tasks_of_many_lines_stay_in_order(book: Book) -> None:
    said = {f"p{n}": "" for n in range(40)}
    attempts = await book.training.ended_tasks("worker", said)
    for n, attempt in enumerate(attempts):
        await book.write(attempt, *((step + n / 40, b"%d\n" % (step * 40 + n)) for step in range(50)))
    got = [int(line.split(b" | ")[1]) for line in (await book.text()).splitlines()]
    assert got == list(range(2000))
    assert [int(line.split(b" | ")[1]) for line in (await book.text(tail=30)).splitlines()] == list(range(1970, 2000))


async def test_following_gives_what_comes_and_ends_with_the_training(book: Book) -> None:
    attempt = await book.training.attempt("worker", pod="p")
    await book.write(attempt, *((n, b"old %d\n" % n) for n in range(10)))
    reader = Reader(await book.service.text(ADA, book.training.id, Which(W0), tail=2, follow=True))
    assert await reader.until(b"old 9\n") == b"old 8\nold 9\n"
    await book.write(attempt, (20, b"new\n"))
    assert await reader.until(b"new\n") == b"old 8\nold 9\nnew\n"
    await book.training.end_attempt(attempt, state="failed")
    await book.finish(attempt)
    again = await book.training.attempt("worker", number=2, pod="p2")
    await book.write(again, (30, b"second try\n"))
    assert (await reader.until(b"second try\n")).endswith(b"new\nsecond try\n")
    await book.training.end()
    await book.finish(again)
    await reader.ended()


async def test_following_ends_when_the_process_does(book: Book) -> None:
    attempt = await book.training.attempt("worker", pod="p")
    await book.write(attempt, (0, b"x\n"))
    closing = asyncio.Event()
    reader = Reader(await book.service.text(ADA, book.training.id, Which(), follow=True, closing=closing))
    await reader.until(b"x\n")
    closing.set()
    await reader.ended()


async def test_a_gap_is_where_it_was(book: Book) -> None:
    attempt = await book.training.attempt("worker", pod="p")
    piece = LogPiece(b"after\n", 1, START, START, ((0, 0, _ms(0)),), gap_before=True)
    await book.write(attempt, (0, b"before\n"))
    await book.append(attempt, piece)
    for _ in range(2):
        slices = [one async for one in await book.service.slices(ADA, book.training.id, Which(W0))]
        assert [one.data for one in slices if one.gap] == [b"after\n"]
        page = await book.service.page(ADA, book.training.id, W0, 1, line=0)
        assert [line.gap for line in page.lines] == [False, True]
        if not (await book.service.overview(ADA, book.training.id)).logs[0].archived:
            await book.finish(attempt)


async def test_nothing_is_appended_by_a_worker_that_is_behind(book: Book) -> None:
    attempt = await book.training.attempt("worker", pod="p")
    await book.write(attempt, (0, b"one\n"))
    old = Tail(await book.source(attempt))
    await book.write(attempt, (1, b"two\n"))
    old.add(LogPiece(b"two\n", 1, START, START), Position())
    async with book.database.transaction() as connection:
        assert await log_rows.append(connection, [old.to_write()[0]]) == set()
        await log_claims.claim(connection, worker="other", seconds=9, most=9)
    stale = Tail(await _with_epoch_0(book, attempt))
    stale.add(LogPiece(b"three\n", 1, START, START), Position())
    async with book.database.transaction() as connection:
        assert await log_rows.append(connection, [stale.to_write()[0]]) == set()
    assert await book.text(Which(W0)) == b"one\ntwo\n"


async def test_what_is_not_there(book: Book) -> None:
    await book.training.attempt("worker", pod="p")
    assert await book.text() == b""
    for which in (Which(TaskKey("ps", 0)), Which(TaskKey("worker", 7)), Which(W0, 2)):
        with pytest.raises(NotFound):
            await book.text(which)
    with pytest.raises(NotFound):
        await book.service.overview(ADA, uuid4())


async def test_a_damaged_object_is_noticed(book: Book) -> None:
    attempt = await book.training.attempt("worker", pod="p")
    await book.write(attempt, (0, b"one\n"))
    await book.finish(attempt)
    (info,) = await book.storage.list(f"logs/{book.training.id}")
    await book.storage.put_bytes(info.key, b"not gzip")
    with pytest.raises(LogDamaged):
        await LogBytes(book.database, book.storage).sum(attempt)


class Reader:
    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._stream = stream
        self.got = b""

    async def until(self, end: bytes) -> bytes:
        async with asyncio.timeout(20):
            while not self.got.endswith(end):
                self.got += await anext(self._stream)
        return self.got

    async def ended(self) -> None:
        async with asyncio.timeout(20):
            assert await anext(self._stream, None) is None


async def _with_epoch_0(book: Book, attempt: UUID) -> log_claims.LogSource:
    async with book.database.read() as connection:
        (found,) = [one for one in await log_claims.sources(connection, [book.training.id]) if one.epoch]
    return log_claims.LogSource(**{name: getattr(found, name) for name in found.__slots__} | {"epoch": 0})


def _ms(at: float) -> int:
    return int((START + timedelta(seconds=at)).timestamp() * 1000)
