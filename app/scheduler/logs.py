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

from app.db import log_rows
from app.db.engine import Database
from app.db.log_claims import LogSource
from app.db.notify import Listener
from app.errors import TaasError
from app.k8s.client import KubeClient
from app.k8s.logs import LogGone, LogNotReady, LogTrouble, PodLog
from app.scheduler.log_archive import SEGMENT_BYTES, LogArchive
from app.scheduler.log_holdings import LogHoldings
from app.scheduler.log_queue import LogQueue
from app.scheduler.log_tail import Tail
from app.scheduler.log_writer import LogWriter
from app.settings import Settings
from app.storage import ObjectStore

LOOK_SECONDS = 1.0
LEAST_BETWEEN_LOOKS = 0.2
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
        self._client = client
        self._followers = settings.log_followers
        self._writer = LogWriter(database)
        self._archive = LogArchive(database, storage)
        self._holdings = LogHoldings(database, listener, worker=worker, claim_seconds=settings.claim_seconds)
        self._queue = LogQueue()
        self._tails: dict[UUID, dict[UUID, Tail]] = {}  # by training and attempt
        self._following: dict[Tail, asyncio.Task[None]] = {}
        self._finishing: dict[Tail, asyncio.Task[None]] = {}
        self._closing = False

    async def request(self, training_id: UUID) -> None:
        """See to it that the logs of all attempts are stored soon."""
        self._holdings.again(training_id)

    async def complete(self, training_id: UUID) -> bool:
        """Whether the log of every attempt is in storage and judged."""
        async with self._database.read() as connection:
            return not await log_rows.unarchived(connection, training_id)

    async def run(self) -> None:
        """Until cancelled; may be run again."""
        self._closing = False
        writing = asyncio.create_task(self._writer.run(), name="log writer")
        hints = asyncio.create_task(self._holdings.listen(), name="log hints")
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
                self._take_in(id_, [])
            await self._holdings.give_back()

    async def _look(self) -> None:
        try:
            found = await self._holdings.look()
        except TaasError as exc:
            _log.warning("logs not looked at", problem=exc.detail)
            return
        for id_ in self._tails.keys() - self._holdings.held.keys():
            self._take_in(id_, [])
        for id_, sources in found.items():
            self._take_in(id_, sources)
        self._end_late_followers()
        self._serve()
        self._end_turns()
        self._start_storing()

    def _take_in(self, training_id: UUID, sources: list[LogSource]) -> None:
        """These are the training's attempts, and how they are doing; forget what is done or not ours any more."""
        tails = self._tails.setdefault(training_id, {})
        present = {source.attempt_id: source for source in sources}
        for id_, tail in list(tails.items()):
            if tail.lost or id_ not in present or present[id_].epoch != tail.source.epoch:
                self._forget(tails.pop(id_))
        for id_, source in present.items():
            known = tails.get(id_)
            if known is not None and known.source == source:
                continue
            tail = tails[id_] = known or Tail(source)
            tail.source = source
            if tail not in self._following and tail not in self._finishing:
                self._queue.put(tail, _now())
        if not tails:
            del self._tails[training_id]

    def _forget(self, tail: Tail) -> None:
        tail.lose()
        self._queue.drop(tail)
        for task in (self._following.pop(tail, None), self._finishing.pop(tail, None), tail.archiving):
            if task is not None:
                task.cancel()

    def _serve(self) -> None:
        """Start what there is a place for."""
        if self._client() is None or self._closing:
            return
        now = _now()
        while len(self._finishing) < FINISHERS and (over := self._queue.take_over(now)) is not None:
            self._start(self._finishing, over, self._finish(over))
        while len(self._following) < self._followers and (next_ := self._queue.take_running(now)) is not None:
            next_.served_at = now
            self._start(self._following, next_, self._follow(next_))

    def _end_turns(self) -> None:
        """Make room for logs that wait."""
        now = _now()
        served = sorted(self._following, key=lambda tail: tail.served_at)
        for tail in served[: self._queue.waiting]:
            if now - tail.served_at >= TURN_SECONDS:
                tail.served_at = now
                self._following[tail].cancel()

    def _end_late_followers(self) -> None:
        """A log whose task has ended should end by itself; the connection of one that does not is given up."""
        for tail, task in list(self._following.items()):
            if not tail.source.over:
                continue
            tail.over_since = tail.over_since or _now()
            if _now() - tail.over_since > LAST_WORDS_SECONDS:
                task.cancel()

    def _start_storing(self) -> None:
        """Only what is followed grows."""
        for tail in self._following:
            idle = tail.archiving is None or tail.archiving.done()
            if idle and tail.unstored > SEGMENT_BYTES:
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
            if tail.done or tail.lost:
                self._holdings.again(tail.source.training_id)
            self._queue.put(tail, _now())
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

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._holdings.changed.wait()
        except TimeoutError:
            return


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


def _now() -> float:
    return asyncio.get_running_loop().time()
