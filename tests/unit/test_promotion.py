"""When a newer model goes live by itself, and the sentence when it does not."""

from __future__ import annotations

from math import inf, nan

import pytest

from app.domain.endpoints.promotion import Better, Candidate, Promotion, PromotionWish, check_promotion, judge
from app.domain.project_metric import ProjectMetric

HIGHER = Promotion("accuracy", least_gain=0.01)
LOWER = Promotion("loss", Better.LOWER, bound=0.5)


@pytest.mark.parametrize(
    ("rule", "new", "live", "promoted", "said"),
    [
        (HIGHER, 0.92, 0.90, True, "accuracy of p #2 is 0.92, and that of what is live (p #1) is 0.9: it is higher"),
        (HIGHER, 0.905, 0.90, False, "higher by 0.005, and at least 0.01 is asked for"),
        (HIGHER, 0.90, 0.90, False, "it is not higher"),
        (HIGHER, None, 0.90, False, "p #2 has no value of accuracy"),
        (HIGHER, nan, 0.90, False, "has the value nan of accuracy"),
        (HIGHER, 0.1, None, True, "has no value to compare it with"),
        (LOWER, 0.4, 0.45, True, "it is lower"),
        (LOWER, 0.47, 0.45, False, "it is not lower"),
        (LOWER, 0.6, 0.9, False, "at most 0.5 is asked for"),
        (Promotion("accuracy", bound=0.8), 0.7, 0.1, False, "at least 0.8 is asked for"),
    ],
)
def test_verdicts(rule: Promotion, new: float | None, live: float | None, promoted: bool, said: str) -> None:
    verdict = judge(rule, Candidate("p #2", new), Candidate("p #1", live))
    assert verdict.promoted is promoted
    assert said in verdict.message


def test_what_no_training_made_is_replaced_only_under_a_bound() -> None:
    assert not judge(HIGHER, Candidate("p #2", 0.9), None).promoted
    assert judge(LOWER, Candidate("p #2", 0.4), None).promoted
    assert not judge(LOWER, Candidate("p #2", 0.6), None).promoted


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        (Promotion(" "), "/promotion/metric"),
        (Promotion("x", least_gain=-1), "/promotion/least_gain"),
        (Promotion("x", least_gain=nan), "/promotion/least_gain"),
        (Promotion("x", bound=inf), "/promotion/bound"),
    ],
)
def test_rules_that_cannot_be(rule: Promotion, pointer: str) -> None:
    assert [error.pointer for error in check_promotion(rule)] == [pointer]
    assert list(check_promotion(HIGHER)) == []


@pytest.mark.parametrize(
    ("wish", "declared", "rule"),
    [
        (PromotionWish(), ProjectMetric("speed", Better.LOWER, "eval"), Promotion("speed", Better.LOWER, run="eval")),
        (PromotionWish("speed"), ProjectMetric("speed", Better.LOWER), Promotion("speed", Better.LOWER)),
        (PromotionWish("loss"), None, Promotion("loss", Better.LOWER)),
        (PromotionWish("loss", Better.HIGHER), None, Promotion("loss", Better.HIGHER)),
        (PromotionWish("speed", bound=2.0), None, Promotion("speed", Better.HIGHER, bound=2.0)),
        (PromotionWish("other"), ProjectMetric("speed", Better.LOWER), Promotion("other", Better.HIGHER)),
    ],
)
def test_what_is_not_said_is_as_the_project_declares(
    wish: PromotionWish, declared: ProjectMetric | None, rule: Promotion
) -> None:
    assert wish.rule(declared) == rule


def test_a_rule_needs_a_metric_from_somewhere() -> None:
    assert [error.pointer for error in check_promotion(PromotionWish().rule(None))] == ["/promotion/metric"]
