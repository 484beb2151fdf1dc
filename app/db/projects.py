"""Rows of projects and their sealed variables. A deleted project keeps its row: its records point at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Row, Select, Uuid, bindparam, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.codec import from_json, to_json
from app.db.keyset import fetch_page
from app.db.tables import algorithms, follows, hooks, project_secrets, projects, schedules, trainings, users
from app.domain.paging import Page, PageRequest
from app.domain.project import LastTraining, Project, ProjectFilter, ProjectSpec, Timing
from app.domain.training import ENDED, State


async def add(connection: AsyncConnection, project: Project) -> bool:
    """False when a project of that name is there."""
    statement = (
        insert(projects)
        .values(
            id=project.id,
            name=project.name,
            owner_id=project.owner_id,
            algorithm_id=project.algorithm_id,
            spec=to_json(project.spec),
            notes=project.notes,
            tags=list(project.tags),
            created_at=project.created_at,
            updated_at=project.updated_at,
        )
        .on_conflict_do_nothing(index_elements=["name"], index_where=projects.c.deleted_at.is_(None))
        .returning(projects.c.id)
    )
    return (await connection.execute(statement)).first() is not None


async def by_name(connection: AsyncConnection, name: str, *, lock: bool = False) -> Project | None:
    """The project of that name, unless it is deleted; `lock` holds its row until the transaction ends.

    Rows that only refer to it can be written meanwhile: a worker's, among others, which may have to go first.
    """
    query = _query().where(projects.c.name == name, projects.c.deleted_at.is_(None))
    if lock:
        query = query.with_for_update(of=projects, key_share=True)
    row = (await connection.execute(query)).first()
    return _project_of(row) if row else None


async def by_id(connection: AsyncConnection, project_id: UUID, *, lock: bool = False) -> Project | None:
    """The project with that id, unless it is deleted."""
    query = _query().where(projects.c.id == project_id, projects.c.deleted_at.is_(None))
    if lock:
        query = query.with_for_update(of=projects, key_share=True)
    row = (await connection.execute(query)).first()
    return _project_of(row) if row else None


async def page(connection: AsyncConnection, which: ProjectFilter, request: PageRequest) -> Page[Project]:
    """Projects by name."""
    query = _query().where(projects.c.deleted_at.is_(None))
    if which.owner is not None:
        query = query.where(users.c.name == which.owner)
    if which.tag is not None:
        query = query.where(projects.c.tags.any(which.tag))
    if which.algorithm is not None:
        named = select(algorithms.c.id).where(algorithms.c.name == which.algorithm)
        query = query.where(projects.c.algorithm_id.in_(named))
    return await fetch_page(connection, query, request, key=(projects.c.name,), make=_project_of)


async def save(connection: AsyncConnection, project: Project) -> None:
    """Write an edited project over its row, which the caller holds locked, as its next revision."""
    statement = (
        update(projects)
        .where(projects.c.id == project.id)
        .values(
            algorithm_id=project.algorithm_id,
            spec=to_json(project.spec),
            notes=project.notes,
            tags=list(project.tags),
            revision=project.revision,
            updated_at=project.updated_at,
        )
    )
    await connection.execute(statement)


async def mark_deleted(connection: AsyncConnection, project_id: UUID) -> None:
    """Give the name free; secrets, hooks and what follows what go, the row stays."""
    await connection.execute(delete(project_secrets).where(project_secrets.c.project_id == project_id))
    await connection.execute(delete(hooks).where(hooks.c.project_id == project_id))
    await connection.execute(
        delete(follows).where(or_(follows.c.project_id == project_id, follows.c.upstream_id == project_id))
    )
    await connection.execute(update(projects).where(projects.c.id == project_id).values(deleted_at=func.now()))


async def has_live_trainings(connection: AsyncConnection, project_id: UUID) -> bool:
    """Whether one of its trainings has not ended."""
    live = select(trainings.c.id).where(
        trainings.c.project_id == project_id, trainings.c.state.not_in([state.value for state in ENDED])
    )
    return bool((await connection.execute(select(live.exists()))).scalar_one())


async def take_number(connection: AsyncConnection, project_id: UUID) -> int | None:
    """The next training's number; the row stays locked until the transaction ends. None when it is deleted."""
    statement = (
        update(projects)
        .where(projects.c.id == project_id, projects.c.deleted_at.is_(None))
        .values(last_number=projects.c.last_number + 1)
        .returning(projects.c.last_number)
    )
    return (await connection.execute(statement)).scalar_one_or_none()


