"""Rows of tasks: one for each role and index, there from the launch on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.tasks import TaskStatus

_SAVE = text("""
    INSERT INTO tasks AS t (training_id, role, index, state, message, attempts, node, exit_code, started_at,
                            finished_at)
    SELECT :training_id, role, index, state, message, attempts, node, exit_code, started_at, finished_at
    FROM jsonb_to_recordset(:rows) AS r(
        role text, index int, state text, message text, attempts int, node text, exit_code int,
        started_at timestamptz, finished_at timestamptz)
    ON CONFLICT (training_id, role, index) DO UPDATE SET
        state = excluded.state, message = excluded.message, attempts = greatest(excluded.attempts, t.attempts),
        node = coalesce(excluded.node, t.node), exit_code = coalesce(excluded.exit_code, t.exit_code),
        started_at = coalesce(excluded.started_at, t.started_at),
        finished_at = coalesce(excluded.finished_at, t.finished_at)
    WHERE (t.state, t.message, t.attempts, t.node, t.exit_code, t.started_at)
          IS DISTINCT FROM (excluded.state, excluded.message, excluded.attempts, excluded.node, excluded.exit_code,
                            excluded.started_at)
""").bindparams(bindparam("rows", type_=JSONB))
_REMOVE = text("""
    UPDATE tasks SET state = 'removed' WHERE training_id = :training_id AND state IN ('waiting', 'pending', 'running')
""")


async def save(connection: AsyncConnection, training_id: UUID, statuses: Sequence[TaskStatus]) -> int:
    """Write what is known of these tasks, in one statement; how many rows changed."""
    if not statuses:
        return 0
    rows = [_row(status) for status in statuses]
    return (await connection.execute(_SAVE, {"training_id": training_id, "rows": rows})).rowcount


async def remove_rest(connection: AsyncConnection, training_id: UUID) -> int:
    """The training has ended: what had not ended by itself was removed."""
    return (await connection.execute(_REMOVE, {"training_id": training_id})).rowcount


def _row(status: TaskStatus) -> dict[str, Any]:
    return {
        "role": status.key.role,
        "index": status.key.index,
        "state": status.state,
        "message": status.message,
        "attempts": status.attempts,
        "node": status.node,
        "exit_code": status.exit_code,
        "started_at": status.started_at,
        "finished_at": status.finished_at,
    }
