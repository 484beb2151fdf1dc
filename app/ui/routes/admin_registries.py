"""Logins for pulling images. A password goes in and is never shown."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from app.errors import Conflict, InvalidInput, TaasError
from app.ui.admin import admins_only, show_admin, taken
from app.ui.fields import Sent
from app.ui.page import Page, Shown, to

router = APIRouter(prefix="/admin")


@router.get("/registries")
async def registries_page(page: Shown, done: str = "") -> Response:
    admins_only(page)
    found = await page.context.registries.page(page.viewer, page.paged())
    values = {"registries": found.items, "next_cursor": page.cursor(found.next), "done": _DONE.get(done, "")}
    return show_admin(page, "registries", "admin_registries", values)


@router.get("/new/registry")
async def new_registry(page: Shown) -> Response:
    return _new(page, {"name": "", "host": "", "username": ""})


@router.post("/registries")
async def create_registry(page: Shown) -> Response:
    sent = Sent(await page.request.form())
    form = {name: sent.text(name) for name in ("name", "host", "username")}
    try:
        await page.context.registries.create(page.viewer, **form, password=sent.raw("password"))
    except (InvalidInput, Conflict) as exc:
        return _new(page, form, taken(exc))
    return to("/admin/registries?done=made")


@router.get("/registries/{name}")
async def registry_page(page: Shown, name: str) -> Response:
    return await _one(page, name)


@router.post("/registries/{name}")
async def change_registry(page: Shown, name: str) -> Response:
    sent = Sent(await page.request.form())
    username, password = sent.text("username"), sent.raw("password")
    try:
        await page.context.registries.change(page.viewer, name, username=username, password=password or None)
    except InvalidInput as exc:
        return await _one(page, name, exc, username=username)
    return to("/admin/registries?done=saved")


@router.post("/registries/{name}/delete")
async def delete_registry(page: Shown, name: str) -> Response:
    await page.context.registries.delete(page.viewer, name)
    return to("/admin/registries?done=deleted")


def _new(page: Page, form: dict[str, str], exc: TaasError | None = None) -> Response:
    admins_only(page)
    return show_admin(page, "registries", "admin_registry_new", {"form": form}, exc)


async def _one(page: Page, name: str, exc: TaasError | None = None, **values: Any) -> Response:
    admins_only(page)
    registry = await page.context.registries.get(page.viewer, name)
    uses = await page.context.registries.projects(page.viewer, name, page.paged())
    shown = {
        "registry": registry,
        "uses": uses.items,
        "next_cursor": page.cursor(uses.next),
        "username": registry.username,
        **values,
    }
    return show_admin(page, "registries", "admin_registry", shown, exc)


_DONE = {
    "made": "Trainings that start from now on pull with this login.",
    "saved": "Saved. Trainings that start from now on pull with the new login.",
    "deleted": "The login is forgotten. Trainings that start from now on pull without it.",
}
