"""The cache of the cluster: what is told late, twice or out of order, and what it costs."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from app.k8s import objects
from app.k8s.cache import KEEP_GONE, Cache

T = UUID("01990000-0000-7000-8000-000000000001")
LABELS = {"taas.dev/installation": "here", "taas.dev/training": str(T), "taas.dev/role": "worker"}


class Told:
    """A cache, its clock, and the trainings it has told of."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
        self.ids: list[UUID] = []
        self.cache = Cache("here", self.ids.append, lambda: self.now)

    def count(self) -> int:
        told, self.ids[:] = len(self.ids), []
        return told

    def seen(self) -> Any:
        return self.cache.seen(T, "taas-x", fresh=True)


@pytest.fixture
def told() -> Told:
    return Told()


def meta(name: str, version: int, **more: Any) -> objects.Meta:
    return objects.Meta(name, f"uid-{name}", resource_version=str(version), labels=LABELS, **more)


def job(version: int, *, suspend: bool = False) -> objects.Job:
    return objects.Job(meta("worker", version), objects.JobSpec(suspend))


def pod(version: int, index: int = 0, waiting: str = "", phase: str = "Pending") -> objects.Pod:
    labels = LABELS | {"batch.kubernetes.io/job-completion-index": str(index)}
    found = objects.Pod(meta(f"worker-{index}", version))
    found.metadata.labels = labels
    found.status.phase = phase
    if waiting:
        state = objects.ContainerState(waiting=objects.Waiting(waiting, "x"))
        found.status.container_statuses = [objects.ContainerStatus("task", state)]
    return found


def test_of_two_states_the_larger_version_is_newer(told: Told) -> None:
    told.cache.learn_job(msgspec.json.encode(job(7, suspend=True)))
    told.cache.job_changed(job(5), False)  # the watch is a little behind
    assert told.seen().jobs["worker"].suspended
    assert told.count() == 1


def test_what_was_just_made_survives_an_older_list(told: Told) -> None:
    told.cache.learn_job(msgspec.json.encode(job(7)))
    told.cache.jobs_replaced([], 6)
    assert "worker" in told.seen().jobs
    told.cache.jobs_replaced([], 8)
    assert told.seen().jobs == {}


def test_a_namespace_of_somebody_else_is_not_ours(told: Told) -> None:
    told.cache.namespace_changed(objects.Namespace(meta("taas-x", 1)), False)
    assert told.seen().namespace.ours
    other = told.cache.seen(UUID(int=5), "taas-x", fresh=True)
    assert not other.namespace.ours
    told.cache.learn_namespace(None, "taas-x")
    assert told.seen().namespace is None


def test_a_pod_that_is_gone_is_told_of_for_a_while(told: Told) -> None:
    told.cache.pod_changed(pod(1), False)
    told.cache.pod_changed(pod(2, phase="Failed"), True)
    [gone] = told.seen().pods
    assert (gone.gone, gone.phase) == (True, "Failed")
    told.cache.forget_gone()
    assert len(told.seen().pods) == 1
    told.now += KEEP_GONE + timedelta(seconds=1)
    told.cache.forget_gone()
    assert told.seen().pods == ()


def test_pods_missing_from_a_list_are_gone(told: Told) -> None:
    told.cache.pods_replaced([pod(1), pod(1, index=1)], 1)
    told.cache.pods_replaced([pod(1)], 2)
    assert sorted(pod.gone for pod in told.seen().pods) == [False, True]


def test_the_wait_for_an_image_has_one_beginning(told: Told) -> None:
    told.cache.pod_changed(pod(1, waiting="ContainerCreating"), False)
    begun = told.now = told.now + timedelta(seconds=30)
    told.cache.pod_changed(pod(2, waiting="ErrImagePull"), False)
    told.now += timedelta(seconds=30)
    told.cache.pod_changed(pod(3, waiting="ImagePullBackOff"), False)
    assert told.seen().pods[0].waiting_since == begun


def test_what_changes_nothing_is_not_told(told: Told) -> None:
    told.cache.pod_changed(pod(1), False)
    told.cache.pod_changed(pod(2), False)
    assert told.count() == 1


def test_a_node_that_falls_silent_is_told_to_the_trainings_on_it(told: Told) -> None:
    on_node = pod(1)
    on_node.spec.node_name = "n"
    told.cache.pod_changed(on_node, False)
    told.count()
    node = objects.Node(meta("n", 1))
    node.status.conditions = [objects.Condition("Ready", "Unknown", last_transition_time=told.now)]
    told.cache.nodes.changed(node, False)
    assert told.count() == 1
    assert told.seen().not_ready == {"n": told.now}


def test_warnings_are_bounded_and_only_ours(told: Told) -> None:
    for number in range(300):
        event = objects.Event(objects.Meta(f"e{number}", f"u{number}", "taas-x"), reason="BackOff", message="x")
        told.cache.warnings.changed(event, False)
    told.cache.warnings.changed(objects.Event(objects.Meta("e", "u", "kube-system"), message="x"), False)
    assert len(told.cache.warnings.of("taas-x")) == 200
    assert told.cache.warnings.of("kube-system") == ()


def test_a_thousand_live_tasks_cost_less_than_ten_megabytes(told: Told) -> None:
    encoded = [msgspec.json.encode(_full(index)) for index in range(1000)]
    decoder = msgspec.json.Decoder(objects.Pod)
    tracemalloc.start()
    for data in encoded:
        told.cache.pod_changed(decoder.decode(data), False)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(told.seen().pods) == 1000
    assert used < 10_000_000


def _full(index: int) -> objects.Pod:
    running = objects.ContainerState(running=objects.Running(datetime(2026, 11, 24, tzinfo=UTC)))
    found = pod(1, index, phase="Running")
    found.metadata.uid = f"{index:032x}"
    found.metadata.creation_timestamp = datetime(2026, 11, 24, tzinfo=UTC)
    found.spec.node_name = "node-1"
    found.status.container_statuses = [objects.ContainerStatus("task", running, True)]
    return found
