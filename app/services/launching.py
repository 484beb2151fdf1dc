"""Starting trainings: what a project says, changed for one launch, frozen, numbered and queued."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import algorithms, audit, projects, records, registries, storages, trainings
from app.db.engine import Database
from app.db.ids import new_id
from app.domain import names, quantity
from app.domain.access import Principal
from app.domain.algorithm import Version
from app.domain.catalogue import Storage
from app.domain.clock import Clock
from app.domain.project import Project, Resources, RunSpec
from app.domain.record import TrainingRecord
from app.domain.topology import TooMuchToTell
from app.domain.training import StorageMount, TaskCounts, Training, TrainingSpec, Trigger
from app.domain.validate import LONGEST_TOLD, check_params, check_run
from app.errors import Conflict, FieldError, InvalidInput
from app.k8s.manifests import Launch, TrainingObjects, build, files
from app.k8s.manifests.storages import KINDS
from app.services.installation import InstallationName
from app.services.projects import may_change, unknown_project
from app.services.trainings import unknown_training
from app.settings import Settings

HIDDEN = "(hidden)"


@dataclass(frozen=True, slots=True)
class RoleOverride:
    """What is different for a role this time; None: as the project says."""

    count: int | None = None
    resources: Mapping[str, str | int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """What is different this time; None and missing names: as the project says."""

    version: int | None = None
    image: str | None = None
    roles: Mapping[str, RoleOverride] = field(default_factory=dict)
    args: tuple[str, ...] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    task_retries: int | None = None
    max_duration: timedelta | None = None
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be made: the training (with the number it would get now) and its objects, secrets hidden."""

    training: Training
    objects: TrainingObjects


