"""How soon another worker goes on with what a killed one had begun: `python -m tests.bench.takeover`.

A worker dies by SIGKILL just before it makes a training's Jobs, with its claim on the training fresh. The other one has
been there for long; it is kept from running (SIGSTOP) until that moment, so that the first one gets the training. What
is measured is the time from the death until the training's Jobs were made, with the default length of claims.
Budget: 5 s for the slowest of them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path
from time import monotonic
from uuid import uuid4

from app.context import Context
from app.db.engine import Database
from app.domain.training import State
from tests.support.cluster import LocalCluster, local_cluster_for_tests
from tests.support.crashes import CrashHost, crash_host, died
from tests.support.database import PostgresForTests, postgres_for_tests
from tests.support.trainings import Maker, run_spec
from tests.support.workers import context_for_tests

DEATHS = 10
BUDGET = 5.0
NODES = {"taas-test": "takeover"}
SETTLED = 3.0
"""Seconds until a new worker has listed the cluster and looks for work."""


def main() -> int:
    """1 when it takes longer than the budget."""
    with (
        local_cluster_for_tests(node=False) as cluster,
        postgres_for_tests() as postgres,
        tempfile.TemporaryDirectory() as home,
    ):
        cluster.fake_nodes(1, prefix="takeover", labels=NODES)
        try:
            waits = sorted(asyncio.run(_all(cluster, postgres, Path(home))))
        finally:
            cluster.fake_nodes(0, prefix="takeover")
    middle, worst = waits[len(waits) // 2], waits[-1]
    sys.stdout.write(
        f"a dead worker's training goes on after {middle:.1f} s, at most {worst:.1f} s ({DEATHS} deaths)\n"
    )
    return int(worst > BUDGET)


async def _all(cluster: LocalCluster, postgres: PostgresForTests, home: Path) -> list[float]:
    waits = []
    async with crash_host() as host:
        for number in range(DEATHS):
            folder = home / str(number)
            folder.mkdir()
            installation = f"takeover-{uuid4().hex[:8]}"
            async with postgres.fresh() as url:
                database = Database(url, pool_size=2)
                async with context_for_tests(database, folder, cluster, installation=installation) as context:
                    waits.append(await _one(host, context))
                await database.close()
    return waits


async def _one(host: CrashHost, context: Context) -> float:
    maker = await Maker.create(context)
    other = await host.worker(context, "other")
    await asyncio.sleep(SETTLED)
    os.kill(other, signal.SIGSTOP)
    mortal = await host.worker(context, "mortal", at="before:CreateChildren")
    training_id = await maker.start(run_spec({"worker": 1}, on=NODES))
    await died(mortal)
    began = monotonic()
    os.kill(other, signal.SIGCONT)
    await maker.wait(training_id, lambda training: training.state is State.RUNNING)
    waited = monotonic() - began
    await maker.stop(training_id)
    await maker.wait(training_id, lambda training: training.namespace_state == "gone")
    await host.end(other)
    return waited


if __name__ == "__main__":
    sys.exit(main())
