"""Firing: every due time becomes one training, or one row that says why not.

A batch is one transaction over schedules whose rows nobody else holds, in as many statements for 500 of them as for
one. It happens whole or not at all, so a process that dies in the middle loses nothing and doubles nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app import telemetry
from app.db import due_times, handovers, notices, projects, records, schedule_changes, schedules, trainings
from app.db.engine import Database
from app.db.handovers import Replacement
from app.db.ids import new_id
from app.db.schedules import Advance, DueProject
from app.db.trainings import NewTraining
from app.domain import due_sentences
from app.domain.backlog import Slice, next_slice
from app.domain.firing import Active, Outcome, Sight, failed_too_often, plan
from app.domain.notice import NoticeKind
from app.domain.pauses import Spell
from app.domain.schedule import Overlap, Schedule
from app.domain.timed import DueOutcome, DueTime, PausedBy
from app.domain.topology import rfc3339
from app.domain.training import State, TaskCounts, Training, TrainingSpec, Trigger
from app.errors import InvalidInput
from app.services.checked import Basis, Checked
from app.services.freeze import Ingredients, LaunchRequest, assemble, look_up
from app.services.handovers import make_room
from app.services.pauses import pauses_of
from app.settings import Settings

BATCH = 500
BY = "schedule"
_AS_THE_PROJECT_SAYS = LaunchRequest()
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fired:
    """What one batch did. `full`: there may be more that is due."""

    schedules: int = 0
    trainings: int = 0
    full: bool = False


@dataclass(slots=True)
class _Batch:
    """Everything that one transaction is going to write."""

    rows: list[DueTime] = field(default_factory=list)
    news: list[NewTraining] = field(default_factory=list)
    replacements: list[Replacement] = field(default_factory=list)
    events: list[tuple[UUID, str]] = field(default_factory=list)
    numbers: dict[UUID, int] = field(default_factory=dict)
    advances: list[Advance] = field(default_factory=list)
    names: dict[UUID, str] = field(default_factory=dict)


class FiringService:
    """Any number of processes may fire at once. The database's clock says what is due."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._checked = Checked()

    async def seconds_to_next(self) -> float | None:
        """How long until something is due; None when nothing will be."""
        async with self._database.read() as connection:
            return await schedules.seconds_to_next(connection)

    async def fire(self, *, now: datetime | None = None, most: int = BATCH, sight: Sight = Sight.CLEAR) -> Fired:
        """Handle at most `most` schedules that are due. `now` is for tests: else the database's clock decides."""
        async with self._database.transaction() as connection:
            due = await schedules.lock_due(connection, most=most, now=now, sight=sight)
            if not due:
                return Fired()
            full = len(due) == most
            going = await self._pause_failing(connection, due)
            batch = await self._planned(connection, going)
            await _write(connection, batch)
        for new in batch.news:
            made, due_at = new.training.created_at, new.training.spec.scheduled_for
            telemetry.LATENESS.observe((made - due_at).total_seconds() if due_at else 0.0)
        return Fired(len(due), len(batch.news), full)

    async def pause_failing(self) -> int:
        """Pause those whose latest trainings failed too often in a row; how many there were."""
        async with self._database.transaction() as connection:
            suspects = await schedules.lock_suspects(connection)
            return len(suspects) - len(await self._pause_failing(connection, suspects))

    async def _pause_failing(self, connection: AsyncConnection, due: list[DueProject]) -> list[DueProject]:
        """Those that may go on."""
        limited = [one for one in due if _schedule(one).stop_after_failures is not None]
        if not limited:
            return due
        ends = await schedules.latest_ends(connection, [one.state.project_id for one in limited])
        failing = [one for one in limited if failed_too_often(_schedule(one), ends[one.state.project_id])]
        for one in failing:
            project_id = one.state.project_id
            # What is due already falls into the pause: it starts nothing either.
            since = min(one.now, one.state.next_at or one.now)
            await schedules.pause(connection, [project_id], since=since, by="TaaS", reason=PausedBy.FAILURES)
            message = due_sentences.paused_by_failures(_schedule(one).stop_after_failures or 0)
            await schedule_changes.paused(connection, project_id, by="TaaS", reason=PausedBy.FAILURES, message=message)
            data = {"project": one.name, "message": message}
            await notices.tell(connection, NoticeKind.SCHEDULE_PAUSED, project_id=project_id, data=data)
        stopped = {one.state.project_id for one in failing}
        return [one for one in due if one.state.project_id not in stopped]

    async def _planned(self, connection: AsyncConnection, due: list[DueProject]) -> _Batch:
        batch = _Batch()
        slices = {one.state.project_id: taken for one in due if (taken := _slice(one, batch)) is not None}
        wanted = [(project_id, moment) for project_id, taken in slices.items() for moment in taken.due]
        if not wanted:
            return batch
        handled = await due_times.handled(connection, wanted)
        active = await handovers.active_of(connection, list(slices))
        pauses = await pauses_of(connection, [one.state for one in due])
        found = await look_up(connection, [one.spec for one in due], _AS_THE_PROJECT_SAYS)
        for one in due:
            project_id = one.state.project_id
            if (taken := slices.get(project_id)) is None:
                continue
            fresh = replace(taken, due=tuple(m for m in taken.due if (project_id, m) not in handled))
            self._plan(batch, one, fresh, active[project_id], pauses.get(project_id, ()), found)
        return batch

    def _plan(
        self,
        batch: _Batch,
        one: DueProject,
        taken: Slice,
        active: Sequence[Active],
        spells: Sequence[Spell],
        found: Ingredients,
    ) -> None:
        project_id, pause = one.state.project_id, one.state.pause
        outcomes = plan(_schedule(one), taken.due, one.now, active, pause=pause, spells=spells, later=taken.later)
        frozen = self._frozen(one, found) if any(outcome.verdict.makes_training for outcome in outcomes) else ""
        batch.names[project_id] = one.name
        for outcome in outcomes:
            row = DueTime(project_id, outcome.due, DueOutcome.of(outcome), outcome.cause, outcome.message)
            if outcome.verdict.makes_training:
                if isinstance(frozen, str):
                    row = replace(row, outcome=DueOutcome.REFUSED, message=frozen)
                else:
                    row = replace(row, training_id=_add(batch, one, outcome, *frozen))
            elif taken.folded:
                row = replace(row, message=due_sentences.folded(row.message, taken.folded), folded=taken.folded)
            batch.rows.append(row)

    def _frozen(self, one: DueProject, found: Ingredients) -> tuple[UUID, TrainingSpec] | str:
        """The version's id and the spec; or the sentence that says why the project cannot be started."""
        project_id, request = one.state.project_id, _AS_THE_PROJECT_SAYS
        version = found.version(one.spec, request)
        basis = Basis(one.revision, version.id if version else None, found.storage(one.spec))
        check = not self._checked.good(project_id, basis)
        try:
            version, spec = assemble(project_id, one.name, one.spec, request, found, self._settings, check=check)
        except InvalidInput as exc:
            return exc.detail
        self._checked.remember(project_id, basis)
        return version.id, spec


