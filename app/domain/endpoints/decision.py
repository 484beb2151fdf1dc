"""What `decide` answers about an endpoint: the new status, what to do in the cluster, and when to look again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from app.domain.endpoints.endpoint import Endpoint, EndpointReason, EndpointState
from app.domain.training import NamespaceState


@dataclass(frozen=True, slots=True)
class CreateNamespace:
    """Make (or adopt) the namespace; its UID is written to the row before anything is made inside."""

    name: str


@dataclass(frozen=True, slots=True)
class Apply:
    """Make everything inside the namespace be as the spec of that generation says, the walls first."""

    spec_gen: int


@dataclass(frozen=True, slots=True)
class DeleteDeployment:
    """Delete a Deployment that the spec does not name any more, if it is still the one with that UID."""

    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class DeleteNamespace:
    """Delete the namespace, if it is still the one with that UID."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class DeleteVolumes:
    """Delete the endpoint's PersistentVolumes, which outlive its namespace."""


Action = CreateNamespace | Apply | DeleteDeployment | DeleteNamespace | DeleteVolumes


@dataclass(frozen=True, slots=True)
class EndpointPolicy:
    """The patience of this installation with endpoints."""

    image_patience: timedelta = timedelta(minutes=2)  # a registry may have a bad minute
    idle_look: timedelta = timedelta(minutes=1)  # how often to look when nothing is due
    unfresh_look: timedelta = timedelta(seconds=2)  # while the watches are cut
    stuck_look: timedelta = timedelta(seconds=15)  # how often to repeat what should have worked


@dataclass(frozen=True, slots=True)
class End:
    """Why it is over, and the sentence that says so."""

    reason: EndpointReason
    message: str


@dataclass(frozen=True, slots=True)
class EndpointStatus:
    """The status columns of an endpoint's row."""

    state: EndpointState
    reason: EndpointReason | None
    message: str
    launch: int
    namespace: str | None
    namespace_uid: str | None
    namespace_state: NamespaceState
    addresses: Mapping[str, str]
    applied_gen: int
    replicas: int
    ready: int
    starting_at: datetime | None
    running_at: datetime | None
    stopping_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, endpoint: Endpoint) -> EndpointStatus:
        return cls(**{field.name: getattr(endpoint, field.name) for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class EndpointDecision:
    """The status to write first, and only then the actions to do. `wake_at` None: not before its intent changes."""

    status: EndpointStatus
    wake_at: datetime | None
    actions: tuple[Action, ...] = ()
