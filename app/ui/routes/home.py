"""The first page: what runs, what waits, what has failed; or the first steps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.domain.access import Action, can
from app.domain.paging import PageRequest
from app.domain.project import ProjectFilter
from app.domain.record import TrainingFilter
from app.domain.training import State, Training
from app.ui.live import Frame, frames
from app.ui.page import Page, Shown
from app.ui.render import render

router = APIRouter()

COMING = 10
LATELY = timedelta(days=1)
ACTIVE = (State.STARTING, State.RUNNING, State.STOPPING)


@router.get("/")
async def home(page: Shown) -> Response:
    return page.show("home", await _values(page))


@router.get("/live/home", response_class=EventSourceResponse)
async def home_live(page: Shown) -> AsyncIterator[ServerSentEvent]:
    async def look() -> Frame:
        return Frame({"home-live": render("parts/home.html", await _values(page))})

    async for message in frames(page, look, channel="trainings"):
        yield message


async def _values(page: Page) -> dict[str, Any]:
    recent = await _trainings(page, TrainingFilter(), 10)
    since = page.context.clock() - LATELY
    failed = TrainingFilter(states=(State.FAILED, State.TIMED_OUT), created_after=since)
    return {
        "may_create": can(page.viewer, Action.CREATE),
        "has_trainings": bool(recent),
        "has_projects": bool((await page.context.projects.page(page.viewer, ProjectFilter(), PageRequest(1))).items),
        "has_algorithms": bool((await page.context.algorithms.page(page.viewer, PageRequest(1))).items),
        "active": await _trainings(page, TrainingFilter(states=ACTIVE), 20),
        "queued": await _trainings(page, TrainingFilter(states=(State.QUEUED,)), 10),
        "failed": await _trainings(page, failed, 10),
        "recent": [one for one in recent if one.state in (State.SUCCEEDED, State.STOPPED)],
        "coming": await page.context.schedules.coming(page.viewer, COMING),
        "problems": [check.detail for check in await page.context.health.checks() if not check.ok],
    }


async def _trainings(page: Page, which: TrainingFilter, limit: int) -> list[Training]:
    found = await page.context.trainings.page(page.viewer, which, PageRequest(limit))
    return [record.training for record in found.items]
