"""Backfills over the wire."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Input, Moment, MomentIn, Output
from app.api.schemas.projects import Count
from app.api.schemas.trainings import StartIn
from app.domain.backfill import BackfillOutcome, BackfillState
from app.domain.training import Reason, State


class BackfillIn(Input):
    """Every due time from `from` up to (not with) `to`."""

    from_: Annotated[MomentIn, Field(alias="from")]
    to: MomentIn
    concurrency: Annotated[Count, Field(description="How many of its trainings may be active at a time.")] = 1
    overrides: Annotated[StartIn, Field(description="What is different from the project.")] = StartIn()


class BackfillCountsOut(Output):
    waiting: int
    active: int
    succeeded: int
    failed: int
    stopped: int
    cancelled: int


class BackfillOut(Output):
    id: UUID
    project: str
    from_at: Moment
    to_at: Moment
    concurrency: int
    state: BackfillState
    counts: BackfillCountsOut
    created_by: str
    created_at: Moment
    cancelled_by: str | None
    finished_at: Moment | None


class BackfillTimeOut(Output):
    at: Moment
    outcome: BackfillOutcome
    message: str
    training_id: UUID | None
    number: int | None
    state: State | None
    reason: Reason | None
