"""Projects over the wire, every field of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field

from app.api.schemas.base import INT_MAX, Flag, Input, Moment, Name, Output, iso_only
from app.api.schemas.params import Params, param_bodies, params_of
from app.api.schemas.schedules import ScheduleBody
from app.domain.project import Framework, Project, Resources, Role, RunSpec, Success, Toleration
from app.domain.project_metric import TAG_MAX, Better, ProjectMetric
from app.domain.training import State
from app.services.drafts import ProjectDraft

Quantity = Annotated[str, Field(min_length=1, max_length=64, description="A Kubernetes quantity.", examples=["500m"])]
Count = Annotated[int, Field(ge=-INT_MAX, le=INT_MAX)]
Span = Annotated[timedelta, BeforeValidator(iso_only), Field(description="ISO 8601.", examples=["PT30M"])]
Text = Annotated[str, Field(max_length=1_000_000)]
Image = Annotated[str, Field(max_length=512, examples=["registry.example.com/team/tensorflow:2.21"])]
MetricHelp = "By which its trainings are judged. Null: metrics are judged by their names."
OnlyDeclaredHelp = "Whether a start that gives other parameters is refused."
ImageHelp = "Absent or null: the catalogue's default for the framework."


class TolerationBody(Input):
    key: Annotated[str, Field(max_length=400)] = ""
    operator: Annotated[str, Field(max_length=20)] = "Equal"
    value: Annotated[str, Field(max_length=400)] = ""
    effect: Annotated[str, Field(max_length=40)] = ""


class MetricBody(Input):
    """The metric by which its trainings are judged."""

    tag: Annotated[str, Field(max_length=TAG_MAX, description="A tag of the summaries.", examples=["epoch_accuracy"])]
    better: Better = Better.HIGHER
    run: Annotated[str | None, Field(max_length=TAG_MAX, description="Null: of whichever run has it.")] = None

    def to_domain(self) -> ProjectMetric:
        return ProjectMetric(self.tag, self.better, self.run)

    @classmethod
    def of(cls, metric: ProjectMetric | None) -> MetricBody | None:
        return cls.model_construct(tag=metric.tag, better=metric.better, run=metric.run) if metric else None


class ResourcesBody(Input):
    """Memory is request and limit, cpu a request; gpu counts whole devices."""

    cpu: Quantity = "500m"
    cpu_limit: Quantity | None = None
    memory: Quantity = "1Gi"
    gpu: Count = 0
    shm_size: Quantity | None = None
    ephemeral_storage: Quantity | None = None


class RoleBody(Input):
    count: Count = 1
    resources: ResourcesBody = ResourcesBody()
    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerations: tuple[TolerationBody, ...] = ()

    def to_domain(self) -> Role:
        return Role(
            count=self.count,
            resources=Resources(**self.resources.model_dump()),
            node_selector=self.node_selector,
            tolerations=tuple(Toleration(**toleration.model_dump()) for toleration in self.tolerations),
        )


Roles = Annotated[dict[str, RoleBody], Field(max_length=20, examples=[{"worker": {"count": 2}}])]
SecretEnv = Annotated[
    dict[str, Text | None],
    Field(description="Write-only: sets variables, or removes them (null). Those not named stay as they are."),
]


class ProjectIn(Input):
    name: Name
    algorithm: Annotated[str, Field(max_length=63)]
    version: Annotated[Count | None, Field(description="Null: the newest at launch.")] = None
    framework: Framework
    image: Annotated[Image | None, Field(description=ImageHelp)] = None
    roles: Roles = Field(default_factory=lambda: {"worker": RoleBody()})
    args: tuple[Text, ...] = ()
    env: dict[str, Text] = Field(default_factory=dict)
    secret_env: SecretEnv = Field(default_factory=dict)
    storage: Annotated[str | None, Field(max_length=63, description="Absent: the default storage. Null: none.")] = None
    success: Annotated[Success | None, Field(description="Null: chief where TensorFlow has one, else all_workers.")] = (
        None
    )
    task_retries: Count = 0
    max_duration: Span | None = None
    pending_timeout: Span = timedelta(minutes=30)
    keep_namespace: Span = timedelta(minutes=10)
    stop_grace: Span = timedelta(seconds=30)
    running_limit: Annotated[Count | None, Field(description="Of its trainings that may run at a time.")] = None
    notes: Text = ""
    tags: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    schedule: Annotated[ScheduleBody | None, Field(description="Null: a normal project.")] = None
    params: Params = Field(default_factory=dict)
    only_declared_params: Annotated[Flag, Field(description=OnlyDeclaredHelp)] = False
    metric: Annotated[MetricBody | None, Field(description=MetricHelp)] = None

    def draft(self, *, default_storage: bool) -> ProjectDraft:
        """What the services make a project of."""
        return ProjectDraft(
            name=self.name,
            algorithm=self.algorithm,
            version=self.version,
            run=RunSpec(
                framework=self.framework,
                image=self.image or "",
                roles={name: role.to_domain() for name, role in self.roles.items()},
                args=self.args,
                env=self.env,
                storage=self.storage,
                task_retries=self.task_retries,
                max_duration=self.max_duration,
                pending_timeout=self.pending_timeout,
                keep_namespace=self.keep_namespace,
                stop_grace=self.stop_grace,
            ),
            image=self.image,
            success=self.success,
            default_storage=default_storage,
            running_limit=self.running_limit,
            schedule=self.schedule.to_domain() if self.schedule else None,
            params=params_of(self.params),
            only_declared_params=self.only_declared_params,
            metric=self.metric.to_domain() if self.metric else None,
            notes=self.notes,
            tags=self.tags,
            secrets=self.secret_env,
        )


class ProjectPatch(Input):
    """Only what is there is changed; `roles`, `args`, `env`, `params` and `tags` are replaced whole."""

    algorithm: Annotated[str, Field(max_length=63)] | None = None
    version: Count | None = None
    framework: Framework | None = None
    image: Annotated[Image | None, Field(description=ImageHelp)] = None
    roles: Roles | None = None
    args: tuple[Text, ...] | None = None
    env: dict[str, Text] | None = None
    secret_env: SecretEnv | None = None
    storage: Annotated[str, Field(max_length=63)] | None = None
    success: Success | None = None
    task_retries: Count | None = None
    max_duration: Span | None = None
    pending_timeout: Span | None = None
    keep_namespace: Span | None = None
    stop_grace: Span | None = None
    running_limit: Count | None = None
    notes: Text | None = None
    tags: Annotated[tuple[str, ...], Field(max_length=100)] | None = None
    schedule: Annotated[ScheduleBody | None, Field(description="Replaced whole; null: none.")] = None
    params: Params | None = None
    only_declared_params: Flag | None = None
    metric: Annotated[MetricBody | None, Field(description="Replaced whole; null: none.")] = None

    def applied_to(self, project: Project) -> ProjectDraft:
        """The whole project with these changes. A null where the project cannot have one means its default."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        never_null = {name: value for name, value in given.items() if value is not None or name in _MAY_BE_NULL}
        current = ProjectIn.model_construct(**{name: getattr(ProjectOut.of(project), name) for name in _KEPT})
        return current.model_copy(update={"secret_env": {}, **never_null}).draft(default_storage=False)