class LaunchService:
    """A training runs with what was true at its launch, whatever becomes of the project afterwards."""

    def __init__(self, database: Database, clock: Clock, settings: Settings, installation: InstallationName) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._installation = installation

    async def start(self, principal: Principal, name: str, request: LaunchRequest) -> TrainingRecord:
        """Queue a training. Raises `NotFound`, `NotAllowed` and `InvalidInput` (with every field that is wrong)."""
        async with self._database.transaction() as connection:
            project = await projects.by_name(connection, name)
            if project is None:
                raise unknown_project(name)
            may_change(principal, project)
            version, spec = await self._freeze(connection, project, request)
            return await self._queue(
                connection, principal, project, version.id, spec=spec, trigger=Trigger.PERSON, notes=request.notes
            )

    async def preview(self, principal: Principal, name: str, request: LaunchRequest) -> Preview:
        """The exact objects that `start` would lead to, without making anything."""
        async with self._database.read() as connection:
            project = await projects.by_name(connection, name)
            if project is None:
                raise unknown_project(name)
            version, spec = await self._freeze(connection, project, request)
        training = self._training(principal, project, project.last_number + 1, spec=spec, trigger=Trigger.PERSON)
        return Preview(training, await self._objects(training, archive_size=version.archive_size))

    async def retry(self, principal: Principal, training_id: UUID) -> TrainingRecord:
        """The same once more, as a new training with the same frozen spec.

        Raises `Conflict` while the first has not ended, or when its project is deleted.
        """
        async with self._database.transaction() as connection:
            record = await trainings.by_id(connection, training_id)
            if record is None:
                raise unknown_training(training_id)
            first = record.training
            project = await projects.by_id(connection, first.project_id)
            if project is None:
                raise Conflict(f"The project {first.project} is deleted: make a new one to train this again.")
            may_change(principal, project)
            if not first.state.ended:
                raise Conflict(f"{first.project} #{first.number} has not ended: stop it first, or wait for its end.")
            return await self._queue(
                connection,
                principal,
                project,
                record.version_id,
                spec=first.spec,
                trigger=Trigger.RETRY,
                retry_of=first.id,
                notes=record.notes,
            )

    async def manifests(self, principal: Principal, training_id: UUID) -> TrainingObjects:
        """The objects that were (or will be) made for a training, as `preview` gives them. Raises `NotFound`."""
        async with self._database.read() as connection:
            record = await trainings.by_id(connection, training_id)
            if record is None:
                raise unknown_training(training_id)
            spec = record.training.spec
            version = await algorithms.get_version(connection, spec.algorithm, digest=spec.digest)
        return await self._objects(record.training, archive_size=version.archive_size if version else 0)

    async def _objects(self, training: Training, *, archive_size: int) -> TrainingObjects:
        """The training's objects as they are sent, but for the code's bytes and the values of secrets."""
        run = training.spec.run
        async with self._database.read() as connection:
            login = await registries.login_for(connection, names.registry_host(run.image))
        inline = archive_size <= self._settings.configmap_bundle_max_bytes
        return build(
            Launch(
                training_id=training.id,
                project=training.project,
                number=training.number,
                installation=await self._installation.get(),
                namespace=training.namespace or names.namespace(training.project, training.number, training.id),
                spec=training.spec,
                bundle=bytes(archive_size) if inline else None,
                bundle_path=None if inline else stored_bundle(training.spec.digest),
                secret_env=dict.fromkeys(run.secret_env, HIDDEN),
                pull_secret={} if login else None,
                gpu_resource=self._settings.gpu_resource,
            )
        )

    async def _freeze(
        self, connection: AsyncConnection, project: Project, request: LaunchRequest
    ) -> tuple[Version, TrainingSpec]:
        run = _overridden(project.spec.run, request)
        number = request.version if request.version is not None else project.spec.version
        version = await algorithms.get_version(connection, project.spec.algorithm, number=number)
        storage = await storages.by_name(connection, run.storage) if run.storage else None
        errors = [*_unknown_roles(project, request), *check_run(run), *check_params(run.args, request.params)]
        if version is None:
            errors.append(FieldError("/version", f"{project.spec.algorithm} has no version {number}."))
        if run.storage and storage is None:
            errors.append(FieldError("/storage", f"The storage {run.storage} is gone; give the project another one."))
        if version is not None and not errors:
            errors += self._room(run, version, storage)
        if errors or version is None:
            raise InvalidInput(" ".join(error.detail for error in errors[:3]), errors=errors)
        return version, TrainingSpec(
            algorithm=project.spec.algorithm,
            version=version.number,
            digest=version.digest,
            run=run,
            params=dict(request.params),
            storage=_mount(storage, project) if storage else None,
        )

    def _room(self, run: RunSpec, version: Version, storage: Storage | None) -> list[FieldError]:
        """Whether the code can travel: in ConfigMaps, or over a storage that TaaS itself can write."""
        limit = self._settings.configmap_bundle_max_bytes
        if version.archive_size <= limit:
            try:
                files.check(run, LONGEST_TOLD, version.archive_size)
            except TooMuchToTell as exc:
                return [FieldError("/roles", str(exc))]
            return []
        if storage is not None and KINDS[storage.kind].url(storage.config) is not None:
            return []
        size, most = (quantity.in_bytes(quantity.parse(str(number))) for number in (version.archive_size, limit))
        text = f"The code packs to {size}; over {most} it needs a storage that TaaS itself can write (taas_path)."
        return [FieldError("/storage", text)]

    async def _queue(
        self,
        connection: AsyncConnection,
        principal: Principal,
        project: Project,
        version_id: UUID,
        *,
        spec: TrainingSpec,
        trigger: Trigger,
        notes: str = "",
        retry_of: UUID | None = None,
    ) -> TrainingRecord:
        number = await projects.take_number(connection, project.id)
        if number is None:
            raise unknown_project(project.name)
        training = self._training(principal, project, number, spec=spec, trigger=trigger, retry_of=retry_of)
        await trainings.add(connection, training, owner_id=project.owner_id, version_id=version_id, notes=notes)
        await records.add_event(
            connection, training.id, reason="Queued", message=f"Started by {principal.name} ({trigger})."
        )
        await audit.record(
            connection, principal.name, "training.start", f"training/{training.id}", project=project.name, number=number
        )
        return TrainingRecord(
            training,
            owner_id=project.owner_id,
            version_id=version_id,
            notes=notes,
            namespace_message="",
            revision=f"{training.intent_gen}.0",
        )

    def _training(
        self,
        principal: Principal,
        project: Project,
        number: int,
        *,
        spec: TrainingSpec,
        trigger: Trigger,
        retry_of: UUID | None = None,
    ) -> Training:
        return Training(
            id=new_id(),
            project_id=project.id,
            project=project.name,
            number=number,
            spec=spec,
            trigger=trigger,
            created_at=self._clock(),
            created_by=principal.name,
            intent_gen=1,
            counts=TaskCounts(spec.run.total_tasks),
            retry_of=retry_of,
        )


def stored_bundle(digest: str) -> str:
    """Where a bundle too large for ConfigMaps lies in the project's folder of a storage."""
    return f"bundles/{digest}.tar.gz"


def _overridden(run: RunSpec, request: LaunchRequest) -> RunSpec:
    roles = dict(run.roles)
    for name, override in request.roles.items():
        if name in roles:
            count = roles[name].count if override.count is None else override.count
            resources = _resources(roles[name].resources, override.resources)
            roles[name] = replace(roles[name], count=count, resources=resources)
    return replace(
        run,
        image=run.image if request.image is None else request.image,
        roles=roles,
        args=run.args if request.args is None else request.args,
        env={**run.env, **request.env},
        task_retries=run.task_retries if request.task_retries is None else request.task_retries,
        max_duration=run.max_duration if request.max_duration is None else request.max_duration,
    )


def _resources(resources: Resources, changes: Mapping[str, str | int | None]) -> Resources:
    return replace(resources, **changes)  # type: ignore[arg-type]


def _unknown_roles(project: Project, request: LaunchRequest) -> list[FieldError]:
    known = ", ".join(project.spec.run.role_names)
    return [
        FieldError(f"/roles/{name}", f"{project.name} has the roles {known}; change one of them, or edit the project.")
        for name in request.roles
        if name not in project.spec.run.roles
    ]


def _mount(storage: Storage, project: Project) -> StorageMount:
    return StorageMount(storage.name, storage.kind, storage.config, names.project_folder(project.name, project.id))
