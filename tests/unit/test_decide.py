"""The life of a training as `decide` sees it: what is seen → what it becomes, says and does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.actions import (
    ArchiveEvidence,
    CreateChildren,
    CreateNamespace,
    DeleteJobs,
    DeleteNamespace,
    DeleteVolumes,
    FailPod,
    ForceDeletePod,
)
from app.domain.seen import Seen
from app.domain.training import NamespaceState, Reason, State
from tests.support.decisions import (
    BOTH_UP,
    DONE,
    ENDED,
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
    training,
)


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


def test_the_time_limit_is_known_as_soon_as_it_runs() -> None:
    """Nothing need happen to it any more until then, so nothing else would have it looked at in time."""
    row = training(**PRESENT, max_duration=timedelta(seconds=20))
    look = seen(namespace(), [job("worker")], [pod("worker-0", UP, started_at=at(3)), pod("worker-1", DONE)])
    begins = run(row, look, at(4))
    assert begins.wake_at == at(4)
    assert run(replace(row, state=State.RUNNING, started_at=begins.status.started_at), look, at(4)).wake_at == at(23)


def test_nothing_is_concluded_while_the_watches_are_cut() -> None:
    row = training(**RUNNING, stop_requested_at=T0)
    decision = run(row, Seen(fresh=False), at(100_000))
    assert decision.status.state is State.RUNNING
    assert decision.actions == ()
    assert decision.wake_at is not None


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