async def _write(connection: AsyncConnection, batch: _Batch) -> None:
    if batch.news:
        await projects.set_numbers(connection, batch.numbers)
        await trainings.add_many(connection, batch.news)
        await records.add_events(connection, batch.events, reason="Queued")
        await make_room(connection, batch.replacements, by=BY)
    if batch.rows:
        await due_times.add(connection, batch.rows)
        await _tell(connection, batch)
    await schedules.advance(connection, batch.advances)


async def _tell(connection: AsyncConnection, batch: _Batch) -> None:
    """One notice for all times of a project that came to nothing together, for the same reason, as at a pause's end."""
    silent = [row for row in batch.rows if row.training_id is None]
    if not silent:
        return
    wanted = await notices.wanted(connection, NoticeKind.MISSED, [row.project_id for row in silent])
    alike: dict[tuple[UUID, DueOutcome, str], list[DueTime]] = defaultdict(list)
    for row in silent:
        if row.project_id in wanted:
            alike[row.project_id, row.outcome, row.message].append(row)
    for (project_id, outcome, message), rows in alike.items():
        first = rows[0].due_at
        data: dict[str, Any] = {
            "project": batch.names[project_id],
            "scheduled_for": rfc3339(first),
            "outcome": outcome.value,
            "message": message,
        }
        if len(rows) > 1:
            data |= {"times": len(rows), "last_scheduled_for": rfc3339(rows[-1].due_at)}
        key = f"missed:{project_id}:{first.isoformat()}"
        await notices.tell(connection, NoticeKind.MISSED, project_id=project_id, key=key, data=data)


def _slice(one: DueProject, batch: _Batch) -> Slice | None:
    """What is due of it now, and the batch knows where it stands then. None: the schedule cannot be computed."""
    state = one.state
    try:
        taken = next_slice(_schedule(one), state.handled_until, one.now, state.anchor)
    except ValueError as exc:
        # Such as a time zone that this installation does not know any more. Nobody else waits for it.
        _log.error("a schedule cannot be computed", project=one.name, problem=str(exc))
        due_at = state.next_at or one.now
        batch.rows.append(DueTime(state.project_id, due_at, DueOutcome.REFUSED, message=str(exc)))
        batch.names[state.project_id] = one.name
        batch.advances.append(Advance(state.project_id, None, due_at))
        return None
    until = taken.due[-1] if taken.due else state.handled_until
    batch.advances.append(Advance(state.project_id, taken.next_at, until))
    return taken


def _add(batch: _Batch, one: DueProject, outcome: Outcome, version_id: UUID, spec: TrainingSpec) -> UUID:
    project_id = one.state.project_id
    number = batch.numbers.get(project_id, one.last_number) + 1
    training = Training(
        id=new_id(),
        project_id=project_id,
        project=one.name,
        number=number,
        spec=replace(spec, scheduled_for=outcome.due),
        trigger=Trigger.SCHEDULE,
        created_at=one.now,
        created_by=BY,
        intent_gen=1,
        state=State.QUEUED,
        counts=TaskCounts(spec.run.total_tasks),
        replaces=outcome.replaces[-1] if outcome.replaces else None,
    )
    exclusive = _schedule(one).overlap is not Overlap.ALLOW
    batch.numbers[project_id] = number
    batch.news.append(NewTraining(training, one.owner_id, version_id, exclusive=exclusive))
    batch.replacements += [Replacement(old, training.id) for old in outcome.replaces]
    started = f"Started by its schedule, due at {rfc3339(outcome.due)}. {outcome.message}"
    batch.events.append((training.id, started.rstrip()))
    return training.id


def _schedule(one: DueProject) -> Schedule:
    return one.spec.schedule or Schedule()
