"""The worker: claims due trainings and works on them, any number of workers side by side."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from app.context import Context
from app.db import workers
from app.errors import TaasError
from app.k8s.apply import Applier
from app.scheduler.actions import Actor, Archive
from app.scheduler.chores import Chores
from app.scheduler.connection import Connection
from app.scheduler.hints import Hints
from app.scheduler.launching import Launcher
from app.scheduler.logs import LogSupervisor
from app.scheduler.looking import Looker
from app.scheduler.outbox import Outbox
from app.scheduler.reconcile import Reconciler
from app.settings import Settings

# How long trainings that are being worked on may take once the process has been told to end.
GRACE_SECONDS = 10.0
RESTART_SECONDS = 1.0
_log = structlog.get_logger(__name__)


async def run_worker(settings: Settings, context: Context, stop: asyncio.Event) -> None:
    """Work until `stop` is set. Running trainings run on; another worker, or the next one, goes on with them."""
    worker = await Worker.create(settings, context)
    await worker.run(stop)


class Worker:
    """One process' worker, put together; tests wrap its parts before they run it."""

    def __init__(self, settings: Settings, context: Context, installation: str) -> None:
        self.settings = settings
        self.context = context
        self.name = settings.worker_name or f"{socket.gethostname()}-{os.getpid()}"
        self.hints = Hints(context.database, self.look)
        self.connection = Connection(settings, installation, self.hints.add)
        self.launcher = Launcher(context.launches, installation)
        self.logs = LogSupervisor(
            context.database,
            context.storage,
            context.listener,
            lambda: self.connection.cluster.client if self.connection.cluster else None,
            settings=settings,
            worker=self.name,
        )
        self.archive: Archive = self.logs
        self.reconciler = Reconciler(
            context.database,
            settings,
            self.name,
            Looker(lambda: self.connection.cluster),
            self.actor,
            self.archive,
        )
        self.chores = Chores(
            settings,
            context.database,
            self.connection,
            self.name,
            context.retention,
            context.firing,
            context.listener,
            context.chains,
            context.backfills,
            context.dead_man,
        )
        self.outbox = Outbox(context.database, context.listener, context.sealer, settings)
        self._due = asyncio.Event()
        self._working: set[asyncio.Task[None]] = set()

    @classmethod
    async def create(cls, settings: Settings, context: Context) -> Worker:
        return cls(settings, context, await context.installation.get())

    def actor(self) -> Actor | None:
        """Who acts on the cluster; None while there is no connection."""
        cluster = self.connection.cluster
        if cluster is None:
            return None
        return Actor(Applier(cluster.client, cluster.cache), self.launcher, self.archive)

    def look(self) -> None:
        """Look for due trainings at once."""
        self._due.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set."""
        taking = [_started(part) for part in (self._listen, self._claim, self.outbox.run, self.chores.timed.run)]
        serving = [_started(part) for part in (self.connection.run, self.hints.run, self.logs.run)]
        self.chores.start()
        try:
            await stop.wait()
        finally:
            self.chores.stop()
            await _ended(taking)
            await self._finish()
            await _ended(serving)
            await self._leave()

    async def _claim(self) -> None:
        """Claim as many as there are free hands; look again when told to, or after the sweep's time."""
        while True:
            free = self.settings.worker_concurrency - len(self._working)
            try:
                claimed = await self.reconciler.claim(free) if free > 0 else []
            except TaasError as exc:
                _log.warning("cannot look for due trainings", problem=exc.detail)
                claimed = []
            for one in claimed:
                task = asyncio.create_task(self.reconciler.work(one), name=f"training {one.training.id}")
                self._working.add(task)
                task.add_done_callback(self._worked)
            if not claimed:
                # Not wait_for: in Python 3.11 it can swallow the cancellation that ends this loop.
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.settings.sweep_seconds):
                        await self._due.wait()
                self._due.clear()

    def _worked(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            _log.error("working on a training failed", task=task.get_name(), exc_info=failure)
        self._due.set()

    async def _listen(self) -> None:
        """Hints of other processes: a person has started or stopped something."""
        with self.context.listener.subscribe("trainings") as changes:
            while True:
                if await changes.take(timeout=60):
                    self._due.set()

    async def _finish(self) -> None:
        """Let what is under way come to its end, then give back what is not done."""
        if self._working:
            _, late = await asyncio.wait(self._working, timeout=GRACE_SECONDS)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    async def _leave(self) -> None:
        with suppress(TaasError):
            async with self.context.database.transaction() as connection:
                await workers.remove(connection, self.name)


async def _kept_up(part: Callable[[], Awaitable[None]]) -> None:
    """Run a part for ever: a mistake in it must not end the others, nor itself for good."""
    while True:
        try:
            await part()
        except Exception as exc:
            _log.error("a part of the worker failed and starts again", part=part.__qualname__, exc_info=exc)
        await asyncio.sleep(RESTART_SECONDS)


def _started(part: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    return asyncio.create_task(_kept_up(part), name=part.__qualname__)


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
