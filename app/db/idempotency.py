"""Rows of idempotency keys: who used which key where, for what, and what was answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import idempotency_keys as keys

# How long an answer can be asked for again.
KEPT_FOR = timedelta(hours=24)
# No request lives as long: whoever began it is gone.
UNDER_WAY_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class KeyScope:
    """A key means something only to one person at one address."""

    user_id: UUID
    route: str
    key: str


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What was answered; `status` None while the first request is under way."""

    fingerprint: bytes
    status: int | None
    headers: dict[str, str]
    body: bytes


async def claim(connection: AsyncConnection, scope: KeyScope, fingerprint: bytes) -> datetime | None:
    """When it was claimed, for the first; of several at once exactly one. None for the others.

    A claim that was never answered falls to the next request after `UNDER_WAY_FOR`, if it is for the same.
    """
    statement = insert(keys).values(
        user_id=scope.user_id, route=scope.route, key=scope.key, fingerprint=fingerprint, created_at=func.now()
    )
    abandoned = (
        keys.c.status.is_(None) & (keys.c.fingerprint == fingerprint) & (keys.c.created_at < func.now() - UNDER_WAY_FOR)
    )
    statement = statement.on_conflict_do_update(
        index_elements=["user_id", "route", "key"], set_={"created_at": func.now()}, where=abandoned
    )
    row = (await connection.execute(statement.returning(keys.c.created_at))).first()
    return row.created_at if row else None


async def find(connection: AsyncConnection, scope: KeyScope) -> StoredAnswer | None:
    row = (await connection.execute(select(keys).where(*_at(scope)))).first()
    return StoredAnswer(row.fingerprint, row.status, row.headers or {}, row.body or b"") if row else None


async def store(
    connection: AsyncConnection,
    scope: KeyScope,
    claimed: datetime,
    *,
    status: int,
    headers: dict[str, str],
    body: bytes,
) -> None:
    """Nothing, when the claim has fallen to somebody else."""
    mine = keys.c.created_at == claimed
    await connection.execute(update(keys).where(*_at(scope), mine).values(status=status, headers=headers, body=body))


async def release(connection: AsyncConnection, scope: KeyScope, claimed: datetime) -> None:
    """Nothing came of it: the key is free again, unless the claim has fallen to somebody else."""
    await connection.execute(delete(keys).where(*_at(scope), keys.c.created_at == claimed))


async def forget(connection: AsyncConnection, older_than: timedelta) -> int:
    """How many were too old to matter."""
    statement = delete(keys).where(keys.c.created_at < func.now() - older_than)
    return int((await connection.execute(statement)).rowcount)


def _at(scope: KeyScope) -> tuple[ColumnElement[bool], ...]:
    return keys.c.user_id == scope.user_id, keys.c.route == scope.route, keys.c.key == scope.key
