"""Starting a project: at once, or with changes for this time, after a look at what would become of it."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, Response

from app.domain.access import Action, can
from app.domain.paging import PageRequest
from app.domain.project import Project
from app.domain.record import TrainingFilter
from app.errors import InvalidInput, NotAllowed, NotFound, TaasError
from app.services.freeze import LaunchRequest
from app.services.launch_body import like
from app.services.manifests import shown
from app.ui import launch_form
from app.ui.fields import Sent
from app.ui.launch_view import Told, command, outlook_of, told_of
from app.ui.manifests import documents_of
from app.ui.page import Page, Shown, field_errors, to
from app.ui.param_form import Typed, inputs_of, typed_as, typed_in
from app.ui.project_form import ProjectForm, as_sent
from app.ui.render import partial, render
from app.ui.routes.project_forms import FIELDS_MAX
from app.ui.routes.projects import show_project

router = APIRouter()

Name = Annotated[str, Path(max_length=63)]
RECENT = 5


@router.post("/projects/{name}/start")
async def start(page: Shown, name: Name) -> Response:
    try:
        record = await page.context.launching.start(page.viewer, name, LaunchRequest())
    except InvalidInput as exc:
        return await show_project(page, name, exc=exc, problem=exc.detail)
    return to(f"/trainings/{record.training.id}")


@router.get("/projects/{name}/launch")
async def launch_form_page(
    page: Shown, name: Name, like_id: Annotated[UUID | None, Query(alias="like")] = None
) -> Response:
    project = await page.context.projects.get(page.viewer, name)
    if not can(page.viewer, Action.CHANGE, owner_id=project.owner_id):
        raise NotAllowed(f"{name} belongs to {project.owner}; only they and admins may start it. You may clone it.")
    if like_id is None:
        return await _show(page, project, launch_form.of_project(project), LaunchRequest())
    first = (await page.context.trainings.get(page.viewer, like_id)).training
    if first.project_id != project.id:
        raise NotFound(f"{first.project} #{first.number} is not a training of {name}.")
    request = like(first.spec, project)
    form = launch_form.of_request(project, request)
    notes = launch_form.differences(first.spec, project)
    return await _show(page, project, form, request, like=first, notes=notes, typed=typed_as(request.params))


@router.get("/trainings/{training_id}/again")
async def again(page: Shown, training_id: UUID) -> Response:
    """The form that starts the training's project as this training ran."""
    training = (await page.context.trainings.get(page.viewer, training_id)).training
    return to(f"/projects/{training.project}/launch?like={training_id}")


@router.post("/projects/{name}/launch")
async def launch(page: Shown, name: Name) -> Response:
    project, sent, form = await _sent(page, name)
    try:
        record = await page.context.launching.start(page.viewer, name, launch_form.request_of(sent, project))
    except InvalidInput as exc:
        return await _show(page, project, form, None, exc, typed=typed_in(sent))
    return to(f"/trainings/{record.training.id}")


@router.post("/projects/{name}/outlook")
async def outlook(page: Shown, name: Name) -> Response:
    """Whether what the form says would find room, told while it is written; without script, the whole form with it."""
    project, sent, form = await _sent(page, name)
    if not page.request.headers.get("hx-request"):
        return await _show(page, project, form, _request(sent, project), typed=typed_in(sent))
    values = await _outlook_values(page, project, _request(sent, project))
    command_again = partial("launch-curl", render("parts/launch_curl.html", values))
    return HTMLResponse(render("parts/launch_outlook.html", values) + command_again)


@router.post("/projects/{name}/told")
async def told(page: Shown, name: Name) -> Response:
    """What one task would be told by what the form says."""
    project, sent, form = await _sent(page, name)
    found = await told_of(page, project, _request(sent, project), sent.text("told_task"))
    if not page.request.headers.get("hx-request"):
        return await _show(page, project, form, _request(sent, project), told=found, typed=typed_in(sent))
    return HTMLResponse(render("parts/launch_told.html", {"told": found}))


@router.post("/projects/{name}/preview")
async def preview(page: Shown, name: Name) -> Response:
    project, sent, form = await _sent(page, name)
    try:
        request = launch_form.request_of(sent, project)
        found = await page.context.launching.preview(page.viewer, name, request)
    except InvalidInput as exc:
        return await _show(page, project, form, None, exc, typed=typed_in(sent))
    return await _show(page, project, form, request, typed=typed_in(sent), documents=documents_of(shown(found.objects)))


async def _sent(page: Page, name: str) -> tuple[Project, Sent, ProjectForm]:
    project = await page.context.projects.get(page.viewer, name)
    data = await page.request.form(max_fields=FIELDS_MAX)
    sent = Sent(data)
    return project, sent, as_sent(sent, data.multi_items())


def _request(sent: Sent, project: Project) -> LaunchRequest | InvalidInput:
    try:
        return launch_form.request_of(sent, project)
    except InvalidInput as exc:
        return exc


async def _outlook_values(page: Page, project: Project, request: LaunchRequest | InvalidInput | None) -> dict[str, Any]:
    return {
        "outlook": await outlook_of(page, project, request),
        "command": command(page, project, request) if isinstance(request, LaunchRequest) else "",
    }


async def _show(
    page: Page,
    project: Project,
    form: ProjectForm,
    request: LaunchRequest | InvalidInput | None,
    exc: TaasError | None = None,
    *,
    typed: Typed | None = None,
    **values: Any,
) -> Response:
    errors = field_errors(exc) if exc else {}
    recent = await page.context.trainings.page(page.viewer, TrainingFilter(project=project.name), PageRequest(RECENT))
    given = {
        "project": project,
        "form": form,
        "handover": await page.context.launching.handover(page.viewer, project.name),
        "params": inputs_of(project.spec, tuple(form.args), typed or Typed()),
        "room": await page.context.outlooks.room(page.viewer),
        "gpu": page.context.settings.gpu_resource,
        "recent": [record.training for record in recent.items if record.training.project_id == project.id],
        "like": None,
        "notes": [],
        "told": Told(),
        "documents": [],
        "errors": errors,
        "problem": exc.detail if exc and not errors else "",
        **await _outlook_values(page, project, request),
        **values,
    }
    return page.show("launch", given, exc.status if exc else 200)
