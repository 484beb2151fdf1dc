"""Bars of a task's tries along its training's life."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.domain.record import AttemptRecord
from app.ui.task_bars import Axis, Bar, bars_of

BEGIN = datetime(2026, 11, 24, 3, tzinfo=UTC)
AXIS = Axis(BEGIN, BEGIN + timedelta(seconds=200))


def a_try(
    made: int, started: int | None, finished: int | None, code: int | None = None, *, scheduled: int | None = None
) -> AttemptRecord:
    def at(seconds: int | None) -> datetime | None:
        return None if seconds is None else BEGIN + timedelta(seconds=seconds)

    return AttemptRecord(
        number=1, pod="x", node=None, state="", exit_code=code, reason="", message="", created_at=at(made) or BEGIN,
        scheduled_at=at(scheduled), sandbox_at=None, started_at=at(started), finished_at=at(finished), log_bytes=0,
        log_lines=0, log_verdict=None, log_missing_lines=None,
    )  # fmt: skip


def test_waiting_and_running_are_drawn_where_they_were() -> None:
    tries = [a_try(10, 30, 80, 1), a_try(90, 100, None)]
    assert bars_of(tries, AXIS) == [Bar(10, 20, "wait"), Bar(30, 50, "bad"), Bar(90, 10, "wait"), Bar(100, 100, "run")]


def test_what_lies_outside_of_the_axis_stays_inside() -> None:
    assert bars_of([a_try(-50, None, None)], AXIS) == [Bar(0, 200, "wait")]
    assert bars_of([a_try(190, 250, 300, 0)], AXIS) == [Bar(190, 10, "wait"), Bar(200, 1, "good")]
    assert bars_of([a_try(0, 1, 2)], None) == []
    assert bars_of([a_try(0, 0, 0, 0)], Axis(BEGIN, BEGIN)) == [Bar(0, 1, "wait"), Bar(0, 1, "good")]


def test_what_was_no_longer_needed_has_not_failed() -> None:
    assert bars_of([replace(a_try(10, 30, 80, 143), state="removed")], AXIS)[1] == Bar(30, 50, "removed")


def test_waiting_for_a_node_and_preparing_are_told_apart() -> None:
    found = bars_of([a_try(10, 60, 100, 0, scheduled=30)], AXIS)
    assert found == [Bar(10, 20, "wait"), Bar(30, 30, "prepare"), Bar(60, 40, "good")]
    assert bars_of([a_try(10, None, None, scheduled=30)], AXIS) == [Bar(10, 20, "wait"), Bar(30, 170, "prepare")]
