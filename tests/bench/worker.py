"""How much a worker gets done, on fake nodes of the local cluster: `python -m tests.bench.worker`.

A `taas worker` in a process of its own, with default settings but for its limits of trainings, requests and logs. In
one run: how many trainings a minute come to run; what the worker's memory grows by with live tasks; and how soon the
Job and the pods of one training of 1,000 tasks are there, beside `kubectl apply` of the very same manifests.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import func, select

from app.context import Context
from app.db.engine import Database
from app.db.tables import trainings, workers
from app.k8s.manifests import build as manifests_of
from deploy.local import build
from tests.support.cluster import LocalCluster, local_cluster_for_tests
from tests.support.database import PostgresForTests, postgres_for_tests
from tests.support.fake_tasks import Kube, kube
from tests.support.trainings import Maker, run_spec
from tests.support.workers import context_for_tests, worker_process

TRAININGS, TASKS_EACH, WIDE = 300, 4, 1_000
WARM_UP = 50
FOLLOWERS = 10  # what followed logs keep has a budget, and a benchmark, of its own
RATE, MEGABYTES, JOBS_RATIO, PODS_RATIO = 300.0, 10.0, 0.5, 1.0
NODES = {"taas-test": "bench"}
FAKE_NODES = 24
PATIENCE = 300.0
SETTLED = 5.0


def main() -> int:
    """1 when something is over its budget."""
    with (
        local_cluster_for_tests(node=False) as cluster,
        postgres_for_tests() as postgres,
        tempfile.TemporaryDirectory() as home,
    ):
        cluster.fake_nodes(FAKE_NODES, prefix="bench", labels=NODES)
        try:
            return int(not asyncio.run(_within_budgets(cluster, postgres, Path(home))))
        finally:
            cluster.fake_nodes(0, prefix="bench")


async def _within_budgets(cluster: LocalCluster, postgres: PostgresForTests, home: Path) -> bool:
    installation = f"bench-{uuid4().hex[:8]}"
    async with postgres.fresh() as url:
        database = Database(url)
        async with (
            context_for_tests(database, home, cluster, installation=installation) as context,
            kube(cluster) as client,
            worker_process(context, running_limit=TRAININGS + 1, log_followers=FOLLOWERS) as pid,
        ):
            bench = Bench(cluster, context, client, await Maker.create(context))
            await bench.ready()
            idle = _resident(pid)
            await bench.come_to_run(WARM_UP)
            await bench.leave()
            warm = _resident(pid)
            good = [await bench.many(), _fits(idle, warm, _resident(pid))]
            await bench.leave()
            good.append(await bench.wide())
            await bench.leave()
        await database.close()
    return all(good)


@dataclass
class Bench:
    """An installation of its own on the cluster."""

    cluster: LocalCluster
    context: Context
    client: Kube
    maker: Maker

    async def ready(self) -> None:
        """Until the worker has begun and is quiet: what it takes for itself is not for tasks."""
        query = select(func.count()).select_from(workers)

        async def there() -> bool:
            async with self.context.database.read() as connection:
                return bool((await connection.execute(query)).scalar_one())

        await _until(there)
        await asyncio.sleep(SETTLED)

    async def many(self) -> bool:
        """Trainings come in together; done when the last one's tasks all run."""
        began = monotonic()
        await self.come_to_run(TRAININGS)
        rate = TRAININGS / (monotonic() - began) * 60
        sys.stdout.write(f"{TRAININGS} trainings of {TASKS_EACH} tasks: {rate:,.0f} a minute come to run\n")
        return rate >= RATE

    async def come_to_run(self, count: int) -> None:
        """So many trainings, of which nothing waits any more."""
        for _ in range(count):
            await self.maker.start(run_spec({"worker": TASKS_EACH}, on=NODES))
        await self._all("running")

    async def wide(self) -> bool:
        """One training of many tasks by the worker, then the same by kubectl in a namespace of another name."""
        began = monotonic()
        training_id = await self.maker.start(run_spec({"worker": WIDE}, on=NODES))
        while (namespace := (await self.maker.get(training_id)).namespace) is None:
            await asyncio.sleep(0.02)
        ours = await self._there(namespace, began)
        theirs = await self._applied(training_id)
        for what, mine, other in zip(("its Job", "all pods"), ours, theirs, strict=True):
            sys.stdout.write(f"{WIDE:,} tasks: {what} after {mine:.1f} s, kubectl apply {other:.1f} s\n")
        return ours[0] <= JOBS_RATIO * theirs[0] and ours[1] <= PODS_RATIO * theirs[1]

    async def leave(self) -> None:
        """Stop everything, until nothing of it is in the cluster."""
        for row in await self.maker.all_rows():
            if row.state not in ("stopped", "failed", "succeeded"):
                await self.maker.stop(row.id)
        await self._all("gone", column="namespace_state")

    async def _applied(self, training_id: UUID) -> tuple[float, float]:
        namespace = f"kubectl-{uuid4().hex[:8]}"
        builder = self.context.launches
        launch = replace(await builder.launch_of(await self.maker.get(training_id)), namespace=namespace)
        file = self.context.settings.home / "all.json"
        items = [dict(manifest) for manifest in manifests_of(launch).in_order()]
        file.write_bytes(msgspec.json.encode({"apiVersion": "v1", "kind": "List", "items": items}))
        kubectl = str(build.directories()["kubernetes"] / "kubectl")
        began = monotonic()
        process = await asyncio.create_subprocess_exec(
            kubectl,
            f"--kubeconfig={self.cluster.kubeconfig}",
            "apply",
            "-f",
            str(file),
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            there = await self._there(namespace, began)
            assert await process.wait() == 0
        finally:
            await asyncio.to_thread(self.cluster.call, "DELETE", f"/api/v1/namespaces/{namespace}")
        return there

    async def _there(self, namespace: str, began: float) -> tuple[float, float]:
        """When the Job was there, and when all its pods were, in seconds since `began`."""
        job = f"/apis/batch/v1/namespaces/{namespace}/jobs/worker"

        async def made() -> bool:
            return await self.client.read(job) is not None

        async def complete() -> bool:
            page = await self.client.read(f"/api/v1/namespaces/{namespace}/pods", limit="1")
            return int(page["metadata"].get("remainingItemCount", 0)) + len(page["items"]) >= WIDE

        await _until(made)
        job_after = monotonic() - began
        await _until(complete)
        return job_after, monotonic() - began

    async def _all(self, value: str, *, column: str = "state") -> None:
        query = select(func.count()).where(trainings.c[column].not_in((value, "stopped")))

        async def done() -> bool:
            async with self.context.database.read() as connection:
                return (await connection.execute(query)).scalar_one() == 0

        await _until(done)


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await condition():
            await asyncio.sleep(0.05)


def _fits(idle: float, warm: float, now: float) -> bool:
    """What a worker needs once it has worked at all (modules, statements, connections) is not for tasks."""
    live = TRAININGS * TASKS_EACH
    each = (now - warm) / live * 1_000
    sys.stdout.write(
        f"memory: {idle:,.0f} MB idle, {warm:,.0f} MB after {WARM_UP} trainings that are gone, "
        f"{now:,.0f} MB with {live:,} live tasks: {each:.1f} MB for each 1,000\n"
    )
    return each <= MEGABYTES


def _resident(pid: int) -> float:
    """Of a process, in MB."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
