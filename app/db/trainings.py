"""Rows of trainings as the web sees them: it reads everything, and writes new ones and what is asked of them.

Status columns belong to the worker. What is asked (`intent`) bumps `intent_gen`, so that the row is due.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Row, Text, Uuid, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import notify
from app.db.codec import from_json, to_json
from app.db.keyset import fetch_page
from app.db.tables import algorithms, projects, trainings, users, versions
from app.domain.paging import Page, PageRequest
from app.domain.record import TrainingFilter, TrainingRecord
from app.domain.training import (
    ENDED,
    NamespaceState,
    Reason,
    State,
    TaskCounts,
    Training,
    TrainingSpec,
    Trigger,
)

CHANNEL = "trainings"
_LIVE = [state.value for state in State if state not in ENDED]


_ADD = text("""
    INSERT INTO trainings (id, project_id, project, owner_id, number, spec, version_id, trigger, scheduled_for,
                           replaces, retry_of, backfill_id, exclusive, notes, created_by, created_at, intent_gen,
                           tasks_total)
    SELECT r.* FROM jsonb_to_recordset(:rows) AS r(
        id uuid, project_id uuid, project text, owner_id uuid, number int, spec jsonb, version_id uuid, trigger text,
        scheduled_for timestamptz, replaces uuid, retry_of uuid, backfill_id uuid, exclusive boolean, notes text,
        created_by text, created_at timestamptz, intent_gen bigint, tasks_total int)
""").bindparams(bindparam("rows", type_=JSONB))
_ADD_TASKS = text("""
    INSERT INTO tasks (training_id, role, "index")
    SELECT wanted.id, wanted.role, generate_series(0, wanted.count - 1)
    FROM unnest(:ids, :roles, :counts) AS wanted(id, role, count)
""").bindparams(
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("roles", type_=ARRAY(Text)),
    bindparam("counts", type_=ARRAY(Integer)),
)


@dataclass(frozen=True, slots=True)
class NewTraining:
    """A training to be queued. `exclusive`: it never runs beside another exclusive one of its project."""

    training: Training
    owner_id: UUID
    version_id: UUID
    notes: str = ""
    exclusive: bool = False
    backfill_id: UUID | None = None


async def add(connection: AsyncConnection, training: Training, *, owner_id: UUID, version_id: UUID, notes: str) -> None:
    """One new training that may run beside others."""
    await add_many(connection, [NewTraining(training, owner_id, version_id, notes)])


async def add_many(connection: AsyncConnection, news: Sequence[NewTraining]) -> None:
    """New trainings with every task that they will have, in as many statements for 1,000 as for one."""
    tasks = [
        (new.training.id, role, wanted.count) for new in news for role, wanted in new.training.spec.run.roles.items()
    ]
    await connection.execute(_ADD, {"rows": [_values(new) for new in news]})
    await connection.execute(
        _ADD_TASKS,
        {
            "ids": [id_ for id_, _, _ in tasks],
            "roles": [role for _, role, _ in tasks],
            "counts": [n for *_, n in tasks],
        },
    )
    for new in news:
        notify.publish(connection, CHANNEL, new.training.id)


def _values(new: NewTraining) -> dict[str, Any]:
    training = new.training
    values: dict[str, Any] = to_json(
        {
            "id": training.id,
            "project_id": training.project_id,
            "project": training.project,
            "owner_id": new.owner_id,
            "number": training.number,
            "spec": training.spec,
            "version_id": new.version_id,
            "trigger": training.trigger,
            "scheduled_for": training.spec.scheduled_for,
            "replaces": training.replaces,
            "retry_of": training.retry_of,
            "backfill_id": new.backfill_id,
            "exclusive": new.exclusive,
            "notes": new.notes,
            "created_by": training.created_by,
            "created_at": training.created_at,
            "intent_gen": training.intent_gen,
            "tasks_total": training.counts.total,
        }
    )
    return values


async def by_id(connection: AsyncConnection, training_id: UUID) -> TrainingRecord | None:
    row = (await connection.execute(select(trainings).where(trainings.c.id == training_id))).first()
    return record_of(row) if row else None


async def revision(connection: AsyncConnection, training_id: UUID) -> str | None:
    """What `TrainingRecord.revision` would be, without reading the rest of the row."""
    query = select(trainings.c.intent_gen, trainings.c.status_gen).where(trainings.c.id == training_id)
    row = (await connection.execute(query)).first()
    return _revision(row) if row else None


async def page(connection: AsyncConnection, which: TrainingFilter, request: PageRequest) -> Page[TrainingRecord]:
    """Trainings, the newest first."""
    query = select(trainings)
    if which.project is not None:
        query = query.where(await _of_project(connection, which.project))
    if which.states:
        query = query.where(trainings.c.state.in_(which.states))
    if which.trigger is not None:
        query = query.where(trainings.c.trigger == which.trigger)
    if which.created_after is not None:
        query = query.where(trainings.c.created_at > which.created_after)
    if which.reason is not None:
        query = query.where(trainings.c.reason == which.reason)
    if which.owner is not None:
        owner = select(users.c.id).where(users.c.name == which.owner)
        query = query.where(trainings.c.owner_id.in_((await connection.execute(owner)).scalars().all()))
    if which.algorithm is not None:
        query = query.where(await _of_version(connection, which.algorithm, which.version))
    return await fetch_page(connection, query, request, key=(trainings.c.id,), make=record_of, descending=True)


async def by_ids(connection: AsyncConnection, ids: Sequence[UUID]) -> list[TrainingRecord]:
    """Those of `ids` that are there."""
    return [record_of(row) for row in await connection.execute(select(trainings).where(trainings.c.id.in_(ids)))]


async def live_ids(connection: AsyncConnection, project: str, limit: int) -> list[UUID]:
    """The ids of a project's trainings that have not ended, oldest first."""
    query = select(trainings.c.id).where(await _of_project(connection, project), trainings.c.state.in_(_LIVE))
    return list((await connection.execute(query.order_by(trainings.c.id).limit(limit))).scalars())


