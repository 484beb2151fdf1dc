"""Starting trainings: what a project says, changed for one launch, frozen, numbered and queued."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import algorithms, audit, projects, records, registries, trainings
from app.db.engine import Contended, Database
from app.db.handovers import Replacement
from app.db.ids import new_id
from app.db.trainings import NewTraining
from app.domain import names
from app.domain.access import Principal
from app.domain.clock import Clock
from app.domain.firing import Outcome
from app.domain.project import Project
from app.domain.record import TrainingRecord
from app.domain.training import TaskCounts, Training, TrainingSpec, Trigger
from app.errors import Conflict
from app.k8s.manifests import Launch, TrainingObjects, build
from app.services.freeze import LaunchRequest, freeze
from app.services.handovers import handover_of, make_room
from app.services.installation import InstallationName
from app.services.projects import may_change, unknown_project
from app.services.trainings import unknown_training
from app.settings import Settings

HIDDEN = "(hidden)"
TRIES = 5
"""How often a start is tried that others get in the way of."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be made: the training (with the number it would get now) and its objects, secrets hidden.

    `handover` is what the start would replace or wait for; None where trainings run beside each other.
    """

    training: Training
    objects: TrainingObjects
    handover: Outcome | None = None


class LaunchService:
    """A training runs with what was true at its launch, whatever becomes of the project afterwards."""

    def __init__(self, database: Database, clock: Clock, settings: Settings, installation: InstallationName) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._installation = installation

    async def start(
        self, principal: Principal, name: str, request: LaunchRequest, *, trigger: Trigger = Trigger.PERSON
    ) -> TrainingRecord:
        """Queue a training. Raises `NotFound`, `NotAllowed` and `InvalidInput` (with every field that is wrong)."""
        for _ in range(TRIES - 1):
            # Locks are taken in one order, but PostgreSQL may send it away for reasons that pass, too.
            with suppress(Contended):
                return await self._start(principal, name, request, trigger)
        return await self._start(principal, name, request, trigger)

    async def _start(self, principal: Principal, name: str, request: LaunchRequest, trigger: Trigger) -> TrainingRecord:
        async with self._database.transaction() as connection:
            return await self.start_within(connection, principal, name, request, trigger=trigger)

    async def start_within(
        self,
        connection: AsyncConnection,
        principal: Principal,
        name: str,
        request: LaunchRequest,
        *,
        trigger: Trigger = Trigger.PERSON,
    ) -> TrainingRecord:
        """As `start`, in the caller's transaction, together with what says why it was started."""
        project = await projects.by_name(connection, name, lock=True)
        if project is None:
            raise unknown_project(name)
        may_change(principal, project)
        version, spec = await freeze(connection, project, request, self._settings)
        handover = await handover_of(connection, project, self._clock())
        if handover is not None and not handover.outcome.verdict.makes_training:
            raise Conflict(handover.refusal(project))
        return await self._queue(
            connection,
            principal,
            project,
            version.id,
            spec=spec,
            trigger=trigger,
            notes=request.notes,
            handover=handover.outcome if handover else None,
        )

    async def preview(self, principal: Principal, name: str, request: LaunchRequest) -> Preview:
        """The exact objects that `start` would lead to, without making anything."""
        async with self._database.read() as connection:
            project = await projects.by_name(connection, name)
            if project is None:
                raise unknown_project(name)
            version, spec = await freeze(connection, project, request, self._settings)
            handover = await handover_of(connection, project, self._clock())
        training = self._training(principal, project, project.last_number + 1, spec=spec, trigger=Trigger.PERSON)
        objects = await self._objects(training, archive_size=version.archive_size)
        return Preview(training, objects, handover.told(project) if handover else None)

    async def handover(self, principal: Principal, name: str) -> Outcome | None:
        """What a start would replace or wait for now; None where trainings run beside each other.

        Raises `NotFound`.
        """
        async with self._database.read() as connection:
            project = await projects.by_name(connection, name)
            if project is None:
                raise unknown_project(name)
            found = await handover_of(connection, project, self._clock())
        return found.told(project) if found else None

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
        handover: Outcome | None = None,
    ) -> TrainingRecord:
        number = await projects.take_number(connection, project.id)
        if number is None:
            raise unknown_project(project.name)
        training = self._training(principal, project, number, spec=spec, trigger=trigger, retry_of=retry_of)
        replaces = handover.replaces if handover else ()
        training = replace(training, replaces=replaces[-1] if replaces else None)
        new = NewTraining(training, project.owner_id, version_id, notes, exclusive=handover is not None)
        await trainings.add_many(connection, [new])
        started = f"Started by {principal.name} ({trigger}). {handover.message if handover else ''}"
        await records.add_event(connection, training.id, reason="Queued", message=started.rstrip())
        await make_room(connection, [Replacement(old, training.id) for old in replaces], by=principal.name)
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
