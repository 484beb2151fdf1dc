"""Whether a newer model may go live by itself: a declared metric has to be better than that of what is live."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from app.domain.best_metric import direction_of
from app.domain.project_metric import Better as Better
from app.domain.project_metric import ProjectMetric
from app.errors import FieldError

METRIC_MAX = 500


@dataclass(frozen=True, slots=True)
class Promotion:
    """The rule of a serving: the newest model of its project goes live when its last value of `metric` is better than
    the live one's by at least `least_gain`, and no worse than `bound` where there is one. `run`: of that run only."""

    metric: str
    better: Better = Better.HIGHER
    least_gain: float = 0.0
    bound: float | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True)
class PromotionWish:
    """A rule as somebody asks for it. `metric` None: the one that the project declares; `better` None: as the project
    declares, else as the metric's name tells, else higher."""

    metric: str | None = None
    better: Better | None = None
    least_gain: float = 0.0
    bound: float | None = None
    run: str | None = None

    def rule(self, declared: ProjectMetric | None) -> Promotion:
        """The rule itself, whose metric is empty when nobody names one."""
        metric, run = self.metric, self.run
        if metric is None and declared is not None:
            metric, run = declared.tag, declared.run if run is None else run
        direction = direction_of(metric or "", run, declared)
        better = self.better or (direction.better if direction else Better.HIGHER)
        return Promotion(metric or "", better, self.least_gain, self.bound, run)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A training and its value of the metric; None: it has none."""

    name: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it goes live, and the sentence that says why, or why not."""

    promoted: bool
    message: str


def judge(rule: Promotion, new: Candidate, live: Candidate | None) -> Verdict:
    """`live` None: what is live was not made by a training, so only the bound can be asked for."""
    value = new.value
    if value is None or not isfinite(value):
        what = "no value" if value is None else f"the value {value}"
        return Verdict(False, f"{new.name} has {what} of {rule.metric}, so nothing says that it is better.")
    sign = 1 if rule.better is Better.HIGHER else -1
    said = f"{rule.metric} of {new.name} is {value:.6g}"
    if rule.bound is not None and sign * value < sign * rule.bound:
        least = "at least" if sign > 0 else "at most"
        return Verdict(False, f"{said}; {least} {rule.bound:.6g} is asked for.")
    if live is None:
        return Verdict(rule.bound is not None, f"{said}. {_nothing_to_compare(rule)}")
    if live.value is None or not isfinite(live.value):
        return Verdict(True, f"{said}, and what is live ({live.name}) has no value to compare it with.")
    gain = sign * (value - live.value)
    compared = f"{said}, and that of what is live ({live.name}) is {live.value:.6g}"
    if gain <= 0:
        return Verdict(False, f"{compared}: it is not {rule.better}.")
    if gain < rule.least_gain:
        return Verdict(
            False, f"{compared}: {rule.better} by {gain:.6g}, and at least {rule.least_gain:.6g} is asked for."
        )
    return Verdict(True, f"{compared}: it is {rule.better}, so it went live.")


def check_promotion(rule: Promotion) -> Iterator[FieldError]:
    """What is wrong with a rule."""
    if not rule.metric.strip() or len(rule.metric) > METRIC_MAX:
        yield FieldError("/promotion/metric", "Name a tag of the summaries, such as epoch_accuracy.")
    if not isfinite(rule.least_gain) or rule.least_gain < 0:
        yield FieldError("/promotion/least_gain", "Use 0 or a positive number.")
    if rule.bound is not None and not isfinite(rule.bound):
        yield FieldError("/promotion/bound", "Use a finite number, or leave it out.")


def _nothing_to_compare(rule: Promotion) -> str:
    if rule.bound is not None:
        return "What is live was made by no training, and the bound is kept, so it went live."
    return "What is live was made by no training, so there is nothing to compare it with: give the rule a bound."
