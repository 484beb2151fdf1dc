"""Which of a project's last trainings was best: by the metric that it declares, and by those whose names say what
better means."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.domain.metrics import MetricName
from app.domain.project_metric import Better, ProjectMetric

SHOWN = 4
_LOWER = frozenset({"loss", "error", "err", "mae", "mse", "rmse", "perplexity", "cer", "wer", "nll"})
_HIGHER = frozenset(
    {"accuracy", "acc", "auc", "f1", "precision", "recall", "score", "bleu", "iou", "map", "r2", "reward"}
)


@dataclass(frozen=True, slots=True)
class Direction:
    """What better means for a metric, and whether the project says so or only the metric's name."""

    better: Better
    declared: bool

    @property
    def lower(self) -> bool:
        return self.better is Better.LOWER

    def beats(self, value: float, other: float) -> bool:
        """Whether `value` is better than `other`."""
        return value < other if self.lower else value > other

    @property
    def words(self) -> str:
        """Such as `lower is better, as the project declares`."""
        return f"{self.better} is better, {'as the project declares' if self.declared else 'going by its name'}"


@dataclass(frozen=True, slots=True)
class Best:
    """The best value of a tag in a run, at which step, and of which training."""

    tag: str
    run: str
    value: float
    step: int
    training_id: UUID
    direction: Direction


def best_of(metrics: Mapping[UUID, Sequence[MetricName]], declared: ProjectMetric | None = None) -> list[Best]:
    """Of each tag that can be judged the best value; what is declared first, then validation, then as trainings wrote
    them; a few."""
    found: dict[tuple[str, str], Best] = {}
    for training_id, names in metrics.items():
        for name in names:
            direction = direction_of(name.tag, name.run, declared)
            if direction is None:
                continue
            point = name.lowest if direction.lower else name.highest
            if point is None or not math.isfinite(point.value):
                continue
            before = found.get((name.run, name.tag))
            if before is None or direction.beats(point.value, before.value):
                best = Best(name.tag, name.run, point.value, point.step, training_id, direction)
                found[(name.run, name.tag)] = best
    return sorted(found.values(), key=_rank)[:SHOWN]


def direction_of(tag: str, run: str | None, declared: ProjectMetric | None) -> Direction | None:
    """What better means for a tag (in a run): as declared, else by the words of its name; None when nobody says."""
    if declared is not None and declared.covers(tag, run):
        return Direction(declared.better, declared=True)
    words = re.findall(r"[a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", tag).lower())
    if not _LOWER.isdisjoint(words):
        return Direction(Better.LOWER, declared=False)
    return Direction(Better.HIGHER, declared=False) if not _HIGHER.isdisjoint(words) else None


def best_values(values: Sequence[float | None], direction: Direction | None) -> tuple[bool, ...]:
    """Which of several trainings' values are the best; none where there is nothing to compare."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if direction is None or len(known) < 2:
        return (False,) * len(values)
    best = min(known) if direction.lower else max(known)
    return tuple(value == best for value in values)


def _rank(best: Best) -> tuple[bool, bool, bool]:
    words = f"{best.run}/{best.tag}".lower()
    validation = "val" in words or "eval" in words or "test" in words
    return not best.direction.declared, not validation, best.direction.lower
