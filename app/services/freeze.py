"""What a launch freezes: a project's settings with the changes of this time, looked up and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import algorithms, storages
from app.domain import names, params, quantity
from app.domain.algorithm import Version
from app.domain.catalogue import Storage
from app.domain.project import Project, ProjectSpec, Resources, RunSpec
from app.domain.topology import TooMuchToTell
from app.domain.training import StorageMount, TrainingSpec
from app.domain.validate import LONGEST_TOLD, check_run, pointer
from app.errors import FieldError, InvalidInput
from app.k8s.manifests import files
from app.k8s.manifests.storages import KINDS
from app.settings import Settings


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
    model: StorageMount | None = None  # another training's model directory, to read


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What the projects of several launches name, looked up together."""

    versions: Mapping[tuple[str, int | None], Version]  # by algorithm and number; None: its newest
    storages: Mapping[str, Storage]

    def version(self, spec: ProjectSpec, request: LaunchRequest) -> Version | None:
        """The code of a launch; None when there is none such."""
        return self.versions.get((spec.algorithm, spec.version if request.version is None else request.version))

    def storage(self, spec: ProjectSpec) -> Storage | None:
        """The project's storage; None when it has none, or it is gone."""
        return self.storages.get(spec.run.storage) if spec.run.storage else None


async def freeze(
    connection: AsyncConnection, project: Project, request: LaunchRequest, settings: Settings
) -> tuple[Version, TrainingSpec]:
    """What `project` runs with when it is started now, changed as `request` says.

    Raises InvalidInput with every field that is wrong.
    """
    found = await look_up(connection, [project.spec], request)
    return assemble(project.id, project.name, project.spec, request, found, settings)


async def look_up(connection: AsyncConnection, specs: Iterable[ProjectSpec], request: LaunchRequest) -> Ingredients:
    """What projects with these settings need, in as many statements for 1,000 of them as for one."""
    wanted_versions, wanted_storages = set(), set()
    for spec in specs:
        wanted_versions.add((spec.algorithm, spec.version if request.version is None else request.version))
        if spec.run.storage:
            wanted_storages.add(spec.run.storage)
    return Ingredients(
        await algorithms.versions_of(connection, wanted_versions),
        await storages.by_names(connection, wanted_storages) if wanted_storages else {},
    )


def assemble(
    project_id: UUID,
    name: str,
    spec: ProjectSpec,
    request: LaunchRequest,
    found: Ingredients,
    settings: Settings,
    *,
    check: bool = True,
) -> tuple[Version, TrainingSpec]:
    """As `freeze`, from what was looked up. Without `check`: the caller knows that nothing of it is wrong."""
    run = _overridden(spec.run, request)
    version, storage = found.version(spec, request), found.storage(spec)
    errors = _errors(name, spec, run, request, version, storage, settings) if check else []
    if errors or version is None:
        raise InvalidInput.of(errors)
    return version, TrainingSpec(
        algorithm=spec.algorithm,
        version=version.number,
        digest=version.digest,
        run=run,
        params=params.filled(spec.params, request.params),
        timezone=spec.schedule.timezone if spec.schedule else "UTC",
        storage=_mount(storage, name, project_id) if storage else None,
        model=request.model,
    )


def _errors(
    name: str,
    spec: ProjectSpec,
    run: RunSpec,
    request: LaunchRequest,
    version: Version | None,
    storage: Storage | None,
    settings: Settings,
) -> list[FieldError]:
    given = params.check_given(spec, run.args, request.params)
    errors = [*_unknown_roles(name, spec, request), *check_run(run), *given]
    if version is None:
        number = spec.version if request.version is None else request.version
        errors.append(FieldError("/version", f"{spec.algorithm} has no version {number}."))
    if run.storage and storage is None:
        errors.append(FieldError("/storage", f"The storage {run.storage} is gone; give the project another one."))
    if version is not None and not errors:
        errors += _room(run, version, storage, settings)
    return errors


def _room(run: RunSpec, version: Version, storage: Storage | None, settings: Settings) -> list[FieldError]:
    """Whether the code can travel: in ConfigMaps, or over a storage that TaaS itself can write."""
    limit = settings.configmap_bundle_max_bytes
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


def _unknown_roles(project: str, spec: ProjectSpec, request: LaunchRequest) -> list[FieldError]:
    known = f"role{'s' if len(spec.run.roles) > 1 else ''} {', '.join(spec.run.role_names)}"
    return [
        FieldError(pointer("roles", name), f"{project} has the {known}; edit the project for others.")
        for name in request.roles
        if name not in spec.run.roles
    ]


def _mount(storage: Storage, project: str, project_id: UUID) -> StorageMount:
    return StorageMount(storage.name, storage.kind, storage.config, names.project_folder(project, project_id))
