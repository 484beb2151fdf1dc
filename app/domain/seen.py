"""What a worker sees of a training in the cluster, as plain values: what `decide` looks at.

Nothing here is remembered between two looks except what the cluster itself does not keep: since when a container has
been waiting for its image, and pods that are gone but whose end has not been written down yet (`gone`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.training import TaskKey


class PodPhase(StrEnum):
    """Kubernetes' word for where a pod is."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class SeenPod:
    """One try of a task. Empty strings and None: the cluster does not say."""

    key: TaskKey
    name: str
    uid: str
    phase: PodPhase
    created_at: datetime
    failures: int = 0  # tries of this task that failed before this one and counted
    disruptions: int = 0  # tries before this one that the cluster took away
    node: str | None = None
    ready: bool = False
    scheduled_at: datetime | None = None  # when a node took it
    sandbox_at: datetime | None = None  # when its volumes and network were there, so that its image could be pulled
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int | None = None
    reason: str = ""  # how it ended: OOMKilled, Error, Evicted, DeadlineExceeded, StartError, …
    message: str = ""
    waiting: str = ""  # why its container does not run: ErrImagePull, ContainerCreating, …
    waiting_message: str = ""
    waiting_since: datetime | None = None  # when this worker first saw it wait for that
    scheduling: str = ""  # the scheduler's words while no node takes it
    disruption: str = ""  # the DisruptionTarget condition's reason: it did not end by itself
    disruption_message: str = ""
    termination: str | None = None  # what start.sh left
    deleting_at: datetime | None = None  # when its grace period is over
    grace: timedelta = timedelta()  # which began so long before that
    gone: bool = False  # the API server has it no more

    @property
    def attempt(self) -> int:
        """Which try of its task it is, counted from 1."""
        return self.failures + self.disruptions + 1

    @property
    def ended(self) -> bool:
        """Whether its container will not run again."""
        return self.phase in (PodPhase.SUCCEEDED, PodPhase.FAILED)

    @property
    def removed(self) -> bool:
        """Whether it was told to go before it had ended: how it took that says nothing about its work.

        Told for the last time, without grace, a pod does not say any more when it was told first (API server,
        `rest.BeforeDelete`): a failure seen only then is taken for the answer to being told, a success for one.
        """
        if self.deleting_at is None or self.disruption:
            return False
        if self.finished_at is None or self.deleting_at - self.grace <= self.finished_at:
            return True
        return not self.grace and self.phase is PodPhase.FAILED

    @property
    def active(self) -> bool:
        """Whether it runs or may still run."""
        return not self.ended and not self.gone

    @property
    def running(self) -> bool:
        """Whether its container runs now."""
        return self.phase is PodPhase.RUNNING and not self.gone

    @property
    def ended_at(self) -> datetime:
        """When it ended; where the cluster does not say, when it was made."""
        return self.finished_at or self.created_at


@dataclass(frozen=True, slots=True)
class SeenJob:
    """A role's Job."""

    role: str
    name: str
    uid: str
    suspended: bool = False  # asked for (`spec.suspend`)
    suspension_done: bool = False  # its controller says so
    finished: bool = False  # complete or failed: it makes no pod any more
    active: int = 0
    terminating: int = 0
    completed_indexes: frozenset[int] = frozenset()
    failed_indexes: frozenset[int] = frozenset()
    message: str = ""  # of the condition that finished it

    @property
    def quiet(self) -> bool:
        """Whether it has no pod that runs, and will make none."""
        return (self.finished or (self.suspended and self.suspension_done)) and not self.active + self.terminating


@dataclass(frozen=True, slots=True)
class SeenNamespace:
    """The training's namespace; `stuck` is what its conditions say while it is being deleted."""

    name: str
    uid: str
    ours: bool  # labelled with this installation and this training
    deleting_since: datetime | None = None
    stuck: str = ""
    made_at: datetime | None = None

    @property
    def deleting(self) -> bool:
        """Whether its deletion was asked for; nothing can be made inside any more."""
        return self.deleting_since is not None


@dataclass(frozen=True, slots=True)
class SeenWarning:
    """A Warning event of the training's namespace."""

    uid: str
    reason: str
    kind: str
    name: str
    message: str
    count: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """The API server refused one of the training's objects for good (not a matter of trying again)."""

    object: str  # such as Job/worker
    http_status: int
    message: str


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything of one training, at one moment.

    `fresh` is False while the watches are cut: then nothing may be concluded from what is absent or old.
    `not_ready` maps the nodes that do not answer to the moment since when.
    """

    fresh: bool
    namespace: SeenNamespace | None = None
    jobs: Mapping[str, SeenJob] = field(default_factory=dict)
    pods: tuple[SeenPod, ...] = ()
    warnings: tuple[SeenWarning, ...] = ()
    not_ready: Mapping[str, datetime] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    logs_archived: bool = False

    def latest(self) -> dict[TaskKey, SeenPod]:
        """Each task's newest pod."""
        newest: dict[TaskKey, SeenPod] = {}
        for pod in self.pods:
            other = newest.get(pod.key)
            if other is None or (other.gone, pod.created_at) >= (pod.gone, other.created_at):
                newest[pod.key] = pod
        return newest

    def job_of(self, key: TaskKey) -> SeenJob | None:
        """The Job that makes the task's pods."""
        return self.jobs.get(key.role)
