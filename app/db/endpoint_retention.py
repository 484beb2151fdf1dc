"""TensorBoards and servings that ended long ago, and their rows' end.

Only what is over for good is ever found: nothing of it is left in the cluster, nobody asked for another start, no
change waits to be looked at and no worker holds it. Who may open it and what was said of promotions goes with the row.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.retention import GoingEndpoints

_OVER = """
    e.state IN ('stopped', 'failed') AND e.ended_at < now() - CAST(:keep AS interval)
    AND e.namespace_state IN ('none', 'gone') AND e.starts = e.launch
    AND e.intent_gen = e.seen_gen AND (e.claimed_until IS NULL OR e.claimed_until <= now())
"""
_GOING = text(f"SELECT count(*) AS endpoints, min(e.ended_at) AS oldest FROM endpoints e WHERE {_OVER}")
_FORGET = text(f"""
    DELETE FROM endpoints WHERE id IN (
        SELECT e.id FROM endpoints e WHERE {_OVER} ORDER BY e.ended_at LIMIT :most FOR UPDATE SKIP LOCKED)
""")


async def going(connection: AsyncConnection, keep: timedelta) -> GoingEndpoints:
    """Those that ended longer ago than `keep`."""
    row = (await connection.execute(_GOING, {"keep": keep})).one()
    return GoingEndpoints(row.endpoints, row.oldest)


async def forget(connection: AsyncConnection, keep: timedelta, *, most: int) -> int:
    """Remove the oldest of them; how many went."""
    return (await connection.execute(_FORGET, {"keep": keep, "most": most})).rowcount
