"""When a timed project is due: its schedule, and the due times that follow from it.

All due times are in UTC. They depend on the schedule and its anchor only, never on when somebody asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from app.domain import cron

HORIZON = datetime(2200, 1, 1, tzinfo=UTC)
"""Nothing is due from here on: what nobody will see is not computed."""


class Overlap(StrEnum):
    """What a due time does while an earlier training of the project has not ended."""

    REPLACE = "replace"
    """The earlier one is stopped; this one starts when its pods are gone."""
    SKIP = "skip"
    ALLOW = "allow"
    """It starts beside the earlier one."""
    QUEUE = "queue"
    """It waits for its turn, at most `queue_limit` of them."""


class CatchUp(StrEnum):
    """Which of the due times that passed while nothing could start are made up for."""

    SKIP = "skip"
    LATEST = "latest"
    ALL = "all"
    """The newest `catch_up_limit` of them, oldest first."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A project's schedule: `cron` or `interval`, never both.

    Cron is read in `timezone` (an IANA name); the interval runs in UTC, from `start` or else from the moment the
    schedule was set. Nothing is due before `start` or after `end`; both themselves can be due. `catch_up_window` is
    how old a missed due time may be. After `stop_after_failures` failed trainings in a row it is paused.
    Notices are sent for what has not started `start_tolerance` after its due time, has not succeeded
    `succeed_within` of it, or (`notice_slow`) runs longer than 95 % of those before.
    """

    cron: str | None = None
    interval: timedelta | None = None
    timezone: str = "UTC"
    start: datetime | None = None
    end: datetime | None = None
    overlap: Overlap = Overlap.SKIP
    queue_limit: int = 10
    catch_up: CatchUp = CatchUp.LATEST
    catch_up_limit: int = 10
    catch_up_window: timedelta = timedelta(days=7)
    stop_after_failures: int | None = None
    start_tolerance: timedelta | None = None
    succeed_within: timedelta | None = None
    notice_slow: bool = False


def anchor_after(before: Schedule | None, after: Schedule, anchor: datetime | None, now: datetime) -> datetime:
    """From when an interval without a start counts once `after` is set: as before while the interval is the same."""
    if anchor is None or before is None or before.interval != after.interval:
        return now
    return anchor


def next_due(schedule: Schedule, after: datetime, anchor: datetime) -> datetime | None:
    """The first due time after `after`, in UTC; None when there is none any more.

    `anchor` is when the schedule was set. The caller keeps it: an interval without a start counts from it.
    Raises `cron.BadCron` and `cron.UnknownZone` for a schedule that `check_schedule` refuses.
    """
    if schedule.start is not None:
        after = max(after, schedule.start - datetime.resolution)
    if schedule.interval is not None:
        base = schedule.start or anchor.replace(microsecond=0)
        due = _tick(base.astimezone(UTC), schedule.interval, after)
    else:
        due = cron.parse(schedule.cron or "").following(after, cron.zone(schedule.timezone))
    if due is None or due >= HORIZON or (schedule.end is not None and due > schedule.end):
        return None
    return due


def due_between(
    schedule: Schedule, after: datetime, until: datetime, anchor: datetime, limit: int = 1_000
) -> list[datetime]:
    """The first `limit` due times later than `after` and not later than `until`, in order."""
    found: list[datetime] = []
    while len(found) < limit:
        due = next_due(schedule, found[-1] if found else after, anchor)
        if due is None or due > until:
            break
        found.append(due)
    return found


def _tick(base: datetime, interval: timedelta, after: datetime) -> datetime | None:
    if after < base:
        return base
    try:
        return base + ((after - base) // interval + 1) * interval
    except OverflowError:
        return None
