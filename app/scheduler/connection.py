"""This worker's connection to the cluster: made when it can be, kept up, and its troubles in words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

import structlog

from app.errors import ClusterError
from app.k8s.client import KubeClient
from app.k8s.cluster import Cluster
from app.k8s.config import named_cluster
from app.settings import Settings

RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)
_log = structlog.get_logger(__name__)


class Connection:
    """`cluster` is None until the named cluster has answered once."""

    def __init__(
        self,
        settings: Settings,
        installation: str,
        changed: Callable[[UUID], None],
        endpoint_changed: Callable[[UUID], None],
    ) -> None:
        self.cluster: Cluster | None = None
        self.ready = asyncio.Event()
        self._settings = settings
        self._installation = installation
        self._changed = changed
        self._endpoint_changed = endpoint_changed
        self._problem = "Connecting to the cluster."

    @property
    def description(self) -> str:
        """Which cluster, in words."""
        return self.cluster.client.description if self.cluster else named_cluster(self._settings)

    @property
    def problem(self) -> str:
        """What keeps trainings from running; empty when all is well."""
        return self._problem if self.cluster is None else self.cluster.problem

    async def run(self) -> None:
        """Connect, then follow the cluster until cancelled."""
        client = await self._connect()
        try:
            self.cluster = Cluster(client, self._installation, self._changed, self._endpoint_changed)
            self.ready.set()
            await self.cluster.run()
        finally:
            await client.close()

    async def _connect(self) -> KubeClient:
        failures = 0
        while True:
            try:
                client = await KubeClient.connect(self._settings)
            except ClusterError as exc:
                self._problem = exc.detail
                if failures == 0:
                    _log.warning("no cluster", problem=exc.detail)
                await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                failures += 1
            else:
                _log.info(f"trainings run in {client.description}", installation=self._installation)
                return client
