"""Backfills: asked for by people, carried on by workers, a few trainings at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import audit, backfills, projects, records, schedules, trainings
from app.db.backfills import Running
from app.db.codec import from_json, to_json
from app.db.engine import Database
from app.db.ids import new_id
from app.db.trainings import NewTraining
from app.domain.access import Action, Principal, can
from app.domain.backfill import (
    CONCURRENCY_MAX,
    TIMES_MAX,
    Backfill,
    BackfillOutcome,
    BackfillState,
    BackfillTime,
    times_of,
)
from app.domain.paging import Page, PageRequest
from app.domain.project import Project
from app.domain.topology import rfc3339
from app.domain.training import Reason, TaskCounts, Training, TrainingSpec, Trigger
from app.domain.validate_schedule import EARLIEST
from app.errors import Conflict, FieldError, InvalidInput, NotAllowed, NotFound
from app.services.freeze import LaunchRequest, freeze
from app.services.projects import may_change, unknown_project
from app.settings import Settings

_FIRST = UUID(int=0)


class BackfillService:
    """Everybody sees every backfill; the project's owner and admins start and cancel them."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    async def create(
        self,
        principal: Principal,
        name: str,
        *,
        start: datetime | None,
        end: datetime | None,
        concurrency: int,
        request: LaunchRequest,
        unread: Sequence[FieldError] = (),
    ) -> Backfill:
        """Train every due time from `start` up to (not with) `end`, at most `concurrency` at a time.

        `unread` is what was written and could not be read, such as a time that is None for that: it is told with
        everything else that is wrong.

        Raises `NotFound`, `NotAllowed`, `Conflict` (it is not timed) and `InvalidInput`.
        """
        async with self._database.transaction() as connection:
            project = await projects.by_name(connection, name, lock=True)
            if project is None:
                raise unknown_project(name)
            may_change(principal, project)
            state = await schedules.get(connection, project.id)
            if state is None or project.spec.schedule is None:
                raise Conflict(f"{name} has no schedule, so no due times to go back to.")
            now = await schedules.database_now(connection)
            errors = [*unread, *_wrong(start, end, now, concurrency)]
            if errors or start is None or end is None:
                raise InvalidInput.of(errors)
            times = times_of(project.spec.schedule, start, end, state.anchor)
            _check_times(times)
            await freeze(connection, project, request, self._settings)
            backfill = Backfill(
                id=new_id(),
                project_id=project.id,
                project=name,
                owner_id=project.owner_id,
                from_at=start,
                to_at=end,
                concurrency=concurrency,
                state=BackfillState.RUNNING,
                created_by=principal.name,
                created_at=now,
            )
            await backfills.add(connection, backfill, to_json(request), times)
            detail = {"project": name, "times": len(times)}
            await audit.record(connection, principal.name, "backfill.start", f"backfill/{backfill.id}", **detail)
        return await self.get(principal, backfill.id)

    async def get(self, principal: Principal, backfill_id: UUID) -> Backfill:
        """Raises `NotFound`."""
        async with self._database.read() as connection:
            return _known(await backfills.by_id(connection, backfill_id), backfill_id)

    async def page(self, principal: Principal, project: str | None, request: PageRequest) -> Page[Backfill]:
        """The newest first. Raises `NotFound` for a project that is not there."""
        async with self._database.read() as connection:
            found = await projects.by_name(connection, project) if project is not None else None
            if project is not None and found is None:
                raise unknown_project(project)
            return await backfills.page(connection, found.id if found else None, request)

    async def times(self, principal: Principal, backfill_id: UUID, request: PageRequest) -> Page[BackfillTime]:
        """Each of its times with its training. Raises `NotFound`."""
        async with self._database.read() as connection:
            _known(await backfills.by_id(connection, backfill_id), backfill_id)
            return await backfills.times_page(connection, backfill_id, request)

    async def cancel(self, principal: Principal, backfill_id: UUID) -> Backfill:
        """Start nothing more of it and stop what runs; once it is over this changes nothing.

        Raises `NotFound` and `NotAllowed`.
        """
        async with self._database.transaction() as connection:
            backfill = _known(await backfills.by_id(connection, backfill_id, lock=True), backfill_id)
            if not can(principal, Action.CHANGE, owner_id=backfill.owner_id):
                raise NotAllowed(f"{backfill.project} is not yours: only its owner and admins may.")
            if backfill.state is BackfillState.RUNNING:
                await backfills.finish(connection, backfill_id, BackfillState.CANCELLED, by=principal.name)
                active = await backfills.active_trainings(connection, backfill_id)
                asked = await trainings.ask_to_stop(
                    connection, active, by=principal.name, reason=Reason.STOPPED_BY_USER
                )
                told = [(id_, f"{principal.name} cancelled its backfill.") for id_ in asked]
                await records.add_events(connection, told, reason="StopRequested")
                await audit.record(connection, principal.name, "backfill.cancel", f"backfill/{backfill_id}")
        return await self.get(principal, backfill_id)

    async def advance(self) -> int:
        """Carry on each running backfill that nobody else is at; how many trainings that started."""
        started, after = 0, _FIRST
        while True:
            async with self._database.transaction() as connection:
                running = await backfills.lock_running(connection, after)
                if running is None:
                    return started
                started += await self._step(connection, running)
            after = running.id

    async def _step(self, connection: AsyncConnection, running: Running) -> int:
        project = await projects.by_id(connection, running.project_id)
        if project is None:
            await backfills.finish(connection, running.id, BackfillState.CANCELLED)
            return 0
        if not running.waiting:
            if not running.active:
                await backfills.finish(connection, running.id, BackfillState.DONE)
            return 0
        free = running.concurrency - running.active
        times = await backfills.waiting_times(connection, running.id, free) if free > 0 else []
        if not times:
            return 0
        request = from_json(running.request, LaunchRequest)
        try:
            version, spec = await freeze(connection, project, request, self._settings)
        except InvalidInput as exc:
            refused = [BackfillTime(at, BackfillOutcome.REFUSED, exc.detail) for at in times]
            await backfills.set_times(connection, running.id, refused)
            return 0
        news = [
            NewTraining(
                _training(project, running, place, replace(spec, scheduled_for=at)),
                project.owner_id,
                version.id,
                request.notes,
                backfill_id=running.id,
            )
            for place, at in enumerate(times, start=1)
        ]
        await projects.set_numbers(connection, {project.id: project.last_number + len(news)})
        await trainings.add_many(connection, news)
        told = [(new.training.id, f"Started by the backfill of {running.created_by}.") for new in news]
        await records.add_events(connection, told, reason="Queued")
        started = [
            BackfillTime(at, BackfillOutcome.STARTED, training_id=new.training.id)
            for at, new in zip(times, news, strict=True)
        ]
        await backfills.set_times(connection, running.id, started)
        return len(started)


