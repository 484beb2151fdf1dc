"""Due times by example: cron over changes of the clock, intervals, starts and ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.db.codec import from_json, to_json
from app.domain.schedule import CatchUp, Overlap, Schedule, due_between, next_due

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def due(schedule: Schedule, after: str, count: int) -> list[str]:
    """The next times in UTC, such as `2026-03-29T01:00`."""
    begin = datetime.fromisoformat(after).replace(tzinfo=UTC)
    found = due_between(schedule, begin, begin + timedelta(days=3_000), NOON, count)
    return [moment.isoformat(timespec="minutes").removesuffix("+00:00") for moment in found]


def test_a_time_in_the_gap_fires_at_its_end() -> None:
    schedule = Schedule(cron="30 2 * * *", timezone="Europe/Berlin")
    assert due(schedule, "2026-03-28T02:00", 2) == ["2026-03-29T01:00", "2026-03-30T00:30"]


def test_several_times_in_one_gap_are_one_due_time() -> None:
    schedule = Schedule(cron="0,20,40 2,3 * * *", timezone="Europe/Berlin")
    assert due(schedule, "2026-03-29T00:00", 3) == ["2026-03-29T01:00", "2026-03-29T01:20", "2026-03-29T01:40"]


def test_a_time_of_a_repeated_hour_fires_at_its_first_turn() -> None:
    schedule = Schedule(cron="30 2 * * *", timezone="Europe/Berlin")
    assert due(schedule, "2026-10-24T12:00", 2) == ["2026-10-25T00:30", "2026-10-26T01:30"]


@pytest.mark.parametrize("cron", ["0 * * * *", "0 0-23 * * *", "0 */1 * * *", "@hourly"])
def test_every_hour_means_every_hour_that_passes(cron: str) -> None:
    schedule = Schedule(cron=cron, timezone="Europe/Berlin")
    assert due(schedule, "2026-10-25T00:00", 2) == ["2026-10-25T01:00", "2026-10-25T02:00"]
    assert due(schedule, "2026-03-29T00:00", 2) == ["2026-03-29T01:00", "2026-03-29T02:00"]


def test_a_day_that_is_left_out_has_no_due_times() -> None:
    schedule = Schedule(cron="0 3 * * *", timezone="Pacific/Apia")
    assert due(schedule, "2011-12-29T00:00", 2) == ["2011-12-29T13:00", "2011-12-30T13:00"]


def test_a_gap_that_ends_on_the_next_day_still_fires() -> None:
    schedule = Schedule(cron="30 23 * * *", timezone="America/Nuuk")
    assert due(schedule, "2025-03-29T12:00", 2) == ["2025-03-30T01:00", "2025-03-31T00:30"]


def test_days_of_month_or_week_as_vixie_cron_has_it() -> None:
    either = Schedule(cron="0 0 13 * 5")
    assert due(either, "2026-11-01T00:00", 3) == ["2026-11-06T00:00", "2026-11-13T00:00", "2026-11-20T00:00"]
    both = Schedule(cron="0 0 */2 * 7")
    assert due(both, "2026-11-01T00:00", 2) == ["2026-11-15T00:00", "2026-11-29T00:00"]


def test_an_interval_counts_from_its_start() -> None:
    start = datetime(2026, 11, 24, 10, tzinfo=UTC)
    schedule = Schedule(interval=timedelta(hours=7), start=start)
    assert due(schedule, "2026-11-01T00:00", 2) == ["2026-11-24T10:00", "2026-11-24T17:00"]
    assert due(schedule, "2026-11-24T17:00", 1) == ["2026-11-25T00:00"]


def test_an_interval_without_a_start_counts_from_when_it_was_set() -> None:
    assert due(Schedule(interval=timedelta(hours=5)), "2026-11-24T12:00", 2) == ["2026-11-24T17:00", "2026-11-24T22:00"]


def test_nothing_is_due_before_the_start_or_after_the_end() -> None:
    start, end = NOON + timedelta(hours=1), NOON + timedelta(hours=3)
    schedule = Schedule(cron="0 * * * *", start=start, end=end)
    assert due_between(schedule, NOON, NOON + timedelta(days=9), NOON) == [
        start,
        start + timedelta(hours=1),
        end,
    ]
    assert next_due(schedule, end, NOON) is None


def test_only_so_many_are_given() -> None:
    assert len(due_between(Schedule(cron="* * * * *"), NOON, NOON + timedelta(days=9), NOON, limit=7)) == 7


def test_the_far_future_has_no_due_times() -> None:
    far = datetime(9998, 12, 31, tzinfo=UTC)
    for schedule in (Schedule(cron="0 3 * * *", timezone="Pacific/Apia"), Schedule(interval=timedelta(days=1))):
        assert next_due(schedule, far, NOON) is None
    assert next_due(Schedule(interval=timedelta(days=366)), datetime.max.replace(tzinfo=UTC), NOON) is None


def test_a_schedule_survives_the_json_of_its_row() -> None:
    schedule = Schedule(
        interval=timedelta(hours=2),
        timezone="Asia/Shanghai",
        start=NOON,
        overlap=Overlap.QUEUE,
        catch_up=CatchUp.ALL,
        stop_after_failures=3,
        start_tolerance=timedelta(minutes=5),
    )
    assert from_json(to_json(schedule), Schedule) == schedule
