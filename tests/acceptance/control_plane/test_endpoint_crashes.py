"""Workers that die at every point of a TensorBoard's life, on a fake node: nothing doubled, orphaned or lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from app.context import Context
from app.db import endpoints
from app.db.engine import Database
from app.db.ids import new_id
from app.domain.endpoints.decision import Apply, CreateNamespace, DeleteNamespace, DeleteVolumes
from app.domain.endpoints.endpoint import Endpoint, EndpointReason, EndpointState, Kind
from app.domain.endpoints.tensorboard import LogSource, TensorBoardSpec
from app.domain.training import NamespaceState, StorageMount
from tests.support.cluster import LocalCluster
from tests.support.crashes import CrashHost, crash_host, granted, is_alive, left_of
from tests.support.database import PostgresForTests
from tests.support.fake_tasks import Kube, kube
from tests.support.trainings import PYTHON_IMAGE, Maker
from tests.support.workers import context_for_tests

pytestmark = pytest.mark.cluster

NODE = "shelf-0"
DISK = StorageMount("disk", "local", {"path": "/srv", "node": NODE}, "digits-abcde")
SPEC = TensorBoardSpec(image=PYTHON_IMAGE, sources=(LogSource(DISK),))
LIFE = [action.__name__ for action in (CreateNamespace, Apply, DeleteNamespace, DeleteVolumes)]
WRITES = 6
POINTS = [
    *(f"{when}:{action}" for action in LIFE for when in ("before", "after")),
    *(f"write:{number}:{when}" for number in range(1, WRITES + 1) for when in ("commit", "done")),
]
AT_A_TIME = 6


@dataclass
class Bench:
    """One TensorBoard with a database and an installation of its own."""

    context: Context
    kube: Kube
    cluster: LocalCluster
    mark: int
    id: UUID

    async def endpoint(self) -> Endpoint:
        async with self.context.database.read() as connection:
            found = await endpoints.by_id(connection, self.id)
        assert found is not None
        return found

    async def until_gone(self, pid: int, *, seconds: float = 90) -> bool:
        """Stop it as soon as it runs, until it has left the cluster; False when that worker died before."""
        async with asyncio.timeout(seconds):
            while (found := await self.endpoint()).namespace_state is not NamespaceState.GONE:
                if found.state is EndpointState.RUNNING:
                    async with self.context.database.transaction() as connection:
                        await endpoints.ask_to_stop(
                            connection, [self.id], by="ada", reason=EndpointReason.STOPPED_BY_USER
                        )
                if not is_alive(pid):
                    return False
                await asyncio.sleep(0.1)
        return True

    async def check(self) -> None:
        """It ran and was stopped; everything was made once, and nothing is left of it."""
        found = await self.endpoint()
        assert (found.state, found.reason, found.launch) == ("stopped", "stopped_by_user", 1)
        assert found.running_at is not None
        assert found.namespace is not None
        made = granted(self.cluster, self.mark, found.namespace, ("create", 200), ("patch", 201))
        assert max(made.values()) == 1, f"made twice: {made}"
        assert {f"namespaces/{found.namespace}", "deployments/tensorboard", "services/tensorboard"} <= set(made)
        assert await left_of(self.kube, self.context.settings.installation) == []


@pytest.fixture(scope="module", autouse=True)
def node(local_cluster: LocalCluster) -> Iterator[None]:
    local_cluster.fake_nodes(1, prefix=NODE.removesuffix("-0"))
    yield
    local_cluster.fake_nodes(0, prefix=NODE.removesuffix("-0"))


@asynccontextmanager
async def bench_of(postgres: PostgresForTests, cluster: LocalCluster, home: Path) -> AsyncIterator[Bench]:
    home.mkdir()
    values = {"claim_seconds": 1.0, "sweep_seconds": 0.5, "installation": f"shelf-{uuid4().hex[:8]}"}
    async with postgres.fresh() as url:
        database = Database(url, pool_size=2)
        async with context_for_tests(database, home, cluster, **values) as context, kube(cluster) as client:
            maker = await Maker.create(context)
            board = Endpoint(
                id=new_id(),
                kind=Kind.TENSORBOARD,
                name=maker.name,
                project_id=maker.project_id,
                project=maker.name,
                owner_id=maker.owner_id,
                created_by="ada",
                created_at=datetime.now(UTC),
                spec=SPEC,
            )
            mark = cluster.audit_mark()
            async with database.transaction() as connection:
                await endpoints.add(connection, board)
            yield Bench(context, client, cluster, mark, board.id)
        await database.close()


@pytest.fixture
async def host() -> AsyncIterator[CrashHost]:
    async with crash_host() as running:
        yield running


async def test_a_death_at_any_point_doubles_orphans_and_loses_nothing(
    postgres: PostgresForTests, local_cluster: LocalCluster, host: CrashHost, tmp_path: Path
) -> None:
    hands = asyncio.Semaphore(AT_A_TIME)
    missed: list[str] = []

    async def one(point: str) -> None:
        async with hands, bench_of(postgres, local_cluster, tmp_path / point.replace(":", "-")) as bench:
            first = await host.worker(bench.context, "first", at=point)
            if await bench.until_gone(first):
                missed.append(point)
                await host.end(first)
            else:
                second = await host.worker(bench.context, "second")
                assert await bench.until_gone(second), f"{point}: the second worker died"
                await host.end(second)
            await bench.check()

    results = await asyncio.gather(*(one(point) for point in POINTS), return_exceptions=True)
    wrong = {point: result for point, result in zip(POINTS, results, strict=True) if result is not None}
    assert not wrong, "\n".join(f"{point}: {problem!r}" for point, problem in wrong.items())
    assert not missed, f"no worker came to {missed}"
