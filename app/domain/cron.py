"""Cron expressions in a time zone: five fields or a name such as @daily, as Vixie cron reads them.

A clock that is put forward or back changes nothing about how often something happens:

* An expression that names hours means times on the wall. Each fires once a day: at its first occurrence when the
  hour is repeated, at the first minute after the gap when the clocks jump over it. Several times that fall into one
  gap are one due time.
* An expression for every hour follows the time that passes, through both turns of a repeated hour.
"""

from __future__ import annotations

import copy
import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from app.domain.wall_clock import clock_change, offset_of, on_the_wall

LENGTH_MAX = 200
NAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
_EVERY_HOUR = set(range(24))
_SECOND = timedelta(seconds=1)
_LOOK = timedelta(days=7)  # no clocks go forward and back again within it
_MANY_MINUTES = re.compile(r"Every \S+ minute of every hour")
_ORDINAL = re.compile(r"\b([2-5]?)([123])th\b")
_ENDINGS = {"1": "st", "2": "nd", "3": "rd"}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_WORDS = {"month": dict(enumerate(_MONTHS, 1)), "day-of-week": dict(enumerate(_DAYS))}
_ENDS = {"minute": (0, 59), "hour": (0, 23), "day-of-month": (1, 31), "month": (1, 12), "day-of-week": (0, 6)}
_FIELDS = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31",
    "month": "1 to 12 or JAN to DEC",
    "day-of-week": "0 to 7 (0 and 7 are Sunday) or SUN to SAT",
}


class BadCron(ValueError):
    """The message is a sentence for the person."""


class UnknownZone(ValueError):
    """The message is a sentence for the person."""


class Cron:
    """A parsed expression; made by `parse`, which keeps those used lately."""

    def __init__(self, parsed: CronSim) -> None:
        self._parsed = parsed
        self.every_hour = parsed.hours == _EVERY_HOUR

    def following(self, after: datetime, place: ZoneInfo) -> datetime | None:
        """The first due time after `after`, in UTC; None when there is none for fifty years."""
        if after >= _LATEST:
            return None
        after = max(after, _EARLIEST)
        return self._hourly(after, place) if self.every_hour else self._on_the_wall(after, place)

    def walls(self, begin: datetime, end: datetime) -> list[datetime]:
        """The times on the wall (without a zone) from `begin` up to, not with, `end`."""
        return list(takewhile(lambda wall: wall < end, self._steps(begin - timedelta(seconds=1))))

    @property
    def either_day(self) -> bool:
        """Whether a day of the month or a day of the week is enough."""
        return not self._parsed.day_and

    @property
    def leaves_out_months(self) -> bool:
        """Whether some of its months have none of its days."""
        shortest = min(monthrange(2001, month)[1] for month in self._parsed.months)
        return not self.either_day and min(self._parsed.days) > shortest

    def words(self) -> str:
        """The expression in words, such as `At 03:00 every day`."""
        text: str = self._parsed.explain()
        minutes = sorted(self._parsed.minutes)
        step = 60 // len(minutes)
        if minutes == [*range(0, 60, step)]:  # the library says every 15th minute, which could be one of them
            text = _MANY_MINUTES.sub(f"Every {step} minutes", text)
        return _ORDINAL.sub(lambda found: found[1] + found[2] + _ENDINGS[found[2]], text)

    def _hourly(self, after: datetime, place: ZoneInfo) -> datetime | None:
        """Within one offset from UTC the wall tells the time; at each change it is read anew."""
        at = after.astimezone(UTC)
        offset = offset_of(at, place)
        wall = next(self._steps(_naive(at + offset)), None)
        while wall is not None:
            due = wall.replace(tzinfo=UTC) - offset
            look = min(due, at + _LOOK)
            if offset_of(look, place) == offset:
                if look == due:
                    return due
                at = look
                continue
            change = clock_change(at, look, offset, place)
            if due < change:
                return due
            at, offset = change, offset_of(change, place)
            wall = next(self._steps(_naive(at + offset) - _SECOND), None)
        return None

    def _on_the_wall(self, after: datetime, place: ZoneInfo) -> datetime | None:
        for wall in self._steps(after.astimezone(place).replace(tzinfo=None, fold=0)):
            due = on_the_wall(wall, place)
            if due is not None and due > after:
                return due
        return None

    def _steps(self, begin: datetime) -> CronSim:
        steps = copy.copy(self._parsed)
        steps.dt = begin.replace(microsecond=0)
        return steps


