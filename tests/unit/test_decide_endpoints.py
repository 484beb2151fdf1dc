"""What is decided about an endpoint, as tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.endpoints.decision import (
    Action,
    Apply,
    CreateNamespace,
    DeleteDeployment,
    DeleteNamespace,
    DeleteVolumes,
    EndpointStatus,
)
from app.domain.endpoints.endpoint import Desired, Endpoint, EndpointReason, EndpointState, namespace_name
from app.domain.endpoints.seen import SeenEndpoint
from app.domain.seen import Refusal
from app.domain.training import NamespaceState
from tests.support.decisions import at
from tests.support.endpoints import (
    ADDRESSES,
    APPLIED,
    IDLE,
    MADE,
    NAMED,
    NEW,
    RUNNING,
    SPACE,
    SPACE_UID,
    deployment,
    replica,
    run,
    seen,
    space,
)

UP = seen(space(), (deployment(1),), (replica(ready=True),))
STOPPED = {"desired": Desired.STOPPED, "stop_requested_by": "ada"}
STOPPING = replace(RUNNING, state=EndpointState.STOPPING, reason=EndpointReason.IDLE, stopping_at=at(0))
OVER = replace(STOPPING, state=EndpointState.STOPPED, namespace_state=NamespaceState.GONE, ended_at=at(0))


@pytest.mark.parametrize(
    ("endpoint", "look", "actions"),
    [
        (NEW, seen(), ()),
        (NAMED, seen(), (CreateNamespace(SPACE),)),
        (NAMED, seen(space(ours=False)), (CreateNamespace(SPACE),)),
        (MADE, seen(space()), (Apply(1),)),
        (MADE, seen(space(), (deployment(),)), (Apply(1),)),  # a crash lost the addresses
        (APPLIED, seen(space()), (Apply(1),)),  # somebody deleted the Deployment
        (APPLIED, seen(space(), (deployment(),)), ()),
        (replace(APPLIED, spec_gen=2), seen(space(), (deployment(),)), (Apply(2),)),
        (
            RUNNING,
            seen(space(), (deployment(1), deployment(1, name="canary", uid="uid-c"))),
            (DeleteDeployment(SPACE, "canary", "uid-c"),),
        ),
        (RUNNING, UP, ()),
        (STOPPING, UP, (DeleteVolumes(), DeleteNamespace(SPACE, SPACE_UID))),
        (STOPPING, seen(space(deleting_since=at(1))), ()),
        (STOPPING, seen(), (DeleteVolumes(),)),
        (OVER, seen(), ()),
    ],
)
def test_actions(endpoint: Endpoint, look: SeenEndpoint, actions: tuple[Action, ...]) -> None:
    assert run(endpoint, look).actions == actions


@pytest.mark.parametrize("row", [NEW, NAMED, MADE, APPLIED, RUNNING, STOPPING])
def test_nothing_is_concluded_from_what_is_not_fresh(row: Endpoint) -> None:
    decision = run(row, SeenEndpoint(fresh=False), 10_000)
    assert (decision.status.state, decision.actions) == (row.state, ())
    assert decision.wake_at == at(10_002)


def test_its_name_is_written_before_its_namespace_is_made() -> None:
    decision = run(NEW, seen())
    assert decision.status.namespace == namespace_name("tb", NEW, 1)
    assert (decision.status.launch, decision.status.starting_at, decision.wake_at) == (1, at(10), at(10))


def test_the_uid_is_written_before_anything_is_made_inside() -> None:
    decision = run(NAMED, seen(space()))
    assert (decision.status.namespace_uid, decision.actions, decision.wake_at) == (SPACE_UID, (), at(10))


def test_addresses_are_kept_with_the_generation_that_was_applied() -> None:
    status = run(MADE, seen(space(), (deployment(),), addresses=ADDRESSES)).status
    assert (status.addresses, status.applied_gen, status.state) == (ADDRESSES, 1, EndpointState.STARTING)


def test_it_runs_once_it_is_ready_and_can_be_reached() -> None:
    status = run(APPLIED, UP).status
    assert (status.state, status.running_at, status.message) == (EndpointState.RUNNING, at(10), "")
    assert (status.replicas, status.ready) == (1, 1)


def test_one_that_runs_and_does_not_answer_says_so_and_goes_on() -> None:
    crashed = replica(waiting="CrashLoopBackOff", restarts=3, last_end="OOMKilled, exit code 137")
    status = run(RUNNING, seen(space(), (deployment(),), (crashed,))).status
    assert status.state is EndpointState.RUNNING
    assert "does not answer just now" in status.message
    assert "ended 3 times (OOMKilled, exit code 137)" in status.message


@pytest.mark.parametrize(
    ("endpoint", "look", "seconds", "reason"),
    [
        (replace(RUNNING, **STOPPED), UP, 10, EndpointReason.STOPPED_BY_USER),
        (replace(NEW, **STOPPED), seen(), 10, EndpointReason.STOPPED_BY_USER),
        (
            replace(RUNNING, **STOPPED, stop_reason=EndpointReason.PROJECT_DELETED),
            UP,
            10,
            EndpointReason.PROJECT_DELETED,
        ),
        (RUNNING, UP, IDLE - 1, None),
        (RUNNING, UP, IDLE, EndpointReason.IDLE),
        (replace(RUNNING, last_request_at=at(60)), UP, IDLE + 59, None),
        (replace(RUNNING, last_request_at=at(60)), UP, IDLE + 60, EndpointReason.IDLE),
        (RUNNING, seen(), 10, EndpointReason.NAMESPACE_LOST),
        (RUNNING, seen(space("another")), 10, EndpointReason.NAMESPACE_LOST),
        (RUNNING, seen(space(deleting_since=at(1))), 10, EndpointReason.NAMESPACE_LOST),
        (MADE, seen(space(), refusals=(Refusal("Deployment/x", 403, "no"),)), 10, EndpointReason.REFUSED),
        (APPLIED, seen(space(), (deployment(),), (replica(node="a"),)), 899, None),
        (APPLIED, seen(space(), (deployment(),), (replica(node="a"),)), 900, EndpointReason.NOT_READY),
        (
            APPLIED,
            seen(space(), (deployment(),), (replica(waiting="ErrImagePull", waiting_since=at(0)),)),
            119,
            None,
        ),
        (
            APPLIED,
            seen(space(), (deployment(),), (replica(waiting="ErrImagePull", waiting_since=at(0)),)),
            120,
            EndpointReason.IMAGE_PULL_FAILED,
        ),
    ],
)
def test_ends(endpoint: Endpoint, look: SeenEndpoint, seconds: float, reason: EndpointReason | None) -> None:
    decision = run(endpoint, look, seconds)
    assert decision.status.reason is reason
    ends = decision.status.state is EndpointState.STOPPING
    assert ends is (reason is not None)
    # What ends it is written first; it is taken away afterwards.
    assert not ends or decision.actions == ()
    assert not ends or decision.wake_at == at(seconds)


def test_it_wakes_when_it_would_be_idle() -> None:
    almost = run(RUNNING, UP, IDLE - 20)
    assert almost.wake_at == at(IDLE)


@pytest.mark.parametrize(
    ("reason", "state"),
    [(EndpointReason.IDLE, EndpointState.STOPPED), (EndpointReason.NOT_READY, EndpointState.FAILED)],
)
def test_it_is_over_when_its_namespace_is_gone(reason: EndpointReason, state: EndpointState) -> None:
    status = run(replace(STOPPING, reason=reason), seen()).status
    assert (status.state, status.namespace_state, status.addresses) == (state, NamespaceState.GONE, {})


def test_another_start_has_a_namespace_of_its_own() -> None:
    again = replace(OVER, starts=2, desired=Desired.RUNNING)
    status = run(again, seen()).status
    assert (status.state, status.launch) == (EndpointState.STARTING, 2)
    assert status.namespace == f"{SPACE}-2"
    assert (status.namespace_uid, status.reason, status.running_at, status.addresses) == (None, None, None, {})


@pytest.mark.parametrize("row", [replace(OVER, starts=2, desired=Desired.STOPPED), OVER])
def test_one_that_is_over_rests(row: Endpoint) -> None:
    decision = run(row, seen())
    assert (decision.status, decision.wake_at) == (EndpointStatus.of(row), None)


@pytest.mark.parametrize(
    ("pod", "words"),
    [
        (replica(scheduling="0/1 nodes are available: Insufficient memory."), "no node takes it: 0/1 nodes"),
        (replica(waiting="ImagePullBackOff", waiting_message="not found"), "its image cannot be pulled: not found"),
        (replica(waiting="ContainerCreating", node="n1"), "its container is being made on node n1"),
        (replica(node="n1"), "its program is starting"),
        (replica(), "it waits for a node"),
    ],
)
def test_why_it_waits(pod: object, words: str) -> None:
    assert words in run(APPLIED, seen(space(), (deployment(),), (pod,))).status.message  # type: ignore[arg-type]


def test_a_pod_that_is_refused_is_told_of() -> None:
    refused = deployment(replicas=0, updated=0, trouble="exceeded quota: q")
    assert "its pod was refused: exceeded quota: q" in run(APPLIED, seen(space(), (refused,))).status.message
