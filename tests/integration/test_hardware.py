"""Curves of hardware from a real Prometheus, and what is said when there is none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.db.engine import Database
from tests.support.exporter import Exporter
from tests.support.pages import run
from tests.support.projects import make_project, start
from tests.support.prometheus import prometheus
from tests.support.visitor import logged_in
from tests.support.waiting import eventually
from tests.support.web import Web, web_for_tests

SPACE, OTHER = "taas-hello-1-abcde", "taas-hello-2-abcde"
MIB = 1024**2


@asynccontextmanager
async def asking(database: Database, home: Path, url: str) -> AsyncIterator[Web]:
    async with web_for_tests(database, home, prometheus_url=url) as web:
        yield web


async def begun(web: Web, client: httpx.AsyncClient, workers: int, **resources: Any) -> str:
    """The id of a training of so many workers that began a moment ago."""
    await make_project(client, roles={"worker": {"count": workers, "resources": resources}})
    training = await start(client)
    await run(
        web,
        "UPDATE trainings SET state = 'running', namespace = :space, namespace_state = 'present', "
        "starting_at = now() - interval '20 seconds' WHERE id = :id",
        space=SPACE,
        id=training["id"],
    )
    return str(training["id"])


async def curves(client: httpx.AsyncClient, training: str, metric: str, **more: str) -> dict[str, Any]:
    answer = await client.get(f"/api/v1/trainings/{training}/hardware", params={"metric": metric, **more})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def grows(client: httpx.AsyncClient, training: str, metric: str, rate: float) -> dict[str, Any]:
    """As soon as it is seen that worker-0 uses so much; on a busy machine single scrapes are late."""

    async def near() -> dict[str, Any] | None:
        body = await curves(client, training, metric)
        return body if last(body).get("worker-0") == pytest.approx(rate, rel=0.2) else None

    found: dict[str, Any] = await eventually(near, every=0.5)
    return found


def last(body: dict[str, Any]) -> dict[str, float]:
    return {curve["name"]: curve["values"][-1] for curve in body["items"]}


async def test_each_task_has_a_curve_of_each_kind(database: Database, tmp_path: Path) -> None:
    exporter = Exporter()
    for index, cpu in ((0, 1.5), (1, 0.25), (10, 0.5)):
        exporter.pod(SPACE, f"worker-{index}-x7abc", cpu=cpu, memory=(100 + index) * MIB, network=1000, gpu=None)
    exporter.pod(OTHER, "worker-0-zzzzz", cpu=9, memory=9000 * MIB, network=9, gpu=9)
    exporter.gauges.append(("DCGM_FI_DEV_GPU_UTIL", {"namespace": SPACE, "pod": "worker-1-x7abc", "gpu": "0"}, 80))
    exporter.gauges.append(("DCGM_FI_DEV_GPU_UTIL", {"namespace": SPACE, "pod": "worker-1-x7abc", "gpu": "1"}, 60))
    async with exporter.running(), prometheus(tmp_path, [exporter.job()]) as client:
        url = str(client.base_url).removesuffix("/api/v1/")
        async with asking(database, tmp_path, url) as web, web.client_of("mel") as member:
            training = await begun(web, member, 11)

            cpu = await grows(member, training, "cpu", 1.5)
            assert [curve["name"] for curve in cpu["items"]] == ["worker-0", "worker-1", "worker-10"]
            assert (cpu["per"], cpu["step"]) == ("task", 5)
            memory = await curves(member, training, "memory")
            assert last(memory) == {f"worker-{index}": (100 + index) * MIB for index in (0, 1, 10)}
            await grows(member, training, "network_in", 1000)
            await grows(member, training, "network_out", 2000)
            assert last(await curves(member, training, "gpu")) == {"worker-1": 70}
            assert list(last(await curves(member, training, "memory", task="worker-1"))) == ["worker-1"]
            missing = await member.get(
                f"/api/v1/trainings/{training}/hardware", params={"metric": "cpu", "task": "worker-11"}
            )
            assert missing.status_code == 404


async def test_many_tasks_are_one_curve_a_role_and_relabelled_gpus_are_found(
    database: Database, tmp_path: Path
) -> None:
    exporter = Exporter()
    for index in range(30):
        exporter.pod(SPACE, f"worker-{index}-x7abc", cpu=1, memory=(100 + index) * MIB, network=1, gpu=index)
    # Labels of the exporter's own pod win: what it measures becomes exported_namespace and exported_pod.
    async with exporter.running(), prometheus(tmp_path, [exporter.job(honor=False)]) as client:
        url = str(client.base_url).removesuffix("/api/v1/")
        async with asking(database, tmp_path, url) as web, web.client_of("mel") as member:
            training = await begun(web, member, 30)

            async def found() -> dict[str, Any] | None:
                body = await curves(member, training, "gpu")
                return body if body["items"] else None

            gpu = await eventually(found)
            assert (gpu["per"], last(gpu)) == ("role", {"worker": 29})
            one = await curves(member, training, "gpu", task="worker-3")
            assert (one["per"], last(one)) == ("task", {"worker-3": 3})


async def test_a_prometheus_that_is_away_is_told_in_words(database: Database, tmp_path: Path) -> None:
    server = await asyncio.start_server(_speaks_no_http, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server, asking(database, tmp_path, f"http://{host}:{port}") as web, web.client_of("mel") as member:
        training = await begun(web, member, 1)
        answer = await member.get(f"/api/v1/trainings/{training}/hardware", params={"metric": "cpu"})
        assert answer.status_code == 503
        assert "TAAS_PROMETHEUS_URL" in answer.json()["detail"]
        async with logged_in(web, "ada") as browser:
            page = await browser.get(f"/trainings/{training}/metrics")
            assert page.status_code == 200
            assert 'data-chart="cpu"' in page.text
            assert 'data-chart="gpu"' not in page.text  # it asks for none


async def test_without_a_prometheus_nothing_is_shown_and_the_api_says_what_to_set(web: Web) -> None:
    async with logged_in(web, "ada") as client:
        training = await begun(web, client, 1)
        assert "data-hardware" not in (await client.get(f"/trainings/{training}/metrics")).text
        answer = await client.get(f"/api/v1/trainings/{training}/hardware", params={"metric": "cpu"})
        assert answer.status_code == 404
        assert "TAAS_PROMETHEUS_URL" in answer.json()["detail"]
        wrong = await client.get(f"/api/v1/trainings/{training}/hardware", params={"metric": "heat"})
        assert wrong.status_code == 422


async def _speaks_no_http(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example.com\r\n")
    writer.close()
