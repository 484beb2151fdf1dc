"""The worker when something around it fails: the API server, the database, a node; and two workers at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.context import Context
from app.db.engine import Database
from app.domain.training import NamespaceState, State
from app.k8s.client import STRATEGIC_PATCH
from tests.support.cluster import LocalCluster
from tests.support.database import PostgresForTests
from tests.support.fake_tasks import Kube, kube
from tests.support.trainings import Maker, run_spec
from tests.support.workers import context_for_tests, running_worker

pytestmark = pytest.mark.cluster

NODES = {"taas-test": "outages"}


@pytest.fixture(scope="module", autouse=True)
def nodes(local_cluster: LocalCluster) -> Iterator[None]:
    local_cluster.fake_nodes(6, prefix="outage", labels=NODES)
    yield
    local_cluster.fake_nodes(0, prefix="outage")


@pytest.fixture
async def context(database: Database, local_cluster: LocalCluster, tmp_path: Path) -> AsyncIterator[Context]:
    settings: dict[str, Any] = {"installation": f"out-{uuid4().hex[:8]}", "claim_seconds": 1.0, "sweep_seconds": 0.3}
    async with context_for_tests(database, tmp_path, local_cluster, **settings) as made:
        yield made


@pytest.fixture
async def admin_kube(local_cluster: LocalCluster) -> AsyncIterator[Kube]:
    async with kube(local_cluster) as client:
        yield client


async def end_workers(maker: Maker, client: Kube, training_id: UUID) -> None:
    training = await maker.get(training_id)
    for attempt in await maker.attempts(training_id):
        if attempt["role"] == "worker" and attempt["state"] == "running":
            await client.end_pod(training.namespace or "", attempt["pod_name"])


def is_running(training: Any) -> bool:
    return training.state is State.RUNNING


def is_gone(training: Any) -> bool:
    return training.namespace_state is NamespaceState.GONE


def made(cluster: LocalCluster, mark: int, namespace: str | None) -> Counter[str]:
    """What the worker created in that namespace, the namespace among it, and was granted."""
    return Counter(
        f"{event['objectRef']['resource']}/{event['objectRef'].get('name')}"
        for event in cluster.audit_since(mark, agent="taas")
        if event["userAgent"] == "taas"
        and event["verb"] == "create"
        and event["responseStatus"]["code"] < 300
        and namespace in (event["objectRef"].get("namespace"), event["objectRef"].get("name"))
    )


async def test_the_api_server_is_away_for_twenty_seconds(
    context: Context, local_cluster: LocalCluster, admin_kube: Kube
) -> None:
    """One training runs, one is launched and one is stopped meanwhile: all three go on when it is back."""
    maker = await Maker.create(context)
    mark = local_cluster.audit_mark()
    async with running_worker(context) as worker:
        runs, stops = await maker.start(run_spec({"worker": 1}, on=NODES)), await maker.start(run_spec(on=NODES))
        for one in (runs, stops):
            await maker.wait(one, is_running)
        await asyncio.to_thread(local_cluster.stop, "kube-apiserver")
        try:
            async with asyncio.timeout(30):
                while worker.connection.problem == "":
                    await asyncio.sleep(0.05)
            await maker.stop(stops)
            late = await maker.start(run_spec({"worker": 1}, on=NODES))
            await asyncio.sleep(20)  # how long it is away is what this test is about
            assert (await maker.get(runs)).state is State.RUNNING
            assert "no connection to its cluster" in (await maker.get(late)).message
        finally:
            await asyncio.to_thread(local_cluster.start, "kube-apiserver")
        # These may wait a minute before they ask again: started anew they ask at once.
        for name in ("kube-controller-manager", "kube-scheduler", "kwok"):
            await asyncio.to_thread(local_cluster.stop, name)
            await asyncio.to_thread(local_cluster.start, name)
        await maker.wait(late, is_running, seconds=90)
        await end_workers(maker, admin_kube, runs)
        await end_workers(maker, admin_kube, late)
        for one, state in ((runs, State.SUCCEEDED), (late, State.SUCCEEDED), (stops, State.STOPPED)):
            training = await maker.wait(one, is_gone, seconds=90)
            assert training.state is state
            assert max(made(local_cluster, mark, training.namespace).values()) == 1


async def test_database_connections_are_cut_again_and_again(
    postgres: PostgresForTests, context: Context, local_cluster: LocalCluster, admin_kube: Kube
) -> None:
    maker = await Maker.create(context)
    mark = local_cluster.audit_mark()
    name = context.database.url.rpartition("/")[2].partition("?")[0]
    cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    observer = Database(context.database.url, pool_size=1)
    often = asyncio.Event()

    async def cutting() -> None:
        for times in count(1):
            await postgres.run(cut)
            if times >= 4:
                often.set()
            await asyncio.sleep(0.5)

    async with running_worker(context):
        training_id = await maker.start(run_spec({"worker": 1, "ps": 1}, on=NODES))
        cuts = asyncio.create_task(cutting())
        async with asyncio.timeout(60):
            while not made(local_cluster, mark, (await _state(observer, training_id))[1]):
                await asyncio.sleep(0.2)
            await often.wait()
        cuts.cancel()
        await asyncio.wait({cuts})
        await maker.wait(training_id, is_running)
        await end_workers(maker, admin_kube, training_id)
        training = await maker.wait(training_id, is_gone)
    await observer.close()
    assert training.state is State.SUCCEEDED
    assert max(made(local_cluster, mark, training.namespace).values()) == 1
    assert len(await maker.attempts(training_id)) == 2


async def _state(database: Database, training_id: UUID) -> tuple[str, str | None]:
    while True:
        try:
            async with database.read() as connection:
                query = text("SELECT state, namespace FROM trainings WHERE id = :id")
                row = (await connection.execute(query, {"id": training_id})).one()
                return row.state, row.namespace
        except Exception:
            await asyncio.sleep(0.1)


async def test_two_workers_at_once(context: Context, local_cluster: LocalCluster, admin_kube: Kube) -> None:
    maker = await Maker.create(context)
    mark = local_cluster.audit_mark()
    async with AsyncExitStack() as stack:
        for name in ("worker-a", "worker-b"):
            await stack.enter_async_context(running_worker(context, name=name))
        ids = [await maker.start(run_spec({"worker": 2, "ps": 1}, on=NODES)) for _ in range(6)]
        for one in ids:
            await maker.wait(one, is_running)
            await end_workers(maker, admin_kube, one)
        for one in ids:
            training = await maker.wait(one, is_gone)
            assert training.state is State.SUCCEEDED
            assert max(made(local_cluster, mark, training.namespace).values()) == 1
            assert sorted(row["number"] for row in await maker.attempts(one)) == [1, 1, 1]


async def test_a_lost_nodes_task_goes_on_elsewhere(
    context: Context, local_cluster: LocalCluster, admin_kube: Kube
) -> None:
    """Nobody answers for the first node; its pod is given up, and replaced without using up a try."""
    maker = await Maker.create(context)
    label = {"taas-test": f"lost-{uuid4().hex[:6]}"}
    lost = f"lost-{uuid4().hex[:6]}"
    await _add_node(admin_kube, lost, label)
    try:
        async with running_worker(context, node_lost_after=timedelta(seconds=1)):
            training_id = await maker.start(run_spec({"worker": 1}, on=label))
            training = await maker.wait(training_id, lambda t: "container is being made" in t.message)
            [pod] = await admin_kube.pods(training.namespace or "")
            started = {"running": {"startedAt": pod["metadata"]["creationTimestamp"]}}
            await admin_kube.set_pod(training.namespace or "", pod["metadata"]["name"], "Running", started)
            await maker.wait(training_id, is_running)
            await _set_ready(admin_kube, lost, "Unknown")
            await asyncio.to_thread(local_cluster.fake_nodes, 1, prefix="spare", labels=label)
            async with asyncio.timeout(60):
                while len(await maker.attempts(training_id)) < 2 or not await _runs_on(maker, training_id, "spare-0"):
                    await asyncio.sleep(0.2)
            first, second = sorted(await maker.attempts(training_id), key=lambda row: row["number"])
            assert (first["state"], first["reason"], first["node"]) == ("failed", "NodeLost", lost)
            assert (second["number"], second["node"]) == (2, "spare-0")
            await end_workers(maker, admin_kube, training_id)
            training = await maker.wait(training_id, is_gone)
            assert training.state is State.SUCCEEDED
    finally:
        await admin_kube.delete(f"/api/v1/nodes/{lost}")
        await asyncio.to_thread(local_cluster.fake_nodes, 0, prefix="spare", labels=label)


async def _runs_on(maker: Maker, training_id: UUID, node: str) -> bool:
    return any(row["state"] == "running" and row["node"] == node for row in await maker.attempts(training_id))


async def _add_node(client: Kube, name: str, label: dict[str, str]) -> None:
    """A node that nobody runs: it is ready because we say so, and pods stay as they are."""
    await client.create("/api/v1/nodes", {"metadata": {"name": name, "labels": label}})
    amounts = {"cpu": "4", "memory": "8Gi", "pods": "10"}
    change = {"status": {"capacity": amounts, "allocatable": amounts}}
    await client.patch(f"/api/v1/nodes/{name}/status", change, kind=STRATEGIC_PATCH)
    await _set_ready(client, name, "True")


async def _set_ready(client: Kube, name: str, status: str) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {"type": "Ready", "status": status, "lastHeartbeatTime": now, "lastTransitionTime": now}
    await client.patch(f"/api/v1/nodes/{name}/status", {"status": {"conditions": [condition]}}, kind=STRATEGIC_PATCH)


async def requests_of(context: Context, cluster: LocalCluster, tasks: int, *, seconds: float) -> Counter[str]:
    """What a whole life of a training with that many tasks costs, by verb."""
    maker = await Maker.create(context)
    mark = cluster.audit_mark()
    run = run_spec({"worker": tasks - 1, "ps": 1}, on=NODES)
    training_id = await maker.start(run)
    await maker.wait(training_id, is_running, seconds=seconds)
    await maker.stop(training_id)
    training = await maker.wait(training_id, is_gone, seconds=seconds)
    assert training.state is State.STOPPED
    return Counter(
        event["verb"]
        for event in cluster.audit_since(mark, agent="taas")
        if event["userAgent"] == "taas"
        and (
            training.namespace in (event["objectRef"].get("namespace"), event["objectRef"].get("name"))
            or event["objectRef"]["resource"] == "persistentvolumes"
        )
    )


async def test_requests_depend_on_roles_and_never_on_tasks(context: Context, local_cluster: LocalCluster) -> None:
    async with running_worker(context, claim_seconds=5.0):
        small = await requests_of(context, local_cluster, 4, seconds=60)
        large = await requests_of(context, local_cluster, 1000, seconds=400)
    roles, storages = 2, 0
    for counts in (small, large):
        assert counts["create"] <= 9 + roles + 2 * storages
        assert counts["patch"] <= 2 * roles
        assert counts["delete"] + counts["deletecollection"] <= 2 + storages
    for verb in ("create", "patch", "delete", "deletecollection"):
        assert large[verb] == small[verb]
