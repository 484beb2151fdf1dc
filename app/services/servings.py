"""Servings: made of a training's model or a directory, then given new versions, shares, sizes, and taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import audit, endpoints, projects, storages, trainings
from app.db.engine import Database
from app.db.ids import new_id
from app.domain import names
from app.domain.access import Action, Principal
from app.domain.clock import Clock
from app.domain.endpoints import serving
from app.domain.endpoints.endpoint import Endpoint, Kind
from app.domain.endpoints.promotion import PromotionWish
from app.domain.endpoints.serving import Autoscaling, Balancing, Canary, Gateway, ModelVersion, ServingSpec
from app.domain.endpoints.serving_rules import check_path, check_serving
from app.domain.project import Project, Resources
from app.domain.project_metric import ProjectMetric
from app.domain.training import State, StorageMount
from app.errors import Conflict, FieldError, InvalidInput
from app.services import model_files
from app.services.access import require
from app.services.endpoints import known
from app.services.projects import unknown_project
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model: a training's, or a directory in the project's folder; `path` narrows a training's down too."""

    training_id: UUID | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How it is to run; None: as it is, or as usual."""

    image: str | None = None
    replicas: int | None = None
    resources: Resources | None = None
    args: tuple[str, ...] | None = None
    autoscaling: Autoscaling | None = None
    no_autoscaling: bool = False
    promotion: PromotionWish | None = None
    no_promotion: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    project: Project
    storage: StorageMount
    path: str
    source: str
    training_id: UUID | None


class ServingService:
    """Whoever may change a project may serve its models, and what they made they may change."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    async def create(
        self, principal: Principal, *, name: str | None, project: str | None, model: ModelChoice, wanted: Wanted
    ) -> Endpoint:
        """Raises `NotAllowed`, `NotFound`, `InvalidInput` and `Conflict` (a serving of that name runs)."""
        require(principal, Action.CREATE)
        found = await self._find(principal, project, model)
        version = ModelVersion(1, found.storage, found.path, found.source, found.training_id)
        spec = ServingSpec(
            name=name or found.project.name,
            image=self._settings.serving_image,
            balancing=self._balancing(),
            versions=(version,),
            live=1,
        )
        spec = _applied(spec, wanted, found.project.spec.metric)
        made = Endpoint(
            id=new_id(),
            kind=Kind.SERVING,
            name=spec.name,
            project_id=found.project.id,
            project=found.project.name,
            owner_id=principal.user_id,
            created_by=principal.name,
            created_at=self._clock(),
            spec=_checked(spec),
        )
        async with self._database.transaction() as connection:
            await self._check_name(connection, spec.name, None)
            await endpoints.add(connection, made)
            await audit.record(
                connection, principal.name, "serving.create", f"serving/{made.id}", name=spec.name, model=found.source
            )
            return known(await endpoints.by_id(connection, made.id), Kind.SERVING, made.id)

    async def change(self, principal: Principal, serving_id: UUID, wanted: Wanted) -> Endpoint:
        """Another size, image or arguments. Raises `NotFound`, `NotAllowed` and `InvalidInput`."""
        declared = None
        if wanted.promotion is not None:
            async with self._database.read() as connection:
                now = known(await endpoints.by_id(connection, serving_id), Kind.SERVING, serving_id)
                project = await projects.by_id(connection, now.project_id)
            declared = project.spec.metric if project else None
        return await self._change(principal, serving_id, "change", lambda spec: _applied(spec, wanted, declared))

    async def add_version(
        self, principal: Principal, serving_id: UUID, model: ModelChoice, canary: tuple[int, int] | None = None
    ) -> Endpoint:
        """A new version, live at once, or with `canary` (percent, replicas) beside the live one.

        Raises `NotFound`, `NotAllowed` and `InvalidInput`.
        """
        async with self._database.read() as connection:
            now = known(await endpoints.by_id(connection, serving_id), Kind.SERVING, serving_id)
        require(principal, Action.CHANGE, owner_id=now.owner_id)
        found = await self._find(principal, now.project, model)

        def change(spec: ServingSpec) -> ServingSpec:
            same = [one for one in spec.versions if found.training_id and one.training_id == found.training_id]
            if canary is None and same and same[-1].path == found.path:
                return serving.go_live(spec, same[-1].number)  # asked for twice
            number = spec.next_number
            version = ModelVersion(number, found.storage, found.path, found.source, found.training_id)
            with_it = serving.add(spec, version)
            if canary is None:
                return serving.go_live(with_it, number)
            return serving.start_canary(with_it, Canary(number, *canary))

        return await self._change(principal, serving_id, "add_version", change, model=found.source)

    async def go_live(self, principal: Principal, serving_id: UUID, version: int) -> Endpoint:
        """Every request to that version; a canary ends. Raises `NotFound`, `NotAllowed` and `InvalidInput`."""
        return await self._change(
            principal, serving_id, "go_live", lambda spec: serving.go_live(spec, version), version=version
        )

    async def start_canary(self, principal: Principal, serving_id: UUID, canary: Canary) -> Endpoint:
        """A share of the requests. Raises `NotFound`, `NotAllowed` and `InvalidInput`."""
        return await self._change(
            principal,
            serving_id,
            "start_canary",
            lambda spec: serving.start_canary(spec, canary),
            version=canary.version,
            percent=canary.percent,
        )

    async def end_canary(self, principal: Principal, serving_id: UUID) -> Endpoint:
        """Every request to the live version again; without a canary nothing happens."""
        return await self._change(principal, serving_id, "end_canary", serving.end_canary)

    async def roll_back(self, principal: Principal, serving_id: UUID) -> Endpoint:
        """What was live before is live again. Raises `NotFound`, `NotAllowed`, and `Conflict` when nothing was."""
        return await self._change(principal, serving_id, "roll_back", serving.roll_back)

    async def start(self, principal: Principal, serving_id: UUID) -> Endpoint:
        """Start it again as it was. Raises `NotFound`, `NotAllowed` and `Conflict`."""
        async with self._database.transaction() as connection:
            found = known(await endpoints.by_id(connection, serving_id, lock=True), Kind.SERVING, serving_id)
            require(principal, Action.CHANGE, owner_id=found.owner_id)
            if await projects.by_id(connection, found.project_id, lock=True) is None:
                raise Conflict(f"The project {found.project} is deleted, so nothing of it is served any more.")
            await self._check_name(connection, found.name, serving_id)
            await endpoints.ask_to_start(connection, serving_id)
            await audit.record(connection, principal.name, "serving.start", f"serving/{serving_id}")
            return known(await endpoints.by_id(connection, serving_id), Kind.SERVING, serving_id)

    async def _change(
        self,
        principal: Principal,
        serving_id: UUID,
        what: str,
        change: Callable[[ServingSpec], ServingSpec],
        **told: Any,
    ) -> Endpoint:
        async with self._database.transaction() as connection:
            found = known(await endpoints.by_id(connection, serving_id, lock=True), Kind.SERVING, serving_id)
            require(principal, Action.CHANGE, owner_id=found.owner_id)
            spec = _checked(_changed(found.serving, change))
            if spec != found.serving:
                await endpoints.change_spec(connection, serving_id, replace(spec, balancing=self._balancing()))
                await audit.record(connection, principal.name, f"serving.{what}", f"serving/{serving_id}", **told)
            return known(await endpoints.by_id(connection, serving_id), Kind.SERVING, serving_id)

    async def _find(self, principal: Principal, project: str | None, model: ModelChoice) -> _Found:
        """The model's place. Raises `InvalidInput`, `NotFound` and `NotAllowed`."""
        if errors := check_path(model.path):
            raise InvalidInput(errors[0].detail, errors=errors)
        async with self._database.read() as connection:
            found = await (
                _of_training(connection, model, model.training_id)
                if model.training_id is not None
                else _of_directory(connection, project, model.path)
            )
        if project is not None and found.project.name != project:
            detail = f"That training is of the project {found.project.name}, not of {project}."
            raise InvalidInput(detail, errors=[FieldError("/training", detail)])
        require(principal, Action.CHANGE, owner_id=found.project.owner_id)
        pointer = "/path" if model.path else "/training"
        return replace(found, path=await model_files.locate(found.storage, found.path, pointer=pointer))

    async def _check_name(self, connection: AsyncConnection, name: str, mine: UUID | None) -> None:
        await endpoints.lock_names(connection)
        other = await endpoints.live_by_name(connection, Kind.SERVING, name)
        if other is not None and other.id != mine:
            raise Conflict(
                f"A serving {name} of the project {other.project} runs already. Give it a new version, or choose "
                "another name.",
                code="serving_exists",
            )

    def _balancing(self) -> Balancing:
        settings = self._settings
        return Balancing(
            image=settings.balancer_image,
            count=settings.balancers,
            cluster_domain=settings.cluster_domain,
            drain=settings.serving_drain,
            gateway=_gateway(settings),
            gpu_resource=settings.gpu_resource,
        )


