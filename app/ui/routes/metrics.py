"""The curves of a training, and of a project's trainings side by side. The points themselves come from the API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.domain.best_metric import Direction, best_values, direction_of
from app.domain.hardware import HardwareMetric
from app.domain.metrics import Measured
from app.domain.paging import PageRequest
from app.domain.project_metric import ProjectMetric
from app.domain.record import TrainingFilter, TrainingRecord
from app.domain.training import State, Training
from app.services.metrics import MOST_COMPARED
from app.ui.live import Frame, frames
from app.ui.page import Page, Shown
from app.ui.render import render
from app.ui.routes.trainings import head_values, over

router = APIRouter()

TAB = "/metrics"
HARDWARE = [
    (HardwareMetric.CPU, "CPU, in cores"),
    (HardwareMetric.MEMORY, "Memory"),
    (HardwareMetric.NETWORK_IN, "Network, received"),
    (HardwareMetric.NETWORK_OUT, "Network, sent"),
    (HardwareMetric.GPU, "GPU, busy"),
]
GATHER_SECONDS = 1.0
COMPARED_AT_FIRST = 5


@router.get("/trainings/{training_id}/metrics")
async def metrics_page(page: Shown, training_id: UUID, overlay: Annotated[str, Query(max_length=10)] = "") -> Response:
    record = await page.context.trainings.get(page.viewer, training_id)
    values = await head_values(page, record, tab=TAB) | await _values(page, record)
    values |= await _overlay(page, record.training, shown=overlay == "last")
    values["hardware"] = _hardware(page, record.training)
    return page.show("training_metrics", values)


@router.get("/live/trainings/{training_id}/metrics", response_class=EventSourceResponse)
async def metrics_live(page: Shown, training_id: UUID) -> AsyncIterator[ServerSentEvent]:
    async def look_again() -> Frame:
        current = await page.context.trainings.get(page.viewer, training_id)
        values = await head_values(page, current, tab=TAB) | await _values(page, current)
        parts = {
            "training-head": render("parts/training_head.html", values),
            "metric-values": render("parts/metric_values.html", values),
        }
        return Frame(parts, over=values["is_over"])

    stream = frames(
        page,
        look_again,
        channel="trainings",
        also=("metrics", str(training_id)),
        only=str(training_id),
        gather=GATHER_SECONDS,
    )
    async for message in stream:
        yield message


@router.get("/projects/{name}/compare")
async def compare_page(
    page: Shown,
    name: Annotated[str, Path(max_length=63)],
    training: Annotated[list[UUID] | None, Query(max_length=MOST_COMPARED)] = None,
) -> Response:
    recent = await page.context.metrics.recent(page.viewer, name)
    chosen = training or [one.training.id for one in recent[:COMPARED_AT_FIRST]]
    values = await _compared(page, name, recent, chosen) | {"project": name, "recent": recent, "chosen": set(chosen)}
    growing = any(not one.state.ended for one in values["shown"])
    asked = urlencode({"training": chosen}, doseq=True)
    return page.show("compare_trainings", values | {"live_url": f"/live/compare/{name}?{asked}" if growing else ""})


@router.get("/live/compare/{name}", response_class=EventSourceResponse)
async def compare_live(
    page: Shown,
    name: Annotated[str, Path(max_length=63)],
    training: Annotated[list[UUID] | None, Query(max_length=MOST_COMPARED)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """The same trainings for as long as the page is open, also when newer ones have begun."""

    async def look_again() -> Frame:
        recent = await page.context.metrics.recent(page.viewer, name)
        values = await _compared(page, name, recent, training or [])
        for one in values["shown"]:
            if not one.state.ended:
                await page.context.metrics.watch(one.id)
        return Frame({"compare-values": render("parts/compare_values.html", values)})

    async for message in frames(page, look_again, channel="metrics", gather=GATHER_SECONDS):
        yield message


async def _compared(page: Page, name: str, recent: Sequence[Measured], chosen: Sequence[UUID]) -> dict[str, Any]:
    project = await page.context.projects.get(page.viewer, name)
    shown = [one for one in recent if one.training.id in chosen]
    return {"shown": [one.training for one in shown], "rows": _rows(shown, project.spec.metric)}


async def _values(page: Page, record: TrainingRecord) -> dict[str, Any]:
    """What the values' table needs. Whoever looks has them read often, as long as there is more to come."""
    metrics = await page.context.metrics.of(page.viewer, record.training.id)
    if not metrics.complete:
        await page.context.metrics.watch(record.training.id)
    live_url = f"/live/trainings/{record.training.id}/metrics"
    return {"metrics": metrics, "live_url": live_url, "is_over": over(record) and metrics.complete}


def _hardware(page: Page, training: Training) -> list[tuple[HardwareMetric, str]]:
    """Which curves of hardware are drawn, with their headings; none without a Prometheus."""
    if not page.context.hardware.available or training.namespace is None:
        return []
    devices = any(role.resources.gpu for role in training.spec.run.roles.values())
    return [one for one in HARDWARE if devices or one[0] is not HardwareMetric.GPU]


async def _overlay(page: Page, training: Training, *, shown: bool) -> dict[str, Any]:
    """The newest success of the project beside this training, if there is one."""
    which = TrainingFilter(project=training.project, states=(State.SUCCEEDED,))
    found = await page.context.trainings.page(page.viewer, which, PageRequest(2))
    last = next((one.training for one in found.items if one.training.id != training.id), None)
    return {"last_success": last, "compared": [training, *([last] if shown and last else [])]}


@dataclass(frozen=True, slots=True)
class Row:
    """A metric of the compared trainings: the last value of each, None where it has none, and which are the best."""

    run: str
    tag: str
    count: int
    values: tuple[tuple[float | None, bool], ...]
    direction: Direction | None


def _rows(shown: Sequence[Measured], declared: ProjectMetric | None) -> list[Row]:
    """What is declared first, then by tag."""
    known = {(name.tag, name.run) for one in shown for name in one.names}
    rows = []
    for tag, run in sorted(known):
        found = [next((n for n in one.names if (n.tag, n.run) == (tag, run)), None) for one in shown]
        values = tuple(name.last.value if name and name.last else None for name in found)
        direction = direction_of(tag, run, declared)
        marked = tuple(zip(values, best_values(values, direction), strict=True))
        rows.append(Row(run, tag, sum(name.count for name in found if name), marked, direction))
    return sorted(rows, key=lambda row: not (row.direction and row.direction.declared))
