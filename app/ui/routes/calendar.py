"""The calendar of all projects: what ran, what did not and why, and what will."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.ui.calendar import Dates, Span, dates_of, days_of
from app.ui.live import Frame, frames
from app.ui.page import Page, Shown
from app.ui.render import render

router = APIRouter()

# A week of everybody's runs costs more to make than a list's first part.
GATHER_SECONDS = 2.0
DayPage = Annotated[int, Query(ge=1, le=1_000)]
Words = Annotated[str, Query(max_length=200)]


@router.get("/calendar")
async def calendar(page: Shown, view: Words = "", day: Words = "", project: Words = "", at: DayPage = 1) -> Response:
    dates = dates_of(view, day, page.context.clock(), page.zone)
    project = project.strip()
    address = {"view": dates.span.value, "day": dates.first, "project": project, "at": at}
    return page.show("calendar", await _values(page, dates, project, at) | {"address": urlencode(address)})


@router.get("/live/calendar", response_class=EventSourceResponse)
async def calendar_live(
    page: Shown, view: Words = "", day: Words = "", project: Words = "", at: DayPage = 1
) -> AsyncIterator[ServerSentEvent]:
    """The same days for as long as the page is open, also when another week has begun."""
    dates = dates_of(view, day, page.context.clock(), page.zone)

    async def look() -> Frame:
        return Frame({"calendar-days": render("parts/calendar_days.html", await _values(page, dates, project, at))})

    async for message in frames(page, look, channel="trainings", gather=GATHER_SECONDS):
        yield message


async def _values(page: Page, dates: Dates, project: str, at: int) -> dict[str, Any]:
    now = page.context.clock()
    found = await page.context.schedules.calendar(page.viewer, dates.start, dates.end, project or None)
    runs = [*found.past, *found.coming]
    return {
        "dates": dates,
        "days": days_of(dates, runs, now, at),
        "runs": len(runs),
        "complete": found.complete,
        "project": project,
        "page_number": at,
        "is_day": dates.span is Span.DAY,
        "today": now.astimezone(page.zone).date(),
    }