async def ask_to_stop(connection: AsyncConnection, ids: Sequence[UUID], *, by: str, reason: Reason) -> list[UUID]:
    """Ask live trainings to stop; those that were asked before keep the first wish. The ids newly asked."""
    # Locked in order of their ids, as everybody does who takes several.
    ordered = select(trainings.c.id).where(trainings.c.id.in_(ids)).order_by(trainings.c.id).with_for_update()
    statement = (
        update(trainings)
        .where(trainings.c.id.in_(ordered), trainings.c.state.in_(_LIVE), trainings.c.stop_requested_at.is_(None))
        .values(
            stop_requested_at=func.now(),
            stop_requested_by=by,
            stop_reason=reason,
            intent_gen=trainings.c.intent_gen + 1,
        )
        .returning(trainings.c.id)
    )
    asked = list((await connection.execute(statement)).scalars())
    for training_id in asked:
        notify.publish(connection, CHANNEL, training_id)
    return asked


async def set_notes(connection: AsyncConnection, training_id: UUID, notes: str) -> None:
    """Notes are nobody's business but the reader's: no worker is woken, but whoever watches the record is told."""
    await connection.execute(
        update(trainings)
        .where(trainings.c.id == training_id)
        .values(notes=notes, status_gen=trainings.c.status_gen + 1)
    )
    notify.publish(connection, CHANNEL, training_id)


async def _of_project(connection: AsyncConnection, name: str) -> ColumnElement[bool]:
    """By the project's id, which is indexed together with the order of lists; deleted namesakes count too."""
    found = list((await connection.execute(select(projects.c.id).where(projects.c.name == name))).scalars())
    return trainings.c.project_id == found[0] if len(found) == 1 else trainings.c.project_id.in_(found)


async def _of_version(connection: AsyncConnection, name: str, number: int | None) -> ColumnElement[bool]:
    """By the ids of the algorithm's versions, so that the index on them serves the list."""
    query = select(versions.c.id).join_from(versions, algorithms).where(algorithms.c.name == name)
    if number is not None:
        query = query.where(versions.c.number == number)
    found = list((await connection.execute(query)).scalars())
    return trainings.c.version_id == found[0] if len(found) == 1 else trainings.c.version_id.in_(found)


def training_of(row: Row[Any]) -> Training:
    """The domain's value of a row of `trainings`."""
    return Training(
        id=row.id,
        project_id=row.project_id,
        project=row.project,
        number=row.number,
        spec=from_json(row.spec, TrainingSpec),
        trigger=Trigger(row.trigger),
        created_at=row.created_at,
        created_by=row.created_by,
        intent_gen=row.intent_gen,
        stop_requested_at=row.stop_requested_at,
        stop_requested_by=row.stop_requested_by,
        stop_reason=Reason(row.stop_reason) if row.stop_reason else None,
        state=State(row.state),
        reason=Reason(row.reason) if row.reason else None,
        message=row.message,
        namespace=row.namespace,
        namespace_uid=row.namespace_uid,
        namespace_state=NamespaceState(row.namespace_state),
        namespace_message=row.namespace_message,
        counts=TaskCounts(row.tasks_total, row.tasks_running, row.tasks_succeeded, row.tasks_failed),
        starting_at=row.starting_at,
        started_at=row.started_at,
        stopping_at=row.stopping_at,
        finished_at=row.finished_at,
        archived_at=row.archived_at,
        replaces=row.replaces,
        replaced_by=row.replaced_by,
        retry_of=row.retry_of,
    )


def record_of(row: Row[Any]) -> TrainingRecord:
    """The training and what only its readers care about."""
    return TrainingRecord(
        training=training_of(row),
        owner_id=row.owner_id,
        version_id=row.version_id,
        notes=row.notes,
        logs_removed_at=row.logs_removed_at,
        backfill_id=row.backfill_id,
        namespace_message=row.namespace_message,
        revision=_revision(row),
    )


def _revision(row: Row[Any]) -> str:
    return f"{row.intent_gen}.{row.status_gen}"
