"""When `decide` calls a training succeeded: the success rule, and what does not count against it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain import sentences
from app.domain.actions import (
    SuspendJob,
)
from app.domain.project import Success
from app.domain.training import Reason, State, TaskState
from tests.support.decisions import (
    DONE,
    FAILED,
    NS,
    RUNNING,
    T0,
    UP,
    at,
    finished_job,
    job,
    namespace,
    pod,
    run,
    seen,
    suspended,
    training,
)

CLUSTER = {"chief": 1, "worker": 2, "ps": 1}
CLUSTER_JOBS = [job("chief"), job("worker"), job("ps")]


@pytest.mark.parametrize(
    ("success", "roles", "done", "is_over"),
    [
        (Success.CHIEF, CLUSTER, ["chief-0"], True),
        (Success.CHIEF, CLUSTER, ["worker-0", "worker-1"], False),
        (Success.ALL_WORKERS, {"worker": 2, "ps": 1}, ["worker-0"], False),
        (Success.ALL_WORKERS, {"worker": 2, "ps": 1}, ["worker-0", "worker-1"], True),
        (Success.WORKER_0, {"worker": 2}, ["worker-0"], True),
        (Success.WORKER_0, {"worker": 2}, ["worker-1"], False),
    ],
)
def test_the_success_rule_decides(success: Success, roles: dict, done: list, is_over: bool) -> None:
    keys = [f"{role}-{index}" for role, count in roles.items() for index in range(count)]
    pods = [pod(key, DONE if key in done else UP, exit_code=0) for key in keys]
    decision = run(training(**RUNNING, roles=roles, success=success), seen(namespace(), [job(r) for r in roles], pods))
    assert (decision.status.reason is Reason.COMPLETED) is is_over
    if is_over:
        assert decision.status.state is State.STOPPING
        assert {action.name for action in decision.actions} == set(roles)
        assert decision.status.message == sentences.completed(len(done), len(keys))


def test_what_the_suspension_removed_has_not_failed() -> None:
    killed = {"exit_code": 143, "deleting_at": at(30)}
    pods = [pod("chief-0", DONE), pod("worker-0", FAILED, **killed), pod("worker-1", FAILED, **killed)]
    ps = pod("ps-0", FAILED, exit_code=1)  # by itself, before
    stopping = {**RUNNING, "state": State.STOPPING, "reason": Reason.COMPLETED, "stopping_at": T0}
    jobs = [job(role, suspended=role != "chief", failed_indexes=frozenset({0})) for role in CLUSTER]
    decision = run(training(**stopping, roles=CLUSTER, success=Success.CHIEF), seen(namespace(), jobs, [*pods, ps]))
    assert {str(task.key): task.state for task in decision.tasks} == {
        "chief-0": TaskState.SUCCEEDED,
        "worker-0": TaskState.REMOVED,
        "worker-1": TaskState.REMOVED,
        "ps-0": TaskState.FAILED,
    }


def test_success_counts_before_a_failure_seen_at_the_same_time() -> None:
    pods = [pod("chief-0", DONE), pod("worker-0", FAILED, exit_code=1), pod("worker-1", UP), pod("ps-0", UP)]
    row = training(**RUNNING, roles=CLUSTER, success=Success.CHIEF)
    assert run(row, seen(namespace(), CLUSTER_JOBS, pods)).status.reason is Reason.COMPLETED


def test_completed_indexes_count_when_the_pods_are_gone() -> None:
    jobs = [finished_job("worker", completed_indexes=frozenset({0, 1}))]
    decision = run(training(**RUNNING), replace(seen(namespace(), jobs), logs_archived=True))
    assert decision.status.state is State.SUCCEEDED


def test_the_evaluator_has_a_bounded_time_after_the_chief() -> None:
    roles = {"chief": 1, "evaluator": 1}
    pods = [pod("chief-0", DONE), pod("evaluator-0", UP)]
    row = training(**RUNNING, roles=roles, success=Success.CHIEF)
    first = run(row, seen(namespace(), [job("chief"), job("evaluator")], pods))
    assert [action.name for action in first.actions] == ["chief"]
    over = training(
        **{**RUNNING, "state": State.STOPPING, "reason": Reason.COMPLETED, "stopping_at": at(10)}, roles=roles
    )
    look = seen(namespace(), [suspended("chief"), job("evaluator", active=1)], pods)
    assert run(over, look, at(300)).actions == ()
    assert run(over, look, at(300)).wake_at == at(310)
    assert run(over, look, at(310)).actions == (SuspendJob(NS, "evaluator", "uid-job-evaluator"),)
    done = seen(namespace(), [suspended("chief"), job("evaluator")], [pods[0], pod("evaluator-0", DONE)])
    assert run(over, done, at(20)).actions == (SuspendJob(NS, "evaluator", "uid-job-evaluator"),)
