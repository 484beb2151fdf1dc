"""Which worker takes over the logs of which training, and the attempts whose logs are still to be had.

A claim of its own, apart from the one that decides: following goes on for as long as a training runs. Every claim has
a new epoch, and whoever writes a log says it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.training import TaskKey


@dataclass(frozen=True, slots=True)
class LogSource:
    """An attempt whose log is not archived yet. `resume` is a `k8s.log_parser.Position` as text."""

    attempt_id: UUID
    training_id: UUID
    epoch: int
    namespace: str
    pod: str
    key: TaskKey
    state: str
    started: bool
    termination: str | None
    bytes: int
    lines: int
    stored: int  # bytes that are in storage already
    resume: str
    stopping: bool

    @property
    def over(self) -> bool:
        """Whether the attempt has ended: nothing is added to its log any more."""
        return self.state not in ("pending", "running")

    @property
    def removed(self) -> bool:
        """Whether it went without having been seen to end: there is nothing left to read."""
        return self.state == "removed"


_CLAIM = text("""
    UPDATE trainings SET log_claimed_by = :worker, log_epoch = log_epoch + 1,
           log_claimed_until = clock_timestamp() + make_interval(secs => :seconds)
    WHERE id IN (
        SELECT t.id FROM trainings t
        WHERE t.id IN (SELECT training_id FROM attempts WHERE log_archived_at IS NULL)
          AND t.namespace IS NOT NULL AND (t.log_claimed_until IS NULL OR t.log_claimed_until <= now())
        ORDER BY t.id LIMIT :most FOR UPDATE SKIP LOCKED)
    RETURNING id, log_epoch
""")
_LOCKED = """
    WITH held AS (SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:epochs AS bigint[])) AS h(id, epoch)),
         locked AS (SELECT t.id FROM trainings t JOIN held h ON h.id = t.id AND h.epoch = t.log_epoch
                    ORDER BY t.id FOR NO KEY UPDATE OF t)
"""
_RENEW = text(f"""
    {_LOCKED} UPDATE trainings t SET log_claimed_until = clock_timestamp() + make_interval(secs => :seconds)
    FROM locked WHERE t.id = locked.id RETURNING t.id
""")
_RELEASE = text(f"{_LOCKED} UPDATE trainings t SET log_claimed_until = NULL FROM locked WHERE t.id = locked.id")
_SOURCES = """
    SELECT a.id, a.training_id, t.log_epoch, t.namespace, t.state AS training_state, a.pod_name, a.role,
           a.index AS task_index, a.state, a.started_at IS NOT NULL AS started, a.termination, a.log_bytes,
           a.log_lines, a.log_last_at,
           (SELECT coalesce(max(s."offset" + s.size), 0) FROM log_segments s WHERE s.attempt_id = a.id) AS stored
    FROM attempts a JOIN trainings t ON t.id = a.training_id
    WHERE a.log_archived_at IS NULL AND
"""
_SOURCES_OF = text(f"{_SOURCES} a.training_id = ANY(CAST(:ids AS uuid[])) ORDER BY a.created_at, a.id")
_SOURCE = text(f"{_SOURCES} a.id = :id")


async def claim(connection: AsyncConnection, *, worker: str, seconds: float, most: int) -> dict[UUID, int]:
    """At most `most` trainings with logs to take over that no worker holds, with their new epochs."""
    rows = await connection.execute(_CLAIM, {"worker": worker, "seconds": seconds, "most": most})
    return {row.id: row.log_epoch for row in rows}


async def renew(connection: AsyncConnection, held: Mapping[UUID, int], *, seconds: float) -> set[UUID]:
    """Hold them longer; those that are another worker's by now are not in the answer."""
    rows = await connection.execute(_RENEW, {**_columns(held), "seconds": seconds})
    return {row.id for row in rows}


async def release(connection: AsyncConnection, held: Mapping[UUID, int]) -> None:
    """Give them back."""
    await connection.execute(_RELEASE, _columns(held))


async def sources(connection: AsyncConnection, training_ids: Collection[UUID]) -> list[LogSource]:
    """The attempts of these trainings that are not archived, the oldest first."""
    return [_source_of(row) for row in await connection.execute(_SOURCES_OF, {"ids": list(training_ids)})]


async def source(connection: AsyncConnection, attempt_id: UUID, *, epoch: int) -> LogSource | None:
    """One of them as it is now; None when it is archived, or claimed anew."""
    row = (await connection.execute(_SOURCE, {"id": attempt_id})).first()
    return _source_of(row) if row is not None and row.log_epoch == epoch else None


def _source_of(row: Row[Any]) -> LogSource:
    return LogSource(
        attempt_id=row.id,
        training_id=row.training_id,
        epoch=row.log_epoch,
        namespace=row.namespace,
        pod=row.pod_name,
        key=TaskKey(row.role, row.task_index),
        state=row.state,
        started=row.started,
        termination=row.termination,
        bytes=row.log_bytes,
        lines=row.log_lines,
        stored=row.stored,
        resume=row.log_last_at or "",
        stopping=row.training_state not in ("starting", "running"),
    )


def _columns(held: Mapping[UUID, int]) -> dict[str, object]:
    return {"ids": list(held), "epochs": list(held.values())}
