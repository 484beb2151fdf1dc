"""The words of a training's life: states, reasons, tasks, attempts, and the values that carry them.

`State` answers "what is it doing", `Reason` answers "why did it end", and each reason leads to exactly one end state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.domain.project import RunSpec


class State(StrEnum):
    """Where a training is in its life; the last four are ends."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    TIMED_OUT = "timed_out"

    @property
    def ended(self) -> bool:
        """Whether nothing of it will run again."""
        return self in ENDED


ENDED = frozenset({State.SUCCEEDED, State.FAILED, State.STOPPED, State.TIMED_OUT})


class NamespaceState(StrEnum):
    """Where its namespace is; `gone` only when the API server says so."""

    NONE = "none"
    PRESENT = "present"
    DELETING = "deleting"
    GONE = "gone"


class Reason(StrEnum):
    """Why a training ended."""

    COMPLETED = "completed"
    TASK_FAILED = "task_failed"
    OUT_OF_MEMORY = "out_of_memory"
    IMAGE_PULL_FAILED = "image_pull_failed"
    INVALID_IMAGE = "invalid_image"
    UNSCHEDULABLE = "unschedulable"
    MAX_DURATION = "max_duration"
    STOPPED_BY_USER = "stopped_by_user"
    REPLACED = "replaced"
    NAMESPACE_LOST = "namespace_lost"
    NODE_LOST = "node_lost"
    EVICTED = "evicted"
    QUOTA = "quota"
    INTERNAL_ERROR = "internal_error"

    @property
    def state(self) -> State:
        """The end state this reason leads to."""
        return _STATE_OF.get(self, State.FAILED)


_STATE_OF = {
    Reason.COMPLETED: State.SUCCEEDED,
    Reason.STOPPED_BY_USER: State.STOPPED,
    Reason.REPLACED: State.STOPPED,
    Reason.MAX_DURATION: State.TIMED_OUT,
    Reason.UNSCHEDULABLE: State.TIMED_OUT,
}


class Trigger(StrEnum):
    """What caused a training."""

    PERSON = "person"
    SCHEDULE = "schedule"
    WEBHOOK = "webhook"
    RETRY = "retry"
    BACKFILL = "backfill"
    CHAIN = "chain"


class TaskState(StrEnum):
    """Where a task (role and index) is; `removed` means TaaS ended it because it was no longer needed."""

    WAITING = "waiting"
    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REMOVED = "removed"


class LogVerdict(StrEnum):
    """What is known about an attempt's archived log."""

    VERIFIED = "verified"
    INCOMPLETE = "incomplete"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """How a training's tasks are doing; `total` counts every task of the frozen spec."""

    total: int
    running: int = 0
    succeeded: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class StorageMount:
    """A storage as one training meets it: its name and kind, the kind's settings, and the project's folder on it."""

    name: str
    kind: str
    config: Mapping[str, Any]
    folder: str


@dataclass(frozen=True, slots=True)
class TrainingSpec:
    """The frozen copy of everything a training runs with.

    The places in `run.args` are filled when the tasks are made, from what stands here and the training's number.
    """

    algorithm: str
    version: int
    digest: str
    run: RunSpec
    params: dict[str, str] = field(default_factory=dict)
    scheduled_for: datetime | None = None
    timezone: str = "UTC"  # of the schedule: in which the arguments write the due time
    storage: StorageMount | None = None
    model: StorageMount | None = None  # another training's model directory, to read


@dataclass(frozen=True, slots=True)
class Training:
    """One training's row: what was asked for (intent) and what is so (status)."""

    id: UUID
    project_id: UUID
    project: str
    number: int
    spec: TrainingSpec
    trigger: Trigger
    created_at: datetime
    created_by: str
    # intent
    intent_gen: int
    stop_requested_at: datetime | None = None
    stop_requested_by: str | None = None
    stop_reason: Reason | None = None
    # status
    state: State = State.QUEUED
    reason: Reason | None = None
    message: str = ""
    namespace: str | None = None
    namespace_uid: str | None = None
    namespace_state: NamespaceState = NamespaceState.NONE
    namespace_message: str = ""
    counts: TaskCounts = TaskCounts(0)
    starting_at: datetime | None = None
    started_at: datetime | None = None
    stopping_at: datetime | None = None
    finished_at: datetime | None = None
    archived_at: datetime | None = None
    replaces: UUID | None = None
    replaced_by: UUID | None = None
    retry_of: UUID | None = None

    @property
    def pending_deadline(self) -> datetime | None:
        """When waiting for its tasks to run is over; None while queued."""
        return self.starting_at + self.spec.run.pending_timeout if self.starting_at else None

    @property
    def running_deadline(self) -> datetime | None:
        """When its time is over; None while not running, or without a limit."""
        limit: timedelta | None = self.spec.run.max_duration
        return self.started_at + limit if self.started_at and limit else None


@dataclass(frozen=True, slots=True, order=True)
class TaskKey:
    """A task within its training, written `worker-0`."""

    role: str
    index: int

    def __str__(self) -> str:
        return f"{self.role}-{self.index}"

    @classmethod
    def parse(cls, text: str) -> TaskKey:
        """The inverse of `str`. Raises ValueError when `text` is not `<role>-<index>`."""
        role, dash, index = text.rpartition("-")
        if not dash or not role or not index.isascii() or not index.isdigit() or len(index) > 6:
            raise ValueError(f"{text!r} is not a task: write it like worker-0")
        return cls(role, int(index))
