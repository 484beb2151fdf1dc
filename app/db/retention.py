"""Which trainings are old enough for retention, and their rows' end.

Only what is over for good is ever found: the training has ended, nothing of it is left in the cluster, every log is
archived, no change waits to be looked at and no worker holds it.

Logs go in three steps, each of which may be the last before a crash: the row says that they are removed (readers
then do not ask for them), the objects go, the rows of segments go. `logs_removing` is set in between.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import audit, notify, records
from app.db.trainings import CHANNEL
from app.domain.retention import GoingTrainings

REASON = "LogsRemoved"

_OVER = """
    t.state IN ('succeeded', 'failed', 'stopped', 'timed_out') AND t.namespace_state IN ('none', 'gone')
    AND t.intent_gen = t.seen_gen AND (t.claimed_until IS NULL OR t.claimed_until <= now())
    AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.training_id = t.id AND a.log_archived_at IS NULL)
"""
_RECORDS = f"t.finished_at < now() - CAST(:keep AS interval) AND {_OVER}"
_LOGS = f"""
    {_RECORDS} AND t.logs_removed_at IS NULL
    AND EXISTS (SELECT 1 FROM attempts a WHERE a.training_id = t.id AND a.log_bytes > 0)
"""
_COUNT = """
    SELECT count(*) AS trainings, min(t.finished_at) AS oldest,
           coalesce(sum((SELECT sum(a.log_bytes) FROM attempts a
                         WHERE a.training_id = t.id AND t.logs_removed_at IS NULL)), 0) AS log_bytes
    FROM trainings t WHERE
"""
_MARK = """
    UPDATE trainings t SET logs_removed_at = coalesce(t.logs_removed_at, now()), logs_removing = true,
                           status_gen = t.status_gen + 1
    WHERE t.id IN (SELECT t.id FROM trainings t WHERE {which}
                   ORDER BY t.finished_at LIMIT :most FOR UPDATE OF t SKIP LOCKED)
    RETURNING t.id
"""
_MARK_RECORDS = text(_MARK.format(which=_RECORDS))
_MARK_LOGS = text(_MARK.format(which=_LOGS))
_REMOVING = text("SELECT id FROM trainings WHERE logs_removing AND id > :after ORDER BY id LIMIT :most")
_SEGMENTS = text("""
    DELETE FROM log_segments USING attempts a
    WHERE a.id = log_segments.attempt_id AND a.training_id = :id
      AND EXISTS (SELECT 1 FROM trainings t WHERE t.id = :id AND t.logs_removing)
""")
_DONE = text("UPDATE trainings SET logs_removing = false WHERE id = :id AND logs_removing")
_DELETE = text(f"""
    DELETE FROM trainings WHERE id IN (
        SELECT t.id FROM trainings t
        WHERE t.id = :id AND t.logs_removed_at IS NOT NULL AND NOT t.logs_removing AND {_RECORDS}
        FOR UPDATE OF t SKIP LOCKED)
    RETURNING project, number, created_at, finished_at
""")


async def records_going(connection: AsyncConnection, keep: timedelta) -> GoingTrainings:
    """Trainings whose record is older than `keep`."""
    row = (await connection.execute(text(f"{_COUNT} {_RECORDS}"), {"keep": keep})).one()
    return GoingTrainings(row.trainings, int(row.log_bytes), row.oldest)


async def logs_going(connection: AsyncConnection, keep: timedelta, *, keep_records: timedelta | None) -> GoingTrainings:
    """Trainings whose logs are older than `keep`, without those whose record goes as well."""
    stays = "t.finished_at >= now() - CAST(:keep_records AS interval)" if keep_records is not None else "true"
    values = {"keep": keep} | ({"keep_records": keep_records} if keep_records is not None else {})
    row = (await connection.execute(text(f"{_COUNT} {_LOGS} AND {stays}"), values)).one()
    return GoingTrainings(row.trainings, int(row.log_bytes), row.oldest)


async def mark_records(connection: AsyncConnection, keep: timedelta, *, most: int) -> list[UUID]:
    """The oldest of the trainings whose record goes. From now on nobody reads their logs any more."""
    return await _marked(connection, _MARK_RECORDS, keep, most)


async def mark_logs(connection: AsyncConnection, keep: timedelta, *, most: int) -> list[UUID]:
    """The oldest of the trainings whose logs go and whose record stays; the record says so from now on."""
    found = await _marked(connection, _MARK_LOGS, keep, most)
    for training_id in found:
        message = f"Its logs were removed by retention: they are kept for {_words(keep)} (TAAS_KEEP_LOGS)."
        await records.add_event(connection, training_id, reason=REASON, message=message)
    return found


async def removing(connection: AsyncConnection, *, after: UUID, most: int) -> list[UUID]:
    """Trainings whose logs are marked as removed and not gone yet, by id."""
    return list((await connection.execute(_REMOVING, {"after": after, "most": most})).scalars())


async def forget_segments(connection: AsyncConnection, training_id: UUID) -> None:
    """The objects of its logs are gone: so are the rows that name them. Attempts keep verdicts and counts."""
    await connection.execute(_SEGMENTS, {"id": training_id})
    await connection.execute(_DONE, {"id": training_id})


async def delete_record(connection: AsyncConnection, training_id: UUID, keep: timedelta) -> bool:
    """The row and all that belongs to it, after its logs. False: it is not to go (any more), or somebody has it."""
    row = (await connection.execute(_DELETE, {"id": training_id, "keep": keep})).first()
    if row is None:
        return False
    await audit.record(
        connection,
        "retention",
        "training.remove",
        f"training/{training_id}",
        project=row.project,
        number=row.number,
        finished_at=row.finished_at.isoformat(),
    )
    notify.publish(connection, CHANNEL, training_id)
    return True


async def _marked(connection: AsyncConnection, mark: TextClause, keep: timedelta, most: int) -> list[UUID]:
    found: list[UUID] = list((await connection.execute(mark, {"keep": keep, "most": most})).scalars())
    for training_id in found:
        notify.publish(connection, CHANNEL, training_id)
    return found


def _words(keep: timedelta) -> str:
    return f"{keep.days} days" if keep.days > 1 and not keep.seconds else f"{keep}"
