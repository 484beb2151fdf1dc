"""Rows of tickets and cookies that let a browser into the host of one endpoint.

Each hangs on a session of TaaS itself: when that is over, so is what hangs on it.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import endpoint_passes, sessions, users
from app.domain.access import Principal, UserRole

TICKET, COOKIE = "ticket", "cookie"


async def add_ticket(
    connection: AsyncConnection, digest: bytes, *, endpoint_id: UUID, session: bytes, lasts: timedelta
) -> bool:
    """For whoever holds the session with the digest `session`; False when that is over."""
    columns = ["digest", "endpoint_id", "session_id", "kind", "expires_at"]
    values = select(
        literal(digest), literal(endpoint_id), sessions.c.id, literal(TICKET), func.now() + literal(lasts)
    ).where(sessions.c.token_sha256 == session, sessions.c.expires_at > func.now())
    statement = insert(endpoint_passes).from_select(columns, values).returning(endpoint_passes.c.digest)
    return (await connection.execute(statement)).first() is not None


async def exchange(
    connection: AsyncConnection, ticket: bytes, cookie: bytes, *, endpoint_id: UUID, lasts: timedelta
) -> bool:
    """Take the ticket, which nobody can use again, and write the cookie; False when there is no such ticket."""
    taken = (
        delete(endpoint_passes)
        .where(
            endpoint_passes.c.digest == ticket,
            endpoint_passes.c.endpoint_id == endpoint_id,
            endpoint_passes.c.kind == TICKET,
            endpoint_passes.c.expires_at > func.now(),
        )
        .returning(endpoint_passes.c.session_id)
    )
    session_id = (await connection.execute(taken)).scalar_one_or_none()
    if session_id is None:
        return False
    values = {"digest": cookie, "endpoint_id": endpoint_id, "session_id": session_id, "kind": COOKIE}
    await connection.execute(insert(endpoint_passes).values(**values, expires_at=func.now() + lasts))
    return True


async def holder(connection: AsyncConnection, cookie: bytes, endpoint_id: UUID) -> Principal | None:
    """Who holds the cookie of that endpoint's host; None when it, or the session behind it, is over."""
    query = (
        select(users.c.id, users.c.name, users.c.role)
        .join_from(endpoint_passes, sessions)
        .join(users, users.c.id == sessions.c.user_id)
        .where(
            endpoint_passes.c.digest == cookie,
            endpoint_passes.c.endpoint_id == endpoint_id,
            endpoint_passes.c.kind == COOKIE,
            endpoint_passes.c.expires_at > func.now(),
            sessions.c.expires_at > func.now(),
            users.c.disabled_at.is_(None),
        )
    )
    row = (await connection.execute(query)).first()
    return Principal(row.id, row.name, UserRole(row.role)) if row else None


async def remove_expired(connection: AsyncConnection) -> None:
    await connection.execute(delete(endpoint_passes).where(endpoint_passes.c.expires_at < func.now()))
