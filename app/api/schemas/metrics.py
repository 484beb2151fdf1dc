"""Bodies of metrics."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isnan
from typing import Literal
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Moment, Output
from app.domain.best_metric import Best
from app.domain.metric import Point
from app.domain.metrics import Measured, MetricCurve, MetricName, Metrics
from app.domain.training import State

# JSON has no word for what is no number.
Number = float | Literal["NaN", "Infinity", "-Infinity"]


def number_out(value: float) -> Number:
    if isnan(value):
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return value


class PointOut(Output):
    """One value."""

    step: int
    at: Moment
    value: Number

    @classmethod
    def of(cls, point: Point | None) -> PointOut | None:
        if point is None:
            return None
        return cls(step=point.step, at=datetime.fromtimestamp(point.at, UTC), value=number_out(point.value))


class MetricOut(Output):
    """A tag in a run. The lowest and highest are null while no value was a number."""

    run: str = Field(description="The directory below TAAS_LOG_DIR, such as `train`; `.` for TAAS_LOG_DIR itself.")
    tag: str
    count: int = Field(description="How many values were written.")
    last: PointOut | None
    lowest: PointOut | None
    highest: PointOut | None
    downsampled: bool = Field(description="Whether fewer points are kept than were written.")

    @classmethod
    def of(cls, name: MetricName) -> MetricOut:
        return cls(
            run=name.run,
            tag=name.tag,
            count=name.count,
            last=PointOut.of(name.last),
            lowest=PointOut.of(name.lowest),
            highest=PointOut.of(name.highest),
            downsampled=name.downsampled,
        )


class MetricsOut(Output):
    """All of a training's metrics."""

    items: tuple[MetricOut, ...]
    read_at: Moment | None = Field(description="When the files were last read.")
    complete: bool = Field(description="Read after the training's end: nothing more will come.")
    problem: str = Field(description="Why there may be less than was written; empty when all is well.")
    left_out: int = Field(description="Series and files over the limits.")
    lost: int = Field(description="Broken records that were passed over.")
    dashboard: str | None = Field(description="A link to Grafana, where the installation has one (TAAS_GRAFANA_URL).")

    @classmethod
    def of(cls, metrics: Metrics) -> MetricsOut:
        return cls(
            items=tuple(map(MetricOut.of, metrics.names)),
            read_at=metrics.read_at,
            complete=metrics.complete,
            problem=metrics.problem,
            left_out=metrics.left_out,
            lost=metrics.lost,
            dashboard=metrics.dashboard,
        )


class CurveOut(Output):
    """The points of a tag in a run, by step. The three lists are equally long."""

    training: UUID
    number: int
    run: str
    tag: str
    count: int = Field(description="How many values were written.")
    downsampled: bool = Field(description="Whether fewer points stand here than were written; no peak is left out.")
    steps: tuple[int, ...]
    times: tuple[float, ...] = Field(description="Seconds since 1970, UTC.")
    values: tuple[Number, ...]

    @classmethod
    def of(cls, curve: MetricCurve) -> CurveOut:
        return cls(
            training=curve.training_id,
            number=curve.number,
            run=curve.run,
            tag=curve.tag,
            count=curve.count,
            downsampled=curve.downsampled,
            steps=tuple(point.step for point in curve.points),
            times=tuple(point.at for point in curve.points),
            values=tuple(number_out(point.value) for point in curve.points),
        )


class CurvesOut(Output):
    """Curves of one tag."""

    items: tuple[CurveOut, ...]


class MeasuredOut(Output):
    """A training and its metrics."""

    training: UUID
    number: int
    state: State
    items: tuple[MetricOut, ...]

    @classmethod
    def of(cls, measured: Measured) -> MeasuredOut:
        training = measured.training
        items = tuple(map(MetricOut.of, measured.names))
        return cls(training=training.id, number=training.number, state=training.state, items=items)


class BestOut(Output):
    """The best value of one metric among a project's recent trainings."""

    run: str
    tag: str
    lower_is_better: bool
    declared: bool = Field(description="Whether the project says so, or else the words of its name.")
    value: float
    step: int
    training: UUID

    @classmethod
    def of(cls, best: Best) -> BestOut:
        return cls(
            run=best.run,
            tag=best.tag,
            lower_is_better=best.direction.lower,
            declared=best.direction.declared,
            value=best.value,
            step=best.step,
            training=best.training_id,
        )


class ProjectMetricsOut(Output):
    """The newest trainings that have metrics, and the best values among them, as the project's page shows them."""

    best: tuple[BestOut, ...]
    items: tuple[MeasuredOut, ...]
