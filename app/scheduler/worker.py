"""The worker: claims due trainings and works on them, any number of workers side by side."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from app.context import Context
from app.db import endpoints, workers
from app.db.endpoint_status import ENDPOINTS
from app.errors import TaasError
from app.k8s.apply import Applier
from app.k8s.apply_endpoint import EndpointApplier
from app.scheduler.actions import Actor, Archive
from app.scheduler.chores import Chores
from app.scheduler.connection import Connection
from app.scheduler.endpoint_actions import EndpointActor
from app.scheduler.endpoints import EndpointReconciler
from app.scheduler.hands import Hands
from app.scheduler.hints import Hints
from app.scheduler.launching import Launcher
from app.scheduler.logs import LogSupervisor
from app.scheduler.looking import Looker
from app.scheduler.metrics import MetricReader
from app.scheduler.outbox import Outbox
from app.scheduler.reconcile import Reconciler
from app.settings import Settings

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
        self.endpoint_hints = Hints(context.database, lambda: self._endpoint_hands.look(), ENDPOINTS.hint)
        self.connection = Connection(settings, installation, self.hints.add, self.endpoint_hints.add)
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
            context.promotions,
        )
        self.outbox = Outbox(context.database, context.listener, context.sealer, settings)
        self.endpoints = EndpointReconciler(
            context.database, settings, self.name, lambda: self.connection.cluster, self.endpoint_actor
        )
        self._hands = Hands(
            "a training",
            claim=lambda most: self.reconciler.claim(most),
            work=lambda claimed: self.reconciler.work(claimed),
            most=settings.worker_concurrency,
            sweep_seconds=settings.sweep_seconds,
        )
        self._endpoint_hands = Hands(
            "an endpoint",
            claim=lambda most: self.endpoints.claim(most),
            work=lambda claimed: self.endpoints.work(claimed),
            most=settings.worker_concurrency,
            sweep_seconds=settings.sweep_seconds,
        )
        self.metrics = MetricReader(context.metric_readings, context.listener)

    @classmethod
    async def create(cls, settings: Settings, context: Context) -> Worker:
        return cls(settings, context, await context.installation.get())

    def actor(self) -> Actor | None:
        """Who acts on the cluster; None while there is no connection."""
        cluster = self.connection.cluster
        if cluster is None:
            return None
        return Actor(Applier(cluster.client, cluster.cache), self.launcher, self.archive)

    def endpoint_actor(self) -> EndpointActor | None:
        """The same for endpoints."""
        cluster = self.connection.cluster
        if cluster is None:
            return None
        return EndpointActor(EndpointApplier(cluster.client, cluster.endpoints), self.context.endpoint_builder)

    def look(self) -> None:
        """Look for due trainings at once."""
        self._hands.look()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set."""
        hands = (self._listen, self._hands.run, self._listen_endpoints, self._endpoint_hands.run)
        taking = [_started(part) for part in (*hands, self.outbox.run, self.chores.timed.run, self.metrics.run)]
        serving = [
            _started(part) for part in (self.connection.run, self.hints.run, self.endpoint_hints.run, self.logs.run)
        ]
        self.chores.start()
        try:
            await stop.wait()
        finally:
            self.chores.stop()
            await _ended(taking)
            await asyncio.gather(self._hands.finish(), self._endpoint_hands.finish())
            await _ended(serving)
            await self._leave()

    async def _listen(self) -> None:
        """Hints of other processes: a person has started or stopped something."""
        await self._hands.listen(self.context.listener, "trainings")

    async def _listen_endpoints(self) -> None:
        await self._endpoint_hands.listen(self.context.listener, endpoints.CHANNEL)

    async def _leave(self) -> None:
        with suppress(TaasError):
            async with self.context.database.transaction() as connection:
                await workers.remove(connection, self.name)


async def _kept_up(part: Callable[[], Awaitable[None]]) -> None:
    """Run a part until cancelled: a mistake in it must not end the others, nor itself for good."""
    told = asyncio.current_task()
    while told is None or not told.cancelling():  # a part that fails as it is cancelled is not started again
        try:
            await part()
        except Exception as exc:
            _log.error("a part of the worker failed", part=part.__qualname__, exc_info=exc)
        await asyncio.sleep(RESTART_SECONDS)


def _started(part: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    return asyncio.create_task(_kept_up(part), name=part.__qualname__)


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
