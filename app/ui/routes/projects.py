"""Projects: the list, the page, cloning and deleting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Form, Path
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.domain.access import Action, can
from app.domain.best_metric import Best, best_of
from app.domain.curl import curl
from app.domain.hook import Hook
from app.domain.paging import PageRequest
from app.domain.params import needed
from app.domain.project import Project, ProjectFilter
from app.domain.record import TrainingFilter
from app.errors import Conflict, InvalidInput, TaasError
from app.ui.commands import of_schedule
from app.ui.live import Frame, frames
from app.ui.page import Page, Shown, field_errors, to
from app.ui.render import render
from app.ui.routes.project_forms import seen
from app.ui.routes.schedules import schedule_parts, schedule_values

router = APIRouter()

Name = Annotated[str, Path(max_length=63)]
# Rows that move while somebody reads them should not do so more often.
GATHER_SECONDS = 1.0
NEWEST = 10
STRIP = 30


@router.get("/projects")
async def list_projects(page: Shown, tag: str = "") -> Response:
    return page.show("projects", await _found(page, tag) | {"paging": "cursor" in page.request.query_params})


@router.get("/live/projects", response_class=EventSourceResponse)
async def projects_live(page: Shown, tag: str = "") -> AsyncIterator[ServerSentEvent]:
    """The first part of the list; later parts stand still, so that nothing moves under a reader."""

    async def look() -> Frame:
        values = page.values(await _found(page, tag))
        return Frame({"project-list": render("parts/project_list.html", values)})

    async for message in frames(page, look, channel="trainings", gather=GATHER_SECONDS):
        yield message


async def _found(page: Page, tag: str) -> dict[str, Any]:
    found = await page.context.projects.page(page.viewer, ProjectFilter(tag=tag or None), page.paged())
    has_algorithms = bool((await page.context.algorithms.page(page.viewer, PageRequest(1))).items)
    return {
        "projects": found.items,
        "next_cursor": page.cursor(found.next),
        "tag": tag,
        "has_algorithms": has_algorithms,
    }


@router.get("/projects/{name}")
async def project_page(page: Shown, name: Name, done: str = "") -> Response:
    return await show_project(page, name, done=_DONE.get(done, ""))


@router.post("/projects/{name}/clone")
async def clone_project(
    page: Shown, name: Name, new: Annotated[str, Form(alias="name", max_length=500)] = ""
) -> Response:
    try:
        project = await page.context.projects.clone(page.viewer, name, new.strip().replace("\0", ""))
    except (InvalidInput, Conflict) as exc:
        errors = field_errors(exc) or {"/name": exc.detail}
        return await show_project(page, name, exc=exc, errors=errors, clone_name=new)
    return to(f"/projects/{project.name}?done={'cloned-timed' if project.spec.schedule else 'cloned'}")


@router.post("/projects/{name}/delete")
async def delete_project(page: Shown, name: Name) -> Response:
    try:
        await page.context.projects.delete(page.viewer, name, seen(None))
    except Conflict as exc:
        return await show_project(page, name, exc=exc, problem=exc.detail)
    return to("/projects")


@router.get("/live/projects/{name}", response_class=EventSourceResponse)
async def project_live(page: Shown, name: Name) -> AsyncIterator[ServerSentEvent]:
    project = await page.context.projects.get(page.viewer, name)

    async def look() -> Frame:
        project = await page.context.projects.get(page.viewer, name)
        values = {"project": project, **await _trainings(page, project)}
        parts = {
            "project-strip": render("parts/project_strip.html", values),
            "project-trainings": render("parts/project_trainings.html", values),
        }
        if project.spec.schedule is not None:
            may_change = can(page.viewer, Action.CHANGE, owner_id=project.owner_id)
            parts |= await schedule_parts(page, project, may_change=may_change, told=may_change)
        return Frame(parts)

    async for message in frames(page, look, channel="trainings", also=("schedules", str(project.id))):
        yield message


async def show_project(page: Page, name: str, *, exc: TaasError | None = None, **values: Any) -> Response:
    """A project's page, also as the answer to something on it that was refused."""
    project = await page.context.projects.get(page.viewer, name)
    shown = {
        "project": project,
        "params": needed(project.spec),
        "may_change": can(page.viewer, Action.CHANGE, owner_id=project.owner_id),
        "clone_name": "",
        "code": await page.context.algorithms.version(page.viewer, project.spec.algorithm, project.spec.version),
        "command": curl("POST", f"{page.base_url}/api/v1/projects/{name}/trainings", _body(project)),
        "schedule_commands": of_schedule(page, name) if project.spec.schedule else [],
        "base": page.base_url,
        "hooks": await _hooks(page, project),
        "best": await _best(page, project),
        **await _trainings(page, project),
        **await schedule_values(page, project, told=True),
        **values,
    }
    return page.show("project", shown, exc.status if exc else 200)


async def _trainings(page: Page, project: Project) -> dict[str, Any]:
    which = TrainingFilter(project=project.name)
    found = await page.context.trainings.page(page.viewer, which, PageRequest(STRIP))
    newest = [record.training for record in found.items]
    more = found.next is not None or len(newest) > NEWEST
    return {"trainings": newest[:NEWEST], "strip": newest[::-1], "more": more}


async def _hooks(page: Page, project: Project) -> tuple[Hook, ...]:
    """Those who may not change a project are not told of its hooks."""
    if not can(page.viewer, Action.CHANGE, owner_id=project.owner_id):
        return ()
    return (await page.context.hooks.page(page.viewer, project.name, PageRequest(NEWEST))).items


async def _best(page: Page, project: Project) -> list[Best]:
    """Without a storage there is nowhere to write summaries to."""
    if not project.spec.run.storage:
        return []
    return best_of(await page.context.metrics.newest(project.id), project.spec.metric)


def _body(project: Project) -> dict[str, Any]:
    """What a start has to give: a value for each parameter that is needed and has no default."""
    return {"params": dict.fromkeys(asked, "…")} if (asked := needed(project.spec)) else {}


_DONE = {
    "made": "The project is there. Start it when you like.",
    "saved": "Saved. Trainings that start from now on use it.",
    "cloned": "This is the clone; change what should be different.",
    "cloned-timed": "This is the clone, and its schedule is paused: change what should be different, then resume it.",
}
