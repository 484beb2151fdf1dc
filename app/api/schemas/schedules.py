"""Schedules over the wire: what a timed project says, and what is told about it beforehand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator, Field

from app.api.schemas.base import INT_MAX, Flag, Input, Moment, MomentIn, Output, iso_only
from app.domain.schedule import CatchUp, Overlap, Schedule
from app.services.schedule_preview import Told

Count = Annotated[int, Field(ge=-INT_MAX, le=INT_MAX)]
Span = Annotated[timedelta, BeforeValidator(iso_only), Field(description="ISO 8601.", examples=["PT6H"])]


class ScheduleBody(Input):
    """When trainings start by themselves: `cron` or `interval`, never both."""

    cron: Annotated[
        str | None,
        Field(
            max_length=1_000,
            description="Five fields (minute, hour, day of month, month, day of week) or a name such as @daily.",
            examples=["0 3 * * *"],
        ),
    ] = None
    interval: Annotated[Span | None, Field(description="In UTC, from `start` or else from when it was set.")] = None
    timezone: Annotated[
        str, Field(max_length=100, description="IANA name; cron is read in it.", examples=["Europe/Berlin"])
    ] = "UTC"
    start: Annotated[MomentIn | None, Field(description="Nothing is due before it.")] = None
    end: Annotated[MomentIn | None, Field(description="Nothing is due after it.")] = None
    overlap: Annotated[Overlap, Field(description="What a due time does while an earlier training is active.")] = (
        Overlap.SKIP
    )
    queue_limit: Annotated[Count, Field(description="How many may wait when overlap is queue.")] = 10
    catch_up: Annotated[CatchUp, Field(description="Which due times are made up for after a downtime.")] = (
        CatchUp.LATEST
    )
    catch_up_limit: Annotated[Count, Field(description="How many when catch_up is all.")] = 10
    catch_up_window: Annotated[Span, Field(description="How old a due time that is made up for may be.")] = timedelta(
        days=7
    )
    stop_after_failures: Annotated[Count | None, Field(description="Failures in a row that pause it.")] = None
    start_tolerance: Annotated[Span | None, Field(description="A notice when not started so long after.")] = None
    succeed_within: Annotated[Span | None, Field(description="A notice when not succeeded so long after.")] = None
    notice_slow: Annotated[Flag, Field(description="A notice when longer than 95 % of those before.")] = False

    def to_domain(self) -> Schedule:
        given = {name: getattr(self, name) for name in ScheduleBody.model_fields}
        return Schedule(**given | {"start": _utc(self.start), "end": _utc(self.end)})

    @classmethod
    def of(cls, schedule: Schedule) -> ScheduleBody:
        return cls.model_construct(**{name: getattr(schedule, name) for name in cls.model_fields})


def _utc(moment: AwareDatetime | datetime | None) -> datetime | None:
    try:
        return moment.astimezone(UTC) if moment else None
    except OverflowError:
        return moment  # told of as out of range


class CautionOut(Output):
    at: Annotated[Moment | None, Field(description="The due time it is about; null: the schedule as a whole.")]
    text: str


class SchedulePreviewOut(Output):
    """The schedule in words and its next due times, computed by what fires them."""

    description: str
    next: Annotated[tuple[Moment, ...], Field(description="In the schedule's time zone; ten at most.")]
    next_utc: tuple[Moment, ...]
    warnings: tuple[CautionOut, ...]
    forecast: Annotated[tuple[str, ...], Field(description="From the project's last trainings; may be empty.")]

    @classmethod
    def of(cls, told: Told) -> SchedulePreviewOut:
        found = told.preview
        return cls(
            description=found.description,
            next=found.due,
            next_utc=tuple(moment.astimezone(UTC) for moment in found.due),
            warnings=tuple(CautionOut(at=one.at, text=one.text) for one in found.cautions),
            forecast=told.forecast,
        )
