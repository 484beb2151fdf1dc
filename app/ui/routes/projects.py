"""Projects: the list, the form, the page, cloning and deleting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Query
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.domain.access import Action, can
from app.domain.paging import PageRequest
from app.domain.project import ROLE_ORDER, Project, ProjectFilter
from app.domain.record import TrainingFilter
from app.errors import Conflict, InvalidInput, NotAllowed, PreconditionFailed, TaasError
from app.ui import project_form
from app.ui.fields import Sent
from app.ui.launch_form import params_asked
from app.ui.live import Frame, frames
from app.ui.page import Page, Shown, field_errors, to
from app.ui.project_form import ProjectForm
from app.ui.render import render

router = APIRouter()

Name = Annotated[str, Path(max_length=63)]
FIELDS_MAX = 5000
NEWEST = 10


@router.get("/projects")
async def list_projects(page: Shown, tag: str = "") -> Response:
    found = await page.context.projects.page(page.viewer, ProjectFilter(tag=tag or None), page.paged())
    has_algorithms = bool((await page.context.algorithms.page(page.viewer, PageRequest(1))).items)
    values = {
        "projects": found.items,
        "next_cursor": page.cursor(found.next),
        "tag": tag,
        "has_algorithms": has_algorithms,
    }
    return page.show("projects", values)


@router.get("/new/project")
async def new_project(page: Shown, algorithm: Annotated[str, Query(max_length=63)] = "") -> Response:
    if not can(page.viewer, Action.CREATE):
        raise NotAllowed("Viewers cannot make projects. Ask an admin to make you a member.")
    default = await page.context.storages.default()
    return await _form(page, None, project_form.blank(algorithm, default.name if default else ""))


@router.post("/projects")
async def make_project(page: Shown) -> Response:
    data = await page.request.form(max_fields=FIELDS_MAX)
    sent = Sent(data)
    try:
        project = await page.context.projects.create(page.viewer, project_form.draft_of(sent))
    except (InvalidInput, Conflict) as exc:
        return await _form(page, None, project_form.as_sent(sent, data.multi_items()), exc)
    return to(f"/projects/{project.name}?done=made")


@router.get("/projects/{name}")
async def project_page(page: Shown, name: Name, done: str = "") -> Response:
    return await show_project(page, name, done=_DONE.get(done, ""))


@router.get("/projects/{name}/edit")
async def edit_project(page: Shown, name: Name) -> Response:
    project = await page.context.projects.get(page.viewer, name)
    if not can(page.viewer, Action.CHANGE, owner_id=project.owner_id):
        raise NotAllowed(f"{name} belongs to {project.owner}; only they and admins may do this. You may clone it.")
    return await _form(page, project, project_form.of_project(project))


@router.post("/projects/{name}/edit")
async def save_project(page: Shown, name: Name) -> Response:
    project = await page.context.projects.get(page.viewer, name)
    data = await page.request.form(max_fields=FIELDS_MAX)
    sent = Sent(data)
    try:
        draft = project_form.draft_of(sent)
        await page.context.projects.edit(
            page.viewer,
            name,
            _seen(sent.integer("revision", "/revision")),
            lambda current: replace(draft, schedule=current.spec.schedule),
        )
    except (InvalidInput, PreconditionFailed) as exc:
        shown = project_form.as_sent(sent, data.multi_items(), project.secret_names)
        return await _form(page, project, shown, exc)
    return to(f"/projects/{name}?done=saved")


@router.post("/projects/{name}/clone")
async def clone_project(
    page: Shown, name: Name, new: Annotated[str, Form(alias="name", max_length=500)] = ""
) -> Response:
    try:
        project = await page.context.projects.clone(page.viewer, name, new.strip().replace("\0", ""))
    except (InvalidInput, Conflict) as exc:
        errors = field_errors(exc) or {"/name": exc.detail}
        return await show_project(page, name, exc=exc, errors=errors, clone_name=new)
    return to(f"/projects/{project.name}?done=cloned")


@router.post("/projects/{name}/delete")
async def delete_project(page: Shown, name: Name) -> Response:
    try:
        await page.context.projects.delete(page.viewer, name, _seen(None))
    except Conflict as exc:
        return await show_project(page, name, exc=exc, problem=exc.detail)
    return to("/projects")


@router.get("/live/projects/{name}", response_class=EventSourceResponse)
async def project_live(page: Shown, name: Name) -> AsyncIterator[ServerSentEvent]:
    project = await page.context.projects.get(page.viewer, name)

    async def look() -> Frame:
        values = {"project": project, **await _trainings(page, project)}
        return Frame({"project-trainings": render("parts/project_trainings.html", values)})

    async for message in frames(page, look, channel="trainings"):
        yield message


def _seen(revision: int | None) -> Callable[[int], None]:
    """Refuses to write over a revision that the form did not show; None: whatever is there."""

    def check(current: int) -> None:
        if revision is not None and revision != current:
            detail = (
                f"Somebody saved revision {current} meanwhile; this form shows {revision}. Open it again to see it."
            )
            raise PreconditionFailed(detail)

    return check


async def show_project(page: Page, name: str, *, exc: TaasError | None = None, **values: Any) -> Response:
    """A project's page, also as the answer to something on it that was refused."""
    project = await page.context.projects.get(page.viewer, name)
    shown = {
        "project": project,
        "params": params_asked(project.spec.run.args),
        "may_change": can(page.viewer, Action.CHANGE, owner_id=project.owner_id),
        "clone_name": "",
        **await _trainings(page, project),
        **values,
    }
    return page.show("project", shown, exc.status if exc else 200)


async def _trainings(page: Page, project: Project) -> dict[str, Any]:
    which = TrainingFilter(project=project.name)
    found = await page.context.trainings.page(page.viewer, which, PageRequest(NEWEST))
    return {"trainings": [record.training for record in found.items], "more": found.next is not None}


async def _form(page: Page, project: Project | None, form: ProjectForm, exc: TaasError | None = None) -> Response:
    algorithms = await page.context.algorithms.page(page.viewer, PageRequest(200))
    images = await page.context.images.page(page.viewer, PageRequest(200))
    storages = await page.context.storages.page(page.viewer, PageRequest(200))
    errors = field_errors(exc) if exc else {}
    values = {
        "project": project,
        "form": form,
        "algorithms": [one.name for one in algorithms.items],
        "images": images.items,
        "storages": [one.name for one in storages.items],
        "role_names": ROLE_ORDER,
        "role_hints": project_form.ROLE_HINTS,
        "errors": errors,
        "problem": exc.detail if exc and not errors else "",
    }
    return page.show("project_form", values, exc.status if exc else 200)


_DONE = {
    "made": "The project is there. Start it when you like.",
    "saved": "Saved. Trainings that start from now on use it.",
    "cloned": "This is the clone; change what should be different.",
}
