"""A real model behind real HAProxy on the real cluster: spread, updated, shared, taken back, and no request fails.

The replicas speak TensorFlow Serving's protocols on a SavedModel that a training has exported.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import pytest

from tests.support.archives import make_zip
from tests.support.cluster import LocalCluster
from tests.support.serving import EXAMPLE, load, predict
from tests.support.taas import TENSORFLOW_IMAGE, home_for_taas, taas_up
from tests.support.waiting import eventually

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

SECONDS = 240
SETTINGS = {
    "TAAS_SERVING_IMAGE": "localhost/taas/savedmodel-server:2.21",
    "TAAS_BALANCER_IMAGE": "localhost/taas/haproxy:2.6",
    "TAAS_SERVING_DRAIN": "PT15S",  # this cluster's DNS answers are kept for a second, but it may be busy
}
# It answers with the sum of its input times a factor: by the factor its version is known.
RUN_SH = b"""#!/usr/bin/env bash
exec python3 - <<'PYTHON'
import os
import tensorflow as tf

class Sum(tf.Module):
    def __init__(self, factor):
        self.factor = tf.Variable(factor)

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def serve(self, x):
        return {"y": tf.reduce_sum(x, axis=1) * self.factor}

for factor, folder in ((1.0, os.environ["TAAS_MODEL_DIR"]), (2.0, os.environ["TAAS_DATA_DIR"])):
    model = Sum(factor)
    tf.saved_model.save(model, os.path.join(folder, "export", "1"), signatures=model.serve)
PYTHON
"""


@dataclass
class Served:
    """A serving that a test follows."""

    http: httpx.AsyncClient
    cluster: LocalCluster
    record: dict[str, Any]

    async def until(self, condition: Any) -> dict[str, Any]:
        async def look() -> bool:
            answer = await self.http.get(f"servings/{self.record['id']}")
            assert answer.status_code == 200, answer.text
            self.record = answer.json()
            return bool(condition(self.record))

        try:
            await eventually(look, seconds=SECONDS, every=0.2)
        except AssertionError as exc:
            raise AssertionError(f"{exc}: {self.record}") from exc
        return self.record

    async def ask(self, method: str, path: str = "", body: object = None, *, status: int = 202) -> Any:
        answer = await self.http.request(method, f"servings/{self.record['id']}{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def change(self, method: str, path: str = "", body: object = None) -> dict[str, Any]:
        """Ask for a change, and wait until the cluster is as it was asked for."""
        self.record = await self.ask(method, path, body)
        return await self.until(lambda record: record["rolled_out"])

    async def requests(self) -> Counter[str]:
        """How many each replica has had, by its address."""
        found = await self.ask("GET", "/traffic", status=200)
        return Counter({one["address"]: one["requests"] for one in found["replicas"]})

    def kube(self, path: str) -> Any:
        return self.cluster.call("GET", path.format(self.record["namespace"]))

    def address(self, port: int) -> str:
        """The balancers' Service, which this machine can reach."""
        service = self.kube("/api/v1/namespaces/{}/services/balancer")
        return f"{service['spec']['clusterIP']}:{port}"

    def pods(self, workload: str) -> list[dict[str, Any]]:
        selector = f"?labelSelector=taas.dev/workload%3D{workload}"
        found: list[dict[str, Any]] = self.kube("/api/v1/namespaces/{}/pods" + selector)["items"]
        return found

    async def only(self, workload: str, count: int) -> None:
        """Until so many pods are left: those that were leaving are gone."""

        async def look() -> bool:
            return len(await asyncio.to_thread(self.pods, workload)) == count

        await eventually(look, seconds=SECONDS, every=0.2)


