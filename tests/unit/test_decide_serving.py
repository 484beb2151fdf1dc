"""What is decided about a serving: when it answers, what it says while it changes, and what is taken away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.endpoints.decision import Apply, DeleteDeployment
from app.domain.endpoints.endpoint import Endpoint, EndpointState
from app.domain.endpoints.seen import SeenDeployment, SeenEndpoint, SeenReplica
from app.domain.endpoints.serving import Canary
from app.domain.seen import Refusal
from app.domain.training import NamespaceState
from tests.support.decisions import T0
from tests.support.endpoints import deployment, replica, run, seen, space
from tests.support.serving import SPEC, endpoint

SPACE = "taas-serving-digits-abcde"
ADDRESSES = {"balancer/rest": "10.0.0.9:8501"}
STARTING = endpoint(
    spec_gen=1,
    namespace_state=NamespaceState.PRESENT,
    addresses=ADDRESSES,
    applied_gen=1,
    starting_at=T0,
)
RUNNING = replace(STARTING, state=EndpointState.RUNNING, running_at=T0)
BALANCER = replica(name="balancer-x", uid="uid-b", workload="balancer", ready=True, address="10.0.1.1")
MODEL = replica(name="model-x", uid="uid-m", workload="model", ready=True, address="10.0.1.2")


def workload(name: str, ready: int = 2, wanted: int = 2, **more: object) -> SeenDeployment:
    given = {"name": name, "uid": f"uid-{name}", "wanted": wanted, "ready": ready, "updated": ready, "replicas": ready}
    return deployment(**(given | more))


def look(
    *deployments: SeenDeployment, replicas: tuple[SeenReplica, ...] = (BALANCER, MODEL), **more: object
) -> SeenEndpoint:
    return seen(space(name=SPACE), deployments, replicas, **more)


SETTLED = look(workload("model"), workload("balancer"))


def canary(row: Endpoint) -> Endpoint:
    return replace(row, spec=replace(SPEC, canary=Canary(2, 20)))


@pytest.mark.parametrize(
    ("row", "now", "state", "said"),
    [
        (
            STARTING,
            look(workload("model", 0), workload("balancer", 0), replicas=()),
            EndpointState.STARTING,
            "Waiting: ",
        ),
        (
            STARTING,
            look(workload("model"), workload("balancer", 0), replicas=(MODEL,)),
            EndpointState.STARTING,
            "Waiting",
        ),
        (STARTING, SETTLED, EndpointState.RUNNING, ""),
        (
            RUNNING,
            look(workload("model", 1), workload("balancer")),
            EndpointState.RUNNING,
            "Version 1 is being brought up: 1 of 2 replicas are ready.",
        ),
        (
            RUNNING,
            look(workload("model", 1, trouble="ReplicaSet has timed out progressing."), workload("balancer")),
            EndpointState.RUNNING,
            "Version 1 does not become ready",
        ),
        (RUNNING, look(workload("model"), workload("balancer", 1)), EndpointState.RUNNING, "The balancers take over"),
        (
            canary(RUNNING),
            look(workload("model"), workload("canary", 0, 1), workload("balancer")),
            EndpointState.RUNNING,
            "Version 2 is being brought up: 0 of 1",
        ),
        (
            RUNNING,
            look(workload("model", 0), workload("balancer"), replicas=(BALANCER,)),
            EndpointState.RUNNING,
            "It does",
        ),
    ],
)
def test_it_says_how_it_is(row: Endpoint, now: SeenEndpoint, state: EndpointState, said: str) -> None:
    status = run(row, now).status
    assert status.state is state
    assert status.message.startswith(said)
    assert bool(said) is bool(status.message)


def test_a_canary_that_ended_is_taken_away_and_nothing_else() -> None:
    leftover = look(workload("model"), workload("balancer"), workload("canary", 1, 1))
    assert run(RUNNING, leftover).actions == (DeleteDeployment(SPACE, "canary", "uid-canary"),)
    assert run(canary(RUNNING), leftover).actions == ()


def test_a_change_is_applied_and_its_refusal_ends_nothing() -> None:
    changed = replace(RUNNING, spec_gen=2)
    assert run(changed, SETTLED).actions == (Apply(2),)
    refusal = Refusal("Deployment/model", 403, "exceeded quota")
    decision = run(changed, look(workload("model"), workload("balancer"), refusals=(refusal,)))
    assert decision.status.state is EndpointState.RUNNING
    assert "exceeded quota" in decision.status.message


def test_a_refused_start_is_over() -> None:
    refusal = Refusal("Deployment/model", 403, "exceeded quota")
    decision = run(replace(STARTING, applied_gen=0), look(replicas=(), refusals=(refusal,)))
    assert decision.status.state is EndpointState.STOPPING


def test_the_balancers_are_known_one_by_one_while_they_are_ready() -> None:
    assert run(RUNNING, SETTLED).status.addresses == ADDRESSES | {"pod/balancer-x": "10.0.1.1:8404"}
    leaving = look(workload("model"), workload("balancer"), replicas=(replace(BALANCER, deleting=True), MODEL))
    known = replace(RUNNING, addresses=ADDRESSES | {"pod/balancer-x": "10.0.1.1:8404"})
    assert run(known, leaving).status.addresses == ADDRESSES


def test_it_waits_as_long_as_it_takes() -> None:
    nothing = look(workload("model", 0), workload("balancer", 0), replicas=())
    assert run(STARTING, nothing, 10_000_000).status.state is EndpointState.STARTING
