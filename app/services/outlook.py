"""What would become of a start: whether it finds room, where it would queue, and what each task would be told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from app.db import cluster_nodes, projects, running_queue, trainings
from app.db.engine import Database
from app.db.ids import new_id
from app.domain.access import Principal
from app.domain.fit import Fit, demands_of, fit
from app.domain.project import RunSpec
from app.domain.queueing import QueuePlace, place_of
from app.domain.room import Room, room_of
from app.domain.training import TaskKey, TrainingSpec
from app.errors import NotFound
from app.k8s.manifests import Launch, environment
from app.services.freeze import LaunchRequest, freeze
from app.services.launching import HIDDEN
from app.services.projects import unknown_project
from app.services.trainings import unknown_training
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Outlook:
    """The answer about one start, as the cluster's rows are now. `tasks` is how many there would be."""

    fit: Fit
    queue: QueuePlace
    tasks: int


class OutlookService:
    """Looks at rows only; nothing is made, and the cluster is not asked."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    async def of(self, principal: Principal, name: str, request: LaunchRequest) -> Outlook:
        """What a start with this request would meet. Raises `NotFound` and `InvalidInput`."""
        async with self._database.read() as connection:
            project = await projects.by_name(connection, name)
            if project is None:
                raise unknown_project(name)
            _, spec = await freeze(connection, project, request, self._settings)
            nodes = await cluster_nodes.everything(connection)
            standing = await running_queue.standing(connection, project.id)
        gpu = self._settings.gpu_resource
        found = await asyncio.to_thread(fit, demands_of(spec.run, gpu), nodes, gpu_resource=gpu)
        limit = self._settings.running_limit
        place = place_of(standing, limit=limit, project_limit=project.spec.running_limit)
        return Outlook(found, place, spec.run.total_tasks)

    async def room(self, principal: Principal) -> Mapping[str, Room]:
        """Of each resource, what a single node could give."""
        async with self._database.read() as connection:
            return room_of(await cluster_nodes.everything(connection))

    async def environment(
        self, principal: Principal, name: str, request: LaunchRequest, task: TaskKey
    ) -> Mapping[str, str]:
        """What a task would be told if it were started so, secrets hidden. Raises `NotFound` and `InvalidInput`."""
        async with self._database.read() as connection:
            project = await projects.by_name(connection, name)
            if project is None:
                raise unknown_project(name)
            _, spec = await freeze(connection, project, request, self._settings)
        return _environment(new_id(), project.name, project.last_number + 1, spec, task)

    async def environment_of(self, principal: Principal, training_id: UUID, task: TaskKey) -> Mapping[str, str]:
        """What a task of a training was (or will be) told, secrets hidden. Raises `NotFound`."""
        async with self._database.read() as connection:
            record = await trainings.by_id(connection, training_id)
        if record is None:
            raise unknown_training(training_id)
        training = record.training
        return _environment(training.id, training.project, training.number, training.spec, task)


def _environment(training_id: UUID, project: str, number: int, spec: TrainingSpec, task: TaskKey) -> Mapping[str, str]:
    if not _has(spec.run, task):
        raise NotFound(f"There is no task {task}; there are {_tasks(spec.run)}.")
    launch = Launch(training_id, project, number, installation="", namespace="", spec=spec)
    return {**environment(launch, task), **dict.fromkeys(spec.run.secret_env, HIDDEN)}


def _has(run: RunSpec, task: TaskKey) -> bool:
    return task.role in run.roles and task.index < run.roles[task.role].count


def _tasks(run: RunSpec) -> str:
    names = []
    for role in run.role_names:
        last = run.roles[role].count - 1
        names.append(f"{role}-0" if not last else f"{role}-0 to {role}-{last}")
    return ", ".join(names)
