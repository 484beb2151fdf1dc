"""Rows of what tasks use, and of how the sampling goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, DateTime, Interval, Row, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from app.db.tables import task_usage, usage_sampling
from app.domain.usage import Measuring, PodUsage, TaskUsage

# Whoever writes the row first has the turn: the others see a later due_at. Nobody looks while nothing runs.
_CLAIM = text("""
    INSERT INTO usage_sampling AS s ("only", due_at)
    SELECT 1, now() + :every WHERE EXISTS (SELECT FROM trainings WHERE state IN ('starting','running','stopping'))
    ON CONFLICT ("only") DO UPDATE SET due_at = excluded.due_at WHERE s.due_at <= now()
    RETURNING "only"
""").bindparams(bindparam("every", type_=Interval))
_TELL = text("""
    UPDATE usage_sampling SET problem = :problem, due_at = now() + :again,
                              sampled_at = CASE WHEN :problem = '' THEN now() ELSE sampled_at END
""").bindparams(bindparam("again", type_=Interval))
# Of two pods of one task the newer try counts. A sample that is there already is not counted again.
_SAVE = text("""
    INSERT INTO task_usage AS u (training_id, role, index, attempt, cpu, memory, cpu_peak, memory_peak, sampled_at)
    SELECT DISTINCT ON (a.training_id, a.role, a.index)
           a.training_id, a.role, a.index, a.number, r.cpu, r.memory, r.cpu, r.memory, r.sampled_at
    FROM unnest(:namespaces, :pods, :cpu, :memory, :at) AS r(namespace, pod, cpu, memory, sampled_at)
    JOIN trainings t ON t.namespace = r.namespace
    JOIN attempts a ON a.training_id = t.id AND a.pod_name = r.pod
    ORDER BY a.training_id, a.role, a.index, a.number DESC, r.sampled_at DESC
    ON CONFLICT (training_id, role, index) DO UPDATE SET
        attempt = excluded.attempt, cpu = excluded.cpu, memory = excluded.memory,
        cpu_peak = greatest(u.cpu_peak, excluded.cpu), memory_peak = greatest(u.memory_peak, excluded.memory),
        samples = u.samples + 1, sampled_at = excluded.sampled_at
    WHERE excluded.sampled_at > u.sampled_at
""").bindparams(
    bindparam("namespaces", type_=ARRAY(Text)),
    bindparam("pods", type_=ARRAY(Text)),
    bindparam("cpu", type_=ARRAY(BigInteger)),
    bindparam("memory", type_=ARRAY(BigInteger)),
    bindparam("at", type_=ARRAY(DateTime(timezone=True))),
)
COLUMNS = tuple(
    task_usage.c[name].label(f"usage_{name}")
    for name in ("attempt", "cpu", "memory", "cpu_peak", "memory_peak", "samples", "sampled_at")
)
"""What `of_row` reads, for queries of tasks that join this table."""


async def claim(connection: AsyncConnection, every: timedelta) -> bool:
    """Whether it is this process' turn to sample; then nobody else has one for so long."""
    return (await connection.execute(_CLAIM, {"every": every})).first() is not None


async def tell(connection: AsyncConnection, problem: str, again: timedelta) -> None:
    """How the turn went (empty: well), and in what time the next one is due."""
    await connection.execute(_TELL, {"problem": problem, "again": again})


async def save(connection: AsyncConnection, samples: Sequence[PodUsage]) -> int:
    """Write the samples of pods that are on record, in one statement; of how many tasks something is new."""
    if not samples:
        return 0
    values = {
        "namespaces": [sample.namespace for sample in samples],
        "pods": [sample.pod for sample in samples],
        "cpu": [sample.cpu for sample in samples],
        "memory": [sample.memory for sample in samples],
        "at": [sample.at for sample in samples],
    }
    return (await connection.execute(_SAVE, values)).rowcount


async def measuring(connection: AsyncConnection) -> Measuring:
    """How the sampling goes; nothing is known of it before the first training runs."""
    row = (await connection.execute(select(usage_sampling.c.sampled_at, usage_sampling.c.problem))).first()
    return Measuring(row.sampled_at, row.problem) if row else Measuring()


def of_row(row: Row[Any]) -> TaskUsage | None:
    """From a row with `COLUMNS`; None for a task that was never sampled."""
    if row.usage_sampled_at is None:
        return None
    sampled_at: datetime = row.usage_sampled_at
    return TaskUsage(
        attempt=row.usage_attempt,
        cpu=row.usage_cpu,
        memory=row.usage_memory,
        cpu_peak=row.usage_cpu_peak,
        memory_peak=row.usage_memory_peak,
        samples=row.usage_samples,
        sampled_at=sampled_at,
    )
