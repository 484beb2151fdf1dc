"""Workers that die or stand still at every point of a training's life, on fake nodes.

The oracle is the API server's audit log together with the tables: nothing doubled, nothing orphaned, nothing lost.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.context import Context
from app.db.engine import Database
from app.domain.actions import ACTIONS, FailPod, ForceDeletePod
from app.domain.training import NamespaceState, StorageMount, Training
from app.scheduler.orphans import Orphans
from tests.support.cluster import LocalCluster
from tests.support.crashes import CrashHost, crash_host, granted, is_alive, left_of
from tests.support.database import PostgresForTests
from tests.support.fake_tasks import Kube, kube
from tests.support.trainings import Maker, run_spec
from tests.support.workers import context_for_tests, running_worker

pytestmark = pytest.mark.cluster

NODES = {"taas-test": "crashes"}
SHARE = StorageMount("share", "nfs", {"server": "nfs.example.com", "path": "/export"}, "p-abcde")
LIFE = [action.__name__ for action in ACTIONS if action not in (FailPod, ForceDeletePod)]
WRITES = 9
POINTS = [
    *(f"{when}:{action}" for action in LIFE for when in ("before", "after")),
    *(f"write:{number}:{when}" for number in range(1, WRITES + 1) for when in ("commit", "done")),
]
AT_A_TIME = 6


@dataclass
class Bench:
    """One training with a database and an installation of its own."""

    context: Context
    maker: Maker
    host: CrashHost
    kube: Kube
    cluster: LocalCluster
    mark: int
    training_id: UUID

    async def training(self) -> Training:
        return await self.maker.get(self.training_id)

    async def end_worker_0(self) -> None:
        """Its program ends well as soon as the training runs."""
        training = await self.training()
        if training.state != "running" or training.namespace is None:
            return
        for attempt in await self.maker.attempts(self.training_id):
            if attempt["role"] == "worker" and attempt["state"] == "running":
                await self.kube.end_pod(training.namespace, attempt["pod_name"])

    async def until_gone(self, pid: int, *, seconds: float = 90) -> bool:
        """Play the tasks until the training has left the cluster; False when that worker died before."""
        async with asyncio.timeout(seconds):
            while (await self.training()).namespace_state is not NamespaceState.GONE:
                await self.end_worker_0()
                if not is_alive(pid):
                    return False
                await asyncio.sleep(0.1)
        return True

    def requests(self, verb: str) -> Counter[str]:
        """What workers did in the training's name, and the API server granted."""
        return granted(self.cluster, self.mark, self.namespace, (verb, 200))

    @property
    def namespace(self) -> str:
        return self._namespace

    async def check(self) -> None:
        """Nothing doubled, nothing orphaned, nothing lost."""
        training = await self.training()
        assert training.namespace is not None
        self._namespace = training.namespace
        assert (training.state, training.reason, training.namespace_state) == ("succeeded", "completed", "gone")
        assert training.archived_at is not None
        created = self.requests("create")
        assert max(created.values()) == 1, f"made twice: {created}"
        assert {"namespaces/" + self._namespace, "jobs/worker", "jobs/ps"} <= set(created)
        tasks = {name: row["state"] for name, row in (await self.maker.tasks(self.training_id)).items()}
        assert tasks == {"worker-0": "succeeded", "ps-0": "removed"}
        attempts = {row["role"]: row for row in await self.maker.attempts(self.training_id)}
        assert len(await self.maker.attempts(self.training_id)) == 2
        assert (attempts["worker"]["number"], attempts["worker"]["exit_code"]) == (1, 0)
        assert attempts["ps"]["state"] not in ("pending", "running")
        told = [row["reason"] for row in await self.maker.events(self.training_id) if row["source"] == "taas"]
        assert told == sorted(set(told), key=told.index)
        assert {"Starting", "NamespacePresent", "Running", "Succeeded", "NamespaceGone"} <= set(told)
        assert await self.left() == []

    async def left(self) -> list[str]:
        """What is still in the cluster of this installation."""
        return await left_of(self.kube, self.context.settings.installation)


