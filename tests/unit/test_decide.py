"""The life of a training as `decide` sees it: what is seen → what it becomes, says and does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain import sentences
from app.domain.actions import (
    ArchiveEvidence,
    CreateChildren,
    CreateNamespace,
    DeleteJobs,
    DeleteNamespace,
    DeleteVolumes,
    FailPod,
    ForceDeletePod,
    SuspendJob,
)
from app.domain.decide import decide
from app.domain.decision import Decision, Policy
from app.domain.project import Success
from app.domain.seen import PodPhase, Refusal, Seen
from app.domain.training import NamespaceState, Reason, State, TaskKey, TaskState
from tests.support.decisions import NS, NS_UID, T0, at, finished_job, job, namespace, pod, seen, training, warning

POLICY = Policy()
LIVE = {"state": State.STARTING, "starting_at": T0, "namespace": NS}
PRESENT = {**LIVE, "namespace_uid": NS_UID, "namespace_state": NamespaceState.PRESENT}
RUNNING = {**PRESENT, "state": State.RUNNING, "started_at": T0}
ENDED = {**RUNNING, "state": State.SUCCEEDED, "reason": Reason.COMPLETED, "finished_at": T0}

FAILED = PodPhase.FAILED
DONE = PodPhase.SUCCEEDED
UP = PodPhase.RUNNING


def run(row, look: Seen, now: datetime = T0 + timedelta(seconds=10)) -> Decision:
    return decide(row, look, POLICY, now)


# -- waiting for a slot ------------------------------------------------------------------------------------------------


def test_queued_asks_for_a_slot_and_names_its_namespace() -> None:
    decision = run(training(), seen(None))
    assert decision.needs_slot
    assert decision.status.state is State.STARTING
    assert decision.status.namespace is not None
    assert decision.status.namespace.startswith("taas-digits-7-")
    assert decision.actions == ()


def test_queued_waits_for_a_cluster() -> None:
    decision = run(training(), Seen(fresh=False))
    assert (decision.status.state, decision.needs_slot) == (State.QUEUED, False)
    assert "no connection to its cluster" in decision.status.message


def test_stopped_while_queued_makes_nothing() -> None:
    decision = run(training(stop_requested_at=T0, stop_requested_by="ada"), Seen(fresh=False))
    assert (decision.status.state, decision.status.reason) == (State.STOPPED, Reason.STOPPED_BY_USER)
    assert decision.status.message == "It was stopped by ada."
    assert decision.status.namespace_state is NamespaceState.NONE
    assert (decision.actions, decision.wake_at, decision.needs_slot) == ((), None, False)


# -- the launch --------------------------------------------------------------------------------------------------------


def test_the_launch_goes_namespace_then_children_then_waits() -> None:
    assert run(training(**LIVE), seen(None)).actions == (CreateNamespace(NS),)
    adopted = run(training(**LIVE), seen(namespace()))
    assert (adopted.status.namespace_uid, adopted.actions, adopted.wake_at) == (NS_UID, (), at(10))
    assert run(training(**PRESENT), seen(namespace())).actions == (CreateChildren(NS, NS_UID),)
    half = seen(namespace(), jobs=[job("worker")])
    assert run(training(roles={"worker": 1, "ps": 1}, **PRESENT), half).actions == (CreateChildren(NS, NS_UID),)
    whole = run(training(**PRESENT), seen(namespace(), jobs=[job("worker")]))
    assert whole.actions == ()
    assert whole.status.message == "Waiting for worker-0: its pod is not made yet (1 more task waiting)."


def test_running_begins_when_the_last_task_runs() -> None:
    row = training(**PRESENT)
    one = seen(namespace(), [job("worker")], [pod("worker-0", UP, started_at=at(3)), pod("worker-1")])
    assert run(row, one).status.state is State.STARTING
    both = seen(namespace(), [job("worker")], [pod("worker-0", UP, started_at=at(3)), pod("worker-1", DONE)])
    decision = run(row, both)
    assert (decision.status.state, decision.status.started_at) == (State.RUNNING, at(3))


def test_nothing_is_concluded_while_the_watches_are_cut() -> None:
    row = training(**RUNNING, stop_requested_at=T0)
    decision = run(row, Seen(fresh=False), at(100_000))
    assert decision.status.state is State.RUNNING
    assert decision.actions == ()
    assert decision.wake_at is not None


# -- ends: one row per reason ------------------------------------------------------------------------------------------

W = [job("worker")]
BOTH_UP = [pod("worker-0", UP), pod("worker-1", UP)]


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


# -- success -----------------------------------------------------------------------------------------------------------

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


# -- stopping ----------------------------------------------------------------------------------------------------------


def suspended(role: str, **more):
    return job(role, suspended=True, suspension_done=True, **more)


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


# -- lost nodes --------------------------------------------------------------------------------------------------------


def test_pods_of_a_lost_node_are_failed_then_removed() -> None:
    pods = [pod("worker-0", UP, node="a"), pod("worker-1", UP, node="b")]
    look = replace(seen(namespace(), W, pods), not_ready={"b": at(0)})
    early = run(training(**RUNNING), look, at(119))
    assert (early.actions, early.wake_at) == ((), at(120))
    late = run(training(**RUNNING), look, at(120))
    assert [(type(action), action.uid) for action in late.actions] == [
        (FailPod, pods[1].uid),
        (ForceDeletePod, pods[1].uid),
    ]
    failed = [pods[0], pod("worker-1", FAILED, node="b", disruption="NodeLost", finished_at=at(120))]
    again = run(training(**RUNNING), replace(look, pods=tuple(failed)), at(130))
    assert [type(action) for action in again.actions] == [ForceDeletePod]
    assert again.status.state is State.RUNNING


# -- collection --------------------------------------------------------------------------------------------------------


def test_nothing_is_deleted_before_the_evidence_is_stored() -> None:
    decision = run(training(**ENDED, keep_namespace=timedelta(0)), seen(namespace(), W))
    assert decision.actions == (ArchiveEvidence(),)
    assert decision.status.archived_at is None
    assert decision.wake_at is not None


def test_the_namespace_is_kept_then_deleted_then_gone() -> None:
    row = training(**ENDED, archived_at=T0, keep_namespace=timedelta(minutes=10), storage="default")
    kept = run(row, seen(namespace(), W), at(599))
    assert (kept.actions, kept.wake_at) == ((), at(600))
    due = run(row, seen(namespace(), W), at(600))
    assert due.status.namespace_state is NamespaceState.DELETING
    assert due.actions == (DeleteVolumes(), DeleteNamespace(NS, NS_UID), DeleteJobs(NS))

    row = training(**{**ENDED, "namespace_state": NamespaceState.DELETING}, archived_at=T0)
    before = run(row, seen(namespace()), at(601))
    assert isinstance(before.actions[0], DeleteNamespace)
    going = run(row, seen(namespace(deleting_since=at(600))), at(601))
    assert going.actions == ()
    stuck = run(row, seen(namespace(deleting_since=at(600), stuck="Some finalizers remain"), W), at(616))
    assert stuck.actions == (DeleteJobs(NS),)
    assert stuck.status.namespace_message == "Some finalizers remain"
    gone = run(row, seen(None), at(620))
    assert (gone.status.namespace_state, gone.wake_at, gone.actions) == (NamespaceState.GONE, None, ())


def test_an_ended_training_has_no_more_to_do() -> None:
    row = training(**{**ENDED, "namespace_state": NamespaceState.GONE}, archived_at=T0)
    decision = run(row, seen(None))
    assert (decision.actions, decision.wake_at) == ((), None)


@pytest.mark.parametrize("state", [State.STARTING, State.RUNNING, State.STOPPING])
def test_every_unfinished_state_has_a_time_to_look_again(state: State) -> None:
    row = training(**{**RUNNING, "state": state, "reason": Reason.TASK_FAILED, "stopping_at": T0})
    decision = run(row, seen(namespace(), W, BOTH_UP))
    assert decision.wake_at is not None
    assert decision.wake_at > datetime(2026, 1, 1, tzinfo=UTC)
