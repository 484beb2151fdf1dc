"""Rows of subscriptions: webhooks and addresses of mail. Secrets are read by whoever signs, never with the rest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.keyset import fetch_page
from app.db.tables import projects, subscriptions, users
from app.domain.notice import Channel, NoticeKind, Scope, Subscription
from app.domain.paging import Page, PageRequest

_FAIL_REST = text("""
    UPDATE deliveries SET state = 'failed', problem = :problem WHERE subscription_id = :id AND state = 'pending'
""")


async def add(connection: AsyncConnection, subscription: Subscription, *, place: str, sealed: bytes | None) -> None:
    await connection.execute(
        insert(subscriptions).values(
            id=subscription.id,
            channel=subscription.channel.value,
            owner_id=subscription.owner_id,
            scope=subscription.scope.value,
            project_id=subscription.project_id,
            kinds=[kind.value for kind in subscription.kinds],
            target=subscription.target,
            place=place,
            description=subscription.description,
            secret=sealed,
            created_at=subscription.created_at,
            updated_at=subscription.updated_at,
        )
    )


async def by_id(
    connection: AsyncConnection, channel: Channel, subscription_id: UUID, *, lock: bool = False
) -> Subscription | None:
    """`lock` keeps others from changing its row until the transaction ends; nobody who tells has to wait for that."""
    query = _query().where(subscriptions.c.id == subscription_id, subscriptions.c.channel == channel.value)
    if lock:
        query = query.with_for_update(of=subscriptions, key_share=True)
    row = (await connection.execute(query)).first()
    return _subscription_of(row) if row else None


async def page(
    connection: AsyncConnection, channel: Channel, owner_id: UUID | None, request: PageRequest
) -> Page[Subscription]:
    """A person's (None: everybody's), the newest first."""
    query = _query().where(subscriptions.c.channel == channel.value)
    if owner_id is not None:
        query = query.where(subscriptions.c.owner_id == owner_id)
    key = (subscriptions.c.id,)
    return await fetch_page(connection, query, request, key=key, make=_subscription_of, descending=True)


async def count(connection: AsyncConnection, owner_id: UUID) -> int:
    """How many somebody has, of both channels."""
    query = select(func.count()).select_from(subscriptions).where(subscriptions.c.owner_id == owner_id)
    found: int = (await connection.execute(query)).scalar_one()
    return found


async def change(connection: AsyncConnection, subscription_id: UUID, **values: Any) -> None:
    statement = update(subscriptions).where(subscriptions.c.id == subscription_id)
    await connection.execute(statement.values(**values, updated_at=func.now()))


async def rotate(connection: AsyncConnection, subscription_id: UUID, sealed: bytes, keep_old: timedelta) -> None:
    """The secret becomes the old one, and an older one ends."""
    old = {"old_secret": subscriptions.c.secret, "old_secret_until": func.now() + keep_old}
    await change(connection, subscription_id, secret=sealed, **old)


async def disable(connection: AsyncConnection, subscription_id: UUID, reason: str) -> None:
    """No more goes there, and what is on its way is given up, until a person enables it again."""
    await change(connection, subscription_id, disabled_at=func.now(), disabled_reason=reason)
    await connection.execute(_FAIL_REST, {"id": subscription_id, "problem": reason})


async def remove(connection: AsyncConnection, subscription_id: UUID) -> None:
    """With everything that was on its way."""
    await connection.execute(delete(subscriptions).where(subscriptions.c.id == subscription_id))


def _query() -> Select[Any]:
    names = (users.c.name.label("owner"), projects.c.name.label("project"))
    joined = subscriptions.join(users, users.c.id == subscriptions.c.owner_id)
    # Said in words: left to itself the join takes the projects that the owner has, one row for each of them.
    joined = joined.outerjoin(projects, projects.c.id == subscriptions.c.project_id)
    return select(subscriptions, *names).select_from(joined)


def _subscription_of(row: Row[Any]) -> Subscription:
    return Subscription(
        id=row.id,
        channel=Channel(row.channel),
        owner_id=row.owner_id,
        owner=row.owner,
        scope=Scope(row.scope),
        project_id=row.project_id,
        project=row.project,
        kinds=tuple(NoticeKind(kind) for kind in row.kinds),
        target=row.target,
        description=row.description,
        created_at=row.created_at,
        updated_at=row.updated_at,
        old_secret_until=row.old_secret_until,
        disabled_at=row.disabled_at,
        disabled_reason=row.disabled_reason,
    )
