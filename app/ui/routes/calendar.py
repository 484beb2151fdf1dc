"""The calendar of all projects: what ran, what did not and why, and what will."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from app.ui.calendar import Span, dates_of, days_of
from app.ui.page import Shown

router = APIRouter()

DayPage = Annotated[int, Query(ge=1, le=1_000)]
Words = Annotated[str, Query(max_length=200)]


@router.get("/calendar")
async def calendar(page: Shown, view: Words = "", day: Words = "", project: Words = "", at: DayPage = 1) -> Response:
    now = page.context.clock()
    dates = dates_of(view, day, now, page.zone)
    found = await page.context.schedules.calendar(page.viewer, dates.start, dates.end)
    project = project.strip()
    runs = [run for run in (*found.past, *found.coming) if not project or run.project == project]
    values = {
        "dates": dates,
        "days": days_of(dates, runs, now, at),
        "runs": len(runs),
        "complete": found.complete,
        "project": project,
        "page_number": at,
        "is_day": dates.span is Span.DAY,
        "today": now.astimezone(page.zone).date(),
    }
    return page.show("calendar", values)
