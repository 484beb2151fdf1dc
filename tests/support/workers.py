"""Workers on the test cluster, inside the test's own process or in one of their own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
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
    """The wiring of a worker's process, with a worker's rights; `installation` should be the test's own."""
    settings = settings_for_tests(
        home, kubeconfig=cluster.taas_kubeconfig, kube_context=cluster.context, kube_qps=500, kube_burst=500, **changes
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


@asynccontextmanager
async def worker_process(context: Context, **limits: int) -> AsyncIterator[int]:
    """The id of a `taas worker`'s process, for the length of the block; `limits` are settings of its own."""
    settings = context.settings
    values = {
        "database_url": context.database.url,
        "home": settings.home,
        "kubeconfig": settings.kubeconfig,
        "kube_context": settings.kube_context or "",
        "installation": settings.installation or "",
        "kube_qps": 500,
        "kube_burst": 500,
        **limits,
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TAAS_")}
    environment |= {f"TAAS_{name.upper()}": str(value) for name, value in values.items()}
    with (settings.home / "worker.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).parent / "taas", "worker", env=environment, stdout=log, stderr=log
        )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
