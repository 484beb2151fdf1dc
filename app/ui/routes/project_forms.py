"""A project's form: a new one and a changed one, and what its schedule would do, told while it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, Response

from app.domain import cron
from app.domain.access import Action, can
from app.domain.paging import PageRequest
from app.domain.project import ROLE_ORDER, Project
from app.domain.validate_schedule import check_schedule
from app.errors import Conflict, InvalidInput, NotAllowed, NotFound, PreconditionFailed, TaasError
from app.ui import project_form, schedule_view
from app.ui.fields import Sent
from app.ui.page import Page, Shown, field_errors, to
from app.ui.project_form import ProjectForm
from app.ui.render import render
from app.ui.schedule_form import schedule_of
from app.ui.schedule_view import ScheduleView

router = APIRouter()

Name = Annotated[str, Path(max_length=63)]
FIELDS_MAX = 5000


@router.get("/new/project")
async def new_project(page: Shown, algorithm: Annotated[str, Query(max_length=63)] = "") -> Response:
    if not can(page.viewer, Action.CREATE):
        raise NotAllowed("Viewers cannot make projects. Ask an admin to make you a member.")
    default = await page.context.storages.default()
    return await _form(page, None, project_form.blank(algorithm, default.name if default else "", page.zone.key))


@router.post("/projects")
async def make_project(page: Shown) -> Response:
    data = await page.request.form(max_fields=FIELDS_MAX)
    sent = Sent(data)
    try:
        project = await page.context.projects.create(page.viewer, project_form.draft_of(sent))
    except (InvalidInput, Conflict) as exc:
        return await _form(page, None, project_form.as_sent(sent, data.multi_items()), exc)
    return to(f"/projects/{project.name}?done=made")


@router.get("/projects/{name}/edit")
async def edit_project(page: Shown, name: Name) -> Response:
    project = await page.context.projects.get(page.viewer, name)
    if not can(page.viewer, Action.CHANGE, owner_id=project.owner_id):
        raise NotAllowed(f"{name} belongs to {project.owner}; only they and admins may do this. You may clone it.")
    return await _form(page, project, project_form.of_project(project, page.zone.key))


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
            seen(sent.integer("revision", "/revision")),
            lambda _: draft,
        )
    except (InvalidInput, PreconditionFailed) as exc:
        shown = project_form.as_sent(sent, data.multi_items(), project.secret_names)
        return await _form(page, project, shown, exc)
    return to(f"/projects/{name}?done=saved")


@router.post("/schedule/preview")
async def preview_schedule(page: Shown) -> Response:
    """What the schedule in a project's form would do; without script, the whole form with it."""
    data = await page.request.form(max_fields=FIELDS_MAX)
    sent = Sent(data)
    if page.request.headers.get("hx-request"):
        values = {"preview": await _preview(page, sent)}
        return HTMLResponse(render("parts/schedule_preview.html", values))
    project = await page.context.projects.get(page.viewer, sent.text("name")) if sent.text("revision") else None
    form = project_form.as_sent(sent, data.multi_items(), project.secret_names if project else ())
    return await _form(page, project, form)


def seen(revision: int | None) -> Callable[[int], None]:
    """Refuses to write over a revision that the form did not show; None: whatever is there."""

    def check(current: int) -> None:
        if revision is not None and revision != current:
            detail = (
                f"Somebody saved revision {current} meanwhile; this form shows {revision}. Open it again to see it."
            )
            raise PreconditionFailed(detail)

    return check


async def _preview(page: Page, sent: Sent) -> ScheduleView | None:
    """None for what has no schedule. The project that it may be of already lends its history."""
    schedule = schedule_of(sent)
    if schedule is None:
        return None
    if sent.errors:
        others = [error for error in check_schedule(schedule) if not sent.is_wrong(error.pointer)]
        return schedule_view.refused([*sent.errors, *others])
    service = page.context.schedule_previews
    try:
        if not sent.text("revision"):
            return schedule_view.view_of(schedule, service.of_schedule(page.viewer, schedule))
        return schedule_view.view_of(schedule, await service.of_project(page.viewer, sent.text("name"), schedule))
    except InvalidInput as exc:
        return schedule_view.refused(exc.errors)
    except NotFound:  # it was deleted while the form was open
        return schedule_view.view_of(schedule, service.of_schedule(page.viewer, schedule))


async def _form(
    page: Page,
    project: Project | None,
    form: ProjectForm,
    exc: TaasError | None = None,
) -> Response:
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
        "zones": sorted(cron.zones()),
        "preview": await _preview(page, form.sent()),
        "errors": errors,
        "problem": exc.detail if exc and not errors else "",
    }
    return page.show("project_form", values, exc.status if exc else 200)
