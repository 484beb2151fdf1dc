"""Which of a project's last trainings was best, by the metrics whose names say what better means."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.domain.metrics import MetricName

SHOWN = 4
_LOWER = frozenset({"loss", "error", "err", "mae", "mse", "rmse", "perplexity", "cer", "wer", "nll"})
_HIGHER = frozenset(
    {"accuracy", "acc", "auc", "f1", "precision", "recall", "score", "bleu", "iou", "map", "r2", "reward"}
)


@dataclass(frozen=True, slots=True)
class Best:
    """The best value of a tag in a run, at which step, and of which training."""

    tag: str
    run: str
    value: float
    step: int
    training_id: UUID
    lower_is_better: bool


def best_of(metrics: Mapping[UUID, Sequence[MetricName]]) -> list[Best]:
    """Of each tag that can be judged the best value, validation first, then as trainings wrote them; a few."""
    found: dict[tuple[str, str], Best] = {}
    for training_id, names in metrics.items():
        for name in names:
            lower = lower_is_better(name.tag)
            point = None if lower is None else name.lowest if lower else name.highest
            if lower is None or point is None or not math.isfinite(point.value):
                continue
            best = Best(name.tag, name.run, point.value, point.step, training_id, lower)
            before = found.get((name.run, name.tag))
            if before is None or (best.value < before.value if lower else best.value > before.value):
                found[(name.run, name.tag)] = best
    return sorted(found.values(), key=_rank)[:SHOWN]


def lower_is_better(tag: str) -> bool | None:
    """By the words of its name; None when they say nothing."""
    words = re.findall(r"[a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", tag).lower())
    if not _LOWER.isdisjoint(words):
        return True
    return False if not _HIGHER.isdisjoint(words) else None


def _rank(best: Best) -> tuple[bool, bool]:
    words = f"{best.run}/{best.tag}".lower()
    return not ("val" in words or "eval" in words or "test" in words), best.lower_is_better
