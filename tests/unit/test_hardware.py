"""How many points are asked for, and that queries name one training only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.hardware import MOST_POINTS, HardwareMetric, Per, query, window
from app.domain.training import TaskKey
from app.errors import Unavailable
from app.services.prometheus import _read

BEGIN = datetime(2026, 11, 24, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "step"), [(0, 5), (60, 5), (2495, 5), (2496, 6), (86_400, 174), (30 * 86_400, 5195), (-9, 5)]
)
def test_a_curve_has_at_most_so_many_points(seconds: int, step: int) -> None:
    made = window(BEGIN, BEGIN + timedelta(seconds=seconds))
    assert made.step == step
    assert made.end > made.begin
    assert (made.end - made.begin).total_seconds() // made.step + 1 <= MOST_POINTS


@pytest.mark.parametrize("metric", list(HardwareMetric))
@pytest.mark.parametrize("per", list(Per))
def test_every_selector_names_the_namespace(metric: HardwareMetric, per: Per) -> None:
    text = query(metric, "taas-a-1-abcde", per, 5)
    assert text.count("{") == text.count('namespace="taas-a-1-abcde"')
    assert f"by ({per})" in text


def test_one_task_is_not_another_that_begins_alike() -> None:
    assert 'pod=~"worker-1-[a-z0-9]+"' in query(HardwareMetric.CPU, "ns", Per.TASK, 5, TaskKey("worker", 1))


def test_growth_is_the_last_one_or_over_far_points_the_mean() -> None:
    assert "irate(" in query(HardwareMetric.CPU, "ns", Per.TASK, 59)
    far = query(HardwareMetric.NETWORK_IN, "ns", Per.TASK, 1000)
    assert "(rate(" in far
    assert "[2000s]" in far


def test_what_is_no_number_is_a_gap() -> None:
    (series,) = _read(
        200,
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"task":"worker-0"},'
        b'"values":[[1,"1.5"],[2,"NaN"],[3,"+Inf"]]}]}}',
    )
    assert series.numbers() == (1.5, None, None)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>", "is not Prometheus"),
        (b'{"status":"error","error":"parse error"}', "parse error"),
        (b'{"status":"success"}', "status 200"),
        (b"{}", "is not Prometheus"),
    ],
)
def test_other_answers_are_told_in_words(content: bytes, words: str) -> None:
    with pytest.raises(Unavailable, match=words):
        _read(200, content)
