"""What clocks show in a time zone, and the moments at which they are put forward or back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


def on_the_wall(wall: datetime, place: ZoneInfo) -> datetime | None:
    """When a clock there first shows `wall` or, when it jumps over it, the moment of the jump.

    None when that whole day is left out, as in Apia, which went from 29 to 31 December 2011.
    """
    early, late = wall.replace(tzinfo=place), wall.replace(tzinfo=place, fold=1)
    before, after = early.utcoffset() or timedelta(), late.utcoffset() or timedelta()
    if before >= after:
        return early.astimezone(UTC)
    moment = wall.replace(tzinfo=UTC)
    jump = clock_change(moment - after, moment - before, before, place)
    return None if _left_out(wall.date(), jump, before, after) else jump


def clock_change(low: datetime, high: datetime, before: timedelta, place: ZoneInfo) -> datetime:
    """The moment, to the second, between `low` and `high` from which the offset is not `before` any more."""
    while high - low > _SECOND:
        middle = low + (high - low) // 2
        if offset_of(middle, place) == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def offset_of(moment: datetime, place: ZoneInfo) -> timedelta:
    """How far its clocks are ahead of UTC at that moment."""
    return moment.astimezone(place).utcoffset() or timedelta()


def _left_out(day: date, jump: datetime, before: timedelta, after: timedelta) -> bool:
    midnight = datetime.combine(day, time(), UTC)
    return jump + before <= midnight and midnight + _DAY <= jump + after
