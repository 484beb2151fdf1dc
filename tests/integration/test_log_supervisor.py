"""Logs from a (fake) cluster into PostgreSQL and storage: whole, or known not to be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.db import log_rows
from app.db.engine import Database
from app.db.notify import Listener
from app.domain.training import LogVerdict
from app.k8s.client import KubeClient
from app.scheduler import log_archive, logs
from app.scheduler.logs import LogSupervisor
from app.services.log_bytes import LogBytes
from app.settings import Settings
from app.storage import ObjectStore
from tests.support.kubelet_logs import FakeKubelet
from tests.support.log_rows import TrainingRow, add_training, attempt_row, said_of
from tests.support.waiting import eventually


class Logs:
    """A database, a store, a fake cluster, and workers over them."""

    def __init__(self, database: Database, storage: ObjectStore, kubelet: FakeKubelet, client: KubeClient) -> None:
        self.database, self.storage, self.kubelet, self.client = database, storage, kubelet, client
        self.bytes = LogBytes(database, storage)

    @asynccontextmanager
    async def worker(self, name: str = "w1", **settings: Any) -> AsyncIterator[LogSupervisor]:
        listener = Listener(self.database)
        await listener.start()
        supervisor = LogSupervisor(
            self.database,
            self.storage,
            listener,
            lambda: self.client,
            settings=Settings(claim_seconds=2, **settings),
            worker=name,
        )
        task = asyncio.create_task(supervisor.run())
        try:
            yield supervisor
        finally:
            task.cancel()
            await asyncio.wait({task})
            await listener.close()

    async def stored(self, attempt_id: UUID) -> bytes:
        return b"".join([piece async for piece in self.bytes.pieces(attempt_id)])

    async def stored_from(self, attempt_id: UUID, start: int, end: int) -> bytes:
        return b"".join([piece async for piece in self.bytes.pieces(attempt_id, start, end)])

    async def row(self, attempt_id: UUID) -> Any:
        return await attempt_row(self.database, attempt_id)

    async def verdict(self, attempt_id: UUID) -> tuple[str, int]:
        async def judged() -> Any:
            row = await self.row(attempt_id)
            return row if row.log_archived_at is not None else None

        row = await eventually(judged)
        return row.log_verdict, row.log_missing_lines


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[Logs]:
    kubelet = FakeKubelet()
    async with kubelet.client() as client:
        yield Logs(database, ObjectStore(f"file://{tmp_path}/objects"), kubelet, client)


@pytest.fixture
async def training(database: Database) -> TrainingRow:
    return await add_training(database)


async def test_a_log_is_live_while_it_is_written_and_verified_in_the_end(world: Logs, training: TrainingRow) -> None:
    pod = world.kubelet.pod("worker-0-x")
    attempt = await training.attempt("worker", pod="worker-0-x")
    async with world.worker() as supervisor:
        await pod.until_followed()
        await pod.write(b"one\n", b"two\r\r\n")
        await eventually(lambda: _has(world, attempt, b"one\ntwo\r\r\n"))
        await pod.write(b"three, no end")
        await pod.end()
        await training.end_attempt(attempt, termination=said_of(b"one\ntwo\r\r\r\nthree, no end"))
        assert await world.verdict(attempt) == (LogVerdict.VERIFIED, 0)
        assert await supervisor.complete(training.id)
    assert await world.stored(attempt) == pod.content
    row = await world.row(attempt)
    assert (row.log_bytes, row.log_lines) == (len(pod.content), 2)
    async with world.database.read() as connection:
        assert await log_rows.chunks(connection, attempt) == []
        (segment,) = await log_rows.segments(connection, attempt)
    assert segment.object_key is not None
    assert await world.storage.exists(segment.object_key)


async def test_cut_connections_lose_and_double_nothing(world: Logs, training: TrainingRow) -> None:
    pod = world.kubelet.pod("p", step_ns=0)
    pod.step_ns = 300_000_000
    attempt = await training.attempt("worker", pod="p")
    async with world.worker():
        await pod.until_followed()
        for round_ in range(4):
            await pod.write(*(b"%d %d\n" % (round_, n) for n in range(5)))
            expected = pod.content
            await eventually(lambda expected=expected: _has(world, attempt, expected))
            await pod.cut()
        await pod.write(b"last\n")
        await pod.end()
        await training.end_attempt(attempt, termination=said_of(pod.content))
        assert await world.verdict(attempt) == (LogVerdict.VERIFIED, 0)
    assert await world.stored(attempt) == pod.content


async def test_lines_lost_at_a_rotation_are_counted_and_the_gap_is_marked(world: Logs, training: TrainingRow) -> None:
    pod = world.kubelet.pod("p")
    attempt = await training.attempt("worker", pod="p")
    written = b"".join(b"%d\n" % n for n in range(300))
    async with world.worker():
        await pod.until_followed()
        await pod.write(*(b"%d\n" % n for n in range(100)))
        await eventually(lambda: _has(world, attempt, pod.content))
        pod.ready = False  # nobody can follow while it is rotated away
        await pod.cut()
        await pod.write(*(b"%d\n" % n for n in range(100, 300)))
        await pod.forget(170)
        pod.ready = True
        await pod.end()
        await training.end_attempt(attempt, termination=said_of(written))
        assert await world.verdict(attempt) == (LogVerdict.INCOMPLETE, 70)
    assert await world.stored(attempt) == b"".join(b"%d\n" % n for n in [*range(100), *range(170, 300)])
    async with world.database.read() as connection:
        (segment,) = await log_rows.segments(connection, attempt)
    assert segment.gaps == (len(b"".join(b"%d\n" % n for n in range(100))),)


async def test_a_task_that_was_killed_is_unverified(world: Logs, training: TrainingRow) -> None:
    pod = world.kubelet.pod("p")
    await pod.write(b"x\n")
    await pod.end()
    attempt = await training.attempt("worker", pod="p")
    await training.end_attempt(attempt, state="failed", termination='{"v":1,"phase":"run"}')
    async with world.worker():
        assert await world.verdict(attempt) == (LogVerdict.UNVERIFIED, None)
    assert await world.stored(attempt) == b"x\n"


async def test_a_pod_that_is_removed_keeps_what_was_followed_to_its_last_byte(
    world: Logs, training: TrainingRow
) -> None:
    pod = world.kubelet.pod("ps-0-x")
    attempt = await training.attempt("ps", pod="ps-0-x")
    async with world.worker():
        await pod.until_followed()
        await pod.write(b"serving\n", b"bye, no end")
        await pod.end()
        pod.gone = True
        await training.end_attempt(attempt, state="removed", termination=said_of(pod.content, 143))
        assert await world.verdict(attempt) == (LogVerdict.VERIFIED, 0)


async def test_a_container_that_never_ran_has_an_empty_log(world: Logs, training: TrainingRow) -> None:
    world.kubelet.pod("p").ready = False
    attempt = await training.attempt("worker", pod="p", state="pending")
    await training.end_attempt(attempt, state="failed")
    async with world.worker():
        assert await world.verdict(attempt) == (LogVerdict.UNVERIFIED, None)
    assert await world.stored(attempt) == b""


async def test_words_of_the_cluster_are_not_taken_for_log(
    world: Logs, training: TrainingRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LAST_READS", 2)
    pod = world.kubelet.pod("p")
    await pod.write(b"before\n")
    pod.trouble = "unable to retrieve container logs for containerd://0123"
    attempt = await training.attempt("worker", pod="p")
    await training.end_attempt(attempt, state="failed", termination=said_of(b"before\nafter\n", 1))
    async with world.worker():
        assert await world.verdict(attempt) == (LogVerdict.INCOMPLETE, 1)
    assert await world.stored(attempt) == b"before\n"


async def test_a_long_log_moves_into_storage_while_it_grows(
    world: Logs, training: TrainingRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_archive, "SEGMENT_BYTES", 500_000)
    monkeypatch.setattr(logs, "SEGMENT_BYTES", 500_000)
    pod = world.kubelet.pod("p")
    attempt = await training.attempt("worker", pod="p")
    async with world.worker():
        await pod.until_followed()
        await pod.write(*(b"%06d %s\n" % (n, b"x" * 90) for n in range(20_000)), b"y" * 300_000 + b"\n")

        async def segments() -> bool:
            async with world.database.read() as connection:
                return len(await log_rows.segments(connection, attempt)) >= 2

        await eventually(segments)
        await pod.end()
        await training.end_attempt(attempt, termination=said_of(pod.content))
        assert await world.verdict(attempt) == (LogVerdict.VERIFIED, 0)
    assert await world.stored(attempt) == pod.content
    assert await world.stored_from(attempt, 1_234_567, 1_300_000) == pod.content[1_234_567:1_300_000]


async def test_another_worker_goes_on_where_a_dead_one_stopped(world: Logs, training: TrainingRow) -> None:
    pod = world.kubelet.pod("p")
    attempt = await training.attempt("worker", pod="p")
    async with world.worker("first") as first:
        await pod.until_followed()
        await pod.write(*(b"%d\n" % n for n in range(50)))
        await eventually(lambda: _has(world, attempt, pod.content))
        first._holdings._hold = _stuck  # type: ignore[method-assign]  # it renews no claim any more, but goes on following
        async with world.worker("second"):
            await pod.until_followed(2)
            await pod.write(*(b"%d\n" % n for n in range(50, 100)))
            await pod.end()
            await training.end_attempt(attempt, termination=said_of(pod.content))
            assert await world.verdict(attempt) == (LogVerdict.VERIFIED, 0)
    assert await world.stored(attempt) == pod.content


async def test_few_followers_serve_many_logs_in_turn(
    world: Logs, training: TrainingRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "TURN_SECONDS", 0.3)
    pods = [world.kubelet.pod(f"p{n}") for n in range(12)]
    attempts = [await training.attempt("worker", n, pod=f"p{n}") for n in range(12)]
    async with world.worker(log_followers=3):
        for pod in pods:
            await pod.write(b"a line\n")
        for attempt in attempts:
            await eventually(lambda attempt=attempt: _has(world, attempt, b"a line\n"))
        assert world.kubelet.most_following <= 4  # one that is being left may still be counted
        for pod, attempt in zip(pods, attempts, strict=True):
            await pod.write(b"more\n")
            await pod.end()
            await training.end_attempt(attempt, termination=said_of(b"a line\nmore\n"))
        assert {await world.verdict(attempt) for attempt in attempts} == {(LogVerdict.VERIFIED, 0)}


async def test_hundreds_of_ended_tasks_are_archived_with_one_reading_each(world: Logs, training: TrainingRow) -> None:
    for n in range(300):
        await world.kubelet.pod(f"p{n}").write(b"task %d\n" % n)
    said = {f"p{n}": said_of(b"task %d\n" % n) for n in range(300)}
    attempts = await training.ended_tasks("worker", said)
    async with world.worker() as supervisor:
        await eventually(lambda: supervisor.complete(training.id), seconds=300)
    assert {pod.reads for pod in world.kubelet.pods.values()} == {1}
    assert {(await world.row(attempt)).log_verdict for attempt in attempts} == {LogVerdict.VERIFIED}


async def test_a_database_that_is_away_for_a_moment_loses_nothing(world: Logs, training: TrainingRow) -> None:
    pod = world.kubelet.pod("p")
    attempt = await training.attempt("worker", pod="p")
    async with world.worker():
        await pod.until_followed()
        await pod.write(*(b"%d\n" % n for n in range(1000)))
        await _cut_all_connections(world.database)
        await pod.write(*(b"%d\n" % n for n in range(1000, 2000)))
        await pod.end()
        await training.end_attempt(attempt, termination=said_of(pod.content))
        assert await world.verdict(attempt) == (LogVerdict.VERIFIED, 0)
    assert await world.stored(attempt) == pod.content


async def _has(world: Logs, attempt: UUID, content: bytes) -> bool:
    return await world.stored(attempt) == content


async def _stuck() -> None:
    return None


async def _cut_all_connections(database: Database) -> None:
    connection = await database.connect()
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()
