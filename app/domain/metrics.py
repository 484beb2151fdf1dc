"""What readers are told of a training's metrics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
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
