"""Rows of hooks' deliveries: each sender's id once, what came of it, and the end of old ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.keyset import fetch_page
from app.db.tables import hook_deliveries
from app.domain.hook import DELIVERIES_KEPT, KEPT_FOR, KEY_KEPT_FOR, HookDelivery, Outdated
from app.domain.paging import Page, PageRequest

# Beyond the newest of each hook payloads go, and rows too once nobody can mean their ids any more.
_STRIP = text("""
    WITH counted AS (
        SELECT id, row_number() OVER (PARTITION BY hook_id ORDER BY id DESC) AS place FROM hook_deliveries)
    UPDATE hook_deliveries d
    SET payload = NULL, params = NULL, headers = '{}', payload_note = 'Newer deliveries took its place.'
    FROM counted c WHERE c.id = d.id AND c.place > :kept AND d.payload IS NOT NULL
""")
_REMOVE = text("""
    WITH counted AS (
        SELECT id, row_number() OVER (PARTITION BY hook_id ORDER BY id DESC) AS place FROM hook_deliveries)
    DELETE FROM hook_deliveries d USING counted c
    WHERE c.id = d.id AND (d.received_at < now() - CAST(:age AS interval)
        OR (c.place > :kept AND (d.key IS NULL OR NOT d.holds OR d.received_at < now() - CAST(:key_age AS interval))))
""")


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was answered to the first delivery with the same id."""

    id: UUID
    fingerprint: bytes | None
    status: int
    answer: dict[str, Any]
    training_id: UUID | None


async def add(connection: AsyncConnection, delivery: HookDelivery, fingerprint: bytes | None, *, holds: bool) -> bool:
    """False when one with the same id is there and came to something; waits for one that is under way.

    `holds`: another one with the same id is the same delivery.
    """
    statement = (
        insert(hook_deliveries)
        .values(
            id=delivery.id,
            hook_id=delivery.hook_id,
            key=delivery.key,
            holds=holds,
            fingerprint=fingerprint,
            replay_of=delivery.replay_of,
            replayed_by=delivery.replayed_by,
            outdated=list(delivery.outdated),
            headers=delivery.headers,
            payload={"value": delivery.payload} if delivery.has_payload else None,
            payload_note=delivery.payload_note,
            status=delivery.status,
            answer=delivery.answer,
        )
        .on_conflict_do_nothing(
            index_elements=["hook_id", "key"],
            index_where=text("holds AND key IS NOT NULL"),
        )
        .returning(hook_deliveries.c.id)
    )
    return (await connection.execute(statement)).first() is not None


async def again(connection: AsyncConnection, hook_id: UUID, key: str) -> Earlier:
    """Count one more with the same id; gives what was answered to the first."""
    statement = (
        update(hook_deliveries)
        .where(hook_deliveries.c.hook_id == hook_id, hook_deliveries.c.key == key, hook_deliveries.c.holds)
        .values(repeats=hook_deliveries.c.repeats + 1)
        .returning(hook_deliveries)
    )
    row = (await connection.execute(statement)).one()
    return Earlier(row.id, row.fingerprint, row.status, row.answer, row.training_id)


async def finish(
    connection: AsyncConnection,
    delivery_id: UUID,
    *,
    status: int,
    answer: dict[str, Any],
    params: dict[str, str] | None = None,
    training_id: UUID | None = None,
    holds: bool = True,
) -> None:
    """What came of it. One that came to nothing does not hold its id: sent again, it is tried again."""
    await connection.execute(
        update(hook_deliveries)
        .where(hook_deliveries.c.id == delivery_id)
        .values(status=status, answer=answer, params=params, training_id=training_id, holds=holds)
    )


async def by_id(connection: AsyncConnection, hook_id: UUID, delivery_id: UUID) -> HookDelivery | None:
    query = select(hook_deliveries).where(hook_deliveries.c.id == delivery_id, hook_deliveries.c.hook_id == hook_id)
    row = (await connection.execute(query)).first()
    return _delivery_of(row) if row else None


async def page(connection: AsyncConnection, hook_id: UUID, request: PageRequest) -> Page[HookDelivery]:
    """The newest first."""
    query = select(hook_deliveries).where(hook_deliveries.c.hook_id == hook_id)
    return await fetch_page(connection, query, request, key=(hook_deliveries.c.id,), make=_delivery_of, descending=True)


async def prune(connection: AsyncConnection) -> int:
    """Bound what is kept of each hook; how many rows went."""
    await connection.execute(_STRIP, {"kept": DELIVERIES_KEPT})
    values = {"age": KEPT_FOR, "kept": DELIVERIES_KEPT, "key_age": KEY_KEPT_FOR}
    return int((await connection.execute(_REMOVE, values)).rowcount)


def _delivery_of(row: Row[Any]) -> HookDelivery:
    return HookDelivery(
        id=row.id,
        hook_id=row.hook_id,
        received_at=row.received_at,
        key=row.key,
        headers=row.headers,
        payload=row.payload["value"] if row.payload else None,
        has_payload=row.payload is not None,
        payload_note=row.payload_note,
        params=row.params,
        status=row.status,
        answer=row.answer,
        training_id=row.training_id,
        repeats=row.repeats,
        replay_of=row.replay_of,
        replayed_by=row.replayed_by,
        outdated=tuple(Outdated(one) for one in row.outdated),
    )
