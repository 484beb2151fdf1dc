"""Series that stay small and lose no peak."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from app.domain.metric import Point, Series, curve, extended, thinned

VALUES = st.lists(st.floats(width=32), max_size=400)


def points(values: list[float]) -> list[Point]:
    return [Point(step, 1000.0 + step, value) for step, value in enumerate(values)]


@given(VALUES, st.integers(0, 400))
def test_it_does_not_matter_in_how_many_readings_the_values_came(values: list[float], cut: int) -> None:
    whole = extended(Series("", "loss"), points(values), most=32)
    parts = extended(extended(Series("", "loss"), points(values)[:cut], most=32), points(values)[cut:], most=32)
    assert repr(whole) == repr(parts)  # NaN is not equal to itself


@given(VALUES)
def test_few_are_kept_and_the_extremes_are_among_them(values: list[float]) -> None:
    series = extended(Series("", "loss"), points(values), most=32)
    assert len(series.points) <= 32 + 3
    assert series.count == len(values)
    assert series.downsampled is (len(series.points) < len(values) and len(values) > 32)
    finite = [value for value in values if math.isfinite(value)]
    kept = [point.value for point in series.points]
    if finite:
        assert min(finite) in kept
        assert max(finite) in kept
        assert series.lowest is not None
        assert series.lowest.value == min(finite)
        assert series.highest is not None
        assert series.highest.value == max(finite)
    if len(finite) < len(values):
        assert any(not math.isfinite(value) for value in kept)
    assert [point.step for point in series.points] == sorted(point.step for point in series.points)


def test_a_short_series_keeps_everything() -> None:
    values = [0.5] * 4096
    series = extended(Series("", "loss"), points(values))
    assert len(series.points) == 4096
    assert not series.downsampled
    assert extended(series, [Point(5000, 1.0, 0.0)]).downsampled


def test_the_last_value_is_the_one_that_was_written_last() -> None:
    before = Point(700, 50.0, 0.1)
    again = Point(510, 90.0, 0.2)  # started again from step 500
    series = extended(Series("", "loss"), [before, again, Point(505, 80.0, 0.3)])
    assert series.last == again


def test_a_step_written_twice_has_its_newest_value() -> None:
    twice = [Point(1, 1.0, 5.0), Point(2, 2.0, 4.0), Point(2, 9.0, 3.0), Point(1, 0.5, 9.0)]
    assert curve(twice) == [Point(1, 1.0, 5.0), Point(2, 9.0, 3.0)]


@given(VALUES, st.integers(3, 60))
def test_thinning_keeps_both_ends_and_the_extremes(values: list[float], most: int) -> None:
    whole = points(values)
    few = thinned(whole, most)
    assert len(few) <= most
    assert [point.step for point in few] == sorted(point.step for point in few)
    if whole:
        assert (few[0].step, few[-1].step) == (whole[0].step, whole[-1].step)
    finite = [value for value in values if math.isfinite(value)]
    if finite and most >= 6:
        kept = [point.value for point in few]
        assert {min(finite), max(finite)} <= set(kept)