@pytest.fixture(scope="module")
async def served(local_cluster: LocalCluster) -> AsyncIterator[Served]:
    """A training that has exported one model to its own directory and another to its project's data; the first one
    is served by three replicas."""
    with home_for_taas() as home:
        async with taas_up(home, local_cluster, **SETTINGS) as taas, taas.client() as http:
            (home / "disk").mkdir()
            disk = {"path": str(home / "disk"), "node": local_cluster.node_name, "taas_path": str(home / "disk")}
            storage = {"name": "disk", "kind": "local", "config": disk, "is_default": True}
            assert (await http.post("storages", json=storage)).status_code == 201
            archive = {"archive": ("sum.zip", make_zip({"run.sh": RUN_SH}))}
            assert (await http.post("algorithms", data={"name": "sum"}, files=archive)).status_code == 201
            project = {
                "name": "sums",
                "algorithm": "sum",
                "framework": "plain",
                "image": TENSORFLOW_IMAGE,
                "roles": {
                    "worker": {
                        "resources": {"cpu": "100m", "memory": "1Gi"},
                        "node_selector": {"kubernetes.io/hostname": local_cluster.node_name},
                    }
                },
                "keep_namespace": "PT0S",
            }
            assert (await http.post("projects", json=project)).status_code == 201
            training = (await http.post("projects/sums/trainings", json={})).json()

            async def ended() -> Any:
                record = (await http.get(f"trainings/{training['id']}?wait=20")).json()
                return record if record["finished_at"] else None

            record = await eventually(ended, seconds=SECONDS)
            assert record["state"] == "succeeded", record["message"]
            small = {"cpu": "100m", "memory": "1Gi"}
            wanted = {"training": training["id"], "replicas": 3, "resources": small}
            answer = await http.post("servings", json=wanted)
            assert answer.status_code == 202, answer.text
            made = Served(http, local_cluster, answer.json())
            await made.until(lambda one: one["rolled_out"])
            yield made
            await made.ask("DELETE")
            ended_record = await made.until(lambda one: one["ended_at"])
            assert ended_record["state"] == "stopped"


def least_share(before: Counter[str], after: Counter[str]) -> float:
    """The smallest part that one of the replicas had of the requests in between."""
    new = {address: after[address] - before[address] for address in after}
    return min(new.values()) / sum(new.values())


async def test_requests_are_spread_over_replicas(served: Served) -> None:
    assert served.record["versions"][0]["source"] == "sums #1"
    before = await served.requests()
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        for _ in range(150):
            answer = await client.post(f"http://{served.address(8501)}/v1/models/sums:predict", json=EXAMPLE)
            assert answer.json() == {"predictions": [3.0]}, answer.text
    between = await served.requests()
    assert len(between) == 3
    assert least_share(before, between) >= 0.25

    async with grpc.aio.insecure_channel(served.address(8500)) as channel:
        for _ in range(150):
            assert await predict(channel, "sums") == 3.0
    assert least_share(between, await served.requests()) >= 0.25


async def test_the_page_can_try_it(served: Served) -> None:
    (signature,) = await served.ask("GET", "/signatures", status=200)
    assert signature["inputs"] == [{"name": "x", "dtype": "DT_FLOAT", "shape": [None, 2]}]
    tried = await served.ask("POST", "/predict", signature["sample"], status=200)
    assert (tried["status"], tried["body"]) == (200, {"predictions": [1.0]})
    wrong = await served.ask("POST", "/predict", {"instances": [["text"]]}, status=200)
    assert wrong["status"] == 400


async def test_no_request_fails_while_versions_change(served: Served) -> None:
    await served.change("PATCH", "", {"replicas": 2})
    await served.only("model", 2)
    async with load(served.address(8501), served.address(8500), "sums") as asked:
        await served.change("POST", "/versions", {"path": "data/export"})
        await served.only("model", 2)
        assert (served.record["live"], served.record["previous"]) == (2, 1)
        await served.change("POST", "/rollback")
        await served.only("model", 2)
    assert asked.failures == []
    for answers in (asked.rest, asked.grpc):
        assert answers.keys() == {3.0, 6.0}


async def test_a_canary_gets_its_share(served: Served) -> None:
    await served.change("PUT", "/canary", {"version": 2, "percent": 30})
    await served.only("balancer", 2)
    url, versions = f"http://{served.address(8501)}/v1/models/sums", Counter[str]()
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:

        async def ask() -> None:
            for _ in range(250):
                answer = await client.get(url)
                versions[answer.json()["model_version_status"][0]["version"]] += 1

        await asyncio.gather(*(ask() for _ in range(8)))
    assert versions.total() == 2_000
    assert abs(versions["2"] / versions.total() - 0.30) <= 0.05
    await served.change("DELETE", "/canary")
    await served.only("canary", 0)
