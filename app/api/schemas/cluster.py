"""Bodies of /cluster."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Moment, Output
from app.domain import quantity
from app.domain.cluster import ClusterView, Share
from app.domain.orphan import OrphanKind
from app.domain.training import NamespaceState, State
from app.domain.usage import Measuring

Amounts = Annotated[dict[str, str], Field(description="Kubernetes quantities by the resource's name.")]


class HolderOut(Output):
    id: UUID
    project: str
    number: int
    state: State
    tasks: int


class TaintOut(Output):
    """What keeps pods away that do not tolerate it, in Kubernetes' words."""

    key: str
    value: str
    effect: str


class NodeOut(Output):
    name: str
    ready: Annotated[str, Field(description="yes, no (it does not answer) or cordoned (it takes no new tasks).")]
    allocatable: Amounts
    requested: Annotated[dict[str, str], Field(description="By all pods on it that have not ended.")]
    used: Annotated[dict[str, str] | None, Field(description="null without metrics-server.")]
    labels: dict[str, str]
    taints: tuple[TaintOut, ...]


class HeldNodeOut(NodeOut):
    observed_at: Moment
    holders: Annotated[tuple[HolderOut, ...], Field(description="Trainings with tasks on it.")]


class ShareOut(Output):
    allocatable: str
    requested: str
    free: str
    used: str | None

    @classmethod
    def of(cls, share: Share) -> ShareOut:
        return cls(
            allocatable=quantity.in_base(share.allocatable),
            requested=quantity.in_base(share.requested),
            free=quantity.in_base(share.free),
            used=quantity.in_base(share.used) if share.used is not None else None,
        )


class ClusterOut(Output):
    nodes: tuple[NodeOut, ...]
    totals: Annotated[dict[str, ShareOut], Field(description="Over the nodes that take new tasks.")]
    queued: Annotated[int, Field(description="Trainings that wait for a place.")]
    namespaces: Annotated[int, Field(description="Of trainings, there or being deleted.")]
    stuck: Annotated[int, Field(description="Namespaces whose deletion does not end.")]
    orphans: Annotated[int, Field(description="Namespaces and volumes that belong to no record.")]
    observed_at: Annotated[Moment | None, Field(description="null: no worker has seen a cluster yet.")]
    usage_sampled_at: Annotated[Moment | None, Field(description="When what tasks use was read last.")]
    usage_problem: Annotated[
        str, Field(description="Why it cannot be read, such as a cluster without metrics-server; empty: it can.")
    ]

    @classmethod
    def of(cls, view: ClusterView, measuring: Measuring) -> ClusterOut:
        return cls(
            nodes=tuple(NodeOut.model_validate(node) for node in view.nodes),
            totals={name: ShareOut.of(share) for name, share in view.totals.items()},
            queued=view.queued,
            namespaces=view.namespaces,
            stuck=view.stuck,
            orphans=view.orphans,
            observed_at=view.observed_at,
            usage_sampled_at=measuring.sampled_at,
            usage_problem=measuring.problem,
        )


class WaitingOut(Output):
    id: UUID
    project: str
    number: int
    tasks: int
    created_by: str
    created_at: Moment
    message: Annotated[str, Field(description="What it waits for.")]


class HeldNamespaceOut(Output):
    namespace: str
    namespace_state: NamespaceState
    message: Annotated[str, Field(description="Why its deletion does not end; empty while all is well.")]
    id: UUID
    project: str
    number: int
    state: State
    made_at: Moment | None
    finished_at: Moment | None


class OrphanOut(Output):
    """A namespace or PersistentVolume with this installation's label that belongs to no record."""

    kind: OrphanKind
    name: str
    owner: Annotated[str, Field(description="Whose it was, by its label: training or endpoint.")]
    owner_id: UUID | None
    made_at: Moment | None
    found_at: Annotated[Moment, Field(description="When a worker first saw that it belongs to no record.")]
    looked_at: Annotated[Moment, Field(description="When a worker looked last.")]
    collect_at: Annotated[Moment | None, Field(description="When it is deleted; null: that was asked for already.")]
    deleting_since: Moment | None
    message: Annotated[str, Field(description="What will happen to it.")]
