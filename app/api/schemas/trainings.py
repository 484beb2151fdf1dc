"""Trainings over the wire: what starts them, what is known of them, their tasks and events."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, model_validator

from app.api.schemas.base import Input, Moment, Output
from app.api.schemas.projects import Count, Image, Quantity, RunOut, Span, Text, run_fields
from app.domain.arguments import arguments
from app.domain.firing import Verdict
from app.domain.fit import Verdict as FitVerdict
from app.domain.record import TaskRecord, TrainingRecord
from app.domain.training import LogVerdict, NamespaceState, Reason, State, TaskState, TrainingSpec, Trigger
from app.domain.usage import MeasuredTask, UsageHint
from app.services.freeze import LaunchRequest, RoleOverride

Params = Annotated[dict[str, Annotated[str, Field(max_length=100_000)]], Field(max_length=200)]


class ResourcesOverride(Input):
    cpu: Quantity | None = None
    cpu_limit: Quantity | None = None
    memory: Quantity | None = None
    gpu: Count | None = None
    shm_size: Quantity | None = None
    ephemeral_storage: Quantity | None = None


class RoleOverrideIn(Input):
    count: Count | None = None
    resources: ResourcesOverride = ResourcesOverride()


class StartIn(Input):
    """What is different this time; what is absent is as the project says."""

    version: Count | None = None
    image: Image | None = None
    roles: Annotated[dict[str, RoleOverrideIn], Field(max_length=20)] = Field(default_factory=dict)
    args: tuple[Text, ...] | None = None
    env: Annotated[dict[str, Text], Field(description="Added to the project's, or in their place.")] = Field(
        default_factory=dict
    )
    params: Annotated[
        Params,
        Field(description="Fill {{ params.NAME }} in the arguments. Declared ones are checked."),
    ] = Field(default_factory=dict)
    task_retries: Count | None = None
    max_duration: Span | None = None
    notes: Annotated[str, Field(max_length=20_000)] = ""

    def request(self) -> LaunchRequest:
        """What the services start a training from."""
        return LaunchRequest(
            version=self.version,
            image=self.image,
            roles={
                name: RoleOverride(role.count, role.resources.model_dump(exclude_none=True))
                for name, role in self.roles.items()
            },
            args=self.args,
            env=self.env,
            params=self.params,
            task_retries=self.task_retries,
            max_duration=self.max_duration,
            notes=self.notes,
        )


class NotesIn(Input):
    notes: Annotated[str, Field(max_length=20_000)]


class BulkStopIn(Input):
    """Either ids, or a project whose trainings are all to stop."""

    ids: Annotated[tuple[UUID, ...], Field(max_length=1_000)] = ()
    project: Annotated[str | None, Field(max_length=63)] = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.ids and self.project is not None:
            raise ValueError("must name either ids or a project, not both")
        return self


class LeftOut(Output):
    id: UUID
    why: str


class BulkStopOut(Output):
    stopping: tuple[UUID, ...]
    left: tuple[LeftOut, ...]


class TaskCountsOut(Output):
    total: int
    running: int
    succeeded: int
    failed: int


class FrozenOut(RunOut):
    """What it runs with, frozen at its start."""

    algorithm: str
    version: int
    digest: str
    params: dict[str, str]

    @classmethod
    def of(cls, spec: TrainingSpec) -> FrozenOut:
        return cls(
            **run_fields(spec.run),
            algorithm=spec.algorithm,
            version=spec.version,
            digest=spec.digest,
            params=dict(sorted(spec.params.items())),
        )


class TrainingOut(Output):
    id: UUID
    project: str
    number: int
    state: State
    reason: Reason | None
    message: str
    namespace: str | None
    namespace_state: NamespaceState
    namespace_message: str
    trigger: Trigger
    scheduled_for: Moment | None
    replaces: UUID | None
    replaced_by: UUID | None
    retry_of: UUID | None
    algorithm: str
    version: int
    tasks: TaskCountsOut
    created_at: Moment
    starting_at: Annotated[Moment | None, Field(description="When it left the queue.")]
    started_at: Annotated[Moment | None, Field(description="When all its tasks ran.")]
    stopping_at: Moment | None
    finished_at: Moment | None
    archived_at: Annotated[Moment | None, Field(description="When logs, events and exit codes were safe.")]
    logs_removed_at: Annotated[Moment | None, Field(description="When retention removed its logs.")]
    stop_requested_at: Moment | None
    stop_requested_by: str | None
    created_by: str
    notes: str
    arguments: Annotated[list[str], Field(description="What run.sh is given: spec.args with their places filled.")]
    spec: FrozenOut

    @classmethod
    def of(cls, record: TrainingRecord) -> TrainingOut:
        training = record.training
        return cls(
            **{name: getattr(training, name) for name in _SAME},
            namespace_message=record.namespace_message,
            logs_removed_at=record.logs_removed_at,
            scheduled_for=training.spec.scheduled_for,
            algorithm=training.spec.algorithm,
            version=training.spec.version,
            tasks=TaskCountsOut.model_validate(training.counts),
            notes=record.notes,
            arguments=arguments(training.spec, training.number),
            spec=FrozenOut.of(training.spec),
        )


class LostNodeOut(Output):
    node: str
    message: Annotated[str, Field(description="What proves that nothing of the training runs there any more.")]


class OutcomeOut(Output):
    """How it ended."""

    id: UUID
    project: str
    number: int
    state: State
    reason: Reason | None
    message: str
    finished_at: Moment | None


class AttemptOut(Output):
    number: int
    pod: str
    node: str | None
    state: str
    exit_code: int | None
    reason: str
    message: str
    created_at: Annotated[Moment, Field(description="When its pod was made.")]
    scheduled_at: Annotated[Moment | None, Field(description="When a node took it.")]
    sandbox_at: Annotated[
        Moment | None,
        Field(description="When volumes and network were there; its image came next."),
    ]
    started_at: Annotated[Moment | None, Field(description="When its container began to run.")]
    finished_at: Moment | None
    log_bytes: int
    log_lines: int
    log_verdict: Annotated[LogVerdict | None, Field(description="Null while it is being written.")]
    log_missing_lines: Annotated[int | None, Field(description="Null: it is being written, or cannot be known.")]


class UsageOut(Output):
    """What a task uses beside what it was given: CPU in millicores (thousandths of a core), memory in bytes."""

    cpu_now: Annotated[int | None, Field(description="null: it does not run now, or was not sampled lately.")]
    cpu_peak: Annotated[
        int, Field(description="Of all samples of all tries: a lower bound, what lies between two samples is not seen.")
    ]
    cpu_request: int
    cpu_limit: Annotated[int | None, Field(description="null: it may use what the node has left.")]
    memory_now: Annotated[int | None, Field(description="The working set, which the limit is about; else as cpu_now.")]
    memory_peak: Annotated[int, Field(description="As cpu_peak.")]
    memory_limit: int
    sampled_at: Annotated[Moment, Field(description="When the newest sample was taken.")]
    hints: Annotated[
        tuple[UsageHint, ...],
        Field(
            description="To give more memory, as it peaked near the limit; to ask for less CPU, as most was not used."
        ),
    ]


class TaskOut(Output):
    task: Annotated[str, Field(examples=["worker-0"])]
    role: str
    index: int
    state: TaskState
    message: str
    node: str | None
    exit_code: int | None
    tries: int
    started_at: Moment | None
    finished_at: Moment | None
    silent_since: Annotated[
        Moment | None, Field(description="It has stopped printing while its peers go on; when it was heard last.")
    ]
    usage: Annotated[
        UsageOut | None, Field(description="null: never sampled; GET /cluster tells in usage_problem why none is.")
    ]
    attempts: tuple[AttemptOut, ...]

    @classmethod
    def of(cls, task: TaskRecord, usage: MeasuredTask | None, silent_since: datetime | None) -> TaskOut:
        return cls(
            task=str(task.key),
            role=task.key.role,
            index=task.key.index,
            state=task.state,
            message=task.message,
            node=task.node,
            exit_code=task.exit_code,
            tries=task.tries,
            started_at=task.started_at,
            finished_at=task.finished_at,
            silent_since=silent_since,
            usage=UsageOut.model_validate(usage) if usage else None,
            attempts=tuple(AttemptOut.model_validate(attempt) for attempt in task.attempts),
        )


class EventOut(Output):
    id: UUID
    source: str
    severity: str
    reason: str
    object: str
    message: str
    count: int
    first_at: Moment
    last_at: Moment


class ManifestsOut(Output):
    """The objects in the order in which they are made. The code's bytes and the values of secrets are left out."""

    namespace: str
    items: list[dict[str, Any]]


