"""How `decide` stops a training: suspension, grace, force."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from app.domain.actions import (
    DeleteJobs,
    DeleteNamespace,
    DeleteVolumes,
    FailPod,
    ForceDeletePod,
    SuspendJob,
)
from app.domain.training import NamespaceState, Reason, State, TaskState
from tests.support.decisions import (
    BOTH_UP,
    DONE,
    FAILED,
    LIVE,
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
    suspended,
    training,
)

STOPPING = {**RUNNING, "state": State.STOPPING, "reason": Reason.STOPPED_BY_USER, "message": "It was stopped by ada."}


def test_a_stop_suspends_and_waits_until_nothing_runs() -> None:
    wish = {"stop_requested_at": at(5), "stop_requested_by": "ada"}
    first = run(training(**RUNNING, **wish), seen(namespace(), W, BOTH_UP))
    assert (first.status.state, first.status.reason) == (State.STOPPING, Reason.STOPPED_BY_USER)
    assert first.actions == (SuspendJob(NS, "worker", "uid-job-worker"),)

    row = training(**STOPPING, **wish)
    leaving = [pod("worker-0", UP, deleting_at=at(40)), pod("worker-1", UP, deleting_at=at(40))]
    assert run(row, seen(namespace(), [job("worker", suspended=True)], leaving)).status.state is State.STOPPING
    assert run(row, seen(namespace(), [suspended("worker", terminating=2)])).status.state is State.STOPPING
    done = run(row, seen(namespace(), [suspended("worker")]))
    assert (done.status.state, done.status.message) == (State.STOPPED, "It was stopped by ada.")
    assert done.status.finished_at == at(10)


def test_a_task_that_was_asked_to_end_has_not_failed() -> None:
    ended = pod("worker-0", FAILED, exit_code=143, deleting_at=at(9), gone=True)
    look = seen(namespace(), [suspended("worker")], [ended, pod("worker-1", DONE)])
    states = [task.state for task in run(training(**STOPPING), look).tasks]
    assert states == [TaskState.REMOVED, TaskState.SUCCEEDED]


def test_a_replaced_training_says_so() -> None:
    row = training(**RUNNING, stop_requested_at=T0, stop_reason=Reason.REPLACED)
    decision = run(row, seen(namespace(), W, BOTH_UP))
    assert decision.status.reason is Reason.REPLACED
    assert "newer training" in decision.status.message


def test_success_before_the_stop_stands() -> None:
    row = training(**RUNNING, stop_requested_at=at(9))
    look = seen(namespace(), W, [pod("worker-0", DONE), pod("worker-1", DONE)])
    assert run(row, look).status.reason is Reason.COMPLETED


@pytest.mark.parametrize(("not_ready", "seconds"), [({"a": at(-60)}, 30), ({"a": at(330)}, 300), ({}, 300)])
def test_pods_that_outstay_their_grace_are_forced(not_ready: dict[str, datetime], seconds: int) -> None:
    """Sooner where the node has not answered for long."""
    stay = pod("worker-0", UP, node="a", deleting_at=at(35))
    look = replace(seen(namespace(), [suspended("worker", terminating=1)], [stay]), not_ready=not_ready)
    assert run(training(**STOPPING), look, at(34 + seconds)).actions == ()
    kinds = [type(action) for action in run(training(**STOPPING), look, at(35 + seconds)).actions]
    assert kinds == [FailPod, ForceDeletePod]


def test_stopping_a_half_made_launch_deletes_its_namespace() -> None:
    row = training(**PRESENT, stop_requested_at=T0, roles={"worker": 1, "ps": 1}, storage="default")
    decision = run(row, seen(namespace(), [job("worker")]))
    assert decision.status.namespace_state is NamespaceState.DELETING
    assert decision.actions == (DeleteVolumes(), DeleteNamespace(NS, NS_UID), DeleteJobs(NS))


def test_stopping_before_the_namespace_is_known() -> None:
    row = training(**LIVE, stop_requested_at=T0)
    there = run(row, seen(namespace()))
    assert there.actions == (DeleteNamespace(NS, NS_UID), DeleteJobs(NS))
    absent = run(row, replace(seen(None), logs_archived=True))
    assert (absent.status.state, absent.status.namespace_state) == (State.STOPPED, NamespaceState.GONE)
    foreign = run(row, replace(seen(namespace(ours=False)), logs_archived=True))
    assert (foreign.status.state, foreign.actions) == (State.STOPPED, ())
