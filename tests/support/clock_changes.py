"""Changes of clocks, found by looking at what clocks show, minute by minute where they change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
_STEP = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Change:
    """At `at` the clocks of `zone` go from one offset to another (in minutes)."""

    zone: str
    at: datetime
    old: int
    new: int

    @property
    def kind(self) -> tuple[int, int, int]:
        """What makes it another case: from when to when on the wall, seen from UTC."""
        return (self.old, self.new, self.at.hour * 60 + self.at.minute)


def distinct_changes(zones: Iterable[str], first_year: int, last_year: int) -> list[Change]:
    """Of each kind that happened in those years in any of the zones the first and the last one."""
    first: dict[tuple[int, int, int], Change] = {}
    last: dict[tuple[int, int, int], Change] = {}
    for zone in zones:
        for change in _changes(ZoneInfo(zone), first_year, last_year):
            first[change.kind] = min(change, first.get(change.kind, change), key=_when)
            last[change.kind] = max(change, last.get(change.kind, change), key=_when)
    return sorted({*first.values(), *last.values()}, key=_when)


def _when(change: Change) -> tuple[datetime, str]:
    return change.at, change.zone


def _changes(zone: ZoneInfo, first_year: int, last_year: int) -> Iterator[Change]:
    moment, end = datetime(first_year, 1, 1, tzinfo=UTC), datetime(last_year + 1, 1, 1, tzinfo=UTC)
    while moment < end:
        later = moment + _STEP
        if _offset(moment, zone) != _offset(later, zone):
            low, high = moment, later
            while high - low > MINUTE:
                middle = low + (high - low) // 2
                middle = middle.replace(second=0, microsecond=0)
                low, high = (middle, high) if _offset(middle, zone) == _offset(low, zone) else (low, middle)
            yield Change(zone.key, high, _offset(low, zone), _offset(high, zone))
        moment = later


def _offset(moment: datetime, zone: ZoneInfo) -> int:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) // 60
