"""What became of due times, over the wire."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Input, Moment, Output
from app.domain.firing import Cause
from app.domain.schedule import CatchUp
from app.domain.timed import DueOutcome, PausedBy, Switch
from app.domain.training import Reason, State


class ResumeIn(Input):
    catch_up: Annotated[
        CatchUp, Field(description="What is made up for of that which was due during the pause; by itself nothing.")
    ] = CatchUp.SKIP


class ScheduleChangeOut(Output):
    at: Moment
    by: str
    change: Switch
    reason: Annotated[PausedBy | None, Field(description="Of a pause.")]
    catch_up: Annotated[CatchUp | None, Field(description="What was made up for when it went on.")]
    message: str


class RunOut(Output):
    """A due time, or a training that was started otherwise."""

    project: str
    at: Moment
    outcome: Annotated[DueOutcome | None, Field(description="Null: still to come, or not started by a schedule.")]
    cause: Cause | None
    message: Annotated[str, Field(description="Why it started nothing, or what its training waited for.")]
    folded: Annotated[int, Field(description="Older due times, missed as well, that this row speaks for.")]
    training_id: UUID | None
    number: int | None
    state: Annotated[State | None, Field(description="Of its training, as long as that is on record.")]
    reason: Reason | None


class CalendarOut(Output):
    past: tuple[RunOut, ...]
    coming: tuple[RunOut, ...]
    complete: Annotated[bool, Field(description="False: there are more; ask for a shorter range.")]
