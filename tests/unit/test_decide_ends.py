"""How `decide` ends a training: every reason, and the patience that comes before it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.domain.actions import (
    CreateChildren,
    CreateNamespace,
    DeleteJobs,
    DeleteNamespace,
    SuspendJob,
)
from app.domain.project import Success
from app.domain.seen import Refusal, Seen
from app.domain.training import NamespaceState, Reason, State, TaskKey, TaskState
from tests.support.decisions import (
    BOTH_UP,
    DONE,
    FAILED,
    NS,
    NS_UID,
    PRESENT,
    RUNNING,
    T0,
    UP,
    W,
    at,
    job,
    namespace,
    pod,
    run,
    seen,
    training,
    warning,
)


def broken(**how) -> list:
    return [pod("worker-0", UP), pod("worker-1", FAILED, finished_at=at(1), **how)]


def waiting(word: str, message: str, since: int = 0) -> list:
    return [pod("worker-0", UP), pod("worker-1", waiting=word, waiting_message=message, waiting_since=at(since))]


ENDS = [
    # what is seen, at second, reason, words in its sentence
    ("crash", broken(exit_code=3), 10, Reason.TASK_FAILED, "worker-1 ended with exit code 3"),
    ("signal", broken(exit_code=139), 10, Reason.TASK_FAILED, "segmentation fault"),
    ("out of memory", broken(exit_code=137, reason="OOMKilled"), 10, Reason.OUT_OF_MEMORY, "Raise the role's memory"),
    ("no bash", broken(exit_code=128, reason="StartError", message='exec: "bash"'), 10, Reason.INVALID_IMAGE, "bash"),
    (
        "overuse",
        broken(reason="Evicted", message="Usage of EmptyDir volume exceeds the limit"),
        10,
        Reason.EVICTED,
        "exceeds the limit. Write less",
    ),
    (
        "evicted for ever",
        broken(disruption="EvictionByEvictionAPI", disruptions=4),
        10,
        Reason.EVICTED,
        "happened 5 times",
    ),
    ("nodes lost for ever", broken(disruption="NodeLost", disruptions=4), 10, Reason.NODE_LOST, "see to the nodes"),
    ("bad name", waiting("InvalidImageName", "bad"), 10, Reason.INVALID_IMAGE, "Correct the image's name"),
    ("absent image", waiting("ErrImagePull", "x: not found"), 20, Reason.IMAGE_PULL_FAILED, "x: not found. Check"),
    ("registry down", waiting("ImagePullBackOff", "timeout"), 120, Reason.IMAGE_PULL_FAILED, "timeout"),
    (
        "runs as root",
        waiting("CreateContainerConfigError", "container has runAsNonRoot"),
        20,
        Reason.INVALID_IMAGE,
        "user other than root",
    ),
    ("time limit", BOTH_UP, 7200, Reason.MAX_DURATION, "time limit of 2 h"),
]


@pytest.mark.parametrize(("pods", "second", "reason", "words"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
def test_each_reason_is_reached_and_says_why(pods: list, second: int, reason: Reason, words: str) -> None:
    row = training(**RUNNING, max_duration=timedelta(hours=2))
    look = seen(namespace(), W, pods)
    decision = run(row, look, at(second))
    assert (decision.status.state, decision.status.reason) == (State.STOPPING, reason)
    assert words in decision.status.message
    assert decision.actions == (SuspendJob(NS, "worker", "uid-job-worker"),)


def test_a_pull_that_fails_says_the_same_while_it_is_tried_and_before_it_is_tried_again() -> None:
    """It goes from one to the other every few seconds; nobody should have to read two sentences about one thing."""
    row, image = training(**PRESENT), 'Back-off pulling image "x:1"'
    tries = [
        waiting("ErrImagePull", "failed to pull x:1: connection refused"),
        waiting("ImagePullBackOff", f"{image}: ErrImagePull: failed to pull x:1: connection refused"),
    ]
    told = {run(row, seen(namespace(), W, pods)).status.message for pods in tries}
    assert told == {"Waiting for worker-1: its image cannot be pulled: failed to pull x:1: connection refused."}
    silent = run(row, seen(namespace(), W, waiting("ImagePullBackOff", image))).status.message
    assert silent == "Waiting for worker-1: its image cannot be pulled."
    ended = run(row, seen(namespace(), W, tries[1]), at(120)).status
    assert ended.reason is Reason.IMAGE_PULL_FAILED
    assert "train:1: failed to pull x:1: connection refused. Check" in ended.message


@pytest.mark.parametrize(
    ("pods", "second"),
    [
        (waiting("ErrImagePull", "x: not found"), 19),
        (waiting("ImagePullBackOff", "timeout"), 119),
        (broken(disruption="EvictionByEvictionAPI", disruptions=3), 10),
        (broken(exit_code=1, reason="Error"), 2),  # within the time in which the others' success may arrive
    ],
)
def test_patience_comes_before_the_end(pods: list, second: int) -> None:
    row = training(**RUNNING, success=Success.WORKER_0)
    decision = run(row, seen(namespace(), W, pods), at(second))
    assert decision.status.state is State.RUNNING
    assert decision.wake_at is not None
    assert decision.wake_at > at(second)


def test_the_first_failure_is_named_and_the_others_counted() -> None:
    pods = [
        pod("worker-0", FAILED, exit_code=1, finished_at=at(5)),
        pod("worker-1", FAILED, exit_code=7, finished_at=at(4)),
    ]
    decision = run(training(**RUNNING), seen(namespace(), W, pods))
    assert "worker-1 ended with exit code 7" in decision.status.message
    assert "1 more task failed too" in decision.status.message


def test_an_out_of_memory_word_with_exit_code_0_is_not_an_end() -> None:
    pods = [pod("worker-0", UP), pod("worker-1", DONE, exit_code=0, reason="OOMKilled")]
    assert run(training(**RUNNING), seen(namespace(), W, pods)).status.state is State.RUNNING


@pytest.mark.parametrize(
    ("how", "ends"),
    [
        ({"exit_code": 1, "failures": 0}, False),
        ({"exit_code": 1, "failures": 1}, False),
        ({"exit_code": 1, "failures": 2}, True),
        ({"exit_code": 137, "reason": "OOMKilled", "failures": 0}, True),
        ({"disruption": "TerminationByKubelet", "failures": 2}, False),
    ],
)
def test_retries_go_by_cause(how: dict, ends: bool) -> None:
    decision = run(training(**RUNNING, task_retries=2), seen(namespace(), W, broken(**how)))
    assert (decision.status.state is State.STOPPING) is ends
    task = next(task for task in decision.tasks if task.key == TaskKey("worker", 1))
    assert (task.state is TaskState.FAILED) is (ends and not how.get("disruption"))


def test_a_failed_index_without_its_pod_ends_it_too() -> None:
    jobs = [job("worker", failed_indexes=frozenset({1}))]
    decision = run(training(**RUNNING), seen(namespace(), jobs, [pod("worker-0", UP)]))
    assert decision.status.reason is Reason.TASK_FAILED
    assert "Its pod is gone" in decision.status.message


NO_NODE = "0/1 nodes are available: 1 Insufficient cpu."


def test_the_scheduler_is_quoted_while_waiting_and_at_the_pending_limit() -> None:
    row = training(**PRESENT, pending_timeout=timedelta(minutes=5))
    look = seen(namespace(), W, [pod("worker-0", UP), pod("worker-1", scheduling=NO_NODE)])
    soon = run(row, look)
    assert soon.status.message == (
        "Waiting for worker-1: no node takes it: 0/1 nodes are available: 1 Insufficient cpu."
    )
    late = run(row, look, at(300))
    assert (late.status.reason, late.status.reason.state) == (Reason.UNSCHEDULABLE, State.TIMED_OUT)
    assert "worker-1 did not run within 5 min" in late.status.message
    assert "Insufficient cpu" in late.status.message


def test_a_lost_task_that_finds_no_node_ends_as_lost() -> None:
    row = training(**RUNNING, pending_timeout=timedelta(minutes=5))
    again = pod("worker-1", scheduling=NO_NODE, disruptions=1, created_at=at(60))
    look = seen(namespace(), W, [pod("worker-0", UP), again])
    assert run(row, look, at(359)).status.state is State.RUNNING
    assert run(row, look, at(360)).status.reason is Reason.NODE_LOST


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ('pods "worker-0-" is forbidden: exceeded quota: small, requested: pods=1', Reason.QUOTA),
        ('pods "worker-0-" is forbidden: violates PodSecurity "restricted:latest"', Reason.INTERNAL_ERROR),
    ],
)
def test_refused_pods_end_it_after_a_while(message: str, reason: Reason) -> None:
    look = seen(namespace(), W, warnings=[warning("Job", "worker", "FailedCreate", message, first=2)])
    soon = run(training(**PRESENT), look, at(31))
    assert soon.status.state is State.STARTING
    assert "its pod was refused" in soon.status.message
    assert soon.wake_at == at(32)
    late = run(training(**PRESENT), look, at(32))
    assert late.status.reason is reason
    assert message[:40] in late.status.message


def test_the_patience_with_refusals_counts_from_the_first_of_them() -> None:
    """Each try of the Job is refused anew, in a message of its own, and the tries become rarer and rarer."""
    tries = [warning("Job", "worker", "FailedCreate", f'pods "worker-0-{s}": exceeded quota', s) for s in (2, 4, 8, 16)]
    old = warning("Job", "worker", "FailedCreate", "exceeded quota, which was overcome", first=-60)
    gone = [pod("worker-0", UP), pod("worker-1", FAILED, finished_at=at(1), disruption="EvictionByEvictionAPI")]
    look = seen(namespace(), W, gone, [old, *tries])
    soon = run(training(**RUNNING), look, at(31))
    assert (soon.status.state, soon.wake_at) == (State.RUNNING, at(32))
    late = run(training(**RUNNING), look, at(32)).status
    assert (late.reason, "worker-0-16" in late.message) == (Reason.QUOTA, True)


@pytest.mark.parametrize(
    "message",
    [
        'pods "worker-0-" is forbidden: error looking up service account s/default: serviceaccount "default" not found',
        'pods "worker-0-" is forbidden: status unknown for quota: small, resources: pods',
    ],
)
def test_what_the_cluster_itself_will_cure_ends_it_only_by_the_pending_limit(message: str) -> None:
    row = training(**PRESENT, pending_timeout=timedelta(minutes=5))
    look = seen(namespace(), W, warnings=[warning("Job", "worker", "FailedCreate", message, first=2)])
    waits = run(row, look, at(299))
    assert waits.status.state is State.STARTING
    assert message[:60] in waits.status.message
    assert run(row, look, at(300)).status.reason is Reason.UNSCHEDULABLE


def test_a_refusal_that_was_overcome_is_no_end() -> None:
    warnings = [warning("Job", "worker", "FailedCreate", "exceeded quota", first=2)]
    assert run(training(**PRESENT), seen(namespace(), W, BOTH_UP, warnings), at(90)).status.state is State.RUNNING


def test_a_refused_object_ends_a_launch_and_deletes_the_half_of_it() -> None:
    refusals = (Refusal("Job/worker", 403, "jobs.batch is forbidden: exceeded quota: q"),)
    decision = run(training(**PRESENT), replace(seen(namespace()), refusals=refusals))
    assert (decision.status.state, decision.status.reason) == (State.STOPPING, Reason.QUOTA)
    assert decision.status.namespace_state is NamespaceState.DELETING
    assert decision.actions == (DeleteNamespace(NS, NS_UID), DeleteJobs(NS))


@pytest.mark.parametrize(
    "look",
    [
        seen(None),
        seen(namespace(uid="another")),
        seen(namespace(deleting_since=T0)),
        seen(namespace()),  # its Job is gone
    ],
    ids=["absent", "another", "deleting", "job gone"],
)
def test_what_was_taken_away_behind_our_back_is_lost(look: Seen) -> None:
    decision = run(training(**RUNNING), look)
    assert decision.status.reason is Reason.NAMESPACE_LOST
    assert "somebody else" in decision.status.message
    assert not any(isinstance(action, CreateNamespace | CreateChildren) for action in decision.actions)


def test_a_namespace_that_vanished_ends_at_once() -> None:
    decision = run(training(**RUNNING), replace(seen(None), logs_archived=True))
    assert (decision.status.state, decision.status.namespace_state) == (State.FAILED, NamespaceState.GONE)
