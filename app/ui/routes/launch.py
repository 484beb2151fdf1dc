"""Starting a project: at once, or with changes for this time, after a look at what the cluster would be asked for."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response

from app.domain.access import Action, can
from app.domain.project import Project
from app.errors import InvalidInput, NotAllowed, TaasError
from app.services.freeze import LaunchRequest
from app.services.manifests import shown
from app.ui import launch_form
from app.ui.fields import Sent
from app.ui.manifests import documents_of
from app.ui.page import Page, Shown, field_errors, to
from app.ui.project_form import ProjectForm, as_sent
from app.ui.routes.project_forms import FIELDS_MAX
from app.ui.routes.projects import show_project

router = APIRouter()

Name = Annotated[str, Path(max_length=63)]


@router.post("/projects/{name}/start")
async def start(page: Shown, name: Name) -> Response:
    try:
        record = await page.context.launching.start(page.viewer, name, LaunchRequest())
    except InvalidInput as exc:
        return await show_project(page, name, exc=exc, problem=exc.detail)
    return to(f"/trainings/{record.training.id}")


@router.get("/projects/{name}/launch")
async def launch_form_page(page: Shown, name: Name) -> Response:
    project = await page.context.projects.get(page.viewer, name)
    if not can(page.viewer, Action.CHANGE, owner_id=project.owner_id):
        raise NotAllowed(f"{name} belongs to {project.owner}; only they and admins may start it. You may clone it.")
    return await _show(page, project, launch_form.of_project(project))


@router.post("/projects/{name}/launch")
async def launch(page: Shown, name: Name) -> Response:
    project = await page.context.projects.get(page.viewer, name)
    data = await page.request.form(max_fields=FIELDS_MAX)
    sent = Sent(data)
    try:
        record = await page.context.launching.start(page.viewer, name, launch_form.request_of(sent, project))
    except InvalidInput as exc:
        return await _show(page, project, as_sent(sent, data.multi_items()), exc, param_values=_params(sent))
    return to(f"/trainings/{record.training.id}")


@router.post("/projects/{name}/preview")
async def preview(page: Shown, name: Name) -> Response:
    project = await page.context.projects.get(page.viewer, name)
    data = await page.request.form(max_fields=FIELDS_MAX)
    sent = Sent(data)
    form = as_sent(sent, data.multi_items())
    params = _params(sent)
    try:
        found = await page.context.launching.preview(page.viewer, name, launch_form.request_of(sent, project))
    except InvalidInput as exc:
        return await _show(page, project, form, exc, param_values=params)
    return await _show(page, project, form, param_values=params, documents=documents_of(shown(found.objects)))


async def _show(
    page: Page, project: Project, form: ProjectForm, exc: TaasError | None = None, **values: Any
) -> Response:
    errors = field_errors(exc) if exc else {}
    given = {
        "project": project,
        "form": form,
        "handover": await page.context.launching.handover(page.viewer, project.name),
        "params": launch_form.params_asked(tuple(form.args)),
        "param_values": {},
        "documents": [],
        "errors": errors,
        "problem": exc.detail if exc and not errors else "",
        **values,
    }
    return page.show("launch", given, exc.status if exc else 200)


def _params(sent: Sent) -> dict[str, str]:
    return dict(zip(sent.all("param_name"), sent.all("param_value"), strict=False))
