"""What a schedule would do, as a form and a project's page show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.domain import cron
from app.domain.schedule import Schedule
from app.errors import FieldError
from app.services.schedule_preview import Told


@dataclass(frozen=True, slots=True)
class DueLine:
    """A coming due time: the moment, what a clock in the schedule's zone shows then, and what is special about it."""

    at: datetime
    there: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """`problems`: why there is nothing else to show."""

    words: str = ""
    zone: str = ""
    due: tuple[DueLine, ...] = ()
    notes: tuple[str, ...] = ()
    forecast: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def view_of(schedule: Schedule, told: Told) -> ScheduleView:
    """What is told of it, line by line."""
    place = cron.zone(schedule.timezone)
    notes = {caution.at: caution.text for caution in told.preview.cautions if caution.at is not None}
    return ScheduleView(
        words=told.preview.description,
        zone=schedule.timezone,
        due=tuple(DueLine(due, wall_words(due.astimezone(place)), notes.get(due, "")) for due in told.preview.due),
        notes=tuple(caution.text for caution in told.preview.cautions if caution.at is None),
        forecast=told.forecast,
    )


def refused(errors: Iterable[FieldError]) -> ScheduleView:
    """What is wrong, instead."""
    return ScheduleView(problems=tuple(dict.fromkeys(error.detail for error in errors)))


def wall_words(moment: datetime) -> str:
    """`Wed 25 Nov, 03:00`; with the year and the seconds where they matter."""
    year = "" if moment.year == datetime.now(moment.tzinfo).year else f" {moment.year}"
    return f"{moment:%a} {moment.day} {moment:%b}{year}, {moment:%H:%M}" + (f":{moment:%S}" if moment.second else "")
