"""Rows of people."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.keyset import fetch_page
from app.db.tables import users
from app.domain.access import UserRole
from app.domain.account import User
from app.domain.paging import Page, PageRequest


async def add(connection: AsyncConnection, user: User, password_hash: str) -> bool:
    """False when the name is taken."""
    statement = (
        upsert(users)
        .values(id=user.id, name=user.name, role=user.role, password_hash=password_hash, created_at=user.created_at)
        .on_conflict_do_nothing()
        .returning(users.c.id)
    )
    return (await connection.execute(statement)).first() is not None


async def by_name(connection: AsyncConnection, name: str) -> User | None:
    row = (await connection.execute(select(users).where(users.c.name == name))).first()
    return user_of(row) if row else None


async def with_hash(connection: AsyncConnection, name: str) -> tuple[User, str] | None:
    """A person and the hash of the password."""
    row = (await connection.execute(select(users).where(users.c.name == name))).first()
    return (user_of(row), row.password_hash) if row else None


async def page(connection: AsyncConnection, request: PageRequest) -> Page[User]:
    return await fetch_page(connection, select(users), request, key=(users.c.name,), make=user_of)


async def any_there(connection: AsyncConnection) -> bool:
    return (await connection.execute(select(users.c.id).limit(1))).first() is not None


async def first_admin(connection: AsyncConnection) -> User | None:
    """The oldest admin who may log in."""
    query = select(users).where(users.c.role == UserRole.ADMIN, users.c.disabled_at.is_(None)).order_by(users.c.id)
    row = (await connection.execute(query.limit(1))).first()
    return user_of(row) if row else None


async def other_admins(connection: AsyncConnection, user_id: UUID) -> int:
    """How many admins would be left without this one. Locks them, so that two cannot leave at once."""
    query = (
        select(users.c.id)
        .where(users.c.role == UserRole.ADMIN, users.c.disabled_at.is_(None))
        .order_by(users.c.id)
        .with_for_update()
    )
    return sum(1 for id_ in (await connection.execute(query)).scalars() if id_ != user_id)


async def lock(connection: AsyncConnection, user_id: UUID) -> None:
    """Hold the person's row until the transaction ends: what counts against a limit is done one after the other."""
    await connection.execute(select(users.c.id).where(users.c.id == user_id).with_for_update())


async def set_password(connection: AsyncConnection, user_id: UUID, password_hash: str) -> None:
    await connection.execute(update(users).where(users.c.id == user_id).values(password_hash=password_hash))


async def change(
    connection: AsyncConnection, user_id: UUID, *, role: UserRole | None, disabled: bool | None
) -> User | None:
    """Set what is not None."""
    values: dict[str, Any] = {} if role is None else {"role": role}
    if disabled is not None:
        values["disabled_at"] = func.coalesce(users.c.disabled_at, func.now()) if disabled else None
    statement = update(users).where(users.c.id == user_id).values(values or {"role": users.c.role}).returning(users)
    row = (await connection.execute(statement)).first()
    return user_of(row) if row else None


def user_of(row: Row[Any]) -> User:
    return User(row.id, row.name, UserRole(row.role), row.created_at, row.disabled_at)
