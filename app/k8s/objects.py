"""The few fields of Kubernetes objects that TaaS reads, for msgspec: everything else is skipped while decoding."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Struct(msgspec.Struct, rename="camel", gc=False):
    """Fields in Python's spelling of Kubernetes' names. None of them can be part of a cycle."""


class Meta(Struct):
    name: str
    uid: str = ""
    namespace: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    deletion_grace_period_seconds: int = 0
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}

    @property
    def version(self) -> int:
        """The resource version as a number: of two states of one object, the larger is the newer."""
        return int(self.resource_version) if self.resource_version.isdigit() else 0


class Condition(Struct):
    type: str
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None
    last_heartbeat_time: datetime | None = None  # of nodes only


class Running(Struct):
    started_at: datetime | None = None


class Waiting(Struct):
    reason: str = ""
    message: str = ""


class Terminated(Struct):
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


class ContainerState(Struct):
    running: Running | None = None
    waiting: Waiting | None = None
    terminated: Terminated | None = None


class ContainerStatus(Struct):
    name: str
    state: ContainerState = msgspec.field(default_factory=ContainerState)
    ready: bool = False


class PodSpec(Struct):
    node_name: str = ""


class PodStatus(Struct):
    phase: str = "Pending"
    reason: str = ""
    message: str = ""
    conditions: list[Condition] | None = None
    container_statuses: list[ContainerStatus] | None = None


class Pod(Struct):
    metadata: Meta
    spec: PodSpec = msgspec.field(default_factory=PodSpec)
    status: PodStatus = msgspec.field(default_factory=PodStatus)


class RestartedStatus(ContainerStatus):
    """Of a container that is started again when it ends, which a task's never is."""

    last_state: ContainerState = msgspec.field(default_factory=ContainerState)
    restart_count: int = 0


class ReplicaStatus(Struct):
    pod_ip: str = msgspec.field(default="", name="podIP")
    conditions: list[Condition] | None = None
    container_statuses: list[RestartedStatus] | None = None


class Replica(Struct):
    """A pod of an endpoint."""

    metadata: Meta
    spec: PodSpec = msgspec.field(default_factory=PodSpec)
    status: ReplicaStatus = msgspec.field(default_factory=ReplicaStatus)


class JobSpec(Struct):
    suspend: bool = False


class JobStatus(Struct):
    active: int = 0
    terminating: int = 0
    completed_indexes: str = ""
    failed_indexes: str = ""
    conditions: list[Condition] | None = None


class Job(Struct):
    metadata: Meta
    spec: JobSpec = msgspec.field(default_factory=JobSpec)
    status: JobStatus = msgspec.field(default_factory=JobStatus)


class DeploymentSpec(Struct):
    replicas: int = 1


class DeploymentStatus(Struct):
    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    conditions: list[Condition] | None = None


class Deployment(Struct):
    metadata: Meta
    spec: DeploymentSpec = msgspec.field(default_factory=DeploymentSpec)
    status: DeploymentStatus = msgspec.field(default_factory=DeploymentStatus)


class NamespaceStatus(Struct):
    phase: str = ""
    conditions: list[Condition] | None = None


class Namespace(Struct):
    metadata: Meta
    status: NamespaceStatus = msgspec.field(default_factory=NamespaceStatus)


class Involved(Struct):
    kind: str = ""
    name: str = ""
    namespace: str = ""


class Series(Struct):
    count: int = 0
    last_observed_time: datetime | None = None


class Event(Struct):
    metadata: Meta
    involved_object: Involved = msgspec.field(default_factory=Involved)
    reason: str = ""
    message: str = ""
    type: str = ""
    count: int | None = None
    first_timestamp: datetime | None = None
    last_timestamp: datetime | None = None
    event_time: datetime | None = None
    series: Series | None = None


class Taint(Struct):
    key: str
    value: str = ""
    effect: str = ""


class NodeSpec(Struct):
    unschedulable: bool = False
    taints: list[Taint] | None = None


class NodeInfo(Struct):
    boot_id: str = msgspec.field(default="", name="bootID")


class NodeStatus(Struct):
    allocatable: dict[str, str] = {}
    node_info: NodeInfo = msgspec.field(default_factory=NodeInfo)
    conditions: list[Condition] | None = None


class Node(Struct):
    metadata: Meta
    spec: NodeSpec = msgspec.field(default_factory=NodeSpec)
    status: NodeStatus = msgspec.field(default_factory=NodeStatus)


class ListMeta(Struct):
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class ObjectList(Struct, Generic[T]):
    """One page of a list."""

    metadata: ListMeta
    items: list[T]


class WatchLine(msgspec.Struct):
    """One line of a watch; what `object` is depends on `type`."""

    type: str
    object: msgspec.Raw


class Bookmark(Struct):
    metadata: ListMeta


class StatusObject(Struct):
    code: int = 0
    reason: str = ""
    message: str = ""
