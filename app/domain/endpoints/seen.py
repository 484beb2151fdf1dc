"""What a worker sees of an endpoint in the cluster, as plain values: what `decide` looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from app.domain.seen import Refusal, SeenNamespace, SeenWarning


@dataclass(frozen=True, slots=True)
class SeenDeployment:
    """A Deployment. `spec_gen` is the endpoint's when it was applied; `settled`: the controller has seen the last one.

    `updated` and `ready` count pods of its newest template; `trouble` is why it makes no pods or no progress.
    """

    name: str
    uid: str
    spec_gen: int
    settled: bool
    wanted: int
    updated: int = 0
    ready: int = 0
    replicas: int = 0
    trouble: str = ""

    @property
    def rolled_out(self) -> bool:
        """Whether every wanted pod is of the newest template and ready, and no old one is left."""
        return self.settled and self.ready >= self.wanted and self.updated == self.replicas == self.wanted


@dataclass(frozen=True, slots=True)
class SeenReplica:
    """A pod of an endpoint. Empty strings and None: the cluster does not say."""

    name: str
    uid: str
    workload: str  # the Deployment that it belongs to
    created_at: datetime
    ready: bool = False
    node: str = ""
    address: str = ""
    restarts: int = 0
    waiting: str = ""  # why its container does not run: ErrImagePull, ContainerCreating, CrashLoopBackOff, …
    waiting_message: str = ""
    waiting_since: datetime | None = None  # when this worker first saw it wait for that
    scheduling: str = ""  # the scheduler's words while no node takes it
    last_end: str = ""  # how its container ended last, such as `exit code 1`
    deleting: bool = False


@dataclass(frozen=True, slots=True)
class SeenEndpoint:
    """Everything of one endpoint, at one moment.

    `fresh` is False while the watches are cut: then nothing may be concluded from what is absent or old.
    `addresses` are those that applying has just told; empty when nothing was applied.
    """

    fresh: bool
    namespace: SeenNamespace | None = None
    deployments: Mapping[str, SeenDeployment] = field(default_factory=dict)
    replicas: tuple[SeenReplica, ...] = ()
    warnings: tuple[SeenWarning, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)
