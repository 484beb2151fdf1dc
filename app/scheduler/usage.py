"""Samples what the pods of all trainings use: one request for all of them, by one worker at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import structlog

from app.db import usage as rows
from app.db.engine import Database
from app.domain.usage import PodUsage
from app.errors import ClusterError
from app.k8s import usage
from app.k8s.cluster import Cluster

LOOK_SECONDS = 5.0
"""How often a worker asks the database whether it is its turn."""
AGAIN_SECONDS = 300.0
"""Where nobody measures, that is rarely looked at."""
_AGAIN = "TaaS looks again every five minutes."
_ABSENT = f"The cluster has no metrics API (metrics.k8s.io): install metrics-server. {_AGAIN}"
_REFUSED = f"TaaS may not list pods of metrics.k8s.io: allow it to the account of its worker. {_AGAIN}"
_DOWN = f"The cluster's metrics API does not answer: see whether metrics-server is ready. {_AGAIN}"
_log = structlog.get_logger(__name__)


class UsageSampler:
    """`look` is called every `LOOK_SECONDS` by every worker. Whose turn it is says the database."""

    def __init__(self, database: Database, cluster: Callable[[], Cluster | None], every_seconds: float) -> None:
        self._database = database
        self._cluster = cluster
        self._every = timedelta(seconds=every_seconds)
        self._told = ""

    async def look(self) -> None:
        """Sample, if it is this worker's turn. Raises DatabaseError."""
        cluster = self._cluster()
        if cluster is None:
            return
        async with self._database.transaction() as connection:
            if not await rows.claim(connection, self._every):
                return
        samples, problem, again = await self._sample(cluster)
        async with self._database.transaction() as connection:
            await rows.save(connection, samples)
            await rows.tell(connection, problem, again)
        if problem and problem != self._told:
            _log.warning("cannot sample what tasks use", problem=problem)
        self._told = problem

    async def _sample(self, cluster: Cluster) -> tuple[list[PodUsage], str, timedelta]:
        """The samples, or why there are none, and when to look again."""
        rarely = max(timedelta(seconds=AGAIN_SECONDS), self._every)
        try:
            found = await usage.of_trainings(cluster.client, cluster.cache.installation)
        except ClusterError as exc:
            if exc.http_status == 503:
                return [], _DOWN, rarely
            if exc.http_status == 403:
                return [], _REFUSED, rarely
            return [], exc.detail, self._every
        if found is None:
            return [], _ABSENT, rarely
        return found, "", self._every
