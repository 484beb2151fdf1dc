"""Backfills: the due times of a range of the past, trained as one thing with bounded concurrency."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.domain.schedule import Schedule, due_between
from app.domain.training import Reason, State

TIMES_MAX = 1_000
CONCURRENCY_MAX = 50


class BackfillState(StrEnum):
    """Where a backfill is."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


class BackfillOutcome(StrEnum):
    """What became of one of its times."""

    WAITING = "waiting"
    STARTED = "started"
    REFUSED = "refused"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class BackfillCounts:
    """How its times are doing; together they are all of them."""

    waiting: int = 0
    active: int = 0
    succeeded: int = 0
    failed: int = 0  # or ran out of time, or could not be started
    stopped: int = 0  # by a person, such as with the rest of the backfill
    cancelled: int = 0  # not begun before that


@dataclass(frozen=True, slots=True)
class Backfill:
    """One row: which range, and how far it has come."""

    id: UUID
    project_id: UUID
    project: str
    owner_id: UUID
    from_at: datetime
    to_at: datetime
    concurrency: int
    state: BackfillState
    created_by: str
    created_at: datetime
    cancelled_by: str | None = None
    finished_at: datetime | None = None
    counts: BackfillCounts = BackfillCounts()


@dataclass(frozen=True, slots=True)
class BackfillTime:
    """One of its due times, and its training."""

    at: datetime
    outcome: BackfillOutcome
    message: str = ""
    training_id: UUID | None = None
    number: int | None = None
    state: State | None = None
    reason: Reason | None = None


def times_of(schedule: Schedule, start: datetime, end: datetime, anchor: datetime) -> list[datetime]:
    """When the schedule would have been due from `start` up to (not with) `end`, whatever its own start and end.

    At most one more than `TIMES_MAX`.
    """
    if schedule.interval is not None:
        base = (schedule.start or anchor).replace(microsecond=0)
        if base > start:
            base -= -(-(base - start) // schedule.interval) * schedule.interval
        anchor = base
    always = replace(schedule, start=None, end=None)
    instant = datetime.resolution
    return due_between(always, start - instant, end - instant, anchor, TIMES_MAX + 1)
