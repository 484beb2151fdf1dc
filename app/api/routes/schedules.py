"""Schedules before they fire: in words, with their next due times."""

from __future__ import annotations

from fastapi import APIRouter

from app.api.deps import Ctx, Me, NamePath
from app.api.problems import documented
from app.api.schemas.schedules import ScheduleBody, SchedulePreviewOut

router = APIRouter(tags=["schedules"])


@router.post("/schedules/preview", responses=documented())
async def preview_schedule(body: ScheduleBody, me: Me, context: Ctx) -> SchedulePreviewOut:
    """What a schedule would do if it were set now; nothing is stored."""
    return SchedulePreviewOut.of(context.schedule_previews.of_schedule(me, body.to_domain()))


@router.post("/projects/{name}/schedule/preview", responses=documented(404, 409))
async def preview_project_schedule(
    name: NamePath, me: Me, context: Ctx, body: ScheduleBody | None = None
) -> SchedulePreviewOut:
    """What the project's schedule, or the one in the body, will do, with a forecast from its last trainings."""
    told = await context.schedule_previews.of_project(me, name, body.to_domain() if body else None)
    return SchedulePreviewOut.of(told)
