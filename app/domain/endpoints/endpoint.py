"""The words of an endpoint's life, and the value that carries them.

An endpoint is started as often as somebody asks; each start (`launch`) has a namespace of its own. What it runs stands
in its spec, whose changes are counted in `spec_gen`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.domain.endpoints.serving import ServingSpec
from app.domain.endpoints.tensorboard import TensorBoardSpec
from app.domain.names import NAMESPACE_MAX, SLUG_MAX, short_id, slug
from app.domain.training import NamespaceState

EndpointSpec = TensorBoardSpec | ServingSpec
"""What an endpoint runs: one frozen value for each kind."""


class Kind(StrEnum):
    """What an endpoint is."""

    TENSORBOARD = "tensorboard"
    SERVING = "serving"


class EndpointState(StrEnum):
    """Where it is in its life. The last two are ends, from which it can be started again."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing of it runs any more."""
        return self in (EndpointState.STOPPED, EndpointState.FAILED)


class Desired(StrEnum):
    """What people want of it."""

    RUNNING = "running"
    STOPPED = "stopped"


class EndpointReason(StrEnum):
    """Why it ended, or is about to."""

    STOPPED_BY_USER = "stopped_by_user"
    IDLE = "idle"
    PROJECT_DELETED = "project_deleted"
    NOT_READY = "not_ready"
    IMAGE_PULL_FAILED = "image_pull_failed"
    REFUSED = "refused"
    NAMESPACE_LOST = "namespace_lost"

    @property
    def state(self) -> EndpointState:
        """The end state this reason leads to."""
        return EndpointState.STOPPED if self in _ORDERLY else EndpointState.FAILED


_ORDERLY = {EndpointReason.STOPPED_BY_USER, EndpointReason.IDLE, EndpointReason.PROJECT_DELETED}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint's row: what was asked for (intent) and what is so (status).

    `addresses` maps `<service>/<port's name>` to `host:port`, as the worker has learnt it from the cluster.
    """

    id: UUID
    kind: Kind
    name: str
    project_id: UUID
    project: str
    owner_id: UUID
    created_by: str
    created_at: datetime
    # intent
    spec: EndpointSpec
    spec_gen: int = 1
    desired: Desired = Desired.RUNNING
    starts: int = 1  # how often it was asked to start
    stop_reason: EndpointReason | None = None
    stop_requested_by: str | None = None
    intent_gen: int = 1
    last_request_at: datetime | None = None  # by those who carry requests to it
    # status
    state: EndpointState = EndpointState.STARTING
    reason: EndpointReason | None = None
    message: str = ""
    launch: int = 0  # which of its starts this is
    namespace: str | None = None
    namespace_uid: str | None = None
    namespace_state: NamespaceState = NamespaceState.NONE
    addresses: Mapping[str, str] = field(default_factory=dict)
    applied_gen: int = 0  # the spec_gen that the cluster was told last
    replicas: int = 0
    ready: int = 0
    starting_at: datetime | None = None
    running_at: datetime | None = None
    stopping_at: datetime | None = None
    ended_at: datetime | None = None
    status_gen: int = 0

    @property
    def live(self) -> bool:
        """Whether it runs, or is about to, and is meant to."""
        return self.desired is Desired.RUNNING and (not self.state.ended or self.starts > self.launch)

    @property
    def rolled_out(self) -> bool:
        """Whether what runs is all that is wanted, in the form that is wanted."""
        return self.state is EndpointState.RUNNING and self.applied_gen >= self.spec_gen and not self.message

    @property
    def tensorboard(self) -> TensorBoardSpec:
        """The spec of a TensorBoard. Raises TypeError for any other kind."""
        if not isinstance(self.spec, TensorBoardSpec):
            raise TypeError(f"a {self.kind} is no TensorBoard")
        return self.spec

    @property
    def serving(self) -> ServingSpec:
        """The spec of a serving. Raises TypeError for any other kind."""
        if not isinstance(self.spec, ServingSpec):
            raise TypeError(f"a {self.kind} is no serving")
        return self.spec

    @property
    def revision(self) -> str:
        """Changes with everything that a reader may see."""
        return f"{self.intent_gen}.{self.status_gen}"


def namespace_name(prefix: str, endpoint: Endpoint, launch: int) -> str:
    """`taas-<prefix>-<name>-<5 characters of the id>`, from the second launch on with its number: never used twice."""
    tail = f"-{short_id(endpoint.id)}" + (f"-{launch}" if launch > 1 else "")
    head = f"taas-{prefix}-"
    return f"{head}{slug(endpoint.name, min(SLUG_MAX, NAMESPACE_MAX - len(head) - len(tail)))}{tail}"
