"""The same schedules as CronJobs of Kubernetes and as timed projects: `python -m tests.bench.cronjobs [HOW MANY]`.

All are due in the same minute, on the same machine and the local cluster, and each is measured until what it starts
can be seen: the Job by the audit log of the API server, the training by its commit. The Jobs are made suspended, and no
worker acts on the trainings, so that no pod of either is in the way: this is about starting in time only.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

from app.context import build_context
from app.db.engine import Database
from app.domain.schedule import Overlap, Schedule
from tests.bench.schedules import lateness
from tests.support.cluster import LocalCluster, local_cluster_for_tests
from tests.support.database import PostgresForTests, postgres_for_tests
from tests.support.timed import make_timed
from tests.support.web import settings_for_tests

HOW_MANY = 1_000
EVERY_MINUTE = Schedule(cron="* * * * *", overlap=Overlap.ALLOW)
AT_ONCE = 8
READY = timedelta(seconds=15)
"""How long before their minute all are there."""
PATIENCE = 180.0

_NEXT_MINUTE = """
    UPDATE schedules SET handled_until = now(), anchor = now(),
                         next_at = date_trunc('minute', now()) + interval '1 minute'
    WHERE :seconds >= 0
"""


def main(how_many: int) -> None:
    """Prints a line for each of the two."""
    with (
        local_cluster_for_tests() as cluster,
        postgres_for_tests() as postgres,
        tempfile.TemporaryDirectory() as home,
    ):
        namespace = f"cronjobs-{uuid4().hex[:6]}"
        cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        try:
            jobs, trainings = asyncio.run(_both(cluster, namespace, postgres, Path(home), how_many))
        finally:
            cluster.call("DELETE", f"/api/v1/namespaces/{namespace}")
    for name, late in (("CronJobs", jobs), ("timed projects", trainings)):
        p50, p99, last = late[len(late) // 2], late[int(len(late) * 0.99)], late[-1]
        figures = f"p50 {p50:,.0f} ms, p99 {p99:,.0f} ms, last {last:,.0f} ms"
        sys.stdout.write(f"{len(late):,} {name} due in one minute: {figures}\n")


async def _both(
    cluster: LocalCluster, namespace: str, postgres: PostgresForTests, home: Path, how_many: int
) -> tuple[list[float], list[float]]:
    async with postgres.fresh() as url:
        database = Database(url)
        context = build_context(settings_for_tests(home), database)
        await make_timed(context, [EVERY_MINUTE] * how_many)
        await asyncio.to_thread(_make, cluster, namespace, how_many)
        now = datetime.now(UTC)
        due = (now + READY).replace(second=0, microsecond=0) + timedelta(minutes=1)
        await asyncio.sleep((due - READY - now).total_seconds())  # what is due earlier than that is let go by
        mark = cluster.audit_mark()
        trainings = await lateness(context, _NEXT_MINUTE, seconds=60)
        await database.close()
        jobs = await _jobs_late(cluster, namespace, mark, due, how_many)
    return jobs, trainings


def _make(cluster: LocalCluster, namespace: str, how_many: int) -> None:
    path = f"/apis/batch/v1/namespaces/{namespace}/cronjobs"
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda number: cluster.call("POST", path, _cron_job(number)), range(how_many)))


def _cron_job(number: int) -> dict[str, Any]:
    container = {"name": "main", "image": "localhost/taas/python:3.11", "command": ["true"]}
    pod = {"restartPolicy": "Never", "containers": [container]}
    job = {"spec": {"suspend": True, "template": {"spec": pod}}}
    return {"metadata": {"name": f"c{number}"}, "spec": {"schedule": EVERY_MINUTE.cron, "jobTemplate": job}}


async def _jobs_late(cluster: LocalCluster, namespace: str, mark: int, due: datetime, how_many: int) -> list[float]:
    """How late each CronJob's Job for that minute was, in milliseconds, rising."""
    deadline = monotonic() + PATIENCE
    wanted = f"-{int(due.timestamp()) // 60}"  # a Job is named after the minute that it is for
    while True:
        made = _made(cluster.audit_since(mark, agent="kube-controller-manager"), namespace)
        late = [1000 * (at - due).total_seconds() for name, at in made if name.endswith(wanted)]
        if len(late) == how_many:
            return sorted(late)
        if monotonic() > deadline:
            raise TimeoutError(f"the controller made {len(late)} of {how_many} Jobs")
        await asyncio.sleep(2)


def _made(events: Iterable[dict[str, Any]], namespace: str) -> Iterable[tuple[str, datetime]]:
    for event in events:
        what = event["objectRef"]
        if (event["verb"], what["resource"], what.get("namespace")) == ("create", "jobs", namespace):
            yield what["name"], datetime.fromisoformat(event["stageTimestamp"])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else HOW_MANY)
