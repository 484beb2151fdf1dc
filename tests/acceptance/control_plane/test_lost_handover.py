"""A timed project's next training after a node was lost: what people and machines do about it lets it start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from app.context import Context
from app.db.engine import Database
from app.db.tables import cluster_nodes
from app.domain.access import Principal, UserRole
from app.domain.cluster import OUT_OF_SERVICE
from app.domain.schedule import Overlap, Schedule
from app.domain.training import State
from app.k8s.client import STRATEGIC_PATCH
from app.services.freeze import LaunchRequest
from tests.support.cluster import LocalCluster
from tests.support.fake_tasks import Kube, kube
from tests.support.timed import Timed, make_timed
from tests.support.trainings import run_spec
from tests.support.waiting import eventually
from tests.support.workers import context_for_tests, running_worker

pytestmark = pytest.mark.cluster

ADA = Principal(UUID(int=1), "ada", UserRole.ADMIN)
SECONDS = 120
"""A worker writes down what it knows of the nodes every half minute."""


@pytest.fixture
async def context(database: Database, local_cluster: LocalCluster, tmp_path: Path) -> AsyncIterator[Context]:
    settings: dict[str, Any] = {"installation": f"lost-{uuid4().hex[:8]}", "sweep_seconds": 0.3}
    async with context_for_tests(database, tmp_path, local_cluster, **settings) as made:
        yield made


@dataclass(frozen=True)
class Machine:
    """A node that nobody runs: it is and tells what the test says."""

    kube: Kube
    name: str

    @property
    def label(self) -> dict[str, str]:
        return {"taas-test": self.name}

    async def comes_up(self) -> None:
        await self.kube.create("/api/v1/nodes", {"metadata": {"name": self.name, "labels": self.label}})
        amounts = {"cpu": "4", "memory": "8Gi", "pods": "10"}
        await self._status({"capacity": amounts, "allocatable": amounts})
        await self.reports("boot-1")

    async def reports(self, boot: str) -> None:
        await self._status({"nodeInfo": {"bootID": boot}, "conditions": [_ready("True", lastHeartbeatTime=_now())]})

    async def falls_silent(self) -> None:
        """As the node lifecycle controller declares it: the time of its last report stays."""
        await self._status({"conditions": [_ready("Unknown")]})

    async def is_tainted(self) -> None:
        taint = {"key": OUT_OF_SERVICE, "value": "nodeshutdown", "effect": "NoExecute"}
        await self.kube.patch(f"/api/v1/nodes/{self.name}", {"spec": {"taints": [taint]}}, kind=STRATEGIC_PATCH)

    async def is_deleted(self) -> None:
        await self.kube.delete(f"/api/v1/nodes/{self.name}")

    async def _status(self, status: dict[str, Any]) -> None:
        await self.kube.patch(f"/api/v1/nodes/{self.name}/status", {"status": status}, kind=STRATEGIC_PATCH)


@dataclass(frozen=True)
class Relay:
    """A project whose trainings run on one machine, and the two that hand over."""

    context: Context
    timed: Timed
    machine: Machine
    ids: list[UUID]

    async def start(self) -> UUID:
        record = await self.context.launching.start(ADA, f"t{self.timed.project.hex}", LaunchRequest())
        self.ids.append(record.training.id)
        return record.training.id

    async def runs(self) -> None:
        """The first one's only pod runs, since a moment that its machine has told of later."""
        training = await self.timed.maker.wait(self.ids[0], lambda one: "container is being made" in one.message)
        [pod] = await self.machine.kube.pods(training.namespace or "")
        began = {"running": {"startedAt": pod["metadata"]["creationTimestamp"]}}
        await self.machine.kube.set_pod(training.namespace or "", pod["metadata"]["name"], "Running", began)
        await self.timed.maker.wait(self.ids[0], lambda one: one.state is State.RUNNING)
        await self.machine.reports("boot-1")

    async def is_written_down(self) -> bool:
        [attempt] = await self.timed.maker.attempts(self.ids[0])
        node = await self._node()
        return node is not None and node.reported_at >= attempt["started_at"]

    async def is_back(self) -> bool:
        node = await self._node()
        return node is not None and node.ready == "yes"

    async def _node(self) -> Any:
        async with self.context.database.read() as connection:
            query = select(cluster_nodes).where(cluster_nodes.c.name == self.machine.name)
            return (await connection.execute(query)).first()

    async def waits(self) -> bool:
        second = await self.timed.maker.get(self.ids[1])
        assert second.state is State.QUEUED
        return f"may still run on node {self.machine.name}" in second.message

    async def has_started(self) -> bool:
        return (await self.timed.maker.get(self.ids[1])).state is not State.QUEUED


async def test_a_restart_a_taint_or_the_node_s_removal_lets_the_next_one_start(
    context: Context, local_cluster: LocalCluster
) -> None:
    async with kube(local_cluster) as client:
        relays = [await _relay(context, client) for _ in range(4)]
        restarted, tainted, removed, left_alone = relays
        try:
            async with running_worker(context, node_lost_after=timedelta(seconds=1)):
                await _together(relay.runs() for relay in relays)
                for relay in relays:
                    await eventually(relay.is_written_down, seconds=SECONDS)
                await _together(relay.machine.falls_silent() for relay in relays)
                await _together(relay.start() for relay in relays)
                for relay in relays:
                    first = await relay.timed.maker.wait(relay.ids[0], lambda one: one.state.ended, seconds=SECONDS)
                    assert first.state is State.STOPPED
                    await eventually(relay.waits, seconds=SECONDS)
                await restarted.machine.reports("boot-2")
                await tainted.machine.is_tainted()
                await removed.machine.is_deleted()
                for relay in (restarted, tainted, removed):
                    await eventually(relay.has_started, seconds=SECONDS)
                assert await left_alone.waits()
                await left_alone.machine.reports("boot-1")
                await eventually(left_alone.is_back, seconds=SECONDS)
                assert await left_alone.waits(), "the same boot proves nothing"
                await context.trainings.release(ADA, left_alone.ids[0])
                await eventually(left_alone.has_started, seconds=SECONDS)
                await _together(context.trainings.stop(ADA, relay.ids[1]) for relay in relays)
                for relay in relays:
                    await relay.timed.maker.wait(relay.ids[1], lambda one: one.state.ended, seconds=SECONDS)
        finally:
            for relay in relays:
                await relay.machine.is_deleted()


async def _relay(context: Context, client: Kube) -> Relay:
    machine = Machine(client, f"machine-{uuid4().hex[:6]}")
    await machine.comes_up()
    schedule = Schedule(cron="0 3 1 1 *", overlap=Overlap.REPLACE)
    timed = await make_timed(
        context, [schedule], at=_far(), next_at=_far(), run=run_spec({"worker": 1}, on=machine.label)
    )
    relay = Relay(context, timed, machine, [])
    await relay.start()
    return relay


def _far() -> datetime:
    return datetime.now(UTC) + timedelta(days=300)


async def _together(doing: Any) -> None:
    await asyncio.gather(*doing)


def _ready(status: str, **more: str) -> dict[str, str]:
    return {"type": "Ready", "status": status, "lastTransitionTime": _now(), **more}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
