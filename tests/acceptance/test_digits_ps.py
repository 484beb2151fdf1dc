"""The main job, for real: from an uploaded algorithm to a finished distributed TensorFlow training."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from tests.support.cluster import LocalCluster
from tests.support.examples import (
    accuracy_in,
    assert_whole,
    ended,
    in_state,
    log_of,
    log_shows,
    make_project,
    start,
    tasks_of,
    upload_example,
)
from tests.support.taas import TaasProcess
from tests.support.waiting import eventually

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
EXAMPLE = "digits-ps"


@pytest.fixture(scope="module", autouse=True)
async def algorithm(taas: TaasProcess) -> None:
    async with taas.client() as client:
        await upload_example(client, EXAMPLE)


async def test_chief_workers_and_ps_train(
    client: httpx.AsyncClient, storage: Path, local_cluster: LocalCluster
) -> None:
    await make_project(client, EXAMPLE, keep_namespace="PT30S")
    training = await start(client, "digits")
    assert (training["state"], training["tasks"]["total"]) == ("queued", 4)

    record = await in_state(client, training, "succeeded", "failed", "stopped", "timed_out", within=600)
    assert (record["state"], record["reason"]) == ("succeeded", "completed"), record["message"]

    # What never ends by itself was ended at once, and its pods go as soon as Kubernetes has counted them; what has
    # finished stays with its log as long as the namespace.
    async def only_the_finished() -> bool:
        pods = local_cluster.call("GET", f"/api/v1/namespaces/{record['namespace']}/pods")["items"]
        phases = [pod["status"]["phase"] for pod in pods]
        assert "Running" not in phases
        return phases == ["Succeeded"]

    await eventually(only_the_finished)

    record = await ended(client, record, within=120)
    tasks = await tasks_of(client, record)
    assert {name: (task["state"], task["exit_code"]) for name, task in tasks.items() if name == "chief-0"} == {
        "chief-0": ("succeeded", 0)
    }
    assert {name: task["state"] for name, task in tasks.items() if name != "chief-0"} == {
        "worker-0": "removed",
        "worker-1": "removed",
        "ps-0": "removed",
    }
    logs = {name: await log_of(client, record, name) for name in tasks}
    assert accuracy_in(logs["chief-0"]) >= 0.9
    for log in logs.values():
        assert_whole(log)
    assert {name: [tried["log_verdict"] for tried in task["attempts"]] for name, task in tasks.items()} == {
        name: ["verified"] for name in tasks
    }
    assert b"done here" in logs["worker-0"] + logs["worker-1"]

    assert [path.name for path in storage.glob("digits-*/models/1/1/*.pb") if path.name == "saved_model.pb"]
    assert list(storage.glob("digits-*/logs/1/events.out.tfevents.*"))
    assert not list(storage.glob("digits-*/models/1/checkpoints/*"))
    assert_nothing_left(local_cluster, record["namespace"], record["id"])
    listed = (await client.get("trainings", params={"project": "digits"})).json()["items"]
    assert [(one["id"], one["state"]) for one in listed] == [(record["id"], "succeeded")]


async def test_a_stopped_training_leaves_a_checkpoint_to_go_on_from(client: httpx.AsyncClient, storage: Path) -> None:
    await make_project(
        client,
        EXAMPLE,
        name="alone",
        roles={"chief": {"count": 1, "resources": {"cpu": "300m", "memory": "1Gi"}}},
        args=["--epochs", "100000"],
        keep_namespace="PT0S",
    )
    first = await start(client, "alone")
    await log_shows(client, first, "chief-0", b"\nepoch 5/", within=300)
    assert (await client.post(f"trainings/{first['id']}/stop")).status_code == 202
    record = await ended(client, first, within=120)
    log = await log_of(client, record, "chief-0")
    assert (record["state"], record["reason"]) == ("stopped", "stopped_by_user")
    assert_whole(log)
    told = re.search(rb"^stopped after epoch (\d+): checkpoint written to ", log, re.MULTILINE)
    assert told, log[-500:]
    assert list(storage.glob("alone-*/models/1/checkpoints/digits.npz"))

    done = int(told[1])
    second = await start(
        client, "alone", args=["--epochs", str(done + 2), "--resume", "{{ params.after }}"], params={"after": "1"}
    )
    record = await ended(client, second, within=300)
    log = await log_of(client, record, "chief-0")
    assert record["state"] == "succeeded", record["message"]
    assert b"going on after epoch %d, from " % done in log
    assert accuracy_in(log) >= 0.9


def assert_nothing_left(cluster: LocalCluster, namespace: str, training_id: str) -> None:
    namespaces = cluster.call("GET", "/api/v1/namespaces")["items"]
    volumes = cluster.call("GET", f"/api/v1/persistentvolumes?labelSelector=taas.dev/training={training_id}")["items"]
    assert namespace not in [one["metadata"]["name"] for one in namespaces]
    assert volumes == []
