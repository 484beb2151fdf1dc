"""Schedules in words, their next due times, and what is told about days on which the clocks change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.schedule import CatchUp, Overlap, Schedule, due_between
from app.domain.schedule_preview import preview
from app.domain.schedule_words import describe

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BERLIN = Schedule(cron="30 2 * * *", timezone="Europe/Berlin")
SPRING = datetime(2026, 3, 27, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 23, tzinfo=UTC)


def cautions(schedule: Schedule, now: datetime = NOW) -> list[tuple[str | None, str]]:
    found = preview(schedule, now, now).cautions
    return [(one.at.isoformat() if one.at else None, one.text) for one in found]


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Schedule(cron="0 3 * * *"), "At 03:00 every day"),
        (Schedule(cron="@daily"), "At 00:00 every day"),
        (Schedule(cron="*/15 * * * mon-fri"), "Every 15 minutes on Monday through Friday"),
        (Schedule(cron="*/7 * * * *"), "Every seventh minute of every hour"),
        (Schedule(cron="0 0 21,22,23,31 * *"), "At 00:00 on the 21st, the 22nd, the 23rd, and the 31st day of month"),
        (Schedule(cron="0 0 11,12,13,24 * *"), "At 00:00 on the 11th, the 12th, the 13th, and the 24th day of month"),
        (Schedule(interval=timedelta(hours=1)), "Every hour"),
        (Schedule(interval=timedelta(hours=6)), "Every 6 hours"),
        (Schedule(interval=timedelta(minutes=90)), "Every 1 hour 30 minutes"),
        (Schedule(interval=timedelta(days=1, seconds=1)), "Every 1 day 1 second"),
    ],
)
def test_words(schedule: Schedule, words: str) -> None:
    assert describe(schedule) == words


def test_the_next_times_are_those_that_fire_in_the_zone_of_the_schedule() -> None:
    schedule = Schedule(cron="0 3 * * *", timezone="Asia/Shanghai")
    found = preview(schedule, NOW, NOW)
    assert found.due[0].isoformat() == "2026-11-25T03:00:00+08:00"
    assert list(found.due) == due_between(schedule, NOW, NOW + timedelta(days=99), NOW, 10)
    assert found.cautions == ()


def test_a_time_that_does_not_exist_is_told_of() -> None:
    ((at, text),) = cautions(BERLIN, SPRING)
    assert at == "2026-03-29T03:00:00+02:00"
    assert text.startswith("02:30 does not exist that day, because the clocks go from 02:00 to 03:00 on 2026-03-29.")
    assert text.endswith("at 03:00.")


def test_a_time_that_comes_twice_is_told_of() -> None:
    ((at, text),) = cautions(BERLIN, AUTUMN)
    assert at == "2026-10-25T02:30:00+02:00"
    assert text == (
        "02:30 comes twice, because the clocks go from 03:00 to 02:00 on 2026-10-25. It is due the first time only."
    )


def test_other_times_of_such_a_day_need_no_words() -> None:
    assert cautions(replace(BERLIN, cron="0 12 * * *"), SPRING) == []


def test_what_is_due_every_hour_says_that_the_day_is_longer() -> None:
    ((_, text),) = cautions(replace(BERLIN, cron="0 * * * *"), AUTUMN + timedelta(days=1, hours=22))
    assert "every hour that passes" in text


@pytest.mark.parametrize(
    ("zone", "cron", "now", "words"),
    [
        ("Australia/Lord_Howe", "15 2 * * *", "2026-10-02", "02:15 does not exist"),
        ("America/Sao_Paulo", "0 0 * * *", "2018-11-02", "00:00 does not exist"),
        ("America/Nuuk", "30 23 * * *", "2025-03-28", "23:30 does not exist"),
        ("America/Nuuk", "45 23 * * *", "2025-10-24", "23:45 comes twice"),
    ],
)
def test_unusual_changes_of_clocks(zone: str, cron: str, now: str, words: str) -> None:
    ((_, text),) = cautions(Schedule(cron=cron, timezone=zone), datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert words in text


def test_an_interval_of_days_shifts_on_the_wall() -> None:
    schedule = Schedule(interval=timedelta(days=1), timezone="Europe/Berlin")
    ((at, text),) = cautions(schedule, SPRING)
    assert at == "2026-03-30T02:00:00+02:00"
    assert "02:00 instead of 01:00" in text
    ((at, text),) = cautions(replace(schedule, interval=timedelta(hours=6)), SPRING + timedelta(days=1))
    assert at == "2026-03-29T08:00:00+02:00"
    assert "08:00 instead of 07:00" in text


@pytest.mark.parametrize("interval", [timedelta(hours=5), timedelta(hours=1), timedelta(minutes=20)])
def test_an_interval_without_times_of_day_or_with_the_same_ones_does_not(interval: timedelta) -> None:
    schedule = Schedule(interval=interval, timezone="Europe/Berlin")
    assert cautions(schedule, SPRING + timedelta(days=1, hours=23)) == []


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Schedule(cron="0 0 13 * 5"), "fit either of them"),
        (Schedule(cron="0 0 31 * *"), "Months without such a day are left out"),
        (Schedule(cron="0 0 * * *", end=NOW), "Nothing is due any more"),
        (Schedule(cron="0 0 * * *", catch_up=CatchUp.ALL), "only the oldest"),
        (Schedule(cron="0 0 * * *", catch_up=CatchUp.ALL, overlap=Overlap.REPLACE), "only the newest"),
        (Schedule(cron="0 0 * * *", catch_up=CatchUp.ALL, overlap=Overlap.QUEUE, queue_limit=3), "may wait: 3"),
    ],
)
def test_what_may_surprise_is_told(schedule: Schedule, words: str) -> None:
    ((at, text),) = cautions(schedule)
    assert at is None
    assert words in text
