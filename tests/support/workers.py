"""Workers inside the test's own process, on the test cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from app.context import Context, build_context
from app.db.engine import Database
from app.scheduler.worker import Worker
from tests.support.cluster import LocalCluster
from tests.support.web import settings_for_tests


@asynccontextmanager
async def context_for_tests(
    database: Database, home: Path, cluster: LocalCluster, **changes: Any
) -> AsyncIterator[Context]:
    """The wiring of a worker's process; `installation` should be the test's own."""
    settings = settings_for_tests(
        home, kubeconfig=cluster.kubeconfig, kube_context=cluster.context, kube_qps=500, kube_burst=500, **changes
    )
    context = build_context(settings, database)
    await context.listener.start()
    try:
        yield context
    finally:
        await context.listener.close()


@asynccontextmanager
async def running_worker(
    context: Context,
    *,
    name: str = "worker-a",
    change: Callable[[Worker], None] = lambda worker: None,
    **settings_of_its_own: Any,
) -> AsyncIterator[Worker]:
    """A worker that runs for the length of the block; `change` may wrap its parts before."""
    settings = context.settings.model_copy(update={"worker_name": name, **settings_of_its_own})
    worker = await Worker.create(settings, context)
    change(worker)
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(stop))
    try:
        yield worker
    finally:
        stop.set()
        await task
