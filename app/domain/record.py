"""What is read about a training besides its own state: who may change it, its notes, its tasks, tries and events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.domain.training import LogVerdict, Reason, State, TaskKey, TaskState, Training, Trigger
from app.domain.usage import TaskUsage


@dataclass(frozen=True, slots=True)
class TrainingFilter:
    """Which trainings a list is of; empty or None: all. `project` is a name, also of a deleted project."""

    project: str | None = None
    states: tuple[State, ...] = ()
    trigger: Trigger | None = None
    created_after: datetime | None = None
    owner: str | None = None  # of the project
    algorithm: str | None = None
    version: int | None = None  # of that algorithm
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """A training's row as its readers see it. `revision` changes whenever anything of it does.

    `logs_removed_at`: when retention removed its logs. `backfill_id`: the backfill that it is part of.
    """

    training: Training
    owner_id: UUID
    version_id: UUID
    notes: str
    namespace_message: str
    revision: str
    logs_removed_at: datetime | None = None
    backfill_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class LastSuccess:
    """The newest training of the same project that succeeded before another, and the code that it ran."""

    id: UUID
    number: int
    algorithm: str
    version: int


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task and its newest try; `tries` counts all of them. `usage` None: it was never sampled."""

    key: TaskKey
    state: TaskState
    message: str
    node: str | None
    tries: int
    exit_code: int | None
    started_at: datetime | None
    finished_at: datetime | None
    attempts: tuple[AttemptRecord, ...] = ()
    usage: TaskUsage | None = None


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One try of a task: a pod, how it ended, and what is known of its log."""

    number: int
    pod: str
    node: str | None
    state: str
    exit_code: int | None
    reason: str
    message: str
    created_at: datetime
    scheduled_at: datetime | None
    sandbox_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    log_bytes: int
    log_lines: int
    log_verdict: LogVerdict | None
    log_missing_lines: int | None


@dataclass(frozen=True, slots=True)
class EventRecord:
    """Something that happened to a training, told by TaaS or by Kubernetes; equal ones are counted."""

    id: UUID
    source: str
    severity: str
    reason: str
    object: str
    message: str
    count: int
    first_at: datetime
    last_at: datetime
