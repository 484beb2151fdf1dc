"""Deliveries as people see them: what was sent to a subscription, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import notify
from app.db.ids import new_id
from app.db.keyset import fetch_page
from app.db.notices import CHANNEL
from app.db.tables import deliveries, notices
from app.domain.notice import Delivery, DeliveryState, Notice, NoticeKind
from app.domain.paging import Page, PageRequest
from app.domain.retries import MOST_TRIES

_FIGURES = text("""
    SELECT count(*) AS pending, count(*) FILTER (WHERE tries > 0) AS failing,
           coalesce(extract(epoch FROM now() - min(created_at) FILTER (WHERE tries = 0)), 0) AS oldest
    FROM deliveries WHERE state = 'pending'
""")

_PROBLEMS = text("""
    SELECT s.id, last.problem
    FROM unnest(CAST(:ids AS uuid[])) AS s(id)
    CROSS JOIN LATERAL (SELECT state, problem FROM deliveries d
                        WHERE d.subscription_id = s.id AND d.tried_at IS NOT NULL
                        ORDER BY d.notice_id DESC LIMIT 1) last
    WHERE last.state <> 'sent' AND last.problem <> ''
""")

_ONLY = text("""
    INSERT INTO deliveries (subscription_id, notice_id, place, tries_left)
    SELECT id, CAST(:notice_id AS uuid), place, :tries FROM subscriptions WHERE id = :id
""")


@dataclass(frozen=True, slots=True)
class Figures:
    """How the outbox does: what waits, how much of it was tried in vain, how old in seconds the oldest untried is."""

    pending: int
    failing: int
    oldest: float


async def page(connection: AsyncConnection, subscription_id: UUID, request: PageRequest) -> Page[Delivery]:
    """The newest notice first."""
    query = _query().where(deliveries.c.subscription_id == subscription_id)
    key = (deliveries.c.notice_id,)
    return await fetch_page(connection, query, request, key=key, make=_delivery_of, descending=True)


async def get(connection: AsyncConnection, subscription_id: UUID, notice_id: UUID) -> Delivery | None:
    here = (deliveries.c.subscription_id == subscription_id, deliveries.c.notice_id == notice_id)
    row = (await connection.execute(_query().where(*here))).first()
    return _delivery_of(row) if row else None


async def again(connection: AsyncConnection, subscription_id: UUID, notice_id: UUID) -> bool:
    """Due now, with every try before it; False when there is no such delivery."""
    statement = (
        update(deliveries)
        .where(deliveries.c.subscription_id == subscription_id, deliveries.c.notice_id == notice_id)
        .values(state=DeliveryState.PENDING.value, tries_left=MOST_TRIES, due_at=func.now(), problem="")
    )
    found = (await connection.execute(statement)).rowcount == 1
    if found:
        notify.publish(connection, CHANNEL, notice_id)
    return found


async def test(connection: AsyncConnection, subscription_id: UUID) -> UUID:
    """A notice that only this subscription gets, whatever it asked for; gives its id."""
    notice_id = new_id()
    row = {"id": notice_id, "key": f"test:{notice_id}", "kind": NoticeKind.TEST.value, "data": {}}
    await connection.execute(insert(notices).values(**row))
    await connection.execute(_ONLY, {"id": subscription_id, "notice_id": notice_id, "tries": MOST_TRIES})
    notify.publish(connection, CHANNEL, notice_id)
    return notice_id


async def problems(connection: AsyncConnection, subscription_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Why the newest notice that was tried did not arrive, of those subscriptions where it did not."""
    rows = await connection.execute(_PROBLEMS, {"ids": list(subscription_ids)})
    return {row.id: row.problem for row in rows}


async def figures(connection: AsyncConnection) -> Figures:
    row = (await connection.execute(_FIGURES)).one()
    return Figures(row.pending, row.failing, float(row.oldest))


def _query() -> Select[Any]:
    of_notice = (notices.c.kind, notices.c.project_id, notices.c.training_id, notices.c.data, notices.c.at)
    return select(deliveries, *of_notice).join_from(deliveries, notices)


def _delivery_of(row: Row[Any]) -> Delivery:
    return Delivery(
        notice=Notice(row.notice_id, NoticeKind(row.kind), row.project_id, row.training_id, row.data, row.at),
        subscription_id=row.subscription_id,
        state=DeliveryState(row.state),
        tries=row.tries,
        due_at=row.due_at,
        tried_at=row.tried_at,
        status=row.status,
        answer=row.answer,
        problem=row.problem,
    )
