"""Logs of a training's tasks as a worker would have kept them, written straight into the rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import insert, select, update

from app.db import notify
from app.db.engine import Database
from app.db.ids import new_id
from app.db.tables import attempts, log_chunks
from app.domain.training import LogVerdict

START = datetime(2026, 11, 24, 3, tzinfo=UTC)


async def try_of(database: Database, training_id: UUID, role: str, index: int = 0, number: int = 1) -> UUID:
    """A running try of a task, with an empty log."""
    attempt_id = new_id()
    async with database.transaction() as connection:
        await connection.execute(
            insert(attempts).values(
                id=attempt_id,
                training_id=training_id,
                role=role,
                index=index,
                number=number,
                pod_name=f"{role}-{index}-x{number}",
                pod_uid=str(uuid4()),
                state="running",
                created_at=START,
                started_at=START,
            )
        )
    return attempt_id


async def say(database: Database, attempt_id: UUID, data: bytes, *, at: float = 0, gap: bool = False) -> None:
    """Append to its log, written `at` seconds after START."""
    moment = START + timedelta(seconds=at)
    lines = data.count(b"\n")
    async with database.transaction() as connection:
        row = (await connection.execute(select(attempts).where(attempts.c.id == attempt_id).with_for_update())).one()
        await connection.execute(
            insert(log_chunks).values(
                attempt_id=attempt_id,
                offset=row.log_bytes,
                first_line=row.log_lines,
                lines=lines,
                data=data,
                first_at=moment,
                last_at=moment,
                index=[],
                gap_before=int(gap),
            )
        )
        grown = {"log_bytes": row.log_bytes + len(data), "log_lines": row.log_lines + lines}
        await connection.execute(update(attempts).where(attempts.c.id == attempt_id).values(**grown))
        notify.publish(connection, "logs", row.training_id)


async def judge(database: Database, attempt_id: UUID, verdict: LogVerdict, missing: int | None = None) -> None:
    """Its log is over and archived, with that verdict."""
    values = {"log_verdict": verdict, "log_missing_lines": missing, "log_archived_at": START, "state": "succeeded"}
    async with database.transaction() as connection:
        done = update(attempts).where(attempts.c.id == attempt_id).values(**values).returning(attempts.c.training_id)
        training_id = (await connection.execute(done)).scalar_one()
        notify.publish(connection, "logs", training_id)
        notify.publish(connection, "trainings", training_id)
