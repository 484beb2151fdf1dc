"""TensorBoards: one click makes one for a training, a chosen set of trainings, or all of a project."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import audit, endpoints, images, projects, storages, trainings, users
from app.db.engine import Database
from app.db.ids import new_id
from app.domain import names
from app.domain.access import Action, Principal
from app.domain.clock import Clock
from app.domain.endpoints.endpoint import Endpoint, Kind
from app.domain.endpoints.tensorboard import LogSource, TensorBoardSpec
from app.domain.project import Framework, Project
from app.domain.record import TrainingRecord
from app.domain.training import StorageMount
from app.errors import Conflict, FieldError, InvalidInput
from app.services.access import require
from app.services.projects import unknown_project
from app.settings import Settings

MOST = 100
"""Trainings of one TensorBoard that are chosen one by one."""


class TensorBoardService:
    """Whoever may create things may have some running at a time; the same choice again is the same TensorBoard."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    async def open(
        self, principal: Principal, *, project: str | None = None, chosen: Sequence[UUID] | None = None
    ) -> tuple[Endpoint, bool]:
        """A TensorBoard of the `chosen` trainings, or of everything in `project`; started (again) if it does not run.

        The second value says whether it is new. Raises `NotAllowed`, `NotFound`, `InvalidInput` (nothing chosen, or
        of several projects, or without logs on a storage) and `Conflict` (too many of the person's run).
        """
        require(principal, Action.CREATE)
        async with self._database.transaction() as connection:
            # One after the other for each person, so that the limit holds.
            await users.lock(connection, principal.user_id)
            owner, spec = await self._wanted(connection, project, chosen)
            mine = await endpoints.of_owner(connection, principal.user_id, Kind.TENSORBOARD, owner.id)
            same = next((one for one in mine if one.tensorboard.trainings == spec.trainings), None)
            if same is None or not same.live:
                await self._check_limit(connection, principal)
            if same is not None:
                if same.spec != spec:
                    await endpoints.change_spec(connection, same.id, spec)
                await endpoints.ask_to_start(connection, same.id)
                await audit.record(connection, principal.name, "tensorboard.start", f"tensorboard/{same.id}")
                return await _written(connection, same.id), False
            made = Endpoint(
                id=new_id(),
                kind=Kind.TENSORBOARD,
                name=_name(owner, spec),
                project_id=owner.id,
                project=owner.name,
                owner_id=principal.user_id,
                created_by=principal.name,
                created_at=self._clock(),
                spec=spec,
            )
            await endpoints.add(connection, made)
            await audit.record(
                connection, principal.name, "tensorboard.create", f"tensorboard/{made.id}", project=owner.name
            )
            return await _written(connection, made.id), True

    async def _wanted(
        self, connection: AsyncConnection, name: str | None, chosen: Sequence[UUID] | None
    ) -> tuple[Project, TensorBoardSpec]:
        records = [] if chosen is None else await self._records(connection, chosen)
        if name is None and not records:
            detail = "Give a project, or trainings of one project."
            raise InvalidInput(detail, errors=[FieldError("/project", detail)])
        project = (
            await projects.by_name(connection, name, lock=True)
            if name is not None
            else await projects.by_id(connection, records[0].training.project_id, lock=True)
        )
        if project is None:
            raise unknown_project(name if name is not None else records[0].training.project)
        if any(record.training.project_id != project.id for record in records):
            detail = f"One TensorBoard shows trainings of one project; not all of these are of {project.name}."
            raise InvalidInput(detail, errors=[FieldError("/trainings", detail)])
        sources = [_source(record) for record in records] if chosen is not None else [await _all(connection, project)]
        return project, TensorBoardSpec(
            image=await self._image(connection),
            sources=tuple(sources),
            trainings=None if chosen is None else tuple(sorted(record.training.id for record in records)),
            idle_timeout=self._settings.tensorboard_idle,
        )

    async def _records(self, connection: AsyncConnection, chosen: Sequence[UUID]) -> list[TrainingRecord]:
        wanted = sorted(set(chosen))
        if not 0 < len(wanted) <= MOST:
            detail = f"Choose between 1 and {MOST} trainings, or leave them out for all of the project."
            raise InvalidInput(detail, errors=[FieldError("/trainings", detail)])
        found = {record.training.id: record for record in await trainings.by_ids(connection, wanted)}
        if missing := [id_ for id_ in wanted if id_ not in found]:
            detail = f"There is no training with the id {missing[0]}."
            raise InvalidInput(detail, errors=[FieldError("/trainings", detail)])
        return [found[id_] for id_ in wanted]

    async def _image(self, connection: AsyncConnection) -> str:
        if self._settings.tensorboard_image is not None:
            return self._settings.tensorboard_image
        image = await images.default_for(connection, Framework.TENSORFLOW)
        if image is None:
            raise Conflict(
                "There is no image with TensorBoard: an admin can make one the default of tensorflow under Images, "
                "or set TAAS_TENSORBOARD_IMAGE."
            )
        return image.reference

    async def _check_limit(self, connection: AsyncConnection, principal: Principal) -> None:
        limit = self._settings.tensorboards_per_user
        if await endpoints.count_live(connection, principal.user_id, Kind.TENSORBOARD) >= limit:
            raise Conflict(
                f"You have {limit} TensorBoards running, which is as many as one person may have: stop one first.",
                code="too_many_tensorboards",
            )


async def _written(connection: AsyncConnection, endpoint_id: UUID) -> Endpoint:
    found = await endpoints.by_id(connection, endpoint_id)
    assert found is not None, "it was written in this transaction"
    return found


async def _all(connection: AsyncConnection, project: Project) -> LogSource:
    storage = await storages.by_name(connection, project.spec.run.storage) if project.spec.run.storage else None
    if storage is None:
        raise _no_storage(f"The project {project.name} has no storage, so its logs go with its pods", "/project")
    folder = names.project_folder(project.name, project.id)
    return LogSource(StorageMount(storage.name, storage.kind, storage.config, folder))


def _source(record: TrainingRecord) -> LogSource:
    training = record.training
    if training.spec.storage is None:
        who = f"{training.project} #{training.number}"
        raise _no_storage(f"{who} had no storage, so its logs went with its pods", "/trainings")
    return LogSource(training.spec.storage, training.number)


def _no_storage(detail: str, pointer: str) -> InvalidInput:
    detail = f"{detail}. Give the project a storage, and write summaries to $TAAS_LOG_DIR."
    return InvalidInput(detail, errors=[FieldError(pointer, detail)])


def _name(project: Project, spec: TensorBoardSpec) -> str:
    """What the window and the namespace are called by."""
    if spec.trainings is None:
        return project.name
    numbers = [str(source.number) for source in spec.sources]
    return f"{project.name} {numbers[0]}" if len(numbers) == 1 else f"{project.name} ({len(numbers)} trainings)"
