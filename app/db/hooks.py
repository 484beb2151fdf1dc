"""Rows of hooks. Tokens are there as their SHA-256 only, the signing secret is sealed and read by whoever needs it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.codec import from_json, to_json
from app.db.keyset import fetch_page
from app.db.tables import hooks, projects, users
from app.domain.access import UserRole
from app.domain.hook import Hook, ParamRule, Signing
from app.domain.paging import Page, PageRequest


@dataclass(frozen=True, slots=True)
class Called:
    """A hook that somebody has called by its token: whose rights it has, and the database's time.

    `secrets` are sealed, the present one first, then the one before while it is accepted too.
    """

    hook: Hook
    secrets: tuple[bytes, ...]
    owner_role: UserRole
    owner_disabled: bool
    now: datetime
    by_old_token: bool = False


async def add(connection: AsyncConnection, hook: Hook, *, token: bytes, secret: bytes | None) -> bool:
    """False when the project has a hook of that name."""
    statement = (
        insert(hooks)
        .values(
            id=hook.id,
            project_id=hook.project_id,
            name=hook.name,
            token_sha256=token,
            hint=hook.hint,
            signing=hook.signing,
            secret=secret,
            rules=to_json(hook.rules),
            enabled=hook.enabled,
            created_by=hook.created_by,
            created_at=hook.created_at,
            updated_at=hook.updated_at,
        )
        .on_conflict_do_nothing(index_elements=["project_id", "name"])
        .returning(hooks.c.id)
    )
    return (await connection.execute(statement)).first() is not None


async def count(connection: AsyncConnection, project_id: UUID) -> int:
    """How many hooks a project has."""
    query = select(func.count()).select_from(hooks).where(hooks.c.project_id == project_id)
    return int((await connection.execute(query)).scalar_one())


async def by_id(connection: AsyncConnection, hook_id: UUID, *, lock: bool = False) -> Hook | None:
    """The hook with that id; `lock` holds its row until the transaction ends."""
    query = _query().where(hooks.c.id == hook_id)
    if lock:
        query = query.with_for_update(of=hooks)
    row = (await connection.execute(query)).first()
    return _hook_of(row) if row else None


async def page(connection: AsyncConnection, project_id: UUID, request: PageRequest) -> Page[Hook]:
    """A project's hooks by name."""
    query = _query().where(hooks.c.project_id == project_id)
    return await fetch_page(connection, query, request, key=(hooks.c.name,), make=_hook_of)


async def by_token(connection: AsyncConnection, digest: bytes) -> Called | None:
    """The hook that a token belongs to, now."""
    now = func.clock_timestamp()
    old = and_(hooks.c.old_token_sha256 == digest, hooks.c.old_until > now)
    query = _query().where(or_(hooks.c.token_sha256 == digest, old))
    return _called_of((await connection.execute(query)).first(), digest)


async def called(connection: AsyncConnection, hook_id: UUID) -> Called | None:
    """The same for somebody who needs no token, because they may change the hook."""
    return _called_of((await connection.execute(_query().where(hooks.c.id == hook_id))).first())


async def change(connection: AsyncConnection, hook_id: UUID, **values: Any) -> bool:
    """Set columns; `rules` as domain values. False when the name is taken."""
    if "rules" in values:
        values["rules"] = to_json(values["rules"])
    if "name" in values:
        same = select(hooks.c.id).where(
            hooks.c.project_id == select(hooks.c.project_id).where(hooks.c.id == hook_id).scalar_subquery(),
            hooks.c.name == values["name"],
            hooks.c.id != hook_id,
        )
        if (await connection.execute(same)).first() is not None:
            return False
    await connection.execute(update(hooks).where(hooks.c.id == hook_id).values(**values, updated_at=func.now()))
    return True


def replaced_token(overlap: timedelta) -> dict[str, Any]:
    """For `change`: the present token lives on for `overlap`, an older one not at all."""
    until = func.clock_timestamp() + overlap if overlap else None
    return {"old_token_sha256": hooks.c.token_sha256 if overlap else None, "old_until": until}


def replaced_secret(overlap: timedelta) -> dict[str, Any]:
    """The same for the secret."""
    until = func.clock_timestamp() + overlap if overlap else None
    return {"old_secret": hooks.c.secret if overlap else None, "old_secret_until": until}


async def remove(connection: AsyncConnection, hook_id: UUID) -> None:
    await connection.execute(delete(hooks).where(hooks.c.id == hook_id))


def _query() -> Select[Any]:
    return (
        select(
            hooks,
            projects.c.name.label("project"),
            projects.c.owner_id,
            users.c.name.label("owner"),
            users.c.role,
            users.c.disabled_at,
            func.clock_timestamp().label("db_now"),
        )
        .select_from(hooks)
        .join(projects, hooks.c.project_id == projects.c.id)
        .join(users, projects.c.owner_id == users.c.id)
        .where(projects.c.deleted_at.is_(None))
    )


def _called_of(row: Row[Any] | None, digest: bytes | None = None) -> Called | None:
    if row is None:
        return None
    hook = _hook_of(row)
    secrets = (row.secret, row.old_secret if hook.old_secret_until else None)
    return Called(
        hook,
        tuple(secret for secret in secrets if secret is not None),
        UserRole(row.role),
        row.disabled_at is not None,
        row.db_now,
        by_old_token=digest is not None and digest != row.token_sha256,
    )


def _hook_of(row: Row[Any]) -> Hook:
    return Hook(
        id=row.id,
        project_id=row.project_id,
        project=row.project,
        owner_id=row.owner_id,
        owner=row.owner,
        name=row.name,
        hint=row.hint,
        signing=Signing(row.signing),
        rules=from_json(row.rules, tuple[ParamRule, ...]),
        enabled=row.enabled,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
        old_until=_ahead(row.old_until, row.db_now),
        old_secret_until=_ahead(row.old_secret_until, row.db_now),
    )


def _ahead(until: datetime | None, now: datetime) -> datetime | None:
    return until if until is not None and until > now else None
