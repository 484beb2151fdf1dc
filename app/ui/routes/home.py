"""The first page: what runs, what waits, what has failed, what is free; or the first steps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.domain.access import Action, can
from app.domain.paging import PageRequest
from app.domain.project import ProjectFilter
from app.domain.record import TrainingFilter
from app.domain.training import State, Training
from app.errors import Conflict, InvalidInput
from app.ui.live import Frame, frames
from app.ui.page import Page, Shown, to
from app.ui.render import render

router = APIRouter()

COMING = 10
LATELY = timedelta(days=1)
ACTIVE = (State.STARTING, State.RUNNING, State.STOPPING)
Everybody = Annotated[bool, Query(alias="all")]


@router.get("/")
async def home(page: Shown, everybody: Everybody = False) -> Response:
    return page.show("home", await _values(page, everybody))


@router.post("/example")
async def start_example(page: Shown) -> Response:
    """The first step in one click."""
    try:
        record = await page.context.example.start(page.viewer)
    except (InvalidInput, Conflict) as exc:
        return page.show("home", await _values(page, everybody=False) | {"problem": exc.detail}, exc.status)
    return to(f"/trainings/{record.training.id}")


@router.get("/live/home", response_class=EventSourceResponse)
async def home_live(page: Shown, everybody: Everybody = False) -> AsyncIterator[ServerSentEvent]:
    async def look() -> Frame:
        return Frame({"home-live": render("parts/home.html", await _values(page, everybody))})

    async for message in frames(page, look, channel="trainings"):
        yield message


async def _values(page: Page, everybody: bool) -> dict[str, Any]:
    """Of the viewer's own projects, or of all: also for those who have none of their own."""
    projects = page.context.projects
    owns = bool((await projects.page(page.viewer, ProjectFilter(owner=page.viewer.name), PageRequest(1))).items)
    owner = page.viewer.name if owns and not everybody else None
    since = page.context.clock() - LATELY
    failed = TrainingFilter(states=(State.FAILED, State.TIMED_OUT), created_after=since, owner=owner)
    recent = await _trainings(page, TrainingFilter(owner=owner), 10)
    waiting, running, ended = seen_last(
        await _trainings(page, TrainingFilter(states=(State.QUEUED,), owner=owner), 10),
        await _trainings(page, TrainingFilter(states=ACTIVE, owner=owner), 20),
        await _trainings(page, failed, 10),
    )
    view = await page.context.cluster.view(page.viewer)
    return {
        "viewer": page.viewer,
        "may_create": can(page.viewer, Action.CREATE),
        "owns": owns,
        "mine": owner is not None,
        "has_trainings": bool(recent) or bool(await _trainings(page, TrainingFilter(), 1)),
        "has_projects": owns or bool((await projects.page(page.viewer, ProjectFilter(), PageRequest(1))).items),
        "has_algorithms": bool((await page.context.algorithms.page(page.viewer, PageRequest(1))).items),
        "active": running,
        "queued": waiting,
        "failed": ended,
        "recent": [one for one in recent if one.state in (State.SUCCEEDED, State.STOPPED)],
        "coming": await page.context.schedules.coming(page.viewer, COMING, own=owner is not None),
        "totals": view.totals,
        "observed_at": view.observed_at,
        "problems": await page.context.health.problems(),
    }


async def _trainings(page: Page, which: TrainingFilter, limit: int) -> list[Training]:
    found = await page.context.trainings.page(page.viewer, which, PageRequest(limit))
    return [record.training for record in found.items]


def seen_last(*stages: Sequence[Training]) -> list[list[Training]]:
    """One that went on between two looks is in both: it stands where it was seen last."""
    later: set[UUID] = set()
    kept: list[list[Training]] = []
    for stage in reversed(stages):
        kept.insert(0, [training for training in stage if training.id not in later])
        later.update(training.id for training in stage)
    return kept
