"""Rows of idempotency keys: who used which key where, for what, and what was answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import idempotency_keys as keys

# How long an answer can be asked for again.
KEPT_FOR = timedelta(hours=24)


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


async def claim(connection: AsyncConnection, scope: KeyScope, fingerprint: bytes) -> bool:
    """True for the first; of several at once exactly one."""
    statement = (
        insert(keys)
        .values(user_id=scope.user_id, route=scope.route, key=scope.key, fingerprint=fingerprint)
        .on_conflict_do_nothing()
        .returning(keys.c.key)
    )
    return (await connection.execute(statement)).first() is not None


async def find(connection: AsyncConnection, scope: KeyScope) -> StoredAnswer | None:
    row = (await connection.execute(select(keys).where(*_at(scope)))).first()
    return StoredAnswer(row.fingerprint, row.status, row.headers or {}, row.body or b"") if row else None


async def store(
    connection: AsyncConnection, scope: KeyScope, *, status: int, headers: dict[str, str], body: bytes
) -> None:
    await connection.execute(update(keys).where(*_at(scope)).values(status=status, headers=headers, body=body))


async def release(connection: AsyncConnection, scope: KeyScope) -> None:
    """Nothing came of it: the key is free again."""
    await connection.execute(delete(keys).where(*_at(scope)))


async def forget(connection: AsyncConnection, older_than: timedelta) -> int:
    """How many were too old to matter."""
    statement = delete(keys).where(keys.c.created_at < func.now() - older_than)
    return int((await connection.execute(statement)).rowcount)


def _at(scope: KeyScope) -> tuple[ColumnElement[bool], ...]:
    return keys.c.user_id == scope.user_id, keys.c.route == scope.route, keys.c.key == scope.key