@lru_cache(maxsize=2_048)
def parse(expression: str) -> Cron:
    """Raises BadCron, with what would be right, for what is no expression or can never be due."""
    # A range of one number is that number, also with a step: the library would go on to the end of the field.
    text = re.sub(r"\b(\w+)-\1/\d+", r"\1", _five_fields(expression))
    try:
        parsed = CronSim(text, _SOME_TIME)
    except CronSimError as exc:
        raise BadCron(_what_is_wrong(text, str(exc))) from None
    if next(copy.copy(parsed), None) is None:
        raise BadCron(_never(text))
    return Cron(parsed)


def zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name. Raises UnknownZone."""
    if name not in zones():
        raise UnknownZone(f"{name!r} is no time zone; use an IANA name such as Europe/Berlin.")
    return ZoneInfo(name)


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """The names of all time zones known here."""
    return frozenset(available_timezones() - {"Factory", "localtime"} | {"UTC"})


def _five_fields(expression: str) -> str:
    text = " ".join(expression.split())
    if len(text) > LENGTH_MAX:
        raise BadCron(f"The expression has {len(text):,} characters; at most {LENGTH_MAX} are possible.")
    if text.startswith("@"):
        if text.lower() not in NAMES:
            raise BadCron(f"{text!r} is no name of a schedule; use one of {', '.join(NAMES)}, or five fields.")
        return NAMES[text.lower()]
    count = len(text.split())
    if count != 5:
        raise BadCron(
            f"{text!r} has {count} field{'' if count == 1 else 's'}; give exactly five: minute, hour, day of month, "
            "month, day of week, such as 0 3 * * * for 03:00 every day."
        )
    if not re.fullmatch(r"[0-9A-Za-z*/,#\- ]+", text):
        raise BadCron(f"{text!r} has characters that cron does not know; use digits, names and * / , - #.")
    return text


def _what_is_wrong(text: str, words: str) -> str:
    named = words.removeprefix("Bad ")
    if named not in _FIELDS:
        return f"{text!r} is no cron expression; write one like 0 3 * * * (03:00 every day)."
    value = text.split()[list(_FIELDS).index(named)]
    if named == "day-of-month" and _reads(f"0 0 {value} 1 *"):
        return _never(text)
    for part in value.split(","):
        if right := _round_the_end(named, part):
            return f"{part!r} is not possible as {named.replace('-', ' ')}: ranges go upwards; write {right}."
    return (
        f"{value!r} is not possible as {named.replace('-', ' ')}; use {_FIELDS[named]}, *, lists such as 1,3, "
        "ranges such as 1-5 or steps such as */2."
    )


def _round_the_end(named: str, part: str) -> str | None:
    """How `22-4` is written, which means to go on after 23; None for what is no such range."""
    numbers = {word: number for number, word in _WORDS.get(named, {}).items()}
    lowest, highest = _ENDS[named]
    ends = part.upper().split("-")
    found = [numbers.get(end, int(end) if end.isdecimal() else -1) for end in ends]
    if len(ends) != 2 or not lowest <= found[1] < found[0] <= highest:
        return None
    named_ends = [_WORDS[named][end] if ends[0] in numbers else str(end) for end in (highest, lowest)]
    return f"{_range(ends[0], named_ends[0])},{_range(named_ends[1], ends[1])}"


def _range(first: str, last: str) -> str:
    return first if first == last else f"{first}-{last}"


def _reads(text: str) -> bool:
    try:
        CronSim(text, _SOME_TIME)
    except CronSimError:
        return False
    return True


def _never(text: str) -> str:
    return f"{text!r} is never due: no date fits it. Choose a day that its months have."


def _naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)
