"""Metrics: what trainings' summaries say, of one and compared."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.api.deps import Ctx, Me, NamePath
from app.api.problems import documented
from app.api.schemas.base import NO_NUL
from app.api.schemas.metrics import BestOut, CurveOut, CurvesOut, MeasuredOut, MetricsOut, ProjectMetricsOut
from app.domain.best_metric import best_of
from app.domain.event_file import LONGEST_RUN, LONGEST_TAG
from app.domain.metric import MOST_POINTS
from app.services.metric_csv import csv_of
from app.services.metrics import MOST_COMPARED, POINTS_DEFAULT

router = APIRouter(tags=["metrics"])

_CSV: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Columns: training, run, tag, step, time, value",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    }
}
Tag = Annotated[str, Query(min_length=1, max_length=LONGEST_TAG, pattern=NO_NUL)]
Run = Annotated[
    str | None, Query(max_length=LONGEST_RUN, pattern=NO_NUL, description="Absent: every run that has the tag.")
]
MaxPoints = Annotated[int, Query(ge=3, le=MOST_POINTS, description="Of each curve; thinned so that no peak is lost.")]
Trainings = Annotated[list[UUID], Query(min_length=1, max_length=MOST_COMPARED)]


@router.get("/trainings/{training_id:uuid}/metrics", responses=documented(404))
async def get_training_metrics(training_id: UUID, me: Me, context: Ctx) -> MetricsOut:
    """Every metric of a training with its newest, lowest and highest value. Asking has them read soon."""
    found = await context.metrics.of(me, training_id)
    await context.metrics.watch(training_id)
    return MetricsOut.of(found)


@router.get("/trainings/{training_id:uuid}/metrics/series", responses=documented(404))
async def get_metric_series(
    training_id: UUID, me: Me, context: Ctx, tag: Tag, run: Run = None, max_points: MaxPoints = POINTS_DEFAULT
) -> CurvesOut:
    """The points of a metric: one curve for each run that has it."""
    curves = await context.metrics.series(me, training_id, tag, run, most=max_points)
    return CurvesOut(items=tuple(map(CurveOut.of, curves)))


@router.get("/trainings/{training_id:uuid}/metrics/csv", response_class=Response, responses={**documented(404), **_CSV})
async def get_metric_csv(training_id: UUID, me: Me, context: Ctx, tag: Tag, run: Run = None) -> Response:
    """All points that are kept of a metric, as CSV."""
    curves = await context.metrics.series(me, training_id, tag, run, most=MOST_POINTS * 2)
    return _csv(csv_of(curves))


@router.get("/projects/{name}/metrics", responses=documented(404))
async def compare_metrics(
    name: NamePath,
    me: Me,
    context: Ctx,
    trainings: Trainings,
    tag: Tag,
    run: Run = None,
    max_points: MaxPoints = POINTS_DEFAULT,
) -> CurvesOut:
    """A metric in several trainings of a project; those that do not have it are left out."""
    curves = await context.metrics.compare(me, name, trainings, tag, run, most=max_points)
    return CurvesOut(items=tuple(map(CurveOut.of, curves)))


@router.get("/projects/{name}/metrics/recent", responses=documented(404))
async def get_project_metrics(name: NamePath, me: Me, context: Ctx) -> ProjectMetricsOut:
    """The newest 20 trainings that have metrics, with their values."""
    project = await context.projects.get(me, name)
    recent = await context.metrics.recent(me, name)
    best = best_of({one.training.id: one.names for one in recent}, project.spec.metric)
    return ProjectMetricsOut(best=tuple(map(BestOut.of, best)), items=tuple(map(MeasuredOut.of, recent)))


def _csv(text: str) -> Response:
    return Response(text, media_type="text/csv; charset=utf-8")
