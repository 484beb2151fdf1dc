"""Writing what a worker decided: everything in one transaction, and only while its claim still holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import attempts, event_rows, follows, metric_readings, notices, running_queue, task_rows
from app.db.claiming import Holder as Holder
from app.db.claims import TRAININGS
from app.db.notify import publish
from app.domain.decision import Status
from app.domain.notice import kind_of_change, training_data
from app.domain.seen import SeenPod, SeenWarning
from app.domain.story import memory_warning, steps
from app.domain.tasks import TaskStatus
from app.domain.training import Training

_COLUMNS = tuple(field.name for field in fields(Status))
_STATUS = text(f"""
    UPDATE trainings SET {", ".join(f"{name} = :{name}" for name in _COLUMNS)}, status_gen = status_gen + 1
    WHERE id = :id AND claim_epoch = :epoch
""")
_COUNTS = text("""
    UPDATE trainings SET status_gen = status_gen + 1, tasks_running = c.running, tasks_succeeded = c.succeeded,
                         tasks_failed = c.failed
    FROM (SELECT count(*) FILTER (WHERE state = 'running') AS running,
                 count(*) FILTER (WHERE state = 'succeeded') AS succeeded,
                 count(*) FILTER (WHERE state = 'failed') AS failed
          FROM tasks WHERE training_id = :id) c
    WHERE id = :id AND claim_epoch = :epoch
""")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be written of one decision; only what is new of tasks, pods and warnings.

    `present` are the UIDs of all pods that are there, given when attempts left open by a dead worker are to be closed.
    """

    status: Status
    tasks: Sequence[TaskStatus] = ()
    pods: Sequence[SeenPod] = ()
    warnings: Sequence[SeenWarning] = ()
    present: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """The limit that must not be exceeded for this status to be written."""

    limit: int


async def write(
    connection: AsyncConnection,
    training: Training,
    outcome: Outcome,
    *,
    holder: Holder,
    now: datetime,
    admission: Admission | None = None,
) -> Training | None:
    """The training as it is from now on; None when another worker holds it, and then nothing was written.

    With an `admission` that is not granted it stays queued, with a message that says what it waits for.
    """
    key = {"id": training.id, "epoch": holder.epoch}
    if admission is not None:
        outcome = await _admit(connection, training, outcome, admission)
    if not await TRAININGS.holds(connection, training.id, holder):
        return None
    changed = await _write_parts(connection, training, outcome, now)
    if outcome.status != Status.of(training):
        await connection.execute(_STATUS, {**key, **_values(outcome.status)})
        changed += 1
    if changed:
        await connection.execute(_COUNTS, key)
        publish(connection, "trainings", training.id)
    after = replace(training, **{name: getattr(outcome.status, name) for name in _COLUMNS})
    await _tell(connection, training, after)
    await follows.note_success(connection, training, after)
    await metric_readings.begin(connection, training.state, after)
    return after


async def release(connection: AsyncConnection, training: Training, *, holder: Holder, wake_at: datetime | None) -> bool:
    """Give the claim back; it is due again at `wake_at` (None: never), or at once if its intent has changed."""
    return await TRAININGS.release(connection, training.id, gen=training.intent_gen, holder=holder, wake_at=wake_at)


async def _admit(connection: AsyncConnection, training: Training, outcome: Outcome, admission: Admission) -> Outcome:
    answer = await running_queue.ask(connection, training.id, admission.limit)
    if answer.admitted:
        return outcome
    return replace(outcome, status=replace(Status.of(training), message=answer.message or training.message))


async def _write_parts(connection: AsyncConnection, training: Training, outcome: Outcome, now: datetime) -> int:
    told = [*steps(training, outcome.status, now), *map(event_rows.of_warning, outcome.warnings)]
    told += [warning for pod in outcome.pods if (warning := memory_warning(pod)) is not None]
    changed = await task_rows.save(connection, training.id, outcome.tasks)
    changed += await attempts.save(connection, training.id, outcome.pods, now)
    if outcome.present is not None:
        changed += await attempts.close_missing(connection, training.id, outcome.present, now)
    await event_rows.save(connection, training.id, told)
    if outcome.status.state.ended and not training.state.ended:
        changed += await task_rows.remove_rest(connection, training.id)
    return changed + len(told)


async def _tell(connection: AsyncConnection, before: Training, after: Training) -> None:
    """In the transaction of the change itself: whoever waits to be told is told if, and only if, it happened."""
    kind = kind_of_change(before.state, after.state)
    if kind is not None:
        data = training_data(after)
        await notices.tell(connection, kind, project_id=after.project_id, training_id=after.id, data=data)


def _values(status: Status) -> dict[str, Any]:
    return {name: getattr(status, name) for name in _COLUMNS}
