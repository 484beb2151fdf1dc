"""What a schedule will do, told beforehand from the same functions that fire: its next due times and what to know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from app.domain import cron
from app.domain.schedule import HORIZON, CatchUp, Overlap, Schedule, due_between
from app.domain.schedule_words import describe
from app.domain.wall_clock import clock_change

COUNT = 10
_MOMENT = timedelta(minutes=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Caution:
    """Something to know: about the due time `at`, or (None) about the schedule as a whole."""

    at: datetime | None
    text: str


@dataclass(frozen=True, slots=True)
class SchedulePreview:
    """The schedule in words, and its next due times in its own zone."""

    description: str
    due: tuple[datetime, ...]
    cautions: tuple[Caution, ...]


def preview(schedule: Schedule, now: datetime, anchor: datetime, count: int = COUNT) -> SchedulePreview:
    """The next `count` due times after `now`. The schedule has passed `check_schedule`; `anchor` as for `next_due`."""
    place = cron.zone(schedule.timezone)
    due = tuple(moment.astimezone(place) for moment in due_between(schedule, now, HORIZON, anchor, count))
    cautions = [*_in_general(schedule, due), *_clock_changes(schedule, due, place)]
    return SchedulePreview(describe(schedule), due, tuple(cautions))


def _in_general(schedule: Schedule, due: tuple[datetime, ...]) -> Iterator[Caution]:
    if not due:
        yield Caution(None, "Nothing is due any more: the end has passed.")
    if schedule.cron is not None:
        parsed = cron.parse(schedule.cron)
        if parsed.either_day:
            yield Caution(
                None, "A day of the month and a day of the week are given: it is due on days that fit either of them."
            )
        if parsed.leaves_out_months:
            yield Caution(None, "Months without such a day are left out; L as day means the last day of every month.")
    if schedule.catch_up is CatchUp.ALL:
        if schedule.overlap in (Overlap.SKIP, Overlap.REPLACE):
            which = "oldest" if schedule.overlap is Overlap.SKIP else "newest"
            yield Caution(
                None,
                f"With overlap {schedule.overlap} only the {which} of several missed times makes a training; "
                "use queue to make up for each of them.",
            )
        elif schedule.overlap is Overlap.QUEUE and schedule.catch_up_limit > schedule.queue_limit + 1:
            yield Caution(None, f"Of the missed times no more are made up for than may wait: {schedule.queue_limit}.")


def _clock_changes(schedule: Schedule, due: tuple[datetime, ...], place: ZoneInfo) -> Iterator[Caution]:
    """One caution for each day on which the clocks change, where that matters to the schedule."""
    if schedule.interval is not None:
        yield from _shifted(schedule.interval, due)
        return
    parsed = cron.parse(schedule.cron or "")
    told: set[datetime] = set()
    for moment in due:
        change = _change_on(moment.date(), place)
        if change is None or change in told:
            continue
        told.add(change)
        text = _about(parsed, change.astimezone(UTC), place)
        if text:
            yield Caution(_first_from(due, change, moment), text)


def _first_from(due: tuple[datetime, ...], change: datetime, otherwise: datetime) -> datetime:
    """The due time at the end of a gap, else the first of that day."""
    return next((moment for moment in due if moment.astimezone(UTC) == change), otherwise)


def _about(parsed: cron.Cron, change: datetime, place: ZoneInfo) -> str | None:
    """The sentence about the change of the clocks at `change`; None when the schedule does not meet it."""
    old = _wall(change - timedelta(microseconds=1), place) + timedelta(microseconds=1)
    new = _wall(change, place)
    walls = parsed.walls(min(old, new), max(old, new))
    if not walls:
        return None
    turn = f"the clocks go from {old:%H:%M} to {new:%H:%M} on {new:%Y-%m-%d}"
    if parsed.every_hour:
        return f"Attention: {turn}. It is due every hour that passes, so that day has more or fewer due times."
    named = ", ".join(f"{wall:%H:%M}" for wall in walls[:3]) + (", …" if len(walls) > 3 else "")
    if new > old:
        verb = "does" if len(walls) == 1 else "do"
        return f"{named} {verb} not exist that day, because {turn}. It is due once instead, at {new:%H:%M}."
    return f"{named} {'comes' if len(walls) == 1 else 'come'} twice, because {turn}. It is due the first time only."


def _shifted(interval: timedelta, due: tuple[datetime, ...]) -> Iterator[Caution]:
    """Where its times of day move. It has some when it makes up whole days, and keeps them if it divides the shift."""
    if interval % _DAY and _DAY % interval:
        return
    for before, after in pairwise(due):
        shift = (after.utcoffset() or timedelta()) - (before.utcoffset() or timedelta())
        if shift % interval:
            yield Caution(
                after,
                f"The clocks change before it, and an interval counts the time that passes: it is due at "
                f"{after:%H:%M} instead of {after - shift:%H:%M}. Use cron for fixed times of day.",
            )


def _change_on(day: date, place: ZoneInfo) -> datetime | None:
    """The moment on that day at which the clocks are put forward or back."""
    low = datetime.combine(day, time(), place).astimezone(UTC) - _MOMENT
    high = datetime.combine(day + timedelta(days=1), time(), place).astimezone(UTC) - _MOMENT
    old = low.astimezone(place).utcoffset() or timedelta()
    if high.astimezone(place).utcoffset() == old:
        return None
    return clock_change(low, high, old, place)


def _wall(moment: datetime, place: ZoneInfo) -> datetime:
    return moment.astimezone(place).replace(tzinfo=None, fold=0)