class CloneIn(Input):
    name: Name


class RoleOut(Output):
    count: int
    resources: ResourcesBody
    node_selector: dict[str, str]
    tolerations: tuple[TolerationBody, ...]


class RunOut(Output):
    """How it runs: shared by projects and by what trainings froze."""

    framework: Framework
    image: str
    roles: dict[str, RoleBody]
    args: tuple[str, ...]
    env: dict[str, str]
    secret_env: Annotated[tuple[str, ...], Field(description="Names only.")]
    storage: str | None
    success: Success
    task_retries: int
    max_duration: timedelta | None
    pending_timeout: timedelta
    keep_namespace: timedelta
    stop_grace: timedelta


class TimingOut(Output):
    """Where a schedule stands."""

    next_at: Annotated[Moment | None, Field(description="Null: it is paused, or nothing is due any more.")]
    paused_at: Annotated[Moment | None, Field(description="Null: it is not paused.")]
    paused_by: str | None
    paused_reason: Annotated[str | None, Field(description="person or failures.")]


class LastTrainingOut(Output):
    id: UUID
    number: int
    state: State
    created_at: Moment


class ProjectOut(RunOut):
    name: str
    owner: str
    algorithm: str
    version: int | None
    running_limit: int | None
    notes: str
    tags: tuple[str, ...]
    schedule: ScheduleBody | None
    params: Params
    only_declared_params: Annotated[bool, Field(description=OnlyDeclaredHelp)]
    metric: Annotated[MetricBody | None, Field(description=MetricHelp)]
    timing: Annotated[TimingOut | None, Field(description="Where its schedule stands; null: a normal project.")]
    trainings: Annotated[int, Field(description="How many it has had.")]
    last_training: Annotated[LastTrainingOut | None, Field(description="Null: none yet, or it is off the record.")]
    revision: Annotated[int, Field(description="As in the ETag.")]
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, project: Project) -> ProjectOut:
        spec = project.spec
        return cls(
            **run_fields(spec.run),
            name=project.name,
            owner=project.owner,
            algorithm=spec.algorithm,
            version=spec.version,
            running_limit=spec.running_limit,
            schedule=ScheduleBody.of(spec.schedule) if spec.schedule else None,
            params=param_bodies(spec.params),
            only_declared_params=spec.only_declared_params,
            metric=MetricBody.of(spec.metric),
            notes=project.notes,
            tags=project.tags,
            timing=TimingOut.model_validate(project.timing) if project.timing else None,
            trainings=project.last_number,
            last_training=LastTrainingOut.model_validate(project.last) if project.last else None,
            revision=project.revision,
            created_at=project.created_at,
            updated_at=project.updated_at,
        )


def run_fields(run: RunSpec) -> dict[str, Any]:
    """The fields of `RunOut`, roles in their usual order."""
    return {
        "framework": run.framework,
        "image": run.image,
        "roles": {name: _role(run.roles[name]) for name in run.role_names},
        "args": run.args,
        "env": dict(sorted(run.env.items())),
        "secret_env": run.secret_env,
        "storage": run.storage,
        "success": run.success,
        "task_retries": run.task_retries,
        "max_duration": run.max_duration,
        "pending_timeout": run.pending_timeout,
        "keep_namespace": run.keep_namespace,
        "stop_grace": run.stop_grace,
    }


def _role(role: Role) -> RoleBody:
    resources = role.resources
    return RoleBody.model_construct(
        count=role.count,
        resources=ResourcesBody.model_construct(
            cpu=resources.cpu,
            cpu_limit=resources.cpu_limit,
            memory=resources.memory,
            gpu=resources.gpu,
            shm_size=resources.shm_size,
            ephemeral_storage=resources.ephemeral_storage,
        ),
        node_selector=role.node_selector,
        tolerations=tuple(
            TolerationBody.model_construct(key=t.key, operator=t.operator, value=t.value, effect=t.effect)
            for t in role.tolerations
        ),
    )


_MAY_BE_NULL = {"version", "image", "storage", "success", "max_duration", "running_limit", "schedule", "metric"}
_KEPT = set(ProjectIn.model_fields) & set(ProjectOut.model_fields)
