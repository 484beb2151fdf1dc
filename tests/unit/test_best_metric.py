"""Which training was best: judged only by what can be judged."""

from __future__ import annotations

import math
from uuid import UUID

import pytest

from app.domain.best_metric import best_of, best_values, direction_of
from app.domain.metric import Point
from app.domain.metrics import MetricName
from app.domain.project_metric import Better, ProjectMetric

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
    found = direction_of(tag, "", None)
    assert (found.lower if found else None) is lower
    assert found is None or not found.declared


@pytest.mark.parametrize(
    ("declared", "tag", "run", "better"),
    [
        (ProjectMetric("loss", Better.HIGHER), "loss", "", Better.HIGHER),
        (ProjectMetric("speed", Better.LOWER), "speed", "train", Better.LOWER),
        (ProjectMetric("speed", Better.LOWER, "train"), "speed", "train", Better.LOWER),
        (ProjectMetric("speed", Better.LOWER, "train"), "speed", None, Better.LOWER),
        (ProjectMetric("speed", Better.LOWER, "train"), "speed", "eval", None),
        (ProjectMetric("speed", Better.LOWER), "accuracy", "", None),
    ],
)
def test_what_is_declared_wins_over_the_name(
    declared: ProjectMetric, tag: str, run: str | None, better: Better | None
) -> None:
    found = direction_of(tag, run, declared)
    assert (found.better if found and found.declared else None) == better


def test_the_declared_metric_comes_first() -> None:
    metrics = {
        A: [metric("accuracy", 0.1, 0.9, "validation"), metric("speed", 1.0, 5.0)],
        B: [metric("speed", 2.0, 9.0)],
    }
    found = best_of(metrics, ProjectMetric("speed", Better.LOWER))
    assert [(one.tag, one.value, one.training_id, one.direction.declared) for one in found] == [
        ("speed", 1.0, A, True),
        ("accuracy", 0.9, A, False),
    ]
    assert found[0].direction.words == "lower is better, as the project declares"
    assert [one.tag for one in best_of(metrics)] == ["accuracy"]


def test_the_best_of_several_values() -> None:
    lower = direction_of("loss", "", None)
    assert best_values([0.5, None, 0.25, 0.25, math.nan], lower) == (False, False, True, True, False)
    assert best_values([0.5, None], lower) == (False, False)
    assert best_values([0.5, 1.0], None) == (False, False)


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
