"""What is forecast from how long the last trainings took."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.forecast import forecast, percentile, play
from app.domain.schedule import Overlap, Schedule, due_between

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LONG = timedelta(hours=3, minutes=40)
TWO_HOURLY = Schedule(cron="0 */2 * * *")
HISTORY = "The last ten runs took 3 h 40 min in the median; with a period of 2 h and "


def told(overlap: Overlap, took: list[timedelta]) -> str:
    (sentence,) = forecast(replace(TWO_HOURLY, overlap=overlap), took, NOW, NOW)
    return sentence


@pytest.mark.parametrize(
    ("overlap", "words"),
    [
        (Overlap.REPLACE, "`replace`, every run would be killed before its end."),
        (Overlap.SKIP, "`skip`, about 6 of the 12 due times a day would be skipped."),
        (Overlap.ALLOW, "`allow`, up to 2 runs would be active at the same time."),
        (
            Overlap.QUEUE,
            "`queue`, about 5 more would wait each day until all 10 places are taken after 46 h; from then on about "
            "5 of the 12 due times a day would start nothing.",
        ),
    ],
)
def test_runs_that_are_too_long(overlap: Overlap, words: str) -> None:
    assert told(overlap, [LONG] * 10) == HISTORY + words


def test_runs_that_fit() -> None:
    assert told(Overlap.SKIP, [HOUR] * 3).endswith("no run should meet the next one.")


def test_some_that_are_too_long() -> None:
    sentence = told(Overlap.REPLACE, [HOUR] * 9 + [LONG])
    assert "but 1 of them took longer than the 2 h" in sentence
    assert sentence.endswith("Such a run would be killed by the next.")


def test_too_little_history_tells_nothing() -> None:
    assert forecast(TWO_HOURLY, [LONG] * 2, NOW, NOW) == []
    assert forecast(replace(TWO_HOURLY, end=NOW), [LONG] * 10, NOW, NOW) == []


def test_an_irregular_schedule_is_played_through() -> None:
    schedule = Schedule(cron="0 8,9 * * *", overlap=Overlap.REPLACE)
    (sentence,) = forecast(schedule, [LONG] * 4, NOW, NOW)
    assert "with as little as 1 h between due times" in sentence
    assert "150 of the next 300 runs would be killed" in sentence


@pytest.mark.parametrize(
    ("cron", "took", "places", "words"),
    [
        # Fuller by less than one a day; full long after what is played.
        (
            "0 */4 * * *",
            timedelta(hours=4, minutes=30),
            100,
            "about 1 more would wait each day until all 100 places are taken after 150 days; from then on 33 of the "
            "next 300 due times would start nothing.",
        ),
        # Full before a day is over.
        (
            "*/5 * * * *",
            LONG,
            3,
            "all 3 places are taken after 20 min; "
            "from then on about 281 of the 288 due times a day would start nothing.",
        ),
        ("0 8,9 * * *", LONG, 10, "no more than one run would wait."),
        ("0 8,9,10 * * *", LONG, 10, "up to 2 runs would wait at the same time."),
        # Full every day, and empty again by the next morning.
        (
            "0 8,9,10 * * *",
            LONG,
            1,
            "the only place is taken after 2 h; from then on about 1 of the 3 due times a day would start nothing.",
        ),
    ],
)
def test_how_a_queue_fills(cron: str, took: timedelta, places: int, words: str) -> None:
    schedule = Schedule(cron=cron, overlap=Overlap.QUEUE, queue_limit=places)
    (sentence,) = forecast(schedule, [took] * 4, NOW, NOW)
    assert sentence.partition("`queue`, ")[2] == words


def test_a_day_has_as_many_due_times_as_a_day_has() -> None:
    (sentence,) = forecast(Schedule(cron="* * * * *", overlap=Overlap.SKIP), [HOUR] * 4, NOW, NOW)
    assert "of the 1440 due times a day" in sentence


def test_each_due_time_is_played_once() -> None:
    due = due_between(TWO_HOURLY, NOW, NOW + timedelta(days=9), NOW)
    for overlap in Overlap:
        played = play(replace(TWO_HOURLY, overlap=overlap, queue_limit=2), due, LONG)
        started = len(due) - played.skipped
        assert played.ended + played.cut_short <= started
        assert played.waiting <= 2 or overlap is Overlap.ALLOW


def test_percentiles() -> None:
    took = [timedelta(minutes=minute) for minute in range(1, 21)]
    assert percentile(took, 0.5) == timedelta(minutes=10, seconds=30)
    assert percentile(took, 0.95) == timedelta(minutes=19)
    assert percentile([HOUR], 0.95) == HOUR
    with pytest.raises(ValueError, match="no durations"):
        percentile([], 0.5)
