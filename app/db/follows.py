"""Rows of projects that follow others, and of the starts that each success asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.codec import to_json
from app.db.keyset import fetch_page
from app.db.tables import follow_starts, follows, projects, trainings, users
from app.db.trainings import training_of
from app.domain.access import Principal, UserRole
from app.domain.chain import Follow, FollowStart
from app.domain.paging import Page, PageRequest
from app.domain.training import State, Training

# One number for all of them: two edits at once could each close half of a circle.
_LOCK = text("SELECT pg_advisory_xact_lock(70017)")
_SUCCEEDED = text("""
    INSERT INTO follow_starts (follow_id, upstream_id)
    SELECT id, CAST(:training_id AS uuid) FROM follows WHERE upstream_id = :project_id
    ON CONFLICT DO NOTHING
""")
_after = projects.alias("after")
_before = projects.alias("before")


@dataclass(frozen=True, slots=True)
class DueStart:
    """A start to carry out: of what, after which training, with whose rights."""

    follow: Follow
    upstream: Training
    owner: Principal
    owner_disabled: bool


async def lock(connection: AsyncConnection) -> None:
    """Nobody else changes who follows whom until the transaction ends."""
    await connection.execute(_LOCK)


async def edges(connection: AsyncConnection) -> list[tuple[str, str]]:
    """Who follows whom, by name: (upstream, project)."""
    return [(row.upstream, row.project) for row in await connection.execute(_query())]


async def add(connection: AsyncConnection, follow: Follow) -> bool:
    """False when the project follows that one already."""
    statement = (
        insert(follows)
        .values(
            id=follow.id,
            project_id=follow.project_id,
            upstream_id=follow.upstream_id,
            params=to_json(follow.params),
            created_by=follow.created_by,
            created_at=follow.created_at,
        )
        .on_conflict_do_nothing(index_elements=["project_id", "upstream_id"])
        .returning(follows.c.id)
    )
    return (await connection.execute(statement)).first() is not None


async def by_id(connection: AsyncConnection, follow_id: UUID) -> Follow | None:
    row = (await connection.execute(_query().where(follows.c.id == follow_id))).first()
    return _follow_of(row) if row else None


async def page(connection: AsyncConnection, project_id: UUID, request: PageRequest) -> Page[Follow]:
    """What a project follows, the oldest first."""
    query = _query().where(follows.c.project_id == project_id)
    return await fetch_page(connection, query, request, key=(follows.c.id,), make=_follow_of)


async def followers(connection: AsyncConnection, project_id: UUID) -> list[str]:
    """The names of the projects that follow one."""
    query = _query().where(follows.c.upstream_id == project_id).order_by(_after.c.name)
    return [row.project for row in await connection.execute(query)]


async def set_params(connection: AsyncConnection, follow_id: UUID, params: dict[str, str]) -> None:
    await connection.execute(update(follows).where(follows.c.id == follow_id).values(params=params))


async def remove(connection: AsyncConnection, follow_id: UUID) -> None:
    """What was not carried out yet goes with it."""
    await connection.execute(delete(follows).where(follows.c.id == follow_id))


async def note_success(connection: AsyncConnection, before: Training, after: Training) -> None:
    """In the transaction that writes a success: each project that follows has one start to carry out for it."""
    if after.state is State.SUCCEEDED and before.state is not State.SUCCEEDED:
        await connection.execute(_SUCCEEDED, {"training_id": after.id, "project_id": after.project_id})


async def take_due(connection: AsyncConnection) -> DueStart | None:
    """The oldest start that is to be carried out and that nobody else is at; locked until the transaction ends."""
    query = (
        select(follow_starts.c.follow_id, follow_starts.c.upstream_id)
        .where(follow_starts.c.done_at.is_(None))
        .order_by(follow_starts.c.created_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await connection.execute(query)).first()
    if row is None:
        return None
    follow = (await connection.execute(_query().where(follows.c.id == row.follow_id))).one()
    upstream = (await connection.execute(select(trainings).where(trainings.c.id == row.upstream_id))).one()
    training = training_of(upstream)
    name = f"{training.project} #{training.number}"
    owner = Principal(follow.owner_id, name, UserRole(follow.role))
    return DueStart(_follow_of(follow), training, owner, follow.disabled_at is not None)


async def finish(
    connection: AsyncConnection, due: DueStart, *, training_id: UUID | None = None, problem: str = ""
) -> None:
    """What came of it."""
    await connection.execute(
        update(follow_starts)
        .where(follow_starts.c.follow_id == due.follow.id, follow_starts.c.upstream_id == due.upstream.id)
        .values(done_at=func.now(), training_id=training_id, problem=problem)
    )


async def starts(connection: AsyncConnection, follow_id: UUID, request: PageRequest) -> Page[FollowStart]:
    """What a project's following has led to, the newest first."""
    query = (
        select(follow_starts, trainings.c.number.label("upstream_number"))
        .join(trainings, trainings.c.id == follow_starts.c.upstream_id)
        .where(follow_starts.c.follow_id == follow_id)
    )
    return await fetch_page(
        connection, query, request, key=(follow_starts.c.upstream_id,), make=_start_of, descending=True
    )


def _query() -> Select[Any]:
    return (
        select(
            follows,
            _after.c.name.label("project"),
            _after.c.owner_id,
            _before.c.name.label("upstream"),
            users.c.role,
            users.c.disabled_at,
        )
        .join(_after, _after.c.id == follows.c.project_id)
        .join(_before, _before.c.id == follows.c.upstream_id)
        .join(users, users.c.id == _after.c.owner_id)
    )


def _follow_of(row: Row[Any]) -> Follow:
    return Follow(
        id=row.id,
        project_id=row.project_id,
        project=row.project,
        upstream_id=row.upstream_id,
        upstream=row.upstream,
        params=row.params,
        created_by=row.created_by,
        created_at=row.created_at,
    )


def _start_of(row: Row[Any]) -> FollowStart:
    return FollowStart(
        upstream_id=row.upstream_id,
        upstream_number=row.upstream_number,
        created_at=row.created_at,
        done_at=row.done_at,
        training_id=row.training_id,
        problem=row.problem,
    )
