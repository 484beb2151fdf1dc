"""Every reason why a training can fail, each for its real cause, on a real cluster and through the API."""

from __future__ import annotations

import pytest

from tests.support.lab import Lab
from tests.support.pull_registry import pull_registry
from tests.support.side_by_side import side_by_side
from tests.support.waiting import eventually

pytestmark = pytest.mark.cluster

WAIT_FOR_EVER = "sleep infinity & wait"


@side_by_side
async def test_a_crash_tells_its_exit_code(lab: Lab) -> None:
    run = await lab.train("crash", "echo oops; exit 7")
    ended = await run.ends("failed", "task_failed")
    assert ended["message"] == "worker-0 ended with exit code 7."
    assert ended["tasks"] == {"total": 1, "running": 0, "succeeded": 0, "failed": 1}
    task = (await run.tasks())["worker-0"]
    assert (task["state"], task["exit_code"], task["tries"]) == ("failed", 7, 1)
    assert [attempt["exit_code"] for attempt in task["attempts"]] == [7]
    await run.is_gone()


@side_by_side
async def test_one_failed_task_ends_the_others_at_once(lab: Lab) -> None:
    script = f"[[ $TAAS_INDEX == 1 ]] || {{ {WAIT_FOR_EVER}; }}; exit 127"
    run = await lab.train("one-of-three", script, roles={"worker": lab.on(count=3)})
    ended = await run.ends("failed", "task_failed")
    assert ended["message"] == "worker-1 ended with exit code 127 (a command was not found in the image)."
    states = {name: task["state"] for name, task in (await run.tasks()).items()}
    assert states == {"worker-0": "removed", "worker-1": "failed", "worker-2": "removed"}


@side_by_side
async def test_too_much_memory_is_not_tried_again(lab: Lab) -> None:
    run = await lab.train("greedy", "exec tail /dev/zero", task_retries=3)
    ended = await run.ends("failed", "out_of_memory")
    assert ended["message"] == (
        "worker-0 was killed because it used more than its 64Mi of memory. "
        "Raise the role's memory or lower the batch size."
    )
    task = (await run.tasks())["worker-0"]
    assert (task["state"], task["tries"], task["exit_code"]) == ("failed", 1, 137)
    assert task["attempts"][0]["reason"] == "OOMKilled"


@side_by_side
async def test_an_image_that_its_registry_does_not_have(lab: Lab) -> None:
    with pull_registry(lab.cluster) as registry:
        image = f"{registry.host}/team/absent:1"
        run = await lab.train("no-image", image=image)
        waiting = await run.until(lambda it: "its image cannot be pulled" in it["message"])
        assert waiting["message"].startswith("Waiting for worker-0: ")
        ended = await run.ends("failed", "image_pull_failed")
    assert ended["message"].startswith(f"worker-0 cannot pull the image {image}: ")
    assert ended["message"].endswith("whether its registry needs credentials (add them under Registries).")
    await run.is_gone()


@side_by_side
async def test_an_image_that_kubelet_cannot_read(lab: Lab) -> None:
    run = await lab.train("no-image-name", image="localhost/taas/python@sha256:" + "0" * 40)
    ended = await run.ends("failed", "invalid_image")
    assert ended["message"].startswith("worker-0 cannot use the image localhost/taas/python@sha256:0000")
    assert "Correct the image's name." in ended["message"]
    await run.is_gone()


@side_by_side
async def test_no_node_fits_is_told_while_it_waits_and_at_the_limit(lab: Lab) -> None:
    run = await lab.train("too-big", roles={"worker": lab.on(resources={"cpu": "3000"})}, pending_timeout="PT25S")
    waiting = await run.until(lambda it: "Insufficient cpu" in it["message"])
    assert waiting["state"] == "starting"
    assert waiting["message"].startswith("Waiting for worker-0: no node takes it: 0/")
    assert "Insufficient cpu" in (await run.tasks())["worker-0"]["message"]
    ended = await run.ends("timed_out", "unschedulable")
    assert ended["message"].startswith("worker-0 did not run within 25 s: no node takes it: 0/")
    assert ended["message"].endswith("Ask for less, wait until the cluster has room, or raise pending_timeout.")
    assert ended["started_at"] is None
    await run.is_gone()


@side_by_side
async def test_what_runs_too_long_may_save_itself(lab: Lab) -> None:
    save = "trap 'echo saved >$TAAS_MODEL_DIR/checkpoint; exit 0' TERM"
    run = await lab.train("endless", f"{save}; {WAIT_FOR_EVER}", max_duration="PT8S")
    ended = await run.ends("timed_out", "max_duration")
    assert ended["message"] == (
        "It was still running after its time limit of 8 s. Raise max_duration if it needs longer."
    )
    assert run.kept("models/checkpoint").read_text() == "saved\n"


