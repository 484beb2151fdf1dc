"""Short spellings for endpoints and what is seen of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from app.domain.endpoints.decide import decide
from app.domain.endpoints.decision import EndpointDecision, EndpointPolicy
from app.domain.endpoints.endpoint import Endpoint, EndpointState, Kind
from app.domain.endpoints.seen import SeenDeployment, SeenEndpoint, SeenReplica
from app.domain.endpoints.tensorboard import LogSource, TensorBoardSpec
from app.domain.seen import SeenNamespace
from app.domain.training import NamespaceState, StorageMount
from tests.support.decisions import ID, T0, at

SPACE = "taas-tb-digits-baaaa"
SPACE_UID = "uid-space"
ADDRESSES = {"tensorboard/http": "10.0.0.7:6006"}
DISK = StorageMount("disk", "local", {"path": "/srv", "node": "a"}, "digits-abcde")
SPEC = TensorBoardSpec(image="registry.example.com/tf:1", sources=(LogSource(DISK),))
NEW = Endpoint(
    id=ID,
    kind=Kind.TENSORBOARD,
    name="digits",
    project_id=ID,
    project="digits",
    owner_id=ID,
    created_by="ada",
    created_at=T0,
    spec=SPEC,
)
NAMED = replace(NEW, launch=1, namespace=SPACE, starting_at=T0)
MADE = replace(NAMED, namespace_uid=SPACE_UID, namespace_state=NamespaceState.PRESENT)
APPLIED = replace(MADE, addresses=ADDRESSES, applied_gen=1)
RUNNING = replace(APPLIED, state=EndpointState.RUNNING, running_at=T0, replicas=1, ready=1)


def space(uid: str = SPACE_UID, **more: Any) -> SeenNamespace:
    return SeenNamespace(**{"name": SPACE, "uid": uid, "ours": True, **more})


def deployment(ready: int = 0, **more: Any) -> SeenDeployment:
    wanted = {"name": "tensorboard", "uid": "uid-d", "spec_gen": 1, "settled": True, "wanted": 1}
    return SeenDeployment(**{**wanted, "ready": ready, "updated": 1, "replicas": 1, **more})


def replica(**more: Any) -> SeenReplica:
    return SeenReplica(**{"name": "tensorboard-x", "uid": "uid-p", "workload": "tensorboard", "created_at": T0, **more})


def seen(
    where: SeenNamespace | None = None,
    deployments: tuple[SeenDeployment, ...] = (),
    replicas: tuple[SeenReplica, ...] = (),
    **more: Any,
) -> SeenEndpoint:
    held = {one.name: one for one in deployments}
    return SeenEndpoint(**{"fresh": True, "namespace": where, "deployments": held, "replicas": replicas, **more})


def run(endpoint: Endpoint, look: SeenEndpoint, seconds: float = 10) -> EndpointDecision:
    """What `decide` makes of it, so many seconds after everything began."""
    return decide(endpoint, look, POLICY, at(seconds))


POLICY = EndpointPolicy()
IDLE = SPEC.idle_timeout / timedelta(seconds=1)
