"""Takes over the logs of the trainings that this worker holds for that: live rows, then storage, then a verdict.

Every attempt's log is followed from its start. Not more than `log_followers` at a time: when more are wanted, each is
followed for a while in turn, those that were never served first; a reading goes on where the last one stopped. What
has ended is read once more, put into storage whole and judged; only then may anything of it be deleted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any
from uuid import UUID

import structlog

from app.db import log_claims, log_rows
from app.db.engine import Database
from app.db.notify import Listener
from app.errors import TaasError
from app.k8s.client import KubeClient
from app.k8s.logs import LogGone, LogNotReady, LogTrouble, PodLog
from app.scheduler.log_archive import SEGMENT_BYTES, LogArchive
from app.scheduler.log_tail import Tail
from app.scheduler.log_writer import LogWriter
from app.settings import Settings
from app.storage import ObjectStore

LOOK_SECONDS = 1.0
LEAST_BETWEEN_LOOKS = 0.2
CLAIM_AT_A_TIME = 100
FINISHERS = 16
TURN_SECONDS = 5.0
"""How long a log is followed before another that waits may take its place."""
LAST_WORDS_SECONDS = 5.0
"""How long after its task's end a followed log may still be on its way."""
LAST_READS = 4
"""How often the log of a task that has ended is asked for before what there is must do."""
AGAIN_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)

_log = structlog.get_logger(__name__)


