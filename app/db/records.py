"""What is read below a training: tasks with their tries, and events. And the events that TaaS itself writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, case, select, text, tuple_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import usage
from app.db.ids import new_id
from app.db.keyset import fetch_page
from app.db.tables import attempts, events, task_usage, tasks
from app.domain.paging import Page, PageRequest
from app.domain.project import ROLE_ORDER
from app.domain.record import AttemptRecord, EventRecord, LastSuccess, TaskRecord
from app.domain.training import LogVerdict, TaskKey, TaskState, Training

_ROLE_PLACE = case(
    *((tasks.c.role == role, place) for place, role in enumerate(ROLE_ORDER)), else_=len(ROLE_ORDER)
).label("place")


# Only so many are looked at: a project that fails for months need not be searched to its beginning.
_SUCCESS = text("""
    SELECT id, number, spec->>'algorithm' AS algorithm, CAST(spec->>'version' AS int) AS version
    FROM (SELECT id, number, state, spec FROM trainings WHERE project_id = :project AND id < :id
          ORDER BY id DESC LIMIT 300) before
    WHERE state = 'succeeded' ORDER BY id DESC LIMIT 1
""")
_ADD_EVENTS = text("""
    INSERT INTO events (id, training_id, key, source, severity, reason, message, first_at, last_at)
    SELECT id, training_id, id::text, 'taas', :severity, :reason, message, now(), now()
    FROM jsonb_to_recordset(:rows) AS r(id uuid, training_id uuid, message text)
""").bindparams(bindparam("rows", type_=JSONB))
_TRIED_AGAIN = text("""
    SELECT role, index, count(*) AS tried FROM attempts WHERE training_id = :training_id
    GROUP BY role, index HAVING count(*) > 1
""")


async def success_before(connection: AsyncConnection, training: Training) -> LastSuccess | None:
    """None when none of the project's last runs before it succeeded."""
    row = (await connection.execute(_SUCCESS, {"project": training.project_id, "id": training.id})).first()
    return LastSuccess(row.id, row.number, row.algorithm, row.version) if row else None


async def tasks_page(connection: AsyncConnection, training_id: UUID, request: PageRequest) -> Page[TaskRecord]:
    """A training's tasks by role (in their usual order) and index, each with all its tries and what it uses."""
    query: Select[Any] = (
        select(tasks, _ROLE_PLACE, *usage.COLUMNS).outerjoin(task_usage).where(tasks.c.training_id == training_id)
    )
    key = (_ROLE_PLACE, tasks.c.role, tasks.c.index)
    found = await fetch_page(connection, query, request, key=key, make=lambda row: row)
    tries = await tries_of(connection, training_id, [_key_of(row) for row in found.items])
    return found.map(lambda row: _task_of(row, len(tries[_key_of(row)]), tries[_key_of(row)]))


async def all_tasks(connection: AsyncConnection, training_id: UUID) -> list[TaskRecord]:
    """All of a training's tasks in the order of `tasks_page`, with the number of their tries but without these."""
    query = (
        select(tasks, *usage.COLUMNS)
        .outerjoin(task_usage)
        .where(tasks.c.training_id == training_id)
        .order_by(_ROLE_PLACE, tasks.c.role, tasks.c.index)
    )
    rows = (await connection.execute(query)).all()
    counts = {_key_of(row): row.tried for row in await connection.execute(_TRIED_AGAIN, {"training_id": training_id})}
    return [_task_of(row, counts.get(_key_of(row), 0)) for row in rows]


async def tries_of(
    connection: AsyncConnection, training_id: UUID, keys: Sequence[TaskKey]
) -> dict[TaskKey, list[AttemptRecord]]:
    """The tries of these tasks, the first one first; a task without any is not named."""
    found: dict[TaskKey, list[AttemptRecord]] = defaultdict(list)
    if not keys:
        return found
    query = (
        select(attempts)
        .where(
            attempts.c.training_id == training_id,
            tuple_(attempts.c.role, attempts.c.index).in_([(key.role, key.index) for key in keys]),
        )
        .order_by(attempts.c.role, attempts.c.index, attempts.c.number)
    )
    for row in await connection.execute(query):
        found[_key_of(row)].append(_attempt_of(row))
    return found


async def events_page(connection: AsyncConnection, training_id: UUID, request: PageRequest) -> Page[EventRecord]:
    """A training's events, in the order in which they were first told."""
    query = select(events).where(events.c.training_id == training_id)
    return await fetch_page(connection, query, request, key=(events.c.id,), make=_event_of)


async def add_event(
    connection: AsyncConnection, training_id: UUID, *, reason: str, message: str, severity: str = "normal"
) -> None:
    """Something that TaaS did or was asked to do."""
    await add_events(connection, [(training_id, message)], reason=reason, severity=severity)


async def add_events(
    connection: AsyncConnection, told: Sequence[tuple[UUID, str]], *, reason: str, severity: str = "normal"
) -> None:
    """The same of several trainings, each with its message, in one statement."""
    if not told:
        return
    rows = [{"id": str(new_id()), "training_id": str(training_id), "message": text} for training_id, text in told]
    await connection.execute(_ADD_EVENTS, {"rows": rows, "reason": reason, "severity": severity})


def _key_of(row: Row[Any]) -> TaskKey:
    return TaskKey(row.role, row._mapping["index"])  # `row.index` is a method of every row


def _task_of(row: Row[Any], tried: int, tries: Sequence[AttemptRecord] = ()) -> TaskRecord:
    return TaskRecord(
        key=_key_of(row),
        state=TaskState(row.state),
        message=row.message,
        node=row.node,
        tries=max(row.attempts, tried),
        exit_code=row.exit_code,
        started_at=row.started_at,
        finished_at=row.finished_at,
        attempts=tuple(tries),
        usage=usage.of_row(row),
    )


def _attempt_of(row: Row[Any]) -> AttemptRecord:
    return AttemptRecord(
        number=row.number,
        pod=row.pod_name,
        node=row.node,
        state=row.state,
        exit_code=row.exit_code,
        reason=row.reason,
        message=row.message,
        created_at=row.created_at,
        scheduled_at=row.scheduled_at,
        sandbox_at=row.sandbox_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        log_bytes=row.log_bytes,
        log_lines=row.log_lines,
        log_verdict=LogVerdict(row.log_verdict) if row.log_verdict else None,
        log_missing_lines=row.log_missing_lines,
    )


def _event_of(row: Row[Any]) -> EventRecord:
    return EventRecord(
        id=row.id,
        source=row.source,
        severity=row.severity,
        reason=row.reason,
        object=row.object,
        message=row.message,
        count=row._mapping["count"],
        first_at=row.first_at,
        last_at=row.last_at,
    )