def _training(project: Project, running: Running, place: int, spec: TrainingSpec) -> Training:
    return Training(
        id=new_id(),
        project_id=project.id,
        project=project.name,
        number=project.last_number + place,
        spec=spec,
        trigger=Trigger.BACKFILL,
        created_at=running.now,
        created_by=running.created_by,
        intent_gen=1,
        counts=TaskCounts(spec.run.total_tasks),
    )


def _wrong(start: datetime | None, end: datetime | None, now: datetime, concurrency: int) -> Iterator[FieldError]:
    if start is not None and start < EARLIEST:
        yield FieldError("/from", f"Nothing was due before {rfc3339(EARLIEST)}; choose a later start.")
    if start is not None and end is not None and end <= start:
        yield FieldError("/to", "The end is not after the start; choose a later one.")
    if end is not None and end > now:
        yield FieldError("/to", f"A backfill is of the past; use a time up to {rfc3339(now.replace(microsecond=0))}.")
    if not 1 <= concurrency <= CONCURRENCY_MAX:
        yield FieldError("/concurrency", f"{concurrency} is not possible; use 1 to {CONCURRENCY_MAX}.")


def _check_times(times: list[datetime]) -> None:
    if not times:
        detail = "Nothing was due in that range; choose another one."
        raise InvalidInput(detail, errors=[FieldError("/from", detail)])
    if len(times) > TIMES_MAX:
        detail = f"More than {TIMES_MAX:,} times were due in that range; choose a shorter one."
        raise InvalidInput(detail, errors=[FieldError("/to", detail)])


def _known(backfill: Backfill | None, backfill_id: UUID) -> Backfill:
    if backfill is None:
        raise NotFound(f"There is no backfill {backfill_id}.")
    return backfill
