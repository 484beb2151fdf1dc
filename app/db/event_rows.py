"""Rows of events: what TaaS did and what the cluster warned of, kept longer than the cluster keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.ids import new_id
from app.domain.seen import SeenWarning
from app.domain.story import Happening

_SAVE = text("""
    INSERT INTO events AS e (id, training_id, key, source, severity, reason, object, message, count, first_at, last_at)
    SELECT id, :training_id, key, source, severity, reason, object, message, count, first_at, last_at
    FROM jsonb_to_recordset(:rows) AS r(
        id uuid, key text, source text, severity text, reason text, object text, message text, count int,
        first_at timestamptz, last_at timestamptz)
    ON CONFLICT (training_id, key) DO UPDATE SET
        count = greatest(e.count, excluded.count), last_at = greatest(e.last_at, excluded.last_at),
        first_at = least(e.first_at, excluded.first_at), message = excluded.message
    WHERE e.source = 'kubernetes'
""").bindparams(bindparam("rows", type_=JSONB))


async def save(connection: AsyncConnection, training_id: UUID, happenings: Sequence[Happening]) -> None:
    """Keep them; one that is told again changes its count and its last time only."""
    if not happenings:
        return
    rows = [_row(happening) for happening in happenings]
    await connection.execute(_SAVE, {"training_id": training_id, "rows": rows})


def of_warning(warning: SeenWarning) -> Happening:
    """The cluster's warning as an event of the record."""
    return Happening(
        key=warning.uid,
        source="kubernetes",
        severity="warning",
        reason=warning.reason,
        object=f"{warning.kind}/{warning.name}",
        message=warning.message,
        count=warning.count,
        first_at=warning.first_at,
        last_at=warning.last_at,
    )


def _row(happening: Happening) -> dict[str, Any]:
    return {
        "id": new_id(),
        "key": happening.key,
        "source": happening.source,
        "severity": happening.severity,
        "reason": happening.reason,
        "object": happening.object,
        "message": happening.message,
        "count": happening.count,
        "first_at": happening.first_at,
        "last_at": happening.last_at,
    }
