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
    assert "150 of the next 300 runs would be killed" in sentence


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