class LogSupervisor:
    """`client` gives the way to the cluster, or None while there is none. `run` works for ever."""

    def __init__(
        self,
        database: Database,
        storage: ObjectStore,
        listener: Listener,
        client: Callable[[], KubeClient | None],
        *,
        settings: Settings,
        worker: str,
    ) -> None:
        self._database = database
        self._listener = listener
        self._client = client
        self._worker = worker
        self._claim_seconds = settings.claim_seconds
        self._followers = settings.log_followers
        self._writer = LogWriter(database)
        self._archive = LogArchive(database, storage)
        self._held: dict[UUID, int] = {}
        self._renew_at = 0.0
        self._tails: dict[UUID, Tail] = {}
        self._following: dict[Tail, asyncio.Task[None]] = {}
        self._finishing: dict[Tail, asyncio.Task[None]] = {}
        self._look_now = asyncio.Event()
        self._closing = False

    async def request(self, training_id: UUID) -> None:
        """See to it that the logs of all attempts are stored soon."""
        self._look_now.set()

    async def complete(self, training_id: UUID) -> bool:
        """Whether the log of every attempt is in storage and judged."""
        async with self._database.read() as connection:
            return not await log_rows.unarchived(connection, training_id)

    async def run(self) -> None:
        """Until cancelled; may be run again."""
        self._closing = False
        writing = asyncio.create_task(self._writer.run(), name="log writer")
        hints = asyncio.create_task(self._take_hints(), name="log hints")
        try:
            while True:
                await self._look()
                await asyncio.sleep(LEAST_BETWEEN_LOOKS)
                await self._wait(LOOK_SECONDS - LEAST_BETWEEN_LOOKS)
        finally:
            self._closing = True
            await _ended([hints, *self._following.values(), *self._finishing.values()])
            await _ended([writing])
            for id_ in list(self._tails):
                self._forget(id_)
            await self._give_back()

    async def _look(self) -> None:
        self._look_now.clear()
        try:
            await self._hold()
            await self._update()
        except TaasError as exc:
            _log.warning("logs not looked at", problem=exc.detail)
            return
        self._end_late_followers()
        self._serve()
        self._start_storing()

    def _serve(self) -> None:
        """Start what there is a place for."""
        if self._client() is not None and not self._closing:
            self._start_finishing()
            self._start_following()

    async def _hold(self) -> None:
        """Keep the claims, and claim what nobody holds."""
        now = _now()
        if self._held and now >= self._renew_at:
            self._renew_at = now + self._claim_seconds / 3
            async with self._database.transaction() as connection:
                held = await log_claims.renew(connection, self._held, seconds=self._claim_seconds)
            self._held = {id_: epoch for id_, epoch in self._held.items() if id_ in held}
        async with self._database.transaction() as connection:
            self._held |= await log_claims.claim(
                connection, worker=self._worker, seconds=self._claim_seconds, most=CLAIM_AT_A_TIME
            )

    async def _update(self) -> None:
        """Learn which attempts there are and how they are doing; forget what is done or not ours any more."""
        async with self._database.read() as connection:
            found = {source.attempt_id: source for source in await log_claims.sources(connection, self._held)}
        found = {id_: source for id_, source in found.items() if self._held.get(source.training_id) == source.epoch}
        for id_, tail in list(self._tails.items()):
            if tail.lost or id_ not in found or found[id_].epoch != tail.source.epoch:
                self._forget(id_)
        for id_, source in found.items():
            if id_ in self._tails:
                self._tails[id_].source = source
            else:
                self._tails[id_] = Tail(source)
        await self._release({source.training_id for source in found.values()})

    async def _release(self, needed: set[UUID]) -> None:
        done = {id_: epoch for id_, epoch in self._held.items() if id_ not in needed}
        if not done:
            return
        self._held = {id_: epoch for id_, epoch in self._held.items() if id_ in needed}
        async with self._database.transaction() as connection:
            await log_claims.release(connection, done)

    def _forget(self, id_: UUID) -> None:
        tail = self._tails.pop(id_)
        tail.lose()
        for task in (self._following.pop(tail, None), self._finishing.pop(tail, None), tail.archiving):
            if task is not None:
                task.cancel()

    def _end_late_followers(self) -> None:
        """A log whose task has ended should end by itself; the connection of one that does not is given up."""
        for tail, task in list(self._following.items()):
            if not tail.source.over:
                continue
            tail.over_since = tail.over_since or _now()
            if _now() - tail.over_since > LAST_WORDS_SECONDS:
                task.cancel()

    def _start_finishing(self) -> None:
        for tail in self._tails.values():
            if len(self._finishing) >= FINISHERS:
                return
            busy = tail.done or tail in self._following or tail in self._finishing
            if tail.source.over and not busy and tail.retry_at <= _now():
                self._start(self._finishing, tail, self._finish(tail))

    def _start_following(self) -> None:
        now = _now()
        wanted = [
            tail
            for tail in self._tails.values()
            if tail.source.state == "running" and tail not in self._following and tail.retry_at <= now
        ]
        wanted.sort(key=lambda tail: (not tail.source.stopping, tail.served_at))
        free = self._followers - len(self._following)
        for tail in wanted[: max(0, free)]:
            tail.served_at = now
            self._start(self._following, tail, self._follow(tail))
        self._end_turns(len(wanted) - free)

    def _end_turns(self, waiting: int) -> None:
        if waiting <= 0:
            return
        served = sorted(self._following, key=lambda tail: tail.served_at)
        for tail in served[:waiting]:
            if _now() - tail.served_at >= TURN_SECONDS:
                tail.served_at = _now()
                self._following[tail].cancel()

    def _start_storing(self) -> None:
        for tail in self._tails.values():
            idle = tail.archiving is None or tail.archiving.done()
            if idle and tail.unstored > SEGMENT_BYTES and tail not in self._finishing:
                tail.archiving = asyncio.create_task(self._store(tail), name=f"store log {tail.source.pod}")

    def _start(self, where: dict[Tail, asyncio.Task[None]], tail: Tail, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"log {tail.source.pod}")
        where[tail] = task

        def ended(done: asyncio.Task[None]) -> None:
            if where.get(tail) is done:
                del where[tail]
            if not done.cancelled() and done.exception() is not None:
                tail.retry_at = _now() + AGAIN_SECONDS[-1]
                _log.error("log task failed", pod=tail.source.pod, exc_info=done.exception())
            self._serve()

        task.add_done_callback(ended)

    async def _follow(self, tail: Tail) -> None:
        try:
            log = self._pod_log(tail)
            async with aclosing(log.follow()) as pieces:
                async for piece in pieces:
                    tail.failures = 0
                    await self._writer.put(tail, piece, log.position)
                    if tail.lost:
                        return
        except (LogNotReady, LogGone, LogTrouble) as exc:
            _log.debug("log not followed", pod=tail.source.pod, problem=str(exc))
            self._try_later(tail)
            return
        tail.unended = log.unended
        tail.retry_at = _now() + AGAIN_SECONDS[0]

    async def _finish(self, tail: Tail) -> None:
        if not tail.read_out and not await self._read_last(tail):
            return
        self._writer.hurry()
        await tail.settled()
        if tail.lost:
            return
        if tail.archiving is not None:
            await asyncio.wait({tail.archiving})
        try:
            await self._archive.finish(tail.source)
            tail.done = True
        except TaasError as exc:
            _log.warning("log not archived", pod=tail.source.pod, problem=exc.detail)
            self._try_later(tail)

    async def _read_last(self, tail: Tail) -> bool:
        """What following did not give. When there is nothing to read any more, what it gave must do.

        False: the cluster gave no log now, try again.
        """
        unended = tail.unended
        try:
            log = self._pod_log(tail)
            async with aclosing(log.read()) as pieces:
                async for piece in pieces:
                    await self._writer.put(tail, piece, log.position)
            unended = None
        except LogGone as exc:
            _log.debug("log gone before its end was read", pod=tail.source.pod, problem=str(exc))
        except (LogNotReady, LogTrouble) as exc:
            tail.last_reads += 1
            if tail.source.started and tail.last_reads < LAST_READS:
                tail.retry_at = _now() + AGAIN_SECONDS[min(tail.last_reads - 1, len(AGAIN_SECONDS) - 1)]
                return False
            _log.info("log not read to its end", pod=tail.source.pod, problem=str(exc))
        if unended is not None and unended.before == tail.position:
            await self._writer.put(tail, unended.piece, unended.after)
        tail.unended = None
        tail.read_out = True
        return True

    async def _store(self, tail: Tail) -> None:
        try:
            tail.stored = await self._archive.store_full(tail.source)
        except TaasError as exc:
            _log.warning("log not put into storage", pod=tail.source.pod, problem=exc.detail)

    def _pod_log(self, tail: Tail) -> PodLog:
        client = self._client()
        if client is None:
            raise LogTrouble("There is no way to the cluster.")
        return PodLog(client, tail.source.namespace, tail.source.pod, tail.position)

    def _try_later(self, tail: Tail) -> None:
        tail.retry_at = _now() + AGAIN_SECONDS[min(tail.failures, len(AGAIN_SECONDS) - 1)]
        tail.failures += 1

    async def _take_hints(self) -> None:
        with self._listener.subscribe("trainings") as hints:
            while True:
                await hints.take()
                self._look_now.set()

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._look_now.wait()
        except TimeoutError:
            return

    async def _give_back(self) -> None:
        try:
            async with self._database.transaction() as connection:
                await log_claims.release(connection, self._held)
            self._held = {}
        except TaasError as exc:
            _log.warning("claims on logs not given back", problem=exc.detail)


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


def _now() -> float:
    return asyncio.get_running_loop().time()
