"""deploy/grafana/tasks.json asks only for what a kubelet tells: a real Prometheus scrapes one, beside a task."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy.local import pki
from tests.support.cluster import LocalCluster
from tests.support.prometheus import prometheus, queries, unknown_names
from tests.support.taas import PYTHON_IMAGE
from tests.support.waiting import eventually, wait_for

pytestmark = pytest.mark.cluster

BOARD = "tasks.json"
# Busy half of the time under a limit of a tenth of a core, so that it is held back.
PROGRAM = """
import time
while True:
    end = time.monotonic() + 0.05
    while time.monotonic() < end:
        pass
    time.sleep(0.05)
"""
# The local network has no traffic of this pod, and the kernel has killed nobody: these are there, with the value 0.
MAY_BE_ZERO = {
    "Network: received by each task",
    "Network: sent by each task",
    "Namespaces that receive most",
    "Namespaces that send most",
    "Killed for their memory",
}


@pytest.fixture
def space(local_cluster: LocalCluster) -> Iterator[str]:
    """A namespace as trainings have them, in which a pod runs."""
    name = f"taas-board-{uuid4().hex[:5]}"
    local_cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    try:
        wait_for(lambda: local_cluster.call("GET", f"/api/v1/namespaces/{name}/serviceaccounts")["items"])
        limits = {"cpu": "100m", "memory": "64Mi"}
        main = {
            "name": "main",
            "image": PYTHON_IMAGE,
            "command": ["python3", "-c", PROGRAM],
            "resources": {"limits": limits, "requests": limits},
        }
        spec = {"containers": [main], "terminationGracePeriodSeconds": 0}
        pod = {"metadata": {"name": "worker-0-abcde"}, "spec": spec}
        local_cluster.call("POST", f"/api/v1/namespaces/{name}/pods", pod)
        path = f"/api/v1/namespaces/{name}/pods/worker-0-abcde"
        wait_for(lambda: local_cluster.call("GET", path)["status"]["phase"] == "Running")
        yield name
    finally:
        local_cluster.call("DELETE", f"/api/v1/namespaces/{name}")


def scrape(cluster: LocalCluster) -> list[dict[str, Any]]:
    keys = pki.directory(cluster.instance)
    return [
        {
            "job_name": "cadvisor",
            "scheme": "https",
            "metrics_path": "/metrics/cadvisor",
            "scrape_interval": "5s",  # the kubelet itself measures no more often than every ten or so
            "scrape_timeout": "5s",
            "tls_config": {
                "cert_file": str(keys / "admin.crt"),
                "key_file": str(keys / "admin.key"),
                "insecure_skip_verify": True,
            },
            "static_configs": [{"targets": [f"{cluster.instance.addresses.node}:10250"]}],
        }
    ]


async def test_the_dashboard_asks_for_what_the_kubelet_tells(
    local_cluster: LocalCluster, space: str, tmp_path: Path
) -> None:
    async with prometheus(tmp_path, scrape(local_cluster)) as client:
        found: dict[str, float] = {}

        async def all_answer() -> bool:
            for title, expr in queries(BOARD, namespace=space):
                found.update(await _largest(client, title, expr))
            missing = {title for title, _ in queries(BOARD)} - found.keys()
            return not missing

        await eventually(all_answer, every=2)
        assert await unknown_names(client, BOARD) == set()

        async def shows() -> bool:
            for title, expr in queries(BOARD, namespace=space):
                found.update(await _largest(client, title, expr))
            return all(value > 0 for title, value in found.items() if title not in MAY_BE_ZERO)

        await eventually(shows, every=2)
        assert found["Processors used by each task"] < 0.5
        assert 0 < found["Memory, as a share of what it was given"] <= 1


async def _largest(client: httpx.AsyncClient, title: str, expr: str) -> dict[str, float]:
    answer = (await client.get("/query", params={"query": expr})).json()
    values = [float(series["value"][1]) for series in answer["data"]["result"]]
    return {title: max(values)} if values else {}
