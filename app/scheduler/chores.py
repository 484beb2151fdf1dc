"""The worker's jobs by the clock: every one of them stands here."""

from __future__ import annotations

from datetime import timedelta
from importlib.metadata import version

import structlog

from app.db import (
    cluster_nodes,
    endpoints,
    hook_deliveries,
    idempotency,
    notices,
    passes,
    running_queue,
    sessions,
    workers,
)
from app.db.cluster_nodes import NodeRow
from app.db.engine import Database
from app.db.notify import Listener
from app.domain.endpoints.endpoint import Kind
from app.k8s import capacity
from app.scheduler.clock import Clock
from app.scheduler.connection import Connection
from app.scheduler.orphans import EVERY_SECONDS, Orphans
from app.scheduler.timed import Timed
from app.scheduler.usage import LOOK_SECONDS, UsageSampler
from app.services.backfills import BackfillService
from app.services.chains import Chains
from app.services.dead_man import DeadManService
from app.services.firing import FiringService
from app.services.promotions import PromotionService
from app.services.retention import RetentionService
from app.settings import Settings

RETENTION_AFTER = 60.0
TENSORBOARD_DAYS = 7
"""For so long a TensorBoard that has ended can be started again as it was."""
_GONE_FOR = timedelta(days=1)
_log = structlog.get_logger(__name__)


class Chores:
    """What has to be done now and then, whatever the trainings do."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        connection: Connection,
        worker: str,
        retention: RetentionService,
        firing: FiringService,
        listener: Listener,
        chains: Chains,
        backfills: BackfillService,
        dead_man: DeadManService,
        promotions: PromotionService,
    ) -> None:
        self._settings = settings
        self._database = database
        self._connection = connection
        self._worker = worker
        self._orphans = Orphans(database)
        self._usage = UsageSampler(database, lambda: connection.cluster, settings.usage_seconds)
        self._clock = Clock()
        self._firing = firing
        self._chains = chains
        self._backfills = backfills
        self._dead_man = dead_man
        self._promotions = promotions
        self.timed = Timed(
            firing,
            listener,
            self._clock,
            sweep_seconds=settings.sweep_seconds,
            sees=lambda: connection.cluster is not None and connection.cluster.fresh,
        )
        self._clock.every(5, self._heartbeat, "say that this worker is there")
        self._clock.every(settings.sweep_seconds, self._queue, "start who may leave the queue")
        self._clock.every(settings.sweep_seconds, self._failures, "pause schedules that only fail")
        self._clock.every(settings.sweep_seconds, self._follow, "start what follows a success")
        self._clock.every(settings.sweep_seconds, self._backfill, "carry on backfills")
        self._clock.every(15, self._alarms, "tell of due trainings that are late, overdue or slow")
        self._clock.every(5, self._promote, "put better models live")
        self._clock.every(15, self._forget, "forget pods that are gone")
        self._clock.every(30, self._nodes, "keep the rows of the nodes", first=5)
        self._clock.every(LOOK_SECONDS, self._usage.look, "sample what tasks use")
        self._clock.every(EVERY_SECONDS, self._collect, "collect orphans")
        self._clock.every(600, self._expire, "remove what has expired")
        self._clock.every(600, self._forget_notices, "forget old notices")
        # Soon, as a worker that is started anew each day would else never do it; not at once, as there is enough to do.
        self._clock.every(3600, retention.remove, "remove what is older than it is kept", first=RETENTION_AFTER)

    def start(self) -> None:
        self._clock.start()

    def stop(self) -> None:
        self._clock.stop()

    async def _heartbeat(self) -> None:
        async with self._database.transaction() as connection:
            await workers.say_seen(
                connection,
                name=self._worker,
                version=version("taas"),
                cluster=self._connection.description,
                problem=self._connection.problem,
            )

    async def _queue(self) -> None:
        async with self._database.transaction() as connection:
            await running_queue.wake(connection, self._settings.running_limit)

    async def _failures(self) -> None:
        await self._firing.pause_failing()

    async def _follow(self) -> None:
        await self._chains.carry_out()

    async def _backfill(self) -> None:
        await self._backfills.advance()

    async def _promote(self) -> None:
        await self._promotions.carry_out()

    async def _alarms(self) -> None:
        await self._dead_man.look()

    async def _forget(self) -> None:
        if self._connection.cluster is not None:
            self._connection.cluster.cache.forget_gone()

    async def _nodes(self) -> None:
        cluster = self._connection.cluster
        if cluster is None or not cluster.fresh:
            return
        asked = await capacity.requested(cluster.client)
        used = await capacity.used(cluster.client)
        rows = [
            NodeRow(
                node.name,
                node.ready,
                node.allocatable,
                asked.get(node.name, {}),
                used.get(node.name),
                labels=node.labels,
                taints=node.taints,
                boot_id=node.boot_id,
                reported_at=node.reported_at,
            )
            for node in cluster.cache.nodes.all()
        ]
        async with self._database.transaction() as connection:
            await cluster_nodes.replace_all(connection, rows)

    async def _collect(self) -> None:
        if self._connection.cluster is not None:
            await self._orphans.collect(self._connection.cluster)

    async def _expire(self) -> None:
        """Whatever is over and nobody will ask for again: sessions, answers, deliveries, workers, TensorBoards."""
        async with self._database.transaction() as connection:
            await sessions.remove_expired(connection)
            await idempotency.forget(connection, idempotency.KEPT_FOR)
            await workers.remove_unseen(connection, _GONE_FOR)
            await hook_deliveries.prune(connection)
            await passes.remove_expired(connection)
            await endpoints.remove_ended(connection, Kind.TENSORBOARD, TENSORBOARD_DAYS)

    async def _forget_notices(self) -> None:
        """Those that are over a month old, some in each transaction."""
        removed = 1
        while removed:
            async with self._database.transaction() as connection:
                removed = await notices.forget(connection)
