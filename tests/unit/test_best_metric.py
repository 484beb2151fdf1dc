"""Which training was best: judged only by what can be judged."""

from __future__ import annotations

import math
from uuid import UUID

import pytest

from app.domain.best_metric import best_of, lower_is_better
from app.domain.metric import Point
from app.domain.metrics import MetricName

A, B = UUID(int=1), UUID(int=2)


def metric(tag: str, low: float, high: float, run: str = "") -> MetricName:
    return MetricName(run, tag, 2, Point(2, 0.0, high), Point(1, 0.0, low), Point(2, 0.0, high), False)


@pytest.mark.parametrize(
    ("tag", "lower"),
    [
        ("loss", True),
        ("epoch_loss", True),
        ("valLoss", True),
        ("accuracy", False),
        ("epoch_accuracy_vs_iterations", False),
        ("learning_rate", None),
        ("map", False),
        ("mapping_time", None),
        ("classloss", None),
    ],
)
def test_what_better_means(tag: str, lower: bool | None) -> None:
    assert lower_is_better(tag) is lower


def test_the_best_of_each_tag_with_validation_first() -> None:
    found = best_of(
        {
            A: [metric("loss", 0.5, 2.0), metric("accuracy", 0.1, 0.9, "validation"), metric("lr", 0.1, 0.1)],
            B: [metric("loss", 0.4, 9.0), metric("accuracy", 0.1, 0.8, "validation")],
        }
    )
    assert [(one.tag, one.value, one.step, one.training_id) for one in found] == [
        ("accuracy", 0.9, 2, A),
        ("loss", 0.4, 1, B),
    ]


def test_what_is_no_number_is_never_best() -> None:
    assert best_of({A: [metric("loss", math.nan, math.inf)], B: [metric("loss", 3.0, 4.0)]})[0].training_id == B
    assert best_of({A: [metric("loss", math.nan, math.inf)]}) == []
    assert best_of({}) == []
