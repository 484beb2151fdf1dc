"""Storages: where trainings find data and leave logs and models. Each kind says which fields its form has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from app.domain.catalogue import Storage
from app.errors import Conflict, InvalidInput, NotFound, TaasError
from app.k8s.manifests.storages import StorageKind
from app.ui.admin import admins_only, show_admin, taken
from app.ui.fields import Sent
from app.ui.page import Page, Shown, to

router = APIRouter(prefix="/admin")


@router.get("/storages")
async def storages_page(page: Shown, done: str = "") -> Response:
    found = await page.context.storages.page(page.viewer, page.paged())
    values = {
        "storages": found.items,
        "next_cursor": page.cursor(found.next),
        "kinds": {kind.name: kind for kind in page.context.storages.kinds()},
        "done": _DONE.get(done, ""),
    }
    return show_admin(page, "storages", "admin_storages", values)


@router.get("/new/storage")
async def new_storage(page: Shown, kind: str = "") -> Response:
    chosen = _kind(page, kind) if kind else page.context.storages.kinds()[0]
    return _form(page, chosen, {"name": "", "is_default": False, "config": {}})


@router.post("/storages")
async def create_storage(page: Shown) -> Response:
    sent = Sent(await page.request.form())
    kind = _kind(page, sent.text("kind"))
    form = _sent(kind, sent) | {"name": sent.text("name")}
    try:
        await page.context.storages.create(page.viewer, kind=kind.name, **form)
    except (InvalidInput, Conflict) as exc:
        return _form(page, kind, form, taken(exc))
    return to("/admin/storages?done=made")


@router.get("/storages/{name}")
async def storage_page(page: Shown, name: str) -> Response:
    storage = await page.context.storages.get(page.viewer, name)
    form = {"is_default": storage.is_default, "config": storage.config}
    return _form(page, _kind(page, storage.kind), form, storage=storage)


@router.post("/storages/{name}")
async def change_storage(page: Shown, name: str) -> Response:
    storage = await page.context.storages.get(page.viewer, name)
    kind = _kind(page, storage.kind)
    form = _sent(kind, Sent(await page.request.form()))
    try:
        await page.context.storages.change(page.viewer, name, **form)
    except InvalidInput as exc:
        return _form(page, kind, form, exc, storage=storage)
    return to("/admin/storages?done=saved")


@router.post("/storages/{name}/delete")
async def delete_storage(page: Shown, name: str) -> Response:
    try:
        await page.context.storages.delete(page.viewer, name)
    except Conflict as exc:
        storage = await page.context.storages.get(page.viewer, name)
        form = {"is_default": storage.is_default, "config": storage.config}
        return _form(page, _kind(page, storage.kind), form, exc, storage=storage)
    return to("/admin/storages?done=deleted")


def _kind(page: Page, name: str) -> StorageKind:
    for kind in page.context.storages.kinds():
        if kind.name == name:
            return kind
    raise NotFound(f"There is no kind of storage named {name}.")


def _sent(kind: StorageKind, sent: Sent) -> dict[str, Any]:
    """What the form says; fields that were left empty are no settings."""
    config: dict[str, Any] = {}
    for setting in kind.settings:
        text = sent.text(f"config.{setting.name}")
        if text:
            config[setting.name] = [line.strip() for line in text.splitlines()] if setting.many else text
    return {"is_default": bool(sent.text("is_default")), "config": config}


def _form(
    page: Page,
    kind: StorageKind,
    form: Mapping[str, Any],
    exc: TaasError | None = None,
    storage: Storage | None = None,
) -> Response:
    if storage is None:
        admins_only(page)
    config = {name: "\n".join(value) if isinstance(value, list) else value for name, value in form["config"].items()}
    values = {
        "kind": kind,
        "kinds": page.context.storages.kinds(),
        "storage": storage,
        "form": {**form, "config": config},
    }
    return show_admin(page, "storages", "admin_storage", values, exc)


_DONE = {
    "made": "The storage can be chosen from now on.",
    "saved": "Saved. Trainings that start from now on use it so.",
    "deleted": "The storage is forgotten. What lies on it stays.",
}
