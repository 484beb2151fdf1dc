"""Rows of API tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.keyset import fetch_page
from app.db.tables import tokens, users
from app.domain.access import Principal, UserRole
from app.domain.account import Token
from app.domain.paging import Page, PageRequest


async def add(connection: AsyncConnection, token: Token, *, user_id: UUID, digest: bytes) -> bool:
    """False when the person has a token of that name."""
    statement = (
        insert(tokens)
        .values(
            id=token.id,
            user_id=user_id,
            name=token.name,
            prefix=token.prefix,
            token_sha256=digest,
            created_at=token.created_at,
            expires_at=token.expires_at,
        )
        .on_conflict_do_nothing(index_elements=["user_id", "name"])
        .returning(tokens.c.id)
    )
    return (await connection.execute(statement)).first() is not None


async def page(connection: AsyncConnection, user_id: UUID, request: PageRequest) -> Page[Token]:
    """A person's tokens, the newest first."""
    query = select(tokens).where(tokens.c.user_id == user_id)
    return await fetch_page(connection, query, request, key=(tokens.c.id,), make=_token_of, descending=True)


async def remove(connection: AsyncConnection, user_id: UUID, token_id: UUID) -> bool:
    """False when the person has no such token."""
    statement = delete(tokens).where(tokens.c.id == token_id, tokens.c.user_id == user_id)
    return bool((await connection.execute(statement)).rowcount)


async def remove_named(connection: AsyncConnection, user_id: UUID, name: str) -> None:
    await connection.execute(delete(tokens).where(tokens.c.user_id == user_id, tokens.c.name == name))


async def principal_of(connection: AsyncConnection, digest: bytes, now: datetime) -> tuple[Principal, Token] | None:
    """Whom a token acts for; None when it is unknown, expired, or its owner disabled."""
    query = (
        select(tokens, users.c.name.label("user_name"), users.c.role)
        .join_from(tokens, users)
        .where(
            tokens.c.token_sha256 == digest,
            or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now),
            users.c.disabled_at.is_(None),
        )
    )
    row = (await connection.execute(query)).first()
    if row is None:
        return None
    return Principal(row.user_id, row.user_name, UserRole(row.role), token_id=row.id), _token_of(row)


async def note_used(connection: AsyncConnection, token_id: UUID, now: datetime) -> None:
    await connection.execute(update(tokens).where(tokens.c.id == token_id).values(last_used_at=now))


def _token_of(row: Row[Any]) -> Token:
    return Token(row.id, row.name, row.prefix, row.created_at, row.expires_at, row.last_used_at)
