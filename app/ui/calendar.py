"""The calendar: the days of a week, or one day, as a person in a time zone counts them, with the runs of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from app.domain.timed import Run

IN_A_WEEK = 12
"""Runs that a day shows within its week; the rest is a link to the day."""
OF_ONE_PROJECT = 3
"""Of these so many may be of one project: what runs every few minutes hides nothing else."""
IN_A_DAY = 200
"""Runs on one page of a day."""
EARLIEST, LATEST = date(2000, 1, 3), date(2199, 12, 1)


class Span(StrEnum):
    """What is looked at."""

    WEEK = "week"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Line:
    """A run at the time that a clock in the zone shows."""

    clock: str
    run: Run


@dataclass(frozen=True, slots=True)
class Day:
    """One day: some of its runs, and how many more there are."""

    date: date
    lines: tuple[Line, ...]
    more: int
    today: bool

    @property
    def title(self) -> str:
        return f"{self.date:%a} {self.date.day} {self.date:%b}"


@dataclass(frozen=True, slots=True)
class Dates:
    """The days that are looked at, in a zone."""

    span: Span
    first: date
    zone: ZoneInfo

    @property
    def days(self) -> tuple[date, ...]:
        return tuple(self.first + timedelta(days=number) for number in range(7 if self.span is Span.WEEK else 1))

    @property
    def start(self) -> datetime:
        """When the first day begins there, in UTC."""
        return datetime.combine(self.first, time(), self.zone).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """When the last one is over."""
        return datetime.combine(self.days[-1] + timedelta(days=1), time(), self.zone).astimezone(UTC)

    @property
    def before(self) -> date:
        return max(self.first - timedelta(days=len(self.days)), EARLIEST)

    @property
    def after(self) -> date:
        return min(self.days[-1] + timedelta(days=1), LATEST)

    @property
    def title(self) -> str:
        first, last = self.days[0], self.days[-1]
        if first == last:
            return f"{first:%A} {first.day} {first:%B %Y}"
        begin = f"{first.day}" + (f" {first:%B}" if first.month != last.month else "")
        return f"{begin}{f' {first.year}' if first.year != last.year else ''} – {last.day} {last:%B %Y}"


def dates_of(span: str, day: str, now: datetime, zone: ZoneInfo) -> Dates:
    """What an address asks for; what cannot be read means this week, or today."""
    kind = Span(span) if span in set(Span) else Span.WEEK
    try:
        wanted = min(max(date.fromisoformat(day), EARLIEST), LATEST)
    except ValueError:
        wanted = now.astimezone(zone).date()
    return Dates(kind, wanted - timedelta(days=wanted.weekday()) if kind is Span.WEEK else wanted, zone)


def days_of(dates: Dates, runs: Sequence[Run], now: datetime, page: int = 1) -> list[Day]:
    """The runs by day, in order of time. A single day is shown in pages."""
    by_day: dict[date, list[Line]] = {day: [] for day in dates.days}
    for run in sorted(runs, key=lambda one: (one.at, one.project)):
        there = run.at.astimezone(dates.zone)
        if there.date() in by_day:
            by_day[there.date()].append(Line(f"{there:%H:%M}", run))
    begin = 0 if dates.span is Span.WEEK else (page - 1) * IN_A_DAY
    today = now.astimezone(dates.zone).date()
    found = []
    for day, lines in by_day.items():
        if dates.span is Span.DAY:
            chosen = lines[begin : begin + IN_A_DAY]
        else:
            chosen = _around(now, lines) if day == today else _some_of_each(lines)
        found.append(Day(day, tuple(chosen), max(len(lines) - begin - len(chosen), 0), day == today))
    return found


def _around(now: datetime, lines: Sequence[Line]) -> list[Line]:
    """Of today what was last and what comes next: what was at midnight is of less interest."""
    past = [line for line in lines if line.run.at <= now]
    coming = _some_of_each(lines[len(past) :])
    last = _some_of_each(past[::-1])[::-1]
    room = IN_A_WEEK - min(len(coming), IN_A_WEEK // 2)
    return [*last[-room:], *coming[: IN_A_WEEK - min(len(last), room)]]


def _some_of_each(lines: Sequence[Line]) -> list[Line]:
    """The first few of every project, in order of time."""
    seen: Counter[str] = Counter()
    chosen = []
    for line in lines:
        seen[line.run.project] += 1
        if seen[line.run.project] <= OF_ONE_PROJECT:
            chosen.append(line)
    return chosen[:IN_A_WEEK]
