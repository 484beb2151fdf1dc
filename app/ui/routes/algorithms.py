"""Algorithms: the list, uploads, versions and their code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Path
from fastapi.responses import Response

from app.domain.access import Action, can
from app.domain.algorithm import Algorithm, Version
from app.domain.paging import LARGEST, PageRequest
from app.domain.project import ProjectFilter
from app.domain.record import TrainingFilter
from app.errors import Conflict, InvalidInput, NotAllowed, TaasError, TooLarge
from app.services.uploads import upload_of
from app.ui.commands import of_upload
from app.ui.highlight import code
from app.ui.page import Page, Shown, field_errors, to
from app.ui.tree import first_to_show, tree_of

router = APIRouter()

Name = Annotated[str, Path(max_length=63)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
SHOWN_BYTES = 400_000
RUNS_SHOWN = 10


@router.get("/algorithms")
async def list_algorithms(page: Shown) -> Response:
    found = await page.context.algorithms.page(page.viewer, page.paged())
    return page.show("algorithms", {"algorithms": found.items, "next_cursor": page.cursor(found.next)})


@router.get("/new/algorithm")
async def new_algorithm(page: Shown) -> Response:
    if not can(page.viewer, Action.CREATE):
        raise NotAllowed("Viewers cannot upload algorithms. Ask an admin to make you a member.")
    return _form(page, None)


@router.post("/algorithms")
async def upload_algorithm(page: Shown) -> Response:
    upload = upload_of(page.request)
    try:
        algorithm, _ = await page.context.algorithms.create(page.viewer, upload)
    except (InvalidInput, Conflict, TooLarge) as exc:
        return _form(page, None, exc, upload.fields)
    return to(f"/algorithms/{algorithm.name}/versions/1?done=new")


@router.get("/algorithms/{name}")
async def algorithm_page(page: Shown, name: Name) -> Response:
    return await _algorithm(page, name)


@router.post("/algorithms/{name}")
async def describe_algorithm(
    page: Shown, name: Name, description: Annotated[str, Form(max_length=20_000)] = ""
) -> Response:
    try:
        await page.context.algorithms.describe(page.viewer, name, description)
    except InvalidInput as exc:
        return await _algorithm(page, name, exc)
    return to(f"/algorithms/{name}")


@router.post("/algorithms/{name}/delete")
async def delete_algorithm(page: Shown, name: Name) -> Response:
    try:
        await page.context.algorithms.delete(page.viewer, name)
    except Conflict as exc:
        return await _algorithm(page, name, exc)
    return to("/algorithms")


@router.get("/algorithms/{name}/versions/new")
async def new_version(page: Shown, name: Name) -> Response:
    algorithm = await page.context.algorithms.get(page.viewer, name)
    if not can(page.viewer, Action.CHANGE, owner_id=algorithm.owner_id):
        raise NotAllowed(f"Algorithm {name} belongs to {algorithm.owner}: only they and admins may change it.")
    return _form(page, algorithm)


@router.post("/algorithms/{name}/versions")
async def upload_version(page: Shown, name: Name) -> Response:
    algorithm = await page.context.algorithms.get(page.viewer, name)
    try:
        version, is_new = await page.context.algorithms.add_version(page.viewer, name, upload_of(page.request))
    except (InvalidInput, TooLarge) as exc:
        return _form(page, algorithm, exc)
    return to(f"/algorithms/{name}/versions/{version.number}?done={'new' if is_new else 'same'}")


@router.get("/algorithms/{name}/versions/{number}")
async def version_page(page: Shown, name: Name, number: Number, file: str = "", done: str = "") -> Response:
    service = page.context.algorithms
    algorithm = await service.get(page.viewer, name)
    version = await service.version(page.viewer, name, number)
    files = await service.files(page.viewer, name, number)
    open_path = file or first_to_show(files)
    raw = f"/api/v1/algorithms/{name}/versions/{number}"
    values = {
        "algorithm": algorithm,
        "version": version,
        "tree": tree_of(files),
        **await _uses(page, algorithm, version),
        "open_path": open_path,
        "archive_url": f"{raw}/archive",
        "done": _DONE.get(done, ""),
        "shown": None,
        "why_nothing": "Choose a file on the left.",
    }
    if open_path:
        values |= await _shown(page, name, number, open_path)
    return page.show("version", values)


async def _uses(page: Page, algorithm: Algorithm, version: Version) -> dict[str, Any]:
    """Which projects would start this version now, and which trainings ran it."""
    users = await page.context.projects.page(page.viewer, ProjectFilter(algorithm=algorithm.name), PageRequest(LARGEST))
    which = TrainingFilter(algorithm=algorithm.name, version=version.number)
    ran = await page.context.trainings.page(page.viewer, which, PageRequest(RUNS_SHOWN))
    return {
        "users": [one for one in users.items if (one.spec.version or algorithm.latest) == version.number],
        "runs": [record.training for record in ran.items],
        "more_runs": ran.next is not None,
    }


async def _shown(page: Page, name: str, number: int, path: str) -> dict[str, Any]:
    view = await page.context.algorithms.view(page.viewer, name, number, path, SHOWN_BYTES)
    if view.text is None:
        return {"why_nothing": f"{path} is not a text file. Download it to look inside."}
    shown = {
        "path": path,
        "size": view.entry.size,
        "cut": SHOWN_BYTES if view.cut else 0,
        "html": code(view.text, filename=path.rpartition("/")[2]),
        "raw_url": f"/api/v1/algorithms/{name}/versions/{number}/files/{quote(path)}",
    }
    return {"shown": shown}


async def _algorithm(page: Page, name: str, exc: TaasError | None = None) -> Response:
    algorithm = await page.context.algorithms.get(page.viewer, name)
    versions = await page.context.algorithms.versions(page.viewer, name, page.paged(50))
    values = {
        "algorithm": algorithm,
        "versions": versions.items,
        "next_cursor": page.cursor(versions.next),
        "may_change": can(page.viewer, Action.CHANGE, owner_id=algorithm.owner_id),
        "users": (
            await page.context.projects.page(page.viewer, ProjectFilter(algorithm=name), PageRequest(LARGEST))
        ).items,
        "problem": exc.detail if exc else "",
    }
    return page.show("algorithm", values, exc.status if exc else 200)


def _form(
    page: Page, algorithm: Algorithm | None, exc: TaasError | None = None, typed: Mapping[str, str] | None = None
) -> Response:
    """The form of an upload; `typed`: what was written into it before it was refused."""
    errors = field_errors(exc) if exc else {}
    values = {
        "algorithm": algorithm,
        "form": {"name": "", "description": "", **(typed or {})},
        "errors": errors,
        "problem": exc.detail if exc and not errors else "",
        "max_bytes": page.context.settings.upload_max_bytes,
        "commands": of_upload(page, algorithm.name if algorithm else None),
    }
    return page.show("algorithm_new", values, exc.status if exc else 200)


_DONE = {
    "new": "Uploaded. Make a project of it to run it.",
    "same": "The content is the same as that of this version, so nothing new was stored.",
}
