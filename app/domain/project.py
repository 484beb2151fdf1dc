"""What a project says about its trainings: roles, resources, image, args, limits.

A `RunSpec` is the part that a training freezes; overrides of one launch are applied to it before it is frozen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from app.domain.param import Param
from app.domain.project_metric import ProjectMetric
from app.domain.schedule import Schedule

if TYPE_CHECKING:
    from app.domain.training import State


class Framework(StrEnum):
    """How tasks find each other: TF_CONFIG, torchrun's variables, or nothing but the host lists."""

    TENSORFLOW = "tensorflow"
    PYTORCH = "pytorch"
    PLAIN = "plain"


class Success(StrEnum):
    """Whose end is the training's success."""

    CHIEF = "chief"
    ALL_WORKERS = "all_workers"
    WORKER_0 = "worker_0"


ROLE_ORDER = ("chief", "worker", "ps", "evaluator")
"""The order in which roles are shown and launched, whatever order they were written or stored in."""


@dataclass(frozen=True, slots=True)
class Toleration:
    """A Kubernetes toleration in its own words."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""


@dataclass(frozen=True, slots=True)
class Resources:
    """What each task of a role is given. `memory` is request and limit; `cpu` a request, `cpu_limit` optional.

    Kubernetes quantity strings; `gpu` counts whole devices.
    """

    cpu: str = "500m"
    cpu_limit: str | None = None
    memory: str = "1Gi"
    gpu: int = 0
    shm_size: str | None = None
    ephemeral_storage: str | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """How many tasks of a role there are and what each is given."""

    count: int = 1
    resources: Resources = Resources()
    node_selector: dict[str, str] = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()


@dataclass(frozen=True, slots=True)
class RunSpec:
    """Everything about how a training runs, as the project says it (and a launch may override)."""

    framework: Framework
    image: str
    roles: dict[str, Role]
    args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    secret_env: tuple[str, ...] = ()  # names only; the values are encrypted in a table of their own
    storage: str | None = None
    success: Success = Success.ALL_WORKERS
    task_retries: int = 0
    max_duration: timedelta | None = None
    pending_timeout: timedelta = timedelta(minutes=30)
    keep_namespace: timedelta = timedelta(minutes=10)
    stop_grace: timedelta = timedelta(seconds=30)

    @property
    def role_names(self) -> tuple[str, ...]:
        """Its roles in their usual order."""
        return tuple(sorted(self.roles, key=lambda name: (*(name != known for known in ROLE_ORDER), name)))

    @property
    def total_tasks(self) -> int:
        """How many tasks all roles have together."""
        return sum(role.count for role in self.roles.values())


@dataclass(frozen=True, slots=True)
class ProjectSpec:
    """A project's settings: which code, how it runs, and when. `version` None means the newest at launch.

    A project with a schedule is timed, one without (None) is normal. `params` are the parameters it declares, in
    the order of its forms; with `only_declared_params` a launch may give no others. By `metric` its
    trainings are compared; None: metrics are judged by their names.
    """

    algorithm: str
    version: int | None
    run: RunSpec
    running_limit: int | None = None
    schedule: Schedule | None = None
    params: tuple[Param, ...] = ()
    only_declared_params: bool = False
    metric: ProjectMetric | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """Where a timed project's schedule stands. `next_at` None: paused, or nothing is due any more."""

    next_at: datetime | None
    paused_at: datetime | None = None
    paused_by: str | None = None
    paused_reason: str | None = None


@dataclass(frozen=True, slots=True)
class LastTraining:
    """The newest training of a project, as long as it is on record."""

    id: UUID
    number: int
    state: State
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Project:
    """A project's row. `revision` grows with every edit; `secret_names` are the variables whose values are sealed."""

    id: UUID
    name: str
    owner_id: UUID
    owner: str
    algorithm_id: UUID
    spec: ProjectSpec
    created_at: datetime
    updated_at: datetime
    notes: str = ""
    tags: tuple[str, ...] = ()
    revision: int = 1
    last_number: int = 0
    secret_names: tuple[str, ...] = ()
    timing: Timing | None = None
    last: LastTraining | None = None


@dataclass(frozen=True, slots=True)
class ProjectFilter:
    """Which projects a list is of; None: all."""

    owner: str | None = None
    tag: str | None = None
    algorithm: str | None = None
