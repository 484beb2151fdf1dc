"""When `decide` calls a training succeeded: the success rule, and what does not count against it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from app.domain import sentences
from app.domain.actions import (
    SuspendJob,
)
from app.domain.project import Success
from app.domain.seen import SeenPod
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
GIVEN = "tasks completed; the evaluator was given 5 min to finish"
OUT_OF_MEMORY = pod("evaluator-0", FAILED, exit_code=137, reason="OOMKilled")


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
    out_of_tries = seen(namespace(), [suspended("chief"), job("evaluator")], [pods[0], OUT_OF_MEMORY])
    assert run(over, out_of_tries, at(20)).actions == (SuspendJob(NS, "evaluator", "uid-job-evaluator"),)


@pytest.mark.parametrize(
    ("evaluator", "jobs", "seconds", "state", "message"),
    [
        (pod("evaluator-0", UP), {}, 20, State.STOPPING, f"1 of 3 {GIVEN}; the other was no longer needed."),
        (pod("evaluator-0", DONE), {}, 20, State.SUCCEEDED, "2 of 3 tasks completed; the other was no longer needed."),
        (OUT_OF_MEMORY, {}, 20, State.SUCCEEDED, "1 of 3 tasks completed, 1 failed; the other was no longer needed."),
        (
            pod("evaluator-0", FAILED, exit_code=143, deleting_at=at(340)),
            {"suspended": True, "suspension_done": True},
            341,
            State.SUCCEEDED,
            "1 of 3 tasks completed; the others were no longer needed.",
        ),
    ],
)
def test_the_sentence_goes_with_the_counts_until_the_end(
    evaluator: SeenPod, jobs: dict[str, Any], seconds: float, state: State, message: str
) -> None:
    over = {"state": State.STOPPING, "reason": Reason.COMPLETED, "stopping_at": at(10), "message": "1 of 3 …"}
    row = training(**{**RUNNING, **over}, roles={"chief": 1, "worker": 1, "evaluator": 1})
    done = evaluator.phase is not UP
    look = seen(
        namespace(),
        [suspended("chief"), suspended("worker"), finished_job("evaluator", **jobs) if done else job("evaluator")],
        [pod("chief-0", DONE), evaluator],
    )
    decision = run(row, replace(look, logs_archived=True), at(seconds))
    assert (decision.status.state, decision.status.message) == (state, message)
    states = Counter(task.state for task in decision.tasks)
    assert message.startswith(f"{states[TaskState.SUCCEEDED]} of 3 tasks completed")
    assert ("1 failed" in message) is (states[TaskState.FAILED] == 1)


def test_the_sentence_says_at_once_that_the_evaluator_goes_on() -> None:
    pods = [pod("chief-0", DONE), pod("evaluator-0", UP)]
    row = training(**RUNNING, roles={"chief": 1, "evaluator": 1})
    decision = run(row, seen(namespace(), [job("chief"), job("evaluator")], pods))
    assert decision.status.message == f"1 of 2 {GIVEN}."


def test_the_sentence_stays_when_nothing_can_be_seen_any_more() -> None:
    over = {"state": State.STOPPING, "reason": Reason.COMPLETED, "stopping_at": at(10), "message": f"1 of 2 {GIVEN}."}
    row = training(**{**RUNNING, **over}, roles={"chief": 1, "evaluator": 1})
    decision = run(row, replace(seen(None), logs_archived=True))
    assert (decision.status.state, decision.status.message) == (State.SUCCEEDED, row.message)


def test_a_success_is_counted_though_somebody_else_had_told_the_task_to_go() -> None:
    """Its process took the signal for a wish to end well: the training goes by that, and so does the record."""
    told = pod("worker-0", DONE, exit_code=0, deleting_at=at(30))
    decision = run(training(**RUNNING, roles={"worker": 1}), seen(namespace(), [job("worker")], [told]))
    assert (decision.status.reason, decision.status.message) == (Reason.COMPLETED, "The task completed.")
    assert [task.state for task in decision.tasks] == [TaskState.SUCCEEDED]


@pytest.mark.parametrize(
    ("succeeded", "total", "failed", "said"),
    [
        (1, 1, 0, "The task completed."),
        (2, 2, 0, "All 2 tasks completed."),
        (1, 2, 0, "1 of 2 tasks completed; the other was no longer needed."),
        (1, 4, 0, "1 of 4 tasks completed; the others were no longer needed."),
        (1, 2, 1, "1 of 2 tasks completed, 1 failed."),
        (1, 4, 1, "1 of 4 tasks completed, 1 failed; the others were no longer needed."),
    ],
)
def test_how_a_success_is_told(succeeded: int, total: int, failed: int, said: str) -> None:
    assert sentences.completed(succeeded, total, failed=failed) == said
