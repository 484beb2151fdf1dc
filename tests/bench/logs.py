"""The memory of followed logs: `python -m tests.bench.logs`. Budget: at most 100 KB for each of them.

The logs come from another process, line by line, as from kubelet. What is compared, in one run, is the memory of this
process while it follows few logs and while it follows many.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from kubernetes_asyncio.client import ApiClient, Configuration
from sqlalchemy import func, select

from app.db.engine import Database
from app.db.notify import Listener
from app.db.tables import attempts
from app.k8s.client import KubeClient
from app.scheduler.logs import LogSupervisor
from app.settings import Settings
from app.storage import ObjectStore
from tests.support.database import postgres_for_tests
from tests.support.kubelet_logs import FakeKubelet
from tests.support.log_rows import TrainingRow, add_training

FEW, MANY = 50, 450
LINES_A_SECOND = 2
BUDGET_KB = 100.0
FOR_SECONDS = 20


def main() -> int:
    """1 when a followed log takes more than its budget."""
    ours, theirs = multiprocessing.Pipe()
    kubelet = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    kubelet.start()
    try:
        with postgres_for_tests() as postgres, tempfile.TemporaryDirectory() as home:
            url = ours.recv()

            async def run() -> float:
                async with postgres.fresh() as database_url:
                    return await _measure(database_url, url, Path(home))

            each = asyncio.run(run())
    finally:
        kubelet.terminate()
        kubelet.join()
    sys.stdout.write(f"each followed log takes {each:.1f} KB (budget {BUDGET_KB:.0f} KB)\n")
    return int(each > BUDGET_KB)


async def _measure(database_url: str, url: str, home: Path) -> float:
    database = Database(database_url)
    row = await add_training(database)
    configuration = Configuration(url)
    configuration.connection_pool_maxsize = MANY + 100
    client = KubeClient(Settings(kube_qps=10_000, kube_burst=10_000), ApiClient(configuration))
    async with _supervisor(database, client, home):
        few = await _follow(row, 0, FEW)
        many = await _follow(row, FEW, MANY)
        async with database.read() as connection:
            received = (await connection.execute(select(func.count()).where(attempts.c.log_lines > 0))).scalar_one()
        assert received == MANY, f"only {received} of {MANY} logs are followed"
    await client.close()
    await database.close()
    sys.stdout.write(f"{FEW} logs: {few / 1024:.1f} MB in all, {MANY} logs: {many / 1024:.1f} MB\n")
    return (many - few) / (MANY - FEW)


@asynccontextmanager
async def _supervisor(database: Database, client: KubeClient, home: Path) -> AsyncIterator[None]:
    listener = Listener(database)
    await listener.start()
    settings = Settings(log_followers=MANY)
    storage = ObjectStore(f"file://{home}/objects")
    supervisor = LogSupervisor(database, storage, listener, lambda: client, settings=settings, worker="bench")
    task = asyncio.create_task(supervisor.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        await listener.close()


async def _follow(row: TrainingRow, known: int, count: int) -> float:
    """KB of this process once it has followed `count` logs for a while."""
    for index in range(known, count):
        await row.attempt("worker", index, pod=f"worker-{index}")
    await asyncio.sleep(FOR_SECONDS)
    gc.collect()
    status = Path("/proc/self/status").read_text()
    return float(status.split("VmRSS:")[1].split()[0])


def _serve(pipe: Connection) -> None:
    asyncio.run(_write_for_ever(pipe))


async def _write_for_ever(pipe: Connection) -> None:
    kubelet = FakeKubelet()
    pods = [kubelet.pod(f"worker-{index}", step_ns=10**9 // LINES_A_SECOND) for index in range(MANY)]
    async with kubelet.client():
        pipe.send(kubelet.url)
        while True:
            for pod in pods:
                if pod.following:
                    await pod.write(b"epoch 3  loss 0.1234  accuracy 0.9876  1234 steps/s\n")
            await asyncio.sleep(1 / LINES_A_SECOND)


if __name__ == "__main__":
    sys.exit(main())
