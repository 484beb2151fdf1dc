"""From the API server's JSON to what `decide` sees."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from app.domain.seen import PodPhase
from app.domain.training import TaskKey
from app.k8s import objects, translate
from app.k8s.nodes import Nodes

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TRAINING = "01990000-0000-7000-8000-000000000001"


def pod(status: dict[str, Any], **meta: Any) -> Any:
    data = {
        "metadata": {
            "name": "worker-1-x",
            "uid": "u",
            "creationTimestamp": "2026-11-24T11:00:00Z",
            "labels": {
                "taas.dev/training": TRAINING,
                "taas.dev/role": "worker",
                "batch.kubernetes.io/job-completion-index": "1",
            },
            **meta,
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "task", "image": "x"}]},
        "status": status,
    }
    found = translate.pod(msgspec.json.decode(msgspec.json.encode(data), type=objects.Pod), NOW)
    assert found is not None
    return found


def container(**state: Any) -> list[dict[str, Any]]:
    return [{"name": "task", "state": state, "ready": "running" in state}]


def test_a_running_pod() -> None:
    seen = pod({"phase": "Running", "containerStatuses": container(running={"startedAt": "2026-11-24T11:00:05Z"})})
    assert (seen.key, seen.phase, seen.node) == (TaskKey("worker", 1), PodPhase.RUNNING, "node-1")
    assert seen.started_at == datetime(2026, 11, 24, 11, 0, 5, tzinfo=UTC)
    assert (seen.attempt, seen.exit_code, seen.running) == (1, None, True)


def test_an_end_with_what_start_sh_left() -> None:
    left = '{"v":1,"exit":3,"phase":"run","lines":1,"bytes":2,"sha256":"' + "0" * 64 + '"}'
    ended = {"exitCode": 3, "reason": "Error", "message": left, "finishedAt": "2026-11-24T11:01:00Z"}
    annotations = {
        "batch.kubernetes.io/job-index-failure-count": "1",
        "batch.kubernetes.io/job-index-ignored-failure-count": "2",
    }
    seen = pod({"phase": "Failed", "containerStatuses": container(terminated=ended)}, annotations=annotations)
    assert (seen.exit_code, seen.reason, seen.message, seen.termination) == (3, "Error", "", left)
    assert (seen.failures, seen.disruptions, seen.attempt) == (1, 2, 4)


def test_an_end_before_the_start() -> None:
    words = 'exec: "bash": executable file not found in $PATH'
    ended = {"exitCode": 128, "reason": "StartError", "message": words, "startedAt": "1970-01-01T00:00:00Z"}
    seen = pod({"phase": "Failed", "containerStatuses": container(terminated=ended)})
    assert (seen.reason, seen.message, seen.started_at) == ("StartError", words, None)


def test_an_eviction_by_kubelet() -> None:
    seen = pod({"phase": "Failed", "reason": "Evicted", "message": "Usage exceeds the limit"})
    assert (seen.reason, seen.message, seen.exit_code) == ("Evicted", "Usage exceeds the limit", None)


def test_a_disruption_and_a_deletion() -> None:
    condition = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "evicting"}
    seen = pod({"phase": "Running", "conditions": [condition]}, deletionTimestamp="2026-11-24T11:02:00Z")
    assert (seen.disruption, seen.disruption_message) == ("EvictionByEvictionAPI", "evicting")
    assert seen.deleting_at == datetime(2026, 11, 24, 11, 2, tzinfo=UTC)


def test_waiting_for_a_node_or_an_image() -> None:
    words = "0/1 nodes are available"
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": words}
    seen = pod({"phase": "Pending", "conditions": [condition | {"lastTransitionTime": "2026-11-24T11:00:00Z"}]})
    assert (seen.scheduling, seen.scheduled_at) == (words, None)


def test_when_a_node_took_it_and_its_sandbox_was_there() -> None:
    conditions = [
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-11-24T11:00:01Z"},
        {"type": "PodReadyToStartContainers", "status": "True", "lastTransitionTime": "2026-11-24T11:00:03Z"},
    ]
    seen = pod({"phase": "Pending", "conditions": conditions})
    assert [moment and moment.second for moment in (seen.scheduled_at, seen.sandbox_at)] == [1, 3]
    over = conditions[1] | {"status": "False"}
    assert pod({"phase": "Succeeded", "conditions": [over]}).sandbox_at is None
    waiting = {"reason": "ErrImagePull", "message": "not found"}
    seen = pod({"phase": "Pending", "containerStatuses": container(waiting=waiting)})
    assert (seen.waiting, seen.waiting_message, seen.waiting_since) == ("ErrImagePull", "not found", NOW)


def test_an_exit_code_that_kubelet_invented_is_none() -> None:
    """Of a container that it could not find, as one whose image never came, it says 137: killed, which nobody was."""
    terminated = {"exitCode": 137, "reason": "ContainerStatusUnknown", "message": "The container could not be located"}
    seen = pod({"phase": "Failed", "containerStatuses": container(terminated=terminated)})
    assert (seen.exit_code, seen.started_at, seen.reason) == (None, None, "ContainerStatusUnknown")
    killed = pod({"phase": "Failed", "containerStatuses": container(terminated={"exitCode": 137, "reason": "Error"})})
    assert killed.exit_code == 137


@pytest.mark.parametrize(
    ("text", "numbers"), [("", set()), ("0", {0}), ("0-2,5", {0, 1, 2, 5}), ("1,3-4,7-9", {1, 3, 4, 7, 8, 9})]
)
def test_indexes(text: str, numbers: set[int]) -> None:
    assert translate.indexes(text) == numbers


def test_a_suspended_job_and_a_finished_one() -> None:
    labels = {"taas.dev/role": "ps", "taas.dev/training": TRAINING}
    job = objects.Job(
        objects.Meta("ps", labels=labels),
        objects.JobSpec(suspend=True),
        objects.JobStatus(conditions=[objects.Condition("Suspended", "True")]),
    )
    assert translate.job(job).quiet
    job.status.terminating = 1
    assert not translate.job(job).quiet
    job = objects.Job(objects.Meta("ps"), objects.JobSpec(), objects.JobStatus(failed_indexes="1"))
    job.status.conditions = [objects.Condition("Failed", "True", message="Job has failed indexes")]
    seen = translate.job(job)
    assert (seen.finished, seen.failed_indexes, seen.message) == (True, frozenset({1}), "Job has failed indexes")


def test_only_a_stuck_namespace_says_why() -> None:
    labels = {"taas.dev/installation": "here"}
    condition = objects.Condition("NamespaceFinalizersRemaining", "True", message="Some content has finalizers")
    space = objects.Namespace(objects.Meta("n", "u", labels=labels, deletion_timestamp=NOW))
    assert (translate.namespace(space, "here").ours, translate.namespace(space, "there").ours) == (True, False)
    space.status.conditions = [condition]
    assert translate.namespace(space, "here").stuck == "Some content has finalizers"


def test_a_warning_that_was_repeated() -> None:
    series = objects.Series(7, NOW)
    found = objects.Event(objects.Meta("e", "u"), reason="FailedMount", event_time=NOW, series=series)
    assert (translate.warning(found).count, translate.warning(found).last_at) == (7, NOW)


def test_a_node_that_does_not_answer() -> None:
    node = objects.Node(objects.Meta("n"))
    node.status.conditions = [objects.Condition("Ready", "Unknown", last_transition_time=NOW)]
    assert translate.not_ready_since(node) == NOW
    node.status.conditions = [objects.Condition("Ready", "True", last_transition_time=NOW)]
    assert translate.not_ready_since(node) is None


def test_when_a_node_told_of_its_boot() -> None:
    """As the API server writes it; whoever declares a node lost changes the status of Ready and its transition only."""
    ready = {"type": "Ready", "status": "Unknown", "lastHeartbeatTime": "2026-11-24T03:00:00Z"}
    status = {"nodeInfo": {"bootID": "b-1", "kubeletVersion": "v1.36.0"}, "conditions": [ready]}
    node = msgspec.json.decode(msgspec.json.encode({"metadata": {"name": "n"}, "status": status}), type=objects.Node)
    nodes = Nodes(lambda _name: None)
    nodes.changed(node, False)
    [seen] = nodes.all()
    assert (seen.ready, seen.boot_id, seen.reported_at) == ("no", "b-1", datetime(2026, 11, 24, 3, tzinfo=UTC))
    nodes.changed(objects.Node(objects.Meta("n")), False)
    [seen] = nodes.all()
    assert (seen.boot_id, seen.reported_at) == ("", None)


@pytest.mark.parametrize(("label", "training"), [(TRAINING, UUID(TRAINING)), ("", None), ("x", None)])
def test_whose_it_is(label: str, training: UUID | None) -> None:
    assert translate.training_of(objects.Meta("x", labels={"taas.dev/training": label})) == training