async def set_numbers(connection: AsyncConnection, numbers: Mapping[UUID, int]) -> None:
    """The numbers of the newest trainings of several projects, whose rows the caller holds."""
    statement = text(
        "UPDATE projects p SET last_number = w.number FROM unnest(:ids, :numbers) AS w(id, number) WHERE p.id = w.id"
    ).bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("numbers", type_=ARRAY(Integer)))
    await connection.execute(statement, {"ids": list(numbers), "numbers": list(numbers.values())})


async def put_secrets(connection: AsyncConnection, project_id: UUID, sealed: Mapping[str, bytes]) -> None:
    """Set variables to sealed values, over older ones."""
    if not sealed:
        return
    statement = insert(project_secrets).values(
        [{"project_id": project_id, "name": name, "value": value} for name, value in sealed.items()]
    )
    statement = statement.on_conflict_do_update(
        index_elements=["project_id", "name"], set_={"value": statement.excluded.value, "updated_at": func.now()}
    )
    await connection.execute(statement)


async def remove_secrets(connection: AsyncConnection, project_id: UUID, names: Sequence[str]) -> None:
    """Forget variables; those that are not there are fine."""
    await connection.execute(
        delete(project_secrets).where(project_secrets.c.project_id == project_id, project_secrets.c.name.in_(names))
    )


async def secrets(connection: AsyncConnection, project_id: UUID) -> dict[str, bytes]:
    """Every sealed variable."""
    query = select(project_secrets.c.name, project_secrets.c.value).where(project_secrets.c.project_id == project_id)
    return {row.name: row.value for row in await connection.execute(query)}


def _query() -> Select[Any]:
    secret_names = (
        select(func.array_agg(project_secrets.c.name))
        .where(project_secrets.c.project_id == projects.c.id)
        .scalar_subquery()
        .label("secret_names")
    )
    timing = (schedules.c.next_at, schedules.c.paused_at, schedules.c.paused_by, schedules.c.paused_reason)
    standing = (schedules.c.project_id.label("timed"), schedules.c.resumed_at, *timing)
    newest = (
        trainings.c.id.label("last_id"),
        trainings.c.state.label("last_state"),
        trainings.c.created_at.label("last_at"),
    )
    query = select(projects, users.c.name.label("owner"), secret_names, *standing, *newest).join_from(projects, users)
    is_last = (trainings.c.project_id == projects.c.id) & (trainings.c.number == projects.c.last_number)
    return query.outerjoin(schedules, schedules.c.project_id == projects.c.id).outerjoin(trainings, is_last)


def _project_of(row: Row[Any]) -> Project:
    return Project(
        id=row.id,
        name=row.name,
        owner_id=row.owner_id,
        owner=row.owner,
        algorithm_id=row.algorithm_id,
        spec=from_json(row.spec, ProjectSpec),
        created_at=row.created_at,
        updated_at=row.updated_at,
        notes=row.notes,
        tags=tuple(row.tags),
        revision=row.revision,
        last_number=row.last_number,
        secret_names=tuple(sorted(row.secret_names or ())),
        timing=_timing_of(row) if row.timed else None,
        last=LastTraining(row.last_id, row.last_number, State(row.last_state), row.last_at) if row.last_id else None,
    )


def _timing_of(row: Row[Any]) -> Timing:
    if row.paused_at is None or row.resumed_at is not None:
        return Timing(row.next_at)
    return Timing(row.next_at, row.paused_at, row.paused_by, row.paused_reason)
