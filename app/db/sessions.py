"""Rows of browsers that are logged in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import sessions, users
from app.domain.access import Principal, UserRole
from app.domain.account import Session

# Seen is noted no more often than this: a write for every request would be a waste.
NOTED_EVERY = timedelta(minutes=1)


async def add(connection: AsyncConnection, session: Session, *, user_id: UUID, digest: bytes) -> None:
    await connection.execute(
        insert(sessions).values(
            id=session.id,
            user_id=user_id,
            token_sha256=digest,
            user_agent=session.user_agent,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            expires_at=session.expires_at,
        )
    )


async def principal_of(
    connection: AsyncConnection, digest: bytes, now: datetime
) -> tuple[Principal, UUID, datetime] | None:
    """Whose session it is, its id and when it was last noted; None when it is unknown, over, or its owner disabled."""
    query = (
        select(users.c.id, users.c.name, users.c.role, sessions.c.id.label("session_id"), sessions.c.last_seen_at)
        .join_from(sessions, users)
        .where(sessions.c.token_sha256 == digest, sessions.c.expires_at > now, users.c.disabled_at.is_(None))
    )
    row = (await connection.execute(query)).first()
    return (Principal(row.id, row.name, UserRole(row.role)), row.session_id, row.last_seen_at) if row else None


async def note_seen(connection: AsyncConnection, session_id: UUID, now: datetime) -> None:
    await connection.execute(update(sessions).where(sessions.c.id == session_id).values(last_seen_at=now))


async def of_user(
    connection: AsyncConnection, user_id: UUID, now: datetime, *, asking: bytes | None = None
) -> list[Session]:
    """The newest first; the one with the digest `asking` is marked."""
    query = (
        select(sessions)
        .where(sessions.c.user_id == user_id, sessions.c.expires_at > now)
        .order_by(sessions.c.id.desc())
        .limit(100)
    )
    return [_session_of(row, asking) for row in await connection.execute(query)]


async def end(connection: AsyncConnection, digest: bytes) -> None:
    await connection.execute(delete(sessions).where(sessions.c.token_sha256 == digest))


async def end_one(connection: AsyncConnection, user_id: UUID, session_id: UUID) -> bool:
    """False when the person has no such session."""
    statement = delete(sessions).where(sessions.c.id == session_id, sessions.c.user_id == user_id)
    return bool((await connection.execute(statement)).rowcount)


async def end_all(connection: AsyncConnection, user_id: UUID, *, but: bytes | None = None) -> None:
    """Log a person out everywhere, except where the secret with the digest `but` is held."""
    statement = delete(sessions).where(sessions.c.user_id == user_id)
    await connection.execute(statement if but is None else statement.where(sessions.c.token_sha256 != but))


async def remove_expired(connection: AsyncConnection) -> int:
    return int((await connection.execute(delete(sessions).where(sessions.c.expires_at < func.now()))).rowcount)


def _session_of(row: Row[Any], asking: bytes | None) -> Session:
    current = row.token_sha256 == asking
    return Session(row.id, row.user_agent, row.created_at, row.last_seen_at, row.expires_at, current)
