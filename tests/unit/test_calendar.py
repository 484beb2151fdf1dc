"""Which of a day's runs its week shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain.timed import Run
from app.ui.calendar import dates_of, days_of

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)


def shown(runs: list[Run], now: datetime) -> list[list[int]]:
    """The hours of what each day shows."""
    days = days_of(dates_of("week", "2026-11-23", now, ZoneInfo("UTC")), runs, now)
    assert sum(day.more + len(day.lines) for day in days) == len(runs)
    return [[line.run.at.hour for line in day.lines] for day in days]


@pytest.mark.parametrize(
    ("hour", "expected"),
    [
        (0, range(12)),
        (2, range(12)),
        (15, range(10, 22)),
        (22, range(12, 24)),
        (23, range(12, 24)),
    ],
)
def test_today_it_is_what_was_last_and_what_comes_next(hour: int, expected: range) -> None:
    runs = [Run(f"p{number}", MONDAY + number * HOUR, None) for number in range(48)]
    today, tomorrow, *rest = shown(runs, MONDAY + hour * HOUR + HOUR / 2)
    assert today == [*expected]
    assert tomorrow == [*range(12)]
    assert rest == [[]] * 5


def test_what_runs_often_leaves_room() -> None:
    often = [Run("often", MONDAY + number * HOUR, None) for number in range(24)]
    others = [Run("once", MONDAY + 3 * HOUR, None), Run("later", MONDAY + 20 * HOUR, None)]
    [today, *_] = shown(often + others, MONDAY + 12.5 * HOUR)
    assert today == [3, 10, 11, 12, 13, 14, 15, 20]
