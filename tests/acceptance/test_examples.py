"""The other examples, each to its end: between-graph TensorFlow whose workers end, and plain tasks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.support.cluster import LocalCluster
from tests.support.examples import accuracy_in, ended, log_of, make_project, start, tasks_of, upload_example

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
HOSTILE = ["a b", 'it\'s "quoted"', "$HOME $(id) `id` $$", "ünïcödé ✓", "two\nlines", "", "*", "\\", "{{ number }}"]


async def test_tf1_ends_with_its_workers(client: httpx.AsyncClient, storage: Path) -> None:
    await upload_example(client, "digits-tf1")
    await make_project(client, "digits-tf1", keep_namespace="PT0S")
    record = await ended(client, await start(client, "digits-tf1"), within=600)
    assert (record["state"], record["reason"]) == ("succeeded", "completed"), record["message"]
    tasks = await tasks_of(client, record)
    assert {name: task["state"] for name, task in tasks.items()} == {
        "worker-0": "succeeded",
        "worker-1": "succeeded",
        "ps-0": "removed",
    }
    for name in ("worker-0", "worker-1"):
        assert accuracy_in(await log_of(client, record, name)) >= 0.9
    assert list(storage.glob("digits-tf1-*/models/1/1/saved_model.pb"))


async def test_torchrun_with_a_cpu_build(client: httpx.AsyncClient, local_cluster: LocalCluster) -> None:
    image = await asyncio.to_thread(local_cluster.with_image, "torch")
    await upload_example(client, "digits-torch")
    await make_project(client, "digits-torch", image=image, keep_namespace="PT0S")
    record = await ended(client, await start(client, "digits-torch"), within=600)
    assert (record["state"], record["reason"]) == ("succeeded", "completed"), record["message"]
    assert record["tasks"]["total"] == record["tasks"]["succeeded"] >= 2
    assert accuracy_in(await log_of(client, record, "worker-0")) >= 0.9


async def test_plain_tasks_share_the_work(client: httpx.AsyncClient, hello: None) -> None:
    record = await ended(client, await start(client, "hello"), within=180)
    assert (record["state"], record["tasks"]["succeeded"]) == ("succeeded", 3), record["message"]
    logs = [(await log_of(client, record, f"worker-{index}")).decode() for index in range(3)]
    shares = [float(line.split()[-1]) for log in logs for line in log.splitlines() if "my share of pi" in line]
    assert sum(shares) == pytest.approx(3.14159, abs=1e-5)
    assert "TAAS_INDEX=2\n" in logs[2]


async def test_arguments_arrive_to_the_byte(client: httpx.AsyncClient, hello: None) -> None:
    training = await start(client, "hello", args=HOSTILE, roles={"worker": {"count": 1}})
    record = await ended(client, training, within=180)
    log = (await log_of(client, record, "worker-0")).decode()
    expected = [*HOSTILE[:-1], str(record["number"])]
    assert f"arguments that mean nothing to me: {expected!r}\n" in log


async def test_a_task_that_fails_says_so(client: httpx.AsyncClient, hello: None) -> None:
    record = await ended(client, await start(client, "hello", args=["--fail", "3"]), within=180)
    assert (record["state"], record["reason"]) == ("failed", "task_failed")
    assert "3" in record["message"]
    failed = [task for task in (await tasks_of(client, record)).values() if task["state"] == "failed"]
    assert {task["exit_code"] for task in failed} == {3}
    assert b"failing with exit code 3, as asked" in await log_of(client, record, failed[0]["task"])


@pytest.fixture
async def hello(client: httpx.AsyncClient) -> None:
    """The project, made by whichever test comes first."""
    if (await client.get("projects/hello")).status_code == 404:
        await upload_example(client, "hello")
        await make_project(client, "hello", keep_namespace="PT0S")