def _gateway(settings: Settings) -> Gateway | None:
    if settings.serving_gateway is None:
        return None
    namespace, _, name = settings.serving_gateway.partition("/")
    return Gateway(namespace, name, settings.apps_host)


async def _of_training(connection: AsyncConnection, model: ModelChoice, training_id: UUID) -> _Found:
    record = await trainings.by_id(connection, training_id)
    project = await projects.by_id(connection, record.training.project_id) if record else None
    if record is None or project is None:
        detail = f"There is no training with the id {training_id}, or its project is deleted."
        raise InvalidInput(detail, errors=[FieldError("/training", detail)])
    training = record.training
    who = f"{training.project} #{training.number}"
    if training.spec.storage is None:
        detail = f"{who} had no storage, so its model went with its pods. Give the project a storage."
        raise InvalidInput(detail, errors=[FieldError("/training", detail)])
    if not training.state.ended or training.state is State.FAILED:
        detail = f"{who} is {training.state}: only a training that has ended well has a model to serve."
        raise InvalidInput(detail, errors=[FieldError("/training", detail)])
    path = "/".join(filter(None, (f"models/{training.number}", model.path)))
    return _Found(project, training.spec.storage, path, who, training.id)


async def _of_directory(connection: AsyncConnection, name: str | None, path: str) -> _Found:
    if name is None or not path:
        detail = "Give a training, or a project and the path of a directory in its folder."
        raise InvalidInput(detail, errors=[FieldError("/training", detail)])
    project = await projects.by_name(connection, name)
    if project is None:
        raise unknown_project(name)
    storage = await storages.by_name(connection, project.spec.run.storage) if project.spec.run.storage else None
    if storage is None:
        detail = f"The project {name} has no storage. Give it one, and put the model there."
        raise InvalidInput(detail, errors=[FieldError("/project", detail)])
    folder = names.project_folder(project.name, project.id)
    return _Found(project, StorageMount(storage.name, storage.kind, storage.config, folder), path, path, None)


def _applied(spec: ServingSpec, wanted: Wanted, declared: ProjectMetric | None) -> ServingSpec:
    given = {
        name: value
        for name in ("image", "replicas", "resources", "args", "autoscaling")
        if (value := getattr(wanted, name)) is not None
    }
    spec = replace(spec, **given)
    if wanted.no_autoscaling:
        spec = replace(spec, autoscaling=None)
    if wanted.promotion is not None:
        spec = replace(spec, promotion=wanted.promotion.rule(declared))
    return replace(spec, promotion=None) if wanted.no_promotion else spec


def _checked(spec: ServingSpec) -> ServingSpec:
    if errors := check_serving(spec):
        raise InvalidInput.of(errors)
    return spec


def _changed(spec: ServingSpec, change: Callable[[ServingSpec], ServingSpec]) -> ServingSpec:
    try:
        return change(spec)
    except LookupError as exc:
        detail = f"{exc.args[0]} There are: {', '.join(str(version.number) for version in spec.versions)}."
        raise InvalidInput(detail, errors=[FieldError("/version", detail)]) from exc
    except ValueError as exc:
        raise Conflict(str(exc)) from exc