@side_by_side
async def test_its_namespace_is_deleted_behind_our_back(lab: Lab) -> None:
    run = await lab.train("robbed", WAIT_FOR_EVER)
    await run.reaches("running")
    await lab.kube("DELETE", run.space)
    ended = await run.ends("failed", "namespace_lost")
    assert ended["message"].startswith(f"The namespace {ended['namespace']} was deleted by somebody else")
    await run.is_gone()


@side_by_side
async def test_its_job_is_deleted_behind_our_back(lab: Lab) -> None:
    run = await lab.train("jobless", WAIT_FOR_EVER)
    await run.reaches("running")
    job = run.space.replace("/api/v1", "/apis/batch/v1") + "/jobs/worker"
    await lab.kube("DELETE", f"{job}?propagationPolicy=Background")
    ended = await run.ends("failed", "namespace_lost")
    assert ended["message"] == "The Job of role worker was deleted by somebody else. Start the training again."
    await run.is_gone()


@side_by_side
async def test_a_quota_refuses_the_next_try(lab: Lab) -> None:
    run = await lab.train("no-room", "until [[ -e $TAAS_DATA_DIR/go ]]; do sleep 0.2; done; exit 3", task_retries=1)
    await run.reaches("running")
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    await lab.kube("POST", f"{run.space}/resourcequotas", quota)

    async def in_force() -> bool:
        return bool((await lab.kube("GET", f"{run.space}/resourcequotas/none"))["status"].get("used"))

    await eventually(in_force)
    run.kept("logs").parent.parent.joinpath("data", "go").touch()
    ended = await run.ends("failed", "quota")
    assert ended["message"].startswith("The cluster's limits refuse the pods of role worker: ")
    assert "exceeded quota: none" in ended["message"]
    assert ended["message"].endswith("Ask for less cpu, memory or fewer tasks, or have the quota raised.")
    events = await run.events()
    assert [event["source"] for event in events if event["reason"] == "FailedCreate"]
    await run.is_gone()


@side_by_side
async def test_an_evicted_task_is_tried_again_without_using_up_a_try(lab: Lab) -> None:
    run = await lab.train("evicted", f"[[ $TAAS_ATTEMPT == 2 ]] || {{ {WAIT_FOR_EVER}; }}", task_retries=0)
    pod = await run.running_pod()
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
    await lab.kube("POST", f"{run.space}/pods/{pod}/eviction", eviction)
    await run.ends("succeeded", "completed")
    task = (await run.tasks())["worker-0"]
    assert (task["state"], task["tries"]) == ("succeeded", 2)
    assert [attempt["number"] for attempt in task["attempts"]] == [1, 2]
    assert task["attempts"][0]["pod"] == pod
    assert task["attempts"][1]["exit_code"] == 0


@side_by_side
async def test_a_task_that_fills_its_disk_is_evicted_for_good(lab: Lab) -> None:
    roles = {"worker": lab.on(resources={"ephemeral_storage": "8Mi"})}
    run = await lab.train("hoarder", f"head -c 64M /dev/zero >/tmp/hoard; {WAIT_FOR_EVER}", roles=roles, task_retries=2)
    ended = await run.ends("failed", "evicted", seconds=240)
    assert ended["message"].startswith("worker-0 was evicted from its node: ")
    assert ended["message"].endswith("Write less to local disk, or raise the role's ephemeral_storage.")
    assert (await run.tasks())["worker-0"]["tries"] == 1


@side_by_side
async def test_every_try_keeps_its_exit_code(lab: Lab) -> None:
    run = await lab.train(
        "stubborn", 'echo "try $TAAS_ATTEMPT"; [[ $TAAS_ATTEMPT == 3 ]] || exit "1$TAAS_ATTEMPT"', task_retries=2
    )

    async def told() -> bool:
        return (await run.tasks())["worker-0"]["message"] == (
            "worker-0 ended with exit code 11. It was try 1 of 3. It is being tried again."
        )

    await eventually(told)
    await run.ends("succeeded", "completed")
    task = (await run.tasks())["worker-0"]
    assert [(it["number"], it["exit_code"]) for it in task["attempts"]] == [(1, 11), (2, 12), (3, 0)]
    assert len({it["pod"] for it in task["attempts"]}) == 3
    await run.is_gone()
    assert [await run.log("worker-0", number) for number in (1, 2, 3)] == [b"try 1\n", b"try 2\n", b"try 3\n"]
