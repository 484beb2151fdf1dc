"""A schedule in words."""

from __future__ import annotations

from datetime import timedelta

from app.domain import cron
from app.domain.schedule import Schedule

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def describe(schedule: Schedule) -> str:
    """Such as `At 03:00 every day` or `Every 6 hours`; times of day are those of the schedule's zone."""
    if schedule.interval is not None:
        return f"Every {period(schedule.interval)}"
    return cron.parse(schedule.cron or "").words()


def period(interval: timedelta) -> str:
    """What follows the word every: `hour`, `1 hour 30 minutes`, `2 days`."""
    rest = int(interval.total_seconds())
    parts = []
    for unit, seconds in _UNITS:
        count, rest = divmod(rest, seconds)
        if count:
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    return " ".join(parts).removeprefix("1 ") if len(parts) == 1 else " ".join(parts)
