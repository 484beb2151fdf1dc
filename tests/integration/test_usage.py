"""What tasks use, from the metrics API's answer to the API and the page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.db import attempts
from app.db.tables import task_usage
from app.domain.seen import PodPhase
from app.errors import ClusterError
from app.k8s import capacity
from app.scheduler.usage import UsageSampler
from tests.support.decisions import pod
from tests.support.metrics_api import MetricsApi
from tests.support.pages import run
from tests.support.projects import make_project, start
from tests.support.training_rows import count
from tests.support.visitor import logged_in
from tests.support.web import Web

SPACE = "taas-hello-1-abcde"
MIB = 1024**2
EVERY = 30.0
COLUMNS = '<th scope="col">CPU</th><th scope="col">Memory</th><th scope="col" class="num">Ran for</th>'
WORKER = {"worker": {"count": 2, "resources": {"cpu": "2", "memory": "256Mi"}}}


@pytest.fixture
def api() -> MetricsApi:
    return MetricsApi()


@asynccontextmanager
async def sampler_of(web: Web, api: MetricsApi) -> AsyncIterator[UsageSampler]:
    async with api.cluster() as cluster:
        yield UsageSampler(web.context.database, lambda: cluster, EVERY)


async def a_running_one(
    web: Web, client: httpx.AsyncClient, roles: dict[str, Any] = WORKER, **fields: Any
) -> dict[str, Any]:
    """A training whose tasks run, each in a pod that is named after it."""
    await make_project(client, roles=roles, **fields)
    training = await start(client)
    total = sum(role["count"] for role in roles.values())
    await run(
        web,
        "UPDATE trainings SET state = 'running', namespace = :space, namespace_state = 'present', "
        "tasks_running = :total WHERE id = :id",
        space=SPACE,
        total=total,
        id=training["id"],
    )
    await run(web, "UPDATE tasks SET state = 'running', attempts = 1, started_at = now()")
    seen = [
        pod(f"{role}-{index}", PodPhase.RUNNING, uid=f"{role}-{index}", name=f"{role}-{index}-first")
        for role, spec in roles.items()
        for index in range(spec["count"])
    ]
    async with web.context.database.transaction() as connection:
        await attempts.save(connection, UUID(training["id"]), seen, datetime.now(UTC))
    return training


async def due(web: Web) -> None:
    await run(web, "UPDATE usage_sampling SET due_at = now()")


async def usage_of(client: httpx.AsyncClient, training: dict[str, Any], index: int = 0) -> Any:
    answer = await client.get(f"/api/v1/trainings/{training['id']}/tasks", params={"limit": 200})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"][index]["usage"]


async def test_samples_reach_the_record_and_peaks_stay(web: Web, member: httpx.AsyncClient, api: MetricsApi) -> None:
    training = await a_running_one(web, member)
    assert await usage_of(member, training) is None
    begin = datetime.now(UTC)
    async with sampler_of(web, api) as sampler:
        for second, (cpu, memory) in enumerate([("1800m", "200Mi"), ("500000000n", "102400Ki")]):
            api.items.clear()
            api.says(SPACE, "worker-0-first", cpu, memory, at=begin + timedelta(seconds=second))
            await sampler.look()
            await due(web)
    assert api.selectors == ["taas.dev/installation=for-tests,taas.dev/training"] * 2
    found = await usage_of(member, training)
    assert (found["cpu_now"], found["cpu_peak"], found["cpu_request"], found["cpu_limit"]) == (500, 1800, 2000, None)
    assert (found["memory_now"], found["memory_peak"], found["memory_limit"]) == (100 * MIB, 200 * MIB, 256 * MIB)
    assert datetime.fromisoformat(found["sampled_at"]) == begin + timedelta(seconds=1)
    assert await usage_of(member, training, 1) is None
    await run(web, "UPDATE tasks SET state = 'succeeded'")
    ended = await usage_of(member, training)
    assert (ended["cpu_now"], ended["memory_now"], ended["cpu_peak"]) == (None, None, 1800)


async def test_a_new_try_has_its_own_now_and_the_peak_of_all(
    web: Web, member: httpx.AsyncClient, api: MetricsApi
) -> None:
    training = await a_running_one(web, member)
    begin = datetime.now(UTC)
    async with sampler_of(web, api) as sampler:
        api.says(SPACE, "worker-0-first", "1", "250Mi", at=begin)
        await sampler.look()
        await run(web, "UPDATE tasks SET attempts = 2 WHERE index = 0")
        assert (await usage_of(member, training))["cpu_now"] is None
        again = pod("worker-0", PodPhase.RUNNING, uid="again", name="worker-0-again", failures=1)
        async with web.context.database.transaction() as connection:
            await attempts.save(connection, UUID(training["id"]), [again], begin)
        # For a while both pods are there.
        api.says(SPACE, "worker-0-again", "10m", "20Mi", at=begin + timedelta(seconds=1))
        await due(web)
        await sampler.look()
    found = await usage_of(member, training)
    assert (found["cpu_now"], found["cpu_peak"]) == (10, 1000)
    assert (found["memory_now"], found["memory_peak"], found["hints"]) == (20 * MIB, 250 * MIB, ["memory_near_limit"])


async def test_an_old_sample_is_neither_counted_twice_nor_called_now(
    web: Web, member: httpx.AsyncClient, api: MetricsApi
) -> None:
    training = await a_running_one(web, member)
    api.says(SPACE, "worker-0-first", "1", "20Mi", at=datetime.now(UTC) - timedelta(minutes=4))
    async with sampler_of(web, api) as sampler:
        for _ in range(3):
            await sampler.look()
            await due(web)
    found = await usage_of(member, training)
    assert (found["cpu_now"], found["cpu_peak"]) == (None, 1000)
    await run(web, "SELECT 1 / (samples = 1)::int FROM task_usage")


async def test_one_worker_samples_at_a_time_and_none_while_nothing_runs(
    web: Web, member: httpx.AsyncClient, api: MetricsApi
) -> None:
    async with api.cluster() as cluster:
        workers = [UsageSampler(web.context.database, lambda: cluster, EVERY) for _ in range(4)]
        await asyncio.gather(*(worker.look() for worker in workers))
        assert api.selectors == []
        training = await a_running_one(web, member)
        for turn in range(1, 3):
            await asyncio.gather(*(worker.look() for worker in workers))
            assert len(api.selectors) == turn
            await due(web)
        await run(web, "UPDATE trainings SET state = 'succeeded' WHERE id = :id", id=training["id"])
        await asyncio.gather(*(worker.look() for worker in workers))
        assert len(api.selectors) == 2


async def test_foreign_pods_are_passed_over(web: Web, member: httpx.AsyncClient, api: MetricsApi) -> None:
    await a_running_one(web, member)
    api.says(SPACE, "somebody-elses", "1", "20Mi")
    api.says("another-namespace", "worker-0-first", "1", "20Mi")
    async with sampler_of(web, api) as sampler:
        await sampler.look()
    assert await count(web, task_usage) == 0


async def test_a_thousand_tasks_are_written_at_once_and_shown_in_pages(web: Web, api: MetricsApi) -> None:
    async with logged_in(web, "ada") as client, sampler_of(web, api) as sampler:
        roles = {"worker": {"count": 1000, "resources": {"cpu": "2", "memory": "256Mi"}}}
        training = await a_running_one(web, client, roles)
        for index in range(1000):
            api.says(SPACE, f"worker-{index}-first", f"{index + 1}m", "250Mi")
        await sampler.look()
        assert await count(web, task_usage) == 1000
        assert len(api.selectors) == 1
        page = await client.get(f"/trainings/{training['id']}")
        assert page.text.count('class="taskbar usage"') == 100
        assert "in 1\u202f000 tasks" in page.text
        assert len(page.content) < 150_000


@pytest.mark.parametrize(
    ("status", "words"),
    [(404, "install metrics-server"), (503, "does not answer"), (403, "may not list pods of metrics.k8s.io")],
)
async def test_a_cluster_that_measures_nothing_is_asked_rarely_and_the_page_says_what_to_do(
    web: Web, api: MetricsApi, status: int, words: str
) -> None:
    async with logged_in(web, "ada") as client, sampler_of(web, api) as sampler:
        training = await a_running_one(web, client)
        api.status = status
        await sampler.look()
        tries = len(api.selectors)
        await run(web, "UPDATE usage_sampling SET due_at = due_at - interval '4 minutes'")
        await sampler.look()
        assert len(api.selectors) == tries
        page = await client.get(f"/trainings/{training['id']}")
        assert "CPU and memory are not measured" in page.text
        assert words in page.text
        assert COLUMNS not in page.text
        assert words in (await client.get("/cluster")).text
        api.status = 200
        api.says(SPACE, "worker-0-first", "1500m", "20Mi")
        await run(web, "UPDATE usage_sampling SET due_at = due_at - interval '1 minute'")
        await sampler.look()
        page = await client.get(f"/trainings/{training['id']}")
        assert "not measured" not in page.text
        assert COLUMNS in page.text
        assert '1.5 <span class="quiet">of 2 CPU</span>' in page.text
        assert '20 MiB <span class="quiet">of 256 MiB</span>' in page.text


async def test_the_api_says_why_nothing_is_measured(web: Web, member: httpx.AsyncClient, api: MetricsApi) -> None:
    before = (await member.get("/api/v1/cluster")).json()
    assert (before["usage_problem"], before["usage_sampled_at"]) == ("", None)
    await a_running_one(web, member)
    api.status = 404
    async with sampler_of(web, api) as sampler:
        await sampler.look()
        assert "metrics-server" in (await member.get("/api/v1/cluster")).json()["usage_problem"]
        api.status = 200
        await due(web)
        await sampler.look()
    after = (await member.get("/api/v1/cluster")).json()
    assert after["usage_problem"] == ""
    assert after["usage_sampled_at"] is not None


async def test_a_record_that_was_never_measured_shows_no_empty_columns(web: Web, api: MetricsApi) -> None:
    async with logged_in(web, "ada") as client:
        training = await a_running_one(web, client)
        await run(web, "UPDATE trainings SET state = 'succeeded', tasks_running = 0, finished_at = now()")
        page = await client.get(f"/trainings/{training['id']}")
        assert COLUMNS not in page.text
        assert "not measured" not in page.text


async def test_nodes_are_on_record_while_the_metrics_api_is_down(api: MetricsApi) -> None:
    async with api.cluster() as cluster:
        for status in (404, 403, 503):
            api.status = status
            assert await capacity.used(cluster.client) == {}
        api.status = 422
        with pytest.raises(ClusterError):
            await capacity.used(cluster.client)
