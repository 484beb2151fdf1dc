"""What TaaS says about itself, as a real Prometheus scrapes it; the dashboards ask for nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
from prometheus_client import start_http_server

from app import telemetry
from tests.support.prometheus import DASHBOARDS, prometheus, queries, unknown_names
from tests.support.served import served
from tests.support.trainings import Maker
from tests.support.web import Web


def _seen_by_a_worker() -> None:
    """Labels that only a worker with a cluster brings about."""
    telemetry.ENDED.labels("succeeded", "completed").inc()
    telemetry.KUBE_REQUESTS.labels("GET", "200").inc()
    telemetry.KUBE_SECONDS.labels("GET").observe(0.01)
    telemetry.WATCH_HEARD.labels("/api/v1/pods").set_to_current_time()


async def test_the_dashboard_asks_for_what_taas_tells(web: Web, tmp_path: Path) -> None:
    maker = await Maker.create(web.context)
    await maker.start()
    await maker.start()
    _seen_by_a_worker()
    async with served(web) as url:
        async with httpx.AsyncClient(base_url=url) as somebody:
            assert (await somebody.get("/readyz")).status_code == 200
        scrape = [{"job_name": "taas", "static_configs": [{"targets": [url.removeprefix("http://")]}]}]
        async with prometheus(tmp_path, scrape) as client:
            assert await unknown_names(client, "taas.json") == set()
            answer = (await client.get("/query", params={"query": 'taas_trainings{state="queued"}'})).json()
            assert [series["value"][1] for series in answer["data"]["result"]] == ["2"]
            answer = (await client.get("/query", params={"query": "max(taas_queue_oldest_seconds)"})).json()
            assert float(answer["data"]["result"][0]["value"][1]) > 0


async def test_a_worker_alone_is_scraped_too(tmp_path: Path) -> None:
    _seen_by_a_worker()
    server, thread = start_http_server(0, "127.0.0.1")
    try:
        target = f"127.0.0.1:{server.server_port}"
        async with prometheus(tmp_path, [{"job_name": "taas", "static_configs": [{"targets": [target]}]}]) as client:
            answer = (await client.get("/query", params={"query": "taas_watch_heard_timestamp_seconds"})).json()
            assert answer["data"]["result"]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_dashboards_are_whole() -> None:
    for path in sorted(DASHBOARDS.glob("*.json")):
        board = json.loads(path.read_text())
        ids = [panel["id"] for panel in board["panels"]]
        assert len(ids) == len(set(ids))
        assert all(panel["datasource"]["uid"] == "${datasource}" for panel in board["panels"])
        assert list(queries(path.name))
