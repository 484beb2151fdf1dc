"""Telling: a notice and what goes to each subscriber, written where the fact itself is written.

Whoever changes something worth telling calls `tell` in the same transaction, so that there is never one without the
other; a worker sends it afterwards (`scheduler.outbox`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import notify
from app.db.ids import new_id
from app.domain.notice import NoticeKind
from app.domain.retries import MOST_TRIES

CHANNEL = "notices"
KEPT_FOR = timedelta(days=30)
_AT_ONCE = 5000

# The lock keeps a subscription from being deleted between being found and being written to.
_TELL = text("""
    WITH wanted AS (
        SELECT s.id, s.place
        FROM subscriptions s
        JOIN projects p ON p.id = :project_id
        JOIN users u ON u.id = s.owner_id
        WHERE (s.project_id = p.id OR s.scope = 'all' AND u.role = 'admin'
               OR s.scope = 'own' AND s.owner_id = p.owner_id)
          AND s.disabled_at IS NULL AND u.disabled_at IS NULL AND :kind = ANY(s.kinds)
        FOR KEY SHARE OF s
    ), told AS (
        INSERT INTO notices (id, key, kind, project_id, training_id, data)
        SELECT :id, :key, :kind, :project_id, CAST(:training_id AS uuid), :data
        WHERE EXISTS (SELECT FROM wanted)
        ON CONFLICT (key) DO NOTHING RETURNING id
    )
    INSERT INTO deliveries (subscription_id, notice_id, place, tries_left)
    SELECT wanted.id, told.id, wanted.place, :tries FROM told CROSS JOIN wanted
""").bindparams(bindparam("data", type_=JSONB))
_WANTED = text("""
    SELECT p.id FROM projects p WHERE p.id = ANY(:ids) AND EXISTS (
        SELECT FROM subscriptions s WHERE s.disabled_at IS NULL AND :kind = ANY(s.kinds)
        AND (s.project_id = p.id OR s.scope = 'all' OR s.scope = 'own' AND s.owner_id = p.owner_id))
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))
_FORGET = text(
    "DELETE FROM notices WHERE id IN (SELECT id FROM notices WHERE at < now() - CAST(:keep AS interval) LIMIT :most)"
)


async def tell(
    connection: AsyncConnection,
    kind: NoticeKind,
    *,
    project_id: UUID,
    training_id: UUID | None = None,
    key: str | None = None,
    data: Mapping[str, Any],
) -> int:
    """Have everybody told who wants to know; gives how many. One statement, which writes nothing when nobody does.

    `key` names the fact: told again, it is read over. Without one it is the kind and the training, and a fact that
    has no training is a new one each time. `data` must be JSON; receivers of webhooks see all of it but `message`.
    """
    notice_id = new_id()
    values = {
        "id": notice_id,
        "key": key or f"{kind}:{training_id or notice_id}",
        "kind": kind.value,
        "project_id": project_id,
        "training_id": training_id,
        "data": dict(data),
        "tries": MOST_TRIES,
    }
    told: int = (await connection.execute(_TELL, values)).rowcount
    if told:
        notify.publish(connection, CHANNEL, notice_id)
    return told


async def wanted(connection: AsyncConnection, kind: NoticeKind, project_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the projects of which somebody may want to be told this kind: for who would have to tell of many."""
    return set((await connection.execute(_WANTED, {"kind": kind.value, "ids": list(project_ids)})).scalars())


async def forget(connection: AsyncConnection) -> int:
    """Remove notices that are over a month old with their deliveries, some at a time; gives how many."""
    removed: int = (await connection.execute(_FORGET, {"keep": KEPT_FOR, "most": _AT_ONCE})).rowcount
    return removed
