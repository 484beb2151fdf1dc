"""Tasks, attempts and events as a worker writes them: once, in bulk, and complete."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.context import build_context
from app.db import claims, reconcile
from app.db.claims import Claimed
from app.db.engine import Database
from app.db.reconcile import Holder, Outcome
from app.domain.decision import Status
from app.domain.seen import PodPhase, SeenPod
from app.domain.tasks import TaskStatus
from app.domain.training import State, TaskKey, TaskState
from tests.support.decisions import at, pod, warning
from tests.support.trainings import Maker, run_spec
from tests.support.web import settings_for_tests


@pytest.fixture
async def maker(database: Database, tmp_path: Path) -> Maker:
    return await Maker.create(build_context(settings_for_tests(tmp_path), database))


class Bench:
    """A claimed training, and short ways to write to it."""

    def __init__(self, maker: Maker, claimed: Claimed) -> None:
        self.maker = maker
        self.claimed = claimed
        self.training = claimed.training

    @property
    def id(self) -> UUID:
        return self.training.id

    async def write(self, state: State | None = None, **parts: Any) -> None:
        status = Status.of(self.training)
        if state is not None:
            status = replace(status, state=state)
        async with self.maker.database.transaction() as connection:
            written = await reconcile.write(
                connection,
                self.training,
                Outcome(status, **parts),
                holder=Holder("a", self.claimed.epoch),
                now=self.claimed.now,
            )
        assert written is not None
        self.training = written

    async def attempts(self) -> list[tuple[str, int, str]]:
        rows = await self.maker.attempts(self.id)
        return sorted((f"{row['role']}-{row['index']}", row["number"], row["state"]) for row in rows)


@pytest.fixture
async def bench(maker: Maker) -> Bench:
    await maker.start(run_spec({"worker": 2}))
    async with maker.database.transaction() as connection:
        [claimed] = await claims.claim(connection, worker="a", seconds=60, most=1)
    return Bench(maker, claimed)


def one(uid: str, key: str = "worker-0", phase: PodPhase = PodPhase.RUNNING, **more: Any) -> SeenPod:
    return pod(key, phase, uid=uid, name=f"pod-{uid}", **more)


async def test_each_pod_is_an_attempt_and_keeps_its_end(bench: Bench) -> None:
    await bench.write(pods=[one("a", phase=PodPhase.PENDING), one("b", "worker-1")])
    failed = one("a", phase=PodPhase.FAILED, exit_code=3, reason="Error", finished_at=at(5))
    await bench.write(pods=[failed])
    await bench.write(pods=[replace(failed, gone=True, exit_code=None), one("c", failures=1, created_at=at(9))])
    assert await bench.attempts() == [("worker-0", 1, "failed"), ("worker-0", 2, "running"), ("worker-1", 1, "running")]
    first = next(row for row in await bench.maker.attempts(bench.id) if row["pod_uid"] == "a")
    assert (first["exit_code"], first["finished_at"]) == (3, at(5))


async def test_the_steps_of_a_try_stay_when_its_end_says_less(bench: Bench) -> None:
    await bench.write(pods=[one("a", phase=PodPhase.PENDING, node="n", scheduled_at=at(1))])
    await bench.write(pods=[one("a", scheduled_at=at(1), sandbox_at=at(3), started_at=at(5), node="n")])
    await bench.write(pods=[one("a", phase=PodPhase.SUCCEEDED, node="n", started_at=at(5), finished_at=at(9))])
    [row] = await bench.maker.attempts(bench.id)
    assert [row[name] for name in ("scheduled_at", "sandbox_at", "started_at", "finished_at")] == [
        at(1), at(3), at(5), at(9)
    ]  # fmt: skip


async def test_two_pods_never_share_a_number(bench: Bench) -> None:
    """A pod that somebody removed by force is not counted by the cluster."""
    await bench.write(pods=[one("a")])
    await bench.write(pods=[one("b", created_at=at(3)), one("c", created_at=at(4))])
    assert [number for _, number, _ in await bench.attempts()] == [1, 2, 3]


async def test_an_attempt_that_was_missed_keeps_the_clusters_number(bench: Bench) -> None:
    await bench.write(pods=[one("c", failures=1, disruptions=1)])
    assert await bench.attempts() == [("worker-0", 3, "running")]


async def test_pods_that_vanished_unseen_are_closed(bench: Bench) -> None:
    await bench.write(pods=[one("a"), one("b", "worker-1")])
    await bench.write(present=["b"])
    assert await bench.attempts() == [("worker-0", 1, "removed"), ("worker-1", 1, "running")]


async def test_counts_follow_the_tasks_and_the_rest_is_removed_at_the_end(bench: Bench) -> None:
    running = TaskStatus(TaskKey("worker", 0), TaskState.RUNNING, attempts=1, node="n", started_at=at(1))
    done = TaskStatus(TaskKey("worker", 1), TaskState.SUCCEEDED, attempts=2, exit_code=0)
    await bench.write(tasks=[running, done])
    counts = (await bench.maker.get(bench.id)).counts
    assert (counts.running, counts.succeeded, counts.failed) == (1, 1, 0)
    await bench.write(state=State.STOPPED)
    tasks = await bench.maker.tasks(bench.id)
    assert (tasks["worker-0"]["state"], tasks["worker-0"]["node"]) == ("removed", "n")
    assert (tasks["worker-1"]["state"], tasks["worker-1"]["attempts"]) == ("succeeded", 2)
    assert (await bench.maker.get(bench.id)).counts.running == 0


async def test_events_are_kept_once_with_their_counts(bench: Bench) -> None:
    seen = warning("Pod", "pod-a", "FailedMount", "no such volume")
    await bench.write(warnings=[seen])
    await bench.write(warnings=[replace(seen, count=7, last_at=seen.last_at + timedelta(minutes=3))])
    await bench.write(warnings=[seen])  # an older look, by another worker
    [event] = await bench.maker.events(bench.id)
    assert (event["count"], event["last_at"] - event["first_at"]) == (7, timedelta(minutes=3))
    assert (event["source"], event["object"]) == ("kubernetes", "Pod/pod-a")


async def test_a_thousand_tasks_are_written_in_bulk(maker: Maker) -> None:
    await maker.start(run_spec({"worker": 1000}))
    async with maker.database.transaction() as connection:
        [claimed] = await claims.claim(connection, worker="a", seconds=60, most=1)
    bench = Bench(maker, claimed)
    keys = [TaskKey("worker", index) for index in range(1000)]
    await bench.write(
        tasks=[TaskStatus(key, TaskState.RUNNING) for key in keys],
        pods=[one(f"u{key}", str(key)) for key in keys],
    )
    assert len(await bench.attempts()) == 1000
    assert (await maker.get(bench.id)).counts.running == 1000
