"""Which worker works on which training now.

A claim is three columns of the row: who, until when, and an epoch that grows with every claim. Whoever writes says
the epoch it was given; when another worker has claimed the row since, nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Uuid

from app.db.tables.trainings import LIVE
from app.db.trainings import training_of
from app.domain.training import Training

DUE = f"(intent_gen <> seen_gen OR (wake_at <= now() AND ({LIVE})))"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A training that this worker may write, as it was when it was claimed. `now` is by the database's clock."""

    training: Training
    epoch: int
    now: datetime


_CLAIM = text(f"""
    UPDATE trainings SET claimed_by = :worker, claim_epoch = claim_epoch + 1,
           claimed_until = clock_timestamp() + make_interval(secs => :seconds)
    WHERE id IN (
        SELECT id FROM trainings
        WHERE {DUE} AND (claimed_until IS NULL OR claimed_until <= now())
        ORDER BY wake_at LIMIT :most FOR UPDATE SKIP LOCKED)
    RETURNING *, clock_timestamp() AS db_now
""")
_RENEW = text("""
    UPDATE trainings SET claimed_until = clock_timestamp() + make_interval(secs => :seconds)
    WHERE id = :id AND claim_epoch = :epoch AND claimed_by = :worker
""")
_HINT = text("""
    UPDATE trainings SET intent_gen = intent_gen + 1
    WHERE id IN (SELECT id FROM trainings WHERE id = ANY(:ids) ORDER BY id FOR UPDATE)
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))


async def claim(connection: AsyncConnection, *, worker: str, seconds: float, most: int) -> list[Claimed]:
    """At most `most` due trainings that nobody holds, for `seconds`; those that have waited longest first."""
    rows = await connection.execute(_CLAIM, {"worker": worker, "seconds": seconds, "most": most})
    return [Claimed(training_of(row), row.claim_epoch, row.db_now) for row in rows]


async def renew(connection: AsyncConnection, training_id: UUID, *, epoch: int, worker: str, seconds: float) -> bool:
    """Hold it longer; False when it is another worker's by now."""
    values = {"id": training_id, "epoch": epoch, "worker": worker, "seconds": seconds}
    return (await connection.execute(_RENEW, values)).rowcount == 1


async def hint(connection: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Something of these trainings changed in the cluster: each is due, also when it is being decided on just now."""
    if ids:
        await connection.execute(_HINT, {"ids": list(ids)})
