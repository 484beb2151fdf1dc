"""Which training's summaries are to be read when, how far they are, and who reads them now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.notify import publish
from app.domain.event_file import Position
from app.domain.training import State, Training

CHANNEL = "metrics"
WATCHED_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a training's summaries are read."""

    training_id: UUID
    read_at: datetime | None
    complete: bool
    problem: str
    left_out: int
    files: Mapping[str, Position]
    watched: bool = False
    epoch: int = 0


_BEGIN = text("""
    INSERT INTO metric_readings (training_id) VALUES (:id)
    ON CONFLICT (training_id) DO UPDATE SET due_at = now() WHERE NOT metric_readings.complete
""")
_COLUMNS = "training_id, read_at, complete, problem, left_out, files, watched_until > now() AS watched, claim_epoch"
_GET = text(f"SELECT {_COLUMNS} FROM metric_readings WHERE training_id = :id")
_CLAIM = text(f"""
    UPDATE metric_readings SET claim_epoch = claim_epoch + 1,
                               claimed_until = clock_timestamp() + make_interval(secs => :seconds)
    WHERE training_id IN (
        SELECT training_id FROM metric_readings
        WHERE NOT complete AND due_at <= now() AND (claimed_until IS NULL OR claimed_until <= now())
        ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED)
    RETURNING {_COLUMNS}
""")
_FENCE = text("SELECT 1 FROM metric_readings WHERE training_id = :id AND claim_epoch = :epoch FOR UPDATE")
_WRITE = text("""
    UPDATE metric_readings SET files = :files, left_out = :left_out, problem = :problem, complete = :complete,
        read_at = CASE WHEN CAST(:problem AS text) = '' THEN now() ELSE read_at END, claimed_until = NULL,
        due_at = now() + make_interval(
            secs => CASE WHEN watched_until > now() THEN CAST(:soon AS float8) ELSE CAST(:later AS float8) END)
    WHERE training_id = :id AND claim_epoch = :epoch
""").bindparams(bindparam("files", type_=JSONB))
_WATCH = text(f"""
    UPDATE metric_readings SET due_at = least(due_at, now()),
                               watched_until = now() + interval '{WATCHED_SECONDS} seconds'
    WHERE training_id = :id AND NOT complete
      AND (watched_until IS NULL OR watched_until < now() + interval '{WATCHED_SECONDS // 2} seconds')
    RETURNING training_id
""")


async def begin(connection: AsyncConnection, before: State, after: Training) -> None:
    """In the transaction that changes a training's state: read its summaries once it runs, and once more at its end."""
    if after.spec.storage is None or before is after.state:
        return
    if after.state is State.RUNNING or after.state.ended:
        await connection.execute(_BEGIN, {"id": after.id})


async def get(connection: AsyncConnection, training_id: UUID) -> Reading | None:
    """None: the training has no storage, or has not begun to run."""
    row = (await connection.execute(_GET, {"id": training_id})).first()
    return _reading_of(row) if row is not None else None


async def claim(connection: AsyncConnection, *, most: int, seconds: float) -> list[Reading]:
    """Those that are due and that nobody reads; they are the caller's for so many seconds."""
    return [_reading_of(row) for row in await connection.execute(_CLAIM, {"most": most, "seconds": seconds})]


async def held(connection: AsyncConnection, reading: Reading) -> bool:
    """Whether the claim still holds; it does to the end of this transaction."""
    return (await connection.execute(_FENCE, {"id": reading.training_id, "epoch": reading.epoch})).first() is not None


async def write(
    connection: AsyncConnection, reading: Reading, *, complete: bool, soon: float, later: float, changed: bool
) -> None:
    """Give it back with how far it is now; due again in `soon` seconds while somebody looks, else in `later`."""
    values = {
        "id": reading.training_id,
        "epoch": reading.epoch,
        "files": {path: asdict(position) for path, position in reading.files.items()},
        "left_out": reading.left_out,
        "problem": reading.problem,
        "complete": complete,
        "soon": soon,
        "later": later,
    }
    await connection.execute(_WRITE, values)
    if changed:
        publish(connection, CHANNEL, reading.training_id)


async def watch(connection: AsyncConnection, training_id: UUID) -> None:
    """Somebody looks at it: read it now, and often for a minute."""
    if (await connection.execute(_WATCH, {"id": training_id})).first() is not None:
        publish(connection, CHANNEL, training_id)


def _reading_of(row: Row[Any]) -> Reading:
    return Reading(
        training_id=row.training_id,
        read_at=row.read_at,
        complete=row.complete,
        problem=row.problem,
        left_out=row.left_out,
        files={path: Position(**position) for path, position in row.files.items()},
        watched=bool(row.watched),
        epoch=row.claim_epoch,
    )
