"""Cron by looking at every minute: slow, and written without the library that fires, to check it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]


@dataclass(frozen=True, slots=True)
class SlowCron:
    """The five fields as sets of numbers; Sunday is 0."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    both_days: bool

    def fits(self, wall: datetime) -> bool:
        """Whether a clock that shows `wall` shows a time that is meant."""
        return wall.minute in self.minutes and wall.hour in self.hours and self.fits_day(wall.date())

    def fits_day(self, day: date) -> bool:
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        either_or_both = of_month and of_week if self.both_days else of_month or of_week
        return day.month in self.months and either_or_both


def read(expression: str) -> SlowCron:
    """Five fields of numbers, names, lists, ranges and steps."""
    minute, hour, day, month, weekday = expression.lower().split()
    return SlowCron(
        minutes=_field(minute, 0, 59, []),
        hours=_field(hour, 0, 23, []),
        days=_field(day, 1, 31, []),
        months=_field(month, 1, 12, ["", *_MONTHS]),
        weekdays=frozenset(number % 7 for number in _field(weekday, 0, 7, _DAYS)),
        both_days=day.startswith("*") or weekday.startswith("*"),
    )


def _field(text: str, low: int, high: int, names: list[str]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        where, _, step = part.partition("/")
        first, dash, last = where.partition("-")
        if where == "*":
            begin, end = low, high
        else:
            begin = _number(first, names)
            end = _number(last, names) if dash else high if step else begin
        found.update(range(begin, end + 1, int(step or 1)))
    return frozenset(found)


def _number(text: str, names: list[str]) -> int:
    return names.index(text) if text in names else int(text)


@dataclass(frozen=True, slots=True)
class Clock:
    """What a clock in a zone shows in every minute around a moment: when first it shows what, and in which order."""

    shown: tuple[tuple[datetime, datetime], ...]  # UTC, wall
    first: dict[datetime, datetime]  # wall: UTC
    days: frozenset[date]

    @classmethod
    def around(cls, middle: datetime, hours: int, zone: str) -> Clock:
        """From so many hours before `middle` (a full minute) until as many after it."""
        place = ZoneInfo(zone)
        shown = []
        moment = middle - timedelta(hours=hours)
        while moment <= middle + timedelta(hours=hours):
            shown.append((moment, moment.astimezone(place).replace(tzinfo=None, fold=0)))
            moment += MINUTE
        first: dict[datetime, datetime] = {}
        for moment, wall in shown:
            first.setdefault(wall, moment)
        return cls(tuple(shown), first, frozenset(wall.date() for _, wall in shown))

    def due(self, cron: SlowCron) -> set[datetime]:
        """When it is due: every hour that passes, or each time on the wall once."""
        if len(cron.hours) == 24:
            return {moment for moment, wall in self.shown if cron.fits(wall)}
        found = {moment for wall, moment in self.first.items() if cron.fits(wall)}
        for (_, before), (moment, after) in zip(self.shown, self.shown[1:], strict=False):
            jumped = before + MINUTE
            while jumped < after:
                if cron.fits(jumped) and jumped.date() in self.days:
                    found.add(moment)
                jumped += MINUTE
        return found
