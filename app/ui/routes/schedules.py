"""Schedules on their projects' pages: paused, resumed, and what became of their due times."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Path
from fastapi.responses import Response

from app.domain.paging import PageRequest
from app.domain.project import Project
from app.domain.schedule import CatchUp
from app.ui import schedule_view
from app.ui.page import Page, Shown, to
from app.ui.render import render
from app.ui.routes.backfills import latest_backfills

router = APIRouter()

Name = Annotated[str, Path(max_length=63)]
LATEST = 10


@router.post("/projects/{name}/pause")
async def pause_schedule(page: Shown, name: Name) -> Response:
    await page.context.schedules.pause(page.viewer, name)
    return to(f"/projects/{name}#schedule-title")


@router.post("/projects/{name}/resume")
async def resume_schedule(page: Shown, name: Name, catch_up: Annotated[str, Form()] = "") -> Response:
    wanted = CatchUp(catch_up) if catch_up in set(CatchUp) else CatchUp.SKIP
    await page.context.schedules.resume(page.viewer, name, wanted)
    return to(f"/projects/{name}#schedule-title")


@router.get("/projects/{name}/due-times")
async def due_times_page(page: Shown, name: Name) -> Response:
    project = await page.context.projects.get(page.viewer, name)
    found = await page.context.schedules.due_times(page.viewer, name, page.paged())
    return page.show("due_times", {"project": project, "runs": found.items, "next_cursor": page.cursor(found.next)})


async def schedule_parts(page: Page, project: Project, *, may_change: bool, told: bool) -> dict[str, str]:
    """The parts of a project's page that its schedule changes, by the id of their element.

    `told`: its trainings may be in the way of one that is started now, so say what that would do.
    """
    values = await schedule_values(page, project, told=told)
    values |= {"project": project, "may_change": may_change}
    return {
        "schedule-card": render("parts/schedule_card.html", values),
        "start-told": render("parts/start_told.html", values),
    }


async def schedule_values(page: Page, project: Project, *, told: bool) -> dict[str, Any]:
    """What a project's page shows of its schedule; nothing for a normal project."""
    schedule = project.spec.schedule
    if schedule is None:
        return {"schedule": None, "handover": None}
    found = await page.context.schedules.due_times(page.viewer, project.name, PageRequest(LATEST))
    handover = await page.context.launching.handover(page.viewer, project.name) if told else None
    return {
        "schedule": schedule,
        "view": schedule_view.view_of(
            schedule, await page.context.schedule_previews.of_project(page.viewer, project.name)
        ),
        "latest": found.items,
        "more_due": found.next is not None,
        "failures": await page.context.schedules.failures_in_row(project.id) if schedule.stop_after_failures else 0,
        "handover": handover,
        **await latest_backfills(page, project),
    }
