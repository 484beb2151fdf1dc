"""What gets lost without anybody's doing: nodes, and what a worker that died has left in the cluster."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.support.lab import Json, Lab
from tests.support.side_by_side import side_by_side
from tests.support.waiting import eventually

pytestmark = pytest.mark.cluster

FAKE = "kwok.x-k8s.io/node"
SECONDS = 240  # the cluster itself takes most of a minute to call a node lost, orphans two minutes to be sure of


@side_by_side
async def test_a_lost_node_s_task_goes_on_elsewhere_without_using_up_a_try(lab: Lab) -> None:
    roles = await on_nodes_of_its_own(lab, "two", 2)
    run = await lab.train("moves", roles=roles, storage=None, task_retries=0)
    await run.reaches("running")
    first = (await run.tasks())["worker-0"]["node"]
    await lose(lab, first)

    async def second() -> Json | None:
        task = (await run.tasks())["worker-0"]
        return task if task["state"] == "running" and task["tries"] == 2 else None

    task = await eventually(second, seconds=SECONDS)
    assert task["node"] != first
    lost, there = task["attempts"]
    assert (lost["node"], lost["state"], lost["reason"]) == (first, "failed", "NodeLost")
    assert f"Node {first} does not answer since" in lost["message"]
    assert (there["node"], there["state"]) == (task["node"], "running")
    assert (await run.until(lambda it: it["state"] == "running"))["tasks"]["running"] == 1
    await run.stop()
    await run.ends("stopped", "stopped_by_user")
    await run.is_gone()


@side_by_side
async def test_a_lost_node_without_another_ends_it(lab: Lab) -> None:
    roles = await on_nodes_of_its_own(lab, "one", 1)
    run = await lab.train("stranded", roles=roles, storage=None, pending_timeout="PT30S")
    await run.reaches("running")
    await lose(lab, f"{lab.installation}-one-0")
    ended = await run.ends("failed", "node_lost", seconds=SECONDS)
    assert ended["message"].startswith(
        "worker-0 was lost to the cluster and did not run again within 30 s: no node takes it: 0/"
    )
    assert ended["message"].endswith("Start it again.")
    await run.is_gone()


@side_by_side
async def test_orphans_are_collected_and_those_of_others_are_not(lab: Lab) -> None:
    ours, theirs = await orphan(lab, lab.installation), await orphan(lab, f"{lab.installation}-not")
    run = await lab.train("lives", roles=await on_nodes_of_its_own(lab, "lives", 1), storage=None)

    async def there(name: str) -> tuple[bool, bool]:
        spaces = await lab.kube("GET", f"/api/v1/namespaces?fieldSelector=metadata.name%3D{name}")
        volumes = await lab.kube("GET", f"/api/v1/persistentvolumes?fieldSelector=metadata.name%3D{name}")
        return bool(spaces["items"]), bool(volumes["items"])

    async def collected() -> bool:
        return await there(ours) == (False, False)

    async def shown() -> bool:
        found = (await lab.http.get("cluster/orphans", params={"limit": 200})).json()["items"]
        assert theirs not in {one["name"] for one in found}
        return {(one["kind"], one["collect_at"] is not None) for one in found if one["name"] == ours} == {
            ("namespace", True),
            ("volume", True),
        }

    await eventually(shown, seconds=SECONDS)
    await eventually(collected, seconds=SECONDS)
    assert await there(theirs) == (True, True)
    assert (await run.reaches("running"))["namespace_state"] == "present"
    await lab.kube("DELETE", f"/api/v1/namespaces/{theirs}")
    await lab.kube("DELETE", f"/api/v1/persistentvolumes/{theirs}")


async def on_nodes_of_its_own(lab: Lab, name: str, count: int) -> Json:
    """A worker that only runs on new fake nodes, on which nothing else runs."""
    on = await lab.new_nodes(name, count, taints=["lost=soon:NoSchedule"])
    return {"worker": lab.on(node=on, tolerations=[{"key": "lost", "operator": "Exists"}])}


async def lose(lab: Lab, node: str) -> None:
    """It falls silent: nobody says any more that it is well, and the cluster finds out."""
    await lab.kube("PATCH", f"/api/v1/nodes/{node}", {"metadata": {"annotations": {FAKE: None}}})


async def orphan(lab: Lab, installation: str) -> str:
    """A namespace and a volume, both of that name, of a training that nobody knows."""
    name = f"taas-orphan-{uuid4().hex[:8]}"
    labels = {"taas.dev/installation": installation, "taas.dev/training": str(uuid4())}
    metadata = {"name": name, "labels": labels}
    await lab.kube("POST", "/api/v1/namespaces", {"metadata": metadata})
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteMany"], "nfs": {"server": "::1", "path": "/"}}
    await lab.kube("POST", "/api/v1/persistentvolumes", {"metadata": metadata, "spec": spec})
    return name
