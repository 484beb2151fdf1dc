"""What readers are told of a training's metrics."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from uuid import UUID

from app.domain.metric import Point
from app.domain.training import Training


@dataclass(frozen=True, slots=True)
class MetricName:
    """A tag in a run with its newest, lowest and highest values; `count` values were written."""

    run: str
    tag: str
    count: int
    last: Point | None
    lowest: Point | None
    highest: Point | None
    downsampled: bool


@dataclass(frozen=True, slots=True)
class Metrics:
    """All of a training's. `complete`: read after its end, nothing more will come.

    `problem` says in a sentence why there may be less than was written, `left_out` how many series and files are over
    the limits, `lost` how many broken records were passed over. `dashboard` is a link to Grafana.
    """

    names: tuple[MetricName, ...]
    read_at: datetime | None
    complete: bool
    problem: str
    left_out: int
    lost: int
    dashboard: str | None = None


@dataclass(frozen=True, slots=True)
class MetricCurve:
    """The points of one tag in one run of one training, by step. `downsampled`: there were more."""

    training_id: UUID
    number: int
    run: str
    tag: str
    count: int
    points: tuple[Point, ...]
    downsampled: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """A training with what is known of its metrics."""

    training: Training
    names: tuple[MetricName, ...]


@dataclass(frozen=True, slots=True)
class Headline:
    """One metric of a project: the newest training's last value, and the best last value of the recent ones.

    `higher`: whether more is better, as far as the name tells.
    """

    tag: str
    run: str
    higher: bool
    newest: Training
    newest_value: float
    best: Training
    best_value: float


_HIGHER = ("accuracy", "acc", "auc", "f1", "precision", "recall", "map", "bleu", "score", "reward")
_LOWER = ("loss", "error", "cost", "perplexity", "mae", "mse", "rmse")
_CHECKED = ("val", "eval", "test")


def headline(recent: Sequence[Measured]) -> Headline | None:
    """What to show of a project: a metric on data that was not trained on rather than others, a score rather than a
    loss. Only trainings that have it count; None when no metric has a number."""
    if not recent:
        return None
    candidates = [one for one in recent[0].names if one.last is not None and isfinite(one.last.value)]
    chosen = min(candidates, key=_rank, default=None)
    if chosen is None:
        return None
    values = [
        (measured.training, name.last.value)
        for measured in recent
        for name in measured.names
        if (name.tag, name.run) == (chosen.tag, chosen.run) and name.last is not None and isfinite(name.last.value)
    ]
    higher = _is_score(chosen.tag)
    best = (max if higher else min)(values, key=lambda pair: pair[1])
    return Headline(chosen.tag, chosen.run, higher, *values[0], *best)


def _rank(name: MetricName) -> tuple[bool, bool, str, str]:
    words = set(re.split(r"[^a-z0-9]+", f"{name.run}/{name.tag}".lower()))
    unchecked = not any(word.startswith(_CHECKED) for word in words)
    place = 0 if _is_score(name.tag) else 1 if words & set(_LOWER) else 2
    return place == 2, unchecked, f"{place}{name.tag}", name.run


def _is_score(tag: str) -> bool:
    return bool(set(re.split(r"[^a-z0-9]+", tag.lower())) & set(_HIGHER))
