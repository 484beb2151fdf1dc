"""/projects/{name}/schedule and …/due-times, and /calendar: when timed projects run."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api.deps import Ctx, Listing, Me, NamePath, Paged
from app.api.etags import etag
from app.api.problems import documented
from app.api.schemas.base import MomentIn
from app.api.schemas.due_times import CalendarOut, ResumeIn, RunOut, ScheduleChangeOut
from app.api.schemas.projects import ProjectOut
from app.domain.project import Project

router = APIRouter(prefix="/projects", tags=["schedules"])
calendar = APIRouter(prefix="/calendar", tags=["schedules"])


@router.post("/{name}/schedule/pause", responses=documented(404, 409))
async def pause_schedule(name: NamePath, response: Response, me: Me, context: Ctx) -> ProjectOut:
    """Nothing is due from now on; what runs goes on."""
    return _answer(await context.schedules.pause(me, name), response)


@router.post("/{name}/schedule/resume", responses=documented(404, 409))
async def resume_schedule(
    name: NamePath, response: Response, me: Me, context: Ctx, body: ResumeIn | None = None
) -> ProjectOut:
    """Go on. What was due during the pause is missed, unless the body says what to make up for."""
    return _answer(await context.schedules.resume(me, name, (body or ResumeIn()).catch_up), response)


@router.get("/{name}/schedule/changes", responses=documented(404))
async def list_schedule_changes(name: NamePath, me: Me, context: Ctx, paging: Paged) -> Listing[ScheduleChangeOut]:
    """Each pause and each time that it went on, the newest first, and by whom."""
    return paging.listing(await context.schedules.changes(me, name, paging.request), ScheduleChangeOut.model_validate)


@router.get("/{name}/due-times", responses=documented(404))
async def list_due_times(name: NamePath, me: Me, context: Ctx, paging: Paged) -> Listing[RunOut]:
    """What became of each due time, the newest first."""
    return paging.listing(await context.schedules.due_times(me, name, paging.request), RunOut.model_validate)


@calendar.get("", responses=documented())
async def get_calendar(
    me: Me,
    context: Ctx,
    start: Annotated[MomentIn, Query(alias="from")],
    end: Annotated[MomentIn, Query(alias="to", description="At most 62 days later.")],
    project: Annotated[str | None, Query(max_length=200, description="Only the runs of this project.")] = None,
) -> CalendarOut:
    """Past and coming runs of all projects or of one, by time."""
    found = await context.schedules.calendar(me, start, end, project)
    return CalendarOut.model_validate(found)


def _answer(project: Project, response: Response) -> ProjectOut:
    response.headers["ETag"] = etag(project.revision)
    return ProjectOut.of(project)