@pytest.fixture(scope="module")
async def host() -> AsyncIterator[CrashHost]:
    async with crash_host() as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def nodes(local_cluster: LocalCluster) -> Iterator[None]:
    local_cluster.fake_nodes(2, prefix="crash", labels=NODES)
    yield
    local_cluster.fake_nodes(0, prefix="crash")


@asynccontextmanager
async def bench_of(
    postgres: PostgresForTests, cluster: LocalCluster, host: CrashHost, home: Path, **settings: Any
) -> AsyncIterator[Bench]:
    home.mkdir(parents=True, exist_ok=True)
    values = {"claim_seconds": 1.0, "sweep_seconds": 0.5, "installation": f"crash-{uuid4().hex[:8]}", **settings}
    async with postgres.fresh() as url:
        database = Database(url, pool_size=2)
        try:
            async with (
                context_for_tests(database, home, cluster, **values) as context,
                kube(cluster) as client,
            ):
                maker = await Maker.create(context)
                mark = cluster.audit_mark()
                training_id = await maker.start(run_spec({"worker": 1, "ps": 1}, on=NODES), storage=SHARE)
                yield Bench(context, maker, host, client, cluster, mark, training_id)
        finally:
            await database.close()


async def test_a_death_at_any_point_doubles_orphans_and_loses_nothing(
    postgres: PostgresForTests, local_cluster: LocalCluster, host: CrashHost, tmp_path: Path
) -> None:
    hands = asyncio.Semaphore(AT_A_TIME)
    reached: dict[str, bool] = {}

    async def one(point: str) -> None:
        async with hands, bench_of(postgres, local_cluster, host, tmp_path / point.replace(":", "-")) as bench:
            first = await host.worker(bench.context, "first", at=point)
            reached[point] = not await bench.until_gone(first)
            if reached[point]:
                second = await host.worker(bench.context, "second")
                assert await bench.until_gone(second), f"{point}: the second worker died"
                await host.end(second)
            else:
                await host.end(first)
            await bench.check()

    results = await asyncio.gather(*(one(point) for point in POINTS), return_exceptions=True)
    wrong = {point: result for point, result in zip(POINTS, results, strict=True) if result is not None}
    assert not wrong, "\n".join(f"{point}: {problem!r}" for point, problem in wrong.items())
    missed = [point for point in POINTS if not reached[point]]
    assert not missed, f"no worker came to {missed}"


STILL = ["before:CreateNamespace", "after:CreateNamespace", "before:CreateChildren", "before:SuspendJob"]


@pytest.mark.parametrize("point", STILL)
async def test_a_worker_that_wakes_up_late_starts_nothing_again(
    postgres: PostgresForTests, local_cluster: LocalCluster, host: CrashHost, tmp_path: Path, point: str
) -> None:
    """It stands still past its claim while another one ends and collects the training."""
    async with bench_of(postgres, local_cluster, host, tmp_path) as bench:
        late = await host.worker(bench.context, "late", at=f"still:{point}")
        await _stands_still(bench, late)
        async with running_worker(bench.context, name="other") as worker:
            assert await bench.until_gone(os.getpid())
            await bench.check()
            created = bench.requests("create")
            os.kill(late, signal.SIGCONT)
            await host.end(late)
            again = bench.requests("create") - created
            assert set(again) <= {f"namespaces/{bench.namespace}"}, f"started again: {again}"
            assert worker.connection.cluster is not None
            orphans = Orphans(bench.context.database)
            async with asyncio.timeout(30):
                while await bench.left():
                    await orphans.collect(worker.connection.cluster)
                    await asyncio.sleep(0.2)
        training = await bench.training()
        assert (training.state, training.namespace_state) == ("succeeded", "gone")


async def _stands_still(bench: Bench, pid: int) -> None:
    async with asyncio.timeout(60):
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            await bench.end_worker_0()
            await asyncio.sleep(0.05)
