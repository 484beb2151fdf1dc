"""Which worker works on which training now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.claiming import ClaimTable
from app.db.tables.trainings import LIVE
from app.db.trainings import training_of
from app.domain.training import Training

DUE = f"(intent_gen <> seen_gen OR (wake_at <= now() AND ({LIVE})))"
TRAININGS = ClaimTable("trainings", due=DUE, value_of=training_of)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A training that this worker may write, as it was when it was claimed. `now` is by the database's clock."""

    training: Training
    epoch: int
    now: datetime


async def claim(connection: AsyncConnection, *, worker: str, seconds: float, most: int) -> list[Claimed]:
    """At most `most` due trainings that nobody holds, for `seconds`; those that have waited longest first."""
    found = await TRAININGS.claim(connection, worker=worker, seconds=seconds, most=most)
    return [Claimed(one.value, one.epoch, one.now) for one in found]


async def renew(connection: AsyncConnection, training_id: UUID, *, epoch: int, worker: str, seconds: float) -> bool:
    """Hold it longer; False when it is another worker's by now."""
    return await TRAININGS.renew(connection, training_id, epoch=epoch, worker=worker, seconds=seconds)


async def hint(connection: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Something of these trainings changed in the cluster: each is due, also when it is being decided on just now."""
    await TRAININGS.hint(connection, ids)
