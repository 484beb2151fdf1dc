"""What a worker claims of endpoints and writes of them, only while its claim still holds."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.claiming import ClaimTable, Holder
from app.db.endpoints import CHANNEL, endpoint_of
from app.db.notify import publish
from app.db.tables import endpoints
from app.domain.endpoints.decision import EndpointStatus
from app.domain.endpoints.endpoint import Endpoint

# One that rests is due only by its intent: its `wake_at` is infinity.
ENDPOINTS = ClaimTable("endpoints", due="(intent_gen <> seen_gen OR wake_at <= now())", value_of=endpoint_of)


async def write(
    connection: AsyncConnection, endpoint: Endpoint, status: EndpointStatus, *, holder: Holder
) -> Endpoint | None:
    """The endpoint as it is from now on; None when another worker holds it, and then nothing was written."""
    if not await ENDPOINTS.holds(connection, endpoint.id, holder):
        return None
    if status == EndpointStatus.of(endpoint):
        return endpoint
    values = _values(status)
    await connection.execute(
        update(endpoints).where(endpoints.c.id == endpoint.id).values(**values, status_gen=endpoints.c.status_gen + 1)
    )
    publish(connection, CHANNEL, endpoint.id)
    return replace(endpoint, **values, status_gen=endpoint.status_gen + 1)


async def release(connection: AsyncConnection, endpoint: Endpoint, *, holder: Holder, wake_at: datetime | None) -> bool:
    """Give the claim back; it is due again at `wake_at` (None: never), or at once if its intent has changed."""
    return await ENDPOINTS.release(connection, endpoint.id, gen=endpoint.intent_gen, holder=holder, wake_at=wake_at)


def _values(status: EndpointStatus) -> dict[str, Any]:
    return {field.name: getattr(status, field.name) for field in fields(status)}
