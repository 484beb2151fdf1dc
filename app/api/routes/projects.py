"""/projects: how and with what trainings run."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from app.api.deps import Ctx, Listing, Me, NamePath, Paged, TaskPath
from app.api.etags import IfMatch, etag
from app.api.idempotency import Made, Once
from app.api.problems import documented
from app.api.schemas.base import INT_MAX
from app.api.schemas.projects import CloneIn, ProjectIn, ProjectOut, ProjectPatch
from app.api.schemas.revisions import RevisionOut, RevisionSettingsOut
from app.api.schemas.trainings import (
    FitOut,
    FrozenOut,
    HandoverOut,
    PreviewOut,
    QueuePlaceOut,
    StartIn,
    TaskEnvironmentOut,
    TrainingOut,
)
from app.domain.project import Project, ProjectFilter
from app.services.manifests import shown

router = APIRouter(prefix="/projects", tags=["projects"])


@router.post("", status_code=201, responses=documented(409))
async def create_project(body: ProjectIn, response: Response, me: Me, context: Ctx) -> ProjectOut:
    """Make a project of an algorithm."""
    draft = body.draft(default_storage="storage" not in body.model_fields_set)
    project = await context.projects.create(me, draft)
    response.headers["Location"] = f"/api/v1/projects/{project.name}"
    return _answer(project, response)


@router.get("", responses=documented())
async def list_projects(
    me: Me,
    context: Ctx,
    paging: Paged,
    owner: Annotated[str | None, Query(max_length=100)] = None,
    tag: Annotated[str | None, Query(max_length=100)] = None,
    algorithm: Annotated[str | None, Query(max_length=63)] = None,
) -> Listing[ProjectOut]:
    """By name."""
    which = ProjectFilter(owner, tag, algorithm)
    return paging.listing(await context.projects.page(me, which, paging.request), ProjectOut.of)


@router.get("/{name}", responses=documented(404))
async def get_project(name: NamePath, response: Response, me: Me, context: Ctx) -> ProjectOut:
    """One project; its ETag is what a change has to send as If-Match."""
    return _answer(await context.projects.get(me, name), response)


@router.patch("/{name}", responses=documented(404, 412, 428))
async def change_project(
    name: NamePath, body: ProjectPatch, expected: IfMatch, response: Response, me: Me, context: Ctx
) -> ProjectOut:
    """Change what the body names; trainings that were started before keep what they froze."""
    return _answer(await context.projects.edit(me, name, expected.check, body.applied_to), response)


@router.delete("/{name}", status_code=204, responses=documented(404, 409, 412, 428))
async def delete_project(name: NamePath, expected: IfMatch, me: Me, context: Ctx) -> None:
    """Delete it; the records of its trainings stay."""
    await context.projects.delete(me, name, expected.check)


@router.post("/{name}/clone", status_code=201, responses=documented(404, 409))
async def clone_project(name: NamePath, body: CloneIn, response: Response, me: Me, context: Ctx) -> ProjectOut:
    """A new project of your own with the same settings. A timed one starts paused: resume it when it is as you like."""
    project = await context.projects.clone(me, name, body.name)
    response.headers["Location"] = f"/api/v1/projects/{project.name}"
    return _answer(project, response)


@router.post("/{name}/trainings", status_code=202, response_model=TrainingOut, responses=documented(404, 409))
async def start_training(name: NamePath, me: Me, context: Ctx, once: Once, body: StartIn | None = None) -> Response:
    """Queue a training. Its record is at the Location; `?wait=` there tells of every change."""

    async def start() -> Made:
        record = await context.launching.start(me, name, (body or StartIn()).request())
        return Made(TrainingOut.of(record), 202, {"Location": f"/api/v1/trainings/{record.training.id}"})

    return await once.answer(start)


@router.post("/{name}/preview", responses=documented(404))
async def preview_training(name: NamePath, me: Me, context: Ctx, body: StartIn | None = None) -> PreviewOut:
    """The exact objects that a start with this body would make, and whether it would find room; nothing is made."""
    request = (body or StartIn()).request()
    preview = await context.launching.preview(me, name, request)
    outlook = await context.outlooks.of(me, name, request)
    return PreviewOut(
        namespace=preview.objects.namespace["metadata"]["name"],
        items=shown(preview.objects),
        number=preview.training.number,
        spec=FrozenOut.of(preview.training.spec),
        fit=FitOut.model_validate(outlook.fit),
        queue=QueuePlaceOut.model_validate(outlook.queue),
        handover=HandoverOut.model_validate(preview.handover) if preview.handover else None,
    )


@router.post("/{name}/preview/tasks/{task}", responses=documented(404))
async def preview_task_environment(
    name: NamePath, task: TaskPath, me: Me, context: Ctx, body: StartIn | None = None
) -> TaskEnvironmentOut:
    """What one task (such as worker-0) would be told by a start with this body, its TF_CONFIG among it."""
    env = await context.outlooks.environment(me, name, (body or StartIn()).request(), task)
    return TaskEnvironmentOut(task=str(task), env=dict(env))


@router.get("/{name}/revisions", responses=documented(404))
async def list_project_revisions(name: NamePath, me: Me, context: Ctx, paging: Paged) -> Listing[RevisionOut]:
    """The history of its settings, the newest first: who changed which field from what to what."""
    return paging.listing(await context.revisions.page(me, name, paging.request), RevisionOut.of)


@router.get("/{name}/revisions/{number}", responses=documented(404))
async def get_project_revision(
    name: NamePath, number: Annotated[int, Path(ge=1, le=INT_MAX)], me: Me, context: Ctx
) -> RevisionSettingsOut:
    """The settings as one revision had them; secrets are never kept there."""
    return RevisionSettingsOut.of(await context.revisions.get(me, name, number))


def _answer(project: Project, response: Response) -> ProjectOut:
    response.headers["ETag"] = etag(project.revision)
    return ProjectOut.of(project)