class HandoverOut(Output):
    """What a start of a timed project would do to its other trainings; skipped and queue_full mean: it is refused."""

    verdict: Verdict
    message: Annotated[str, Field(description="Empty: it would start at once.")]
    replaces: Annotated[tuple[UUID, ...], Field(description="Trainings that would be stopped for it.")]


class QueuePlaceOut(Output):
    """Where it would stand in the queue; `position` 0: it need not wait there."""

    position: int
    message: Annotated[str, Field(description="Which limit holds it back; empty: none does.")]


class FitOut(Output):
    """Whether the nodes have room for all its tasks at once, as a worker last saw them."""

    verdict: Annotated[
        FitVerdict,
        Field(description="never: not even if nothing else ran on the nodes there are. unknown: no nodes seen yet."),
    ]
    message: str
    placed: Annotated[dict[str, int], Field(description="By role, how many tasks find room now.")]


class TaskEnvironmentOut(Output):
    """The variables that one task is told; the values of secrets are hidden."""

    task: Annotated[str, Field(examples=["worker-0"])]
    env: dict[str, str]


class PreviewOut(ManifestsOut):
    number: Annotated[int, Field(description="The number that the training would get now.")]
    spec: FrozenOut
    fit: FitOut
    queue: QueuePlaceOut
    handover: Annotated[
        HandoverOut | None, Field(description="Null: trainings of this project run beside each other.")
    ] = None


_SAME = (
    "id", "project", "number", "state", "reason", "message", "namespace", "namespace_state", "trigger", "replaces",
    "replaced_by", "retry_of", "created_at", "starting_at", "started_at", "stopping_at", "finished_at", "archived_at",
    "stop_requested_at", "stop_requested_by", "created_by",
)  # fmt: skip
