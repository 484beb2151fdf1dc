"""How the end of a pod is read: when it was, and whether it was its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from app.domain.decide import decide
from app.domain.decision import Policy
from app.domain.seen import Seen
from app.domain.tasks import task_statuses
from app.domain.training import Reason, State, TaskState
from app.k8s import objects, translate
from app.k8s.cache import Cache
from app.k8s.manifests import labels
from tests.support.decisions import NS, NS_UID, job, namespace, training

MADE = datetime(2026, 11, 24, 9, tzinfo=UTC)
LOST = MADE + timedelta(hours=3)
ID = UUID(int=7)


def test_a_lost_pod_ended_when_it_was_given_up() -> None:
    pod = translate.pod(lost(), LOST)
    assert pod is not None
    assert (pod.finished_at, pod.ended_at, pod.disruption) == (LOST, LOST, "NodeLost")


def test_a_pod_that_vanished_ended_when_that_was_seen() -> None:
    cache = Cache("tests", lambda _: None, lambda: LOST)
    cache.pod_changed(task_pod({"phase": "Running"}), False)
    cache.pod_changed(task_pod({"phase": "Running"}), True)
    (pod,) = cache.seen(ID, NS, fresh=True).pods
    assert (pod.gone, pod.ended_at) == (True, LOST)


def test_the_pending_limit_of_its_replacement_begins_with_the_loss() -> None:
    pod = translate.pod(lost(), LOST)
    assert pod is not None
    row = training(
        {"worker": 1}, state=State.RUNNING, namespace=NS, namespace_uid=NS_UID, starting_at=MADE, started_at=MADE,
        pending_timeout=timedelta(minutes=30),
    )  # fmt: skip
    seen = Seen(fresh=True, namespace=namespace(), jobs={"worker": job("worker")}, pods=(pod,))
    assert decide(row, seen, Policy(), LOST + timedelta(minutes=29)).status.state is State.RUNNING
    ended = decide(row, seen, Policy(), LOST + timedelta(minutes=31)).status
    assert (ended.state, ended.reason) == (State.STOPPING, Reason.NODE_LOST)


def test_what_was_told_to_go_is_removed_and_what_had_ended_before_is_not() -> None:
    deleted = {"deletionTimestamp": (LOST + timedelta(seconds=35)).isoformat(), "deletionGracePeriodSeconds": 35}
    row = training({"worker": 1}, state=State.STOPPING, reason=Reason.STOPPED_BY_USER, stopping_at=LOST)
    for seconds, state in ((-5, TaskState.SUCCEEDED), (2, TaskState.REMOVED)):
        ended = {"exitCode": 0, "finishedAt": (LOST + timedelta(seconds=seconds)).isoformat()}
        status = {"phase": "Succeeded", "containerStatuses": [{"name": "task", "state": {"terminated": ended}}]}
        pod = translate.pod(task_pod(status, **deleted), LOST)
        assert pod is not None
        seen = Seen(fresh=True, namespace=namespace(), jobs={"worker": job("worker")}, pods=(pod,))
        (task,) = task_statuses(row.spec.run, seen, over=True)
        assert (task.state, task.exit_code) == (state, 0)


def test_the_first_word_to_go_counts() -> None:
    cache = Cache("tests", lambda _: None, lambda: LOST)
    ended = {"exitCode": 143, "finishedAt": (LOST + timedelta(seconds=2)).isoformat()}
    failed = {"phase": "Failed", "containerStatuses": [{"name": "task", "state": {"terminated": ended}}]}
    for status, seconds, grace in (({"phase": "Running"}, 35, 35), (failed, 35, 35), (failed, 3, 0)):
        at = (LOST + timedelta(seconds=seconds)).isoformat()
        pod = task_pod(status, deletionTimestamp=at, deletionGracePeriodSeconds=grace)
        cache.pod_changed(pod, False)
    cache.pod_changed(pod, True)
    (seen,) = cache.seen(ID, NS, fresh=True).pods
    assert (seen.gone, seen.removed, seen.exit_code) == (True, True, 143)


@pytest.mark.parametrize(("phase", "code", "removed"), [("Failed", 143, True), ("Succeeded", 0, False)])
def test_a_failure_first_seen_at_the_last_word_proves_nothing(phase: str, code: int, removed: bool) -> None:
    """A worker that has just started sees the pod without its grace: when it was first told is forgotten."""
    cache = Cache("tests", lambda _: None, lambda: LOST)
    cache.pod_changed(ended(phase, code, 2, told=3), False)
    (seen,) = cache.seen(ID, NS, fresh=True).pods
    assert seen.removed is removed


def test_what_was_seen_to_end_by_itself_has_failed_whoever_deletes_it_then() -> None:
    cache = Cache("tests", lambda _: None, lambda: LOST)
    for told in (None, 3):
        cache.pod_changed(ended("Failed", 3, 2, told=told), False)
    (seen,) = cache.seen(ID, NS, fresh=True).pods
    assert (seen.removed, seen.exit_code) == (False, 3)


def ended(phase: str, code: int, seconds: int, *, told: int | None) -> objects.Pod:
    """At that second after `LOST`, and then deleted without grace at `told`."""
    end = {"exitCode": code, "finishedAt": (LOST + timedelta(seconds=seconds)).isoformat()}
    status = {"phase": phase, "containerStatuses": [{"name": "task", "state": {"terminated": end}}]}
    if told is None:
        return task_pod(status)
    at = (LOST + timedelta(seconds=told)).isoformat()
    return task_pod(status, deletionTimestamp=at, deletionGracePeriodSeconds=0)


def lost() -> objects.Pod:
    at = LOST.isoformat()
    condition = {"type": "DisruptionTarget", "status": "True", "reason": "NodeLost", "lastTransitionTime": at}
    running = {"name": "task", "state": {"running": {"startedAt": MADE.isoformat()}}}
    return task_pod({"phase": "Failed", "conditions": [condition], "containerStatuses": [running]})


def task_pod(status: dict[str, Any], **meta: Any) -> objects.Pod:
    metadata = {
        "name": "worker-0-abcde",
        "uid": "uid-pod",
        "creationTimestamp": MADE.isoformat(),
        "labels": {labels.TRAINING: str(ID), labels.ROLE: "worker", translate.INDEX: "0"},
        **meta,
    }
    return msgspec.convert({"metadata": metadata, "spec": {}, "status": status}, objects.Pod)
